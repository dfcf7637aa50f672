-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a task is about, such as a stock's symbol: a person must know it again while it waits, when it failed, and when its
-- result has expired.
ALTER TABLE task_owners ADD COLUMN subject TEXT;
