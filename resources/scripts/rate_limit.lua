-- SPDX-License-Identifier: GPL-3.0-or-later
-- Counts one request in the windows of several callers (a user and an address), as one step: in all or in none.
-- windows.lua comes before this.
--
-- KEYS  one for each check; the same one may come twice
-- ARGV  u48 time (0: ask the clock), u8 checks, per check u8 tag, u8 fixed, u8 moving; then the windows of all
-- Reply u8 0 counted, 1 refused, 4 Redis takes no writes, nothing was counted; u32 count, u32 left, u40 reset of the tightest
--       window; u40 time

local request = ARGV[1]
local test, checks = unpack('<I6B', request)
local now = clock(test)
local left, count, reset = nil, 0, 0
local values, lives = {}, {}
local at = 8 + 3 * checks
for i = 1, checks do
    local tag, fixed, rolling = unpack('BBB', request, 5 + 3 * i)
    local key = KEYS[i]
    local l, c, r, written, life =
        windows(values[key] or redis.call('GET', key), tag, request, at, fixed, rolling, now)
    if not left or l < left or (l == left and r > reset) then
        left, count, reset = l, c, r
    end
    values[key], lives[key] = written, life or lives[key]
    at = at + 11 * (fixed + rolling)
    if l < 0 then
        break
    end
end
if left < 0 then
    return pack('<BI4I4I5I5', 1, count, 0, reset, now)
end
local status = 0
for key, value in pairs(values) do
    if not keep(key, value, lives[key]) then
        status = 4
    end
end
return pack('<BI4I4I5I5', status, count, left, reset, now)
