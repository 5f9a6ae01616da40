#!/usr/bin/python3
"""What each database role may do and what it cannot: every table, view and function of the catalogue tried as each role; named proofs over rows that are there; functions that run with
other rights than the caller's under hostile arguments; and the real programs, each as a login that is a member of one role and of nothing else."""
import itertools, json, os, re, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browse_tools import Terminal
from collectd_tools import Collector, cert_record, certificate, failure, new_run, run_record, sha, sighting, template
from common import equal
from roles_tools import DEFINERS, PG, ROLES, RULES, Cluster, allowed, attempt, table_statements

BIN = os.environ["CM_BIN"]
os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(TMP, 0o755)
os.environ["CERTMUSTER_HOME"] = f"{TMP}/no-home"
LOGINS = {"reader": "certmuster_read", "feeder": "certmuster_ingest", "operator": "certmuster_operate", "boss": "certmuster_admin"}
db = None


def wait_for(what, condition, seconds=60):
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"waited in vain: {what}\n" + open(f"{TMP}/collectd.log").read()[-3000:])
        time.sleep(0.05)
    return value


def configure(login, more=""):
    with open(f"{TMP}/{login}.yaml", "w") as out:
        out.write(f'dsn: "host={db.dir} dbname=certmuster user={login}"\n{more}')
    return f"{TMP}/{login}.yaml"


def certmuster(login, *words, status=0, program="certmuster-ctl"):
    done = subprocess.run([program, *words, "--config", f"{TMP}/{login}.yaml"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    equal(f"{login}: {' '.join(words)}: {done.stdout}{done.stderr}", status, done.returncode)
    return done.stdout + done.stderr


def test_matrix():
    tables = {}
    for table, column in db.rows("SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                                 " WHERE c.relnamespace = 'certmuster'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum"):
        tables.setdefault(table, []).append(column)
    assert len(tables) > 35, tables
    for rules in RULES.values():
        unknown = set(rules) - set(tables) - {"*"}
        assert not unknown, f"rules for tables that are not there: {unknown}"
    count, wrong = 0, []
    for role in ROLES:
        tried = [(table, what, text) for table, columns in tables.items() for what, text in table_statements(table, columns)]
        for (table, what, text), answer in zip(tried, attempt(db, role, [t[2] for t in tried])):
            rule = RULES[role].get("observation_" if re.match(r"observation_\d", table) else table, RULES[role]["*"])
            count += 1
            if allowed(rule, what) != answer.startswith("yes"):
                wrong.append(f"{role}: {text}: {answer}")
    assert not wrong, "\n".join(wrong[:40])
    print(f"{count} statements on {len(tables)} tables as {len(ROLES)} roles")


def test_other_relations():
    equal("sequences, and what else there might be", [], db.rows("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind NOT IN ('r', 'p', 'i', 'I', 'v')"))
    views = [row[0] for row in db.rows("SELECT relname FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind = 'v'")]
    assert len(views) > 10
    for role in ROLES:
        reads = role not in ("certmuster_audit", "stranger")
        for view, answer in zip(views, attempt(db, role, [f"SELECT FROM {view} LIMIT 0" for view in views])):
            equal(f"{role} reads {view}: {answer}", reads, answer.startswith("yes"))
        for view, answer in zip(views, attempt(db, role, [f"DELETE FROM {view} WHERE false" for view in views])):
            assert role == "certmuster_admin" or not answer.startswith("yes") or "cannot delete from view" in answer, f"{role} deletes from {view}: {answer}"


def test_functions():
    rows = db.rows("SELECT p.proname, p.prosecdef, p.prokind, array_to_string(p.proconfig, ','), pg_get_userbyid(p.proowner),"
                   " 'SELECT * FROM ' || p.proname || '(' || coalesce((SELECT string_agg('NULL::' || t::regtype, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n)), '') || ')'"
                   " FROM pg_proc p WHERE p.pronamespace = 'certmuster'::regnamespace ORDER BY 1")
    assert len(rows) > 25
    equal("functions with other rights than the caller's", set(DEFINERS), {row[0] for row in rows if row[1] == "t"})
    for name, _, _, config, owner, _ in (row for row in rows if row[1] == "t"):
        equal(f"search path of {name}", "search_path=certmuster, pg_temp", config.replace('"', ""))
        equal(f"owner of {name}", "certmuster_audit" if name == "audit_append" else "certmuster_admin", owner)
    equal("procedures, aggregates", [], [row for row in rows if row[2] != "f"])
    for role in ROLES:
        for (name, definer, *_), answer in zip(rows, attempt(db, role, [row[5] for row in rows])):
            may = role in DEFINERS[name] if definer == "t" else role != "stranger"
            denied = f"permission denied for function {name}" in answer or role == "stranger" and "does not exist" in answer  # it cannot even name it
            equal(f"{role} calls {name}: {answer}", may, not denied)


def test_making():
    """Nobody but the owner makes anything in the schema; nothing in it is given to PUBLIC."""
    for role in ROLES:
        made = ["CREATE TABLE certmuster.mine (a integer)", "CREATE VIEW certmuster.mine AS SELECT 1", "CREATE FUNCTION certmuster.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                "CREATE TYPE certmuster.mine AS ENUM ()", "CREATE SEQUENCE certmuster.mine", "CREATE TABLE certmuster.observation_x PARTITION OF certmuster.observation FOR VALUES FROM ('2000-01-01') TO ('2000-01-02')"]
        for text, answer in zip(made, attempt(db, role, made)):
            equal(f"{role}: {text}: {answer}", role == "certmuster_admin", answer.startswith("yes"))
    equal("the schema's rights of PUBLIC", "f|f", db.sql("SELECT has_schema_privilege('stranger', 'certmuster', 'USAGE'), has_schema_privilege('stranger', 'certmuster', 'CREATE')"))
    public = db.rows("SELECT c.relname FROM pg_class c, aclexplode(c.relacl) x WHERE c.relnamespace = 'certmuster'::regnamespace AND x.grantee = 0"
                     " UNION ALL SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x WHERE p.pronamespace = 'certmuster'::regnamespace AND x.grantee = 0"
                     " UNION ALL SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) x WHERE n.nspname = 'certmuster' AND x.grantee = 0")
    equal("given to PUBLIC", [], public)
    equal("roles that log in", "certmuster_admin certmuster_ingest certmuster_operate certmuster_read", db.sql("SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin AND rolname ~ '^certmuster'"))
    equal("who is certmuster_audit", "", db.sql("SELECT string_agg(m.member::regrole::text, ' ') FROM pg_auth_members m WHERE m.roleid = 'certmuster_audit'::regrole"))
    equal("superusers, or rights over the cluster", "", db.sql("SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname IN ('certmuster_read', 'certmuster_ingest', 'certmuster_operate', 'certmuster_audit')"
                                                               " AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)"))


def test_proofs():
    """Over rows that are there, so that nothing is denied for want of something to change."""
    for table in ("certificate", "chain", "sighting", "location", "location_state", "owner", "owner_rule", "audit_log", "audit_head", "alert", "alert_event", "scanner", "scanner_certificate", "batch", "run",
                  "observation", "sweep_plan", "trust_store", "configuration"):
        assert int(db.sql(f"SELECT count(*) FROM {table}")) > 0, f"{table} is empty"
    event = lambda what, actor: f"INSERT INTO alert_event (sha256, owner, kind, at, event, actor) SELECT sha256, owner, kind, now(), '{what}', '{actor}' FROM alert"
    denied = {
        "certmuster_read": ["UPDATE alert SET acked_at = now()", "DELETE FROM certificate", "INSERT INTO owner (name) VALUES ('me')", "SELECT audit_append('me', 'x', 'x', '{}')",
                            "SELECT sweep_start('nightly', 'me')", "SELECT sweep_end(sweep_id, 'cancelled') FROM sweep", "SELECT * FROM sweep_upkeep()", "SELECT * FROM sweep_begin_due()", "LOCK TABLE location_state IN SHARE MODE",
                            "SELECT FROM owner FOR UPDATE", "SET ROLE certmuster_operate", "SET ROLE certmuster_audit"],
        "certmuster_ingest": ["UPDATE owner SET email = '{x@example.org}'", "DELETE FROM owner_rule", "INSERT INTO scanner_certificate SELECT repeat('a', 64), 'x', now(), now(), NULL",
                              "UPDATE scanner_certificate SET revoked_at = NULL", "UPDATE scanner SET realms = '{everywhere}'", "UPDATE scanner SET disabled = false", "UPDATE scanner SET enrolled = 'unix:0'",
                              "UPDATE certificate SET der = ''", "UPDATE certificate SET subject = 'CN=other'", "DELETE FROM certificate", "DELETE FROM chain", "DELETE FROM sighting", "DELETE FROM location",
                              "DELETE FROM run", "DELETE FROM alert_event", "UPDATE alert_event SET actor = 'nobody'", "DELETE FROM observation", "TRUNCATE observation", "UPDATE batch SET stored = 0",
                              "UPDATE sweep_plan SET targets = '{0.0.0.0/8}'", "INSERT INTO sweep_plan SELECT * FROM sweep_plan", "UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "UPDATE audit_head SET seq = 0",
                              "SET ROLE certmuster_operate"],
        "certmuster_operate": ["UPDATE location_state SET last_result = 'ok'", "UPDATE alert SET resolved_at = now()", "UPDATE alert SET told_threshold = 0", "DELETE FROM alert", "UPDATE certificate SET not_after = 'infinity'",
                               "DELETE FROM sighting", "DELETE FROM scanner", "DELETE FROM scanner_certificate", "DELETE FROM alert_event", "UPDATE delivery SET state = 'sent'", "UPDATE trust_store SET digest = 'x'",
                               "UPDATE chain_verdict SET verdict = 'ok'", "DELETE FROM batch", "DELETE FROM audit_log", "UPDATE upkeep SET done_at = 'infinity'", "SELECT observation_forget()", "SET ROLE certmuster_ingest",
                               "UPDATE alert SET acked_at = now(), acked_by = 'me'", event("told", "me"), event("acknowledged", "me")],
        "certmuster_admin": ["INSERT INTO audit_log SELECT seq + 1, at, actor, db_user, action, subject, detail, previous, hash FROM audit_log ORDER BY seq DESC LIMIT 1", "UPDATE audit_log SET detail = '{}'",
                             "DELETE FROM audit_log", "TRUNCATE audit_log", "UPDATE audit_head SET seq = 1", "ALTER TABLE audit_log DROP COLUMN actor", "ALTER TABLE audit_log ADD PRIMARY KEY (seq)",
                             "GRANT UPDATE ON audit_log TO certmuster_operate", "CREATE RULE r AS ON INSERT TO audit_log DO INSTEAD NOTHING",
                             "CREATE TRIGGER t BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                             "CREATE OR REPLACE FUNCTION audit_append(actor text, action text, subject text, detail text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'", "SET ROLE certmuster_audit",
                             "ALTER FUNCTION audit_append(text, text, text, text) SECURITY INVOKER"],
    }
    for role, statements in denied.items():
        for text, answer in zip(statements, attempt(db, role, statements)):
            if text.startswith("GRANT UPDATE"):  # of a right that one has not: a warning, and nothing is granted
                continue
            assert "permission denied" in answer or "must be owner" in answer, f"{role}: {text}: {answer}"
    db.psql("GRANT UPDATE ON certmuster.audit_log TO certmuster_operate", user="certmuster_admin")
    equal("what an administrator could hand on", "f", db.sql("SELECT has_table_privilege('certmuster_operate', 'certmuster.audit_log', 'UPDATE')"))
    may = {"certmuster_operate": ["UPDATE location_state SET owner = 'web'", "SELECT alert_acknowledge(sha256, NULL, 'me', NULL, false) FROM alert", "SELECT audit_append('me', 'x', 'x', '{}')"],
           "certmuster_ingest": [event("told", "collector"), "UPDATE location_state SET last_result = 'ok'", "SELECT * FROM sweep_upkeep()", "SELECT * FROM sweep_begin_due()", "DELETE FROM batch"], "certmuster_admin": ["SELECT audit_append('me', 'x', 'x', '{}')"]}
    for role, statements in may.items():
        for text, answer in zip(statements, attempt(db, role, statements)):
            equal(f"{role}: {text}", "yes", answer)


def test_superuser_is_found():
    """Who owns the cluster can write anywhere; the chain says where. (What else is found: tests/e2e/audit.sh.)"""
    db.sql("UPDATE audit_log SET actor = 'somebody else' WHERE seq = 2")
    assert "row 2 was changed" in certmuster("reader", "audit", "verify", status=1)
    db.sql("UPDATE audit_log SET actor = (SELECT actor FROM audit_log WHERE seq = 1) WHERE seq = 2")
    certmuster("reader", "audit", "verify")


def test_administrator_is_found():
    """CREATEROLE makes itself a member of any role that is no superuser's, as the manual says; without it there is no way."""
    head = re.search(r"head (\S+)", certmuster("reader", "audit", "verify"))[1]
    take = "GRANT certmuster_audit TO certmuster_admin; SET ROLE certmuster_audit;"
    db.sql(take + "UPDATE certmuster.audit_log SET actor = 'somebody else' WHERE seq = 2", user="certmuster_admin")
    assert "row 2 was changed" in certmuster("reader", "audit", "verify", status=1)
    db.sql("SET ROLE certmuster_audit; UPDATE certmuster.audit_log SET actor = (SELECT actor FROM certmuster.audit_log WHERE seq = 1) WHERE seq = 2; RESET ROLE;"
           "REVOKE certmuster_audit FROM certmuster_admin", user="certmuster_admin")
    certmuster("reader", "audit", "verify", "--head", head)
    db.sql("ALTER ROLE certmuster_admin NOCREATEROLE")
    done = db.psql(take, user="certmuster_admin")
    assert done.returncode and "must have admin option" in done.stderr, done.stderr
    certmuster("certmuster_admin", "migrate")
    db.sql("ALTER ROLE certmuster_admin CREATEROLE")


def test_restore():
    """The manual's: as the owner of the database it cannot be, as a superuser it is, and everybody has the rights that they had."""
    head = re.search(r"head (\S+)", certmuster("reader", "audit", "verify"))[1]
    dump = f"{TMP}/inventory.dump"
    tool = lambda *words: subprocess.run([f"{PG}/{words[0]}", "-h", db.dir, *words[1:]], capture_output=True, text=True)
    equal("pg_dump", (0, ""), (lambda done: (done.returncode, done.stderr))(tool("pg_dump", "-Fc", "-U", "certmuster_admin", "certmuster", "-f", dump)))
    db.sql("CREATE ROLE backup LOGIN; GRANT pg_read_all_data TO backup")
    equal("pg_dump by one that may only read", (0, ""), (lambda done: (done.returncode, done.stderr))(tool("pg_dump", "-U", "backup", "certmuster", "-f", "/dev/null")))
    rights = ("SELECT c.relname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text, coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(c.relacl) a), '') FROM pg_class c WHERE c.relnamespace = 'certmuster'::regnamespace"
              " UNION ALL SELECT p.oid::regprocedure::text, p.prosecdef::text, pg_get_userbyid(p.proowner), coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(p.proacl) a), '')"
              " FROM pg_proc p WHERE p.pronamespace = 'certmuster'::regnamespace ORDER BY 1, 2")
    for name in ("denied", "restored"):
        equal("createdb", 0, tool("createdb", "-U", "postgres", "-O", "certmuster_admin", name).returncode)
    done = tool("pg_restore", "-e", "-U", "certmuster_admin", "-d", "denied", dump)
    assert done.returncode and "certmuster_audit" in done.stderr, done
    equal("pg_restore", (0, ""), (lambda done: (done.returncode, done.stderr))(tool("pg_restore", "-e", "-U", "postgres", "-d", "restored", dump)))
    equal("owners and rights", db.sql(rights), db.sql(rights, database="restored"))
    for login in ("boss", "reader", "operator"):
        with open(f"{TMP}/restored-{login}.yaml", "w") as out:
            out.write(f'dsn: "host={db.dir} dbname=restored user={login}"\n')
    assert "nothing to do" in certmuster("restored-boss", "migrate")
    certmuster("restored-reader", "audit", "verify", "--head", head)
    certmuster("restored-operator", "scanner", "disable", "probe")
    certmuster("restored-reader", "audit", "verify", "--head", head)
    for answer in attempt(db, "certmuster_operate", ["DELETE FROM audit_log"]):
        assert "permission denied" in answer, answer
    for name in ("denied", "restored"):
        db.sql(f"DROP DATABASE {name}", database="postgres")


def test_hostile_arguments():
    """Objects of the caller's own under the names that the functions use, and arguments that no program sends."""
    before = int(db.sql("SELECT seq FROM audit_head"))
    done = db.psql("""CREATE TEMP TABLE audit_head (one boolean, seq bigint, hash bytea); INSERT INTO audit_head VALUES (true, 41, '\\x00');
        CREATE TEMP TABLE audit_log AS SELECT * FROM certmuster.audit_log; CREATE TEMP TABLE observation (day date) PARTITION BY RANGE (day); CREATE TEMP TABLE location_state (owner text);
        CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''\\x00''::bytea';
        CREATE FUNCTION pg_temp.audit_hash(bigint, timestamptz, text, text, text, text, text, bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''\\x00''::bytea';
        CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''epoch''::timestamptz';
        SET search_path = pg_temp, pg_catalog, certmuster; SELECT certmuster.audit_append('me', 'test.hostile', 'x', '{}'); SELECT certmuster.places_hold();""", user="operator")
    equal("called over objects of one's own", (0, str(before + 1)), (done.returncode, done.stdout.strip()))
    equal("the row", "operator|t", db.sql(f"SELECT db_user, at > now() - interval '1 minute' FROM audit_log WHERE seq = {before + 1}"))
    certmuster("reader", "audit", "verify")
    done = db.psql("CREATE TEMP TABLE observation (day date) PARTITION BY RANGE (day); SET search_path = pg_temp, certmuster; SELECT certmuster.observation_day(current_date + 20); SELECT certmuster.observation_forget()", user="feeder")
    equal(f"a day, over a table of one's own: {done.stderr}", 0, done.returncode)
    equal("made in the schema", "1", db.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relname = 'observation_' || to_char(current_date + 20, 'YYYYMMDD')"))
    for login, statement in (("operator", "SELECT audit_append(NULL, 'x', 'x', '{}')"), ("operator", "SELECT audit_append('x', 'x', 'x', NULL)"), ("operator", "SELECT audit_append('x', 'x', 'x', '[]')"),
                             ("operator", "SELECT audit_append('x', 'x', 'x', 'no JSON')"), ("operator", "SELECT audit_append('x', 'x', 'x', '\"\\u0000\"')"),
                             ("operator", "SELECT audit_append('x', 'x', 'x', json_build_object('a', repeat('x', 1100000))::text)"), ("operator", "SELECT audit_append(repeat('x', 5000), 'x', 'x', '{}')"),
                             ("operator", "SELECT audit_append('x', 'x', repeat('x', 20000), '{}')"), ("feeder", "SELECT observation_day(NULL)"), ("feeder", "SELECT observation_day('infinity')"),
                             ("feeder", "SELECT observation_day('2000-01-01')"), ("feeder", "SELECT observation_day('9999-01-01')")):
        assert db.psql(f"SET search_path = certmuster; {statement}", user=login).returncode, f"taken: {statement[:100]}"
    equal("rows of what was refused", str(before + 1), db.sql("SELECT seq FROM audit_head"))


def is_well():
    try:
        return Collector(f"{TMP}/c.sock").get("/healthz")[0] == 200
    except OSError:  # it does not listen yet
        return False


def start_collector():
    config = configure("feeder", f"collector:\n  judge_interval: 200ms\n  trust_store: {TMP}/roots.pem\nalerts:\n  interval: 1s\n  smtp:\n    url: smtp://127.0.0.1:1\n  fallback:\n    email: fallback@example.org\n")
    process = subprocess.Popen([f"{BIN}/certmuster-collectd", "--config", config, "--socket", f"{TMP}/c.sock"], stderr=open(f"{TMP}/collectd.log", "w"), stdout=subprocess.DEVNULL)
    wait_for("the collector", lambda: process.poll() is not None or is_well())
    equal("the collector runs", None, process.poll())
    return process


def use_operator():
    with open(f"{TMP}/owners.yaml", "w") as out:
        out.write("owners:\n  web: {email: [web@example.org]}\nrules:\n  - {name: '*.example.org', owner: web}\n")
    certmuster("operator", "owner", "load", f"{TMP}/owners.yaml")
    certmuster("operator", "owner", "list")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/k.pem", "-out", f"{TMP}/c.pem", "-days", "9", "-subj", "/CN=probe"],
                   check=True, stderr=subprocess.DEVNULL)
    certmuster("operator", "scanner", "add", "probe", "--cert", f"{TMP}/c.pem")
    certmuster("operator", "scanner", "disable", "probe")
    certmuster("operator", "scanner", "enable", "probe")
    certmuster("operator", "scanner", "list")
    certmuster("operator", "sweep", "create", "nightly", "--target", "192.0.2.0/29", "--every", "1h")
    certmuster("operator", "sweep", "limit", "default", "--rate", "1000", "--workers", "2")


def use_collector():
    """Everything that the daemon does, with nothing but the rights of certmuster_ingest."""
    der, c, run = template(TMP), Collector(f"{TMP}/c.sock"), new_run()
    certificates = [certificate(der, n) for n in range(30)]
    lines = [run_record(run, "started"), *map(cert_record, certificates), cert_record(b"0\x03\x02\x01\x01"),
             *(sighting(f"192.0.2.{n}", [d], run, name=f"host-{n:08}.example.org") for n, d in enumerate(certificates)), failure("192.0.2.200", run), run_record(run, "finished", ok=30, failed=1, targets=31)]
    equal("stored", (200, []), (lambda a: (a[0], a[1].get("rejected")))(c.batch(lines)))
    equal("again, unchanged", 200, c.batch([sighting(f"192.0.2.{n}", [d], new_run(), name=f"host-{n:08}.example.org") for n, d in enumerate(certificates)])[0])
    equal("owned by rule", "30", db.sql("SELECT count(*) FROM location_state WHERE owner = 'web'"))
    wait_for("verdicts", lambda: db.sql("SELECT count(*) FROM chain_verdict") == "30" and db.sql("SELECT count(*) FROM docket") == "0")
    db.sql("UPDATE certificate SET not_before = now() - interval '87 days', not_after = now() + interval '3 days'; CREATE TABLE observation_20200101 PARTITION OF observation FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');"
           "ALTER TABLE observation_20200101 OWNER TO certmuster_admin;"
           "INSERT INTO batch (batch_key, scanner, received_at, stored) VALUES ('old', 'x', now() - interval '401 days', 0);"
           "INSERT INTO sweep VALUES (gen_random_uuid(), 'gone', 'scan', 'default', 'finished', 'x', now() - interval '500 days', now() - interval '500 days', now() - interval '401 days', 1, 1);"
           "UPDATE sweep_plan SET next_at = now()")
    wait_for("alerts", lambda: int(db.sql("SELECT count(*) FROM alert WHERE resolved_at IS NULL")) == 30 and int(db.sql("SELECT count(*) FROM delivery")) > 0)
    wait_for("a sweep by its schedule", lambda: db.sql("SELECT count(*) FROM sweep WHERE plan = 'nightly' AND started_by = 'schedule'") == "1")
    status, content = c.request("POST", "/v1/leases", b'{"kind":"scan","scanner":"local"}')
    equal("a lease", 200, status)
    equal("of a lease", 200, c.request("POST", f"/v1/leases/{json.loads(content)['lease']}", b'{"state":"given_back","scanner":"local"}')[0])
    wait_for("old sweeps to go", lambda: db.sql("SELECT count(*) FROM sweep WHERE plan = 'gone'") == "0")
    certmuster("operator", "alert", "ack", sha(certificates[0]), "--note", "seen")
    equal("acknowledged", "1", db.sql("SELECT count(*) FROM alert WHERE acked_at IS NOT NULL"))
    db.sql("UPDATE certificate SET not_after = now() + interval '300 days'")
    wait_for("alerts to be resolved", lambda: db.sql("SELECT count(*) FROM alert WHERE resolved_at IS NULL") == "0")


def upkeep_at_start(process):
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    db.sql("UPDATE upkeep SET done_at = '-infinity'")
    said = open(f"{TMP}/collectd.log").read()
    process = start_collector()
    wait_for("the old day to be dropped", lambda: db.sql("SELECT count(*) FROM pg_class WHERE relname = 'observation_20200101'") == "0")
    wait_for("the old key to be dropped", lambda: db.sql("SELECT count(*) FROM batch WHERE batch_key = 'old'") == "0")
    wait_for("all upkeep", lambda: db.sql("SELECT count(*) FROM upkeep WHERE done_at = '-infinity' AND task IN ('partitions', 'keys', 'fold', 'lost_runs', 'sweeps', 'starts')") == "0")
    equal("tomorrow", "1", db.sql("SELECT count(*) FROM pg_class WHERE relname = 'observation_' || to_char((now() AT TIME ZONE 'UTC')::date + 1, 'YYYYMMDD')"))
    said += open(f"{TMP}/collectd.log").read()
    for word in ("permission denied", "42501", "must be owner", "upkeep_put_off"):
        assert word not in said, [line for line in said.splitlines() if word in line]
    return process


def test_programs():
    for login, role in LOGINS.items():
        db.login(login, role)
        configure(login)
    use_operator()
    process = start_collector()
    try:
        use_collector()
        process = upkeep_at_start(process)
        for words in (("expiring",), ("inventory",), ("inventory", "--format", "ndjson"), ("evidence", "-o", f"{TMP}/evidence")):
            certmuster("reader", *words, program="certmuster-report")
        assert json.load(open(f"{TMP}/evidence/coverage.json"))["places"]["known"] == 31
        for words in (("audit", "list"), ("audit", "verify"), ("audit", "export"), ("alert", "list"), ("owner", "list"), ("scanner", "list"), ("sweep", "list"), ("run", "list"), ("migrate", "--status")):
            certmuster("reader", *words)
        browse_as_reader()
        lacking_rights()
        certmuster("boss", "migrate")
        process.send_signal(signal.SIGTERM)
        equal("the collector's end", 0, process.wait(30))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def browse():
    environment = {"CERTMUSTER_HOME": os.environ["CERTMUSTER_HOME"], **{k: os.environ[k] for k in ("ASAN_OPTIONS", "LSAN_OPTIONS") if k in os.environ}}
    return Terminal(TMP, 120, 30, f"{BIN}/certmuster-browse --config {TMP}/reader.yaml", environment)


def browse_as_reader():
    terminal = browse()
    try:
        terminal.wait("1 of 30")
        terminal.keys("Enter")
        terminal.wait("192.0.2.")
        terminal.keys("Escape")
        terminal.wait("1 of 30")
        terminal.leave()
    finally:
        terminal.close()


def lacking_rights():
    """One line, which says which role has the right."""
    plans = (("reader", ("owner", "load", f"{TMP}/owners.yaml"), "certmuster_operate"), ("reader", ("alert", "ack", "00" * 32), "certmuster_operate"),
             ("reader", ("scanner", "add", "probe", "--cert", f"{TMP}/c.pem"), "certmuster_operate"), ("reader", ("scanner", "disable", "probe"), "certmuster_operate"),
             ("reader", ("sweep", "create", "x", "--target", "192.0.2.1"), "certmuster_operate"), ("reader", ("sweep", "start", "nightly"), "certmuster_operate"),
             ("feeder", ("owner", "load", f"{TMP}/owners.yaml"), "certmuster_operate"), ("feeder", ("sweep", "delete", "nightly"), "certmuster_operate"))
    before = db.sql("SELECT hash FROM audit_head")
    for login, words, role in plans:
        if words[1] == "ack":
            db.sql("UPDATE alert SET resolved_at = NULL")
            words = (words[0], words[1], db.sql("SELECT encode(sha256, 'hex') FROM alert LIMIT 1"))
        said = certmuster(login, *words, status=3)
        assert len(said.splitlines()) == 1 and "permission denied" in said and f"it takes role {role}" in said, (words, said)
    configure("stranger")
    said = certmuster("stranger", "audit", "list", status=3)
    assert len(said.splitlines()) == 1 and "it takes role certmuster_read" in said, said
    db.sql("DELETE FROM schema_version WHERE number = (SELECT max(number) FROM schema_version)")
    for login in ("reader", "operator"):
        said = certmuster(login, "migrate", status=3)
        assert len(said.splitlines()) == 1 and "it takes role certmuster_admin" in said, said
    newest = max(int(re.match(r"\d+", name)[0]) for name in os.listdir(f"{os.environ['CM_TOP']}/sql") if name.endswith(".sql"))
    db.sql(f"INSERT INTO schema_version (number, name) VALUES ({newest}, 'again')")
    equal("acts of those who lack the right", before, db.sql("SELECT hash FROM audit_head"))


def test_newer():
    """Programs of an older version than the schema leave it alone."""
    db.sql("INSERT INTO schema_version (number, name) VALUES (9999, '9999_from_the_future')")
    for login, words in (("operator", ("owner", "load", f"{TMP}/owners.yaml")), ("operator", ("scanner", "disable", "probe")), ("reader", ("audit", "list")), ("boss", ("migrate",))):
        said = certmuster(login, *words, status=3)
        assert len(said.splitlines()) == 1 and "newer than this program" in said, said
    done = subprocess.run([f"{BIN}/certmuster-collectd", "--config", f"{TMP}/feeder.yaml", "--socket", f"{TMP}/other.sock"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "the inventory is newer than this collector: update it" in done.stderr, done
    db.sql("DELETE FROM schema_version WHERE number = 9999")


def everything():
    """A digest of each table."""
    return db.sql("SELECT string_agg(c.relname || ' ' || md5(query_to_xml(format('SELECT t::text FROM certmuster.%I t ORDER BY 1', c.relname), true, false, '')::text), E'\\n' ORDER BY c.relname)"
                  " FROM pg_class c WHERE c.relnamespace = 'certmuster'::regnamespace AND c.relkind = 'r'").splitlines()


def spooled():
    """Where records wait; a scanner that root started has a spool of its own."""
    return sorted({at for name in os.listdir(TMP) if name.startswith("spool") for at, _, names in os.walk(f"{TMP}/{name}") if any(".seg" in n for n in names)})


def test_newer_comes():
    """A collector that runs while migrate brings a newer schema: it writes nothing, says why, and goes on by itself when the version is its own again. Nothing is lost."""
    process = start_collector()
    newer = "the inventory is newer than this collector: update it"
    config = configure("feeder", f"collector:\n  socket: {TMP}/c.sock\nspool:\n  dir: {TMP}/spool\n")
    c, run, der = Collector(f"{TMP}/c.sock"), new_run(), certificate(template(TMP), 77)
    batch, key = [cert_record(der), sighting("192.0.2.77", [der], run)], f"file/{'7' * 64}"
    lease = lambda: c.request("POST", "/v1/leases", b'{"kind":"scan","scanner":"local"}')
    terminal = browse()
    try:
        terminal.wait(" of ")
        certmuster("operator", "sweep", "create", "due", "--target", "192.0.2.0/29")
        certmuster("operator", "sweep", "start", "due")
        equal("a lease", 200, lease()[0])
        # As migrate does it. What comes due by itself from now on would be upkeep, a sweep and an alert.
        db.sql("BEGIN; LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE; UPDATE upkeep SET done_at = '-infinity'; UPDATE sweep_plan SET next_at = now() WHERE every IS NOT NULL;"
               "UPDATE certificate SET not_before = now() - interval '88 days', not_after = now() + interval '2 days'; INSERT INTO docket SELECT chain_id, '' FROM chain; INSERT INTO schema_version (number, name) VALUES (9999, '9999_from_the_future'); COMMIT")
        before = everything()
        assert len(before) > 30, before
        equal("a batch", (503, {"error": newer}), c.batch(batch, key))
        assert int(c.headers["Retry-After"]) > 0
        equal("a question", (503, {"error": newer}), c.missing([sha(der)]))
        equal("sweep work", (503, newer), (lambda a: (a[0], json.loads(a[1])["error"]))(lease()))
        wait_for("it to say that it is not well", lambda: c.get("/healthz")[0] == 503)
        health = json.loads(c.get("/healthz")[1])
        equal("why", ("degraded", "up", newer), (health["status"], health["database"], health["reason"]))
        assert newer in certmuster("feeder", "status", status=1)
        crawl = subprocess.Popen([f"{BIN}/certmuster-crawl", "--config", config, "--to", f"unix:{TMP}/c.sock", f"{TMP}/c.pem"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kept = wait_for("a spool", spooled)
        until = time.monotonic() + 1.5  # seven rounds of the judge
        while time.monotonic() < until:
            equal("again and again", 503, c.batch(batch, key)[0])
            time.sleep(0.1)
        equal("told once", 1, open(f"{TMP}/collectd.log").read().count("inventory_version "))
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'certmuster-browse'")
        terminal.wait("the database is newer than this program")
        other = browse()
        other.wait("exit 3")
        assert "the database is newer than this program; install that version: schema 9999" in other.stderr(), other.stderr()
        other.close()
        equal("what was written", [], sorted(set(everything()) - set(before)))
        equal("the spool", kept, spooled())
        db.sql("DELETE FROM schema_version WHERE number = 9999")
        wait_for("it to be well again", lambda: c.get("/healthz")[0] == 200)
        terminal.keys("r")
        wait_for("browse to be well again", lambda: " of " in "".join(terminal.screen()) and "newer" not in "".join(terminal.screen()))
        terminal.leave()
        c.patience_s = 30
        equal("the batch", (200, 1), (lambda a: (a[0], a[1]["stored"] - 1))(c.batch(batch, key)))
        crawl.wait(60)
        wait_for("the spool to be delivered", lambda: subprocess.run([f"{BIN}/certmuster-submit", "--config", config, "--to", f"unix:{TMP}/c.sock", kept[0]], capture_output=True).returncode == 0)
        equal("left in the spool", [], spooled())
        equal("places", "1|1", db.sql(f"SELECT (SELECT count(*) FROM location WHERE path = '{TMP}/c.pem'), (SELECT count(*) FROM location WHERE ip = '192.0.2.77')"))
        wait_for("schedules and alerts", lambda: db.sql("SELECT count(*) FROM upkeep WHERE done_at = '-infinity' AND task = 'sweeps'") == "0" and int(db.sql("SELECT count(*) FROM alert WHERE resolved_at IS NULL")) > 0)
        log = open(f"{TMP}/collectd.log").read()
        equal("told of the end once", (1, 1, 0, 0), tuple(log.count(word) for word in ("inventory_version ", "inventory_version_fits", "database_away", "batch_failed")))
    finally:
        terminal.close()
        process.send_signal(signal.SIGTERM)
        equal("the collector's end", 0, process.wait(30))


def main():
    global db
    db = Cluster()
    try:
        configure("certmuster_admin")
        certmuster("certmuster_admin", "migrate")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/r.key", "-out", f"{TMP}/roots.pem", "-days", "9", "-subj", "/CN=Root of roles"],
                       check=True, stderr=subprocess.DEVNULL)
        for test in (test_programs, test_matrix, test_other_relations, test_functions, test_making, test_proofs, test_superuser_is_found, test_administrator_is_found, test_restore, test_hostile_arguments, test_newer, test_newer_comes):
            began = time.monotonic()
            test()
            print(f"{test.__name__[5:]}: {time.monotonic() - began:.1f} s", flush=True)
    finally:
        db.stop()


main()
