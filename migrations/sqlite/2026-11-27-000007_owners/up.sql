-- Who answers for a key, beside what it is called.
ALTER TABLE access_key ADD COLUMN owner TEXT CONSTRAINT access_key_owner_check CHECK (length(owner) BETWEEN 1 AND 100);
