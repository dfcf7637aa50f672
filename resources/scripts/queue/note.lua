-- SPDX-License-Identifier: GPL-3.0-or-later
-- Notes tasks that an instance holds for long, so that copies of them are recognised (take.lua).
-- KEYS: q:h:<instance>
-- ARGV: seconds to keep it, then task id, delivery for each
redis.call('DEL', KEYS[1] .. ':') -- noting must work while memory is full: a command that frees goes first
if #ARGV > 1 then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
