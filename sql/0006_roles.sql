-- Rights: readers read, the collector ingests, operators acknowledge and assign. Roles are cluster-wide, so they may exist already.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['certmuster_ingest', 'certmuster_read', 'certmuster_operate', 'certmuster_admin'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name); -- without password: pg_hba.conf decides who may
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA certmuster TO certmuster_read, certmuster_ingest, certmuster_operate, certmuster_admin;
GRANT SELECT ON ALL TABLES IN SCHEMA certmuster TO certmuster_read;
GRANT certmuster_read TO certmuster_ingest, certmuster_operate, certmuster_admin;
GRANT INSERT, UPDATE, DELETE ON certificate, certificate_name, chain, chain_verdict, location, sighting, location_state,
    observation, key_file, store, scanner, run, batch, upkeep, alert, alert_event, delivery TO certmuster_ingest;
-- The collector makes and drops the day partitions of observation, which takes its ownership; and who gives a table away must be a member
-- of the role that gets it.
GRANT CREATE ON SCHEMA certmuster TO certmuster_ingest;
DO $$
BEGIN
    IF NOT pg_has_role('certmuster_ingest', 'MEMBER') THEN
        EXECUTE format('GRANT certmuster_ingest TO %I', current_user);
    END IF;
END
$$;
ALTER TABLE observation OWNER TO certmuster_ingest;
GRANT SELECT ON observation TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON owner, owner_rule TO certmuster_operate;
GRANT UPDATE ON location_state, alert TO certmuster_operate;
GRANT INSERT ON alert_event TO certmuster_operate;
GRANT INSERT, UPDATE ON scanner TO certmuster_operate;
GRANT ALL ON ALL TABLES IN SCHEMA certmuster TO certmuster_admin;
GRANT CREATE ON SCHEMA certmuster TO certmuster_admin;
-- What later migrations add is readable too.
ALTER DEFAULT PRIVILEGES IN SCHEMA certmuster GRANT SELECT ON TABLES TO certmuster_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA certmuster GRANT ALL ON TABLES TO certmuster_admin;
