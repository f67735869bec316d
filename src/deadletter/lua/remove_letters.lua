-- Removes dead letters. ARGV: epoch, stream, sequences. Gives OK, then 1 for each that was there and 0 for each that was not.
if wiped() then return { 'EPOCH' } end
local stream, answer, size = ARGV[2], { 'OK' }, 0
for at = 3, #ARGV do
  local id = ARGV[at] .. '-0'
  local letter = redis.call('XRANGE', LETTERS[stream], id, id)[1]
  if letter then
    for _, text in ipairs(letter[2]) do size = size + #text end
    redis.call('XDEL', LETTERS[stream], id)
  end
  answer[#answer + 1] = letter and 1 or 0
end
if size > 0 then redis.call('HINCRBY', META, 'dead_bytes:' .. stream, -size) end
return answer
