-- What certmuster-report adds to the views of 0005: places and certificates joined once, as the reports and their filters see them.

-- RFC 3339 in UTC with seconds, as every export writes times.
CREATE FUNCTION utc_text(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- "RSA 2048", "EC P-256", "Ed25519".
CREATE FUNCTION key_text(alg text, bits integer, curve text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT alg || CASE WHEN curve IS NOT NULL THEN ' ' || curve WHEN alg IN ('RSA', 'DSA') AND bits > 0 THEN ' ' || bits ELSE '' END
$$;

-- An owner in one line of text, for whoever asks "whom do I call": "web-team <web@example.org> +49 30 901820".
CREATE FUNCTION owner_text(o owner) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT o.name || CASE WHEN cardinality(o.email) > 0 THEN ' <' || array_to_string(o.email, ', ') || '>' ELSE '' END
           || coalesce(' ' || nullif(o.contact, ''), '')
$$;

-- When each place was last looked at and found as it was, from the batches of the last 30 days; location_state knows the rest. A function
-- with settings of its own is not inlined, so that its row count is believed: the planner thinks that every array holds ten places, and
-- would compare all places with all places.
CREATE FUNCTION places_checked() RETURNS TABLE (location_id uuid, last_ok timestamptz, last_failure timestamptz)
LANGUAGE sql STABLE ROWS 1000000 SET search_path = certmuster, pg_temp AS $$
    SELECT seen.location_id, max(seen.at) FILTER (WHERE seen.ok), max(seen.at) FILTER (WHERE NOT seen.ok)
      FROM (SELECT unnest(o.unchanged) AS location_id, o.last_at AS at, true AS ok FROM observation o
             UNION ALL
            SELECT unnest(o.failing), o.last_at, false FROM observation o) seen
     GROUP BY seen.location_id
$$;

-- One row per certificate and place where it is now, renewals that were seen taken into account. What `expiring` groups and filters.
CREATE VIEW certificate_place AS
SELECT p.sha256, p.chain_id, p.role, p.position, p.location_id, c.display_name, c.subject, c.issuer, c.not_before, c.not_after,
       key_text(c.key_alg, c.key_bits, c.curve) AS key, expiry_threshold(c.not_before, c.not_after, now()) AS threshold,
       l.realm, place_text(l) AS place, st.owner, st.last_result
  FROM place_certificate p
  JOIN certificate c ON c.sha256 = p.sha256
  JOIN location l ON l.location_id = p.location_id
  JOIN location_state st ON st.location_id = p.location_id
 WHERE NOT p.superseded;

-- Places where nothing but trust anchors lie: the bundles that distributions ship.
CREATE VIEW place_of_anchors AS
SELECT DISTINCT t.location_id
  FROM sighting t
 WHERE t.closed_at IS NULL AND t.role = 'trust'
   AND NOT EXISTS (SELECT 1 FROM sighting o WHERE o.location_id = t.location_id AND o.closed_at IS NULL AND o.role <> 'trust');

-- What was looked at and when: the line under every report. Cheap; the certificates are counted only where they are shown.
CREATE VIEW inventory_summary AS
SELECT now() AS at, p.places, p.failing, p.unowned,
       greatest((SELECT max(coalesce(finished_at, started_at)) FROM run), (SELECT max(last_at) FROM observation)) AS last_looked
  FROM (SELECT count(*) AS places, count(*) FILTER (WHERE last_result NOT IN ('ok', '')) AS failing,
               count(*) FILTER (WHERE owner IS NULL) AS unowned
          FROM location_state) p;

GRANT SELECT ON certificate_place, place_of_anchors, inventory_summary TO certmuster_read;
