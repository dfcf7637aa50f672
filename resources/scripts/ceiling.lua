-- Takes or renews a place under a ceiling.
--
-- KEYS  the leases
-- ARGV  holder, most places, lease (ms)
-- Reply 0: taken; else milliseconds until the next lease runs out

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return math.max(1, redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now)
end
local done = redis.pcall('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
if type(done) == 'table' then
    return done -- an error as it is: the script's own would hide its code
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
