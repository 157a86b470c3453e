-- What lists need so that a page costs the same wherever it lies and however many records there are.
-- `languages`: the languages of a record's published texts, one bit each (fr 1, nl 2, en 4, de 8). `listed` is from now on: public and with such a text.

ALTER TABLE record ADD COLUMN languages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN year INTEGER;
ALTER TABLE record_text ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE record_text ADD COLUMN languages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record_text ADD COLUMN listed BOOLEAN NOT NULL DEFAULT 0;

UPDATE record SET
    languages = (SELECT coalesce(sum(CASE t.language WHEN 'fr' THEN 1 WHEN 'nl' THEN 2 WHEN 'en' THEN 4 WHEN 'de' THEN 8 ELSE 0 END), 0)
        FROM record_text t WHERE t.record_key = record.key AND t.state = 'published'),
    year = (SELECT w.year FROM work w WHERE w.record_key = record.key);
UPDATE record SET listed = (state IN ('announced', 'published') AND languages > 0);
UPDATE record_text SET
    kind = (SELECT r.kind FROM record r WHERE r.key = record_text.record_key),
    languages = (SELECT r.languages FROM record r WHERE r.key = record_text.record_key),
    listed = (SELECT r.listed FROM record r WHERE r.key = record_text.record_key) AND state = 'published';

CREATE INDEX record_listed_id_idx ON record (kind, listed, id, key);
CREATE INDEX record_listed_updated_idx ON record (kind, listed, updated_at, key);
CREATE INDEX record_listed_year_idx ON record (kind, listed, year, key);
-- The order by title of what is served in one language: among records with the same languages, every reader resolves to the same one.
CREATE INDEX record_text_listed_idx ON record_text (kind, listed, language, languages, title_sort, record_key);

-- How many listed records of a kind have exactly these languages: the total of a list without counting it.
CREATE TABLE list_total (
    kind TEXT NOT NULL,
    languages INTEGER NOT NULL,
    total BIGINT NOT NULL,
    CONSTRAINT list_total_pkey PRIMARY KEY (kind, languages),
    CONSTRAINT list_total_total_check CHECK (total >= 0)
);
INSERT INTO list_total (kind, languages, total) SELECT kind, languages, count(*) FROM record WHERE listed = 1 GROUP BY kind, languages;

-- The one row is there from the start, so that it can be locked before the first write.
INSERT INTO catalogue_revision (id, revision, moved_at) SELECT 1, 0, '1970-01-01 00:00:00' WHERE NOT EXISTS (SELECT 1 FROM catalogue_revision);

-- Nobody asks for the hash of an address yet, and its index is a random page in every write: a third of what a download request costs.
DROP INDEX requester_email_idx;
