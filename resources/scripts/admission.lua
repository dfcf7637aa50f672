-- SPDX-License-Identifier: GPL-3.0-or-later
-- Admission of the requests that came in one turn of the event loop: whose session is it, has every window room, is
-- there a place among the concurrent users. Each for itself, and everything or nothing: a refused request leaves no
-- trace. windows.lua comes before this.
--
-- KEYS  of each request: session, windows of the address, windows to use instead of the user's; where there is no
--       session the address' again, and where nothing is to be used instead the session's: a user of Redis must have the
--       right to every key that is named
-- ARGV  of each: u8 tag of the category, u8 flags (1: only say whose session it is if there is one, 2: note its use
--       and keep to the ceiling of users, 4: only look how much room there is), u8 fixed and u8 moving windows of the
--       caller, u8 and u8 of the address in addition, u32 lifetime of a session (seconds), u32 ceiling of users,
--       u48 time (0: ask the clock), then the windows
-- Reply of each: an error, or u8 0 admitted, 1 a window is full, 2 no place among the users, 3 only said, 4 admitted
--       but Redis takes no writes and nothing was counted; u8 1 the session's use was noted; u32 count, u32 left,
--       u40 reset of the tightest window; u40 time; the session (core/auth/session.h), if there is one

local time -- of them all

local function admit(sid, address, instead, request)
    local tag, flags, fixed, rolling, moreFixed, moreRolling, lifetime, ceiling, test = unpack('<BBBBBBI4I4I6', request)
    if test == 0 then
        time = time or clock(0)
    end
    local now = test == 0 and time or clock(test)
    local key, session, value, user, notedAt = address, '', nil, nil, nil
    local void = 0 -- sessions of this user noted up to then have ended

    if sid ~= address then
        local found = redis.call('GET', sid)
        if found and #found == 12 then
            user, notedAt = sub(found, 1, 8), floor(unpack('<I4', found, 9) / 4)
            key = instead ~= sid and instead or 'l:' .. user
            local both = redis.call('MGET', key, 's:!' .. user)
            void = both[2] and unpack('<I4', both[2]) or 0
            if notedAt <= void then
                redis.call('DEL', sid)
                key, user = address, nil
            else
                session, value = found, both[1]
                if flags % 2 == 1 then
                    return pack('<BBI4I4I5I5', 3, 0, 0, 0, 0, now) .. session
                end
            end
        end
    end
    if not value and (fixed + rolling > 0) and not user then
        value = redis.call('GET', key)
    end

    local left, count, reset, written, life = 0, 0, 0, nil, nil
    if fixed + rolling > 0 then
        left, count, reset, written, life = windows(value, tag, request, 21, fixed, rolling, now)
    end
    local moreWritten, moreLife
    if moreFixed + moreRolling > 0 and left >= 0 then
        -- A caller who is not signed in has both kinds in one key.
        local base = key == address and written or redis.call('GET', address)
        local l, c, r
        local at = 21 + 11 * (fixed + rolling)
        l, c, r, moreWritten, moreLife = windows(base, tag + 32, request, at, moreFixed, moreRolling, now)
        if count == 0 or l < left or (l == left and r > reset) then
            left, count, reset = l, c, r
        end
        if key == address and written then
            written, moreLife = nil, moreLife or life
        end
    end
    if left < 0 then
        return pack('<BBI4I4I5I5', 1, 0, count, 0, reset, now) .. session
    end
    if flags >= 4 then
        return pack('<BBI4I4I5I5', 0, 0, count, count > 0 and left + 1 or 0, reset, now) .. session
    end

    local status, noted = 0, 0
    local seconds = floor(now / 1000)
    -- A clock that was ahead may have left either time in the future: a use is noted all the same, and never so that it
    -- falls under what has ended.
    local use = max(seconds, void + 1)
    if user and flags >= 2 and (use - notedAt >= 10 or use < notedAt) then
        local role = unpack('<I4', session, 9) % 4
        if ceiling > 0 then
            local last = redis.call('ZSCORE', 'l:u', user)
            if not last or seconds - last > 310 or last - seconds > 2 then
                redis.call('ZREMRANGEBYSCORE', 'l:u', '-inf', seconds - 311)
                redis.call('ZREMRANGEBYSCORE', 'l:u', seconds + 3, '+inf') -- of a clock that was ahead
                if redis.call('ZCARD', 'l:u') >= ceiling and role < 2 then
                    local first = redis.call('ZRANGE', 'l:u', 0, 0, 'WITHSCORES')
                    local free = (first[2] + 311) * 1000
                    return pack('<BBI4I4I5I5', 2, 0, ceiling, 0, free, now) .. session
                end
            end
            local done = redis.pcall('ZADD', 'l:u', seconds, user)
            if type(done) ~= 'table' then
                redis.call('EXPIRE', 'l:u', 330)
            end
        else
            local minute = 'l:v' .. floor((now + epoch) / 60000)
            local done = redis.pcall('PFADD', minute, user)
            if done == 1 then
                redis.call('EXPIRE', minute, 420)
            end
        end
        session, noted = user .. pack('<I4', use * 4 + role), 1
        redis.pcall('SET', sid, session, 'EX', lifetime)
    end

    if written and not keep(key, written, life) then
        status = 4
    end
    if moreWritten and not keep(address, moreWritten, moreLife) then
        status = 4
    end
    return pack('<BBI4I4I5I5', status, noted, count, left, reset, now) .. session
end

local replies = {}
for i = 1, #ARGV do
    local done, reply = pcall(admit, KEYS[3 * i - 2], KEYS[3 * i - 1], KEYS[3 * i], ARGV[i])
    -- What Redis raises is text before 7.0 and a table since.
    replies[i] = done and reply or (type(reply) == 'table' and reply or redis.error_reply(tostring(reply)))
end
return replies
