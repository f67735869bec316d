-- The lease of the one who drains. ARGV: epoch, owner, `take`, `renew` or `release`, milliseconds.
-- Gives OK and 1 where the owner holds it (or held it, for `release`), else 0.
if wiped() then return { 'EPOCH' } end
local owner, act, milliseconds = ARGV[2], ARGV[3], ARGV[4]
local holder = redis.call('GET', LEASE)
if holder and holder ~= owner then return { 'OK', 0 } end
if act == 'take' then
  -- DEL first: a server without memory lets a script go on that has begun to write, and draining is what frees memory.
  redis.call('DEL', LEASE)
  redis.call('SET', LEASE, owner, 'PX', milliseconds)
  return { 'OK', 1 }
end
if not holder then return { 'OK', 0 } end
if act == 'renew' then redis.call('PEXPIRE', LEASE, milliseconds) else redis.call('DEL', LEASE) end
return { 'OK', 1 }
