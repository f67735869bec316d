-- Notes beside an entry how it failed. ARGV: epoch, owner, sequence, text.
if wiped() then return { 'EPOCH' } end
if fenced(ARGV[2]) then return { 'FENCED' } end
redis.call('HDEL', TRIES, ARGV[3]) -- first, for a server without memory
if redis.call('HEXISTS', SIZES, ARGV[3]) == 1 then redis.call('HSET', TRIES, ARGV[3], ARGV[4]) end
return { 'OK' }
