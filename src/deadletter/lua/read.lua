-- Reads what nobody has read. ARGV: epoch, owner, group, consumer, stream, count.
-- Gives OK, the sequence at this moment, the entries, the tries of each; NOGROUP where the group is gone.
if wiped() then return { 'EPOCH' } end
if fenced(ARGV[2]) then return { 'FENCED' } end
local answer = redis.pcall('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', ARGV[6], 'STREAMS', QUEUE[ARGV[5]], '>')
if answer and answer.err then
  if string.find(answer.err, 'NOGROUP', 1, true) then return { 'NOGROUP' } end
  return answer
end
local entries, tries = with_tries(answer and answer[1][2] or {})
return { 'OK', counter('sequence'), entries, tries }
