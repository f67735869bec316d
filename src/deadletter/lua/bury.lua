-- Moves an entry to the dead letters, all of it or nothing.
-- ARGV: epoch, owner, group, stream, sequence, most letters of a stream, most bytes of both, how many letters; then for each:
-- `whole` or `own`, how many names and values, the names and values. `whole`: the entry's own stand before them.
-- Gives OK, also where the entry is gone already, or FULL.
if wiped() then return { 'EPOCH' } end
if fenced(ARGV[2]) then return { 'FENCED' } end
local group, stream, sequence = ARGV[3], ARGV[4], ARGV[5]
local most_letters, most_bytes, count = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local id = sequence .. '-0'
local entry = redis.call('XRANGE', QUEUE[stream], id, id)[1]
if not entry then
  remove(group, stream, sequence)
  return { 'OK' }
end

local letters, sizes, size, at = {}, {}, 0, 9
for index = 1, count do
  local letter, values = {}, tonumber(ARGV[at + 1])
  if ARGV[at] == 'whole' then letter = { unpack(entry[2]) } end
  for place = at + 2, at + 1 + values do letter[#letter + 1] = ARGV[place] end
  sizes[index] = 0
  for _, text in ipairs(letter) do sizes[index] = sizes[index] + #text end
  letters[index] = letter
  size = size + sizes[index]
  at = at + 2 + values
end
if redis.call('XLEN', LETTERS[stream]) + count > most_letters then return { 'FULL' } end
if counter('dead_bytes:events') + counter('dead_bytes:notifications') + size > most_bytes then return { 'FULL' } end

remove(group, stream, sequence)
for _, letter in ipairs(letters) do
  redis.call('XADD', LETTERS[stream], id_of(redis.call('HINCRBY', META, 'sequence', 1)), unpack(letter))
end
redis.call('HINCRBY', META, 'dead_bytes:' .. stream, size)
return { 'OK' }
