-- Editing: what is published on time, every state that a record had, what mirrors follow, and who wrote what.

ALTER TABLE record ADD COLUMN publish_at TIMESTAMP;
ALTER TABLE record ADD COLUMN withdraw_at TIMESTAMP;
CREATE INDEX record_publish_at_idx ON record (publish_at);
CREATE INDEX record_withdraw_at_idx ON record (withdraw_at);
-- `source_version` was never used; a text whose source changed since is known by `updated_at`, which moves with the words alone.
ALTER TABLE record_text DROP COLUMN source_version;
ALTER TABLE record_text ADD COLUMN publish_at TIMESTAMP;
CREATE INDEX record_text_publish_at_idx ON record_text (publish_at);

-- The program whose representations the faces are of; others are made anew when another program starts.
ALTER TABLE catalogue_revision ADD COLUMN faces TEXT;

-- The complete state of a record after a revision, or its end. No reference to the record: it outlives it.
CREATE TABLE record_version (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    record_key BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    version BIGINT NOT NULL,
    action TEXT NOT NULL,
    author TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    document TEXT,
    kept TEXT,
    CONSTRAINT record_version_record_key_revision_key UNIQUE (record_key, revision),
    CONSTRAINT record_version_document_check CHECK ((document IS NULL) = (kept IS NULL))
);
CREATE INDEX record_version_id_idx ON record_version (kind, id, revision);
CREATE INDEX record_version_revision_idx ON record_version (revision);
CREATE INDEX record_version_at_idx ON record_version (at);

-- What the public sees of a record: a hash for each language it is published in, and with language '' for all of them together.
CREATE TABLE public_face (
    record_key BIGINT NOT NULL,
    language TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    etag TEXT NOT NULL,
    CONSTRAINT public_face_pkey PRIMARY KEY (record_key, language)
);
CREATE INDEX public_face_id_idx ON public_face (language, kind, id);

-- Every public change in the order of commits: writes of the catalogue come one after another, and number their changes while they hold its revision.
CREATE TABLE public_change (
    sequence BIGINT NOT NULL CONSTRAINT public_change_pkey PRIMARY KEY,
    revision BIGINT NOT NULL,
    at TIMESTAMP NOT NULL,
    change TEXT NOT NULL,
    kind TEXT NOT NULL,
    record_key BIGINT NOT NULL,
    id TEXT NOT NULL,
    previous_id TEXT,
    language TEXT,
    CONSTRAINT public_change_change_check CHECK (change IN ('published', 'updated', 'unpublished', 'withdrawn', 'deleted', 'renamed', 'fileReplaced'))
);
CREATE INDEX public_change_kind_idx ON public_change (kind, sequence);
CREATE INDEX public_change_record_idx ON public_change (record_key, sequence);
CREATE INDEX public_change_id_idx ON public_change (kind, id, sequence);

-- Who wrote what; rows are added and never changed.
CREATE TABLE audit_entry (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    author TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    revision BIGINT
);
CREATE INDEX audit_entry_subject_idx ON audit_entry (kind, subject, key);
CREATE TRIGGER audit_entry_kept BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
