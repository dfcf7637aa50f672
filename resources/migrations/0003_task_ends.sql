-- SPDX-License-Identifier: GPL-3.0-or-later
-- When a task ended, as far as this portal's own workers saw it: its result expires, and what has no result any more must
-- not look as if it still waited.
ALTER TABLE task_owners ADD COLUMN ended BIGINT;
