-- SPDX-License-Identifier: GPL-3.0-or-later
-- A new session, or one that lived in an instance's memory while Redis was away. Times are seconds since 2020-01-01.
--
-- KEYS  session, revocation of its user
-- ARGV  u8 1: moved from memory; u32 lifetime (seconds); the session's 12 bytes (core/auth/session.h)
-- Reply its u32 time, which is after the last revocation; 0: moved too late, it is void

local moved, lifetime = struct.unpack('<BI4', ARGV[1])
local session = string.sub(ARGV[1], 6)
local void = redis.call('GET', KEYS[2])
void = void and struct.unpack('<I4', void) or 0
local packed = struct.unpack('<I4', session, 9)
local noted = math.floor(packed / 4)
if moved == 1 then
    if noted <= void then
        return 0
    end
    local done = redis.pcall('SET', KEYS[1], session, 'EX', lifetime, 'NX')
    if not done then -- it is there already, or its tombstone is
        return redis.call('STRLEN', KEYS[1]) == 0 and 0 or noted
    end
    return done.err and done or noted
end
-- Ten seconds ago if it may be, so that its first use is noted at once.
noted = math.max(redis.call('TIME')[1] - 1577836800 - 10, void + 1)
local value = string.sub(session, 1, 8) .. struct.pack('<I4', noted * 4 + packed % 4)
local done = redis.pcall('SET', KEYS[1], value, 'EX', lifetime)
return done.err and done or noted -- an error as it is: the script's own would hide its code
