DROP TRIGGER audit_entry_stays ON audit_entry;
ALTER TABLE access_key DROP COLUMN owner;
