-- Counts the end of one part of a chord, as Celery's workers do. Counting the same part again changes nothing.
-- KEYS: celery-taskset-meta-<group> with .j (the parts' ends), .t (parts added meanwhile), .s (how many), and without
-- ARGV: the end, its index or +inf, task id, how many where .s is not there or '', bytes of all ends at most
-- Answers {0: others are missing, 1: this was the last, 2: it was, and the ends are over the bound; then the ends, in
-- order, and how the results are arranged where groups are among them (GroupResult, as Celery stores it), or ''}.
redis.call('DEL', KEYS[1] .. ':') -- counting must work while memory is full: a command that frees goes first
local ordered = true
if ARGV[2] ~= '+inf' then
  -- Of a part that was run twice the later end counts.
  local same = redis.pcall('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[2])
  for _, member in ipairs(same) do
    if member ~= ARGV[1] and string.find(string.sub(member, 1, 300), '"' .. ARGV[3] .. '"', 1, true) then
      redis.call('ZREM', KEYS[1], member)
    end
  end
end
local added = redis.pcall('ZADD', KEYS[1], ARGV[2], ARGV[1])
local count
if type(added) == 'number' then
  count = redis.call('ZCARD', KEYS[1])
else -- result_chord_ordered = False
  ordered = false
  local known = redis.call('LRANGE', KEYS[1], 0, -1)
  local there = false
  for _, member in ipairs(known) do there = there or member == ARGV[1] end
  if not there then redis.call('RPUSH', KEYS[1], ARGV[1]) end
  count = redis.call('LLEN', KEYS[1])
end
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], 86400) end
local size = tonumber(redis.call('GET', KEYS[3]) or ARGV[4])
-- A group at the end of a chain of the header is sent later, and Celery's workers then note its own size as the chord's.
local function endsIn(result)
  if type(result) ~= 'table' or type(result[2]) ~= 'table' then return 1 end
  local sum = 0
  for _, child in ipairs(result[2]) do sum = sum + endsIn(child) end
  return sum
end
local arranged = redis.pcall('GET', KEYS[4])
if type(arranged) ~= 'string' then arranged = '' end
if arranged ~= '' and (not size or count >= size) then
  local read, header = pcall(cjson.decode, arranged)
  if read and type(header) == 'table' and type(header.result) == 'table' then size = endsIn(header.result) end
end
if not size or count ~= size + (tonumber(redis.call('GET', KEYS[2]) or 0) or 0) then return {0} end
local ends = ordered and redis.call('ZRANGE', KEYS[1], 0, -1) or redis.call('LRANGE', KEYS[1], 0, -1)
local bytes = 0
for _, member in ipairs(ends) do bytes = bytes + #member end
if bytes > tonumber(ARGV[5]) then return {2} end
return {1, ends, arranged}
