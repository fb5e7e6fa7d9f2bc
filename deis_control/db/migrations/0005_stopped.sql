-- Process types that are stopped and keep their count in `structure`.

ALTER TABLE apps ADD COLUMN stopped text[] NOT NULL DEFAULT '{}';

ALTER TABLE operations DROP CONSTRAINT operations_kind_check;
ALTER TABLE operations ADD CONSTRAINT operations_kind_check CHECK (kind IN
    ('build', 'config', 'rollback', 'scale', 'restart', 'stop', 'start', 'destroy'));
