-- SPDX-License-Identifier: GPL-3.0-or-later
-- Renews the lease of an instance and names the instances whose lease has ended.
-- KEYS: q:i, q:o:<instance>, q:e, unacked
-- ARGV: instance, milliseconds, '' or how soon (ms) kept tasks must be due to be counted, '1' where it holds something
-- Answers {1: it never lapsed or 0: it had, {instances that look dead}, how many deliveries are noted as ours (0 where it
--          holds nothing), kept tasks, those of them due soon, everybody's deliveries}; the last three only when asked for.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local was, dead = nil, {}
local known = redis.call('ZRANGE', KEYS[1], 0, 63, 'WITHSCORES')
for i = 1, #known, 2 do
  local till = tonumber(known[i + 1])
  if known[i] == ARGV[1] then
    was = till
  elseif (till < now or till > now + 60000) and #dead < 16 then -- or of a clock that was ahead
    dead[#dead + 1] = known[i]
  end
end
if not was and #known == 128 then was = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or nil) end
local renewed = redis.pcall('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
if type(renewed) ~= 'number' then
  -- Renewing must work while memory is full: after a command that frees Redis lets a script go on.
  redis.call('ZREM', KEYS[1], '')
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
end
local unbroken = was and was >= now
local noted = ARGV[4] == '1' and redis.pcall('HLEN', KEYS[2])
local answer = {unbroken and 1 or 0, dead, type(noted) == 'number' and noted or 0}
if ARGV[3] ~= '' then
  answer[4] = redis.call('ZCARD', KEYS[3])
  answer[5] = answer[4] > 0 and redis.call('ZCOUNT', KEYS[3], '-inf', now + ARGV[3]) or 0
  answer[6] = redis.call('HLEN', KEYS[4])
end
return answer
