-- How much the queue holds. ARGV: epoch. Gives OK, the sequence, the lease's holder, and for each stream: entries, bytes,
-- dead letters, their bytes, when the first entry was queued.
if wiped() then return { 'EPOCH' } end
local answer = { 'OK', counter('sequence'), redis.call('GET', LEASE) or '' }
local queued = 0
for _, stream in ipairs(STREAMS) do
  local entries, letters = redis.call('XLEN', QUEUE[stream]), redis.call('XLEN', LETTERS[stream])
  local oldest = ''
  if entries > 0 then
    local fields = redis.call('XRANGE', QUEUE[stream], '-', '+', 'COUNT', 1)[1][2]
    for at = 1, #fields, 2 do
      if fields[at] == 'timestamp' then oldest = fields[at + 1] end
    end
  end
  -- An operator's XDEL leaves the counters behind; an empty stream holds nothing.
  if entries == 0 and counter('bytes:' .. stream) ~= 0 then redis.call('HDEL', META, 'bytes:' .. stream) end
  if letters == 0 and counter('dead_bytes:' .. stream) ~= 0 then redis.call('HDEL', META, 'dead_bytes:' .. stream) end
  queued = queued + entries
  local facts = { entries, counter('bytes:' .. stream), letters, counter('dead_bytes:' .. stream), oldest }
  for _, fact in ipairs(facts) do answer[#answer + 1] = fact end
end
if queued == 0 and redis.call('EXISTS', SIZES, TRIES) > 0 then redis.call('DEL', SIZES, TRIES) end
return answer
