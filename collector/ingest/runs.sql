-- Runs last: the row of a run is the one that all its batches write, so it is held for the shortest time.
INSERT INTO run AS r (run, source, scanner, host, machine_id, addresses, args, started_at, finished_at, interrupted, targets, ok, failed,
                      stored_ok, stored_failed, results, counters)
SELECT s.run, s.source, s.scanner, s.host, s.machine_id, s.addresses, s.args, s.started_at, s.finished_at, s.interrupted, s.targets, s.ok,
       s.failed, s.stored_ok, s.stored_failed, s.results, s.counters
  FROM pg_temp.stage_run s
 ORDER BY s.run
ON CONFLICT (run) DO UPDATE
   SET source = CASE WHEN excluded.started_at IS NULL AND excluded.finished_at IS NULL THEN r.source ELSE excluded.source END,
       host = coalesce(excluded.host, r.host), machine_id = coalesce(excluded.machine_id, r.machine_id),
       addresses = coalesce(excluded.addresses, r.addresses), args = coalesce(excluded.args, r.args),
       started_at = coalesce(excluded.started_at, r.started_at), finished_at = coalesce(excluded.finished_at, r.finished_at),
       interrupted = coalesce(excluded.interrupted, r.interrupted), targets = coalesce(excluded.targets, r.targets),
       ok = coalesce(excluded.ok, r.ok), failed = coalesce(excluded.failed, r.failed),
       stored_ok = r.stored_ok + excluded.stored_ok, stored_failed = r.stored_failed + excluded.stored_failed,
       results = results_sum(r.results, excluded.results),
       counters = coalesce(excluded.counters, r.counters);
