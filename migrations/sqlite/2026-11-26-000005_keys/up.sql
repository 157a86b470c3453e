-- Keys of editors, operators and partners. What is stored of a key does not open anything: a hash of its random part.
CREATE TABLE access_key (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TIMESTAMP,
    last_used_at TIMESTAMP,
    revoked_at TIMESTAMP,
    CONSTRAINT access_key_id_key UNIQUE (id),
    CONSTRAINT access_key_name_check CHECK (length(name) BETWEEN 1 AND 100)
);
