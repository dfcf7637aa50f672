-- SPDX-License-Identifier: GPL-3.0-or-later
-- Whose task it is. No foreign key: a task outlives its owner's account in the queue, and inserts are frequent.
CREATE TABLE task_owners (
    task_id TEXT {{bytewise}} NOT NULL PRIMARY KEY,
    owner BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX task_owners_owner ON task_owners (owner, created, task_id);
CREATE INDEX task_owners_created ON task_owners (created);

-- Who did what. Only grows; an actor's account may be gone, so no foreign key either.
CREATE TABLE audit (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_id BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role SMALLINT NOT NULL,
    action TEXT {{bytewise}} NOT NULL,
    subject TEXT {{bytewise}} NOT NULL,
    deployment TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_actor ON audit (actor_id, id);
CREATE INDEX audit_subject ON audit (subject, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_at ON audit (at, id);
