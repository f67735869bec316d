-- Queues entries, all or none; never trims. Each gets the next number of the sequence that both streams share.
-- ARGV: epoch, most entries of a stream, most bytes of both, how many entries; then for each: stream, bytes, how many
-- names and values, the names and values.
-- Gives OK and the first number; or FULL and what is full.
if wiped() then return { 'EPOCH' } end
local most_entries, most_bytes, count = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local entries = { events = redis.call('XLEN', QUEUE.events), notifications = redis.call('XLEN', QUEUE.notifications) }
local bytes = counter('bytes:events') + counter('bytes:notifications')
local drafts, at = {}, 5
for index = 1, count do
  local stream, size, values = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  drafts[index] = { stream = stream, size = size, first = at + 3, last = at + 2 + values }
  entries[stream] = entries[stream] + 1
  bytes = bytes + size
  at = at + 3 + values
  if entries[stream] > most_entries then return { 'FULL', 'entries' } end
  if bytes > most_bytes then return { 'FULL', 'bytes' } end
end
local before = redis.call('HINCRBY', META, 'sequence', count) - count
for index, draft in ipairs(drafts) do
  local sequence = string.format('%.0f', before + index)
  redis.call('XADD', QUEUE[draft.stream], sequence .. '-0', unpack(ARGV, draft.first, draft.last))
  redis.call('HSET', SIZES, sequence, draft.size)
  redis.call('HINCRBY', META, 'bytes:' .. draft.stream, draft.size)
end
return { 'OK', before + 1 }
