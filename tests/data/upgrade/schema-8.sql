--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: certmuster; Type: SCHEMA; Schema: -; Owner: certmuster_admin
--

CREATE SCHEMA certmuster;


ALTER SCHEMA certmuster OWNER TO certmuster_admin;

--
-- Name: browse_use(bytea, boolean, integer); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.browse_use(certificate bytea, with_trust boolean, most integer, OUT places bigint, OUT owner text, OUT owners bigint, OUT verdict text, OUT acknowledged boolean) RETURNS record
    LANGUAGE sql STABLE
    AS $$
    WITH spot AS MATERIALIZED (
        SELECT DISTINCT x.location_id, coalesce(st.owner, '') AS owner
          FROM (SELECT p.location_id
                  FROM chain ch
                  JOIN place_certificate p ON p.chain_id = ch.chain_id
                 WHERE ch.fingerprints @> ARRAY[browse_use.certificate] AND p.sha256 = browse_use.certificate
                   AND (p.role <> 'trust' OR browse_use.with_trust) AND NOT p.superseded
                 LIMIT browse_use.most) x
          JOIN location_state st ON st.location_id = x.location_id)
    SELECT (SELECT count(*) FROM spot),
           (SELECT s.owner FROM spot s GROUP BY s.owner ORDER BY s.owner = '', count(*) DESC, s.owner LIMIT 1),
           (SELECT count(DISTINCT s.owner) FROM spot s),
           (SELECT v.verdict
              FROM chain ch
              JOIN chain_verdict v ON v.chain_id = ch.chain_id
             WHERE ch.leaf_sha256 = browse_use.certificate
               AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)
             ORDER BY v.verdict = 'ok', v.trust_store
             LIMIT 1),
           -- An acknowledgement silences until a tighter threshold holds; it shows for as long.
           (SELECT bool_and(a.acked_at IS NOT NULL AND (a.acked_threshold IS NULL OR a.acked_threshold <= coalesce(a.threshold, 30)))
              FROM alert a WHERE a.sha256 = browse_use.certificate AND a.resolved_at IS NULL)
$$;


ALTER FUNCTION certmuster.browse_use(certificate bytea, with_trust boolean, most integer, OUT places bigint, OUT owner text, OUT owners bigint, OUT verdict text, OUT acknowledged boolean) OWNER TO certmuster_admin;

--
-- Name: expiry_threshold(timestamp with time zone, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.expiry_threshold(not_before timestamp with time zone, not_after timestamp with time zone, at timestamp with time zone) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT min(t.days)
      FROM unnest(ARRAY[0, 1, 3, 7, 14, 30]) AS t(days)
     WHERE extract(epoch FROM not_after - at) <=
           least(t.days * 86400.0, extract(epoch FROM not_after - not_before) * t.days / 90.0)
$$;


ALTER FUNCTION certmuster.expiry_threshold(not_before timestamp with time zone, not_after timestamp with time zone, at timestamp with time zone) OWNER TO certmuster_admin;

--
-- Name: key_text(text, integer, text); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.key_text(alg text, bits integer, curve text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT alg || CASE WHEN curve IS NOT NULL THEN ' ' || curve WHEN alg IN ('RSA', 'DSA') AND bits > 0 THEN ' ' || bits ELSE '' END
$$;


ALTER FUNCTION certmuster.key_text(alg text, bits integer, curve text) OWNER TO certmuster_admin;

--
-- Name: owner_decision(uuid); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.owner_decision(place uuid) RETURNS TABLE("position" integer, owner text, leaf_sha256 bytea)
    LANGUAGE sql STABLE
    AS $$
    SELECT r.position, r.owner, leaf.sha256
      FROM location l
      LEFT JOIN LATERAL (SELECT c.sha256, lower(c.issuer) AS issuer
                           FROM sighting s
                           JOIN chain ch ON ch.chain_id = s.chain_id
                           JOIN certificate c ON c.sha256 = ch.leaf_sha256
                          WHERE s.location_id = l.location_id AND s.closed_at IS NULL
                          ORDER BY s.absent_runs, s.last_seen DESC, c.not_after DESC NULLS LAST
                          LIMIT 1) leaf ON true
      LEFT JOIN LATERAL (SELECT r.position, r.owner
                           FROM owner_rule r
                          WHERE (r.realm IS NULL OR r.realm = l.realm)
                            AND (r.cidr IS NULL OR (l.ip IS NOT NULL AND l.ip <<= r.cidr))
                            AND (r.path_like IS NULL OR l.path LIKE r.path_like)
                            AND (r.issuer_like IS NULL OR leaf.issuer LIKE r.issuer_like)
                            AND (r.name_like IS NULL OR l.name LIKE r.name_like
                                 OR EXISTS (SELECT 1 FROM certificate_name n
                                             WHERE n.sha256 = leaf.sha256 AND n.kind IN ('dns', 'cn') AND lower(n.name) LIKE r.name_like))
                          ORDER BY r.position
                          LIMIT 1) r ON true
     WHERE l.location_id = place
$$;


ALTER FUNCTION certmuster.owner_decision(place uuid) OWNER TO certmuster_admin;

--
-- Name: owner_glob(text); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.owner_glob(glob text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT translate(regexp_replace(glob, '([\\%_])', '\\\1', 'g'), '*?', '%_')
$$;


ALTER FUNCTION certmuster.owner_glob(glob text) OWNER TO certmuster_admin;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: owner; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.owner (
    name text NOT NULL,
    email text[] DEFAULT '{}'::text[] NOT NULL,
    webhook text,
    contact text,
    environment text,
    criticality text
);


ALTER TABLE certmuster.owner OWNER TO certmuster_admin;

--
-- Name: owner_text(certmuster.owner); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.owner_text(o certmuster.owner) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT o.name || CASE WHEN cardinality(o.email) > 0 THEN ' <' || array_to_string(o.email, ', ') || '>' ELSE '' END
           || coalesce(' ' || nullif(o.contact, ''), '')
$$;


ALTER FUNCTION certmuster.owner_text(o certmuster.owner) OWNER TO certmuster_admin;

--
-- Name: owner_unglob(text); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.owner_unglob(pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT string_agg(CASE p.part WHEN '%' THEN '*' WHEN '_' THEN '?' ELSE right(p.part, 1) END, '' ORDER BY p.rank)
      FROM regexp_matches(pattern, '\\.|.', 'g') WITH ORDINALITY AS m(parts, rank),
           LATERAL (SELECT m.parts[1] AS part, m.rank) p
$$;


ALTER FUNCTION certmuster.owner_unglob(pattern text) OWNER TO certmuster_admin;

--
-- Name: owners_of(uuid[]); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.owners_of(places uuid[]) RETURNS TABLE(location_id uuid, owner text)
    LANGUAGE sql STABLE
    AS $$
    SELECT p.location_id, d.owner
      FROM unnest(places) AS p(location_id)
      JOIN location l ON l.location_id = p.location_id
     CROSS JOIN LATERAL owner_decision(p.location_id) d
$$;


ALTER FUNCTION certmuster.owners_of(places uuid[]) OWNER TO certmuster_admin;

--
-- Name: location; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.location (
    location_id uuid NOT NULL,
    kind text NOT NULL,
    realm text NOT NULL,
    transport text,
    ip inet,
    port integer,
    name text,
    host text,
    path text,
    inner_path text,
    entry text,
    first_seen timestamp with time zone NOT NULL,
    CONSTRAINT location_kind_check CHECK ((kind = ANY (ARRAY['endpoint'::text, 'file'::text])))
);


ALTER TABLE certmuster.location OWNER TO certmuster_admin;

--
-- Name: place_text(certmuster.location); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.place_text(l certmuster.location) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE l.kind
           WHEN 'endpoint' THEN
               CASE WHEN l.ip IS NULL THEN l.name || ':' || l.port
                    ELSE (CASE WHEN family(l.ip) = 6 THEN '[' || host(l.ip) || ']' ELSE host(l.ip) END) || ':' || l.port
                         || CASE WHEN l.name <> '' THEN ' (' || l.name || ')' ELSE '' END
               END
           ELSE l.host || ':' || l.path || CASE WHEN l.inner_path <> '' THEN '!' || l.inner_path ELSE '' END
                || CASE WHEN l.entry <> '' THEN '#' || l.entry ELSE '' END
           END
$$;


ALTER FUNCTION certmuster.place_text(l certmuster.location) OWNER TO certmuster_admin;

--
-- Name: places_checked(); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.places_checked() RETURNS TABLE(location_id uuid, last_ok timestamp with time zone, last_failure timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1e+06
    SET search_path TO 'certmuster', 'pg_temp'
    AS $$
    SELECT seen.location_id, max(seen.at) FILTER (WHERE seen.ok), max(seen.at) FILTER (WHERE NOT seen.ok)
      FROM (SELECT unnest(o.unchanged) AS location_id, o.last_at AS at, true AS ok FROM observation o
             UNION ALL
            SELECT unnest(o.failing), o.last_at, false FROM observation o) seen
     GROUP BY seen.location_id
$$;


ALTER FUNCTION certmuster.places_checked() OWNER TO certmuster_admin;

--
-- Name: utc_text(timestamp with time zone); Type: FUNCTION; Schema: certmuster; Owner: certmuster_admin
--

CREATE FUNCTION certmuster.utc_text(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;


ALTER FUNCTION certmuster.utc_text(at timestamp with time zone) OWNER TO certmuster_admin;

--
-- Name: alert; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.alert (
    sha256 bytea NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    resolution text,
    places integer NOT NULL,
    threshold integer,
    told_threshold integer,
    told_at timestamp with time zone,
    acked_at timestamp with time zone,
    acked_by text,
    acked_note text,
    acked_threshold integer,
    CONSTRAINT alert_kind_check CHECK ((kind = 'expiry'::text))
);


ALTER TABLE certmuster.alert OWNER TO certmuster_admin;

--
-- Name: alert_event; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.alert_event (
    sha256 bytea NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    actor text NOT NULL,
    detail text
);


ALTER TABLE certmuster.alert_event OWNER TO certmuster_admin;

--
-- Name: batch; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.batch (
    batch_key text NOT NULL,
    scanner text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    stored integer NOT NULL,
    rejected jsonb DEFAULT '[]'::jsonb NOT NULL,
    skew_ms bigint DEFAULT 0 NOT NULL
);


ALTER TABLE certmuster.batch OWNER TO certmuster_admin;

--
-- Name: certificate; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.certificate (
    sha256 bytea NOT NULL,
    der bytea NOT NULL,
    undecodable text,
    subject text,
    issuer text,
    common_name text,
    display_name text NOT NULL,
    serial bytea,
    not_before timestamp with time zone,
    not_after timestamp with time zone,
    spki_sha256 bytea,
    tbs_sha256 bytea,
    key_alg text,
    key_bits integer,
    curve text,
    sig_alg text,
    is_ca boolean,
    self_issued boolean,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    CONSTRAINT certificate_sha256_check CHECK ((octet_length(sha256) = 32))
);


ALTER TABLE certmuster.certificate OWNER TO certmuster_admin;

--
-- Name: chain; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.chain (
    chain_id uuid NOT NULL,
    fingerprints bytea[] NOT NULL,
    leaf_sha256 bytea NOT NULL,
    earliest_not_after timestamp with time zone,
    CONSTRAINT chain_fingerprints_check CHECK (((cardinality(fingerprints) >= 1) AND (cardinality(fingerprints) <= 100)))
);


ALTER TABLE certmuster.chain OWNER TO certmuster_admin;

--
-- Name: chain_verdict; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.chain_verdict (
    chain_id uuid NOT NULL,
    trust_store text NOT NULL,
    verdict text NOT NULL,
    depth integer,
    path bytea[],
    verified_at timestamp with time zone NOT NULL
);


ALTER TABLE certmuster.chain_verdict OWNER TO certmuster_admin;

--
-- Name: sighting; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.sighting (
    location_id uuid NOT NULL,
    chain_id uuid NOT NULL,
    role text NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    seen_run uuid,
    absent_runs smallint DEFAULT 0 NOT NULL,
    absent_run uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    absent_at timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    closed_at timestamp with time zone,
    source text NOT NULL,
    CONSTRAINT sighting_role_check CHECK ((role = ANY (ARRAY['server'::text, 'client'::text, 'stored'::text, 'trust'::text, 'signer'::text])))
);


ALTER TABLE certmuster.sighting OWNER TO certmuster_admin;

--
-- Name: place_certificate; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.place_certificate AS
 SELECT s.location_id,
    s.chain_id,
    s.role,
    s.first_seen,
    s.last_seen,
    s.absent_runs,
    ((m."position" - 1))::integer AS "position",
    m.sha256,
    ch.leaf_sha256,
    ((s.absent_runs > 0) AND (EXISTS ( SELECT 1
           FROM (((certmuster.sighting s2
             JOIN certmuster.chain ch2 ON ((ch2.chain_id = s2.chain_id)))
             JOIN certmuster.certificate new_1 ON ((new_1.sha256 = ch2.leaf_sha256)))
             JOIN certmuster.certificate old_1 ON ((old_1.sha256 = ch.leaf_sha256)))
          WHERE ((s2.location_id = s.location_id) AND (s2.role = s.role) AND (s2.closed_at IS NULL) AND (s2.absent_runs = 0) AND (s2.chain_id <> s.chain_id) AND (s2.first_seen > s.last_seen) AND ((new_1.not_after > old_1.not_after) OR (new_1.sha256 = old_1.sha256)) AND (new_1.key_alg = old_1.key_alg))))) AS superseded
   FROM ((certmuster.sighting s
     JOIN certmuster.chain ch ON ((ch.chain_id = s.chain_id)))
     CROSS JOIN LATERAL unnest(ch.fingerprints) WITH ORDINALITY m(sha256, "position"))
  WHERE (s.closed_at IS NULL);


ALTER TABLE certmuster.place_certificate OWNER TO certmuster_admin;

--
-- Name: browse_certificate; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.browse_certificate AS
 SELECT c.sha256,
    COALESCE(c.not_after, 'infinity'::timestamp with time zone) AS expires,
    "left"(c.display_name, 100) AS name_key,
    c.display_name,
    c.subject,
    c.issuer,
    c.serial,
    c.not_before,
    c.not_after,
    c.is_ca,
    c.self_issued,
    c.sig_alg,
    c.undecodable,
    certmuster.key_text(c.key_alg, c.key_bits, c.curve) AS key,
    c.first_seen,
    c.der,
    ((EXISTS ( SELECT 1
           FROM certmuster.place_certificate p
          WHERE ((p.leaf_sha256 = c.sha256) AND (p.sha256 = c.sha256) AND (p.role <> 'trust'::text) AND (NOT p.superseded)))) OR (EXISTS ( SELECT 1
           FROM certmuster.place_certificate p
          WHERE ((p.chain_id = ANY (ARRAY( SELECT ch.chain_id
                   FROM certmuster.chain ch
                  WHERE (ch.fingerprints @> ARRAY[c.sha256])
                 LIMIT 100))) AND (p.sha256 = c.sha256) AND (p.role <> 'trust'::text) AND (NOT p.superseded)))) OR (EXISTS ( SELECT 1
           FROM certmuster.place_certificate p
          WHERE ((p.chain_id = ANY (ARRAY( SELECT ch.chain_id
                   FROM certmuster.chain ch
                  WHERE (ch.fingerprints @> ARRAY[c.sha256])))) AND (p.sha256 = c.sha256) AND (p.role <> 'trust'::text) AND (NOT p.superseded))))) AS in_use,
    (EXISTS ( SELECT 1
           FROM certmuster.place_certificate p
          WHERE ((p.chain_id = ANY (ARRAY( SELECT ch.chain_id
                   FROM certmuster.chain ch
                  WHERE (ch.fingerprints @> ARRAY[c.sha256])))) AND (p.sha256 = c.sha256) AND (p.role = 'trust'::text)))) AS in_trust,
    (EXISTS ( SELECT 1
           FROM (certmuster.chain ch
             JOIN certmuster.chain_verdict v ON ((v.chain_id = ch.chain_id)))
          WHERE ((ch.leaf_sha256 = c.sha256) AND (v.verdict <> 'ok'::text) AND (EXISTS ( SELECT 1
                   FROM certmuster.sighting s
                  WHERE ((s.chain_id = ch.chain_id) AND (s.closed_at IS NULL))))))) AS not_trusted
   FROM certmuster.certificate c;


ALTER TABLE certmuster.browse_certificate OWNER TO certmuster_admin;

--
-- Name: location_state; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.location_state (
    location_id uuid NOT NULL,
    chains uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    steady_role text,
    earliest_not_after timestamp with time zone,
    owner text,
    source text NOT NULL,
    scanner text NOT NULL,
    last_run uuid,
    last_result text NOT NULL,
    last_detail text,
    last_ok timestamp with time zone,
    last_failure timestamp with time zone,
    starttls text,
    tls jsonb,
    file_meta jsonb
);


ALTER TABLE certmuster.location_state OWNER TO certmuster_admin;

--
-- Name: browse_leaf; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.browse_leaf AS
 SELECT ch.leaf_sha256 AS sha256,
    certmuster.place_text(l.*) AS place,
    st.owner
   FROM (((certmuster.location l
     JOIN certmuster.location_state st ON ((st.location_id = l.location_id)))
     JOIN certmuster.sighting s ON (((s.location_id = l.location_id) AND (s.closed_at IS NULL))))
     JOIN certmuster.chain ch ON ((ch.chain_id = s.chain_id)));


ALTER TABLE certmuster.browse_leaf OWNER TO certmuster_admin;

--
-- Name: browse_spot; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.browse_spot AS
 SELECT m.sha256,
    certmuster.place_text(l.*) AS place,
    l.realm,
    st.owner,
    st.last_result
   FROM ((((certmuster.location l
     JOIN certmuster.location_state st ON ((st.location_id = l.location_id)))
     JOIN certmuster.sighting s ON (((s.location_id = l.location_id) AND (s.closed_at IS NULL))))
     JOIN certmuster.chain ch ON ((ch.chain_id = s.chain_id)))
     CROSS JOIN LATERAL unnest(ch.fingerprints) m(sha256));


ALTER TABLE certmuster.browse_spot OWNER TO certmuster_admin;

--
-- Name: certificate_in_use; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.certificate_in_use AS
 SELECT c.sha256,
    c.display_name,
    c.subject,
    c.issuer,
    c.common_name,
    c.serial,
    c.not_before,
    c.not_after,
    c.key_alg,
    c.key_bits,
    c.curve,
    c.sig_alg,
    c.is_ca,
    c.self_issued,
    c.spki_sha256,
    c.first_seen,
    u.places,
    u.as_leaf,
    u.owners,
    u.roles,
    certmuster.expiry_threshold(c.not_before, c.not_after, now()) AS threshold
   FROM (certmuster.certificate c
     JOIN ( SELECT p.sha256,
            count(DISTINCT p.location_id) AS places,
            bool_or((p."position" = 0)) AS as_leaf,
            array_agg(DISTINCT COALESCE(st.owner, ''::text)) AS owners,
            array_agg(DISTINCT p.role) AS roles
           FROM (certmuster.place_certificate p
             JOIN certmuster.location_state st ON ((st.location_id = p.location_id)))
          WHERE ((p.role <> 'trust'::text) AND (NOT p.superseded))
          GROUP BY p.sha256) u ON ((u.sha256 = c.sha256)));


ALTER TABLE certmuster.certificate_in_use OWNER TO certmuster_admin;

--
-- Name: certificate_name; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.certificate_name (
    sha256 bytea NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    reversed text NOT NULL,
    CONSTRAINT certificate_name_kind_check CHECK ((kind = ANY (ARRAY['dns'::text, 'ip'::text, 'email'::text, 'uri'::text, 'cn'::text])))
);


ALTER TABLE certmuster.certificate_name OWNER TO certmuster_admin;

--
-- Name: certificate_place; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.certificate_place AS
 SELECT p.sha256,
    p.chain_id,
    p.role,
    p."position",
    p.location_id,
    c.display_name,
    c.subject,
    c.issuer,
    c.not_before,
    c.not_after,
    certmuster.key_text(c.key_alg, c.key_bits, c.curve) AS key,
    certmuster.expiry_threshold(c.not_before, c.not_after, now()) AS threshold,
    l.realm,
    certmuster.place_text(l.*) AS place,
    st.owner,
    st.last_result
   FROM (((certmuster.place_certificate p
     JOIN certmuster.certificate c ON ((c.sha256 = p.sha256)))
     JOIN certmuster.location l ON ((l.location_id = p.location_id)))
     JOIN certmuster.location_state st ON ((st.location_id = p.location_id)))
  WHERE (NOT p.superseded);


ALTER TABLE certmuster.certificate_place OWNER TO certmuster_admin;

--
-- Name: delivery; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.delivery (
    delivery_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    event text NOT NULL,
    threshold integer,
    channel text NOT NULL,
    destination text NOT NULL,
    message_id text NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_try timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    last_error text,
    CONSTRAINT delivery_channel_check CHECK ((channel = ANY (ARRAY['smtp'::text, 'webhook'::text]))),
    CONSTRAINT delivery_event_check CHECK ((event = ANY (ARRAY['told'::text, 'resolved'::text]))),
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text])))
);


ALTER TABLE certmuster.delivery OWNER TO certmuster_admin;

--
-- Name: expiry_due; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.expiry_due AS
 SELECT c.sha256,
    COALESCE(st.owner, ''::text) AS owner,
    (count(DISTINCT p.location_id))::integer AS places,
    certmuster.expiry_threshold(c.not_before, c.not_after, now()) AS threshold
   FROM ((certmuster.certificate c
     JOIN certmuster.place_certificate p ON ((p.sha256 = c.sha256)))
     JOIN certmuster.location_state st ON ((st.location_id = p.location_id)))
  WHERE ((c.not_after <= (now() + '31 days'::interval)) AND (p.role <> 'trust'::text) AND (NOT p.superseded))
  GROUP BY c.sha256, c.not_before, c.not_after, COALESCE(st.owner, ''::text)
 HAVING (certmuster.expiry_threshold(c.not_before, c.not_after, now()) IS NOT NULL);


ALTER TABLE certmuster.expiry_due OWNER TO certmuster_admin;

--
-- Name: observation; Type: TABLE; Schema: certmuster; Owner: certmuster_ingest
--

CREATE TABLE certmuster.observation (
    day date NOT NULL,
    batch_key text NOT NULL,
    run uuid NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    unchanged uuid[] NOT NULL,
    failing uuid[] NOT NULL
)
PARTITION BY RANGE (day);


ALTER TABLE certmuster.observation OWNER TO certmuster_ingest;

--
-- Name: run; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.run (
    run uuid NOT NULL,
    source text NOT NULL,
    scanner text NOT NULL,
    host text,
    machine_id text,
    addresses jsonb,
    args jsonb,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    interrupted boolean,
    targets bigint,
    ok bigint,
    failed bigint,
    stored_ok bigint DEFAULT 0 NOT NULL,
    stored_failed bigint DEFAULT 0 NOT NULL,
    counters jsonb
);


ALTER TABLE certmuster.run OWNER TO certmuster_admin;

--
-- Name: inventory_summary; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.inventory_summary AS
 SELECT now() AS at,
    p.places,
    p.failing,
    p.unowned,
    GREATEST(( SELECT max(COALESCE(run.finished_at, run.started_at)) AS max
           FROM certmuster.run), ( SELECT max(observation.last_at) AS max
           FROM certmuster.observation)) AS last_looked
   FROM ( SELECT count(*) AS places,
            count(*) FILTER (WHERE (location_state.last_result <> ALL (ARRAY['ok'::text, ''::text]))) AS failing,
            count(*) FILTER (WHERE (location_state.owner IS NULL)) AS unowned
           FROM certmuster.location_state) p;


ALTER TABLE certmuster.inventory_summary OWNER TO certmuster_admin;

--
-- Name: key_file; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.key_file (
    location_id uuid NOT NULL,
    kind text NOT NULL,
    encrypted boolean NOT NULL,
    spki_sha256 bytea,
    key_alg text,
    key_bits integer,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL
);


ALTER TABLE certmuster.key_file OWNER TO certmuster_admin;

--
-- Name: observation_20261121; Type: TABLE; Schema: certmuster; Owner: certmuster_ingest
--

CREATE TABLE certmuster.observation_20261121 (
    day date NOT NULL,
    batch_key text NOT NULL,
    run uuid NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    unchanged uuid[] NOT NULL,
    failing uuid[] NOT NULL
);


ALTER TABLE certmuster.observation_20261121 OWNER TO certmuster_ingest;

--
-- Name: observation_20261122; Type: TABLE; Schema: certmuster; Owner: certmuster_ingest
--

CREATE TABLE certmuster.observation_20261122 (
    day date NOT NULL,
    batch_key text NOT NULL,
    run uuid NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    unchanged uuid[] NOT NULL,
    failing uuid[] NOT NULL
);


ALTER TABLE certmuster.observation_20261122 OWNER TO certmuster_ingest;

--
-- Name: owner_rule; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.owner_rule (
    "position" integer NOT NULL,
    owner text NOT NULL,
    name_like text,
    cidr cidr,
    path_like text,
    issuer_like text,
    realm text
);


ALTER TABLE certmuster.owner_rule OWNER TO certmuster_admin;

--
-- Name: place; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.place AS
 SELECT l.location_id,
    l.kind,
    l.realm,
    l.transport,
    l.ip,
    l.port,
    l.name,
    l.host,
    l.path,
    l.inner_path,
    l.entry,
    l.first_seen,
    certmuster.place_text(l.*) AS place,
    st.owner,
    o.email AS owner_email,
    o.contact AS owner_contact,
    o.environment,
    o.criticality,
    st.chains,
    st.earliest_not_after,
    st.source,
    st.scanner,
    st.last_result,
    st.last_detail,
    st.last_ok,
    st.last_failure,
    st.starttls,
    st.tls,
    st.file_meta
   FROM ((certmuster.location l
     JOIN certmuster.location_state st ON ((st.location_id = l.location_id)))
     LEFT JOIN certmuster.owner o ON ((o.name = st.owner)));


ALTER TABLE certmuster.place OWNER TO certmuster_admin;

--
-- Name: place_of_anchors; Type: VIEW; Schema: certmuster; Owner: certmuster_admin
--

CREATE VIEW certmuster.place_of_anchors AS
 SELECT DISTINCT t.location_id
   FROM certmuster.sighting t
  WHERE ((t.closed_at IS NULL) AND (t.role = 'trust'::text) AND (NOT (EXISTS ( SELECT 1
           FROM certmuster.sighting o
          WHERE ((o.location_id = t.location_id) AND (o.closed_at IS NULL) AND (o.role <> 'trust'::text))))));


ALTER TABLE certmuster.place_of_anchors OWNER TO certmuster_admin;

--
-- Name: scanner; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.scanner (
    name text NOT NULL,
    realms text[] DEFAULT '{default}'::text[] NOT NULL,
    enrolled text NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    skewed_ms bigint,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL
);


ALTER TABLE certmuster.scanner OWNER TO certmuster_admin;

--
-- Name: schema_version; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.schema_version (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE certmuster.schema_version OWNER TO certmuster_admin;

--
-- Name: store; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.store (
    location_id uuid NOT NULL,
    format text NOT NULL,
    integrity text NOT NULL,
    entries bigint NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    CONSTRAINT store_integrity_check CHECK ((integrity = ANY (ARRAY['ok'::text, 'bad'::text, 'unchecked'::text])))
);


ALTER TABLE certmuster.store OWNER TO certmuster_admin;

--
-- Name: upkeep; Type: TABLE; Schema: certmuster; Owner: certmuster_admin
--

CREATE TABLE certmuster.upkeep (
    task text NOT NULL,
    done_at timestamp with time zone NOT NULL
);


ALTER TABLE certmuster.upkeep OWNER TO certmuster_admin;

--
-- Name: observation_20261121; Type: TABLE ATTACH; Schema: certmuster; Owner: certmuster_ingest
--

ALTER TABLE ONLY certmuster.observation ATTACH PARTITION certmuster.observation_20261121 FOR VALUES FROM ('2026-11-21') TO ('2026-11-22');


--
-- Name: observation_20261122; Type: TABLE ATTACH; Schema: certmuster; Owner: certmuster_ingest
--

ALTER TABLE ONLY certmuster.observation ATTACH PARTITION certmuster.observation_20261122 FOR VALUES FROM ('2026-11-22') TO ('2026-11-23');


--
-- Data for Name: alert; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.alert (sha256, owner, kind, opened_at, resolved_at, resolution, places, threshold, told_threshold, told_at, acked_at, acked_by, acked_note, acked_threshold) FROM stdin;
\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439	web	expiry	2026-11-21 10:45:19.268384+00	\N	\N	1	30	\N	\N	\N	\N	\N	\N
\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f	web	expiry	2026-11-21 10:45:19.268384+00	\N	\N	1	7	\N	\N	\N	\N	\N	\N
\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27	web	expiry	2026-11-21 10:45:19.268384+00	\N	\N	1	1	\N	\N	\N	\N	\N	\N
\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	web	expiry	2026-11-21 10:45:19.268384+00	\N	\N	1	0	\N	\N	2026-11-21 10:45:21.344034+00	root	seen, INC-1	0
\.


--
-- Data for Name: alert_event; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.alert_event (sha256, owner, kind, at, event, actor, detail) FROM stdin;
\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	web	expiry	2026-11-21 10:45:19.268384+00	opened	collector	0
\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439	web	expiry	2026-11-21 10:45:19.268384+00	opened	collector	30
\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f	web	expiry	2026-11-21 10:45:19.268384+00	opened	collector	7
\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27	web	expiry	2026-11-21 10:45:19.268384+00	opened	collector	1
\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	web	expiry	2026-11-21 10:45:21.344034+00	acknowledged	root	seen, INC-1
\.


--
-- Data for Name: batch; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.batch (batch_key, scanner, received_at, stored, rejected, skew_ms) FROM stdin;
file/ce4ceae4e2aca3b9f5ac016c4776e820d1b5c2173606b188e0940510d372a166	s1	2026-11-21 10:44:48.353+00	79	[]	0
file/68898a26171a5c1782e67c90b44258bd498dbd5f4a2322793b923fc98f058f30	s1	2026-11-21 10:44:48.484+00	48	[]	0
file/b35fb11aa80d68b3a2d07d38ed8af68c0fbaae23dbdde7edfaf3dbcd94b7a921	s1	2026-11-21 10:44:48.568+00	13	[]	0
\.


--
-- Data for Name: certificate; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.certificate (sha256, der, undecodable, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256, tbs_sha256, key_alg, key_bits, curve, sig_alg, is_ca, self_issued, first_seen, last_seen) FROM stdin;
\\x17151af172d57d4d5e5565cc72d799322f0261d8ffc9af70e6977c97d6f8eaba	\\x308203a63082028ea003020102021073e27a93db4324f8c04c5acfbb365cd7300d06092a864886f70d0101050500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303432373130343334385a170d3237303533303130343334385a303831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c15617263686976652e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38198308195301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130200603551d11041930178215617263686976652e666c6565742e6578616d706c65300d06092a864886f70d010105050003820101000126eed7da279d9b9db021ca073b38f7ed92464e6c98578536c61f3923ef659352a98495ee9f61bcb60122a0212677cfc9d645f216f92faf26b2d49afacde9cf96150142f94605d01f5d3d2f35d654777ffc87c408a0cb830404ff7cc8909ce035603b2e1b325e9c4843eaed931b1ba27327f7a564ad7bfab6e243a94af3305a00e45b5dcf0dfc56851aaa0f684049a169caab32e1eda55c0451071f869066b94f64a041c4ff63de6863f086eb88d7035df34e9c54063a23c582ea6adda591f0d60c861b963e00bae80e9f265a49a6c54d3863f3cf86afb6c18050d845f737a2280e05ff171a768628852d2a25ce19aad0cafa7d14f0290d8c0d40c6157acb3e	\N	CN=archive.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	archive.fleet.example	archive.fleet.example	\\x73e27a93db4324f8c04c5acfbb365cd7	2026-04-27 10:43:48+00	2027-05-30 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x8d8c48bdf5ba092dc09b0b1c6c7a5dea64767410df14129a3cd24abccde40c94	RSA	2048	\N	sha1WithRSAEncryption	f	f	2026-11-21 10:44:23.952+00	2026-11-21 10:44:23.952+00
\\x18cd107c5f81c711ca92f0bb8911f1b2ada657c964bde0dc716f119b7aaa0a97	\\x308203a830820290a00302010202107435f68b787b878c442ad821f6316dcd300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303130343130343334385a170d3237303230363130343334385a303931163014060355040a0c0d466c656574204578616d706c65311f301d06035504030c167465726d696e616c2e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38199308196301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130210603551d11041a301882167465726d696e616c2e666c6565742e6578616d706c65300d06092a864886f70d01010b050003820101006a70d162e0fe65857f31e1169df3c5d80fe9433d3d85b6ed1ff30deaeb5a2fb898f011ad6156c9fc92855f74a238a40dd7d6a8a0258b08c7b808e90b0117b50f3efc6f0baefbad9734db57c72f789ebb0566e7bfe3e286baedb92f59f0cee42af704f04923b1bf1724de185ffa4b03d12cdd658f72f652ca9a5d1fe42320ad0db09edd535366c3890250152856da499d5c0ec665dac69e37c03c1df7e4719209c4d2fbd63b61b0f25c97b21344df9bf6312ee610eb4dbb33769d58ae7fdf5d51ff8eedc8c92a66d6991de315e1232b98db8928b4519deabe85ee7dbcd8a134eae9a7d8eba11e94eeefa75d7ca6fd914bf26cfcb9e10f0c26c979acfa53820515	\N	CN=terminal.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	terminal.fleet.example	terminal.fleet.example	\\x7435f68b787b878c442ad821f6316dcd	2026-01-04 10:43:48+00	2027-02-06 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x6346e67fbb271f3e6bfe5033cbed2606fd543da76aabd08c3aedfd4c66e02abb	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.909+00
\\x1be953aaabc0c216a2bc2261742e27fe70b08de9e5bb20efc660465072cd6e22	\\x30820213308201baa003020102021066ec7af6bdec1993ce62d26b293c5451300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303432383130343334385a170d3237303533313130343334385a303531163014060355040a0c0d466c656574204578616d706c65311b301906035504030c1262616e6b2e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38195308192301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301d0603551d1104163014821262616e6b2e666c6565742e6578616d706c65300a06082a8648ce3d040302034700304402206fa8b5474f222d7b7f190d26294cde2c7cd5ca0dd2121e90776884d6d263e06d022068fd6393d7f364c035c08d2984f6b5846c3132b5ab4fc51b1f7bdc81307323db	\N	CN=bank.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	bank.fleet.example	bank.fleet.example	\\x66ec7af6bdec1993ce62d26b293c5451	2026-04-28 10:43:48+00	2027-05-31 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\xb965045cf616fa8be3e6795d2d31af7f5c560f6140f5e824bef54ca28c91db71	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.954+00	2026-11-21 10:44:23.954+00
\\x1d163ec8908e3593f418acaaf5d1770d03ed6708d2c956d615936dfc43e5e25c	\\x3082037030820258a00302010202107af5ccf0ed651fceb2f19271f8b7a1aa300d06092a864886f70d01010b0500303831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c157072696e7465722e666c6565742e6578616d706c65301e170d3235313133303130343334385a170d3237303130323130343334385a303831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c157072696e7465722e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a3763074301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130200603551d110419301782157072696e7465722e666c6565742e6578616d706c65300d06092a864886f70d01010b050003820101003f70474bc8c7941cb3d4b869ea26edc9c3d357528a586903246d6a273b9a59a9a24d94b4039d966a438efdab9f41df37393035bf8881dcfe6ea94b962343fc2381490a28838ecc54d5f5c46dfd8a07c99f27f07e0da7c5ffe587bd0d5b0705c45b89436051c1578c8f2a9a921326045983f372289633644eb55908336898ac6221a16051dbd6aff8a549fbe53f197bf20a98bbd6a1de8c66059b8c65fe3ff40b88c22f6b2fb299512ce75b457b06939cbee233967ebbdb01f58a9fc3fc0b7496fece5693c45d38c16e557e9c234379dd2a2701e60314754f5022c1d590d9cf9e641bad407fb41d70c79a2c9e52587ea6ac7868c02dbd5d5b645da6ed9da21866	\N	CN=printer.fleet.example,O=Fleet Example	CN=printer.fleet.example,O=Fleet Example	printer.fleet.example	printer.fleet.example	\\x7af5ccf0ed651fceb2f19271f8b7a1aa	2025-11-30 10:43:48+00	2027-01-02 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x877a73f7683034978cf4d6f14fe3c6b729e62c35b2e26e697c2a4a7a61b4d1f5	RSA	2048	\N	sha256WithRSAEncryption	f	t	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00
\\x245828a3f853f1e461b783a210bd7aeec78c11b75a5d090c880df189b16a5448	\\x308203a43082028ca0030201020210610d3acfd9ecf3ce5cba76bbeb936b92300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3235313132383130343334385a170d3236313233313130343334385a303731163014060355040a0c0d466c656574204578616d706c65311d301b06035504030c146c65676163792e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38197308194301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301f0603551d110418301682146c65676163792e666c6565742e6578616d706c65300d06092a864886f70d01010b050003820101001b1fa94ef4a092e427075b7107696bb867a1aea068314a2e749795d9979eb24d77b6c41e255f76e0617c7ebd10e0295f068661f3cc55f73ebc2d3dc477863a498c2d1949648d2664a00fa739d184cb5cc4260360f88729d78ff66ad09f610427251f06576f3c0f126a9941dcce6ad49d2fecf647c7b5aec37b1df20f8772f595bb91c67c0ecb39f9fbec012ab782832f8d2837ebbd8d56183bde0799859439564f0fb4fae1f0abfc21fd209b7d0c787e2fc856f5d8c6be60705467b108ac3b2b33580bc7837d59ec3c698e68d5cff522d9482d4644d5659b92d203f307767e0903b14bd0b66c275028daab01c8309c2dc820ad17df0fcbc94f3e70c906ac3311	\N	CN=legacy.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	legacy.fleet.example	legacy.fleet.example	\\x610d3acfd9ecf3ce5cba76bbeb936b92	2025-11-28 10:43:48+00	2026-12-31 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x2aaed83219cd9fd3dbc8cc73738adb6587b445f69ad19322d811253ad3d81b8f	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.908+00	2026-11-21 10:44:23.908+00
\\x291d9050f9747848c92a9afbcf3a51ccba61f3e930a7d669b8ba5e759f16976e	\\x30820212308201b8a00302010202106b63eac7dbb8e40189a2d96f78df8039300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303331393130343334385a170d3237303432313130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c116170692e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38194308191301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d110415301382116170692e666c6565742e6578616d706c65300a06082a8648ce3d04030203480030450220568f99e562bec5f299d83c493956694dc84dc053794efe3c2439a43a1bb0a6c10221009a8ace47c65d3a244d381f33bc94936c894f669183270e1da82f1225c2a9eb8c	\N	CN=api.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	api.fleet.example	api.fleet.example	\\x6b63eac7dbb8e40189a2d96f78df8039	2026-03-19 10:43:48+00	2027-04-21 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\xd8f79c56dc9581453d25a321721643437029a8bd34140f2020b7efe8d8fe65a3	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.909+00
\\xc20af91b47bee3f5e26d483e5c3fc66ff097ef201e27dd4ff88a989975874817	\\x308201e330820189a0030201020210580dfb42520c77a344a9f4881a357ae7300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303130353130343334385a170d3237303230373130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c116769742e666c6565742e6578616d706c65302a300506032b65700321005ce02249020948c982959d00e064ca24254d266b01b36548b7635c90826cedfda38194308191301d0603551d0e04160414b3898d9a1a8ef8723385626c2782b3b9b13fe4d0301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d110415301382116769742e666c6565742e6578616d706c65300a06082a8648ce3d0403020348003045022037055b53c019882da268a00d27b3dd2f0335bf26a1725b0faf80b2ba15ac9ae40221008dfcf73a0c3fc3fcf3d9ba73e33a32604e20ba120db85ec6cb732f953602d280	\N	CN=git.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	git.fleet.example	git.fleet.example	\\x580dfb42520c77a344a9f4881a357ae7	2026-01-05 10:43:48+00	2027-02-07 10:43:48+00	\\x601be0b7b1df51809d96839b88f4925a08ade844229ad11e24d35507179eca25	\\xeb49e2d5fee62227243b9497b2e0455b5b6160edb0ccf7d4d371983cd157dded	Ed25519	256	\N	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.937+00	2026-11-21 10:44:23.937+00
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	\\x308204cc30820472a00302010202107a9406ccad0e3a021a274015ff78c2f9300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303130383130343334385a170d3237303231303130343334385a30820169310b300906035504060c02585831553053060355040a0c4c3c7363726970743e616c6572742831293c2f7363726970743e3c696d67207372633d78206f6e6572726f723d616c6572742832293e22206f6e6d6f7573656f7665723d22616c657274283329313f303d060355040b0c363d636d647c27202f432063616c63272141300a4053554d28312b31292a636d640d0a2b312c2271756f746564222c2773696e676c65273131302f06035504071428fffec32820eda08020f88880808020696e76616c6964205554462d38200020616e642061204e554c3154305206035504080c4b6261636b5c736c6173682c20636f6d6d613b2073656d692b706c75733d23686173682024286964292060696460202573256e207b7b372a377d7d20247b6a6e64693a6c6461703a2f2f787d3139303706035504030c301b5b324a1b5b33316d1b5d303b6f776e656407e280ae656c706d6178652e7465656c66e280acc29b33316d0808207f0a3059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a382021630820212301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b060105050703013082019b0603551d11048201923082018e8215686f7374696c652e666c6565742e6578616d706c6582273c7363726970743e616c6572742831293c2f7363726970743e2e666c6565742e6578616d706c6582143d636d6428292e666c6565742e6578616d706c65821c1b5b313b33316d7265641b5b306d2e666c6565742e6578616d706c65822d74776f0a6c696e65732e666c6565742e6578616d706c650d0a7b2276223a312c2274797065223a2272756e227d821f7777772e666c6565742e6578616d706c65002e6576696c2e6578616d706c65822b2271756f746564222c2773696e676c65272c6261636b5c736c617368092e666c6565742e6578616d706c658228e280ae656c706d6178652e7465656c662e676e70e2808be280a82e666c6565742e6578616d706c658212c0afff802e666c6565742e6578616d706c65812b273b2044524f50205441424c452063657274696669636174653b202d2d40666c6565742e6578616d706c6586306a6176617363726970743a616c65727428646f63756d656e742e646f6d61696e292f2f666c6565742e6578616d706c65300a06082a8648ce3d040302034800304502203362ecb57e9df1c674921f427eb2df4a3b09ec881152599d432ceca640baf349022100b69d8b911b28cbf93a370f802db963b99c5ac21c837a0a6f84942d98ed082977	\N	CN=\\1B[2J\\1B[31m\\1B]0\\;owned\\07‮elpmaxe.teelf‬31m\\08\\08 \\7F\\0A,ST=back\\\\slash\\, comma\\; semi\\+plus=#hash $(id) `id` %s%n {{7*7}} ${jndi:ldap://x},L=ÿþÃ( í  ø invalid UTF-8 \\00 and a NUL,OU==cmd|' /C calc'!A0\\0A@SUM(1\\+1)*cmd\\0D\\0A\\+1\\,\\"quoted\\"\\,'single',O=\\<script\\>alert(1)\\</script\\>\\<img src=x onerror=alert(2)\\>\\" onmouseover=\\"alert(3),C=XX	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	[2J[31m]0;owned‮elpmaxe.teelf‬31m\b\b \n	hostile.fleet.example	\\x7a9406ccad0e3a021a274015ff78c2f9	2026-01-08 10:43:48+00	2027-02-10 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x0d1cb03045006e4796b5ae6de47030d26f46acf6d96809f630abf5b17fef7a7c	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.972+00	2026-11-21 10:44:23.972+00
\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	\\x3082021d308201c2a003020102021062bff5b956ca13313c07869d1722ffea300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303831313130343334385a170d3236313130393130343334385a303931163014060355040a0c0d466c656574204578616d706c65311f301d06035504030c16696e7472616e65742e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38199308196301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130210603551d11041a30188216696e7472616e65742e666c6565742e6578616d706c65300a06082a8648ce3d0403020349003046022100d9942c84373d10be7d804755e83410813b64cf920831e3a6e10950cf43d50744022100ec290fd35cc80c8fe8d8a256294ba3d1a55245e13121122ac54004ee437432e3	\N	CN=intranet.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	intranet.fleet.example	intranet.fleet.example	\\x62bff5b956ca13313c07869d1722ffea	2026-08-11 10:43:48+00	2026-11-09 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\xe76b43366382ff2f7fd44f6852928f66b57264dad9d21adb1c3f83d1120a6e2e	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.937+00	2026-11-21 10:44:23.937+00
\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a	\\x308202db30820262a00302010202104ba01dd087b0eb7ab3eb3de1365ba18f300a06082a8648ce3d0403023045310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c15466c656574204578616d706c6520526f6f74204341301e170d3233303830393130343334385a170d3336313131383130343334385a304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e6720434120523130820122300d06092a864886f70d01010105000382010f003082010a0282010100a6a77015a60cc84ab4104d5aeb316baa24fd21f30caf01ed244982c66bbf7fa7e49dc0d60c10501c9d9aa60c0a29c6bb6f64246b5f89f0e6603de37ba41cda19cc2114083dbb7ab9c6b23774fd42d291e603311a25fe1ead0f55e6f402fdede48d9c948376d9cfbc0d16ef5ba986355820f541df8eae8e3f3e817cd8ff610bda967d4c2087a31042484fff9947a1b8a338576358d84035f9dd5db7cf2ce45208bf0d614a65bae78881280a8e3f83c4ff77f452f661463fa6284940727ff006715476d3648b4349019ea68d5e7f2421b568aa27b511eab8a139156129ea3e04848b49088493128ae42e989f166d2c728bbaad7d04cb75cd5cefa880f3e128996b0203010001a3633061301d0603551d0e041604147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163301f0603551d2304183016801417e889fd34abd6c8877f3b1d5497194d293e95f7300f0603551d130101ff040530030101ff300e0603551d0f0101ff040403020106300a06082a8648ce3d04030203670030640230212604cf6b92443226449a46c45823ac75746000fed653ccf92152be7f43835dbe01ade0f0f20100826dbb071c84ed1e0230139a961225a1e525c9d45d319f145c63dc8dc65752bbd413ee2605aa49423bd6cbd4cae38e62f0589abf6691ff669df2	\N	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	CN=Fleet Example Root CA,O=Fleet Example,C=XX	Fleet Example Issuing CA R1	Fleet Example Issuing CA R1	\\x4ba01dd087b0eb7ab3eb3de1365ba18f	2023-08-09 10:43:48+00	2036-11-18 10:43:48+00	\\x3b03be2b3229ee82d5213a1db8f81c9314a0f6837250b6318433a18b2cf952a2	\\x2ec30bc0bdc1f28ca8c628d9255eca19d18fd70be59cc562dbdef9417c7db952	RSA	2048	\N	ecdsa-with-SHA256	t	f	2026-11-21 10:44:23.908+00	2026-11-21 10:44:23.955+00
\\x463e4ce74ac50a93776a5a146827c2f2f4f4ec9917f8b7ace4cb5231961cbc6d	\\x3082022e308201d5a00302010202104e6ddc0420f198f994ac62046c5715f4300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3235313132393130343334385a170d3237303130313130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c1176706e2e666c6565742e6578616d706c653076301006072a8648ce3d020106052b81040022036200040d4e9b7cca51fbc8a1e8f9ce2108223565ef14e752e3d4a13358fe5fc880ef4b907d2ba98e741b4188b7f17e50f3420d89ea79db444990cd180a7215eb54fad79efda69cfda68c8bb871d25b53e8cfb09c56e8f6531b89bbd3693ba6d94b7a5ca38194308191301d0603551d0e0416041464672bb423e68b661655576964d13d6b8c606b6e301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d1104153013821176706e2e666c6565742e6578616d706c65300a06082a8648ce3d04030203470030440220762a8e37adf1c6383274b802cc633e215b43fb270c5db0ec1678218a4cb1f882022069b4627a00ac4cf8523504cecee1895984dc06c84d274f31c3597fa5f25057db	\N	CN=vpn.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	vpn.fleet.example	vpn.fleet.example	\\x4e6ddc0420f198f994ac62046c5715f4	2025-11-29 10:43:48+00	2027-01-01 10:43:48+00	\\xd07ab99c4ca1b9092841de3fe42fe359c6598448fc19629af5d9390c4837a9ad	\\xeb9601a22e1ed765323d689c22f7a53e3d2c890d886d5670fdd4cd1919c729a9	EC	384	P-384	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.936+00	2026-11-21 10:44:23.936+00
\\x4c623e86186656eedb3e2cf376997008f6b71298a1949e275d2b75e59b46c661	\\x30820217308201bea0030201020210761a723834bab2d426bf3097ca3a04c4300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303630343130343334385a170d3237303730373130343334385a303731163014060355040a0c0d466c656574204578616d706c65311d301b06035504030c1474656e616e742e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38197308194301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301f0603551d1104183016821474656e616e742e666c6565742e6578616d706c65300a06082a8648ce3d0403020347003044022004c7fa879b434badedb14370ccb50c3905d3323434ddc2fb7abdfaf3ee2b06f502207980556bd0cc5f1c92e69544f3ed785041051d3d44f7ef7e245a83ecc0046035	\N	CN=tenant.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	tenant.fleet.example	tenant.fleet.example	\\x761a723834bab2d426bf3097ca3a04c4	2026-06-04 10:43:48+00	2027-07-07 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x30be164356966c14da91080240362f68be91e633656cd0a1a43bc506bc63f14b	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.955+00	2026-11-21 10:44:23.955+00
\\x5e58568ac0ecd42ac5daf333a3ba888b56ae02a0880a2f4e41cdb8777bb1183f	\\x3082039e30820286a00302010202106495442dc6a2dcefe5b49ca28614c280300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303231303130343334385a170d3237303331353130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c117777772e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38194308191301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d110415301382117777772e666c6565742e6578616d706c65300d06092a864886f70d01010b050003820101003a72a8dc89cec3aa68f6b519227e948d9e191529ed334fbc14236bb1b68c27cdb1f712bc8fddd197d0a8dc6e72e5ecb9dc8180be3c2a1350be4df0ac050c19817dcb4ebd0d737578992ccaaaa69c4728df0b3381c5b45038b455f5ff785c029d422e1071a37770720bc1bdb2bc8102aecdb6c1027758c40118ab66cbb4125606a7925475556e865f0509076446ef4effe54913eef376417c18b09298ef8901ee43f776168c56f2388d1838d04092c6932f6adbebc515265d85161451fcdadee4e0a0656646180c2908dae36e06bfc486d8a8c00e604fe74702fa8cd0f22863cf050112920c13c714a1e9c4830bc075a008c0414b3aa9ed5c40b3807aae85e931	\N	CN=www.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	www.fleet.example	www.fleet.example	\\x6495442dc6a2dcefe5b49ca28614c280	2026-02-10 10:43:48+00	2027-03-15 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x1b0098d235a342fe77d9feab571412078180648ad2add92ba16093d336a72bea	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.909+00
\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f	\\x30820216308201bca003020102021070a03460283947f642d6570efbc8dc26300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303832383130343334385a170d3236313132363131313334385a303631163014060355040a0c0d466c656574204578616d706c65311c301a06035504030c136c6f67696e2e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38196308193301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301e0603551d110417301582136c6f67696e2e666c6565742e6578616d706c65300a06082a8648ce3d0403020348003045022100c57d1bd4ed3adb82cb0a79b9e87fa20c581621d539d781ed3eb3e3959c921eb9022067e070274552ee9108bb40380bf44d50e981549297d33f1285f19c4720363519	\N	CN=login.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	login.fleet.example	login.fleet.example	\\x70a03460283947f642d6570efbc8dc26	2026-08-28 10:43:48+00	2026-11-26 11:13:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x9a0042acc749311ed813fb89c7e46cd140de863a41971358e7ad8ebe6816e824	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00
\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439	\\x308203a030820288a00302010202105c99be87ffb1431964747f2ccdf6e0c2300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303931323130343334385a170d3236313231313131313334385a303531163014060355040a0c0d466c656574204578616d706c65311b301906035504030c1277696b692e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38195308192301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301d0603551d1104163014821277696b692e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010056146b5c27ed5e5478e42692854c7b8bf806b7101591fff2a7e2f06b3555c35795dd629cdb63d58d132c0868f9ad68f159f5baa92f6f6826aafeabea1ab872c320f67a59408969c4c18dfbf7e83857455de965d0925dffde040f44ac4e149f421d13b40413be4720a72289120b45193f34f327ea6733a3cd4ae6195b75dc2840b0e9f6937ff2462da29ed2f3d98e1b5900f30897df198f086e1c45d0f11d6af95ad78acb113eb2897bc0c18465589dc05eea24cdf5f67cd733757cbeb2521d54385461432245e2ad3688805eef10ccf674e27f468cb653199fe5de97db5d45a3525afbdf0b89f9bce025b8fb51a2e3e5eb7791f6bdfbb6fa62eb40610814e277	\N	CN=wiki.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	wiki.fleet.example	wiki.fleet.example	\\x5c99be87ffb1431964747f2ccdf6e0c2	2026-09-12 10:43:48+00	2026-12-11 11:13:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\xde34e3398e47797bde43a801d28e5a35960c329f79ab965bb07bf38934c873b1	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00
\\x680557ad1c31bc2e9a7b13bbc7196a30866f6b442a86d1c6781872e17e90cde9	\\x3082031e30820206a00302010202105651ab9fb3503e7b97e09c49f25bf7a2300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303630333130343334385a170d3237303730363130343334385a303631163014060355040a0c0d466c656574204578616d706c65311c301a06035504030c1362616467652e666c6565742e6578616d706c6530819f300d06092a864886f70d010101050003818d0030818902818100ca1a3b3f8a63733a7140d8dcee67ccaf035f7afcbc01c14c5f3f03152767b870ab7622b1423168c58fd32eac8190f0eb40a8b8cdafcc493de5c70ded9d91caadc97daa13c67cb211e56557bbf512eaabad848428a0b0a4b3a8a148ad366fe4795df71d79fcff648985aea5a40bdd316ac8a129dee6840cbaf590aec21c1bc97f0203010001a38196308193301d0603551d0e041604143566420b186285fac19f5ba0607328af72bc5225301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301e0603551d1104173015821362616467652e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010058e3c6353366ef5afba602161b0a0bba5679f51c06692619ddc5484c02019c8d349b9c76d579458847731a2e006d520fc17024fe49daa0d29ff0a70b29c7e0fe59332f6f3f2b0f46e8c73957b8bb231b8e57e2ebc22c7abe26912d747890836406dda1369a321c8957585a752f273d179546b82ff62c41a95dacd68de41117e8dc32ccecd5e6b648035bf65ab20cf336b179cff080aa0d256eb37d4c9306e440ea3ee0f1bb76a4cd0998fc40c2ea9dbfa0ddae63c76eedb3362d1eb9f644119ba0269ce2ec5f645d566fbc2c8c9d8f41835be51b0a0f9c115bc1b0ba91ba9d225c5e4d9d762ceb12f9cd9bd90ef3b6b4d0e5a984c7a5d9b8afd18e8925647c23	\N	CN=badge.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	badge.fleet.example	badge.fleet.example	\\x5651ab9fb3503e7b97e09c49f25bf7a2	2026-06-03 10:43:48+00	2027-07-06 10:43:48+00	\\x48494b7fd02f18f00ab447d9ed89299683393dbe5eba17e82cf18df82ab8adc4	\\x0d69f2beffb37ed48abe357b00af59201a49a9e2affe4bbf6a174825cd2bc6d7	RSA	1024	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.952+00	2026-11-21 10:44:23.952+00
\\x6b7d51b099fa6d833e3dd774c58efbf9982574eb241640e63550ae887353a9d0	\\x30820213308201b8a0030201020210665d7a0b4c10f0d92e4a57b8bab1e14b300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303730383130343334385a170d3237303831303130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c117061792e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38194308191301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d110415301382117061792e666c6565742e6578616d706c65300a06082a8648ce3d0403020349003046022100ae2be32eb07ca0a300178ac705af80ba938ac12df0db10c7032c9f1931526def022100e50c1bd24c47fb6b64077c701cae50bdcf5b47dbdc060816581dd0d7bf09f804	\N	CN=pay.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	pay.fleet.example	pay.fleet.example	\\x665d7a0b4c10f0d92e4a57b8bab1e14b	2026-07-08 10:43:48+00	2027-08-10 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x9e9d7ed43c56c2cf0da4b6deb4ad2590df4d12f67c5b8107e1a73615678cddb4	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.91+00	2026-11-21 10:44:23.91+00
\\x7c650227a5973378fcf8dbbcaa42b325beb925572a67b54548243bf3d2b787f7	\\x3082039e30820286a003020102021066d0b1a6b62ebfafd4131341cc9251e9300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303130363130343334385a170d3237303230383130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c1163726d2e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38194308191301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d1104153013821163726d2e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010021a4e69a38b67b82d0c8be0eb5a9e9658bc51512677729ba097ab52e117719cfb6e7377429cfed3c3f6d30516a959778ebcec0be6e832a55ddc12ac89e89c0d9ab71253cfdf0322fe5e018b13ec465b8d5c1ad1ebdb073ed0fe27681e37793caead72e175b3e2e0c3e2c766d21621efd8d3eb2e94fd48db8537efd74627def2412853f0e144574c944c1a38f37e13ec6c44393e85ea99c8ddced207cd6903895cbbea82b23200a9ab3acb5c25be310eacd9b5ff71e40bb45c99e793f2d7a9e8c3f9e84824a8aa8acbd12a6112d85820c90789d84d68a3454545ab73cd4a696627aef54808876c3f601b2690867837466fbf1c725abfc0bda4f2885ea2eb57dea	\N	CN=crm.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	crm.fleet.example	crm.fleet.example	\\x66d0b1a6b62ebfafd4131341cc9251e9	2026-01-06 10:43:48+00	2027-02-08 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\xe180bd9aa974219b63c223d11005ee84daaf09f6f0e1c0bcc5dbfbf5252af0e4	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00
\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb	\\x3082021230820197a00302010202106909f8256370be88d7a9265b59871b0c300a06082a8648ce3d0403023045310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c15466c656574204578616d706c6520526f6f74204341301e170d3233303830393130343334385a170d3336313131383130343334385a304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e672043412045313059301306072a8648ce3d020106082a8648ce3d030107034200043796f28c1b4fb6296184fab95b529aa75b0f1023146fd53a62c39d4474e1dc88ab4c2e03f3793389966e9730f3709a2c68b1dc04f6deabd62b91a0c4847fa0e9a3633061301d0603551d0e04160414435e426a2f667a69daf3b6ebed127a6e6a915b46301f0603551d2304183016801417e889fd34abd6c8877f3b1d5497194d293e95f7300f0603551d130101ff040530030101ff300e0603551d0f0101ff040403020106300a06082a8648ce3d0403020369003066023100ee04da4fe3326a6cc1336ca08d0756f030884add67fe138c1b0df8ae098f7f26524992e1fee7c4ab8f204fdf4ea17773023100bfc214cac4a0c7a38c9f409fee3f690f22a0c08ff2767cb6e8a8382ccc571e084e300b24bc6a6f5e83d19decde1fb590	\N	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	CN=Fleet Example Root CA,O=Fleet Example,C=XX	Fleet Example Issuing CA E1	Fleet Example Issuing CA E1	\\x6909f8256370be88d7a9265b59871b0c	2023-08-09 10:43:48+00	2036-11-18 10:43:48+00	\\xd0f7feb0f3b704f59973b10b56fafbc884b92a099c6e4966add870ce4fb1c2ff	\\x0fd51b646d98f7bac08eaf3109b7c0f2520d31a4762c876200c82e411aaaaff9	EC	256	P-256	ecdsa-with-SHA256	t	f	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.972+00
\\x848465c608983c7f20e83c3033d10256b9255590d2d0458d7fe162123ba999ef	\\x3082020f308201b6a003020102021075dd333e83f44d8d6b4609cccda308cf300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303332313130343334385a170d3237303432333130343334385a303331163014060355040a0c0d466c656574204578616d706c653119301706035504030c1068722e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38193308190301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301b0603551d1104143012821068722e666c6565742e6578616d706c65300a06082a8648ce3d040302034700304402207542ad92fab9b7d8e2bbb7d34cce36b8a376a5ab7edcb0b1635668f3fbcf7df602203d1257aa35cea710c85408eebbeebcc36ded80859698e1d6822d89beaf501cce	\N	CN=hr.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	hr.fleet.example	hr.fleet.example	\\x75dd333e83f44d8d6b4609cccda308cf	2026-03-21 10:43:48+00	2027-04-23 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x8bf819ee32a5763fd4b56d7e61918b57885a56754b31a6de2ad8fabeab84d89d	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00
\\x860edce21a88642b1750db75b717fce71d3f5cf860fc7c8955c0047224005044	\\x3082022b308201d0a003020102021072b9efa30de092b968cab4506e4aab01300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303731303130343334385a170d3237303831323130343334385a303531163014060355040a0c0d466c656574204578616d706c65311b301906035504030c12617070732e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a381ab3081a8301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130330603551d11042c302a82142a2e617070732e666c6565742e6578616d706c658212617070732e666c6565742e6578616d706c65300a06082a8648ce3d04030203490030460221009ad0afd612857a9ee19381dce2d0411e869ffe326834e5566f877cd0073c1580022100f320f4e531ec681013b066c80f0279199309da9aad70e10b46ccd03de5b984f9	\N	CN=apps.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	apps.fleet.example	*.apps.fleet.example	\\x72b9efa30de092b968cab4506e4aab01	2026-07-10 10:43:48+00	2027-08-12 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\xf0926061e8683215bdd2f3ce639333618acaef78b804a2959dbf998d9bf3062a	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.953+00	2026-11-21 10:44:23.953+00
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	\\x308217de30821784a00302010202105404ff8c9377133c2f0f0898950ec078300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3235313230313130343334385a170d3237303130333130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c1163646e2e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a382165f3082165b301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301308215e40603551d11048215db308215d7821163646e2e666c6565742e6578616d706c65821a656467652d3030312e63646e2e666c6565742e6578616d706c65821a656467652d3030322e63646e2e666c6565742e6578616d706c65821a656467652d3030332e63646e2e666c6565742e6578616d706c65821a656467652d3030342e63646e2e666c6565742e6578616d706c65821a656467652d3030352e63646e2e666c6565742e6578616d706c65821a656467652d3030362e63646e2e666c6565742e6578616d706c65821a656467652d3030372e63646e2e666c6565742e6578616d706c65821a656467652d3030382e63646e2e666c6565742e6578616d706c65821a656467652d3030392e63646e2e666c6565742e6578616d706c65821a656467652d3031302e63646e2e666c6565742e6578616d706c65821a656467652d3031312e63646e2e666c6565742e6578616d706c65821a656467652d3031322e63646e2e666c6565742e6578616d706c65821a656467652d3031332e63646e2e666c6565742e6578616d706c65821a656467652d3031342e63646e2e666c6565742e6578616d706c65821a656467652d3031352e63646e2e666c6565742e6578616d706c65821a656467652d3031362e63646e2e666c6565742e6578616d706c65821a656467652d3031372e63646e2e666c6565742e6578616d706c65821a656467652d3031382e63646e2e666c6565742e6578616d706c65821a656467652d3031392e63646e2e666c6565742e6578616d706c65821a656467652d3032302e63646e2e666c6565742e6578616d706c65821a656467652d3032312e63646e2e666c6565742e6578616d706c65821a656467652d3032322e63646e2e666c6565742e6578616d706c65821a656467652d3032332e63646e2e666c6565742e6578616d706c65821a656467652d3032342e63646e2e666c6565742e6578616d706c65821a656467652d3032352e63646e2e666c6565742e6578616d706c65821a656467652d3032362e63646e2e666c6565742e6578616d706c65821a656467652d3032372e63646e2e666c6565742e6578616d706c65821a656467652d3032382e63646e2e666c6565742e6578616d706c65821a656467652d3032392e63646e2e666c6565742e6578616d706c65821a656467652d3033302e63646e2e666c6565742e6578616d706c65821a656467652d3033312e63646e2e666c6565742e6578616d706c65821a656467652d3033322e63646e2e666c6565742e6578616d706c65821a656467652d3033332e63646e2e666c6565742e6578616d706c65821a656467652d3033342e63646e2e666c6565742e6578616d706c65821a656467652d3033352e63646e2e666c6565742e6578616d706c65821a656467652d3033362e63646e2e666c6565742e6578616d706c65821a656467652d3033372e63646e2e666c6565742e6578616d706c65821a656467652d3033382e63646e2e666c6565742e6578616d706c65821a656467652d3033392e63646e2e666c6565742e6578616d706c65821a656467652d3034302e63646e2e666c6565742e6578616d706c65821a656467652d3034312e63646e2e666c6565742e6578616d706c65821a656467652d3034322e63646e2e666c6565742e6578616d706c65821a656467652d3034332e63646e2e666c6565742e6578616d706c65821a656467652d3034342e63646e2e666c6565742e6578616d706c65821a656467652d3034352e63646e2e666c6565742e6578616d706c65821a656467652d3034362e63646e2e666c6565742e6578616d706c65821a656467652d3034372e63646e2e666c6565742e6578616d706c65821a656467652d3034382e63646e2e666c6565742e6578616d706c65821a656467652d3034392e63646e2e666c6565742e6578616d706c65821a656467652d3035302e63646e2e666c6565742e6578616d706c65821a656467652d3035312e63646e2e666c6565742e6578616d706c65821a656467652d3035322e63646e2e666c6565742e6578616d706c65821a656467652d3035332e63646e2e666c6565742e6578616d706c65821a656467652d3035342e63646e2e666c6565742e6578616d706c65821a656467652d3035352e63646e2e666c6565742e6578616d706c65821a656467652d3035362e63646e2e666c6565742e6578616d706c65821a656467652d3035372e63646e2e666c6565742e6578616d706c65821a656467652d3035382e63646e2e666c6565742e6578616d706c65821a656467652d3035392e63646e2e666c6565742e6578616d706c65821a656467652d3036302e63646e2e666c6565742e6578616d706c65821a656467652d3036312e63646e2e666c6565742e6578616d706c65821a656467652d3036322e63646e2e666c6565742e6578616d706c65821a656467652d3036332e63646e2e666c6565742e6578616d706c65821a656467652d3036342e63646e2e666c6565742e6578616d706c65821a656467652d3036352e63646e2e666c6565742e6578616d706c65821a656467652d3036362e63646e2e666c6565742e6578616d706c65821a656467652d3036372e63646e2e666c6565742e6578616d706c65821a656467652d3036382e63646e2e666c6565742e6578616d706c65821a656467652d3036392e63646e2e666c6565742e6578616d706c65821a656467652d3037302e63646e2e666c6565742e6578616d706c65821a656467652d3037312e63646e2e666c6565742e6578616d706c65821a656467652d3037322e63646e2e666c6565742e6578616d706c65821a656467652d3037332e63646e2e666c6565742e6578616d706c65821a656467652d3037342e63646e2e666c6565742e6578616d706c65821a656467652d3037352e63646e2e666c6565742e6578616d706c65821a656467652d3037362e63646e2e666c6565742e6578616d706c65821a656467652d3037372e63646e2e666c6565742e6578616d706c65821a656467652d3037382e63646e2e666c6565742e6578616d706c65821a656467652d3037392e63646e2e666c6565742e6578616d706c65821a656467652d3038302e63646e2e666c6565742e6578616d706c65821a656467652d3038312e63646e2e666c6565742e6578616d706c65821a656467652d3038322e63646e2e666c6565742e6578616d706c65821a656467652d3038332e63646e2e666c6565742e6578616d706c65821a656467652d3038342e63646e2e666c6565742e6578616d706c65821a656467652d3038352e63646e2e666c6565742e6578616d706c65821a656467652d3038362e63646e2e666c6565742e6578616d706c65821a656467652d3038372e63646e2e666c6565742e6578616d706c65821a656467652d3038382e63646e2e666c6565742e6578616d706c65821a656467652d3038392e63646e2e666c6565742e6578616d706c65821a656467652d3039302e63646e2e666c6565742e6578616d706c65821a656467652d3039312e63646e2e666c6565742e6578616d706c65821a656467652d3039322e63646e2e666c6565742e6578616d706c65821a656467652d3039332e63646e2e666c6565742e6578616d706c65821a656467652d3039342e63646e2e666c6565742e6578616d706c65821a656467652d3039352e63646e2e666c6565742e6578616d706c65821a656467652d3039362e63646e2e666c6565742e6578616d706c65821a656467652d3039372e63646e2e666c6565742e6578616d706c65821a656467652d3039382e63646e2e666c6565742e6578616d706c65821a656467652d3039392e63646e2e666c6565742e6578616d706c65821a656467652d3130302e63646e2e666c6565742e6578616d706c65821a656467652d3130312e63646e2e666c6565742e6578616d706c65821a656467652d3130322e63646e2e666c6565742e6578616d706c65821a656467652d3130332e63646e2e666c6565742e6578616d706c65821a656467652d3130342e63646e2e666c6565742e6578616d706c65821a656467652d3130352e63646e2e666c6565742e6578616d706c65821a656467652d3130362e63646e2e666c6565742e6578616d706c65821a656467652d3130372e63646e2e666c6565742e6578616d706c65821a656467652d3130382e63646e2e666c6565742e6578616d706c65821a656467652d3130392e63646e2e666c6565742e6578616d706c65821a656467652d3131302e63646e2e666c6565742e6578616d706c65821a656467652d3131312e63646e2e666c6565742e6578616d706c65821a656467652d3131322e63646e2e666c6565742e6578616d706c65821a656467652d3131332e63646e2e666c6565742e6578616d706c65821a656467652d3131342e63646e2e666c6565742e6578616d706c65821a656467652d3131352e63646e2e666c6565742e6578616d706c65821a656467652d3131362e63646e2e666c6565742e6578616d706c65821a656467652d3131372e63646e2e666c6565742e6578616d706c65821a656467652d3131382e63646e2e666c6565742e6578616d706c65821a656467652d3131392e63646e2e666c6565742e6578616d706c65821a656467652d3132302e63646e2e666c6565742e6578616d706c65821a656467652d3132312e63646e2e666c6565742e6578616d706c65821a656467652d3132322e63646e2e666c6565742e6578616d706c65821a656467652d3132332e63646e2e666c6565742e6578616d706c65821a656467652d3132342e63646e2e666c6565742e6578616d706c65821a656467652d3132352e63646e2e666c6565742e6578616d706c65821a656467652d3132362e63646e2e666c6565742e6578616d706c65821a656467652d3132372e63646e2e666c6565742e6578616d706c65821a656467652d3132382e63646e2e666c6565742e6578616d706c65821a656467652d3132392e63646e2e666c6565742e6578616d706c65821a656467652d3133302e63646e2e666c6565742e6578616d706c65821a656467652d3133312e63646e2e666c6565742e6578616d706c65821a656467652d3133322e63646e2e666c6565742e6578616d706c65821a656467652d3133332e63646e2e666c6565742e6578616d706c65821a656467652d3133342e63646e2e666c6565742e6578616d706c65821a656467652d3133352e63646e2e666c6565742e6578616d706c65821a656467652d3133362e63646e2e666c6565742e6578616d706c65821a656467652d3133372e63646e2e666c6565742e6578616d706c65821a656467652d3133382e63646e2e666c6565742e6578616d706c65821a656467652d3133392e63646e2e666c6565742e6578616d706c65821a656467652d3134302e63646e2e666c6565742e6578616d706c65821a656467652d3134312e63646e2e666c6565742e6578616d706c65821a656467652d3134322e63646e2e666c6565742e6578616d706c65821a656467652d3134332e63646e2e666c6565742e6578616d706c65821a656467652d3134342e63646e2e666c6565742e6578616d706c65821a656467652d3134352e63646e2e666c6565742e6578616d706c65821a656467652d3134362e63646e2e666c6565742e6578616d706c65821a656467652d3134372e63646e2e666c6565742e6578616d706c65821a656467652d3134382e63646e2e666c6565742e6578616d706c65821a656467652d3134392e63646e2e666c6565742e6578616d706c65821a656467652d3135302e63646e2e666c6565742e6578616d706c65821a656467652d3135312e63646e2e666c6565742e6578616d706c65821a656467652d3135322e63646e2e666c6565742e6578616d706c65821a656467652d3135332e63646e2e666c6565742e6578616d706c65821a656467652d3135342e63646e2e666c6565742e6578616d706c65821a656467652d3135352e63646e2e666c6565742e6578616d706c65821a656467652d3135362e63646e2e666c6565742e6578616d706c65821a656467652d3135372e63646e2e666c6565742e6578616d706c65821a656467652d3135382e63646e2e666c6565742e6578616d706c65821a656467652d3135392e63646e2e666c6565742e6578616d706c65821a656467652d3136302e63646e2e666c6565742e6578616d706c65821a656467652d3136312e63646e2e666c6565742e6578616d706c65821a656467652d3136322e63646e2e666c6565742e6578616d706c65821a656467652d3136332e63646e2e666c6565742e6578616d706c65821a656467652d3136342e63646e2e666c6565742e6578616d706c65821a656467652d3136352e63646e2e666c6565742e6578616d706c65821a656467652d3136362e63646e2e666c6565742e6578616d706c65821a656467652d3136372e63646e2e666c6565742e6578616d706c65821a656467652d3136382e63646e2e666c6565742e6578616d706c65821a656467652d3136392e63646e2e666c6565742e6578616d706c65821a656467652d3137302e63646e2e666c6565742e6578616d706c65821a656467652d3137312e63646e2e666c6565742e6578616d706c65821a656467652d3137322e63646e2e666c6565742e6578616d706c65821a656467652d3137332e63646e2e666c6565742e6578616d706c65821a656467652d3137342e63646e2e666c6565742e6578616d706c65821a656467652d3137352e63646e2e666c6565742e6578616d706c65821a656467652d3137362e63646e2e666c6565742e6578616d706c65821a656467652d3137372e63646e2e666c6565742e6578616d706c65821a656467652d3137382e63646e2e666c6565742e6578616d706c65821a656467652d3137392e63646e2e666c6565742e6578616d706c65821a656467652d3138302e63646e2e666c6565742e6578616d706c65821a656467652d3138312e63646e2e666c6565742e6578616d706c65821a656467652d3138322e63646e2e666c6565742e6578616d706c65821a656467652d3138332e63646e2e666c6565742e6578616d706c65821a656467652d3138342e63646e2e666c6565742e6578616d706c65821a656467652d3138352e63646e2e666c6565742e6578616d706c65821a656467652d3138362e63646e2e666c6565742e6578616d706c65821a656467652d3138372e63646e2e666c6565742e6578616d706c65821a656467652d3138382e63646e2e666c6565742e6578616d706c65821a656467652d3138392e63646e2e666c6565742e6578616d706c65821a656467652d3139302e63646e2e666c6565742e6578616d706c65821a656467652d3139312e63646e2e666c6565742e6578616d706c65821a656467652d3139322e63646e2e666c6565742e6578616d706c65821a656467652d3139332e63646e2e666c6565742e6578616d706c65821a656467652d3139342e63646e2e666c6565742e6578616d706c65821a656467652d3139352e63646e2e666c6565742e6578616d706c65821a656467652d3139362e63646e2e666c6565742e6578616d706c65821a656467652d3139372e63646e2e666c6565742e6578616d706c65821a656467652d3139382e63646e2e666c6565742e6578616d706c65821a656467652d3139392e63646e2e666c6565742e6578616d706c65300a06082a8648ce3d0403020348003045022014338797078a918719af46f66145d3ca52200a1259abd3b6cbb525ba7b78a067022100acd0cbe8da388a75b5daaabf9db36e29d7029c6d71f77688d735bc506f6b3941	\N	CN=cdn.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	cdn.fleet.example	cdn.fleet.example	\\x5404ff8c9377133c2f0f0898950ec078	2025-12-01 10:43:48+00	2027-01-03 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x08540421362f661efb8c97bdbcd532fdc731785f303dc19cc284f123ca5ccf63	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.953+00	2026-11-21 10:44:23.953+00
\\xac6cae7a3f73d0b2c914d53174895e8d03748583607ac22b87744cfbdda10cd8	\\x308203a030820288a00302010202106ca819d49f5dbdef905afc129a4bde4a300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303630313130343334385a170d3237303730343130343334385a303531163014060355040a0c0d466c656574204578616d706c65311b301906035504030c126d61696c2e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38195308192301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301d0603551d110416301482126d61696c2e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010024ac816946f53684a5bd3f4bd49ba0319c957d43ad7499758629a10da37018e891136397327f229f0220121d7c20a0e83df118f6000283cb1406d2e4588712a5bdcd9063e179721332419a4c4086ac8aedc37fcdc585e4ee716df4cd3a85655be0b55a2b602653140dae179a0e64e1e0d79f1fe1c782642f1a7870157aa921acb7a7985f0be72a5e5f1c3cfdd071a9e9c9e1d8a021921c28cdfd560d008af4462a163feb07fade53609fb5e15434aa2b7ae16193f8d636a55811c78a06eb8f880eb42f73443a7f823ed3ffeb4be53196fb0e2c3b49c8000b8e265a26ff3de443d1b76b0b03808d7cc193b54a1a1ff3aacd8c488223cf5d5b84828981d21a0269	\N	CN=mail.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	mail.fleet.example	mail.fleet.example	\\x6ca819d49f5dbdef905afc129a4bde4a	2026-06-01 10:43:48+00	2027-07-04 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x154eba6b9e8854d7875c5a86a3bd66fcb905a6fa1ecaac5227d3d76f9d5d323e	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.91+00	2026-11-21 10:44:23.91+00
\\xaff218ffa60f17eb146b3e6d4b0cd6aa271efdfc457940bf9d97076de5025ec0	\\x308201ff308201a5a00302010202105b2178a7028f1ce364b9f6ecb5763fe8300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303130373130343334385a170d3237303230393130343334385a302e31163014060355040a0c0d466c656574204578616d706c653114301206035504030c0b3132372e38302e302e32333059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38187308184301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301300f0603551d110408300687047f500017300a06082a8648ce3d04030203480030450221008ee6a4b55e84f4882d130be71501d9aa8200684b53a5c4b5f9e2c7a97b2a353d02201a1de2b4aa34d9a1ef62be14be23737e14131f2985f52817ca538ba0a0e829fd	\N	CN=127.80.0.23,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	127.80.0.23	127.80.0.23	\\x5b2178a7028f1ce364b9f6ecb5763fe8	2026-01-07 10:43:48+00	2027-02-09 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x64497dd341e603ced12fa67516afe9e7b6bd85887cd57840ba8115f6fcdcac43	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.953+00	2026-11-21 10:44:23.953+00
\\xb05c8d4bb1bfa7c8547fad4e7da3f439cb01085b5a2ef05ec9770ae11b56ed32	\\x3082038130820269a00302010202104afe44bfe2a25d03bfc8e6b7e53ee100300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303231333130343334385a170d3237303331383130343334385a303731163014060355040a0c0d466c656574204578616d706c65311d301b06035504030c1463616d6572612e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a3753073301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301300d06092a864886f70d01010b050003820101003637f1b8d44911bde4da8dd1fd1fe885c93b4279b04b4fdb2f26366055d6716fd20e1e2619e43f7a447fda67890a65d321eb5c94880a37ea1b304794898ba37bc2e0c08e023692fde046e3b6557b8e858d0a01d5f6667c25d2bbd092b20e8e6c12ca4cf81b8229b838103f2977eeeac7dab46b77bf295dbb82ee3b798122746ec51783e2da4134b3cd8ca81c6c8ff51da21bac328eef153ac75bb444d2cde8836b7393314f637a4c159250b822225edaebb8e837e5395b8a7d56b10729e1cacb0cb9f9aeb4db1748b3aec1653fd996e8f933c8c110e314afbfc46765a5f6bd03301bd1e2d6a163d82c1ce1a28680efe28084cff354acb9113767ded20640a0e7	\N	CN=camera.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	camera.fleet.example	camera.fleet.example	\\x4afe44bfe2a25d03bfc8e6b7e53ee100	2026-02-13 10:43:48+00	2027-03-18 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\xf99f4023f67c9a0a371c70306b69f52293323052ae37a413a2245a400a26ad2c	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.954+00	2026-11-21 10:44:23.954+00
\\xb14629053096a6463f4fe74e0b275be773ed386f31cd9cced3e2c616a405c324	\\x308203a63082028ea003020102021046635e8e8832d7dc53dddfc88ef48149300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303332323130343334385a170d3237303432343130343334385a303831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c15706172746e65722e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38198308195301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130200603551d11041930178215706172746e65722e666c6565742e6578616d706c65300d06092a864886f70d01010b050003820101008b0ccb577633f219da546d601d5ee7c28f9dc7c68eb4963c27e852166a59bb2795dd34afc9dd130841ddff12c76a06bf3c5879ad83259ddd23095cf5eb581f08d47af114c7cc2e9fc5e07da15b00bb58018013fca9c5f63313586ba3db0e15d18c95e98ae9397b7b1cb1a3fd016c5233aa01409ec1a2f87896c7158d592ec7248bb418846c1c4a8e8b4946e3bec1e5f993dbf6db37014b43162b0dad885ef6c821fcdefbdfe53a0a14c149c6b4bdd44e3a9f4a11c9602840ec61ca7de58b86cb9c065bde85906bafb16d267950476521ca882aa86e826f02396689568ee7a71d9d3aec0fb2a54329a8ce1af6da7000e1ce211ffee151e08475c316a991e45d8a	\N	CN=partner.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	partner.fleet.example	partner.fleet.example	\\x46635e8e8832d7dc53dddfc88ef48149	2026-03-22 10:43:48+00	2027-04-24 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\xa32ef2f286eef6c589afda89d00b023d357aa4e5dd5685d9dc6ccbbb9301b5f6	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.954+00	2026-11-21 10:44:23.954+00
\\xc15c1be751382d3ac93602dd2a89a6accaecee8fa6891f8c80a4ed6c7c8c79a8	\\x308203a830820290a00302010202107f54718b9233b1dc92ee55d266b4d91e300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3235313230323130343334385a170d3237303130343130343334385a303931163014060355040a0c0d466c656574204578616d706c65311f301d06035504030c1662616c616e6365722e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38199308196301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130210603551d11041a3018821662616c616e6365722e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010002fe4fec7f06737c6668b4e641cf4479569bd7af50feb006895d54bb77b5b182633d427760189580b224aadd5684de722a00409c62e93c17c45e1768a2cd7faad5d7dce8c09354a25652f4f7ca08e3f71cf44beb821340ae5764852a306d2a8f2e6d1324902d4c350bc484f599ea444abb609fa15f41d1d4fd48ff2e00c43f7af7b426c0484838319981bac5acf80336c3bacf459aed3850ef1489f913f6f682ef80af187265185ea93ef12ba51cbb5989a1e838617dbb737c8403623830d587a7b7767f79e59b8173b37ffa93a61a9553ff81cf35cbbce136ae66e19fe993faf798e41f68597e329d15508d0bedeeb1377de64fed6dddabea037957b3746ada	\N	CN=balancer.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	balancer.fleet.example	balancer.fleet.example	\\x7f54718b9233b1dc92ee55d266b4d91e	2025-12-02 10:43:48+00	2027-01-04 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x4af07e512310e057440509d20f8d1bbf006a46f0ef14ecad5e0a76c5e7d91635	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.955+00	2026-11-21 10:44:23.955+00
\\xce710f0b29ae461f4e62d26f2dd7520c9c764afe52099488d22a3187ff1c5c91	\\x3082039e30820286a00302010202104aa3e7c7512590de6f38c99cc26b2761300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303231323130343334385a170d3237303331373130343334385a303431163014060355040a0c0d466c656574204578616d706c65311a301806035504030c116572702e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38194308191301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301c0603551d110415301382116572702e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010085ce0873afe97e66b03d713b35640ff5d4831b7caa15e3f7b336504fab09e82653eb75a95e0f490a8d573c9efd94f7f951f59c282ecb57a5656c936f6b76b788ed7f1d952db263dbb49d592fa0bf6e3c521aad6227ac1070e5c8cf6058035644fac14e31113998cbde9564a06fc7267393e4b80172e7fb01ca20129e2be0c705a1ec0a3e63604f351a897c12473fc63faf5be5570b5e901a744a6cf161b8c5f52f39ba63926609cec65287399255dbe92d9f2a757864fb78dea45463c8ff875554104e597d898e552bf41fa3528f7db0247c0b98a3f62108c703b6e470fbbe6d0027c2789059e54a10d553d80c872e942c2c62a0fa633d39f5dc227140d710fd	\N	CN=erp.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	erp.fleet.example	erp.fleet.example	\\x4aa3e7c7512590de6f38c99cc26b2761	2026-02-12 10:43:48+00	2027-03-17 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x07e9ed82c5d3c826899683681d7d02e739f805b044d92224bde00f7c842cdf36	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00
\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27	\\x3082021c308201c2a00302010202107a15b851c046fbb3948cd655b68c163c300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236303832343130343334385a170d3236313132323130313334385a303931163014060355040a0c0d466c656574204578616d706c65311f301d06035504030c16636865636b6f75742e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38199308196301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130210603551d11041a30188216636865636b6f75742e666c6565742e6578616d706c65300a06082a8648ce3d0403020348003045022056fdb469cdccb59f23792c929284b4c23fe599474a7daf84826dc6289869ff8f022100d62e27250fcbe85b386422c16f2ac30609ded3a89a9553837e57129e14559813	\N	CN=checkout.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	checkout.fleet.example	checkout.fleet.example	\\x7a15b851c046fbb3948cd655b68c163c	2026-08-24 10:43:48+00	2026-11-22 10:13:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\xbf18fa11d8f704da3bb383aac0a3bdb6717a4ca45a609eb1ea390f8fa7a7c06e	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.937+00	2026-11-21 10:44:23.937+00
\\xd87ddaba05d718fc6c2749bc7307c875cbc538ebbd4ad6ae431d1d1387f59a88	\\x308202083082018da00302010202106d8548f58ce8a5b81f6d9c22b02d3f4e300a06082a8648ce3d0403023045310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c15466c656574204578616d706c6520526f6f74204341301e170d3233303830393130343334385a170d3433303830343130343334385a3045310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c65311e301c06035504030c15466c656574204578616d706c6520526f6f742043413076301006072a8648ce3d020106052b8104002203620004cdbf12215c526e872cc33d479aeb1252d364b864107e7e6ad96cd8f7b8fd44ba2d254f15e5d4c015190a75a84b56d9a8ff571c7fe4d7ab7a2e835260f7fa3c6cebbc8fd1778b358e58f6d605d90c55a21048800c3fe5059c256aadab6ae44562a3423040301d0603551d0e0416041417e889fd34abd6c8877f3b1d5497194d293e95f7300f0603551d130101ff040530030101ff300e0603551d0f0101ff040403020106300a06082a8648ce3d0403020369003066023100aa216d5d21a4298f192e1fa235d97801baf1e79f60584ace88ded3fa514edd4e90252aa6083f5b337548d462261a17440231009190bcd1a55d25b7ca1e2c4b4e6032c4b9a2bcd97e2960d4ed41f4cea84b22e382947fe1d886c29a49bb151556e0470c	\N	CN=Fleet Example Root CA,O=Fleet Example,C=XX	CN=Fleet Example Root CA,O=Fleet Example,C=XX	Fleet Example Root CA	Fleet Example Root CA	\\x6d8548f58ce8a5b81f6d9c22b02d3f4e	2023-08-09 10:43:48+00	2043-08-04 10:43:48+00	\\xc36f5e4916c9d7b60352acb093f80c8e3d75e07118ea63d45d06d438f8b1c7a3	\\x06cdfc51206d649bc523adf77c87f9f2af420872aeda8c66abbb8877006753df	EC	384	P-384	ecdsa-with-SHA256	t	t	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00
\\xe3f790f5cc71d93743f38dd7a920afb00c7aca930b532d8d2a67ce9d59873c24	\\x308203a030820288a0030201020210589113de4583628fb1be032cc028cdc6300d06092a864886f70d01010b0500304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341205231301e170d3236303432353130343334385a170d3237303532383130343334385a303531163014060355040a0c0d466c656574204578616d706c65311b301906035504030c1273686f702e666c6565742e6578616d706c6530820122300d06092a864886f70d01010105000382010f003082010a02820101009a259ce02ef8e5464e3fe44c9f0a895f0fea5d61f136b4b89bbab14775f9c47186eab8eeac3aaa4def4bf4c519155e8cd259b25d110448aaa802b8e66b3487a0d98b95998f7d79820ddf52750cac87fb494264290dd656e4295827270e98bcd857ff4b83877adb9f699fb33f35bf2ea6b03fe329f46aae0fd74f552d7373bbedc04a86eb32b5b672692484f8579e8460cd2ab8f19f6497d26f315a7e8f4a09a08b44c33aa0c5bfa08e4ce4b9f171a6f597294c578ae4daa497cace519aab6fc343f6959d338ef40888655fab12fab646cf42799cbb67c9c28cb7a23f9d5797303a7629ec3de2eb47c1e6d260fbf09305d7fb66c66accad112cf76fa103ad47490203010001a38195308192301d0603551d0e0416041418eeeed03d1f8ec44602bdae27575f070ba89de2301f0603551d230418301680147380d7c49aa09ea63db7ad1f3d9853cb1ffc0163300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301d0603551d1104163014821273686f702e666c6565742e6578616d706c65300d06092a864886f70d01010b0500038201010046052053b919d0cc240cfdbd269cbf60fbf92abb6ed4ba64f6b9daed28e4ef2bbc8696f2290ece4ec4a040fefbb419f30f186dde22d626250ace6e5f2bfcbfc4329a960e2834fc637149fa9fcdbf3b52cc0f2876c9019e572d97fd01744f319021f10dba78aac276ff41a7b8d39b6211c3a0cea271cff9be47b1af1884ea3ab4cd092cb2dbdc4fe2b000fda3db95e332b27f59355a2bfa094dc2978388be4f9bb84a8357c75354f31406b7942004aa988ac44dc6993034df1802c9fa2b2d487f52cc74e3389541487cba2ee997661600d3c2fd30a67a0947b0d34a896a2de32d03e7b97006070ad82225831537302b1220bf2ab871e882bec069249eead94037	\N	CN=shop.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA R1,O=Fleet Example,C=XX	shop.fleet.example	shop.fleet.example	\\x589113de4583628fb1be032cc028cdc6	2026-04-25 10:43:48+00	2027-05-28 10:43:48+00	\\xde0455e358c36cc4a63599555b9454aa55a31d7d5220e6166001fb105b094060	\\x7b1a00572fb1cb6318e3c93267da6dab8c33f5d68d5c2520d92abdf1fe0bb11e	RSA	2048	\N	sha256WithRSAEncryption	f	f	2026-11-21 10:44:23.91+00	2026-11-21 10:44:23.91+00
\\xe96562b37e2943234407430295b8fae1cc2663af15a1f2664ec239231974f7e9	\\x30820218308201bea00302010202107ec13ae5b08ad6895d09832b797eaf6e300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3236313230313130343334385a170d3237303330313130343334385a303731163014060355040a0c0d466c656574204578616d706c65311d301b06035504030c146c61756e63682e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38197308194301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b06010505070301301f0603551d110418301682146c61756e63682e666c6565742e6578616d706c65300a06082a8648ce3d040302034800304502210085ba382fbd50319d1a705002e9ce0a34e8a04b03eeaa16474c2b5368f7783ef302206407450c4840213489e08b41e4d45e63c3720c3032a70a6321354ffef572f91c	\N	CN=launch.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	launch.fleet.example	launch.fleet.example	\\x7ec13ae5b08ad6895d09832b797eaf6e	2026-12-01 10:43:48+00	2027-03-01 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\xeebac439e07e43c69163a82a12e1e505d152652dcbd5e6ca760169779a96c690	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00
\\x5cc47dfd3c03f6f8edb6bee41d13e08ba4ed76c6dd39804e667de3a6a051ec02	\\x3082021c308201c2a0030201020210709fab0e8c872f956147b6f39de05545300a06082a8648ce3d040302304b310b300906035504060c02585831163014060355040a0c0d466c656574204578616d706c653124302206035504030c1b466c656574204578616d706c652049737375696e67204341204531301e170d3235313230323130343334385a170d3237303130343130343334385a303931163014060355040a0c0d466c656574204578616d706c65311f301d06035504030c1662616c616e6365722e666c6565742e6578616d706c653059301306072a8648ce3d020106082a8648ce3d0301070342000470113a4d4503aec3186b1d27d50cad7a3266555306125e5f3ed3df480465de1d4a3421f751fbed01e3172d85fe1877e5564d48e6fa335bc12410d17bd4b3d174a38199308196301d0603551d0e04160414a4ea191ec5382cb16fffd1e6639ac0f4cacb7876301f0603551d23041830168014435e426a2f667a69daf3b6ebed127a6e6a915b46300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06082b0601050507030130210603551d11041a3018821662616c616e6365722e666c6565742e6578616d706c65300a06082a8648ce3d040302034800304502202f27ccb29029e18e992aa1d5a1938495cbbbd63320c1d3fab3d64151f1827a7d022100d59b4eb11aa89851e9c18e15d66d064f181beda11c18d3771d887853a7d430d4	\N	CN=balancer.fleet.example,O=Fleet Example	CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX	balancer.fleet.example	balancer.fleet.example	\\x709fab0e8c872f956147b6f39de05545	2025-12-02 10:43:48+00	2027-01-04 10:43:48+00	\\x9667d34a927f9475fbf9eeb1424305aee058b897576bec51c825f2e01b52aba5	\\x645ef121b88b4ccafbdd532dd1fa3bda769ac04a503eb814f65fe8e8759baf74	EC	256	P-256	ecdsa-with-SHA256	f	f	2026-11-21 10:44:26.954+00	2026-11-21 10:44:26.954+00
\\x20df2785c5b00754dab280c4dae1f70702f50ec8a11526cc5099e2cefacd39ee	\\x30820311308201f9a003020102021475c548cf91a2b6815e7e581646f76d6c90328b21300d06092a864886f70d01010b050030183116301406035504030c0d622e6578616d706c652e6f7267301e170d3236313132313130343333315a170d3236313230313130343333315a30183116301406035504030c0d622e6578616d706c652e6f726730820122300d06092a864886f70d01010105000382010f003082010a0282010100edf2375b90a499669d37388bdc71cb11b2bceed25a10da4716d1bf6e2abec197c7efda00b2c3eb50694640f02ede8bcc6afb7fc5c1a2b322d52da5e8f38f5e8901f4a596e44087ba53ab20683d94e94cb8ffd01bf1464b440cd8d4a21607a86e7bc5e56cf9550bff362474f75de93ba7fdde8520ae0e7837320be2c57825b78ab94225162bd0f73227ab82945e02fb143c37e75748b4af06473d5e52e320a152c6667035756b68084fb2c3c8fa1a1cf6aa3421ea36d5d05f0b52d4431a00a6807a60839ce32a2da0f68d657fd095e7edd4b8c92971347f684bd8335425b8efc0892a05adb5a5dedc655ce6d9fed6e11827b1b11453fd4da10d9f56fdec9fc10f0203010001a3533051301d0603551d0e04160414d1c8d67b9e25432343857bf88efcd908df9c2713301f0603551d23041830168014d1c8d67b9e25432343857bf88efcd908df9c2713300f0603551d130101ff040530030101ff300d06092a864886f70d01010b050003820101001a464f1fae7ea06efd0936456caab39df5f497ce4e3f1d6d8335fe7b0e3aa258f3e29d7778f6a11230c0c9450795a7d94101ce23e7bcb94995e7addbeab918113e944098c0d13f648702de8da5d6bfdb0a822e9ac3dc7dffcd1d0d638c1cdefd92283a2699df1e3e19cde6e8e9c693786881451c9dcb496ed168f67c4e4e2e91053c335c2b61694cb0d00453e035c470c0adc03e367208aefb5e45eb6ce86721f1070b374c19fbeefb13f78a9b13e3cbc688d46a9d370c135794f51b957f9b7fc850df4d2af2066145c62e42489c82de1574fd203a393264986363dda9dfa138d12897ff7bcf9400dcbf7826c807781c695b8b94026e627cbca3665554444f60	\N	CN=b.example.org	CN=b.example.org	b.example.org	b.example.org	\\x75c548cf91a2b6815e7e581646f76d6c90328b21	2026-11-21 10:43:31+00	2026-12-01 10:43:31+00	\\x6319fe569c0d7fcb97079d77ecd2a6e7fad0727306e33c13947ac70752caf9f9	\\x1a5036ca487ab79b6b2c1118494f470ae6c3c471ead05dc7b410748949d3bdab	RSA	2048	\N	sha256WithRSAEncryption	t	t	2026-11-21 10:44:29.896+00	2026-11-21 10:44:29.898+00
\\x31be1f33c527335e5fff7ba2512d17ba435b694dde1e08c1ec3289785ae8bf09	\\x308201d43082017aa00302010202142dd82ae94845a1765fbb4d21c23f4f9de1941246300a06082a8648ce3d040302302a3116301406035504030c0d612e6578616d706c652e6f72673110300e060355040a0c074bc383c2a47365301e170d3236313132313130343333315a170d3237313232363130343333315a302a3116301406035504030c0d612e6578616d706c652e6f72673110300e060355040a0c074bc383c2a473653059301306072a8648ce3d020106082a8648ce3d030107034200049405120788bb7c53db31fa5704fb336ade148921bad5724a5a16fca945c335088af908b746899213151f257e49aba9900cf0066f43bafcef81dad141a635ac83a37e307c301d0603551d0e041604145e538cbdbc654d3bac69a3524cedce7d27b79c5a301f0603551d230418301680145e538cbdbc654d3bac69a3524cedce7d27b79c5a300f0603551d130101ff040530030101ff30290603551d1104223020820d612e6578616d706c652e6f7267820f2a2e612e6578616d706c652e6f7267300a06082a8648ce3d040302034800304502210082c8f82dacbb13beef7068560d90df78c2421a907171fce6d58c215027731867022068260f2d3dc83fe07fedc9134344043ea87583b33e4936e83aed31879cf28414	\N	O=KÃ¤se,CN=a.example.org	O=KÃ¤se,CN=a.example.org	a.example.org	a.example.org	\\x2dd82ae94845a1765fbb4d21c23f4f9de1941246	2026-11-21 10:43:31+00	2027-12-26 10:43:31+00	\\x27fb0e0ce7a69deccf7126bd4f85f3436e62e9ba965a97f17c303f9648542bb9	\\xc7e47a95aab2b5ebf5dfda11fbdd821507e545da63a878dcabbc266e2ae9cb3a	EC	256	P-256	ecdsa-with-SHA256	t	t	2026-11-21 10:44:29.887+00	2026-11-21 10:44:29.896+00
\.


--
-- Data for Name: certificate_name; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.certificate_name (sha256, kind, name, reversed) FROM stdin;
\\xce710f0b29ae461f4e62d26f2dd7520c9c764afe52099488d22a3187ff1c5c91	dns	erp.fleet.example	elpmaxe.teelf.pre
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-048.cdn.fleet.example	elpmaxe.teelf.ndc.840-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-099.cdn.fleet.example	elpmaxe.teelf.ndc.990-egde
\\xc20af91b47bee3f5e26d483e5c3fc66ff097ef201e27dd4ff88a989975874817	dns	git.fleet.example	elpmaxe.teelf.tig
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-052.cdn.fleet.example	elpmaxe.teelf.ndc.250-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-026.cdn.fleet.example	elpmaxe.teelf.ndc.620-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	two\nlines.fleet.example\r\n{"v":1,"type":"run"}	}"nur":"epyt",1:"v"{\n\relpmaxe.teelf.senil\nowt
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-042.cdn.fleet.example	elpmaxe.teelf.ndc.240-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-090.cdn.fleet.example	elpmaxe.teelf.ndc.090-egde
\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb	cn	Fleet Example Issuing CA E1	1E AC gniussI elpmaxE teelF
\\x680557ad1c31bc2e9a7b13bbc7196a30866f6b442a86d1c6781872e17e90cde9	dns	badge.fleet.example	elpmaxe.teelf.egdab
\\x245828a3f853f1e461b783a210bd7aeec78c11b75a5d090c880df189b16a5448	cn	legacy.fleet.example	elpmaxe.teelf.ycagel
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-010.cdn.fleet.example	elpmaxe.teelf.ndc.010-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-044.cdn.fleet.example	elpmaxe.teelf.ndc.440-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-154.cdn.fleet.example	elpmaxe.teelf.ndc.451-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-071.cdn.fleet.example	elpmaxe.teelf.ndc.170-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-127.cdn.fleet.example	elpmaxe.teelf.ndc.721-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-049.cdn.fleet.example	elpmaxe.teelf.ndc.940-egde
\\x848465c608983c7f20e83c3033d10256b9255590d2d0458d7fe162123ba999ef	cn	hr.fleet.example	elpmaxe.teelf.rh
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-045.cdn.fleet.example	elpmaxe.teelf.ndc.540-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-020.cdn.fleet.example	elpmaxe.teelf.ndc.020-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-128.cdn.fleet.example	elpmaxe.teelf.ndc.821-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-184.cdn.fleet.example	elpmaxe.teelf.ndc.481-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-009.cdn.fleet.example	elpmaxe.teelf.ndc.900-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-125.cdn.fleet.example	elpmaxe.teelf.ndc.521-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-092.cdn.fleet.example	elpmaxe.teelf.ndc.290-egde
\\x5e58568ac0ecd42ac5daf333a3ba888b56ae02a0880a2f4e41cdb8777bb1183f	dns	www.fleet.example	elpmaxe.teelf.www
\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27	cn	checkout.fleet.example	elpmaxe.teelf.tuokcehc
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-115.cdn.fleet.example	elpmaxe.teelf.ndc.511-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	"quoted",'single',back\\slash\t.fleet.example	elpmaxe.teelf.\thsals\\kcab,'elgnis',"detouq"
\\x5e58568ac0ecd42ac5daf333a3ba888b56ae02a0880a2f4e41cdb8777bb1183f	cn	www.fleet.example	elpmaxe.teelf.www
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-087.cdn.fleet.example	elpmaxe.teelf.ndc.780-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	email	'; DROP TABLE certificate; --@fleet.example	elpmaxe.teelf@-- ;etacifitrec ELBAT PORD ;'
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-182.cdn.fleet.example	elpmaxe.teelf.ndc.281-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-088.cdn.fleet.example	elpmaxe.teelf.ndc.880-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-122.cdn.fleet.example	elpmaxe.teelf.ndc.221-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-140.cdn.fleet.example	elpmaxe.teelf.ndc.041-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-148.cdn.fleet.example	elpmaxe.teelf.ndc.841-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-064.cdn.fleet.example	elpmaxe.teelf.ndc.460-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-166.cdn.fleet.example	elpmaxe.teelf.ndc.661-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-100.cdn.fleet.example	elpmaxe.teelf.ndc.001-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-150.cdn.fleet.example	elpmaxe.teelf.ndc.051-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-012.cdn.fleet.example	elpmaxe.teelf.ndc.210-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-050.cdn.fleet.example	elpmaxe.teelf.ndc.050-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-040.cdn.fleet.example	elpmaxe.teelf.ndc.040-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	cdn.fleet.example	elpmaxe.teelf.ndc
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-124.cdn.fleet.example	elpmaxe.teelf.ndc.421-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-144.cdn.fleet.example	elpmaxe.teelf.ndc.441-egde
\\x291d9050f9747848c92a9afbcf3a51ccba61f3e930a7d669b8ba5e759f16976e	cn	api.fleet.example	elpmaxe.teelf.ipa
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-104.cdn.fleet.example	elpmaxe.teelf.ndc.401-egde
\\xce710f0b29ae461f4e62d26f2dd7520c9c764afe52099488d22a3187ff1c5c91	cn	erp.fleet.example	elpmaxe.teelf.pre
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-093.cdn.fleet.example	elpmaxe.teelf.ndc.390-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-021.cdn.fleet.example	elpmaxe.teelf.ndc.120-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-181.cdn.fleet.example	elpmaxe.teelf.ndc.181-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-160.cdn.fleet.example	elpmaxe.teelf.ndc.061-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-085.cdn.fleet.example	elpmaxe.teelf.ndc.580-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-008.cdn.fleet.example	elpmaxe.teelf.ndc.800-egde
\\xe96562b37e2943234407430295b8fae1cc2663af15a1f2664ec239231974f7e9	cn	launch.fleet.example	elpmaxe.teelf.hcnual
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-113.cdn.fleet.example	elpmaxe.teelf.ndc.311-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-157.cdn.fleet.example	elpmaxe.teelf.ndc.751-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-001.cdn.fleet.example	elpmaxe.teelf.ndc.100-egde
\\x7c650227a5973378fcf8dbbcaa42b325beb925572a67b54548243bf3d2b787f7	cn	crm.fleet.example	elpmaxe.teelf.mrc
\\x291d9050f9747848c92a9afbcf3a51ccba61f3e930a7d669b8ba5e759f16976e	dns	api.fleet.example	elpmaxe.teelf.ipa
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-191.cdn.fleet.example	elpmaxe.teelf.ndc.191-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-047.cdn.fleet.example	elpmaxe.teelf.ndc.740-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-156.cdn.fleet.example	elpmaxe.teelf.ndc.651-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-098.cdn.fleet.example	elpmaxe.teelf.ndc.890-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-039.cdn.fleet.example	elpmaxe.teelf.ndc.930-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-151.cdn.fleet.example	elpmaxe.teelf.ndc.151-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-057.cdn.fleet.example	elpmaxe.teelf.ndc.750-egde
\\x7c650227a5973378fcf8dbbcaa42b325beb925572a67b54548243bf3d2b787f7	dns	crm.fleet.example	elpmaxe.teelf.mrc
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-034.cdn.fleet.example	elpmaxe.teelf.ndc.430-egde
\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f	dns	login.fleet.example	elpmaxe.teelf.nigol
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-086.cdn.fleet.example	elpmaxe.teelf.ndc.680-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-123.cdn.fleet.example	elpmaxe.teelf.ndc.321-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	cn	[2J[31m]0;owned‮elpmaxe.teelf‬31m\b\b \n	\n \b\bm13‬fleet.example‮denwo;0]m13[J2[
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-121.cdn.fleet.example	elpmaxe.teelf.ndc.121-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	‮elpmaxe.teelf.gnp​ .fleet.example	elpmaxe.teelf. ​png.fleet.example‮
\\xb05c8d4bb1bfa7c8547fad4e7da3f439cb01085b5a2ef05ec9770ae11b56ed32	cn	camera.fleet.example	elpmaxe.teelf.aremac
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-133.cdn.fleet.example	elpmaxe.teelf.ndc.331-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-108.cdn.fleet.example	elpmaxe.teelf.ndc.801-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-198.cdn.fleet.example	elpmaxe.teelf.ndc.891-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-163.cdn.fleet.example	elpmaxe.teelf.ndc.361-egde
\\x680557ad1c31bc2e9a7b13bbc7196a30866f6b442a86d1c6781872e17e90cde9	cn	badge.fleet.example	elpmaxe.teelf.egdab
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-114.cdn.fleet.example	elpmaxe.teelf.ndc.411-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-129.cdn.fleet.example	elpmaxe.teelf.ndc.921-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-196.cdn.fleet.example	elpmaxe.teelf.ndc.691-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-019.cdn.fleet.example	elpmaxe.teelf.ndc.910-egde
\\xc15c1be751382d3ac93602dd2a89a6accaecee8fa6891f8c80a4ed6c7c8c79a8	dns	balancer.fleet.example	elpmaxe.teelf.recnalab
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-126.cdn.fleet.example	elpmaxe.teelf.ndc.621-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-178.cdn.fleet.example	elpmaxe.teelf.ndc.871-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-069.cdn.fleet.example	elpmaxe.teelf.ndc.960-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-072.cdn.fleet.example	elpmaxe.teelf.ndc.270-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-030.cdn.fleet.example	elpmaxe.teelf.ndc.030-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-175.cdn.fleet.example	elpmaxe.teelf.ndc.571-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-060.cdn.fleet.example	elpmaxe.teelf.ndc.060-egde
\\xc15c1be751382d3ac93602dd2a89a6accaecee8fa6891f8c80a4ed6c7c8c79a8	cn	balancer.fleet.example	elpmaxe.teelf.recnalab
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-159.cdn.fleet.example	elpmaxe.teelf.ndc.951-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-067.cdn.fleet.example	elpmaxe.teelf.ndc.760-egde
\\xe3f790f5cc71d93743f38dd7a920afb00c7aca930b532d8d2a67ce9d59873c24	dns	shop.fleet.example	elpmaxe.teelf.pohs
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-109.cdn.fleet.example	elpmaxe.teelf.ndc.901-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-084.cdn.fleet.example	elpmaxe.teelf.ndc.480-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-011.cdn.fleet.example	elpmaxe.teelf.ndc.110-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-161.cdn.fleet.example	elpmaxe.teelf.ndc.161-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-190.cdn.fleet.example	elpmaxe.teelf.ndc.091-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-143.cdn.fleet.example	elpmaxe.teelf.ndc.341-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-025.cdn.fleet.example	elpmaxe.teelf.ndc.520-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-002.cdn.fleet.example	elpmaxe.teelf.ndc.200-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	����.fleet.example	elpmaxe.teelf.����
\\x6b7d51b099fa6d833e3dd774c58efbf9982574eb241640e63550ae887353a9d0	cn	pay.fleet.example	elpmaxe.teelf.yap
\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27	dns	checkout.fleet.example	elpmaxe.teelf.tuokcehc
\\xe96562b37e2943234407430295b8fae1cc2663af15a1f2664ec239231974f7e9	dns	launch.fleet.example	elpmaxe.teelf.hcnual
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-176.cdn.fleet.example	elpmaxe.teelf.ndc.671-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-137.cdn.fleet.example	elpmaxe.teelf.ndc.731-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-074.cdn.fleet.example	elpmaxe.teelf.ndc.470-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-173.cdn.fleet.example	elpmaxe.teelf.ndc.371-egde
\\x4c623e86186656eedb3e2cf376997008f6b71298a1949e275d2b75e59b46c661	cn	tenant.fleet.example	elpmaxe.teelf.tnanet
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-171.cdn.fleet.example	elpmaxe.teelf.ndc.171-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-033.cdn.fleet.example	elpmaxe.teelf.ndc.330-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	hostile.fleet.example	elpmaxe.teelf.elitsoh
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	<script>alert(1)</script>.fleet.example	elpmaxe.teelf.>tpircs/<)1(trela>tpircs<
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-035.cdn.fleet.example	elpmaxe.teelf.ndc.530-egde
\\xc20af91b47bee3f5e26d483e5c3fc66ff097ef201e27dd4ff88a989975874817	cn	git.fleet.example	elpmaxe.teelf.tig
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-112.cdn.fleet.example	elpmaxe.teelf.ndc.211-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-195.cdn.fleet.example	elpmaxe.teelf.ndc.591-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-078.cdn.fleet.example	elpmaxe.teelf.ndc.870-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-120.cdn.fleet.example	elpmaxe.teelf.ndc.021-egde
\\x463e4ce74ac50a93776a5a146827c2f2f4f4ec9917f8b7ace4cb5231961cbc6d	dns	vpn.fleet.example	elpmaxe.teelf.npv
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-015.cdn.fleet.example	elpmaxe.teelf.ndc.510-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-017.cdn.fleet.example	elpmaxe.teelf.ndc.710-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-080.cdn.fleet.example	elpmaxe.teelf.ndc.080-egde
\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	cn	intranet.fleet.example	elpmaxe.teelf.tenartni
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-089.cdn.fleet.example	elpmaxe.teelf.ndc.980-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-079.cdn.fleet.example	elpmaxe.teelf.ndc.970-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-155.cdn.fleet.example	elpmaxe.teelf.ndc.551-egde
\\x1d163ec8908e3593f418acaaf5d1770d03ed6708d2c956d615936dfc43e5e25c	dns	printer.fleet.example	elpmaxe.teelf.retnirp
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-018.cdn.fleet.example	elpmaxe.teelf.ndc.810-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-194.cdn.fleet.example	elpmaxe.teelf.ndc.491-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-038.cdn.fleet.example	elpmaxe.teelf.ndc.830-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-130.cdn.fleet.example	elpmaxe.teelf.ndc.031-egde
\\x6b7d51b099fa6d833e3dd774c58efbf9982574eb241640e63550ae887353a9d0	dns	pay.fleet.example	elpmaxe.teelf.yap
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-164.cdn.fleet.example	elpmaxe.teelf.ndc.461-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-101.cdn.fleet.example	elpmaxe.teelf.ndc.101-egde
\\x17151af172d57d4d5e5565cc72d799322f0261d8ffc9af70e6977c97d6f8eaba	cn	archive.fleet.example	elpmaxe.teelf.evihcra
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-014.cdn.fleet.example	elpmaxe.teelf.ndc.410-egde
\\x4c623e86186656eedb3e2cf376997008f6b71298a1949e275d2b75e59b46c661	dns	tenant.fleet.example	elpmaxe.teelf.tnanet
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-152.cdn.fleet.example	elpmaxe.teelf.ndc.251-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-105.cdn.fleet.example	elpmaxe.teelf.ndc.501-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-199.cdn.fleet.example	elpmaxe.teelf.ndc.991-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-117.cdn.fleet.example	elpmaxe.teelf.ndc.711-egde
\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	dns	intranet.fleet.example	elpmaxe.teelf.tenartni
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-006.cdn.fleet.example	elpmaxe.teelf.ndc.600-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-016.cdn.fleet.example	elpmaxe.teelf.ndc.610-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-141.cdn.fleet.example	elpmaxe.teelf.ndc.141-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-158.cdn.fleet.example	elpmaxe.teelf.ndc.851-egde
\\x1be953aaabc0c216a2bc2261742e27fe70b08de9e5bb20efc660465072cd6e22	dns	bank.fleet.example	elpmaxe.teelf.knab
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-142.cdn.fleet.example	elpmaxe.teelf.ndc.241-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-134.cdn.fleet.example	elpmaxe.teelf.ndc.431-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-036.cdn.fleet.example	elpmaxe.teelf.ndc.630-egde
\\x860edce21a88642b1750db75b717fce71d3f5cf860fc7c8955c0047224005044	dns	*.apps.fleet.example	elpmaxe.teelf.sppa.*
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-022.cdn.fleet.example	elpmaxe.teelf.ndc.220-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-062.cdn.fleet.example	elpmaxe.teelf.ndc.260-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-177.cdn.fleet.example	elpmaxe.teelf.ndc.771-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-094.cdn.fleet.example	elpmaxe.teelf.ndc.490-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-139.cdn.fleet.example	elpmaxe.teelf.ndc.931-egde
\\xac6cae7a3f73d0b2c914d53174895e8d03748583607ac22b87744cfbdda10cd8	dns	mail.fleet.example	elpmaxe.teelf.liam
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-188.cdn.fleet.example	elpmaxe.teelf.ndc.881-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-058.cdn.fleet.example	elpmaxe.teelf.ndc.850-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-004.cdn.fleet.example	elpmaxe.teelf.ndc.400-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-066.cdn.fleet.example	elpmaxe.teelf.ndc.660-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-065.cdn.fleet.example	elpmaxe.teelf.ndc.560-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-179.cdn.fleet.example	elpmaxe.teelf.ndc.971-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-056.cdn.fleet.example	elpmaxe.teelf.ndc.650-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-054.cdn.fleet.example	elpmaxe.teelf.ndc.450-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-193.cdn.fleet.example	elpmaxe.teelf.ndc.391-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-162.cdn.fleet.example	elpmaxe.teelf.ndc.261-egde
\\x17151af172d57d4d5e5565cc72d799322f0261d8ffc9af70e6977c97d6f8eaba	dns	archive.fleet.example	elpmaxe.teelf.evihcra
\\x245828a3f853f1e461b783a210bd7aeec78c11b75a5d090c880df189b16a5448	dns	legacy.fleet.example	elpmaxe.teelf.ycagel
\\x1be953aaabc0c216a2bc2261742e27fe70b08de9e5bb20efc660465072cd6e22	cn	bank.fleet.example	elpmaxe.teelf.knab
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-051.cdn.fleet.example	elpmaxe.teelf.ndc.150-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-118.cdn.fleet.example	elpmaxe.teelf.ndc.811-egde
\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439	cn	wiki.fleet.example	elpmaxe.teelf.ikiw
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-149.cdn.fleet.example	elpmaxe.teelf.ndc.941-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-053.cdn.fleet.example	elpmaxe.teelf.ndc.350-egde
\\x860edce21a88642b1750db75b717fce71d3f5cf860fc7c8955c0047224005044	cn	apps.fleet.example	elpmaxe.teelf.sppa
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-107.cdn.fleet.example	elpmaxe.teelf.ndc.701-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-075.cdn.fleet.example	elpmaxe.teelf.ndc.570-egde
\\x18cd107c5f81c711ca92f0bb8911f1b2ada657c964bde0dc716f119b7aaa0a97	dns	terminal.fleet.example	elpmaxe.teelf.lanimret
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-168.cdn.fleet.example	elpmaxe.teelf.ndc.861-egde
\\xaff218ffa60f17eb146b3e6d4b0cd6aa271efdfc457940bf9d97076de5025ec0	ip	127.80.0.23	32.0.08.721
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-146.cdn.fleet.example	elpmaxe.teelf.ndc.641-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-063.cdn.fleet.example	elpmaxe.teelf.ndc.360-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-007.cdn.fleet.example	elpmaxe.teelf.ndc.700-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-170.cdn.fleet.example	elpmaxe.teelf.ndc.071-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-055.cdn.fleet.example	elpmaxe.teelf.ndc.550-egde
\\xd87ddaba05d718fc6c2749bc7307c875cbc538ebbd4ad6ae431d1d1387f59a88	cn	Fleet Example Root CA	AC tooR elpmaxE teelF
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-068.cdn.fleet.example	elpmaxe.teelf.ndc.860-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-070.cdn.fleet.example	elpmaxe.teelf.ndc.070-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-023.cdn.fleet.example	elpmaxe.teelf.ndc.320-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-145.cdn.fleet.example	elpmaxe.teelf.ndc.541-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-185.cdn.fleet.example	elpmaxe.teelf.ndc.581-egde
\\x463e4ce74ac50a93776a5a146827c2f2f4f4ec9917f8b7ace4cb5231961cbc6d	cn	vpn.fleet.example	elpmaxe.teelf.npv
\\xb14629053096a6463f4fe74e0b275be773ed386f31cd9cced3e2c616a405c324	cn	partner.fleet.example	elpmaxe.teelf.rentrap
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-106.cdn.fleet.example	elpmaxe.teelf.ndc.601-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-032.cdn.fleet.example	elpmaxe.teelf.ndc.230-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-082.cdn.fleet.example	elpmaxe.teelf.ndc.280-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-028.cdn.fleet.example	elpmaxe.teelf.ndc.820-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-180.cdn.fleet.example	elpmaxe.teelf.ndc.081-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-102.cdn.fleet.example	elpmaxe.teelf.ndc.201-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-110.cdn.fleet.example	elpmaxe.teelf.ndc.011-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-097.cdn.fleet.example	elpmaxe.teelf.ndc.790-egde
\\x860edce21a88642b1750db75b717fce71d3f5cf860fc7c8955c0047224005044	dns	apps.fleet.example	elpmaxe.teelf.sppa
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-027.cdn.fleet.example	elpmaxe.teelf.ndc.720-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-111.cdn.fleet.example	elpmaxe.teelf.ndc.111-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-083.cdn.fleet.example	elpmaxe.teelf.ndc.380-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-183.cdn.fleet.example	elpmaxe.teelf.ndc.381-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-172.cdn.fleet.example	elpmaxe.teelf.ndc.271-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	uri	javascript:alert(document.domain)//fleet.example	elpmaxe.teelf//)niamod.tnemucod(trela:tpircsavaj
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-147.cdn.fleet.example	elpmaxe.teelf.ndc.741-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-169.cdn.fleet.example	elpmaxe.teelf.ndc.961-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	cn	cdn.fleet.example	elpmaxe.teelf.ndc
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-095.cdn.fleet.example	elpmaxe.teelf.ndc.590-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	=cmd().fleet.example	elpmaxe.teelf.)(dmc=
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-131.cdn.fleet.example	elpmaxe.teelf.ndc.131-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-103.cdn.fleet.example	elpmaxe.teelf.ndc.301-egde
\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439	dns	wiki.fleet.example	elpmaxe.teelf.ikiw
\\xac6cae7a3f73d0b2c914d53174895e8d03748583607ac22b87744cfbdda10cd8	cn	mail.fleet.example	elpmaxe.teelf.liam
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-031.cdn.fleet.example	elpmaxe.teelf.ndc.130-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-081.cdn.fleet.example	elpmaxe.teelf.ndc.180-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-096.cdn.fleet.example	elpmaxe.teelf.ndc.690-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-059.cdn.fleet.example	elpmaxe.teelf.ndc.950-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-091.cdn.fleet.example	elpmaxe.teelf.ndc.190-egde
\\x18cd107c5f81c711ca92f0bb8911f1b2ada657c964bde0dc716f119b7aaa0a97	cn	terminal.fleet.example	elpmaxe.teelf.lanimret
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-029.cdn.fleet.example	elpmaxe.teelf.ndc.920-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-073.cdn.fleet.example	elpmaxe.teelf.ndc.370-egde
\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f	cn	login.fleet.example	elpmaxe.teelf.nigol
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-136.cdn.fleet.example	elpmaxe.teelf.ndc.631-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-061.cdn.fleet.example	elpmaxe.teelf.ndc.160-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-119.cdn.fleet.example	elpmaxe.teelf.ndc.911-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-186.cdn.fleet.example	elpmaxe.teelf.ndc.681-egde
\\x1d163ec8908e3593f418acaaf5d1770d03ed6708d2c956d615936dfc43e5e25c	cn	printer.fleet.example	elpmaxe.teelf.retnirp
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-187.cdn.fleet.example	elpmaxe.teelf.ndc.781-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-197.cdn.fleet.example	elpmaxe.teelf.ndc.791-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-138.cdn.fleet.example	elpmaxe.teelf.ndc.831-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-174.cdn.fleet.example	elpmaxe.teelf.ndc.471-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-116.cdn.fleet.example	elpmaxe.teelf.ndc.611-egde
\\x848465c608983c7f20e83c3033d10256b9255590d2d0458d7fe162123ba999ef	dns	hr.fleet.example	elpmaxe.teelf.rh
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-165.cdn.fleet.example	elpmaxe.teelf.ndc.561-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-153.cdn.fleet.example	elpmaxe.teelf.ndc.351-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-046.cdn.fleet.example	elpmaxe.teelf.ndc.640-egde
\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a	cn	Fleet Example Issuing CA R1	1R AC gniussI elpmaxE teelF
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-135.cdn.fleet.example	elpmaxe.teelf.ndc.531-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-037.cdn.fleet.example	elpmaxe.teelf.ndc.730-egde
\\xe3f790f5cc71d93743f38dd7a920afb00c7aca930b532d8d2a67ce9d59873c24	cn	shop.fleet.example	elpmaxe.teelf.pohs
\\xb14629053096a6463f4fe74e0b275be773ed386f31cd9cced3e2c616a405c324	dns	partner.fleet.example	elpmaxe.teelf.rentrap
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-076.cdn.fleet.example	elpmaxe.teelf.ndc.670-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-192.cdn.fleet.example	elpmaxe.teelf.ndc.291-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-013.cdn.fleet.example	elpmaxe.teelf.ndc.310-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	www.fleet.example�.evil.example	elpmaxe.live.�elpmaxe.teelf.www
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-077.cdn.fleet.example	elpmaxe.teelf.ndc.770-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-024.cdn.fleet.example	elpmaxe.teelf.ndc.420-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-167.cdn.fleet.example	elpmaxe.teelf.ndc.761-egde
\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	dns	[1;31mred[0m.fleet.example	elpmaxe.teelf.m0[derm13;1[
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-132.cdn.fleet.example	elpmaxe.teelf.ndc.231-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-043.cdn.fleet.example	elpmaxe.teelf.ndc.340-egde
\\xaff218ffa60f17eb146b3e6d4b0cd6aa271efdfc457940bf9d97076de5025ec0	cn	127.80.0.23	32.0.08.721
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-005.cdn.fleet.example	elpmaxe.teelf.ndc.500-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-041.cdn.fleet.example	elpmaxe.teelf.ndc.140-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-003.cdn.fleet.example	elpmaxe.teelf.ndc.300-egde
\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	dns	edge-189.cdn.fleet.example	elpmaxe.teelf.ndc.981-egde
\\x5cc47dfd3c03f6f8edb6bee41d13e08ba4ed76c6dd39804e667de3a6a051ec02	cn	balancer.fleet.example	elpmaxe.teelf.recnalab
\\x5cc47dfd3c03f6f8edb6bee41d13e08ba4ed76c6dd39804e667de3a6a051ec02	dns	balancer.fleet.example	elpmaxe.teelf.recnalab
\\x31be1f33c527335e5fff7ba2512d17ba435b694dde1e08c1ec3289785ae8bf09	cn	a.example.org	gro.elpmaxe.a
\\x31be1f33c527335e5fff7ba2512d17ba435b694dde1e08c1ec3289785ae8bf09	dns	a.example.org	gro.elpmaxe.a
\\x31be1f33c527335e5fff7ba2512d17ba435b694dde1e08c1ec3289785ae8bf09	dns	*.a.example.org	gro.elpmaxe.a.*
\\x20df2785c5b00754dab280c4dae1f70702f50ec8a11526cc5099e2cefacd39ee	cn	b.example.org	gro.elpmaxe.b
\.


--
-- Data for Name: chain; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.chain (chain_id, fingerprints, leaf_sha256, earliest_not_after) FROM stdin;
03969b92-4c93-3cc9-ebde-9546df1a91b7	{"\\\\x4c623e86186656eedb3e2cf376997008f6b71298a1949e275d2b75e59b46c661","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x4c623e86186656eedb3e2cf376997008f6b71298a1949e275d2b75e59b46c661	2027-07-07 10:43:48+00
0d541f49-68e5-a6af-5962-a05a9aa42cd1	{"\\\\x1d163ec8908e3593f418acaaf5d1770d03ed6708d2c956d615936dfc43e5e25c"}	\\x1d163ec8908e3593f418acaaf5d1770d03ed6708d2c956d615936dfc43e5e25c	2027-01-02 10:43:48+00
0ead795a-18c0-04e6-ae94-fadc3a2b899a	{"\\\\x1be953aaabc0c216a2bc2261742e27fe70b08de9e5bb20efc660465072cd6e22","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x1be953aaabc0c216a2bc2261742e27fe70b08de9e5bb20efc660465072cd6e22	2027-05-31 10:43:48+00
1754c012-1b63-06bc-9777-158e668e54e3	{"\\\\xc20af91b47bee3f5e26d483e5c3fc66ff097ef201e27dd4ff88a989975874817","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\xc20af91b47bee3f5e26d483e5c3fc66ff097ef201e27dd4ff88a989975874817	2027-02-07 10:43:48+00
17ba55c4-2eee-a34a-c318-d65194e185e8	{"\\\\x5e58568ac0ecd42ac5daf333a3ba888b56ae02a0880a2f4e41cdb8777bb1183f","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\x5e58568ac0ecd42ac5daf333a3ba888b56ae02a0880a2f4e41cdb8777bb1183f	2027-03-15 10:43:48+00
17d903e5-8dd7-14dc-5e56-837450ada976	{"\\\\x6b7d51b099fa6d833e3dd774c58efbf9982574eb241640e63550ae887353a9d0","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x6b7d51b099fa6d833e3dd774c58efbf9982574eb241640e63550ae887353a9d0	2027-08-10 10:43:48+00
190713eb-d740-752f-0975-914171f0bd7a	{"\\\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x3d7ae719f2f7e79316477b1d95be5f8e5903bb768b0717cc2ad1fa64eb31d355	2026-11-09 10:43:48+00
1b86b121-0005-69a7-3123-8c3ea0f9574a	{"\\\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\xcd77f5ce3673e545417ca2652c67fb1ee707fe18f8c4b090dba9e2ba74d61d8f	2026-11-26 11:13:48+00
20771ede-4a68-bd80-139c-63a23e3e07f4	{"\\\\xb14629053096a6463f4fe74e0b275be773ed386f31cd9cced3e2c616a405c324","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\xb14629053096a6463f4fe74e0b275be773ed386f31cd9cced3e2c616a405c324	2027-04-24 10:43:48+00
22a8e9f9-e17c-38aa-419e-3eb0786af0d8	{"\\\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x9dc47c4c807da79e4158a737ae92db407cd1819d15fefe356fa6fce18c915695	2027-01-03 10:43:48+00
22b0585b-8873-cdc4-99b7-aa2316750d96	{"\\\\xe96562b37e2943234407430295b8fae1cc2663af15a1f2664ec239231974f7e9","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\xe96562b37e2943234407430295b8fae1cc2663af15a1f2664ec239231974f7e9	2027-03-01 10:43:48+00
2994dbe4-7da8-f960-b866-db1add9455cc	{"\\\\xc15c1be751382d3ac93602dd2a89a6accaecee8fa6891f8c80a4ed6c7c8c79a8","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\xc15c1be751382d3ac93602dd2a89a6accaecee8fa6891f8c80a4ed6c7c8c79a8	2027-01-04 10:43:48+00
329e4dbb-efb4-af62-af29-fb90b0a154d9	{"\\\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\xd6e16cb11a7b39094c90ba3bf9a40da46170531982764b685565ac72bf70cf27	2026-11-22 10:13:48+00
4b2d6f01-54c4-56dd-a41e-f141e41f5c57	{"\\\\xce710f0b29ae461f4e62d26f2dd7520c9c764afe52099488d22a3187ff1c5c91","\\\\xd87ddaba05d718fc6c2749bc7307c875cbc538ebbd4ad6ae431d1d1387f59a88","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\xce710f0b29ae461f4e62d26f2dd7520c9c764afe52099488d22a3187ff1c5c91	2027-03-17 10:43:48+00
4b451ae3-073d-84e7-e145-33506400ae18	{"\\\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x2c9e527369ebba0a1566750a1a0125d8e019284b32fab0572e04ac976edad5c0	2027-02-10 10:43:48+00
4ed7c64f-d4c5-77a6-0f93-2181bc9379d8	{"\\\\x860edce21a88642b1750db75b717fce71d3f5cf860fc7c8955c0047224005044","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x860edce21a88642b1750db75b717fce71d3f5cf860fc7c8955c0047224005044	2027-08-12 10:43:48+00
50537fa9-9744-eb2d-6efd-1c7fef822ff9	{"\\\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\x615c62b850a5513e1624ec4bdf3a03945833852bccc49f0b6253c0a9272fa439	2026-12-11 11:13:48+00
62f43ac7-7daa-4ba9-11af-4655882e0539	{"\\\\x463e4ce74ac50a93776a5a146827c2f2f4f4ec9917f8b7ace4cb5231961cbc6d","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x463e4ce74ac50a93776a5a146827c2f2f4f4ec9917f8b7ace4cb5231961cbc6d	2027-01-01 10:43:48+00
66182f67-62ef-e33c-f8eb-da7e837e958c	{"\\\\x245828a3f853f1e461b783a210bd7aeec78c11b75a5d090c880df189b16a5448","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\x245828a3f853f1e461b783a210bd7aeec78c11b75a5d090c880df189b16a5448	2026-12-31 10:43:48+00
722cb04b-15b9-7729-7f25-5cc8682c84bf	{"\\\\xaff218ffa60f17eb146b3e6d4b0cd6aa271efdfc457940bf9d97076de5025ec0","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\xaff218ffa60f17eb146b3e6d4b0cd6aa271efdfc457940bf9d97076de5025ec0	2027-02-09 10:43:48+00
782c3b60-edda-10b7-db58-f45a6df1e463	{"\\\\xe3f790f5cc71d93743f38dd7a920afb00c7aca930b532d8d2a67ce9d59873c24","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\xe3f790f5cc71d93743f38dd7a920afb00c7aca930b532d8d2a67ce9d59873c24	2027-05-28 10:43:48+00
7ddd0c2a-6d54-ba54-dc43-43059460b89f	{"\\\\x7c650227a5973378fcf8dbbcaa42b325beb925572a67b54548243bf3d2b787f7"}	\\x7c650227a5973378fcf8dbbcaa42b325beb925572a67b54548243bf3d2b787f7	2027-02-08 10:43:48+00
8d3b5bcf-a367-e49f-0072-f3d9f427b468	{"\\\\x291d9050f9747848c92a9afbcf3a51ccba61f3e930a7d669b8ba5e759f16976e","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x291d9050f9747848c92a9afbcf3a51ccba61f3e930a7d669b8ba5e759f16976e	2027-04-21 10:43:48+00
b7cec0f9-f367-2712-bc02-75f16fad5725	{"\\\\xac6cae7a3f73d0b2c914d53174895e8d03748583607ac22b87744cfbdda10cd8","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\xac6cae7a3f73d0b2c914d53174895e8d03748583607ac22b87744cfbdda10cd8	2027-07-04 10:43:48+00
d36b76af-ce8d-f745-9168-b00e5dba12ec	{"\\\\x17151af172d57d4d5e5565cc72d799322f0261d8ffc9af70e6977c97d6f8eaba","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\x17151af172d57d4d5e5565cc72d799322f0261d8ffc9af70e6977c97d6f8eaba	2027-05-30 10:43:48+00
dd6c754a-2f34-b92b-9b5a-5bcaa3c64a0d	{"\\\\x680557ad1c31bc2e9a7b13bbc7196a30866f6b442a86d1c6781872e17e90cde9","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\x680557ad1c31bc2e9a7b13bbc7196a30866f6b442a86d1c6781872e17e90cde9	2027-07-06 10:43:48+00
dff522d0-0c7c-a405-f35f-4b3f2965d425	{"\\\\x18cd107c5f81c711ca92f0bb8911f1b2ada657c964bde0dc716f119b7aaa0a97","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\x18cd107c5f81c711ca92f0bb8911f1b2ada657c964bde0dc716f119b7aaa0a97	2027-02-06 10:43:48+00
e35f0b1c-9332-cf74-8186-5fe0788c565a	{"\\\\x848465c608983c7f20e83c3033d10256b9255590d2d0458d7fe162123ba999ef","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb","\\\\xd87ddaba05d718fc6c2749bc7307c875cbc538ebbd4ad6ae431d1d1387f59a88"}	\\x848465c608983c7f20e83c3033d10256b9255590d2d0458d7fe162123ba999ef	2027-04-23 10:43:48+00
ee928cde-2f40-2506-61bd-5441afe10eb6	{"\\\\xb05c8d4bb1bfa7c8547fad4e7da3f439cb01085b5a2ef05ec9770ae11b56ed32","\\\\x450aa609804d16d86e3a6a2946a6c312e7bd83d4937b7cb2694acd7bdbf4d77a"}	\\xb05c8d4bb1bfa7c8547fad4e7da3f439cb01085b5a2ef05ec9770ae11b56ed32	2027-03-18 10:43:48+00
6b29232d-42f1-a260-85d5-25ea6785f109	{"\\\\x5cc47dfd3c03f6f8edb6bee41d13e08ba4ed76c6dd39804e667de3a6a051ec02","\\\\x822e087002a6b30175185bf683e5c9b18d5f7f2108289d9878643590cb9df7eb"}	\\x5cc47dfd3c03f6f8edb6bee41d13e08ba4ed76c6dd39804e667de3a6a051ec02	2027-01-04 10:43:48+00
bd67f1c4-4c59-fe2e-6647-8b3892ea03ee	{"\\\\x31be1f33c527335e5fff7ba2512d17ba435b694dde1e08c1ec3289785ae8bf09"}	\\x31be1f33c527335e5fff7ba2512d17ba435b694dde1e08c1ec3289785ae8bf09	2027-12-26 10:43:31+00
c2409cec-1dd1-aa30-cc3f-ce2c0f12432d	{"\\\\x20df2785c5b00754dab280c4dae1f70702f50ec8a11526cc5099e2cefacd39ee"}	\\x20df2785c5b00754dab280c4dae1f70702f50ec8a11526cc5099e2cefacd39ee	2026-12-01 10:43:31+00
\.


--
-- Data for Name: chain_verdict; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.chain_verdict (chain_id, trust_store, verdict, depth, path, verified_at) FROM stdin;
03969b92-4c93-3cc9-ebde-9546df1a91b7	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
0d541f49-68e5-a6af-5962-a05a9aa42cd1	system	depth_zero_self_signed_cert	0	\N	2026-11-21 10:44:52.652889+00
0ead795a-18c0-04e6-ae94-fadc3a2b899a	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
1754c012-1b63-06bc-9777-158e668e54e3	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
17ba55c4-2eee-a34a-c318-d65194e185e8	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
17d903e5-8dd7-14dc-5e56-837450ada976	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
190713eb-d740-752f-0975-914171f0bd7a	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
1b86b121-0005-69a7-3123-8c3ea0f9574a	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
20771ede-4a68-bd80-139c-63a23e3e07f4	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
22a8e9f9-e17c-38aa-419e-3eb0786af0d8	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
22b0585b-8873-cdc4-99b7-aa2316750d96	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
2994dbe4-7da8-f960-b866-db1add9455cc	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
329e4dbb-efb4-af62-af29-fb90b0a154d9	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
4b2d6f01-54c4-56dd-a41e-f141e41f5c57	system	self_signed_cert_in_chain	2	\N	2026-11-21 10:44:52.652889+00
4b451ae3-073d-84e7-e145-33506400ae18	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
4ed7c64f-d4c5-77a6-0f93-2181bc9379d8	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
50537fa9-9744-eb2d-6efd-1c7fef822ff9	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
62f43ac7-7daa-4ba9-11af-4655882e0539	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
66182f67-62ef-e33c-f8eb-da7e837e958c	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
6b29232d-42f1-a260-85d5-25ea6785f109	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
722cb04b-15b9-7729-7f25-5cc8682c84bf	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
782c3b60-edda-10b7-db58-f45a6df1e463	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
7ddd0c2a-6d54-ba54-dc43-43059460b89f	system	unable_to_get_issuer_cert_locally	0	\N	2026-11-21 10:44:52.652889+00
8d3b5bcf-a367-e49f-0072-f3d9f427b468	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
b7cec0f9-f367-2712-bc02-75f16fad5725	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
bd67f1c4-4c59-fe2e-6647-8b3892ea03ee	system	depth_zero_self_signed_cert	0	\N	2026-11-21 10:44:52.652889+00
c2409cec-1dd1-aa30-cc3f-ce2c0f12432d	system	depth_zero_self_signed_cert	0	\N	2026-11-21 10:44:52.652889+00
d36b76af-ce8d-f745-9168-b00e5dba12ec	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
dd6c754a-2f34-b92b-9b5a-5bcaa3c64a0d	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
dff522d0-0c7c-a405-f35f-4b3f2965d425	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
e35f0b1c-9332-cf74-8186-5fe0788c565a	system	self_signed_cert_in_chain	2	\N	2026-11-21 10:44:52.652889+00
ee928cde-2f40-2506-61bd-5441afe10eb6	system	unable_to_get_issuer_cert_locally	1	\N	2026-11-21 10:44:52.652889+00
\.


--
-- Data for Name: delivery; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.delivery (delivery_id, sha256, owner, kind, event, threshold, channel, destination, message_id, body, state, attempts, next_try, created_at, sent_at, last_error) FROM stdin;
\.


--
-- Data for Name: key_file; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.key_file (location_id, kind, encrypted, spki_sha256, key_alg, key_bits, first_seen, last_seen) FROM stdin;
1aba5795-5aab-3c69-aae3-0903f2b6cbe2	pkcs8	f	\\x27fb0e0ce7a69deccf7126bd4f85f3436e62e9ba965a97f17c303f9648542bb9	EC	256	2026-11-21 10:44:29.896+00	2026-11-21 10:44:29.896+00
837090d1-32d8-3c34-36f2-e5bb461d8750	pkcs8	f	\\x6319fe569c0d7fcb97079d77ecd2a6e7fad0727306e33c13947ac70752caf9f9	RSA	2048	2026-11-21 10:44:29.896+00	2026-11-21 10:44:29.896+00
8ef113a9-f1fb-8d2f-5664-140926490d3f	pkcs8	t	\N	\N	\N	2026-11-21 10:44:29.898+00	2026-11-21 10:44:29.898+00
\.


--
-- Data for Name: location; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.location (location_id, kind, realm, transport, ip, port, name, host, path, inner_path, entry, first_seen) FROM stdin;
0695f970-53b1-0c56-24e4-899a64c74320	endpoint	host:s1.example.org	tcp	127.80.0.31	39357	mx.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.908+00
143e16db-b9a2-d001-103f-d638fd05a2aa	endpoint	host:s1.example.org	tcp	127.80.0.5	39357	shop.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.91+00
1559b1b3-2780-5105-3983-a2592abd2cb8	endpoint	host:s1.example.org	tcp	127.80.0.29	39357	balancer.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.955+00
1787a824-5265-ad1b-3613-38814b90fdcb	endpoint	host:s1.example.org	tcp	127.80.0.22	39357	cdn.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.953+00
1983f8d1-0d0c-63e9-dcda-843400526f65	endpoint	host:s1.example.org	tcp	127.80.0.26	39357	bank.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.954+00
2324204a-15f8-4adb-d151-cf014972c710	endpoint	host:s1.example.org	tcp	127.80.0.10	39357	intranet.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.937+00
277534cb-2816-cf40-b6d2-b05add32db58	endpoint	host:s1.example.org	tcp	127.80.0.24	39357	camera.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.954+00
2a77f6d6-9bea-d558-a373-34797f73ed35	endpoint	host:s1.example.org	tcp	127.80.0.18	39357	hr.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.939+00
32af6550-b694-5847-9d02-d19e7b0b1a02	endpoint	host:s1.example.org	tcp	127.80.0.36	39357	scada.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:26.863+00
38b7c218-41f2-0d5c-fbfd-d0ae4360cb4c	endpoint	host:s1.example.org	tcp	127.80.0.17	39357	erp.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.939+00
39a697eb-0d2f-9c22-245e-fb347abe379d	endpoint	host:s1.example.org	tcp	127.80.0.43	39357	standby.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.908+00
3aff45e6-acb4-e735-5e01-46ee33fba9d2	endpoint	host:s1.example.org	tcp	127.80.0.14	39357	launch.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.938+00
3d9ac35b-9dd3-a90d-988a-8dc9cbc58b8f	endpoint	host:s1.example.org	tcp	127.80.0.30	39357	hostile.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
50618084-15ad-e0ce-b9d0-6603ae77fe3d	endpoint	host:s1.example.org	tcp	127.80.0.32	39357	imap.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.908+00
51a3c3de-8e86-5a95-9e80-418ac940cc45	endpoint	host:s1.example.org	tcp	127.80.0.9	39357	git.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.937+00
557f323e-6143-5c39-fdc5-ea21531ba667	endpoint	host:s1.example.org	tcp	127.80.0.15	39357	printer.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.938+00
5b82a78b-d112-48a1-f7e0-0ad46193c70a	endpoint	host:s1.example.org	tcp	127.80.0.13	39357	wiki.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.938+00
611c6ec3-8b8a-18a3-bc2f-bfdbb174dce0	endpoint	host:s1.example.org	tcp	127.80.0.23	39357	-	\N	\N	\N	\N	2026-11-21 10:44:23.953+00
63d2e9fe-dac0-45ce-6529-21522559957b	endpoint	host:s1.example.org	tcp	127.80.0.44	39357	mainframe.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
7ce6121a-4b52-c16a-30a9-84efda23167b	endpoint	host:s1.example.org	tcp	127.80.0.3	39357	www.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.909+00
866c9fba-4437-ec94-9b3d-0a0ffb84ba9a	endpoint	host:s1.example.org	tcp	127.80.0.12	39357	login.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.938+00
94be3118-518b-828b-9f2a-074e162e3fc7	endpoint	host:s1.example.org	tcp	127.80.0.250	9		\N	\N	\N	\N	2026-11-21 10:44:23.875+00
9adf8c38-ffbb-03cc-4133-349e77b6d62d	endpoint	host:s1.example.org	tcp	127.80.0.34	39357	ldap.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
9be6de62-9dd3-8729-2de4-038f7e50103c	endpoint	host:s1.example.org	tcp	127.80.0.16	39357	crm.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.939+00
ab491dcd-77d4-ed14-6507-a1b7e51ea811	endpoint	host:s1.example.org	tcp	127.80.0.27	39357	tenant.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.955+00
ac3d65db-e8ea-9dcf-b95d-85fa23e85885	endpoint	host:s1.example.org	tcp	127.80.0.21	39357	apps.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.953+00
b12cfdda-94ea-353b-4a3c-f35a232cac32	endpoint	host:s1.example.org	tcp	127.80.0.37	39357	modem.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:26.863+00
b2136110-87be-7e0f-68bb-55ebe4f3141d	endpoint	host:s1.example.org	tcp	127.80.0.8	39357	vpn.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.936+00
b3fc66c5-7ca6-ecc6-d45e-f636172987a5	endpoint	host:s1.example.org	tcp	127.80.0.2	39357	terminal.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.909+00
b413e742-9a94-ef00-0fc1-4c384a2d0d83	endpoint	host:s1.example.org	tcp	127.80.0.7	39357	pay.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.91+00
b68737ad-d0b0-90b4-43e1-5e967578c3eb	endpoint	host:s1.example.org	tcp	127.80.0.33	39357	pop.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.908+00
b6cd3380-6f49-f582-8786-8a2428c92410	endpoint	host:s1.example.org	tcp	127.80.0.25	39357	partner.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.954+00
bbdec7b6-8f31-b33a-192a-50950c011b39	endpoint	host:s1.example.org	tcp	127.80.0.42	39357	firewall.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
bfa3e159-8159-6304-095f-818842c20fb7	endpoint	host:s1.example.org	tcp	127.80.0.41	39357	lab.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
c51552cf-bb02-0693-64a9-1ffce7e49803	endpoint	host:s1.example.org	tcp	127.80.0.11	39357	checkout.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.937+00
c66af131-ac99-6154-6043-0154e7fb6e40	endpoint	host:s1.example.org	tcp	127.80.0.38	39357	old.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.875+00
cb103cff-252e-33d5-7a9d-4536b8db88d7	endpoint	host:s1.example.org	tcp	127.80.0.6	39357	mail.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.91+00
cc4ac682-7ffd-1707-2d20-b269e49b1686	endpoint	host:s1.example.org	tcp	127.80.0.40	39357	bastion.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.908+00
ccd9a1a5-5795-cd3b-dc03-7cedcd44067b	endpoint	host:s1.example.org	tcp	127.80.0.35	39357	db.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
e30a01b1-c102-c954-4859-0e2d38937e41	endpoint	host:s1.example.org	tcp	127.80.0.39	39357	proxy.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.972+00
e5201094-6641-e82a-bf47-4d88e62e179e	endpoint	host:s1.example.org	tcp	127.80.0.20	39357	badge.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.952+00
eb906424-6189-8d56-1131-bb707a800adf	endpoint	host:s1.example.org	tcp	127.80.0.28	39357	-	\N	\N	\N	\N	2026-11-21 10:44:23.955+00
ed76d042-6fed-9c89-3b0d-162b5d714bfd	endpoint	host:s1.example.org	tcp	127.80.0.19	39357	archive.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.952+00
f8073f50-7a88-5aa1-bb4d-2d09f7b3bad3	endpoint	host:s1.example.org	tcp	127.80.0.4	39357	api.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.909+00
ff5d3cdf-5130-4e49-5bf8-08a46c5316fb	endpoint	host:s1.example.org	tcp	127.80.0.1	39357	legacy.fleet.example	\N	\N	\N	\N	2026-11-21 10:44:23.908+00
1aba5795-5aab-3c69-aae3-0903f2b6cbe2	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/a.key		key-1	2026-11-21 10:44:29.896+00
2b2c568f-ebe0-3814-fb4b-9c54df19f94b	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/c.der		1	2026-11-21 10:44:29.896+00
352e2d7d-d240-c33a-f3d5-ba7420b101d1	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/b.pem		1	2026-11-21 10:44:29.896+00
6c46127c-6e24-5b67-123e-da233033b54f	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/b.p12			2026-11-21 10:44:29.898+00
837090d1-32d8-3c34-36f2-e5bb461d8750	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/b.key		key-1	2026-11-21 10:44:29.896+00
8ef113a9-f1fb-8d2f-5664-140926490d3f	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/b.p12		b	2026-11-21 10:44:29.898+00
ad89a682-2d21-3836-b16a-ca6ea3b60104	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/cut.pem		1	2026-11-21 10:44:29.896+00
ecac8a47-bed7-7a31-09e8-7e09f8c1ee05	file	default	\N	\N	\N	\N	s1.example.org	/srv/files/a.pem		1	2026-11-21 10:44:29.887+00
\.


--
-- Data for Name: location_state; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.location_state (location_id, chains, steady_role, earliest_not_after, owner, source, scanner, last_run, last_result, last_detail, last_ok, last_failure, starttls, tls, file_meta) FROM stdin;
0695f970-53b1-0c56-24e4-899a64c74320	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:not_tls	SMTP: 220 mx.fleet.example ESMTP Fleet%0d%0a	\N	2026-11-21 10:44:23.908+00	\N	\N	\N
143e16db-b9a2-d001-103f-d638fd05a2aa	{782c3b60-edda-10b7-db58-f45a6df1e463}	server	2027-05-28 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.91+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
1787a824-5265-ad1b-3613-38814b90fdcb	{22a8e9f9-e17c-38aa-419e-3eb0786af0d8}	server	2027-01-03 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.953+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
1983f8d1-0d0c-63e9-dcda-843400526f65	{0ead795a-18c0-04e6-ae94-fadc3a2b899a}	server	2027-05-31 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.954+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_ca": ["CN=Fleet Example Root CA,O=Fleet Example,C=XX", "CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX"], "client_auth": true}	\N
2324204a-15f8-4adb-d151-cf014972c710	{190713eb-d740-752f-0975-914171f0bd7a}	server	2026-11-09 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.937+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
277534cb-2816-cf40-b6d2-b05add32db58	{ee928cde-2f40-2506-61bd-5441afe10eb6}	server	2027-03-18 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.954+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
2a77f6d6-9bea-d558-a373-34797f73ed35	{e35f0b1c-9332-cf74-8186-5fe0788c565a}	server	2027-04-23 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.939+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
32af6550-b694-5847-9d02-d19e7b0b1a02	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:timeout	\N	\N	2026-11-21 10:44:26.863+00	\N	\N	\N
38b7c218-41f2-0d5c-fbfd-d0ae4360cb4c	{4b2d6f01-54c4-56dd-a41e-f141e41f5c57}	server	2027-03-17 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.939+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
39a697eb-0d2f-9c22-245e-fb347abe379d	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:closed	\N	\N	2026-11-21 10:44:23.908+00	\N	\N	\N
3aff45e6-acb4-e735-5e01-46ee33fba9d2	{22b0585b-8873-cdc4-99b7-aa2316750d96}	server	2027-03-01 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.938+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
3d9ac35b-9dd3-a90d-988a-8dc9cbc58b8f	{4b451ae3-073d-84e7-e145-33506400ae18}	server	2027-02-10 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.972+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
50618084-15ad-e0ce-b9d0-6603ae77fe3d	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:not_tls	IMAP: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLE	\N	2026-11-21 10:44:23.908+00	\N	\N	\N
51a3c3de-8e86-5a95-9e80-418ac940cc45	{1754c012-1b63-06bc-9777-158e668e54e3}	server	2027-02-07 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.937+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
557f323e-6143-5c39-fdc5-ea21531ba667	{0d541f49-68e5-a6af-5962-a05a9aa42cd1}	server	2027-01-02 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.938+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
5b82a78b-d112-48a1-f7e0-0ad46193c70a	{50537fa9-9744-eb2d-6efd-1c7fef822ff9}	server	2026-12-11 11:13:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.938+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
611c6ec3-8b8a-18a3-bc2f-bfdbb174dce0	{722cb04b-15b9-7729-7f25-5cc8682c84bf}	server	2027-02-09 10:43:48+00	\N	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.953+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
63d2e9fe-dac0-45ce-6529-21522559957b	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:alert	handshake_failure	\N	2026-11-21 10:44:23.972+00	\N	\N	\N
7ce6121a-4b52-c16a-30a9-84efda23167b	{17ba55c4-2eee-a34a-c318-d65194e185e8}	server	2027-03-15 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.909+00	\N	\N	{"group": "x25519", "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "version": "TLSv1.2", "client_auth": false}	\N
866c9fba-4437-ec94-9b3d-0a0ffb84ba9a	{1b86b121-0005-69a7-3123-8c3ea0f9574a}	server	2026-11-26 11:13:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.938+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
94be3118-518b-828b-9f2a-074e162e3fc7	{}	\N	\N	\N	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	connect:refused	\N	\N	2026-11-21 10:44:23.875+00	\N	\N	\N
9adf8c38-ffbb-03cc-4133-349e77b6d62d	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:closed	\N	\N	2026-11-21 10:44:23.972+00	\N	\N	\N
9be6de62-9dd3-8729-2de4-038f7e50103c	{7ddd0c2a-6d54-ba54-dc43-43059460b89f}	server	2027-02-08 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.939+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
ab491dcd-77d4-ed14-6507-a1b7e51ea811	{03969b92-4c93-3cc9-ebde-9546df1a91b7}	server	2027-07-07 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.955+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
ac3d65db-e8ea-9dcf-b95d-85fa23e85885	{4ed7c64f-d4c5-77a6-0f93-2181bc9379d8}	server	2027-08-12 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.953+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
b12cfdda-94ea-353b-4a3c-f35a232cac32	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:timeout	\N	\N	2026-11-21 10:44:26.863+00	\N	\N	\N
b2136110-87be-7e0f-68bb-55ebe4f3141d	{62f43ac7-7daa-4ba9-11af-4655882e0539}	server	2027-01-01 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.936+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
b3fc66c5-7ca6-ecc6-d45e-f636172987a5	{dff522d0-0c7c-a405-f35f-4b3f2965d425}	server	2027-02-06 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.909+00	\N	\N	{"group": "x25519", "cipher": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "version": "TLSv1.1", "client_auth": false}	\N
b413e742-9a94-ef00-0fc1-4c384a2d0d83	{17d903e5-8dd7-14dc-5e56-837450ada976}	server	2027-08-10 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.91+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
b68737ad-d0b0-90b4-43e1-5e967578c3eb	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:not_tls	POP3: +OK pop.fleet.example ready%0d%0a	\N	2026-11-21 10:44:23.908+00	\N	\N	\N
b6cd3380-6f49-f582-8786-8a2428c92410	{20771ede-4a68-bd80-139c-63a23e3e07f4}	server	2027-04-24 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.954+00	\N	\N	{"group": "x25519", "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "version": "TLSv1.2", "client_ca": ["CN=Fleet Example Root CA,O=Fleet Example,C=XX", "CN=Fleet Example Issuing CA E1,O=Fleet Example,C=XX"], "client_auth": true}	\N
bbdec7b6-8f31-b33a-192a-50950c011b39	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:reset	\N	\N	2026-11-21 10:44:23.972+00	\N	\N	\N
bfa3e159-8159-6304-095f-818842c20fb7	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:not_tls	%9d%1d%1c%af%84%1fZ%9c%da%d6OD%d5%d8%82!z%1f%b0x(G%dak%8b%9aH!%bd%f4%0cD%c4%e8AV<a%d2fL%8b|d%db%c3%f7%12	\N	2026-11-21 10:44:23.972+00	\N	\N	\N
c51552cf-bb02-0693-64a9-1ffce7e49803	{329e4dbb-efb4-af62-af29-fb90b0a154d9}	server	2026-11-22 10:13:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.937+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
c66af131-ac99-6154-6043-0154e7fb6e40	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	connect:refused	\N	\N	2026-11-21 10:44:23.875+00	\N	\N	\N
cb103cff-252e-33d5-7a9d-4536b8db88d7	{b7cec0f9-f367-2712-bc02-75f16fad5725}	server	2027-07-04 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.91+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
cc4ac682-7ffd-1707-2d20-b269e49b1686	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:not_tls	SSH: SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3%0d%0a	\N	2026-11-21 10:44:23.908+00	\N	\N	\N
ccd9a1a5-5795-cd3b-dc03-7cedcd44067b	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:closed	\N	\N	2026-11-21 10:44:23.972+00	\N	\N	\N
e30a01b1-c102-c954-4859-0e2d38937e41	{}	\N	\N	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:not_tls	HTTP: HTTP/1.1 400 Bad Request%0d%0aServer: nginx%0d%0aContent	\N	2026-11-21 10:44:23.972+00	\N	\N	\N
e5201094-6641-e82a-bf47-4d88e62e179e	{dd6c754a-2f34-b92b-9b5a-5bcaa3c64a0d}	server	2027-07-06 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.952+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
eb906424-6189-8d56-1131-bb707a800adf	{}	\N	\N	\N	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	hello:alert	unrecognized_name	\N	2026-11-21 10:44:23.955+00	\N	\N	\N
ed76d042-6fed-9c89-3b0d-162b5d714bfd	{d36b76af-ce8d-f745-9168-b00e5dba12ec}	server	2027-05-30 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.952+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
f8073f50-7a88-5aa1-bb4d-2d09f7b3bad3	{8d3b5bcf-a367-e49f-0072-f3d9f427b468}	server	2027-04-21 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.909+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
ff5d3cdf-5130-4e49-5bf8-08a46c5316fb	{66182f67-62ef-e33c-f8eb-da7e837e958c}	server	2026-12-31 10:43:48+00	web	scan	s1	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	ok	\N	2026-11-21 10:44:23.908+00	\N	\N	{"group": "x25519", "cipher": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "version": "TLSv1.0", "client_auth": false}	\N
1559b1b3-2780-5105-3983-a2592abd2cb8	{2994dbe4-7da8-f960-b866-db1add9455cc,6b29232d-42f1-a260-85d5-25ea6785f109}	\N	2027-01-04 10:43:48+00	web	scan	s1	01a1fdb5-1a76-7986-ab87-8c71ebe0ce92	ok	\N	2026-11-21 10:44:26.954+00	\N	\N	{"group": "x25519", "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "client_auth": false}	\N
2b2c568f-ebe0-3814-fb4b-9c54df19f94b	{bd67f1c4-4c59-fe2e-6647-8b3892ea03ee}	trust	2027-12-26 10:43:31+00	nobody-left	crawl	s1	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	ok	\N	2026-11-21 10:44:29.896+00	\N	\N	\N	{"gid": 0, "uid": 0, "mode": 420, "size": 472, "mtime": "2026-11-21T10:44:23Z", "format": "der"}
352e2d7d-d240-c33a-f3d5-ba7420b101d1	{c2409cec-1dd1-aa30-cc3f-ce2c0f12432d}	trust	2026-12-01 10:43:31+00	nobody-left	crawl	s1	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	ok	\N	2026-11-21 10:44:29.896+00	\N	\N	\N	{"gid": 0, "uid": 0, "mode": 420, "size": 1123, "mtime": "2026-11-21T10:44:23Z", "format": "pem"}
8ef113a9-f1fb-8d2f-5664-140926490d3f	{c2409cec-1dd1-aa30-cc3f-ce2c0f12432d}	trust	2026-12-01 10:43:31+00	nobody-left	crawl	s1	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	ok	\N	2026-11-21 10:44:29.898+00	\N	\N	\N	{"gid": 0, "uid": 0, "mode": 384, "size": 2582, "mtime": "2026-11-21T10:44:23Z", "format": "pkcs12"}
ad89a682-2d21-3836-b16a-ca6ea3b60104	{}	\N	\N	nobody-left	crawl	s1	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	decode:malformed	a PEM block without its END line	\N	2026-11-21 10:44:29.896+00	\N	\N	\N
ecac8a47-bed7-7a31-09e8-7e09f8c1ee05	{bd67f1c4-4c59-fe2e-6647-8b3892ea03ee}	trust	2027-12-26 10:43:31+00	nobody-left	crawl	s1	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	ok	\N	2026-11-21 10:44:29.887+00	\N	\N	\N	{"gid": 0, "uid": 0, "mode": 420, "size": 696, "mtime": "2026-11-21T10:44:23Z", "format": "pem"}
\.


--
-- Data for Name: observation_20261121; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_ingest
--

COPY certmuster.observation_20261121 (day, batch_key, run, first_at, last_at, unchanged, failing) FROM stdin;
2026-11-21	file/68898a26171a5c1782e67c90b44258bd498dbd5f4a2322793b923fc98f058f30	01a1fdb5-1a76-7986-ab87-8c71ebe0ce92	2026-11-21 10:44:26.89+00	2026-11-21 10:44:29.88+00	{143e16db-b9a2-d001-103f-d638fd05a2aa,1787a824-5265-ad1b-3613-38814b90fdcb,1983f8d1-0d0c-63e9-dcda-843400526f65,2324204a-15f8-4adb-d151-cf014972c710,277534cb-2816-cf40-b6d2-b05add32db58,2a77f6d6-9bea-d558-a373-34797f73ed35,38b7c218-41f2-0d5c-fbfd-d0ae4360cb4c,3aff45e6-acb4-e735-5e01-46ee33fba9d2,3d9ac35b-9dd3-a90d-988a-8dc9cbc58b8f,51a3c3de-8e86-5a95-9e80-418ac940cc45,557f323e-6143-5c39-fdc5-ea21531ba667,5b82a78b-d112-48a1-f7e0-0ad46193c70a,611c6ec3-8b8a-18a3-bc2f-bfdbb174dce0,7ce6121a-4b52-c16a-30a9-84efda23167b,866c9fba-4437-ec94-9b3d-0a0ffb84ba9a,9be6de62-9dd3-8729-2de4-038f7e50103c,ab491dcd-77d4-ed14-6507-a1b7e51ea811,ac3d65db-e8ea-9dcf-b95d-85fa23e85885,b2136110-87be-7e0f-68bb-55ebe4f3141d,b3fc66c5-7ca6-ecc6-d45e-f636172987a5,b413e742-9a94-ef00-0fc1-4c384a2d0d83,b6cd3380-6f49-f582-8786-8a2428c92410,c51552cf-bb02-0693-64a9-1ffce7e49803,cb103cff-252e-33d5-7a9d-4536b8db88d7,e5201094-6641-e82a-bf47-4d88e62e179e,ed76d042-6fed-9c89-3b0d-162b5d714bfd,f8073f50-7a88-5aa1-bb4d-2d09f7b3bad3,ff5d3cdf-5130-4e49-5bf8-08a46c5316fb}	{0695f970-53b1-0c56-24e4-899a64c74320,32af6550-b694-5847-9d02-d19e7b0b1a02,39a697eb-0d2f-9c22-245e-fb347abe379d,50618084-15ad-e0ce-b9d0-6603ae77fe3d,63d2e9fe-dac0-45ce-6529-21522559957b,94be3118-518b-828b-9f2a-074e162e3fc7,9adf8c38-ffbb-03cc-4133-349e77b6d62d,b12cfdda-94ea-353b-4a3c-f35a232cac32,b68737ad-d0b0-90b4-43e1-5e967578c3eb,bbdec7b6-8f31-b33a-192a-50950c011b39,bfa3e159-8159-6304-095f-818842c20fb7,c66af131-ac99-6154-6043-0154e7fb6e40,cc4ac682-7ffd-1707-2d20-b269e49b1686,ccd9a1a5-5795-cd3b-dc03-7cedcd44067b,e30a01b1-c102-c954-4859-0e2d38937e41,eb906424-6189-8d56-1131-bb707a800adf}
\.


--
-- Data for Name: observation_20261122; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_ingest
--

COPY certmuster.observation_20261122 (day, batch_key, run, first_at, last_at, unchanged, failing) FROM stdin;
\.


--
-- Data for Name: owner; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.owner (name, email, webhook, contact, environment, criticality) FROM stdin;
web	{web@example.org}	\N	+49 30 901820	\N	\N
nobody-left	{gone@example.org}	\N	\N	\N	\N
\.


--
-- Data for Name: owner_rule; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.owner_rule ("position", owner, name_like, cidr, path_like, issuer_like, realm) FROM stdin;
1	web	%.fleet.example	\N	\N	\N	\N
2	nobody-left	\N	\N	%/files/%	\N	\N
\.


--
-- Data for Name: run; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.run (run, source, scanner, host, machine_id, addresses, args, started_at, finished_at, interrupted, targets, ok, failed, stored_ok, stored_failed, counters) FROM stdin;
01a1fdb5-0eb5-7a38-98e7-82150c6f1467	scan	s1	s1.example.org	00000000000000000000000000000000	["192.0.2.10"]	["certmuster-scan", "--config", "s.yaml", "--json", "--no-submit", "-q", "--timeout", "3", "-f", "targets"]	2026-11-21 10:44:23.861+00	2026-11-21 10:44:26.863+00	f	45	29	16	29	16	\N
01a1fdb5-1a76-7986-ab87-8c71ebe0ce92	scan	s1	s1.example.org	00000000000000000000000000000000	["192.0.2.10"]	["certmuster-scan", "--config", "s.yaml", "--json", "--no-submit", "-q", "--timeout", "3", "-f", "targets"]	2026-11-21 10:44:26.87+00	2026-11-21 10:44:29.88+00	f	45	29	16	29	16	\N
01a1fdb5-263e-71a9-a6b0-4e0a17d45915	crawl	s1	s1.example.org	00000000000000000000000000000000	["192.0.2.10"]	["certmuster-crawl", "--config", "s.yaml", "--json", "--no-submit", "-q", "/srv/files"]	2026-11-21 10:44:29.886+00	2026-11-21 10:44:29.898+00	f	5	4	1	4	1	\N
\.


--
-- Data for Name: scanner; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.scanner (name, realms, enrolled, disabled, skewed_ms, first_seen, last_seen) FROM stdin;
s1	{default}	unix:0	f	\N	2026-11-21 10:44:48.399872+00	2026-11-21 10:44:48.399872+00
probe-1	{dmz}	abababababababababababababababababababababababababababababababab	f	\N	2026-11-21 10:44:48.655996+00	2026-11-21 10:44:48.655996+00
\.


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.schema_version (number, name, applied_at) FROM stdin;
1	0001_inventory	2026-11-21 10:43:56.864163+00
2	0002_operations	2026-11-21 10:43:57.036201+00
3	0003_owners	2026-11-21 10:43:57.110113+00
4	0004_alerts	2026-11-21 10:43:57.144105+00
5	0005_views	2026-11-21 10:43:57.200082+00
6	0006_roles	2026-11-21 10:43:57.216063+00
7	0007_report	2026-11-21 10:43:57.228152+00
8	0008_browse	2026-11-21 10:43:57.244049+00
\.


--
-- Data for Name: sighting; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.sighting (location_id, chain_id, role, first_seen, last_seen, seen_run, absent_runs, absent_run, absent_at, closed_at, source) FROM stdin;
143e16db-b9a2-d001-103f-d638fd05a2aa	782c3b60-edda-10b7-db58-f45a6df1e463	server	2026-11-21 10:44:23.91+00	2026-11-21 10:44:23.91+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
1787a824-5265-ad1b-3613-38814b90fdcb	22a8e9f9-e17c-38aa-419e-3eb0786af0d8	server	2026-11-21 10:44:23.953+00	2026-11-21 10:44:23.953+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
1983f8d1-0d0c-63e9-dcda-843400526f65	0ead795a-18c0-04e6-ae94-fadc3a2b899a	server	2026-11-21 10:44:23.954+00	2026-11-21 10:44:23.954+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
2324204a-15f8-4adb-d151-cf014972c710	190713eb-d740-752f-0975-914171f0bd7a	server	2026-11-21 10:44:23.937+00	2026-11-21 10:44:23.937+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
277534cb-2816-cf40-b6d2-b05add32db58	ee928cde-2f40-2506-61bd-5441afe10eb6	server	2026-11-21 10:44:23.954+00	2026-11-21 10:44:23.954+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
2a77f6d6-9bea-d558-a373-34797f73ed35	e35f0b1c-9332-cf74-8186-5fe0788c565a	server	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
38b7c218-41f2-0d5c-fbfd-d0ae4360cb4c	4b2d6f01-54c4-56dd-a41e-f141e41f5c57	server	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
3aff45e6-acb4-e735-5e01-46ee33fba9d2	22b0585b-8873-cdc4-99b7-aa2316750d96	server	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
3d9ac35b-9dd3-a90d-988a-8dc9cbc58b8f	4b451ae3-073d-84e7-e145-33506400ae18	server	2026-11-21 10:44:23.972+00	2026-11-21 10:44:23.972+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
51a3c3de-8e86-5a95-9e80-418ac940cc45	1754c012-1b63-06bc-9777-158e668e54e3	server	2026-11-21 10:44:23.937+00	2026-11-21 10:44:23.937+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
557f323e-6143-5c39-fdc5-ea21531ba667	0d541f49-68e5-a6af-5962-a05a9aa42cd1	server	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
5b82a78b-d112-48a1-f7e0-0ad46193c70a	50537fa9-9744-eb2d-6efd-1c7fef822ff9	server	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
611c6ec3-8b8a-18a3-bc2f-bfdbb174dce0	722cb04b-15b9-7729-7f25-5cc8682c84bf	server	2026-11-21 10:44:23.953+00	2026-11-21 10:44:23.953+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
7ce6121a-4b52-c16a-30a9-84efda23167b	17ba55c4-2eee-a34a-c318-d65194e185e8	server	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.909+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
866c9fba-4437-ec94-9b3d-0a0ffb84ba9a	1b86b121-0005-69a7-3123-8c3ea0f9574a	server	2026-11-21 10:44:23.938+00	2026-11-21 10:44:23.938+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
9be6de62-9dd3-8729-2de4-038f7e50103c	7ddd0c2a-6d54-ba54-dc43-43059460b89f	server	2026-11-21 10:44:23.939+00	2026-11-21 10:44:23.939+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
ab491dcd-77d4-ed14-6507-a1b7e51ea811	03969b92-4c93-3cc9-ebde-9546df1a91b7	server	2026-11-21 10:44:23.955+00	2026-11-21 10:44:23.955+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
ac3d65db-e8ea-9dcf-b95d-85fa23e85885	4ed7c64f-d4c5-77a6-0f93-2181bc9379d8	server	2026-11-21 10:44:23.953+00	2026-11-21 10:44:23.953+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
b2136110-87be-7e0f-68bb-55ebe4f3141d	62f43ac7-7daa-4ba9-11af-4655882e0539	server	2026-11-21 10:44:23.936+00	2026-11-21 10:44:23.936+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
b3fc66c5-7ca6-ecc6-d45e-f636172987a5	dff522d0-0c7c-a405-f35f-4b3f2965d425	server	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.909+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
b413e742-9a94-ef00-0fc1-4c384a2d0d83	17d903e5-8dd7-14dc-5e56-837450ada976	server	2026-11-21 10:44:23.91+00	2026-11-21 10:44:23.91+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
b6cd3380-6f49-f582-8786-8a2428c92410	20771ede-4a68-bd80-139c-63a23e3e07f4	server	2026-11-21 10:44:23.954+00	2026-11-21 10:44:23.954+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
c51552cf-bb02-0693-64a9-1ffce7e49803	329e4dbb-efb4-af62-af29-fb90b0a154d9	server	2026-11-21 10:44:23.937+00	2026-11-21 10:44:23.937+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
cb103cff-252e-33d5-7a9d-4536b8db88d7	b7cec0f9-f367-2712-bc02-75f16fad5725	server	2026-11-21 10:44:23.91+00	2026-11-21 10:44:23.91+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
e5201094-6641-e82a-bf47-4d88e62e179e	dd6c754a-2f34-b92b-9b5a-5bcaa3c64a0d	server	2026-11-21 10:44:23.952+00	2026-11-21 10:44:23.952+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
ed76d042-6fed-9c89-3b0d-162b5d714bfd	d36b76af-ce8d-f745-9168-b00e5dba12ec	server	2026-11-21 10:44:23.952+00	2026-11-21 10:44:23.952+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
f8073f50-7a88-5aa1-bb4d-2d09f7b3bad3	8d3b5bcf-a367-e49f-0072-f3d9f427b468	server	2026-11-21 10:44:23.909+00	2026-11-21 10:44:23.909+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
ff5d3cdf-5130-4e49-5bf8-08a46c5316fb	66182f67-62ef-e33c-f8eb-da7e837e958c	server	2026-11-21 10:44:23.908+00	2026-11-21 10:44:23.908+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	0	{}	{}	\N	scan
1559b1b3-2780-5105-3983-a2592abd2cb8	6b29232d-42f1-a260-85d5-25ea6785f109	server	2026-11-21 10:44:26.954+00	2026-11-21 10:44:26.954+00	01a1fdb5-1a76-7986-ab87-8c71ebe0ce92	0	{}	{}	\N	scan
1559b1b3-2780-5105-3983-a2592abd2cb8	2994dbe4-7da8-f960-b866-db1add9455cc	server	2026-11-21 10:44:23.955+00	2026-11-21 10:44:23.955+00	01a1fdb5-0eb5-7a38-98e7-82150c6f1467	1	{01a1fdb5-1a76-7986-ab87-8c71ebe0ce92}	{"2026-11-21 10:44:26.954+00"}	\N	scan
2b2c568f-ebe0-3814-fb4b-9c54df19f94b	bd67f1c4-4c59-fe2e-6647-8b3892ea03ee	trust	2026-11-21 10:44:29.896+00	2026-11-21 10:44:29.896+00	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	0	{}	{}	\N	crawl
352e2d7d-d240-c33a-f3d5-ba7420b101d1	c2409cec-1dd1-aa30-cc3f-ce2c0f12432d	trust	2026-11-21 10:44:29.896+00	2026-11-21 10:44:29.896+00	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	0	{}	{}	\N	crawl
8ef113a9-f1fb-8d2f-5664-140926490d3f	c2409cec-1dd1-aa30-cc3f-ce2c0f12432d	trust	2026-11-21 10:44:29.898+00	2026-11-21 10:44:29.898+00	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	0	{}	{}	\N	crawl
ecac8a47-bed7-7a31-09e8-7e09f8c1ee05	bd67f1c4-4c59-fe2e-6647-8b3892ea03ee	trust	2026-11-21 10:44:29.887+00	2026-11-21 10:44:29.887+00	01a1fdb5-263e-71a9-a6b0-4e0a17d45915	0	{}	{}	\N	crawl
\.


--
-- Data for Name: store; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.store (location_id, format, integrity, entries, first_seen, last_seen) FROM stdin;
6c46127c-6e24-5b67-123e-da233033b54f	pkcs12	ok	2	2026-11-21 10:44:29.898+00	2026-11-21 10:44:29.898+00
\.


--
-- Data for Name: upkeep; Type: TABLE DATA; Schema: certmuster; Owner: certmuster_admin
--

COPY certmuster.upkeep (task, done_at) FROM stdin;
fold	2026-11-21 10:43:57.036201+00
partitions	2026-11-21 10:43:57.440783+00
keys	2026-11-21 10:43:57.492201+00
lost_runs	2026-11-21 10:43:57.500074+00
trust_store a10a7d62383af00eafebe77a468547c85f02b2ba1d30c5cbdfbbbd221c1abdc1	2026-11-21 10:43:57.424031+00
\.


--
-- Name: alert_event alert_event_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.alert_event
    ADD CONSTRAINT alert_event_pkey PRIMARY KEY (sha256, owner, kind, at, event);


--
-- Name: alert alert_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (sha256, owner, kind);


--
-- Name: batch batch_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (batch_key);


--
-- Name: certificate_name certificate_name_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.certificate_name
    ADD CONSTRAINT certificate_name_pkey PRIMARY KEY (sha256, kind, name);


--
-- Name: certificate certificate_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.certificate
    ADD CONSTRAINT certificate_pkey PRIMARY KEY (sha256);


--
-- Name: chain chain_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.chain
    ADD CONSTRAINT chain_pkey PRIMARY KEY (chain_id);


--
-- Name: chain_verdict chain_verdict_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.chain_verdict
    ADD CONSTRAINT chain_verdict_pkey PRIMARY KEY (chain_id, trust_store);


--
-- Name: delivery delivery_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (delivery_id);


--
-- Name: key_file key_file_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.key_file
    ADD CONSTRAINT key_file_pkey PRIMARY KEY (location_id);


--
-- Name: location location_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (location_id);


--
-- Name: location_state location_state_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.location_state
    ADD CONSTRAINT location_state_pkey PRIMARY KEY (location_id);


--
-- Name: observation observation_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_ingest
--

ALTER TABLE ONLY certmuster.observation
    ADD CONSTRAINT observation_pkey PRIMARY KEY (day, batch_key);


--
-- Name: observation_20261121 observation_20261121_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_ingest
--

ALTER TABLE ONLY certmuster.observation_20261121
    ADD CONSTRAINT observation_20261121_pkey PRIMARY KEY (day, batch_key);


--
-- Name: observation_20261122 observation_20261122_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_ingest
--

ALTER TABLE ONLY certmuster.observation_20261122
    ADD CONSTRAINT observation_20261122_pkey PRIMARY KEY (day, batch_key);


--
-- Name: owner owner_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.owner
    ADD CONSTRAINT owner_pkey PRIMARY KEY (name);


--
-- Name: owner_rule owner_rule_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.owner_rule
    ADD CONSTRAINT owner_rule_pkey PRIMARY KEY ("position");


--
-- Name: run run_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (run);


--
-- Name: scanner scanner_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.scanner
    ADD CONSTRAINT scanner_pkey PRIMARY KEY (name);


--
-- Name: schema_version schema_version_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (number);


--
-- Name: sighting sighting_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.sighting
    ADD CONSTRAINT sighting_pkey PRIMARY KEY (location_id, chain_id, role, first_seen);


--
-- Name: store store_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (location_id);


--
-- Name: upkeep upkeep_pkey; Type: CONSTRAINT; Schema: certmuster; Owner: certmuster_admin
--

ALTER TABLE ONLY certmuster.upkeep
    ADD CONSTRAINT upkeep_pkey PRIMARY KEY (task);


--
-- Name: alert_open; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX alert_open ON certmuster.alert USING btree (threshold) WHERE (resolved_at IS NULL);


--
-- Name: batch_received; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX batch_received ON certmuster.batch USING btree (received_at);


--
-- Name: certificate_by_expiry; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX certificate_by_expiry ON certmuster.certificate USING btree (COALESCE(not_after, 'infinity'::timestamp with time zone), sha256);


--
-- Name: certificate_by_name; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX certificate_by_name ON certmuster.certificate USING btree ("left"(display_name, 100), sha256);


--
-- Name: certificate_name_reversed; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX certificate_name_reversed ON certmuster.certificate_name USING btree (reversed text_pattern_ops);


--
-- Name: certificate_not_after; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX certificate_not_after ON certmuster.certificate USING btree (not_after);


--
-- Name: certificate_spki; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX certificate_spki ON certmuster.certificate USING btree (spki_sha256);


--
-- Name: chain_leaf; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX chain_leaf ON certmuster.chain USING btree (leaf_sha256);


--
-- Name: chain_members; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX chain_members ON certmuster.chain USING gin (fingerprints) WITH (fastupdate=off);


--
-- Name: chain_verdict_age; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX chain_verdict_age ON certmuster.chain_verdict USING btree (verified_at);


--
-- Name: delivery_alert; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX delivery_alert ON certmuster.delivery USING btree (sha256, owner, kind);


--
-- Name: delivery_due; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX delivery_due ON certmuster.delivery USING btree (next_try) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));


--
-- Name: key_file_spki; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX key_file_spki ON certmuster.key_file USING btree (spki_sha256);


--
-- Name: location_ip; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX location_ip ON certmuster.location USING btree (ip, port) WHERE (kind = 'endpoint'::text);


--
-- Name: location_path; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX location_path ON certmuster.location USING btree (host, "left"(path, 500)) WHERE (kind = 'file'::text);


--
-- Name: location_state_owner; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX location_state_owner ON certmuster.location_state USING btree (owner);


--
-- Name: location_state_result; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX location_state_result ON certmuster.location_state USING btree (last_result) WHERE (last_result <> 'ok'::text);


--
-- Name: observation_run; Type: INDEX; Schema: certmuster; Owner: certmuster_ingest
--

CREATE INDEX observation_run ON ONLY certmuster.observation USING btree (run);


--
-- Name: observation_20261121_run_idx; Type: INDEX; Schema: certmuster; Owner: certmuster_ingest
--

CREATE INDEX observation_20261121_run_idx ON certmuster.observation_20261121 USING btree (run);


--
-- Name: observation_20261122_run_idx; Type: INDEX; Schema: certmuster; Owner: certmuster_ingest
--

CREATE INDEX observation_20261122_run_idx ON certmuster.observation_20261122 USING btree (run);


--
-- Name: run_finished; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX run_finished ON certmuster.run USING btree (finished_at);


--
-- Name: sighting_missed; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX sighting_missed ON certmuster.sighting USING btree (location_id) WHERE ((closed_at IS NULL) AND (absent_runs > 0));


--
-- Name: sighting_open_chain; Type: INDEX; Schema: certmuster; Owner: certmuster_admin
--

CREATE INDEX sighting_open_chain ON certmuster.sighting USING btree (chain_id, location_id) WHERE (closed_at IS NULL);


--
-- Name: observation_20261121_pkey; Type: INDEX ATTACH; Schema: certmuster; Owner: certmuster_ingest
--

ALTER INDEX certmuster.observation_pkey ATTACH PARTITION certmuster.observation_20261121_pkey;


--
-- Name: observation_20261121_run_idx; Type: INDEX ATTACH; Schema: certmuster; Owner: certmuster_ingest
--

ALTER INDEX certmuster.observation_run ATTACH PARTITION certmuster.observation_20261121_run_idx;


--
-- Name: observation_20261122_pkey; Type: INDEX ATTACH; Schema: certmuster; Owner: certmuster_ingest
--

ALTER INDEX certmuster.observation_pkey ATTACH PARTITION certmuster.observation_20261122_pkey;


--
-- Name: observation_20261122_run_idx; Type: INDEX ATTACH; Schema: certmuster; Owner: certmuster_ingest
--

ALTER INDEX certmuster.observation_run ATTACH PARTITION certmuster.observation_20261122_run_idx;


--
-- Name: SCHEMA certmuster; Type: ACL; Schema: -; Owner: certmuster_admin
--

GRANT USAGE ON SCHEMA certmuster TO certmuster_read;
GRANT ALL ON SCHEMA certmuster TO certmuster_ingest;
GRANT USAGE ON SCHEMA certmuster TO certmuster_operate;


--
-- Name: TABLE owner; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.owner TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.owner TO certmuster_operate;


--
-- Name: TABLE location; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.location TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.location TO certmuster_ingest;


--
-- Name: TABLE alert; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.alert TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.alert TO certmuster_ingest;
GRANT UPDATE ON TABLE certmuster.alert TO certmuster_operate;


--
-- Name: TABLE alert_event; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.alert_event TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.alert_event TO certmuster_ingest;
GRANT INSERT ON TABLE certmuster.alert_event TO certmuster_operate;


--
-- Name: TABLE batch; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.batch TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.batch TO certmuster_ingest;


--
-- Name: TABLE certificate; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.certificate TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.certificate TO certmuster_ingest;


--
-- Name: TABLE chain; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.chain TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.chain TO certmuster_ingest;


--
-- Name: TABLE chain_verdict; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.chain_verdict TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.chain_verdict TO certmuster_ingest;


--
-- Name: TABLE sighting; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.sighting TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.sighting TO certmuster_ingest;


--
-- Name: TABLE place_certificate; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.place_certificate TO certmuster_read;


--
-- Name: TABLE browse_certificate; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.browse_certificate TO certmuster_read;


--
-- Name: TABLE location_state; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.location_state TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.location_state TO certmuster_ingest;
GRANT UPDATE ON TABLE certmuster.location_state TO certmuster_operate;


--
-- Name: TABLE browse_leaf; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.browse_leaf TO certmuster_read;


--
-- Name: TABLE browse_spot; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.browse_spot TO certmuster_read;


--
-- Name: TABLE certificate_in_use; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.certificate_in_use TO certmuster_read;


--
-- Name: TABLE certificate_name; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.certificate_name TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.certificate_name TO certmuster_ingest;


--
-- Name: TABLE certificate_place; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.certificate_place TO certmuster_read;


--
-- Name: TABLE delivery; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.delivery TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.delivery TO certmuster_ingest;


--
-- Name: TABLE expiry_due; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.expiry_due TO certmuster_read;


--
-- Name: TABLE observation; Type: ACL; Schema: certmuster; Owner: certmuster_ingest
--

GRANT SELECT ON TABLE certmuster.observation TO certmuster_read;
GRANT ALL ON TABLE certmuster.observation TO certmuster_admin;


--
-- Name: TABLE run; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.run TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.run TO certmuster_ingest;


--
-- Name: TABLE inventory_summary; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.inventory_summary TO certmuster_read;


--
-- Name: TABLE key_file; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.key_file TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.key_file TO certmuster_ingest;


--
-- Name: TABLE owner_rule; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.owner_rule TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.owner_rule TO certmuster_operate;


--
-- Name: TABLE place; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.place TO certmuster_read;


--
-- Name: TABLE place_of_anchors; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.place_of_anchors TO certmuster_read;


--
-- Name: TABLE scanner; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.scanner TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.scanner TO certmuster_ingest;
GRANT INSERT,UPDATE ON TABLE certmuster.scanner TO certmuster_operate;


--
-- Name: TABLE schema_version; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.schema_version TO certmuster_read;


--
-- Name: TABLE store; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.store TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.store TO certmuster_ingest;


--
-- Name: TABLE upkeep; Type: ACL; Schema: certmuster; Owner: certmuster_admin
--

GRANT SELECT ON TABLE certmuster.upkeep TO certmuster_read;
GRANT INSERT,DELETE,UPDATE ON TABLE certmuster.upkeep TO certmuster_ingest;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: certmuster; Owner: certmuster_admin
--

ALTER DEFAULT PRIVILEGES FOR ROLE certmuster_admin IN SCHEMA certmuster GRANT ALL ON TABLES  TO certmuster_admin;
ALTER DEFAULT PRIVILEGES FOR ROLE certmuster_admin IN SCHEMA certmuster GRANT SELECT ON TABLES  TO certmuster_read;


--
-- PostgreSQL database dump complete
--


