-- One-off commands. They are kept as long as their app, their outputs for the newest ones only.

CREATE TABLE runs (
    uuid         uuid PRIMARY KEY,
    app          uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    num          bigint NOT NULL,
    command      bytea NOT NULL,               -- sealed: it may hold secrets
    actor        text NOT NULL,                -- a name, which outlives the account
    state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    release      bigint,                       -- these four are fixed when a host is chosen
    host         text,
    container    text,
    incarnation  text,                         -- the store's life then: in another one its placement may be lost
    exit_code    integer,
    reason       text NOT NULL DEFAULT '',     -- why it failed, or why it is being ended
    output       bytea,                        -- sealed
    truncated    boolean NOT NULL DEFAULT false,
    epoch        bigint NOT NULL DEFAULT 0,    -- of the leader that wrote last
    created      timestamptz NOT NULL DEFAULT now(),
    taken        timestamptz,                  -- when a host was chosen
    started      timestamptz,
    ended        timestamptz,
    UNIQUE (app, num)
);
CREATE INDEX runs_open ON runs (created) WHERE state IN ('queued', 'running');
