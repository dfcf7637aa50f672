-- SPDX-License-Identifier: GPL-3.0-or-later
-- What waits in some lists, next to run first, one list after the other; a bounded answer whatever they hold.
-- KEYS: the lists
-- ARGV: how many to pass over, how many to answer, bytes after which it ends, bytes of a message that are answered
-- Answers {1 or 0: there is more, list, message, …}. Of a message that is longer only its beginning.
local over, most, bytes, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = {0}
-- So many are read at once, and more where they are small: each read walks through the list to where it begins.
local chunk = 16
for list = 1, #KEYS do
  local at, exhausted = 0, false
  if over > 0 then
    local length = redis.pcall('LLEN', KEYS[list])
    if type(length) ~= 'number' or length <= over then
      over = over - (type(length) == 'number' and length or 0)
      exhausted = true
    else
      at, over = over, 0
    end
  end
  while not exhausted do
    if most <= 0 or bytes <= 0 then
      reply[1] = 1
      return reply
    end
    local wanted, size = math.min(chunk, most), 0
    local found = redis.pcall('LRANGE', KEYS[list], -at - wanted, -at - 1)
    if found.err then break end -- a key of another type
    exhausted = #found < wanted
    for i = #found, 1, -1 do
      local message = string.sub(found[i], 1, longest)
      size = size + #found[i]
      reply[#reply + 1], reply[#reply + 2] = list, message
      at, most, bytes = at + 1, most - 1, bytes - #message
      if bytes <= 0 then break end
    end
    chunk = size < 65536 and math.min(chunk * 4, 128) or 16
  end
end
return reply
