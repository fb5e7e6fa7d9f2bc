-- Accounts of the operator's directory (LDAP): it keeps their passwords, and their groups are mirrored.

ALTER TABLE users ALTER COLUMN password DROP NOT NULL;       -- NULL: the directory keeps it
ALTER TABLE users ADD COLUMN groups text[] NOT NULL DEFAULT '{}';
CREATE INDEX users_lower ON users (lower(username));         -- the directory ignores case
