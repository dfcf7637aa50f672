-- SPDX-License-Identifier: GPL-3.0-or-later
-- Keeps kombu's own sweep (by the time of delivery) away from what living workers of ours hold for long; take.lua says
-- why an hour ahead. Only what is nearer than half of it is moved: the score also tells when it was taken.
-- What is not there any more although it is still taken is written again: ownerless.lua goes by it too.
-- KEYS: unacked_index, unacked; ARGV: deliveries
local now = redis.call('TIME')[1]
redis.call('ZREM', KEYS[1], '')
for i = 1, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) < now + 1800 or not score and redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then
    redis.call('ZADD', KEYS[1], now + 3600, ARGV[i])
  end
end
return #ARGV
