-- Moves up to ARGV[2] messages from the queues' lists into `unacked`, as ours. Nothing is taken without a lease.
-- KEYS: unacked, unacked_index, q:i, q:o:<instance>, then the lists, first to be emptied first
-- ARGV: instance, how many, number of the first delivery, bytes at most, then for each list what closes an entry of
--       `unacked` after the message: ',"<exchange>","<routing key>"]'
-- Answers {1 or 0: the lease holds, 1 or 0: there may be more, list, message, list, message, …}; delivery n of these is
-- called <instance>:<first + n>.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not lease or tonumber(lease) < now then return {0, 0} end

local most, bytes = tonumber(ARGV[2]), tonumber(ARGV[4])
local number = tonumber(ARGV[3])
local reply, index, payloads, owners, trims = {1, 0}, {}, {}, {}, {}
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
      local message, delivery = found[i], ARGV[1] .. ':' .. number
      number = number + 1
      taken = taken + 1
      fromList = fromList + 1
      bytes = bytes - #message
      local at = taken * 2
      index[at - 1], index[at] = time[1], delivery
      payloads[at - 1], payloads[at] = delivery, '[' .. message .. ARGV[list]
      owners[at - 1], owners[at] = delivery, KEYS[list]
      reply[at + 1], reply[at + 2] = list - 4, message
    end
  end
  if fromList > 0 then trims[#trims + 1] = {KEYS[list], fromList} end
  if not exhausted then reply[2] = 1 end
  if taken >= most or bytes <= 0 then
    reply[2] = 1
    break
  end
end
if taken > 0 then
  -- While memory is full Redis refuses what may enlarge it, unless the script has already called a command that frees.
  redis.call('ZREM', KEYS[2], '')
  redis.call('HSET', KEYS[1], unpack(payloads))
  redis.call('HSET', KEYS[4], unpack(owners))
  redis.call('ZADD', KEYS[2], unpack(index))
  for _, trim in ipairs(trims) do redis.call('LTRIM', trim[1], 0, -trim[2] - 1) end
end
return reply
