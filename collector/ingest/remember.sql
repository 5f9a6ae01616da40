-- Places that were found unchanged by comparing all of it: the next equal look is told by the digest alone. Last in the transaction, and
-- nothing is waited for, so that no batch stands in another's way for what is only there to be quick.
UPDATE location_state st
   SET digest = p.digest, digest_at = CASE WHEN p.kind = 'f' THEN st.last_failure ELSE st.last_ok END
  FROM pg_temp.stage_place p
 WHERE st.location_id = p.location_id AND st.digest IS NULL AND p.digest IS NOT NULL
   AND CASE p.kind
       WHEN 'o' THEN st.last_result = 'ok' AND st.steady_role = p.role AND st.chains = p.chains AND st.tls IS NOT DISTINCT FROM p.tls
                     AND st.starttls IS NOT DISTINCT FROM p.starttls AND st.file_meta IS NOT DISTINCT FROM p.file_meta
       WHEN 'f' THEN st.last_result = p.result
       WHEN 'e' THEN st.last_result = '' AND st.tls IS NOT DISTINCT FROM p.tls
       END
   AND st.location_id IN (SELECT x.location_id FROM location_state x WHERE x.location_id IN (SELECT q.location_id FROM pg_temp.stage_place q)
                             FOR NO KEY UPDATE SKIP LOCKED);
