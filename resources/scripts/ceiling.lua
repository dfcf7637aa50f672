-- SPDX-License-Identifier: GPL-3.0-or-later
-- Places under a ceiling: takes or renews one, and frees those whose task has ended, whoever ran it. result_state.lua
-- comes before this.
--
-- KEYS  the leases (sorted set: holder, when its lease runs out)
-- ARGV  take, renew (only what is held), or look; holder; most places; lease (ms); longest lease there can be (ms);
--       what the key of a holder's result begins with ('': nobody tells how holders fare)
-- Reply of take 0: taken, else milliseconds until the next lease runs out; of renew 0; of look the places taken

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local what, holder, most, lease, longest, results = unpack(ARGV)

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- A clock that was ahead when this was written: nobody has a lease as long as that.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now + longest + 1000, '+inf')

local ended = {SUCCESS = true, FAILURE = true, REVOKED = true, REJECTED = true, IGNORED = true,
    UNREADABLE = true}
local waiting = {PENDING = true, RECEIVED = true, RETRY = true}

-- The hundred that run out next: those are who may have ended, and it bounds what one call costs. Who runs has its lease
-- extended once, marked by half a millisecond: the result of a worker that was killed says for ever that it runs.
local function reconcile()
    if results == '' then
        return
    end
    local members = redis.call('ZRANGE', KEYS[1], 0, 99, 'WITHSCORES')
    for i = 1, #members, 2 do
        local member, extended = members[i], tonumber(members[i + 1]) % 1 ~= 0
        local state = resultState(results .. member)
        if state and ended[state] then
            redis.call('ZREM', KEYS[1], member)
        elseif state and not waiting[state] and not extended then -- it runs, and nobody else may say so
            redis.pcall('ZADD', KEYS[1], 'XX', now + longest + 0.5, member)
            redis.pcall('PEXPIRE', KEYS[1], longest + 1000)
        end
    end
end

if what == 'look' then
    reconcile()
    return redis.call('ZCARD', KEYS[1])
end
local held = redis.call('ZSCORE', KEYS[1], holder)
if what == 'renew' and not held then
    return 0
end
if not held and redis.call('ZCARD', KEYS[1]) >= tonumber(most) then
    reconcile()
    if redis.call('ZCARD', KEYS[1]) >= tonumber(most) then
        return math.max(1, redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now)
    end
end
-- One that has been enqueued meanwhile keeps what that gave it.
local till = math.max(now + lease, tonumber(held or 0))
local done = redis.pcall('ZADD', KEYS[1], till, holder)
if type(done) == 'table' then
    return done -- an error as it is: the script's own would hide its code
end
redis.call('PEXPIRE', KEYS[1], longest)
return 0
