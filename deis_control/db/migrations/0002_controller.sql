-- The whole controller: named tokens with scopes, certificates, what an operation changes in words,
-- the audit trail, and failed logins.

ALTER TABLE tokens
    ADD COLUMN id         uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN name       text NOT NULL DEFAULT '',    -- empty for a login's token
    ADD COLUMN scope      text NOT NULL DEFAULT 'admin' CHECK (scope IN ('read', 'deploy', 'admin')),
    ADD COLUMN app        uuid REFERENCES apps ON DELETE CASCADE,   -- the only app it is good for
    ADD COLUMN last_used  timestamptz,                 -- written at most once a minute
    ADD COLUMN expires    timestamptz;
CREATE UNIQUE INDEX tokens_id ON tokens (id);
CREATE UNIQUE INDEX tokens_name ON tokens (user_id, name) WHERE name <> '';
CREATE INDEX tokens_app ON tokens (app) WHERE app IS NOT NULL;

ALTER TABLE operations ADD COLUMN summary text NOT NULL DEFAULT '';   -- secrets by name only

CREATE TABLE certs (
    id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    owner_id     bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    common_name  text NOT NULL UNIQUE,
    certificate  text NOT NULL,                -- PEM
    key          bytea NOT NULL,               -- sealed PEM
    expires      timestamptz NOT NULL,
    created      timestamptz NOT NULL DEFAULT now(),
    updated      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX certs_owner ON certs (owner_id);

CREATE TABLE login_failures (                  -- since the last success of that pair
    username  text NOT NULL,
    address   text NOT NULL,
    failures  integer NOT NULL,
    last      timestamptz NOT NULL,
    PRIMARY KEY (username, address)
);
CREATE INDEX login_failures_address ON login_failures (address);
CREATE INDEX login_failures_last ON login_failures (last);

CREATE TABLE audit (                           -- append-only; names stay true after their rows are gone
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor     text NOT NULL,                   -- a user name, or what was given as one
    actor_id  bigint,
    address   text NOT NULL DEFAULT '',
    token     text NOT NULL DEFAULT '',        -- the name of a named token
    action    text NOT NULL,
    app       uuid,
    app_id    text,
    target    text NOT NULL DEFAULT '',
    before    jsonb,
    after     jsonb,
    outcome   text NOT NULL CHECK (outcome IN ('ok', 'refused'))
);
CREATE INDEX audit_app ON audit (app, id DESC);
CREATE INDEX audit_app_id ON audit (app_id, id DESC);
CREATE INDEX audit_actor ON audit (actor, id DESC);
CREATE INDEX audit_actor_id ON audit (actor_id, id DESC);
CREATE INDEX audit_action ON audit (action, id DESC);
CREATE INDEX audit_at ON audit (at);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- What a user made in others' apps is found when his account ends.
CREATE INDEX domains_owner ON domains (owner_id);
CREATE INDEX configs_owner ON configs (owner_id);
CREATE INDEX builds_owner ON builds (owner_id);
CREATE INDEX releases_owner ON releases (owner_id);
CREATE INDEX operations_actor ON operations (actor_id);
CREATE INDEX pushes_owner ON pushes (owner_id);
-- References that a destroyed app's rows are checked by.
CREATE INDEX releases_config ON releases (config);
CREATE INDEX releases_build ON releases (build);
CREATE INDEX releases_operation ON releases (operation);
CREATE INDEX pushes_app ON pushes (app);

-- How many apps there are: a superuser's list says so on every page, and must not count 100,000.
CREATE TABLE totals (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    apps      bigint NOT NULL
);
INSERT INTO totals (apps) SELECT count(*) FROM apps;

CREATE FUNCTION count_apps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE totals SET apps = apps + (SELECT count(*) FROM changed);
    ELSE
        UPDATE totals SET apps = apps - (SELECT count(*) FROM changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER apps_made AFTER INSERT ON apps
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_apps();
CREATE TRIGGER apps_gone AFTER DELETE ON apps
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_apps();
