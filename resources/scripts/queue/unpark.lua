-- SPDX-License-Identifier: GPL-3.0-or-later
-- Puts what park.lua keeps and is due soon back into its list, to be taken next. need.lua comes before this.
-- KEYS: q:e, q:p
-- ARGV: how soon (ms), how many at most, channel to wake workers by
-- Answers how many.
need('ZREM', KEYS[1], '')
need('HDEL', KEYS[2], '')
local time = redis.call('TIME')
local soon = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local moved = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', soon, 'LIMIT', 0, ARGV[2])) do
  local entry = redis.call('HGET', KEYS[2], id)
  if entry then
    local at = string.find(entry, '\n', 1, true)
    redis.call('ZREM', KEYS[1], '') -- moving must work while memory is full: a command that frees goes first
    local pushed = redis.pcall('RPUSH', string.sub(entry, 1, at - 1), string.sub(entry, at + 1))
    if type(pushed) ~= 'number' then break end
    moved = moved + 1
  end
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[1], id)
end
if moved > 0 then redis.pcall('PUBLISH', ARGV[3], '*') end
return moved
