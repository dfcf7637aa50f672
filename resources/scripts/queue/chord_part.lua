-- SPDX-License-Identifier: GPL-3.0-or-later
-- Counts the end of one part of a chord, as Celery's workers do. Counting the same part again changes nothing.
-- need.lua comes before this.
-- KEYS: celery-taskset-meta-<group> with .j (the parts' ends), .t (parts added meanwhile), .s (how many), without, and
--       with .b (bytes of the ends that were counted here); q:o:<instance>, unacked
-- ARGV: the end, its index or +inf, task id, how many where .s is not there or '', bytes of all ends at most, delivery,
--       a short end that breaks the chord, for where there is no room for this one
-- Answers {0: others are missing, 1: this was the last, 2: it was, and the ends are over the bound; then the ends, in
-- order, and how the results are arranged where groups are among them (GroupResult, as Celery stores it), or ''}.
local function isSuccess(member) return string.find(member, '"' .. ARGV[3] .. '", "SUCCESS"', 1, true) == 5 end

need('ZADD', KEYS[1], '0', '')
need('ZREM', KEYS[1], '')
need('ZCARD', KEYS[1])
need('ZRANGE', KEYS[1], '0', '0')
need('EXPIRE', KEYS[1], '1')
need('SETEX', KEYS[5], '1', '')
-- What is no longer ours was put back meanwhile and runs elsewhere: of it only a success counts.
local function isOurs(delivery) -- finish.lua says why by either
  return redis.call('HEXISTS', KEYS[6], delivery) == 1 or redis.call('HEXISTS', KEYS[7], delivery) == 1
end
if not isSuccess(ARGV[1]) and not isOurs(ARGV[6]) then return {0} end
-- Of a part that was run twice the later end counts, but a success stays one, as its stored result does.
local same, sum, succeeded = {}, tonumber(redis.call('GET', KEYS[5]) or 0) or 0, false
for _, member in ipairs(ARGV[2] ~= '+inf' and redis.pcall('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[2]) or {}) do
  if string.find(string.sub(member, 1, 300), '"' .. ARGV[3] .. '"', 1, true) then
    same[#same + 1] = member
    sum = sum - #member
    succeeded = succeeded or isSuccess(member)
  end
end
local member, ordered = ARGV[1], true
if not succeeded or isSuccess(member) then
  if sum + #member > tonumber(ARGV[5]) and #ARGV[7] < #member then member = ARGV[7] end
  local added = redis.pcall('ZADD', KEYS[1], ARGV[2], member)
  if type(added) == 'table' and string.find(added.err, 'OOM', 1, true) then
    if #member > 512 then member = ARGV[7] end
    redis.call('DEL', KEYS[1] .. ':') -- counting must work while memory is full: a command that frees goes first
    added = redis.pcall('ZADD', KEYS[1], ARGV[2], member)
  end
  ordered = type(added) == 'number'
  local there = added == 0 and #same == 0
  if not ordered then -- result_chord_ordered = False
    for _, known in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do there = there or known == member end
    if not there then redis.call('RPUSH', KEYS[1], member) end
  end
  for _, earlier in ipairs(same) do
    if earlier ~= member then redis.call('ZREM', KEYS[1], earlier) end
  end
  redis.call('SETEX', KEYS[5], 86400, math.max(sum + (there and 0 or #member), 0))
end
local count = redis.call(ordered and 'ZCARD' or 'LLEN', KEYS[1])
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
