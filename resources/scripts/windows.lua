-- SPDX-License-Identifier: GPL-3.0-or-later
-- Counting windows. Put in front of a script that uses them: portal/admission.
--
-- One key holds all windows of one user or address, packed little-endian, since a key costs some 100 bytes whatever is
-- in it:
--     u32 when the last of them is forgotten (the key's own expiry), seconds since 2020-01-01, rounded up
--     blocks, those of one tag next to each other:
--         u8 tag (category, +32: windows an address has in addition), u16 bytes of payload
--         fixed windows, one block:   per window u16 id, u32 used, u40 reset
--         moving windows (tag +64), a block each: u16 id, u32 used, per entry u40 time of its last request, u32 requests
-- Other times are milliseconds since 2020-01-01. Ids: core/limits/window_spec.h.
--
-- A clock may have been ahead when something was written. What begins later than now (but for a second, which clocks may
-- differ by) counts for nothing, and no window ends later than one that begins now.

local unpack, pack, sub = struct.unpack, struct.pack, string.sub
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
local epoch = 1577836800000
local slack, day = 1000, 86400000
local ahead = false -- something of a clock that was ahead was met

-- Milliseconds since 2020 by Redis' own clock, or `test` if it is not 0.
local function clock(test)
    if test > 0 then
        return test - epoch
    end
    local time = redis.call('TIME')
    return time[1] * 1000 + floor(time[2] / 1000) - epoch
end

-- A moving window: its entries in value[at..stop] as `used` requests. Returns how many are left (-1: none was), when
-- the oldest leaves (refused: when there is room), and the payload with this request.
local function moving(value, at, stop, used, id, count, length, now)
    local time, n
    while at < stop do
        time, n = unpack('<I5I4', value, stop - 9)
        if time <= now + slack then
            break
        end
        used, stop, ahead = used - n, stop - 9, true
    end
    while at < stop do
        time, n = unpack('<I5I4', value, at)
        if time + length > now then
            break
        end
        used, at = used - n, at + 9
    end
    if at >= stop then
        used, time = 0, now
    end
    if used >= count then
        local over = used
        while at < stop and over >= count do
            time, n = unpack('<I5I4', value, at)
            over, at = over - n, at + 9
        end
        return -1, min(time, now) + length
    end
    local reset, entry, last = min(time, now) + length, now, nil
    if at < stop then
        last, n = unpack('<I5I4', value, stop - 9)
        entry = last > now and last or now
    end
    -- Beyond 256 requests, those of one 256th of the window share an entry, with the time of the last.
    local width = length / 256
    if last and count > 256 and floor(last / width) == floor(entry / width) then
        return count - used - 1, reset, pack('<I2I4', id, used + 1) .. sub(value, at, stop - 10) .. pack('<I5I4', entry, n + 1)
    end
    return count - used - 1, reset,
        pack('<I2I4', id, used + 1) .. (at < stop and sub(value, at, stop - 1) or '') .. pack('<I5I4', entry, 1)
end

-- Looks at all windows of one caller in one category: `fixed` and then `rolling` ones described in spec from `at` on.
-- Returns of the tightest how many are left after this request (-1: refused), its count and reset, and if there is room
-- the value to write and how long it lives: nil for as long as it did.
local function windows(value, tag, spec, at, fixed, rolling, now)
    local latest, first, stop, size, kind = 0, 5, 5, 0, nil
    ahead = false
    if value then
        latest, size = unpack('<I4', value) * 1000, #value
        while first <= size do
            local bytes
            kind, bytes = unpack('<BI2', value, first)
            stop = first + 3 + bytes
            if kind % 64 == tag then
                break
            end
            first = stop
        end
    else
        value = ''
    end
    local best, bestCount, bestReset, block, newest = nil, nil, nil, '', 0
    local from = kind == tag and first + 3 or stop
    for i = 1, fixed do
        local id, count, length = unpack('<I2I4I5', spec, at)
        local used, reset, left = 0, now + length, nil
        if from < stop then
            local it, u, r = unpack('<I2I4I5', value, from)
            from = from + 11
            if it ~= id then -- the windows were changed: look everywhere in the block
                for p = first + 3, stop - 11, 11 do
                    it, u, r = unpack('<I2I4I5', value, p)
                    if it == id then
                        break
                    end
                end
            end
            if it == id and r > now + length + slack then
                ahead = true
            elseif it == id and r > now then
                used, reset = u, min(r, reset)
            end
        end
        left = used < count and count - used - 1 or -1
        if not best or left < best or (left == best and reset > bestReset) then
            best, bestCount, bestReset = left, count, reset
        end
        block, at = block .. pack('<I2I4I5', id, used + 1, reset), at + 11
        if reset > newest then
            newest = reset
        end
    end
    if fixed > 0 then
        block = pack('<BI2', tag, fixed * 11) .. block
    end
    local ends = first <= size and stop or first
    if rolling > 0 or kind == tag + 64 or (ends < size and unpack('B', value, ends) == tag + 64) then
        local known = {}
        ends = first
        while ends <= size do
            local t, bytes = unpack('<BI2', value, ends)
            if t % 64 ~= tag then
                break
            end
            if t == tag + 64 then
                known[unpack('<I2', value, ends + 3)] = ends
            end
            ends = ends + 3 + bytes
        end
        for i = 1, rolling do
            local id, count, length = unpack('<I2I4I5', spec, at)
            local old, left, reset, payload = known[id], nil, nil, nil
            if old then
                local _, bytes, _, used = unpack('<BI2I2I4', value, old)
                left, reset, payload = moving(value, old + 9, old + 3 + bytes, used, id, count, length, now)
            else
                left, reset, payload = moving(value, 1, 1, 0, id, count, length, now)
            end
            if not best or left < best or (left == best and reset > bestReset) then
                best, bestCount, bestReset = left, count, reset
            end
            at = at + 11
            if payload then
                block = block .. pack('<BI2', tag + 64, #payload) .. payload
                newest = now + length > newest and now + length or newest
            end
        end
    end
    if best < 0 then
        return best, bestCount, bestReset
    end
    if ahead then -- the key's own expiry is from that clock too; other blocks may want a day
        newest, latest = max(newest, now + day), 0
    end
    if newest > latest then
        latest = ceil(newest / 1000)
        return best, bestCount, bestReset,
            pack('<I4', latest) .. sub(value, 5, first - 1) .. block .. sub(value, ends), latest * 1000 - now
    end
    return best, bestCount, bestReset, sub(value, 1, first - 1) .. block .. sub(value, ends)
end

-- Writes what windows() returned. False: Redis takes no writes (it is full, or cannot save to its disk).
local function keep(key, value, life)
    local done
    if life then
        done = redis.pcall('SET', key, value, 'PX', life)
    else
        done = redis.pcall('SET', key, value, 'KEEPTTL')
    end
    return not done.err
end
