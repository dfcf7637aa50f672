-- SPDX-License-Identifier: GPL-3.0-or-later
-- Puts a task into its queue and, in the same step, prolongs the place it holds under a ceiling: where nothing was
-- enqueued nothing is held for long, and the other way round.
-- KEYS: list, the places (sorted set: holder, when its lease runs out)
-- ARGV: message, queue, holder, lease (ms), channel to wake workers by
-- Answers the length of the list, or Redis' own error.
local time = redis.call('TIME') -- what is refused is refused before anything was done
local pushed = redis.pcall('LPUSH', KEYS[1], ARGV[1])
if type(pushed) ~= 'number' then return pushed end
redis.pcall('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4], ARGV[3])
redis.pcall('PEXPIRE', KEYS[2], ARGV[4])
redis.pcall('PUBLISH', ARGV[5], ARGV[2]) -- a worker that is not woken looks by itself
return pushed
