#!/usr/bin/python3
"""Expiry alerts end to end: a real collector and PostgreSQL, a real postfix that takes the mail, a real listener that takes the webhooks.

Told once per threshold and at most once a day, to the right people, with what they need; acknowledged, resolved, reopened, reassigned; receivers
that are down; and the collector killed with SIGKILL between a receiver's answer and our commit. Certificates are put into the inventory by SQL,
so that their lives can be moved in time; what is tested begins behind it. A marker certificate that is told proves that the collector has looked
since: nothing here waits for luck.
"""
import email, email.policy, hashlib, http.server, json, os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, threading, time

import jsonschema

TOP = pathlib.Path(os.environ.get("CM_TOP") or pathlib.Path(__file__).resolve().parents[2])
BIN = pathlib.Path(os.environ.get("CM_BIN") or TOP / "build/asan")
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:/usr/sbin:{os.environ['PATH']}"
if os.geteuid() != 0:
    print("skipped: postfix starts as root only")
    sys.exit(77)
DIR = pathlib.Path(tempfile.mkdtemp(prefix="t."))
DIR.chmod(0o755)
HOME = DIR / "home"
HOME.mkdir()
os.environ["CERTMUSTER_HOME"] = str(HOME)
SCHEMA = json.loads((TOP / "contrib/schema/alert-v1.schema.json").read_text())
DAY = 86400


def fail(text):
    raise AssertionError(text)


def check(condition, text):
    if not condition:
        fail(text)


def equal(what, expected, actual):
    check(expected == actual, f"{what}: expected {expected!r}, got {actual!r}")


def wait_for(seconds, what, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    fail(f"waited {seconds} s in vain for {what}")


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != status:
        fail(f"{' '.join(command)}: status {done.returncode}, wanted {status}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def psql_command():
    return ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", (HOME / "sockets").read_text().strip(), "-U", "certmuster_admin", "-d", "certmuster"]


def sql(text):
    done = subprocess.run(psql_command(), input="SET search_path = certmuster;\n" + text, capture_output=True, text=True)
    check(done.returncode == 0, f"SQL: {done.stderr}\n{text}")
    return done.stdout.strip()


class DeliveryLock:
    """Table delivery locked by a session of its own: the collector can neither claim nor confirm."""

    def __init__(self):
        self.psql = subprocess.Popen(psql_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.psql.stdin.write("BEGIN; LOCK TABLE certmuster.delivery IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        self.psql.stdin.flush()
        equal("lock", "held", self.psql.stdout.readline().strip())

    def collector_waits(self):
        return sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'certmuster_ingest' AND wait_event_type = 'Lock' AND query LIKE '%delivery%'") != "0"

    def kill_collector(self):
        """SIGKILL, before its commit: the server's session, which would wait for the lock and then commit for a client that is gone, ends too."""
        pid = collector_pid()
        os.kill(pid, signal.SIGKILL)
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'certmuster_ingest'")
        wait_for(10, "the end of its sessions", lambda: sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'certmuster_ingest'") == "0")
        self.release()

    def release(self):
        self.psql.stdin.close()
        self.psql.wait()


class Listener:
    """The webhook's receiver. status is what it answers; before_answer runs after the whole request was read."""

    def __init__(self):
        self.requests, self.status, self.before_answer = [], 200, None
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook, listener.before_answer = listener.before_answer, None
                if hook:
                    hook(body)
                status = listener.status
                listener.requests.append({"path": self.path, "key": self.headers["Idempotency-Key"], "type": self.headers["Content-Type"], "raw": body,
                                          "body": json.loads(body), "status": status})
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the collector was killed

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, name, event="told"):
        return [r for r in self.requests if r["body"]["certificate"]["name"] == name and r["body"]["event"] == event]


class Postfix:
    """A private instance; mail for example.org lands in one Maildir. slow@example.org is answered after three seconds."""

    def __init__(self):
        self.dir, self.port, self.process = DIR / "postfix", free_port(), None
        for sub in ("etc", "queue", "data", "mail"):
            (self.dir / sub).mkdir(parents=True)
        shutil.chown(self.dir / "data", "postfix")
        shutil.chown(self.dir / "mail", "nobody")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mail.example.org", "-days", "30",
            "-keyout", str(self.dir / "key.pem"), "-out", str(self.dir / "cert.pem"))
        uid, gid = shutil._get_uid("nobody"), shutil._get_gid("nogroup")
        (self.dir / "etc/main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.dir}/queue
data_directory = {self.dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {DIR}/postfix.log
maillog_file_prefixes = {DIR}
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{slow@example.org = sleep 3}} {{refused@example.org = reject}} }}, permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {self.dir}/cert.pem
smtpd_tls_key_file = {self.dir}/key.pem
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {self.dir}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
""")
        (self.dir / "etc/master.cf").write_text(f"""
127.0.0.1:{self.port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
virtual   unix - n n - - virtual
error     unix - - n - - error
retry     unix - - n - - error
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
proxymap  unix - - n - - proxymap
postlog   unix-dgram n - n - 1 postlogd
""")

    def start(self):
        self.process = subprocess.Popen(["postfix", "-c", str(self.dir / "etc"), "start-fg"], stdin=subprocess.DEVNULL,
                                        stdout=open(DIR / "postfix.out", "ab"), stderr=subprocess.STDOUT)

        def answers():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                    return s.recv(3) == b"220"
            except OSError:
                return False

        wait_for(20, "postfix", answers)

    def stop(self):
        if self.process:
            subprocess.run(["postfix", "-c", str(self.dir / "etc"), "stop"], capture_output=True)
            self.process.wait(20)
            self.process = None

    def mails(self, word=None):
        found = []
        for path in sorted((self.dir / "mail/inbox/new").glob("*")):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if word is None or word in str(mail["Subject"]):
                found.append(mail)
        return found


listener, postfix = Listener(), Postfix()
made = 0


def make(name, left_days, owner=None, lifetime_days=90, places=1, role="server", fallback_name=None):
    """A certificate with this much life left, at that many places of that owner. Its fingerprint."""
    global made
    made += 1
    sha256 = hashlib.sha256(f"{made} {name}".encode()).hexdigest()
    quoted = "U&" + "'" + "".join(f"\\{ord(c):04x}" if not c.isalnum() else c for c in name) + "'"
    owner_sql = f"'{owner}'" if owner else "NULL"
    sql(f"""BEGIN;
INSERT INTO certificate (sha256, der, display_name, subject, issuer, common_name, serial, not_before, not_after, key_alg, key_bits, first_seen, last_seen)
 VALUES ('\\x{sha256}', '\\x30', {quoted}, 'CN=' || {quoted}, 'CN=Test CA', {quoted}, '\\x0{made % 10}', now() + interval '{left_days - lifetime_days} days',
         now() + interval '{left_days} days', 'RSA', 2048, now(), now());
INSERT INTO certificate_name VALUES ('\\x{sha256}', 'cn', {quoted}, reverse({quoted})), ('\\x{sha256}', 'dns', 'alt.example.org', 'gro.elpmaxe.tla');
INSERT INTO chain VALUES (substr('{sha256}', 1, 32)::uuid, ARRAY['\\x{sha256}'::bytea], '\\x{sha256}', now() + interval '{left_days} days');
INSERT INTO location (location_id, kind, realm, transport, ip, port, name, first_seen)
 SELECT md5('{sha256}' || i)::uuid, 'endpoint', 'default', 'tcp', '10.{made}.0.0'::inet + i, 443, 'h' || i || '.example.org', now() FROM generate_series(1, {places}) i;
INSERT INTO location_state (location_id, source, scanner, last_result, owner)
 SELECT md5('{sha256}' || i)::uuid, 'scan', 'test', 'ok', {owner_sql} FROM generate_series(1, {places}) i;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source)
 SELECT md5('{sha256}' || i)::uuid, substr('{sha256}', 1, 32)::uuid, '{role}', now(), now(), 'scan' FROM generate_series(1, {places}) i;
COMMIT""")
    return sha256


def set_left(sha256, days):
    """Time passes for one certificate; its lifetime stays."""
    sql(f"UPDATE certificate SET not_after = now() + interval '{days} days', not_before = not_before + (now() + interval '{days} days' - not_after)"
        f" WHERE sha256 = '\\x{sha256}'")


def a_day_passes(sha256):
    sql(f"UPDATE alert SET told_at = told_at - interval '25 hours' WHERE sha256 = '\\x{sha256}'")


def alert(sha256, column, owner=None):
    where = f" AND owner = '{owner}'" if owner is not None else ""
    return sql(f"SELECT {column} FROM alert WHERE sha256 = '\\x{sha256}'{where}")


def marker():
    """The collector has looked, queued and sent everything that was there before this call."""
    name = f"marker-{made}"
    make(name, 5, owner="marker")
    wait_for(30, name, lambda: listener.of(name))
    wait_for(30, "the queue to be empty", lambda: sql("SELECT count(*) FROM delivery WHERE state = 'sending' OR state = 'pending' AND attempts = 0") == "0")


def configure(fallback=True):
    (HOME / "certmuster.yaml").write_text(f"""
collector.judge_interval: 250ms
alerts:
  interval: 1s
  timeout: 4s
  from: certmuster@muster.example
  smtp:
    url: smtp://127.0.0.1:{postfix.port}
""" + ("  fallback:\n    email: fallback@example.org\n" if fallback else ""))


def collector_pid():
    return int((HOME / "collectd.pid").read_text())


def up():
    run("certmuster", "up")


def note(text):
    print(f"--- {text}", flush=True)


def load_owners(extra=""):
    (DIR / "owners.yaml").write_text(f"""
owners:
  pay: {{email: [a@example.org, b@example.org], webhook: "{listener.url}/secret-path", contact: "+49 30 1234", environment: production, criticality: high}}
  marker: {{webhook: "{listener.url}/marker"}}
  slow: {{email: slow@example.org}}
  hook: {{webhook: "{listener.url}/hook"}}
  mail: {{email: c@example.org}}
  refused: {{email: [refused@example.org, d@example.org]}}
  silent: {{contact: "knock at room 5"}}
{extra}""")
    run("certmuster", "owner", "load", str(DIR / "owners.yaml"))


def told_once_with_everything():
    note("told once, with everything that people need, to everybody who shall hear of it")
    sha256 = make("www.pay.example", 5.05, owner="pay", places=12)
    short = make("short.example", 20, owner="pay", lifetime_days=47)
    far = make("far.example", 60, owner="pay", lifetime_days=400)
    anchor = make("anchor.example", 5, owner="pay", role="trust")
    wait_for(30, "webhook", lambda: listener.of("www.pay.example"))
    wait_for(30, "two mails", lambda: len(postfix.mails("www.pay.example")) == 2)
    mails = postfix.mails("www.pay.example")
    equal("recipients", ["a@example.org", "b@example.org"], sorted(str(m["To"]) for m in mails))
    equal("sender", "certmuster <certmuster@muster.example>", str(mails[0]["From"]))
    equal("subject", "www.pay.example expires in 5 days, at 12 places", str(mails[0]["Subject"]))
    check("with ESMTPS" in mails[0].as_string(), "the mail did not come encrypted")
    text = mails[0].get_content()
    for wanted in ("expires in 5 days", "CN=Test CA", sha256, "Owner        pay", "+49 30 1234", "production", "a@example.org, b@example.org, webhook 127.0.0.1",
                   "Places (12):", "h1.example.org", "... and 2 more", "Names (2):", "alt.example.org", f"certmuster alert ack {sha256[:16]}"):
        check(wanted in text, f"'{wanted}' is not in the mail:\n{text}")
    request = listener.of("www.pay.example")[0]
    jsonschema.validate(request["body"], SCHEMA, format_checker=jsonschema.FormatChecker())
    equal("key", request["body"]["id"], request["key"])
    equal("type", "application/json", request["type"])
    equal("path", "/secret-path", request["path"])
    equal("threshold", 7, request["body"]["threshold_days"])
    equal("places", (10, 12), (len(request["body"]["places"]), request["body"]["places_total"]))
    everything = text + request["raw"].decode() + (HOME / "log/collectd.log").read_text() + run("certmuster", "alert", "show", sha256[:16])
    check("secret-path" not in everything, "the webhook's path is a secret")
    marker()
    marker()
    equal("mails after more looks", 2, len(postfix.mails("www.pay.example")))
    equal("webhooks after more looks", 1, len(listener.of("www.pay.example")))
    for quiet, why in ((short, "47 days, 20 left"), (far, "60 days left"), (anchor, "a trust anchor of a store")):
        equal(f"alert of {why}", "", alert(quiet, "threshold"))
    set_left(short, 15)  # below 47 * 30 / 90
    wait_for(30, "the 47-day certificate", lambda: listener.of("short.example"))
    equal("its threshold", 30, listener.of("short.example")[0]["body"]["threshold_days"])
    return sha256


def once_a_day(sha256):
    note("a tighter threshold is told, but no second message within a day")
    set_left(sha256, 2)
    wait_for(30, "threshold 3", lambda: alert(sha256, "threshold") == "3")
    marker()
    equal("webhooks within the day", 1, len(listener.of("www.pay.example")))
    a_day_passes(sha256)
    wait_for(30, "the second message", lambda: len(listener.of("www.pay.example")) == 2)
    equal("its threshold", 3, listener.of("www.pay.example")[1]["body"]["threshold_days"])
    check(listener.requests[-1]["key"] != listener.of("www.pay.example")[0]["key"], "another message has another key")
    wait_for(30, "mails", lambda: len(postfix.mails("www.pay.example")) == 4)
    a_day_passes(sha256)
    marker()
    equal("the same threshold a day later", 2, len(listener.of("www.pay.example")))
    equal("message ids of mails", 4, len({str(m["Message-ID"]) for m in postfix.mails("www.pay.example")}))


def acknowledged(sha256):
    note("acknowledged: silent until a tighter threshold")
    out = run("certmuster", "alert", "ack", sha256[:8], "--note", "INC-4711")
    check("acknowledged: 1 alert" in out, out)
    sql(f"UPDATE alert SET told_threshold = NULL WHERE sha256 = '\\x{sha256}'")  # as if nobody had been told yet
    a_day_passes(sha256)
    marker()
    equal("webhooks while acknowledged", 2, len(listener.of("www.pay.example")))
    listed = json.loads(run("certmuster", "alert", "list", "--format", "json"))
    mine = [a for a in listed if a["sha256"] == sha256][0]
    equal("listed", ("acknowledged", "INC-4711", 3), (mine["state"], mine["acked_note"], mine["threshold_days"]))
    set_left(sha256, -0.1)
    wait_for(30, "expired", lambda: len(listener.of("www.pay.example")) == 3)
    equal("threshold", 0, listener.of("www.pay.example")[2]["body"]["threshold_days"])
    check("expired 2 hours ago" in listener.of("www.pay.example")[2]["body"]["text"], "what it says")
    told = f"SELECT count(*) FROM alert_event WHERE sha256 = '\\x{sha256}' AND event = 'told'"
    wait_for(30, "everybody told of it", lambda: int(sql(told)) == 9)  # three thresholds or days, each to three receivers
    run("certmuster", "alert", "ack", sha256[:16])
    run("certmuster", "alert", "unack", sha256[:16])
    events = sql(f"SELECT event FROM alert_event WHERE sha256 = '\\x{sha256}' ORDER BY at").split()
    equal("history", "opened told threshold told acknowledged threshold told acknowledged unacknowledged".split(),
          [e for i, e in enumerate(events) if i == 0 or e != events[i - 1]])
    run("certmuster", "alert", "unack", sha256[:16], status=1)
    run("certmuster", "alert", "ack", "0" * 16, status=1)
    run("certmuster", "alert", "ack", "xyz", status=2)


def resolved(sha256):
    note("resolved when every place serves a newer one, not before; a webhook hears of it, people do not")
    mails = len(postfix.mails())
    new = make("new.pay.example", 80, owner="pay")
    chain = f"substr('{new}', 1, 32)::uuid"
    renew = f"""UPDATE sighting SET absent_runs = 1 WHERE chain_id = substr('{sha256}', 1, 32)::uuid AND location_id %s;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source) SELECT location_id, {chain}, role, now(), now(), source
  FROM sighting WHERE chain_id = substr('{sha256}', 1, 32)::uuid AND location_id %s"""
    last = f"md5('{sha256}' || 12)::uuid"
    sql(renew % (f"<> {last}", f"<> {last}"))
    wait_for(30, "one place left", lambda: alert(sha256, "places") == "1")
    equal("still open", "", alert(sha256, "resolved_at"))
    sql(renew % (f"= {last}", f"= {last}"))
    wait_for(30, "resolved", lambda: alert(sha256, "resolution") == "renewed")
    end = wait_for(30, "the webhook's end", lambda: listener.of("www.pay.example", "resolved"))
    jsonschema.validate(end[0]["body"], SCHEMA)
    equal("resolution", "renewed", end[0]["body"]["resolution"])
    marker()
    equal("told of the end once", 1, len(listener.of("www.pay.example", "resolved")))
    equal("mails", mails, len(postfix.mails()))
    listed = json.loads(run("certmuster", "alert", "list", "--format", "json"))
    check(sha256 not in [a["sha256"] for a in listed], "a resolved alert is listed as open")
    check(sha256 in [a["sha256"] for a in json.loads(run("certmuster", "alert", "list", "--all", "--format", "json"))], "--all lists it")

    note("it comes back: opened again, told a day after the last message")
    sql(f"UPDATE sighting SET absent_runs = 0 WHERE location_id = {last} AND chain_id = substr('{sha256}', 1, 32)::uuid;"
        f"UPDATE sighting SET absent_runs = 1 WHERE location_id = {last} AND chain_id = {chain}")
    wait_for(30, "reopened", lambda: alert(sha256, "resolved_at IS NULL") == "t")
    marker()
    equal("within the day", 3, len(listener.of("www.pay.example")))
    a_day_passes(sha256)
    wait_for(30, "told again", lambda: len(listener.of("www.pay.example")) == 4)
    sql(f"UPDATE sighting SET closed_at = now() WHERE chain_id = substr('{sha256}', 1, 32)::uuid; UPDATE sighting SET closed_at = now() WHERE location_id = {last}")
    wait_for(30, "resolved again", lambda: alert(sha256, "resolved_at IS NOT NULL") == "t")
    gone = make("gone.example", 5, owner="hook")
    wait_for(30, "told", lambda: listener.of("gone.example"))
    sql(f"UPDATE sighting SET closed_at = now() WHERE chain_id = substr('{gone}', 1, 32)::uuid")
    wait_for(30, "gone", lambda: alert(gone, "resolution") == "gone")


def reassigned():
    note("another owner: the one is done with it, the other is told")
    sha256 = make("moved.example", 5, owner="mail")
    wait_for(30, "told", lambda: len(postfix.mails("moved.example")) == 1)
    load_owners("rules:\n  - {cidr: 10.%d.0.0/16, owner: hook}\n" % made)
    # The rules decide over all places; those of the other steps get their owners back.
    wait_for(30, "reassigned", lambda: alert(sha256, "resolution", "mail") == "reassigned")
    wait_for(30, "the new owner", lambda: listener.of("moved.example"))
    equal("the old one's mails", 1, len(postfix.mails("moved.example")))


def hostile():
    note("names that hold line breaks, escapes and markup become no header and no line")
    name = "evil\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>\x1b[2J=?UTF-8?Q?=0A?= \u202egnp.exe ünï"
    make(name, 5)
    wait_for(30, "mail", lambda: len(postfix.mails("evil")) == 1)
    mail = postfix.mails("evil")[0]
    equal("recipient", "fallback@example.org", str(mail["To"]))
    check(mail["Bcc"] is None and mail.defects == [], f"headers: {mail.items()} {mail.defects}")
    subject, text = str(mail["Subject"]), mail.get_content()
    for bad in "\r\n\x1b\u202e":
        check(bad not in subject, f"{bad!r} in the subject {subject!r}")
    check("\x1b" not in text and "\nBcc:" not in text and "\u202e" not in text, f"the text: {text!r}")
    check("evil\\x0D\\x0ABcc: victim@example.org" in text, f"the name, escaped: {text!r}")
    check("ünï" in text and "nobody" in text, "the rest of the name, and that nobody owns it")
    equal("nobody else got it", 1, len(postfix.mails("evil")))
    out = run("certmuster", "alert", "list")
    check("\x1b" not in out and "\nBcc" not in out, "alert list")


def receivers_down():
    note("a webhook that fails: tried again with the same key and body, confirmed once")
    listener.status = 503
    make("down.example", 5, owner="hook")
    wait_for(30, "three attempts", lambda: len(listener.of("down.example")) >= 3)
    equal("state", "pending", sql("SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'down.example'"))
    check("HTTP 503" in sql("SELECT last_error FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'down.example'"), "the reason is kept")
    listener.status = 200
    wait_for(60, "sent", lambda: sql("SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'down.example'") == "sent")
    marker()
    requests = listener.of("down.example")
    equal("one key, one body", 1, len({(r["key"], r["raw"]) for r in requests}))
    equal("confirmed once", 1, len([r for r in requests if r["status"] == 200]))

    note("one address is refused: the other gets its mail, once")
    make("refused.example", 5, owner="refused")
    wait_for(30, "the good address", lambda: len(postfix.mails("refused.example")) == 1)
    wait_for(30, "attempts", lambda: int(sql("SELECT max(attempts) FROM delivery WHERE destination = 'refused@example.org'")) >= 3)
    equal("the good address", 1, len(postfix.mails("refused.example")))
    sql("UPDATE delivery SET state = 'failed' WHERE destination = 'refused@example.org'")

    note("the mail server is down, then up")
    postfix.stop()
    make("mailless.example", 5, owner="mail")
    wait_for(30, "attempts", lambda: int(sql("SELECT coalesce(max(attempts), 0) FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'mailless.example'")) >= 2)
    marker()  # webhooks do not wait for the mail server
    postfix.start()
    wait_for(60, "mail", lambda: len(postfix.mails("mailless.example")) == 1)
    marker()
    equal("once", 1, len(postfix.mails("mailless.example")))


def killed_between_answer_and_commit():
    note("SIGKILL between the webhook's answer and our commit: sent again with the same key, then never more")
    locks = []
    listener.before_answer = lambda body: locks.append(DeliveryLock())
    make("crash.example", 5, owner="hook")
    wait_for(30, "the answer", lambda: len(listener.of("crash.example")) == 1)
    wait_for(30, "the collector to wait for its commit", locks[0].collector_waits)
    locks[0].kill_collector()
    state = "SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = "
    equal("state", "sending", sql(state + "'crash.example'"))
    up()
    wait_for(60, "sent again", lambda: len(listener.of("crash.example")) == 2)
    wait_for(30, "confirmed", lambda: sql(state + "'crash.example'") == "sent")
    first, second = listener.of("crash.example")
    equal("key", first["key"], second["key"])
    equal("body", first["raw"], second["raw"])
    marker()
    run("certmuster", "down")
    up()
    marker()
    equal("never again", 2, len(listener.of("crash.example")))

    note("the same with mail: the same Message-ID")
    make("slow.example", 5, owner="slow")
    wait_for(30, "sending", lambda: sql(state + "'slow.example'") == "sending")
    lock = DeliveryLock()  # the mail server takes three seconds over this recipient
    equal("not yet there", 0, len(postfix.mails("slow.example")))
    wait_for(30, "the mail", lambda: len(postfix.mails("slow.example")) == 1)
    wait_for(30, "the collector to wait for its commit", lock.collector_waits)
    lock.kill_collector()
    equal("state", "sending", sql(state + "'slow.example'"))
    up()
    wait_for(60, "the second mail", lambda: len(postfix.mails("slow.example")) == 2)
    wait_for(30, "confirmed", lambda: sql(state + "'slow.example'") == "sent")
    equal("Message-ID", 1, len({str(m["Message-ID"]) for m in postfix.mails("slow.example")}))
    marker()
    equal("never again", 2, len(postfix.mails("slow.example")))


def missed_runs():
    note("a collector that was away for days tells what is true now, once")
    run("certmuster", "down")
    run("certmuster", "up", "--database-only")
    sha256 = make("missed.example", 0.5, owner="hook")  # 30, 14, 7 and 3 passed while nobody looked
    up()
    wait_for(30, "told", lambda: listener.of("missed.example"))
    equal("threshold", 1, listener.of("missed.example")[0]["body"]["threshold_days"])
    marker()
    equal("once", 1, len(listener.of("missed.example")))
    equal("thresholds noted", "1", alert(sha256, "told_threshold"))


def nobody_to_tell():
    note("nobody to tell: the alert stays open, one line says so; told as soon as there is somebody")
    configure(fallback=False)
    run("certmuster", "down")
    up()
    sha256 = make("lonely.example", 5)
    silent = make("silent.example", 5, owner="silent")
    wait_for(30, "open", lambda: alert(sha256, "threshold") == "7" and alert(silent, "threshold") == "7")
    marker()
    marker()
    check("untold" in run("certmuster", "alert", "list", "--owner", "silent"), "listed as untold")
    lines = [l for l in (HOME / "log/collectd.log").read_text().splitlines() if "alerts_without_recipient" in l]
    check(1 <= len(lines) <= 2, f"one line per change, not per look: {lines}")
    configure(fallback=True)
    run("certmuster", "down")
    up()
    wait_for(30, "told", lambda: len(postfix.mails("lonely.example")) == 1 and len(postfix.mails("silent.example")) == 1)


def main():
    configure()
    postfix.start()
    up()
    load_owners()
    sha256 = told_once_with_everything()
    once_a_day(sha256)
    acknowledged(sha256)
    resolved(sha256)
    hostile()
    receivers_down()
    killed_between_answer_and_commit()
    missed_runs()
    nobody_to_tell()
    reassigned()
    for path in (HOME / "log/collectd.log",):
        check("ERROR: AddressSanitizer" not in path.read_text() and "runtime error" not in path.read_text(), "a sanitizer spoke")


status = 1
try:
    main()
    status = 0
except AssertionError as error:
    print(f"FAIL: {error}")
    for log in (HOME / "log/collectd.log", HOME / "log/postgresql.log", DIR / "postfix.log", DIR / "postfix.out"):
        if log.exists():
            print(f"== {log.name}", *(line[:300] for line in log.read_text(errors="replace").splitlines()[-25:]), sep="\n")
    for row in sql("SELECT c.display_name, d.event, d.threshold, d.channel, d.destination, d.state, d.attempts, d.last_error FROM delivery d JOIN certificate c"
                   " USING (sha256) ORDER BY d.created_at DESC LIMIT 15").splitlines() if (HOME / "sockets").exists() else []:
        print(row)
finally:
    postfix.stop()
    subprocess.run(["certmuster", "down"], capture_output=True)
sys.exit(status)
