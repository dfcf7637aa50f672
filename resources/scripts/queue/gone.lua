-- SPDX-License-Identifier: GPL-3.0-or-later
-- Which tasks the queue holds nowhere: neither waiting, nor taken, nor kept for their time; nor is anything stored of them.
-- KEYS: unacked, q:e, the lists
-- ARGV: most messages and most bytes to read, then task ids
-- Answers {1, ids}, or {0} where there is more to read than that or others work here: nobody knows then.
local most, bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local left = {}
for i = 3, #ARGV do
  if redis.call('EXISTS', 'celery-task-meta-' .. ARGV[i]) == 0 and not redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    left[ARGV[i]] = true
  end
end
if not next(left) then return {1} end
-- Celery's workers acknowledge before they run a task and need not say that it runs: while one is announced, what is
-- nowhere may be in its hands.
local nodes = redis.pcall('SMEMBERS', '_kombu.binding.celery.pidbox')
for _, node in ipairs(nodes.err and {'?'} or nodes) do
  if not string.find(node, '\22portolan%-[^\22]*$') then return {0} end
end

local function count(command, key)
  local n = redis.pcall(command, key)
  return type(n) == 'number' and n or 0 -- a key of another type holds none
end
local messages = count('HLEN', KEYS[1])
for list = 3, #KEYS do messages = messages + count('LLEN', KEYS[list]) end
if messages > most then return {0} end

local function read(message)
  bytes = bytes - #message
  local headers = string.find(message, '"headers": ?{') or 1
  local id = string.match(message, '"id": ?"([^"]+)"', headers)
  if id then left[id] = nil end
end
for list = 3, #KEYS do
  local at, length = 0, count('LLEN', KEYS[list])
  while at < length do
    for _, message in ipairs(redis.call('LRANGE', KEYS[list], at, at + 15)) do read(message) end
    if bytes <= 0 then return {0} end
    at = at + 16
  end
end
local cursor = count('HLEN', KEYS[1]) > 0 and '0' or nil
while cursor do
  local step = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 16)
  for i = 2, #step[2], 2 do read(step[2][i]) end
  if bytes <= 0 then return {0} end
  cursor = step[1] ~= '0' and step[1] or nil
end
local reply = {1}
for id in pairs(left) do reply[#reply + 1] = id end
return reply
