-- Stands before every script. A script is done whole and alone, and its effects stand in the append-only file between one
-- MULTI and one EXEC: what an observer or a crash can see is all of it or nothing.
-- KEYS are the same for every script; ARGV[1] is the epoch that the caller knows.
local META, TRIES, LEASE, SIZES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local QUEUE = { events = KEYS[5], notifications = KEYS[6] }
local LETTERS = { events = KEYS[7], notifications = KEYS[8] }
local STREAMS = { 'events', 'notifications' }

local function wiped()
  return redis.call('HGET', META, 'epoch') ~= ARGV[1]
end

local function fenced(owner)
  return redis.call('GET', LEASE) ~= owner
end

local function counter(name)
  return tonumber(redis.call('HGET', META, name) or '0')
end

local function id_of(sequence)
  return string.format('%.0f-0', sequence)
end

-- Takes an entry out of its stream, and what is known of it; does nothing where it is gone already.
-- XACK comes first: a server without memory lets a script go on that has begun to write.
local function remove(group, stream, sequence)
  local id = sequence .. '-0'
  redis.call('XACK', QUEUE[stream], group, id)
  redis.call('XDEL', QUEUE[stream], id)
  redis.call('HDEL', TRIES, sequence)
  local size = redis.call('HGET', SIZES, sequence)
  if size then
    redis.call('HDEL', SIZES, sequence)
    redis.call('HINCRBY', META, 'bytes:' .. stream, '-' .. size)
  end
end

-- Entries without those that were removed while they were pending, and the tries of each.
local function with_tries(found)
  local entries, tries = {}, {}
  for _, entry in ipairs(found) do
    if entry and entry[2] then
      entries[#entries + 1] = entry
      tries[#tries + 1] = redis.call('HGET', TRIES, string.match(entry[1], '^%d+')) or ''
    end
  end
  return entries, tries
end

