-- What a build's image runs on, such as amd64; empty where nobody could tell.

ALTER TABLE builds ADD COLUMN arch text NOT NULL DEFAULT '';
