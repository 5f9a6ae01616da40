-- Which places of the batch are not as location_state says ('c'), and which endpoint records say nothing new about a place whose
-- certificates are known from elsewhere ('i'). Every other place is unchanged; 'r': unchanged, and its digest is to be remembered (remember.sql, which
-- says the same once more, as state.sql does). Nothing is locked here: what is found changed is looked at again under the lock, and what is found
-- unchanged was so when we looked.
SELECT d.location_id, d.what
  FROM (SELECT p.location_id,
               CASE WHEN st.location_id IS NULL THEN 'c'
                    ELSE CASE p.kind
                         WHEN 'o' THEN
                             CASE WHEN st.last_result = 'ok' AND p.first_at >= st.last_ok AND st.steady_role = p.role AND st.chains = p.chains
                                   AND ((p.source = 'watch' AND st.source <> 'watch') -- what a reader of packets sees of TLS is less than what we asked for
                                        OR (st.tls IS NOT DISTINCT FROM p.tls AND st.starttls IS NOT DISTINCT FROM p.starttls
                                            AND st.file_meta IS NOT DISTINCT FROM p.file_meta))
                                  THEN CASE WHEN st.digest IS NULL THEN 'r' ELSE 'u' END
                                  ELSE 'c' END
                         WHEN 'f' THEN CASE WHEN st.last_result = p.result AND p.first_at >= st.last_failure
                                        AND (st.gone_at IS NULL OR p.result NOT LIKE 'decode:%' AND p.result NOT LIKE 'open:%') -- a file that is there again
                                       THEN CASE WHEN st.digest IS NULL THEN 'r' ELSE 'u' END
                                       ELSE 'c' END
                         WHEN 'e' THEN CASE WHEN st.last_result <> '' THEN 'i'
                                            WHEN p.first_at >= st.last_ok AND st.tls IS NOT DISTINCT FROM p.tls
                                            THEN CASE WHEN st.digest IS NULL THEN 'r' ELSE 'u' END
                                            ELSE 'c' END
                         ELSE 'c' END
               END AS what
          FROM pg_temp.stage_place p
          LEFT JOIN location_state st ON st.location_id = p.location_id) d
 WHERE d.what <> 'u'
