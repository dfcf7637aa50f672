-- Ends every session a user has now, listed or not.
--
-- KEYS  revocation of the user
-- ARGV  u32 lifetime (seconds) of the longest session; u32 time (0: ask the clock); u32 revoke at least up to
-- Reply up to when his sessions are void: not less than any session of his was created at

local lifetime, now, least = struct.unpack('<I4I4I4', ARGV[1])
if now == 0 then
    now = tonumber(redis.call('TIME')[1])
end
local void = redis.call('GET', KEYS[1])
void = void and struct.unpack('<I4', void) or 0
if least > 0 then -- told late: what came after it stays valid
    void = math.max(void, least)
else
    void = math.max(now, void + 1)
end
redis.call('SET', KEYS[1], struct.pack('<I4', void), 'EX', lifetime)
return void
