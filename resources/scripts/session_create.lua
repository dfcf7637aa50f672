-- A new session, or one that lived in an instance's memory while Redis was away.
--
-- KEYS  session, revocation of its user
-- ARGV  u8 1: moved from memory; u32 lifetime (seconds); u32 time (0: ask the clock); the session's 18 bytes
-- Reply when it was created, u32 as integer, which is always after the last revocation; 0: moved too late, it is void

local moved, lifetime, now = struct.unpack('<BI4I4', ARGV[1])
local session = string.sub(ARGV[1], 10)
if now == 0 then
    now = tonumber(redis.call('TIME')[1])
end
local void = redis.call('GET', KEYS[2])
void = void and struct.unpack('<I4', void) or 0
local created = struct.unpack('<I4', session, 11)
if moved == 1 then
    if created <= void then
        return 0
    end
    redis.call('SET', KEYS[1], session, 'EX', lifetime, 'NX')
    return created
end
created = math.max(now, void + 1)
redis.call('SET', KEYS[1], string.sub(session, 1, 10) .. struct.pack('<I4I4', created, 0), 'EX', lifetime)
return created
