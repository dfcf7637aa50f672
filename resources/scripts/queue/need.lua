-- SPDX-License-Identifier: GPL-3.0-or-later
-- Ends a script before it has changed anything, in Redis' own words, where Redis does not allow what comes later in it.
-- Put in front of those that write in several steps: Redis takes nothing back of a script that breaks off.
--
-- Asking is no command, neither for what it costs nor for whether a script may enlarge memory. Redis before 7.0 cannot
-- be asked.
local function need(...)
  if not redis.acl_check_cmd then return end
  local known, allowed = pcall(redis.acl_check_cmd, ...)
  if not (known and allowed) then redis.call(...) end
end

