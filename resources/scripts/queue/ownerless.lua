-- SPDX-License-Identifier: GPL-3.0-or-later
-- Looks at a part of what is taken for deliveries of ours that nobody would put back: their instance is dead, and what it
-- noted of them or its lease was deleted.
-- KEYS: unacked_index, unacked, q:i
-- ARGV: how many to pass over, how many to look at, bytes of entries after which the part ends
-- Answers {how many to pass over next, or -1: that was all, then delivery, entry of `unacked` for each}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local leases = {}
local function isOwnerless(delivery)
  local instance = string.match(delivery, '^(%x%x%x%x%x%x%x%x):%d+$')
  if not instance then return false end -- another program's
  local lease = leases[instance]
  if not lease then
    local till = tonumber(redis.call('ZSCORE', KEYS[3], instance) or nil)
    lease = {known = till, lives = till and till >= now and till <= now + 60000} -- later: of a clock that was ahead
    leases[instance] = lease
  end
  if lease.lives then return false end
  return not lease.known or redis.pcall('HEXISTS', 'q:o:' .. instance, delivery) == 0
end
local from, most, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found = redis.call('ZRANGE', KEYS[1], from, from + most - 1)
local answer = {#found < most and -1 or from + most}
for n, delivery in ipairs(found) do
  local entry = isOwnerless(delivery) and redis.call('HGET', KEYS[2], delivery)
  if entry then
    answer[#answer + 1] = delivery
    answer[#answer + 1] = entry
    bytes = bytes - #entry
    if bytes <= 0 then
      answer[1] = from + n
      break
    end
  end
end
return answer
