-- SPDX-License-Identifier: GPL-3.0-or-later
-- Ends every session a user has now, listed or not. Times are seconds since 2020-01-01.
--
-- KEYS  revocation of the user
-- ARGV  u32 how long it lives (seconds): longer than any session; u32 revoke up to then (0: everything until now)
-- Reply up to when his sessions are void

local life, told = struct.unpack('<I4I4', ARGV[1])
local void = redis.call('GET', KEYS[1])
void = void and struct.unpack('<I4', void) or 0
if told > 0 then -- told late: what came after it stays valid
    void = math.max(void, told)
else
    void = math.max(redis.call('TIME')[1] - 1577836800, void + 1)
end
redis.call('DEL', KEYS[1] .. ':') -- ending must work while memory is full: a command that frees goes first
local done = redis.pcall('SET', KEYS[1], struct.pack('<I4', void), 'EX', life)
return done.err and done or void -- an error as it is: the script's own would hide its code
