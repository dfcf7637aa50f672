-- SPDX-License-Identifier: GPL-3.0-or-later
-- need.lua and message_id.lua come before this.
-- Moves up to ARGV[2] messages from the queues' lists into `unacked`, as ours. Nothing is taken without a lease.
-- KEYS: unacked, unacked_index, q:i, q:o:<instance>, then the lists, first to be emptied first
-- ARGV: instance, how many, number of the first delivery, bytes at most, then for each list what closes an entry of
--       `unacked` after the message: ',"<exchange>","<routing key>"]'; then '1' or '': whether to ask for the rights of ending
-- What kombu put back (its sweep marks it as redelivered) while a living instance of ours holds it, or after that has ended
-- it, is a copy: it goes back to where it was held, or away.
-- Answers {1 or 0: the lease holds, 1 or 0: there may be more, copies found, list, message, list, message, …}; delivery n of these is
-- called <instance>:<first + n>.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not lease or tonumber(lease) < now then return {0, 0} end
-- What is written here: all of it is allowed, or nothing has changed. So asked for each time.
need('HSET', KEYS[1], '', '')
need('HSET', KEYS[4], '', '')
need('ZADD', KEYS[2], '0', '')
need('ZREM', KEYS[2], '')
need('LTRIM', KEYS[5], '0', '-1')
-- What may not be ended is not begun: it would be run for nothing, and again and again. Asking for all of that costs Redis
-- up to a quarter of a taking of one message, so a caller asks with the first on a connection, after a refusal of whatever
-- kind, and else once a second. What is taken in between although its end has just been forbidden is no worse off than what
-- was held already: finish.lua and start.lua change nothing without their rights, so it stays in `unacked` as ours, its end
-- is tried again until it is allowed, and that refusal keeps the next from being taken. Should this worker die by then, it
-- is put back like all that a dead one held.
if ARGV[#KEYS + 1] == '1' then
  for _, key in ipairs({KEYS[1], KEYS[4]}) do need('HDEL', key, '') end
  need('HMGET', KEYS[4], '')
  need('HGET', KEYS[1], '')
  need('HEXISTS', KEYS[1], '')
  need('RPUSH', KEYS[5], '')
  need('LPUSH', KEYS[5], '')
  need('GETRANGE', 'celery-task-meta-', '0', '0')
  need('SETEX', 'celery-task-meta-', '1', '')
  need('EXISTS', 'celery-task-meta-')
  need('DEL', 'q:n:')
  need('INCR', 'q:n:')
  need('EXPIRE', 'q:n:', '1')
end
-- What we hold is proven by our lease alone. kombu's sweep goes by this index: an hour ahead, no neighbour's visibility
-- timeout, however short, puts back what a living worker holds, and what we leave behind for good is still found.
local till = time[1] + 3600

local most, bytes = tonumber(ARGV[2]), tonumber(ARGV[4])
local number = tonumber(ARGV[3])
local living
-- Whether the message is a copy of one that is held or has ended; then it is where it belongs afterwards.
local function isCopy(message, closing)
  if not string.find(message, '"redelivered": ?true') then return false end
  local id = messageId(message)
  if not id then return false end
  if not living then
    living = redis.call('ZRANGEBYSCORE', KEYS[3], now, now + 60000)
    need('DEL', 'q:x:') -- a mark that is taken off must not be lost to a refusal behind it
    need('HGET', 'q:h:', '')
    need('HEXISTS', KEYS[4], '')
  end
  if redis.call('DEL', 'q:x:' .. id) == 1 then return true end
  for _, instance in ipairs(living) do
    local holding = redis.call('HGET', 'q:h:' .. instance, id)
    if holding and redis.call('HEXISTS', 'q:o:' .. instance, holding) == 1 then
      redis.call('HSET', KEYS[1], holding, '[' .. message .. closing)
      redis.call('ZADD', KEYS[2], till, holding)
      return true
    end
  end
  return false
end

local reply, index, payloads, owners, trims = {1, 0, 0}, {}, {}, {}, {}
local taken = 0
for list = 5, #KEYS do
  local fromList, exhausted = 0, false
  while not exhausted and taken < most and bytes > 0 do
    local chunk = math.min(64, most - taken)
    local found = redis.pcall('LRANGE', KEYS[list], -fromList - chunk, -fromList - 1)
    if found.err then -- a key of another type
      exhausted = true
      break
    end
    exhausted = #found < chunk
    for i = #found, 1, -1 do
      if bytes <= 0 then exhausted = false break end
      local message = found[i]
      fromList = fromList + 1
      bytes = bytes - #message
      if isCopy(message, ARGV[list]) then
        reply[3] = reply[3] + 1
      else
        local delivery = ARGV[1] .. ':' .. number
        number = number + 1
        taken = taken + 1
        local at = taken * 2
        index[at - 1], index[at] = till, delivery
        payloads[at - 1], payloads[at] = delivery, '[' .. message .. ARGV[list]
        owners[at - 1], owners[at] = delivery, KEYS[list]
        reply[at + 2], reply[at + 3] = list - 4, message
      end
    end
  end
  if fromList > 0 then trims[#trims + 1] = {KEYS[list], fromList} end
  if not exhausted then reply[2] = 1 end
  if taken >= most or bytes <= 0 then
    reply[2] = 1
    break
  end
end
if #trims > 0 then
  -- While memory is full Redis refuses what may enlarge it, unless the script has already called a command that frees.
  redis.call('ZREM', KEYS[2], '')
  if taken > 0 then
    redis.call('HSET', KEYS[1], unpack(payloads))
    redis.call('HSET', KEYS[4], unpack(owners))
    redis.call('ZADD', KEYS[2], unpack(index))
  end
  for _, trim in ipairs(trims) do redis.call('LTRIM', trim[1], 0, -trim[2] - 1) end
end
return reply
