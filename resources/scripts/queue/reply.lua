-- SPDX-License-Identifier: GPL-3.0-or-later
-- Delivers a remote-control reply to whoever asked, if they still listen.
-- KEYS: _kombu.binding.<exchange>
-- ARGV: routing key, separator, reply, seconds until an unread reply goes away
local member = ARGV[1] .. ARGV[2] .. ARGV[2] .. ARGV[1] .. '.reply.celery.pidbox'
local lists = {}
if redis.call('SISMEMBER', KEYS[1], member) == 1 then
  lists[1] = ARGV[1] .. '.reply.celery.pidbox'
else
  for _, binding in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    local start = ARGV[1] .. ARGV[2]
    if #binding <= 1024 and string.sub(binding, 1, #start) == start then -- matching what is long takes its square
      local list = string.match(binding, '([^' .. ARGV[2] .. ']+)$')
      if list then lists[#lists + 1] = list end
    end
  end
end
for _, list in ipairs(lists) do
  redis.call('LPUSH', list, ARGV[3])
  redis.call('EXPIRE', list, ARGV[4])
end
return #lists
