"""For tests of expiry alerts: a real collector and PostgreSQL, a real postfix that takes the mail, a real listener that takes the webhooks.

Certificates are put into the inventory by SQL, so that their lives can be moved in time; what is tested begins behind it. A marker certificate
that is told proves that the collector has looked since: nothing here waits for luck.
"""
import email, email.policy, hashlib, http.server, json, os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, threading, time
from common import equal, fail

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


def check(condition, text):
    if not condition:
        fail(text)


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


def net_of_the_last():
    """The network that the places of the certificate made last are in."""
    return "10.%d.0.0/16" % made


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


def begin():
    """A collector that tells the listener and the mail server, and rules that say whom."""
    configure()
    postfix.start()
    up()
    load_owners()


def end_after(main):
    """Runs it on what begin() starts, ends everything, says what is there to find the reason of a failure, and ends the program."""
    status = 1
    try:
        begin()
        main()
        said = (HOME / "log/collectd.log").read_text()
        check("ERROR: AddressSanitizer" not in said and "runtime error" not in said, "a sanitizer spoke")
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
