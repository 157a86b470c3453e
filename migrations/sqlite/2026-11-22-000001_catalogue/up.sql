-- The catalogue. Dates are EDTF level 0 (year, year-month or day); where order matters a `_day` column computed in Rust stands beside.
-- Instants are UTC, microseconds at most, and always set by the program.

CREATE TABLE catalogue_revision (
    id INTEGER NOT NULL CONSTRAINT catalogue_revision_pkey PRIMARY KEY,
    revision BIGINT NOT NULL,
    moved_at TIMESTAMP NOT NULL,
    CONSTRAINT catalogue_revision_id_check CHECK (id = 1)
);

-- Every noun is a record: what all of them share (identity, state, order, dates) is here, the rest in the noun's own table.
CREATE TABLE record (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    listed BOOLEAN NOT NULL,
    rank BIGINT NOT NULL,
    version BIGINT NOT NULL,
    note TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT record_kind_id_key UNIQUE (kind, id),
    CONSTRAINT record_kind_check CHECK (kind IN ('collection', 'language', 'theme', 'volume', 'complement', 'event', 'testimony', 'supporter')),
    CONSTRAINT record_id_check CHECK (length(id) BETWEEN 1 AND 80),
    CONSTRAINT record_state_check CHECK (state IN ('draft', 'announced', 'published', 'withdrawn'))
);
-- The default order of every list, over what the public may see (`listed`: announced or published).
CREATE INDEX record_listed_idx ON record (kind, listed, rank, key);
CREATE INDEX record_updated_idx ON record (kind, updated_at, key);

CREATE TABLE renamed_id (
    kind TEXT NOT NULL,
    old_id TEXT NOT NULL,
    record_key BIGINT NOT NULL,
    CONSTRAINT renamed_id_pkey PRIMARY KEY (kind, old_id),
    CONSTRAINT renamed_id_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE
);

-- Where a fact comes from, for editors only.
CREATE TABLE fact_source (
    record_key BIGINT NOT NULL,
    fact TEXT NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT fact_source_pkey PRIMARY KEY (record_key, fact),
    CONSTRAINT fact_source_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE
);

-- The texts of every record, one row a language: publication, staleness, search and order by title are the same thing for all nouns.
-- `title_sort` and `folded` are computed in Rust, so that both databases compare alike.
CREATE TABLE record_text (
    record_key BIGINT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    full_title TEXT,
    subtitle TEXT,
    summary TEXT,
    announcement TEXT,
    role TEXT,
    title_sort TEXT NOT NULL,
    folded TEXT NOT NULL,
    source_version BIGINT,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT record_text_pkey PRIMARY KEY (record_key, language),
    CONSTRAINT record_text_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT record_text_language_check CHECK (length(language) BETWEEN 2 AND 8),
    CONSTRAINT record_text_state_check CHECK (state IN ('draft', 'published')),
    CONSTRAINT record_text_title_check CHECK (length(title) BETWEEN 1 AND 500)
);
CREATE INDEX record_text_title_idx ON record_text (language, title_sort, record_key);

CREATE TABLE collection (
    record_key BIGINT NOT NULL CONSTRAINT collection_pkey PRIMARY KEY,
    updated_on TEXT,
    page_url TEXT,
    CONSTRAINT collection_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT collection_updated_on_check CHECK (updated_on LIKE '____' OR updated_on LIKE '____-__' OR updated_on LIKE '____-__-__')
);

CREATE TABLE language (
    record_key BIGINT NOT NULL CONSTRAINT language_pkey PRIMARY KEY,
    native_name TEXT NOT NULL,
    CONSTRAINT language_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE
);

CREATE TABLE theme (
    record_key BIGINT NOT NULL CONSTRAINT theme_pkey PRIMARY KEY,
    concept_uri TEXT,
    CONSTRAINT theme_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE
);

CREATE TABLE supporter (
    record_key BIGINT NOT NULL CONSTRAINT supporter_pkey PRIMARY KEY,
    role TEXT NOT NULL,
    url TEXT,
    from_on TEXT,
    until_on TEXT,
    CONSTRAINT supporter_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT supporter_role_check CHECK (role IN ('funder', 'programme', 'publisher', 'partner')),
    CONSTRAINT supporter_from_on_check CHECK (from_on LIKE '____' OR from_on LIKE '____-__' OR from_on LIKE '____-__-__'),
    CONSTRAINT supporter_until_on_check CHECK (until_on LIKE '____' OR until_on LIKE '____-__' OR until_on LIKE '____-__-__')
);

-- Volumes and complements are two kinds of work.
CREATE TABLE work (
    record_key BIGINT NOT NULL CONSTRAINT work_pkey PRIMARY KEY,
    kind TEXT NOT NULL,
    number INTEGER,
    year INTEGER,
    published_on TEXT,
    expected_on TEXT,
    source_language TEXT,
    page_url TEXT,
    CONSTRAINT work_kind_number_key UNIQUE (kind, number),
    CONSTRAINT work_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT work_kind_check CHECK (kind IN ('volume', 'complement')),
    CONSTRAINT work_number_check CHECK (number BETWEEN 1 AND 1000000),
    CONSTRAINT work_year_check CHECK (year BETWEEN 1900 AND 2999),
    CONSTRAINT work_published_on_check CHECK (published_on LIKE '____' OR published_on LIKE '____-__' OR published_on LIKE '____-__-__'),
    CONSTRAINT work_expected_on_check CHECK (expected_on LIKE '____' OR expected_on LIKE '____-__' OR expected_on LIKE '____-__-__')
);
CREATE INDEX work_year_idx ON work (kind, year, record_key);

CREATE TABLE work_theme (
    work_key BIGINT NOT NULL,
    theme_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT work_theme_pkey PRIMARY KEY (work_key, theme_key),
    CONSTRAINT work_theme_work_key_fkey FOREIGN KEY (work_key) REFERENCES work (record_key) ON DELETE CASCADE,
    CONSTRAINT work_theme_theme_key_fkey FOREIGN KEY (theme_key) REFERENCES theme (record_key)
);
CREATE INDEX work_theme_theme_idx ON work_theme (theme_key, work_key);

CREATE TABLE work_contributor (
    work_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization TEXT,
    CONSTRAINT work_contributor_pkey PRIMARY KEY (work_key, position),
    CONSTRAINT work_contributor_work_key_fkey FOREIGN KEY (work_key) REFERENCES work (record_key) ON DELETE CASCADE,
    CONSTRAINT work_contributor_role_check CHECK (role IN ('author', 'coordinator', 'supervisor', 'communication', 'design', 'partner', 'publisher'))
);

CREATE TABLE complement_volume (
    complement_key BIGINT NOT NULL,
    volume_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT complement_volume_pkey PRIMARY KEY (complement_key, volume_key),
    CONSTRAINT complement_volume_complement_key_fkey FOREIGN KEY (complement_key) REFERENCES work (record_key) ON DELETE CASCADE,
    CONSTRAINT complement_volume_volume_key_fkey FOREIGN KEY (volume_key) REFERENCES work (record_key)
);
CREATE INDEX complement_volume_volume_idx ON complement_volume (volume_key, complement_key);

-- A work in one language; the translated description of a work is not an edition.
CREATE TABLE edition (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    work_key BIGINT NOT NULL,
    language TEXT NOT NULL,
    title TEXT,
    published_on TEXT,
    pages INTEGER,
    pages_source TEXT,
    isbn TEXT,
    doi TEXT,
    handle TEXT,
    external_url TEXT,
    access TEXT NOT NULL,
    CONSTRAINT edition_work_key_language_key UNIQUE (work_key, language),
    CONSTRAINT edition_work_key_fkey FOREIGN KEY (work_key) REFERENCES work (record_key) ON DELETE CASCADE,
    CONSTRAINT edition_published_on_check CHECK (published_on LIKE '____' OR published_on LIKE '____-__' OR published_on LIKE '____-__-__'),
    CONSTRAINT edition_pages_check CHECK (pages BETWEEN 1 AND 1000000),
    CONSTRAINT edition_pages_source_check CHECK (pages_source IN ('file', 'unofficial')),
    CONSTRAINT edition_access_check CHECK (access IN ('form', 'open'))
);
CREATE INDEX edition_language_idx ON edition (language, work_key);

CREATE TABLE stored_file (
    sha256 TEXT NOT NULL CONSTRAINT stored_file_pkey PRIMARY KEY,
    bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    pages INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT stored_file_sha256_check CHECK (length(sha256) = 64),
    CONSTRAINT stored_file_bytes_check CHECK (bytes > 0),
    CONSTRAINT stored_file_pages_check CHECK (pages > 0)
);

-- Which file an edition had from when to when; the present one has no end.
CREATE TABLE edition_file (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    edition_key BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    file_name TEXT NOT NULL,
    attached_at TIMESTAMP NOT NULL,
    detached_at TIMESTAMP,
    CONSTRAINT edition_file_edition_key_fkey FOREIGN KEY (edition_key) REFERENCES edition (key) ON DELETE CASCADE,
    CONSTRAINT edition_file_sha256_fkey FOREIGN KEY (sha256) REFERENCES stored_file (sha256)
);
CREATE UNIQUE INDEX edition_file_current_key ON edition_file (edition_key) WHERE detached_at IS NULL;
CREATE INDEX edition_file_sha256_idx ON edition_file (sha256);

-- An ordered tree of typed parts: what a work contains, and the pieces a page of the collection is built from.
CREATE TABLE block (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    record_key BIGINT NOT NULL,
    parent_key BIGINT,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER,
    page INTEGER,
    CONSTRAINT block_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT block_parent_key_fkey FOREIGN KEY (parent_key) REFERENCES block (key) ON DELETE CASCADE,
    CONSTRAINT block_kind_check CHECK (kind IN ('part', 'phase', 'step', 'topic', 'tool', 'caseStudy', 'checklist', 'composition', 'audience', 'offer', 'context', 'principle', 'mission')),
    CONSTRAINT block_page_check CHECK (page BETWEEN 1 AND 1000000)
);
CREATE INDEX block_record_idx ON block (record_key, position);
CREATE INDEX block_parent_idx ON block (parent_key);

CREATE TABLE block_text (
    block_key BIGINT NOT NULL,
    language TEXT NOT NULL,
    title TEXT,
    summary TEXT,
    CONSTRAINT block_text_pkey PRIMARY KEY (block_key, language),
    CONSTRAINT block_text_block_key_fkey FOREIGN KEY (block_key) REFERENCES block (key) ON DELETE CASCADE,
    CONSTRAINT block_text_title_check CHECK (title IS NOT NULL OR summary IS NOT NULL)
);

-- A dated, sourced number: what the barometer measured, how many were reached.
CREATE TABLE figure (
    key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    record_key BIGINT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    value TEXT NOT NULL,
    unit TEXT NOT NULL,
    qualifier TEXT,
    scope TEXT,
    measured_on TEXT,
    quoted_from TEXT,
    CONSTRAINT figure_record_key_id_key UNIQUE (record_key, id),
    CONSTRAINT figure_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT figure_unit_check CHECK (unit IN ('percent', 'municipalities', 'downloads', 'copies', 'steps', 'years', 'points')),
    CONSTRAINT figure_qualifier_check CHECK (qualifier IN ('nearly', 'moreThan', 'lessThan', 'barely', 'about')),
    CONSTRAINT figure_scope_check CHECK (scope IN ('belgium', 'wallonia', 'flanders', 'brussels', 'flandersAndBrussels')),
    CONSTRAINT figure_measured_on_check CHECK (measured_on LIKE '____' OR measured_on LIKE '____-__' OR measured_on LIKE '____-__-__')
);

CREATE TABLE figure_text (
    figure_key BIGINT NOT NULL,
    language TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT,
    CONSTRAINT figure_text_pkey PRIMARY KEY (figure_key, language),
    CONSTRAINT figure_text_figure_key_fkey FOREIGN KEY (figure_key) REFERENCES figure (key) ON DELETE CASCADE
);

CREATE TABLE event (
    record_key BIGINT NOT NULL CONSTRAINT event_pkey PRIMARY KEY,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    start_time TEXT,
    end_time TEXT,
    time_zone TEXT,
    attendance TEXT,
    venue TEXT,
    address TEXT,
    postal_code TEXT,
    city TEXT,
    country TEXT,
    online_url TEXT,
    page_url TEXT,
    CONSTRAINT event_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE,
    CONSTRAINT event_kind_check CHECK (kind IN ('presentation', 'webinar', 'workshop', 'conference', 'videoSeries')),
    CONSTRAINT event_status_check CHECK (status IN ('scheduled', 'cancelled', 'postponed', 'movedOnline')),
    CONSTRAINT event_starts_on_check CHECK (starts_on LIKE '____' OR starts_on LIKE '____-__' OR starts_on LIKE '____-__-__'),
    CONSTRAINT event_ends_on_check CHECK (ends_on LIKE '____' OR ends_on LIKE '____-__' OR ends_on LIKE '____-__-__'),
    CONSTRAINT event_last_day_check CHECK (first_day <= last_day),
    CONSTRAINT event_attendance_check CHECK (attendance IN ('inPerson', 'online', 'mixed')),
    CONSTRAINT event_country_check CHECK (length(country) = 2)
);
CREATE INDEX event_first_day_idx ON event (first_day, record_key);
CREATE INDEX event_last_day_idx ON event (last_day, record_key);

CREATE TABLE event_language (
    event_key BIGINT NOT NULL,
    language TEXT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT event_language_pkey PRIMARY KEY (event_key, language),
    CONSTRAINT event_language_event_key_fkey FOREIGN KEY (event_key) REFERENCES event (record_key) ON DELETE CASCADE
);

CREATE TABLE event_work (
    event_key BIGINT NOT NULL,
    work_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT event_work_pkey PRIMARY KEY (event_key, work_key),
    CONSTRAINT event_work_event_key_fkey FOREIGN KEY (event_key) REFERENCES event (record_key) ON DELETE CASCADE,
    CONSTRAINT event_work_work_key_fkey FOREIGN KEY (work_key) REFERENCES work (record_key)
);
CREATE INDEX event_work_work_idx ON event_work (work_key, event_key);

CREATE TABLE event_participant (
    event_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    organization TEXT,
    role TEXT NOT NULL,
    CONSTRAINT event_participant_pkey PRIMARY KEY (event_key, position),
    CONSTRAINT event_participant_event_key_fkey FOREIGN KEY (event_key) REFERENCES event (record_key) ON DELETE CASCADE,
    CONSTRAINT event_participant_role_check CHECK (role IN ('guest', 'speaker', 'organizer'))
);

CREATE TABLE testimony (
    record_key BIGINT NOT NULL CONSTRAINT testimony_pkey PRIMARY KEY,
    person TEXT NOT NULL,
    organization TEXT NOT NULL,
    CONSTRAINT testimony_record_key_fkey FOREIGN KEY (record_key) REFERENCES record (key) ON DELETE CASCADE
);

CREATE TABLE testimony_work (
    testimony_key BIGINT NOT NULL,
    work_key BIGINT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT testimony_work_pkey PRIMARY KEY (testimony_key, work_key),
    CONSTRAINT testimony_work_testimony_key_fkey FOREIGN KEY (testimony_key) REFERENCES testimony (record_key) ON DELETE CASCADE,
    CONSTRAINT testimony_work_work_key_fkey FOREIGN KEY (work_key) REFERENCES work (record_key)
);
CREATE INDEX testimony_work_work_idx ON testimony_work (work_key, testimony_key);
