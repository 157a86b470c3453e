-- What is accepted. `requester` is the only table with personal data, and it is encrypted; deleting a request deletes all that hangs on it.

-- A text that was shown to a visitor; a version is never edited, a new one is added.
CREATE TABLE consent_text (
    version TEXT NOT NULL CONSTRAINT consent_text_pkey PRIMARY KEY,
    purpose TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT consent_text_version_check CHECK (length(version) BETWEEN 1 AND 80),
    CONSTRAINT consent_text_purpose_check CHECK (purpose IN ('privacyNotice', 'news'))
);

CREATE TABLE consent_text_body (
    version TEXT NOT NULL,
    language TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT consent_text_body_pkey PRIMARY KEY (version, language),
    CONSTRAINT consent_text_body_version_fkey FOREIGN KEY (version) REFERENCES consent_text (version)
);

-- `repeat_hash`: keyed hash of who asked for what, so that the same person asking again within ten minutes gets the same request back.
CREATE TABLE download_request (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    language TEXT NOT NULL,
    privacy_notice TEXT NOT NULL,
    purpose TEXT,
    organization_type TEXT,
    municipality TEXT,
    country TEXT,
    repeat_hash TEXT,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT download_request_id_key UNIQUE (id),
    CONSTRAINT download_request_privacy_notice_fkey FOREIGN KEY (privacy_notice) REFERENCES consent_text (version),
    CONSTRAINT download_request_state_check CHECK (state IN ('pending', 'waiting', 'fulfilled')),
    CONSTRAINT download_request_country_check CHECK (length(country) = 2)
);
CREATE INDEX download_request_repeat_idx ON download_request (repeat_hash, created_at);

CREATE TABLE requester (
    request_key BIGINT NOT NULL CONSTRAINT requester_pkey PRIMARY KEY,
    identity TEXT NOT NULL,
    email_hash TEXT,
    CONSTRAINT requester_request_key_fkey FOREIGN KEY (request_key) REFERENCES download_request (key) ON DELETE CASCADE
);
CREATE INDEX requester_email_idx ON requester (email_hash);

CREATE TABLE download_item (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    request_key BIGINT NOT NULL,
    edition_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    fulfilled_at TIMESTAMP,
    CONSTRAINT download_item_request_key_edition_key_key UNIQUE (request_key, edition_key),
    CONSTRAINT download_item_request_key_fkey FOREIGN KEY (request_key) REFERENCES download_request (key) ON DELETE CASCADE,
    CONSTRAINT download_item_edition_key_fkey FOREIGN KEY (edition_key) REFERENCES edition (key),
    CONSTRAINT download_item_state_check CHECK (state IN ('waiting', 'fulfilled'))
);
CREATE INDEX download_item_edition_idx ON download_item (edition_key, state);

-- Append only: a withdrawal is a date, not a deletion.
CREATE TABLE consent (
    request_key BIGINT NOT NULL,
    version TEXT NOT NULL,
    given BOOLEAN NOT NULL,
    stated_at TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP,
    CONSTRAINT consent_pkey PRIMARY KEY (request_key, version),
    CONSTRAINT consent_request_key_fkey FOREIGN KEY (request_key) REFERENCES download_request (key) ON DELETE CASCADE,
    CONSTRAINT consent_version_fkey FOREIGN KEY (version) REFERENCES consent_text (version)
);

-- What an `Idempotency-Key` was answered with; goes with the request.
CREATE TABLE idempotency (
    key_hash TEXT NOT NULL CONSTRAINT idempotency_pkey PRIMARY KEY,
    body_hash TEXT NOT NULL,
    request_key BIGINT NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT idempotency_request_key_fkey FOREIGN KEY (request_key) REFERENCES download_request (key) ON DELETE CASCADE
);
CREATE INDEX idempotency_created_idx ON idempotency (created_at);
CREATE INDEX idempotency_request_idx ON idempotency (request_key);
