-- SPDX-License-Identifier: GPL-3.0-or-later
-- The orders in which people look through users; users_role and users_disabled carry theirs already.
CREATE INDEX users_last_sign_in ON users ((COALESCE(last_sign_in, 0)), id);
