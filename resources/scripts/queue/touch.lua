-- Keeps kombu's own sweep (by the time of delivery) away from what living workers of ours hold for long.
-- KEYS: unacked_index; ARGV: deliveries
local now = redis.call('TIME')[1]
redis.call('ZREM', KEYS[1], '')
for i = 1, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now, ARGV[i]) end
return #ARGV
