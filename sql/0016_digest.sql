-- Whether a place is as it was is told from one page of an index: what the last look said there, as a digest, and since when an equal look says nothing new.
--
-- digest: the collector's, of all that collector/ingest/compare.sql compares (group.c makes it). NULL: look closer. It stands in the primary key's index, so that an
-- unchanged sweep reads no row. Whoever changes what is compared sets it, or to NULL.
ALTER TABLE location_state
    ADD COLUMN digest uuid,
    ADD COLUMN digest_at timestamptz; -- an equal look from then on changes nothing; an earlier one arrived late
ALTER TABLE location_state
    DROP CONSTRAINT location_state_pkey,
    ADD CONSTRAINT location_state_pkey PRIMARY KEY (location_id) INCLUDE (digest, digest_at);
