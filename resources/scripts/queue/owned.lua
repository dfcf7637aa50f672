-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a dead instance holds, a part at a time.
-- KEYS: q:i, q:o:<dead>, unacked
-- ARGV: dead, bytes of entries after which a part ends
-- Answers {delivery, list, entry of unacked or nil's empty text, …}; empty when it lives or nothing is left.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
local lives = lease and tonumber(lease) >= now and tonumber(lease) <= now + 60000 -- later: of a clock that was ahead
if lives then return {} end
local found = redis.call('HSCAN', KEYS[2], '0', 'COUNT', 32)[2]
local cursor = '0'
if #found == 0 then
  -- A table being shrunk may have nothing in its first part.
  repeat
    local step = redis.call('HSCAN', KEYS[2], cursor, 'COUNT', 128)
    cursor, found = step[1], step[2]
  until #found > 0 or cursor == '0'
end
if #found == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return {}
end
-- The rest is for the next call: what is restored is no longer here then.
local reply, bytes = {}, 0
for i = 1, math.min(#found, 128), 2 do
  local entry = redis.call('HGET', KEYS[3], found[i]) or ''
  reply[#reply + 1] = found[i]
  reply[#reply + 1] = found[i + 1]
  reply[#reply + 1] = entry
  bytes = bytes + #entry
  if bytes > tonumber(ARGV[2]) then break end
end
return reply
