-- Renews the lease of an instance and names the instances whose lease has ended.
-- KEYS: q:i, q:o:<instance>
-- ARGV: instance, milliseconds
-- Answers {1: it never lapsed or 0: it had, {instances that look dead}, {what is still ours, when it had lapsed}}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local was = redis.call('ZSCORE', KEYS[1], ARGV[1])
local unbroken = was and tonumber(was) >= now
-- Renewing must work while memory is full: a command that frees goes first.
redis.call('ZREM', KEYS[1], '')
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 1, 'LIMIT', 0, 16)
if unbroken then return {1, dead, {}} end
return {0, dead, redis.call('HKEYS', KEYS[2])}
