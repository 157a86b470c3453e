ALTER TABLE access_key DROP COLUMN owner;
