-- SPDX-License-Identifier: GPL-3.0-or-later
-- How a task fares, by what is stored of it. Put in front of a script that uses it: queue/finish, queue/revoke, ceiling.
--
-- Our workers and Celery's write the state first, so a glance tells. Others order and space the members as they like:
-- that is decoded where it is short enough for that; of another serializer's (pickle, MessagePack, YAML) the word behind
-- the name is looked for. What is there and tells nothing is an end: nobody may wait for it, nobody may write over it.
--
-- Answers nil (nothing is stored), the state in capitals, or 'UNREADABLE'. Where Redis does not let it look, that ends
-- the script, for it tells nothing of the task.
local function resultState(key)
    local head = redis.pcall('GETRANGE', key, 0, 63)
    if type(head) ~= 'string' then
        if not string.find(head.err, 'WRONGTYPE', 1, true) then
            redis.call('GETRANGE', key, 0, 63)
        end
        return 'UNREADABLE' -- a key of another type
    end
    local state = string.match(head, '^{"status": ?"(%u+)"')
    if state then
        return state
    end
    if head == '' then
        return redis.call('EXISTS', key) == 1 and 'UNREADABLE' or nil
    end
    if redis.call('STRLEN', key) <= 65536 then
        local read, result = pcall(cjson.decode, redis.call('GET', key))
        if read and type(result) == 'table' and type(result.status) == 'string' and result.status ~= '' then
            return string.upper(result.status)
        end
    end
    return string.match(redis.call('GETRANGE', key, 0, 255), 'status.-(%u%u%u%u+)') or 'UNREADABLE'
end

