-- One entry as it stands in the queue. ARGV: epoch, stream, sequence. Gives OK, entries (one or none), the tries of each.
if wiped() then return { 'EPOCH' } end
local id = ARGV[3] .. '-0'
local entries, tries = with_tries(redis.call('XRANGE', QUEUE[ARGV[2]], id, id))
return { 'OK', entries, tries }
