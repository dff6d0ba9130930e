-- One row, kept in the transaction that adds or removes an object: nobody has to count what is stored.

CREATE TABLE object_total (
    name {key} NOT NULL PRIMARY KEY,
    objects BIGINT NOT NULL,
    bytes BIGINT NOT NULL
){clustered};
INSERT INTO object_total (name, objects, bytes) SELECT 'all', COUNT(*), COALESCE(SUM(size), 0) FROM object;
