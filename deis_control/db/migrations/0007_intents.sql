-- The last accepted changes, each with a mark that no other has: by it a database that was put
-- back and went on from there is told from the one whose change the store has heard of.

CREATE TABLE intents (
    seq   bigint PRIMARY KEY,
    mark  uuid NOT NULL DEFAULT gen_random_uuid()
);
