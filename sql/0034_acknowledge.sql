-- Who acts on alerts acknowledges them, or takes that back, and each time it stands in their history; he writes nothing else there, above all nothing that the collector says.

CREATE FUNCTION alert_acknowledge(of bytea, of_owner text, by_whom text, why text, undo boolean) RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
    WITH done AS (
        UPDATE alert a
           SET acked_at = CASE WHEN NOT undo THEN now() END, acked_by = CASE WHEN NOT undo THEN by_whom END, acked_note = CASE WHEN NOT undo THEN why END,
               acked_threshold = CASE WHEN NOT undo THEN a.threshold END
         WHERE a.sha256 = of AND a.kind = 'expiry' AND a.resolved_at IS NULL AND (of_owner IS NULL OR a.owner = of_owner) AND (NOT undo OR a.acked_at IS NOT NULL)
        RETURNING a.sha256, a.owner, a.kind)
    INSERT INTO alert_event (sha256, owner, kind, at, event, actor, detail)
    SELECT d.sha256, d.owner, d.kind, clock_timestamp(), CASE WHEN undo THEN 'unacknowledged' ELSE 'acknowledged' END, by_whom, why FROM done d
    RETURNING owner -- one row for each alert
$$;
REVOKE ALL ON FUNCTION alert_acknowledge(bytea, text, text, text, boolean) FROM PUBLIC, certmuster_read;
GRANT EXECUTE ON FUNCTION alert_acknowledge(bytea, text, text, text, boolean) TO certmuster_operate, certmuster_admin;

REVOKE INSERT ON alert_event FROM certmuster_operate;
REVOKE UPDATE (acked_at, acked_by, acked_note, acked_threshold) ON alert FROM certmuster_operate;
