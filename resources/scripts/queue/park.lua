-- SPDX-License-Identifier: GPL-3.0-or-later
-- Keeps tasks that are not due for long out of a worker's hands, where they would take the room of others.
-- need.lua comes before this.
-- KEYS: unacked, unacked_index, q:o:<instance>, q:e, q:p, q:h:<instance>
-- ARGV: delivery, length of what closes its entry in `unacked`, task id, when it is due (Unix ms), for each
-- Answers for each 1: kept here, 2: it was no longer ours, 0: stays with the worker (Redis is full, a task of that id is
-- kept already, or somebody has deleted q:o:<instance>).
need('ZADD', KEYS[4], '0', '')
need('ZREM', KEYS[2], '')
for _, key in ipairs({KEYS[1], KEYS[3], KEYS[6]}) do need('HDEL', key, '') end
local answer = {}
for i = 1, #ARGV, 4 do
  local delivery, id = ARGV[i], ARGV[i + 2]
  local list = redis.call('HGET', KEYS[3], delivery)
  local entry = redis.call('HGET', KEYS[1], delivery)
  local kept = 0
  if not entry then
    kept = 2
  elseif list then
    local noted = redis.pcall('HSETNX', KEYS[5], id, list .. '\n' .. string.sub(entry, 2, -tonumber(ARGV[i + 1]) - 1))
    if noted == 1 then
      redis.call('ZADD', KEYS[4], ARGV[i + 3], id)
      redis.call('ZREM', KEYS[2], delivery)
      redis.call('HDEL', KEYS[1], delivery)
      redis.call('HDEL', KEYS[3], delivery)
      redis.call('HDEL', KEYS[6], id)
      kept = 1
    end
  end
  answer[#answer + 1] = kept
end
return answer
