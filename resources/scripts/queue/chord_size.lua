-- SPDX-License-Identifier: GPL-3.0-or-later
-- Stores how many ends a chord waits for, before the first of them can come.
-- KEYS: celery-taskset-meta-<group> with .s, and without
-- ARGV: how many, and where groups are among the header's results how they are arranged (GroupResult, as Celery stores
-- it), else ''
redis.call('DEL', KEYS[1] .. ':') -- storing must work while memory is full: a command that frees goes first
redis.call('SETEX', KEYS[1], 86400, ARGV[1])
if ARGV[2] ~= '' then redis.call('SETEX', KEYS[2], 86400, ARGV[2]) end
return 1
