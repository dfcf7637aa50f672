-- SPDX-License-Identifier: GPL-3.0-or-later
-- Gives back what was taken and not started, as it was. need.lua comes before this.
-- KEYS: unacked, unacked_index, q:o:<instance>
-- ARGV: channel to wake workers by, then delivery, its list, length of what closes its entry in `unacked`, for each; last
--       taken first
-- Answers how many.
need('ZREM', KEYS[2], '')
need('HDEL', KEYS[1], '')
need('HDEL', KEYS[3], '')
local released = 0
for i = 2, #ARGV, 3 do
  local delivery, list = ARGV[i], ARGV[i + 1]
  local entry = redis.call('HGET', KEYS[1], delivery) -- what is there is ours (finish.lua), even if q:o was deleted
  if entry then
    redis.call('ZREM', KEYS[2], delivery)
    local pushed = redis.pcall('RPUSH', list, string.sub(entry, 2, -tonumber(ARGV[i + 2]) - 1))
    if type(pushed) == 'number' then
      redis.call('HDEL', KEYS[1], delivery)
      redis.call('HDEL', KEYS[3], delivery)
      released = released + 1
    end
  end
end
if released > 0 then redis.pcall('PUBLISH', ARGV[1], '*') end
return released
