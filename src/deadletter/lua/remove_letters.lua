-- Removes dead letters, and takes their bytes from the counter: one script, so that the append-only file has both or neither.
--
-- KEYS: the meta hash, the dead letters of one stream. ARGV: the epoch expected, the field of the counter, ids.
-- Answers 1 for each id that was there, else 0.
local meta, letters = KEYS[1], KEYS[2]
local epoch, counter = ARGV[1], ARGV[2]
if redis.call('HGET', meta, 'epoch') ~= epoch then
  return redis.error_reply('EPOCH the queue is not the one that was known')
end
local removed = {}
local bytes = 0
for index = 3, #ARGV do
  local id = ARGV[index]
  local found = redis.call('XRANGE', letters, id, id)[1]
  if found then
    for _, text in ipairs(found[2]) do
      bytes = bytes + #text
    end
    redis.call('XDEL', letters, id)
  end
  removed[#removed + 1] = found and 1 or 0
end
if bytes > 0 then
  redis.call('HINCRBY', meta, counter, -bytes)
end
return removed
