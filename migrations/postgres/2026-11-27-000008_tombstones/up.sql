-- What once was public and was deleted: its address is 410 for ever, on every server that the collection is taken to.
CREATE TABLE tombstone (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    deleted_at TIMESTAMP NOT NULL,
    CONSTRAINT tombstone_pkey PRIMARY KEY (kind, id)
);
INSERT INTO tombstone (kind, id, deleted_at)
SELECT named.kind, named.id, MAX(ended.at)
FROM (
    SELECT record_key, kind, id FROM public_change
    UNION
    SELECT record_key, kind, previous_id FROM public_change WHERE previous_id IS NOT NULL
) AS named
JOIN record_version AS ended ON ended.record_key = named.record_key AND ended.action = 'deleted'
WHERE NOT EXISTS (SELECT 1 FROM record WHERE record.kind = named.kind AND record.id = named.id AND record.listed)
GROUP BY named.kind, named.id;
