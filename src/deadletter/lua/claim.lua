-- Takes over what was read and not settled, by whomever. ARGV: epoch, owner, group, consumer, stream, first id, count.
-- Gives OK, the id to go on from (0-0: none), the entries, the tries of each; NOGROUP where the group is gone.
if wiped() then return { 'EPOCH' } end
if fenced(ARGV[2]) then return { 'FENCED' } end
local claimed = redis.pcall('XAUTOCLAIM', QUEUE[ARGV[5]], ARGV[3], ARGV[4], 0, ARGV[6], 'COUNT', ARGV[7])
if claimed.err then
  if string.find(claimed.err, 'NOGROUP', 1, true) then return { 'NOGROUP' } end
  return claimed
end
-- When all is claimed, the names of those that had read it stand for nothing any more: every process leaves one.
if claimed[1] == '0-0' then
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', QUEUE[ARGV[5]], ARGV[3])) do
    local name, pending = consumer[2], consumer[4]
    if name ~= ARGV[4] and pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', QUEUE[ARGV[5]], ARGV[3], name)
    end
  end
end
local entries, tries = with_tries(claimed[2])
return { 'OK', claimed[1], entries, tries }
