-- SPDX-License-Identifier: GPL-3.0-or-later
-- Puts tasks of a dead instance back, to be taken next. need.lua comes before this.
-- KEYS: q:i, q:o:<dead>, unacked, unacked_index
-- ARGV: dead, channel to wake workers by, then delivery, list, message for each (no message: only forget it)
-- Answers how many were put back. Of several that do this at once each task is put back by one.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
local lives = lease and tonumber(lease) >= now and tonumber(lease) <= now + 60000 -- later: of a clock that was ahead
if lives then return 0 end
need('ZREM', KEYS[4], '')
need('HDEL', KEYS[3], '')
need('HDEL', KEYS[2], '')
local restored = 0
for i = 3, #ARGV, 3 do
  local delivery, list, message = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('HEXISTS', KEYS[2], delivery) == 1 then
    redis.call('ZREM', KEYS[4], delivery)
    local done = true
    if message ~= '' and redis.call('HEXISTS', KEYS[3], delivery) == 1 then
      local pushed = redis.pcall('RPUSH', list, message)
      done = type(pushed) == 'number'
      if done then restored = restored + 1 end
    end
    if done then
      redis.call('HDEL', KEYS[3], delivery)
      redis.call('HDEL', KEYS[2], delivery)
    end
  end
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
if restored > 0 then redis.pcall('PUBLISH', ARGV[2], '*') end
return restored
