-- SPDX-License-Identifier: GPL-3.0-or-later
-- What consoles and scripts are let in by. Of a token itself only its SHA-256 is kept, as base64url: it has 256 random
-- bits, so nobody finds it by trying, and nothing slower is needed.
CREATE TABLE api_tokens (
    name TEXT {{bytewise}} NOT NULL PRIMARY KEY,
    hash TEXT {{bytewise}} NOT NULL,
    role SMALLINT NOT NULL,
    made BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    expires BIGINT,
    last_used BIGINT
);
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);
