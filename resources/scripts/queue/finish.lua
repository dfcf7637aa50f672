-- SPDX-License-Identifier: GPL-3.0-or-later
-- Writes states of tasks, and ends those that ended. need.lua and result_state.lua come before this.
-- KEYS: unacked, unacked_index, q:o:<instance>, q:h:<instance>
-- ARGV: expiry in seconds, channel to wake workers by, then ten for each: kind, delivery, task id, result JSON, topic to
--       notify, message to keep, list and message to enqueue (R) or put back (X) or '' and what follows it (JSON),
--       1 when its starts were counted, 1 when it was noted in q:h.
-- Kinds: S success; F failure or revoked; R retry (enqueues); A ended without a result; P not ended; X ended without
-- even an id: what is to be kept goes into q:a, and where that has no room the message goes back into its list. What is
-- no longer ours was put back meanwhile and runs elsewhere: of it only a success counts. A stored SUCCESS is never
-- overwritten, nor is what somebody else stored in a form of their own.
-- Answers {results that found no room, deliveries that were no longer ours, why Redis would not publish or '', tasks whose
-- message somebody had put back into its queue: the copy is not run, what was published, {id, why, …: what follows and could
-- not be put into its queue}, messages without an id that went back, deliveries of those that were kept aside, tasks under
-- whose key somebody else's result lies, {delivery, id, why, …: what follows and cannot be put into its queue; nothing was
-- done of that delivery, as more ends with such a task}}. Telling is no part of ending: a user without rights to channels stores and
-- acknowledges like any other.
local expiry = ARGV[1]
local deliveries, pushes = {}, false
for i = 3, #ARGV, 10 do
  deliveries[#deliveries + 1] = ARGV[i + 1]
  pushes = pushes or ARGV[i] == 'R' or ARGV[i] == 'X' or ARGV[i + 7] ~= ''
end
-- What is not stored is not acknowledged, and what is not acknowledged is not sent on: all of it is done again.
need('SETEX', 'celery-task-meta-', expiry, '')
need('ZREM', KEYS[2], '')
for _, key in ipairs({KEYS[1], KEYS[3], KEYS[4]}) do need('HDEL', key, '') end
need('HEXISTS', KEYS[1], '')
need('DEL', 'q:n:')
if pushes then
  need('EXISTS', 'celery-task-meta-')
  need('LPUSH', 'q:a', '')
  need('RPUSH', 'q:a', '')
  need('EXPIRE', 'q:a', '1')
end
local lists = redis.call('HMGET', KEYS[3], unpack(deliveries))
-- Somebody may have deleted q:o:<instance>. What was put back left `unacked` in the same step: what is there is ours.
for n, delivery in ipairs(deliveries) do
  lists[n] = lists[n] or redis.call('HEXISTS', KEYS[1], delivery) == 1
end
local dropped, lost = 0, {}
local ended, starts, refused = {}, {}, {}
local aside, asideMost, homeless, putBack, kept = nil, 8388608, {}, 0, {}
local foreign = {}
local untold, published = '', 0
local function tell(channel, text)
  local told = redis.pcall('PUBLISH', channel, text)
  if type(told) == 'table' and told.err then untold = told.err else published = published + 1 end
end

-- Of a task that ends, what follows may take the room of its message and a little more while memory is full.
local full, unfit, rooms = nil, {}, {}
local function isFull() -- refused like all that takes room, and changes nothing
  local probe = redis.pcall('SET', 'q:k:', '', 'XX')
  return type(probe) == 'table' and probe.err ~= nil and string.find(probe.err, 'OOM', 1, true) ~= nil
end
local function isFit(n, steps)
  if full == nil then full = isFull() end
  local room = 4096 + (full and #(redis.call('HGET', KEYS[1], deliveries[n]) or '') or 0)
  local before = #unfit
  for _, step in ipairs(cjson.decode(steps)) do
    for _, task in ipairs(step[4]) do
      local there = redis.pcall('LLEN', task[1])
      local why = type(there) == 'table' and there.err
      if not why and full and #task[4] > room then why = 'Redis is full' end
      if why then
        unfit[#unfit + 1], unfit[#unfit + 2], unfit[#unfit + 3] = deliveries[n], task[3], why
      else
        room = room - #task[4]
      end
    end
  end
  rooms[n] = 4096 + math.max(room, 0)
  return #unfit == before
end
local waits = {}
for n = 1, #deliveries do
  local i = n * 10 - 7
  if lists[n] and string.find('SFA', ARGV[i], 1, true) and ARGV[i + 7] ~= '' and not isFit(n, ARGV[i + 7]) then
    lists[n], waits[n] = false, true
  end
end

-- What finds no room otherwise.
local function shortened(result, id)
  return '{"status": "FAILURE", "result": {"exc_type": "ResultDropped", "exc_message": ["The task ended, but Redis ' ..
    'was full and had no room for its result."], "exc_module": "portolan"}, "traceback": null, ' ..
    (string.match(result, '.*("children": %[[^{}]*%], "date_done": .*)$') or
      '"children": [], "date_done": null, "task_id": ' .. cjson.encode(id) .. '}')
end

-- Results first: once a command that frees has run, Redis lets a script enlarge memory although it is full.
for n = 1, #deliveries do
  local i = n * 10 - 7
  local kind, id, result = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local ours = lists[n]
  if not ours and kind ~= 'P' and not waits[n] then lost[#lost + 1] = deliveries[n] end
  if result ~= '' and not waits[n] and (ours or kind == 'S') then
    local key = 'celery-task-meta-' .. id
    local state = resultState(key)
    if state == 'SUCCESS' or state == 'UNREADABLE' then
      if kind ~= 'P' and (state == 'UNREADABLE' or redis.call('GETRANGE', key, 0, 0) ~= '{') then foreign[#foreign + 1] = id end
    else
      local stored = redis.pcall('SETEX', key, expiry, result)
      if stored.err and not string.find(stored.err, 'OOM', 1, true) then return stored end
      if stored.err and ours and (kind == 'S' or kind == 'F') then
        refused[#refused + 1] = i
      elseif stored.err then
        dropped = dropped + 1
      end
      tell(key, result)
      if ARGV[i + 4] ~= '' then tell('p:t:' .. ARGV[i + 4], result) end
    end
  end
  if ours and kind == 'X' then
    if not aside then
      local known = redis.pcall('LRANGE', 'q:a', 0, -1)
      aside = known.err and asideMost or 0 -- a key of another type
      for _, earlier in ipairs(known) do aside = aside + #earlier end
    end
    local record = ARGV[i + 5]
    if #record > asideMost / 4 then -- it alone would keep out all others, and find no room itself
      record = string.sub(record, 1, asideMost / 4) .. '... (' .. #record .. ' bytes)'
    end
    aside = aside + #record
    local put = aside <= asideMost and redis.pcall('LPUSH', 'q:a', record)
    if type(put) == 'number' then
      redis.call('EXPIRE', 'q:a', 604800)
      kept[#kept + 1] = deliveries[n]
    else
      aside = asideMost + 1 -- what comes behind it waits too
      homeless[n] = true
    end
  elseif ours and ARGV[i + 5] ~= '' then redis.pcall('SETEX', 'q:m:' .. id, expiry, ARGV[i + 5]) end
end

local woken, copied = false, 0
local unsent = {}
-- What follows an end goes out in the step that ends the task: both happen, or neither. Each step is {the chord that is
-- called by it or '', the one that cannot be counted and is ended by it or '', results of what will never run, messages}.
local function follow(steps, room)
  for _, step in ipairs(cjson.decode(steps)) do
    local group = 'celery-taskset-meta-'
    local open = step[1] == '' or redis.call('DEL', group .. step[1] .. '.j') == 1
    if open and step[1] ~= '' then
      for _, kind in ipairs({'.t', '.s', '.b'}) do redis.call('DEL', group .. step[1] .. kind) end
    end
    -- Each of its parts says so; who hears of its end hears of it once.
    if step[2] ~= '' then open = redis.pcall('SET', 'q:k:' .. step[2], '', 'EX', 86400, 'NX') ~= false end
    for _, never in ipairs(open and step[3] or {}) do
      local key = 'celery-task-meta-' .. never[1]
      if redis.call('EXISTS', key) == 0 then
        local result = full and #never[2] > 1024 and shortened(never[2], never[1]) or never[2]
        if full then room = room - #result end
        if room >= 0 then
          redis.pcall('SETEX', key, expiry, result)
        else
          dropped = dropped + 1
        end
        tell(key, never[2])
      end
    end
    for _, task in ipairs(open and step[4] or {}) do
      local pushed = redis.pcall('LPUSH', task[1], task[4])
      if type(pushed) == 'number' then
        redis.pcall('SADD', '_kombu.binding.' .. task[2], task[2] .. '\6\22\6\22' .. task[2])
        woken = true
      else
        unsent[#unsent + 1], unsent[#unsent + 2] = task[3], pushed.err
        local failed = '{"status": "FAILURE", "result": {"exc_type": "OperationalError", "exc_message": [' ..
          cjson.encode('it was to follow another task and could not be put into its queue: ' .. pushed.err) ..
          '], "exc_module": "kombu.exceptions"}, "traceback": null, "children": [], "date_done": null, "task_id": ' ..
          cjson.encode(task[3]) .. '}'
        redis.pcall('SETEX', 'celery-task-meta-' .. task[3], expiry, failed)
        tell('celery-task-meta-' .. task[3], failed)
      end
    end
  end
end
local noted = {}
for n = 1, #deliveries do
  local i = n * 10 - 7
  local kind = ARGV[i]
  if lists[n] and kind ~= 'P' then
    local done = true
    if kind == 'R' then
      redis.call('ZREM', KEYS[2], deliveries[n])
      local pushed = redis.pcall('LPUSH', ARGV[i + 6], ARGV[i + 7])
      done = type(pushed) == 'number'
      woken = woken or done
    elseif homeless[n] then
      redis.call('ZREM', KEYS[2], deliveries[n])
      done = type(redis.pcall('RPUSH', ARGV[i + 6], ARGV[i + 7])) == 'number'
      putBack = putBack + 1
    elseif kind ~= 'X' and ARGV[i + 7] ~= '' then
      redis.call('ZREM', KEYS[2], deliveries[n])
      follow(ARGV[i + 7], rooms[n])
    end
    if done then ended[#ended + 1] = deliveries[n] end
    if done and ARGV[i + 9] == '1' then
      noted[#noted + 1] = ARGV[i + 2]
      if redis.call('HEXISTS', KEYS[1], deliveries[n]) == 0 then
        copied = copied + 1
        redis.pcall('SETEX', 'q:x:' .. ARGV[i + 2], 3600, '')
      end
    end
    if done and ARGV[i + 8] == '1' then starts[#starts + 1] = 'q:n:' .. ARGV[i + 2] end
  end
end
if #ended > 0 then
  redis.call('ZREM', KEYS[2], unpack(ended))
  redis.call('HDEL', KEYS[1], unpack(ended))
  redis.call('HDEL', KEYS[3], unpack(ended))
end
if #noted > 0 then redis.call('HDEL', KEYS[4], unpack(noted)) end
if #starts > 0 then redis.call('DEL', unpack(starts)) end

-- Memory is full. An old state must not stay as if the task still waited or ran: what is stored now is smaller than the
-- message that has just gone.
for _, i in ipairs(refused) do
  local key, result = 'celery-task-meta-' .. ARGV[i + 2], ARGV[i + 3]
  redis.call('DEL', key)
  if #result > 512 then
    dropped = dropped + 1
    result = shortened(result, ARGV[i + 2])
  end
  redis.call('SETEX', key, expiry, result)
end
if woken then tell(ARGV[2], '*') end
return {dropped, lost, untold, copied, published, unsent, putBack, kept, foreign, unfit}
