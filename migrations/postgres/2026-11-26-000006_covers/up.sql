-- Images that editors sent as covers, and the sizes they are served in. What was a cover once stays known: history names it.
CREATE TABLE stored_image (
    sha256 TEXT COLLATE "C" NOT NULL CONSTRAINT stored_image_pkey PRIMARY KEY,
    bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT stored_image_sha256_check CHECK (length(sha256) = 64),
    CONSTRAINT stored_image_bytes_check CHECK (bytes > 0),
    CONSTRAINT stored_image_media_type_check CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
    CONSTRAINT stored_image_size_check CHECK (width > 0 AND height > 0)
);

CREATE TABLE image_size (
    image_sha256 TEXT COLLATE "C" NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    CONSTRAINT image_size_pkey PRIMARY KEY (image_sha256, width),
    CONSTRAINT image_size_image_sha256_fkey FOREIGN KEY (image_sha256) REFERENCES stored_image (sha256) ON DELETE CASCADE,
    CONSTRAINT image_size_sha256_check CHECK (length(sha256) = 64),
    CONSTRAINT image_size_bytes_check CHECK (bytes > 0),
    CONSTRAINT image_size_size_check CHECK (width > 0 AND height > 0)
);
CREATE INDEX image_size_sha256_idx ON image_size (sha256);

ALTER TABLE edition ADD COLUMN cover TEXT COLLATE "C" CONSTRAINT edition_cover_fkey REFERENCES stored_image (sha256);
