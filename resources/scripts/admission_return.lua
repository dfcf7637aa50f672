-- SPDX-License-Identifier: GPL-3.0-or-later
-- Gives back what admission.lua counted for one request, in every window in which it still counts: the answer has shown
-- that it uses nothing up. The layout of the values is that of windows.lua.
--
-- KEYS  windows of the caller, windows of the address
-- ARGV  u8 tag of the category, u40 time at which it was counted, u8 fixed and u8 moving windows of the caller, u8 and
--       u8 of the address in addition, then the windows
-- Reply how many windows have it back

local unpack, pack, sub = struct.unpack, struct.pack, string.sub
local request = ARGV[1]
local tag, at, fixed, rolling, moreFixed, moreRolling = unpack('<BI5BBBB', request)
local given = 0

-- The fixed windows of a block, from `p` to before `stop`.
local function fixedBack(value, p, stop, lengths)
    local block = ''
    while p < stop do
        local id, used, reset = unpack('<I2I4I5', value, p)
        if lengths[id] and used > 0 and reset - lengths[id] <= at then -- else it has begun anew since
            used, given = used - 1, given + 1
        end
        block, p = block .. pack('<I2I4I5', id, used, reset), p + 11
    end
    return block
end

-- A moving window: the request is in its first entry that is not older, with those up to one 256th of the window after it,
-- or has left the window.
local function movingBack(value, p, stop, lengths)
    local id, used = unpack('<I2I4', value, p)
    local latest = at + lengths[id] / 256
    for entry = p + 6, stop - 9, 9 do
        local time, n = unpack('<I5I4', value, entry)
        if time >= at and time <= latest then
            given = given + 1
            return pack('<I2I4', id, used - 1) .. sub(value, p + 6, entry - 1) ..
                (n > 1 and pack('<I5I4', time, n - 1) or '') .. sub(value, entry + 9, stop - 1)
        end
    end
    return sub(value, p, stop - 1)
end

local function back(key, wanted, from, count)
    local value = count > 0 and redis.call('GET', key)
    if not value then
        return
    end
    local lengths = {}
    for i = from, from + 11 * (count - 1), 11 do
        local id, _, length = unpack('<I2I4I5', request, i)
        lengths[id] = length
    end
    local before, result, first = given, sub(value, 1, 4), 5
    while first <= #value do
        local kind, bytes = unpack('<BI2', value, first)
        local stop, payload = first + 3 + bytes, nil
        if kind == wanted then
            payload = fixedBack(value, first + 3, stop, lengths)
        elseif kind == wanted + 64 and lengths[unpack('<I2', value, first + 3)] then
            payload = movingBack(value, first + 3, stop, lengths)
        end
        result = result .. (payload and pack('<BI2', kind, #payload) .. payload or sub(value, first, stop - 1))
        first = stop
    end
    if given > before then
        redis.pcall('SET', key, result, 'KEEPTTL') -- where Redis takes no writes nothing was counted either
    end
end

back(KEYS[1], tag, 11, fixed + rolling)
back(KEYS[2], tag + 32, 11 + 11 * (fixed + rolling), moreFixed + moreRolling)
return given
