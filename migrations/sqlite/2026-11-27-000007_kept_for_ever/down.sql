DROP TABLE tombstone;
ALTER TABLE access_key DROP COLUMN owner;
