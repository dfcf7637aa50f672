-- SPDX-License-Identifier: GPL-3.0-or-later
-- Accounts and what belongs to them. Times are milliseconds since 1970, ids are made by the program (core/base/ids.h),
-- roles and categories are the numbers of core/api/access.h.

CREATE TABLE users (
    id BIGINT NOT NULL PRIMARY KEY,
    email TEXT {{bytewise}} NOT NULL,
    password_hash TEXT NOT NULL,
    role SMALLINT NOT NULL,
    disabled SMALLINT NOT NULL,
    created BIGINT NOT NULL,
    last_sign_in BIGINT,
    password_changed BIGINT NOT NULL
);
-- Carries the filters too, so that a search reads the index alone.
CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX users_search ON users (id, email, role, disabled);
CREATE INDEX users_role ON users (role, id);
CREATE INDEX users_disabled ON users (disabled, id);

CREATE TABLE user_limits (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    category SMALLINT NOT NULL,
    windows TEXT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (user_id, category)
);

CREATE TABLE user_sessions (
    session TEXT {{bytewise}} NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX user_sessions_user ON user_sessions (user_id, last_seen);
CREATE INDEX user_sessions_seen ON user_sessions (last_seen);
