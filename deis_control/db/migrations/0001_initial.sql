-- The first schema. Types that hold user text are text; JSON is jsonb; secrets are bytea envelopes.

CREATE TABLE control (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch        bigint  NOT NULL DEFAULT 0,   -- raised by each new leader (rule 6)
    incarnation  text                          -- the store's life that the last leader left behind
);
INSERT INTO control DEFAULT VALUES;

CREATE TABLE intent (                          -- apart from control: a leader's transaction holds that row
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq       bigint NOT NULL DEFAULT 0        -- accepted changes so far (rule 2)
);
INSERT INTO intent DEFAULT VALUES;

CREATE TABLE users (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    username      text NOT NULL UNIQUE,
    email         text NOT NULL DEFAULT '',
    first_name    text NOT NULL DEFAULT '',
    last_name     text NOT NULL DEFAULT '',
    password      text NOT NULL,               -- an argon2 hash
    is_superuser  boolean NOT NULL DEFAULT false,
    is_active     boolean NOT NULL DEFAULT true,
    last_login    timestamptz NOT NULL DEFAULT now(),
    date_joined   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tokens (
    digest   bytea PRIMARY KEY,                -- SHA-256 of the 40 hexadecimal digits
    user_id  bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE ssh_keys (
    uuid         uuid PRIMARY KEY,
    owner_id     bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    id           text NOT NULL,
    public       text NOT NULL,
    fingerprint  text NOT NULL UNIQUE,         -- MD5, colon-separated: one key, one user
    created      timestamptz NOT NULL DEFAULT now(),
    updated      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_id, id)
);

CREATE TABLE apps (
    uuid        uuid PRIMARY KEY,
    id          text NOT NULL UNIQUE,
    owner_id    bigint NOT NULL REFERENCES users,
    structure   jsonb NOT NULL DEFAULT '{}',   -- process type → count, of the live formation
    next_seq    bigint NOT NULL DEFAULT 1,     -- of the app's next operation
    destroying  boolean NOT NULL DEFAULT false,
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX apps_owner ON apps (owner_id);

CREATE TABLE app_users (                       -- grants of use_app
    app      uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    user_id  bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (app, user_id)
);
CREATE INDEX app_users_user ON app_users (user_id);

CREATE TABLE domains (
    domain    text PRIMARY KEY,
    app       uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    owner_id  bigint NOT NULL REFERENCES users,
    created   timestamptz NOT NULL DEFAULT now(),
    updated   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX domains_app ON domains (app);

CREATE TABLE configs (
    uuid      uuid PRIMARY KEY,
    app       uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    owner_id  bigint NOT NULL REFERENCES users,
    "values"  bytea NOT NULL,                  -- sealed JSON object
    memory    jsonb NOT NULL DEFAULT '{}',
    cpu       jsonb NOT NULL DEFAULT '{}',
    tags      jsonb NOT NULL DEFAULT '{}',
    created   timestamptz NOT NULL DEFAULT now(),
    updated   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX configs_app ON configs (app);

CREATE TABLE builds (
    uuid        uuid PRIMARY KEY,
    app         uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    owner_id    bigint NOT NULL REFERENCES users,
    image       text NOT NULL,                 -- as given by the user or the builder
    reference   text,                          -- by digest in the platform's registry, once it is there
    sha         text NOT NULL DEFAULT '',
    procfile    jsonb NOT NULL DEFAULT '{}',
    dockerfile  text NOT NULL DEFAULT '',
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX builds_app ON builds (app, created DESC);

CREATE TABLE operations (
    id         uuid PRIMARY KEY,
    app        uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    seq        bigint NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('build', 'config', 'rollback', 'scale', 'restart', 'destroy')),
    actor_id   bigint NOT NULL REFERENCES users,
    delta      bytea NOT NULL,                 -- sealed JSON object, its shape given by kind
    idempotency_key  text,
    phase      text NOT NULL DEFAULT 'queued'
               CHECK (phase IN ('queued', 'placing', 'starting', 'healthy', 'published', 'routed', 'retiring', 'done', 'failed')),
    release    bigint,                         -- the number this operation took, if it makes a release
    plan       jsonb NOT NULL DEFAULT '{}',    -- fixed at placing: structure, generations
    cancel     boolean NOT NULL DEFAULT false, -- somebody asked for its end; honoured up to routed
    reason     text NOT NULL DEFAULT '',       -- why it failed, a sentence
    epoch      bigint NOT NULL DEFAULT 0,      -- of the leader that wrote last
    created    timestamptz NOT NULL DEFAULT now(),
    started    timestamptz,
    ended      timestamptz,
    UNIQUE (app, seq),
    UNIQUE (app, idempotency_key)
);
CREATE INDEX operations_open ON operations (app, seq) WHERE phase NOT IN ('done', 'failed');

CREATE TABLE operation_phases (                -- progress as rows with a sequence: a watcher resumes anywhere
    operation  uuid NOT NULL REFERENCES operations ON DELETE CASCADE,
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    phase      text NOT NULL,
    text       text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (operation, seq)
);

CREATE TABLE releases (
    uuid       uuid PRIMARY KEY,
    app        uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    version    bigint NOT NULL,
    owner_id   bigint NOT NULL REFERENCES users,
    summary    text NOT NULL,
    config     uuid NOT NULL REFERENCES configs,
    build      uuid REFERENCES builds,
    state      text NOT NULL CHECK (state IN ('pending', 'live', 'failed')),
    operation  uuid REFERENCES operations,
    created    timestamptz NOT NULL DEFAULT now(),
    updated    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (app, version)
);

CREATE TABLE pushes (
    uuid                  uuid PRIMARY KEY,
    app                   uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    owner_id              bigint NOT NULL REFERENCES users,
    sha                   text NOT NULL,
    fingerprint           text NOT NULL,
    receive_user          text NOT NULL,
    receive_repo          text NOT NULL,
    ssh_connection        text NOT NULL,
    ssh_original_command  text NOT NULL,
    created               timestamptz NOT NULL DEFAULT now(),
    updated               timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE refs (                            -- the accepted refs: the repository on disk is a cache of these
    app   uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    ref   text NOT NULL,
    sha   text NOT NULL,
    PRIMARY KEY (app, ref)
);

CREATE TABLE mirror (                          -- etcd's lasting keys, for a store that was lost (rule 2)
    key    text PRIMARY KEY,
    value  bytea NOT NULL
);
