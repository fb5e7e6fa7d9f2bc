-- The last accepted changes, each with a mark that no other has: by it a database that was put
-- back and went on from there is told from the one whose change the store has heard of.

CREATE TABLE intents (
    seq   bigint PRIMARY KEY,
    mark  uuid NOT NULL DEFAULT gen_random_uuid()
);

-- How far the store's barrier was when the mirror was written (rule 4). Beside the mirror's own
-- entry of that kind, not in it: code of before reads that one as a plain number.
CREATE TABLE barrier (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    awaited   bigint NOT NULL
);
