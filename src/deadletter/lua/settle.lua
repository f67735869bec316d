-- Removes entries that are stored. ARGV: epoch, owner, group; then stream and sequence of each.
if wiped() then return { 'EPOCH' } end
if fenced(ARGV[2]) then return { 'FENCED' } end
for at = 4, #ARGV, 2 do
  remove(ARGV[3], ARGV[at], ARGV[at + 1])
end
return { 'OK' }
