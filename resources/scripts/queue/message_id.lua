-- SPDX-License-Identifier: GPL-3.0-or-later
-- The id of a task's message, whoever wrote it. Put in front of take.lua.
--
-- Protocol 2 has it in the headers; protocol 1 in the body, which is base64 of JSON as a rule. Names inside of either
-- may be the same, and an id may be written with escapes, so the text is decoded and not searched. What is longer than
-- that is worth is searched all the same. Answers nil where it cannot be told (a body of another serializer).

local base64 = {}
for at, letter in string.gmatch('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', '()(.)') do
  base64[string.byte(letter)] = at - 1
end

-- What encoders write: no blanks, padded. Anything else gives text that is no JSON.
local function fromBase64(text)
  local byte, char, floor, parts = string.byte, string.char, math.floor, {}
  for at = 1, #text, 4 do
    local a, b, c, d = byte(text, at, at + 3)
    a, b, c, d = base64[a] or 0, base64[b] or 0, base64[c] or 0, base64[d] or 0
    parts[#parts + 1] = char(a * 4 + floor(b / 16), b % 16 * 16 + floor(c / 4), c % 4 * 64 + d)
  end
  local padding = #string.match(string.sub(text, -2), '=*$')
  return string.sub(table.concat(parts), 1, -padding - 1)
end

local function stringIn(object, name)
  local value = type(object) == 'table' and object[name]
  return type(value) == 'string' and value or nil
end

local function messageId(text)
  if #text > 524288 then
    return string.match(text, '"id": ?"([^"\\]+)"', string.find(text, '"headers": ?{') or 1)
  end
  local read, message = pcall(cjson.decode, text)
  if not read or type(message) ~= 'table' then return nil end
  local id = stringIn(message.headers, 'id')
  local body = stringIn(message, 'body')
  if id or not body or #body > 65536 then return id end
  if stringIn(message.properties, 'body_encoding') == 'base64' then body = fromBase64(body) end
  local parsed, task = pcall(cjson.decode, body)
  return parsed and stringIn(task, 'id') or nil
end

