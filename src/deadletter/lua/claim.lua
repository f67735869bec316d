-- Takes over what was read and not settled, by whomever. ARGV: epoch, owner, group, consumer, stream, first id, count.
-- Gives OK, the id to go on from (0-0: none), the entries, the tries of each; NOGROUP where the group is gone.
if wiped() then return { 'EPOCH' } end
if fenced(ARGV[2]) then return { 'FENCED' } end
local claimed = redis.pcall('XAUTOCLAIM', QUEUE[ARGV[5]], ARGV[3], ARGV[4], 0, ARGV[6], 'COUNT', ARGV[7])
if claimed.err then
  if string.find(claimed.err, 'NOGROUP', 1, true) then return { 'NOGROUP' } end
  return claimed
end
local entries, tries = with_tries(claimed[2])
return { 'OK', claimed[1], entries, tries }
