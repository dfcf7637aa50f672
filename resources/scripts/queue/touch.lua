-- Keeps kombu's own sweep (by the time of delivery) away from what living workers of ours hold for long; take.lua says
-- why an hour ahead.
-- KEYS: unacked_index; ARGV: deliveries
local till = redis.call('TIME')[1] + 3600
redis.call('ZREM', KEYS[1], '')
for i = 1, #ARGV do redis.call('ZADD', KEYS[1], 'XX', till, ARGV[i]) end
return #ARGV
