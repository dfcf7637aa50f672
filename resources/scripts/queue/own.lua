-- SPDX-License-Identifier: GPL-3.0-or-later
-- Writes again from which list each delivery of an instance came, where somebody has deleted that. need.lua comes before
-- this.
-- KEYS: unacked, q:o:<instance>, q:i
-- ARGV: instance, then delivery, list for each
-- Answers for each 1: written, 2: it was there, 0: it is not in `unacked` any more. Whoever ends it or puts it back takes it
-- out of there in the same step, so nothing that has ended comes back by this.
-- An instance without a lease gets one that has ended: if it lives it renews it, and otherwise its tasks are put back.
need('HSET', KEYS[2], '', '')
need('ZADD', KEYS[3], 'NX', '1', '')
local deliveries = {}
for i = 2, #ARGV, 2 do deliveries[#deliveries + 1] = ARGV[i] end
local lists = redis.call('HMGET', KEYS[2], unpack(deliveries))
local answer, missing, any = {}, {}, false
for n, delivery in ipairs(deliveries) do
  answer[n] = lists[n] and 2 or redis.call('HEXISTS', KEYS[1], delivery)
  any = any or answer[n] ~= 0
  if answer[n] == 1 then
    missing[#missing + 1] = delivery
    missing[#missing + 1] = ARGV[n * 2 + 1]
  end
end
if any then
  redis.call('HDEL', KEYS[2], '') -- writing must work while memory is full: a command that frees goes first
  if #missing > 0 then redis.call('HSET', KEYS[2], unpack(missing)) end
  redis.call('ZADD', KEYS[3], 'NX', 1, ARGV[1])
end
return answer
