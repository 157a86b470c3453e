-- Who answers for a key, beside what it is called.
ALTER TABLE access_key ADD COLUMN owner TEXT CONSTRAINT access_key_owner_check CHECK (length(owner) BETWEEN 1 AND 100);
-- TRUNCATE asks no trigger of rows.
CREATE TRIGGER audit_entry_not_truncated BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_is_kept();
