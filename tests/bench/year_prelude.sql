-- What a load of a year needs before certificates come: a schema of its own for what is only needed to make the rest, and indexes that are made after the rows.
CREATE SCHEMA year;
CREATE UNLOGGED TABLE year.leaf (number integer, index integer, sha256 bytea, issuer integer, first integer, until integer, team integer, places integer, public boolean, host text);
CREATE UNLOGGED TABLE year.kept (relation text, sql text);

-- Drops what would slow a load down; reindex() makes it again. Pages of B-trees whose keys come in no order are left as full as a year of insertions leaves them: 70 %.
CREATE FUNCTION year.unindex(relation text) RETURNS void LANGUAGE plpgsql SET search_path = certmuster AS $$
DECLARE
    i record;
BEGIN
    FOR i IN SELECT c.relname, x.indisprimary, pg_get_indexdef(x.indexrelid) AS definition, pg_get_constraintdef(k.oid) AS key, k.conname, a.amname = 'btree' AS tree
               FROM pg_index x
               JOIN pg_class c ON c.oid = x.indexrelid
               JOIN pg_am a ON a.oid = c.relam
               LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype = 'p'
              WHERE x.indrelid = relation::regclass
              ORDER BY NOT x.indisprimary, c.relname LOOP
        IF i.indisprimary THEN
            INSERT INTO year.kept VALUES (relation, format('ALTER TABLE %I ADD CONSTRAINT %I %s WITH (fillfactor = 70)', relation, i.conname, i.key));
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', relation, i.conname);
        ELSE
            INSERT INTO year.kept VALUES (relation, CASE WHEN NOT i.tree THEN i.definition ELSE regexp_replace(i.definition, '( WHERE .*)?$', ' WITH (fillfactor = 70)\1') END);
            EXECUTE format('DROP INDEX %I', i.relname);
        END IF;
        IF i.tree THEN
            INSERT INTO year.kept VALUES (relation, format('ALTER INDEX %I RESET (fillfactor)', i.relname));
        END IF;
    END LOOP;
END
$$;
CREATE FUNCTION year.reindex(relation text) RETURNS void LANGUAGE plpgsql SET search_path = certmuster AS $$
DECLARE
    k record;
BEGIN
    FOR k IN SELECT y.sql FROM year.kept y WHERE y.relation = reindex.relation ORDER BY y.ctid LOOP
        EXECUTE k.sql;
    END LOOP;
END
$$;
-- The day of a night, counted backwards from today.
CREATE FUNCTION year.partition(back integer) RETURNS void LANGUAGE plpgsql SET search_path = certmuster AS $$
DECLARE
    day date := (now() AT TIME ZONE 'UTC')::date - back;
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF observation FOR VALUES FROM (%L) TO (%L)', 'observation_' || to_char(day, 'YYYYMMDD'), day, day + 1);
    EXECUTE format('ALTER TABLE %I OWNER TO certmuster_ingest', 'observation_' || to_char(day, 'YYYYMMDD'));
END
$$;
