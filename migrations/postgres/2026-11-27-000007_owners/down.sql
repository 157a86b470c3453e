DROP TRIGGER audit_entry_not_truncated ON audit_entry;
ALTER TABLE access_key DROP COLUMN owner;
