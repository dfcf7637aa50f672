-- SPDX-License-Identifier: GPL-3.0-or-later
-- Notes a revoked task, and shows it as REVOKED unless it has ended or is known to run. need.lua and result_state.lua
-- come before this.
-- KEYS: q:r, celery-task-meta-<id>, q:e, q:p
-- ARGV: id, milliseconds to remember it, how many are remembered, result JSON, expiry of the result in seconds, channel
-- of those who watch its owner's tasks or empty
need('SETEX', KEYS[2], ARGV[5], '')
need('ZADD', KEYS[1], '0', '')
need('ZREMRANGEBYRANK', KEYS[1], '0', '-1')
need('PEXPIRE', KEYS[1], '1')
need('ZREM', KEYS[3], '')
need('HDEL', KEYS[4], '')
local state = resultState(KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[3]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if not state or state == 'RETRY' or state == 'PENDING' then
  redis.pcall('SETEX', KEYS[2], ARGV[5], ARGV[4])
  redis.pcall('PUBLISH', KEYS[2], ARGV[4])
  if ARGV[6] ~= '' then redis.pcall('PUBLISH', ARGV[6], ARGV[4]) end
end
-- What is kept for its time ends here: it may be due when nobody remembers this any more.
if redis.call('ZREM', KEYS[3], ARGV[1]) == 1 then redis.call('HDEL', KEYS[4], ARGV[1]) end
return state or ''
