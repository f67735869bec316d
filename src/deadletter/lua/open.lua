-- Begins a session: makes what is missing and tells what there is.
-- ARGV: the epoch known so far, group, an epoch to take where there is none, the highest sequence seen.
-- Gives OK, the epoch, whether it is new, how many groups were made, the sequence.
local known, group, fresh, seen = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local function fact(list, name)
  for index = 1, #list, 2 do
    if list[index] == name then return list[index + 1] end
  end
end

local function has_group(key)
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  if groups.err then return false end
  for _, one in ipairs(groups) do
    if fact(one, 'name') == group then return true end
  end
  return false
end

local sequence = counter('sequence')
for _, keys in ipairs({ QUEUE, LETTERS }) do
  for _, key in pairs(keys) do
    local stream = redis.pcall('XINFO', 'STREAM', key)
    if not stream.err then
      sequence = math.max(sequence, tonumber(string.match(fact(stream, 'last-generated-id'), '^%d+')))
    end
  end
end

local epoch = redis.call('HGET', META, 'epoch')
-- An earlier state of the same history: what came after it is lost, and its numbers must not be given again.
local went_back = epoch == known and sequence < seen
local made = 0
if not epoch or went_back then
  epoch = fresh
  made = 1
  if went_back then sequence = seen end
  redis.call('HSET', META, 'epoch', epoch)
end
if sequence > counter('sequence') then redis.call('HSET', META, 'sequence', string.format('%.0f', sequence)) end

local groups = 0
for _, stream in ipairs(STREAMS) do
  if not has_group(QUEUE[stream]) then
    redis.call('XGROUP', 'CREATE', QUEUE[stream], group, '0', 'MKSTREAM')
    groups = groups + 1
  end
end
return { 'OK', epoch, made, groups, sequence }
