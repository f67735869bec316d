-- Tells which entries are still in the queue. ARGV: epoch; then the sequence of each.
-- Gives OK, then 1 or 0 for each.
if wiped() then return { 'EPOCH' } end
local answer = { 'OK' }
for index = 2, #ARGV do
  answer[index] = redis.call('HEXISTS', SIZES, ARGV[index])
end
return answer
