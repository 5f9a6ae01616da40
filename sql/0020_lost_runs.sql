-- A run is lost as soon as its lease has ended and it has not: not only when the lease expired, also when its worker said that the scanner had died. A lease ends as done only
-- when the run has said that it finished. Until now such a run spoke of absences for 24 hours. Should the end of it come late, it counts.
CREATE OR REPLACE VIEW run_lost AS
SELECT r.run
  FROM run r
 WHERE r.finished_at IS NULL
   AND (r.started_at < now() - interval '24 hours' OR EXISTS (SELECT FROM lease l WHERE l.lease_id = r.run AND l.ended_at IS NOT NULL));
