-- SPDX-License-Identifier: GPL-3.0-or-later
-- Counts a start of a task that was delivered before. The first delivery is not counted when it starts, so the first
-- count is the second start. need.lua comes before this.
-- KEYS: q:n:<task>; ARGV: seconds to keep it
-- Answers the number of this start.
need('EXPIRE', KEYS[1], '1')
redis.call('DEL', KEYS[1] .. ':') -- counting must work while memory is full: a command that frees goes first
local starts = redis.call('INCR', KEYS[1])
if starts == 1 then starts = redis.call('INCR', KEYS[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return starts
