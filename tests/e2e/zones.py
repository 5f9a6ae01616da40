#!/usr/bin/python3
"""One sweep that three scanners in three network namespaces share, with two collectors on one database behind a TCP balancer, while each of the five is killed once.

    zone 1 ─┐                         ┌─ collector 1 ─┐
    zone 2 ─┼─ bridge ─ HAProxy (TCP) ┤               ├─ PostgreSQL
    zone 3 ─┘     │                   └─ collector 2 ─┘
                fleet: 198.18.0.0/15, inside these namespaces only

Some endpoints show a certificate, some refuse, some are silent, some cannot be reached. At the end the counts must add up to the last endpoint. CM_ZONES says how many
endpoints there are: short (the default), or 100000 as `make soak` does it. It takes the release build then.
"""
import contextlib, hashlib, http.client, json, os, signal, socket, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_tools
from common import equal, holds, note, wait_until
from netns_tools import Namespace, main, stop, work

LONG = os.environ.get("CM_ZONES", "short") == "100000"
BIN = os.environ.get("CM_RELEASE", netns_tools.BIN) if LONG else netns_tools.BIN
SERVERS = BIN + "/tests/fleet/certmuster-fleet"
# Prefixes that show certificates are one range, so that the fleet serves it.
if LONG:
    CERTIFICATES, SERVED = ["198.18.0.0/16", "198.19.0.0/17"], 65536 + 32768
    REFUSED, SILENT, UNREACHABLE = "198.18.0.0/22", "198.19.128.0/23", ["198.19.192.0/25", "198.19.200.0/27"]
    EXPECTED = {"certificate": SERVED, "refused": 1024, "silent": 512, "unreachable": 160}
    SHARD, RATE, TIMEOUT_S, PATIENCE_S = 1024, 500, 60, 1800
else:
    CERTIFICATES, SERVED = ["198.18.0.0/21", "198.18.8.0/22"], 2048 + 1024
    REFUSED, SILENT, UNREACHABLE = "198.18.0.0/24", "198.19.128.0/26", ["198.19.192.0/27"]
    EXPECTED = {"certificate": SERVED, "refused": 256, "silent": 64, "unreachable": 32}
    SHARD, RATE, TIMEOUT_S, PATIENCE_S = 128, 150, 10, 120
PROBES = sum(EXPECTED.values())
LEASE_S, ALERTED = 5, "198.18.0.0/22"
HUB, FLEET, ZONES = "10.9.0.1", "10.9.0.2", ["10.9.0.11", "10.9.0.12", "10.9.0.13"]
PORT, CLOSED, BALANCER = 443, 444, 8443
home, logs = work + "/home", {}
os.environ["CERTMUSTER_HOME"] = home
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:/usr/sbin:{os.environ['PATH']}"


def certmuster(*words, status=0):
    done = subprocess.run(["certmuster", *words], capture_output=True, text=True)
    holds(" ".join(words), done.returncode == status, done.returncode, done.stdout, done.stderr)
    return done.stdout


def sql(query):
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets(), "-U", "certmuster_admin", "-d", "certmuster", "-c", "SET search_path = certmuster",
                           "-c", query], capture_output=True, text=True)
    holds(query, done.returncode == 0, done.stderr)
    return done.stdout.strip()


def sockets():
    return open(home + "/sockets", encoding="utf-8").read().strip()


def write(name, text):
    with open(f"{work}/{name}", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{work}/{name}"


def begin(namespace, name, *words):
    logs[name] = f"{work}/{name}.log"
    with open(logs[name], "ab") as log:
        return namespace.start(*words, stdout=log, stderr=log)


def those_inside(namespace):
    """Everything that runs in a namespace but what holds it. A zombie's namespace cannot be read."""
    own, inside = os.readlink(f"/proc/{namespace.holder.pid}/ns/net"), []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and int(name) != namespace.holder.pid and os.readlink(f"/proc/{name}/ns/net") == own:
                inside.append(int(name))
        except OSError:
            pass
    return inside


def children_of(pid):
    try:
        return [int(word) for word in open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8").read().split()]
    except OSError:
        return []


# --- The five ---------------------------------------------------------------------------------------------------------------------------------


class Collector:
    def __init__(self, hub, number):
        self.hub, self.name, self.socket = hub, f"collector-{number}", f"{work}/collector-{number}.sock"
        self.told = {}
        self.config = write(f"{self.name}.yaml", f"collector:\n  listen: 127.0.0.1:{9000 + number}\n  lease: {LEASE_S}s\n  judge_interval: 300ms\n  trust_store: {work}/fleet/ca.pem\n"
                            f"  client_rate: 2000\n  tls:\n    cert: {work}/tls/collector.pem\n    key: {work}/tls/collector.key\n    client_ca: {work}/ca/ca.pem\n"
                            "alerts:\n  interval: 1s\n  timeout: 5s\n")
        self.start()

    def start(self):
        self.process = begin(self.hub, self.name, BIN + "/certmuster-collectd", "--config", self.config, "--socket", self.socket, "--dsn",
                             f"host={sockets()} dbname=certmuster user=certmuster_ingest")

    def metrics(self):
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(self.socket)
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        except OSError:
            return {}
        finally:
            connection.close()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}

    def works(self):
        """In the middle of a request, with batches stored before."""
        figures = self.metrics()
        self.told = figures if figures else self.told
        return figures.get("certmuster_working", 0) >= 1 and figures['certmuster_batches_total{result="stored"}'] >= 2

    def kill(self):
        stop(self.process, signal.SIGKILL)
        self.start()
        wait_until(self.name + " to be back", lambda: self.metrics().get("certmuster_database_up") == 1)
        return True


class Scanner:
    def __init__(self, namespace, number):
        self.namespace, self.name = namespace, f"zone-{number}"
        certmuster("scanner", "enrol", self.name, "--out", work + "/tls", "--config", work + "/ca.yaml")
        self.spool = f"{work}/spool-{number}"
        self.config = write(self.name + ".yaml", f"scanner: {self.name}\nhost: {self.name}.example.org\nspool:\n  dir: {self.spool}\nsubmit:\n  wait: 5s\n  tls:\n"
                            f"    cert: {work}/tls/{self.name}.pem\n    key: {work}/tls/{self.name}.key\n    ca: {work}/ca/ca.pem\n")

    def start(self):
        self.process = begin(self.namespace, self.name, BIN + "/certmuster-submit", "--config", self.config, "--to", f"https://{HUB}:{BALANCER}", "--worker", "scan")

    def lease(self):
        return sql(f"SELECT lease_id FROM lease WHERE scanner = '{self.name}' AND ended_at IS NULL")

    def works(self):
        """It has a shard, not the first one, its scanner runs, and some of what that found is in the spool, not all of it delivered."""
        kept = [name for name in os.listdir(self.spool) if ".seg" in name] if os.path.isdir(self.spool) else []
        return any(os.path.getsize(f"{self.spool}/{name}") > 4096 for name in kept if os.path.exists(f"{self.spool}/{name}")) \
            and sql(f"SELECT count(*) FROM lease WHERE scanner = '{self.name}' AND outcome = 'done'") != "0" and self.lease() and children_of(self.process.pid)

    def kill(self):
        """As if the machine went: worker, scanner and whatever delivers, all at once. False: the scanner has just ended by itself."""
        pids = those_inside(self.namespace)
        holds(f"{self.name}: its worker runs", self.process.pid in pids, pids)
        if not children_of(self.process.pid):
            return False
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # a child may have ended meanwhile
                os.kill(pid, signal.SIGKILL)
        equal("its end", -signal.SIGKILL, stop(self.process, signal.SIGKILL))
        wait_until("all of it to be gone", lambda: not those_inside(self.namespace))
        self.start()
        return True


# --- The room around them ---------------------------------------------------------------------------------------------------------------------


def join(bridge, namespace, address, link):
    bridge.run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(namespace.holder.pid))
    bridge.run("ip", "link", "set", link, "master", "br0", "up")
    namespace.run("ip", "address", "add", address + "/24", "dev", "eth0")
    namespace.run("ip", "link", "set", "eth0", "up")


def make_network():
    hub, fleet = Namespace(), Namespace()
    zones = [Namespace() for _ in ZONES]
    hub.run("ip", "link", "add", "br0", "type", "bridge")
    hub.run("ip", "address", "add", HUB + "/24", "dev", "br0")
    hub.run("ip", "link", "set", "br0", "up")
    join(hub, fleet, FLEET, "fleet")
    for prefix in CERTIFICATES:
        fleet.run("ip", "route", "add", "local", prefix, "dev", "lo")
    for i, zone in enumerate(zones):
        join(hub, zone, ZONES[i], f"zone{i + 1}")
        zone.run("ip", "route", "add", "198.18.0.0/15", "via", FLEET)  # what is not local there is dropped: it does not forward
        for prefix in UNREACHABLE:
            zone.run("ip", "route", "add", "unreachable", prefix)
    for namespace in (fleet, *zones):  # thousands of addresses behind one neighbour
        namespace.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
    return hub, fleet, zones


LISTENER = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = self.headers["Idempotency-Key"], body["event"], body["certificate"]["sha256"], str(body["threshold_days"])
        os.write(1, (" ".join(words) + "\\n").encode())  # at once: there are others beside this thread
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 9100), Handler).serve_forever()
"""


def make_balancer(hub):
    config = write("haproxy.cfg", f"""
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 2s
    timeout client 2m
    timeout server 2m
    retries 3
    option redispatch
frontend collectors
    bind {HUB}:{BALANCER}
    default_backend collectors
backend collectors
    balance roundrobin
    default-server check inter 200ms fall 1 rise 1
    server one 127.0.0.1:9001
    server two 127.0.0.1:9002
""")
    begin(hub, "haproxy", "haproxy", "-q", "-db", "-f", config)


def prepare():
    hub, fleet, zones = make_network()
    os.makedirs(home, mode=0o755)
    os.makedirs(work + "/tls", mode=0o755)
    servers = begin(fleet, "fleet", SERVERS, "many", "--dir", work + "/fleet", "--base", "198.18.0.0", "--device",
                    "eth0", "--count", str(SERVED), "--port", str(PORT), "--workers", "2")
    write("ca.yaml", f"ca:\n  dir: {work}/ca\n")
    certmuster("up", "--database-only")
    certmuster("scanner", "collector", HUB, "--out", work + "/tls", "--config", work + "/ca.yaml")
    for name in ("collector.key", "collector.pem"):
        os.chmod(f"{work}/tls/{name}", 0o644)
    wait_until("the fleet", lambda: "ready" in open(logs["fleet"], encoding="utf-8").read() or servers.poll() is not None)
    write("owners.yaml", f'owners:\n  web: {{webhook: "http://127.0.0.1:9100/x"}}\nrules:\n  - {{cidr: {ALERTED}, owner: web}}\n')
    certmuster("owner", "load", work + "/owners.yaml")
    begin(hub, "webhook", "/usr/bin/python3", "-c", LISTENER)
    collectors = [Collector(hub, number) for number in (1, 2)]
    for one in collectors:
        wait_until(one.name, lambda: one.metrics().get("certmuster_database_up") == 1)
    make_balancer(hub)
    wait_until("the balancer", lambda: netns_tools.serves(zones[0], HUB, BALANCER))
    return [Scanner(zone, i + 1) for i, zone in enumerate(zones)], collectors


# --- The sweep --------------------------------------------------------------------------------------------------------------------------------


def status():
    return json.loads(certmuster("sweep", "status", "zones", "--format", "json"))[0]


def running():
    return sql("SELECT count(*) FROM sweep WHERE state = 'running'") == "1"


def test_sweep():
    """one sweep by three scanners at two collectors, each of the five killed once while it works"""
    global scanners, collectors, began
    scanners, collectors = prepare()
    targets = [f"{prefix}:{PORT}" for prefix in [*CERTIFICATES, SILENT, *UNREACHABLE]] + [f"{REFUSED}:{CLOSED}"]
    began = time.monotonic()
    certmuster("sweep", "create", "zones", *[word for target in targets for word in ("--target", target)], "--shard", str(SHARD), "--every", "24h",
               f"--pass=--rate={RATE}", f"--pass=--timeout={TIMEOUT_S}")
    for one in scanners:
        one.start()
    wait_until("the schedule to begin it", running)
    for i, victim in enumerate((scanners[0], collectors[0], scanners[1], collectors[1], scanners[2])):
        deadline = time.monotonic() + PATIENCE_S
        told = status()["told"]
        while not (told >= PROBES * (i + 1) / 8 and victim.works() and victim.kill()):
            holds(f"{victim.name} should still be at work", time.monotonic() < deadline and running(), status())
            told = status()["told"]
        holds(f"{victim.name} was killed in the middle", running(), status())
        note(f"{victim.name} killed after {time.monotonic() - began:.1f} s, {told} of {PROBES} told, and back")
    deadline = time.monotonic() + PATIENCE_S
    while running():
        holds("the end of the sweep", time.monotonic() < deadline, status())
        time.sleep(0.2)
    print(certmuster("sweep", "status", "zones"), end="")
    note(f"the sweep took {time.monotonic() - began:.1f} s")
    note("seconds of a shard, on average: " + sql(
        "SELECT 'until its scanner had ended ' || round(avg(extract(epoch FROM r.finished_at - l.taken_at)), 1) || ', until all of it was stored ' ||"
        " round(avg(extract(epoch FROM l.ended_at - l.taken_at)), 1) FROM lease l JOIN run r ON r.run = l.lease_id WHERE l.outcome = 'done'"))


def test_counts():
    """every endpoint is told once, in the class that it is of"""
    told = status()
    shards = told["shards"]
    equal("shards", (shards["all"], 0), (shards["done"], shards["open"] + shards["leased"] + shards["abandoned"]))
    equal("coverage", {"probes": PROBES, "told": PROBES, "reached": EXPECTED["certificate"], "no_certificate": 0, "unresolved": 0, "other": 0, "never": 0, **EXPECTED}, told["coverage"])
    equal("of every shard one lease was worked off", str(shards["all"]), sql("SELECT count(*) FROM lease WHERE outcome = 'done'"))
    expired = sql("SELECT scanner FROM lease WHERE outcome = 'expired' ORDER BY scanner").split()
    equal("scanners of which a lease ran out", [f"zone-{n}" for n in (1, 2, 3)], sorted(set(expired)))
    # A collector that is killed may have given one and not said so any more.
    holds("leases ran out for each scanner that was killed, and no more than one for each collector", len(expired) <= 3 + 2, expired)
    by = dict(line.split("|") for line in sql("SELECT scanner, count(*) FROM lease WHERE outcome = 'done' GROUP BY scanner").splitlines())
    equal("who worked", {f"zone-{n}" for n in (1, 2, 3)}, set(by))
    note("shards worked off: " + ", ".join(f"{name} {count}" for name, count in sorted(by.items())))
    for one in scanners:
        equal(f"{one.name}: shards before and after its end", "t|t", sql(
            "SELECT bool_or(l.ended_at < x.ended_at), bool_or(l.taken_at > x.taken_at) FROM lease l, lease x"
            f" WHERE x.scanner = '{one.name}' AND x.outcome = 'expired' AND l.scanner = x.scanner AND l.outcome = 'done'"))


def manifest():
    """What the fleet shows: {address: (leaf, chain_id)}."""
    lines = subprocess.run([SERVERS, "many", "--dir", work + "/fleet", "--base", "198.18.0.0", "--device", "eth0", "--count", str(SERVED), "--port", str(PORT), "--manifest-only"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    shown = {}
    for line in lines:
        _, ip, _, leaf, chain, *_ = line.split("\t")
        shown[ip] = leaf, hashlib.sha256(b"".join(bytes.fromhex(member) for member in chain.split(","))).hexdigest()[:32]
    equal("the fleet", SERVED, len(shown))
    return shown


def addresses(prefix):
    base, bits = prefix.split("/")
    first = int.from_bytes(socket.inet_aton(base), "big")
    return [socket.inet_ntoa((first + i).to_bytes(4, "big")) for i in range(1 << 32 - int(bits))]


def test_inventory():
    """each place once, each certificate at its address, nothing else"""
    shown = manifest()
    seen = [line.split("|") for line in sql(
        "SELECT host(l.ip), l.port, encode(c.leaf_sha256, 'hex'), replace(s.chain_id::text, '-', '') FROM sighting s JOIN location l USING (location_id)"
        " JOIN chain c USING (chain_id) WHERE s.closed_at IS NULL AND s.role = 'server'").splitlines()]
    equal("spans", str(len(seen)), sql("SELECT count(*) FROM sighting"))
    equal("each address once", (SERVED, SERVED), (len(seen), len({ip for ip, *_ in seen})))
    wrong = [row for row in seen if int(row[1]) != PORT or shown.get(row[0]) != (row[2], row[3])]
    equal("certificates where they are not", [], wrong[:5])
    places = sql("SELECT host(ip) || ' ' || port FROM location").splitlines()
    expected = [f"{ip} {PORT}" for prefix in (*CERTIFICATES, SILENT, *UNREACHABLE) for ip in addresses(prefix)] + [f"{ip} {CLOSED}" for ip in addresses(REFUSED)]
    equal("places", (PROBES, PROBES, set()), (len(places), len(expected), set(places) ^ set(expected)))
    equal("all of one realm", "default|" + str(PROBES), sql("SELECT realm, count(*) FROM location GROUP BY realm"))
    equal("states", {"ok": SERVED, "connect:refused": EXPECTED["refused"], "connect:timeout": EXPECTED["silent"], "connect:unreachable": EXPECTED["unreachable"]},
          {line.split("|")[0]: int(line.split("|")[1]) for line in sql("SELECT last_result, count(*) FROM location_state GROUP BY 1").splitlines()})
    equal("certificates: the leaves, and what issued them", str(SERVED + 1), sql("SELECT count(*) FROM certificate"))
    equal("chains", str(SERVED), sql("SELECT count(*) FROM chain"))
    equal("what was rejected", "0", sql("SELECT count(*) FROM batch WHERE rejected <> '[]'"))
    for one in scanners:
        left = lambda: [name for name in os.listdir(one.spool) if ".seg" in name]
        wait_until(one.name + "'s spool to be empty", lambda: not left())
        for name in ("rejected", "refused"):
            equal(f"{one.name}: {name}", [], os.listdir(f"{one.spool}/{name}") if os.path.isdir(f"{one.spool}/{name}") else [])


def test_background():
    """both collectors worked, before they were killed and after; what is done in the background is done once"""
    wait_until("the judge", lambda: sql("SELECT count(*) FROM docket") == "0", PATIENCE_S)
    equal("a verdict for each chain", f"ok|{SERVED}", sql("SELECT verdict, count(*) FROM chain_verdict GROUP BY verdict"))
    told = [(one.name, one.told, one.metrics()) for one in collectors]
    for name, before, after in told:
        batches = 'certmuster_batches_total{result="stored"}'
        note(f"{name}: batches stored {before[batches]:.0f} before its end, {after[batches]:.0f} after; verdicts {before['certmuster_chains_judged_total']:.0f} and "
             f"{after['certmuster_chains_judged_total']:.0f}")
        holds(f"{name} stored batches before and after", before[batches] > 0 and after[batches] > 0, before[batches], after[batches])
    # A verdict that is written again is an update. What was judged in a transaction that a kill ended is judged once more, and was never there.
    inserted, updated = map(int, sql("SELECT n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'chain_verdict'").split("|"))
    note(f"verdicts written {inserted}, written over {updated}, of {SERVED} chains")
    equal("no verdict was written over", 0, updated)
    holds("verdicts that were judged twice: at most a round for each end of a collector", SERVED <= inserted <= SERVED + 2 * 4096, inserted)
    equal("the schedule began one sweep", "1|1", sql("SELECT (SELECT count(*) FROM sweep), (SELECT count(*) FROM audit_log WHERE action = 'sweep.start' AND actor = 'collector')"))
    turns, elapsed = int(sql("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'upkeep'")), time.monotonic() - began + 30
    at_most = 2 / 0.9 + 2 / 0.2 + 1 / 10  # a second: sweeps and starts, gone and what runs missed, fold_slice; two collectors by themselves would come to twice that
    holds("upkeep has turns, however many collectors", turns <= elapsed * at_most + 20, turns, elapsed)
    days = sql("SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'observation'::regclass").split()
    holds("today's partition and tomorrow's", {f"observation_{time.strftime('%Y%m%d', time.gmtime(time.time() + day * 86400))}" for day in (0, 1)} <= set(days), days)


def test_alerts():
    """nobody hears of one thing twice"""
    due = sql("SELECT count(*) FROM alert WHERE owner = 'web'")
    expiring = sql("SELECT count(DISTINCT c.sha256) FROM sighting s JOIN location l USING (location_id) JOIN chain h USING (chain_id) JOIN certificate c ON c.sha256 = h.leaf_sha256"
                   f" WHERE l.ip <<= '{ALERTED}' AND c.not_after <= now() + interval '30 days'")
    equal("an alert for each certificate that expires", expiring, due)
    holds("there is something to tell", int(due) > 10, due)
    wait_until("all of them to be told", lambda: sql("SELECT count(*) FROM delivery WHERE state <> 'sent'") == "0" and sql("SELECT count(*) FROM alert WHERE owner = 'web' AND told_at IS NULL") == "0")
    heard = [line.split() for line in open(logs["webhook"], encoding="utf-8").read().splitlines()]
    keys = {key for key, *_ in heard}
    equal("each alert was heard", int(due), len({digest for _, _, digest, _ in heard}))
    equal("with one key", int(due), len(keys))
    holds("again at most what was under way when a collector died", len(heard) - len(keys) <= len(collectors), len(heard), len(keys))
    note(f"{due} alerts, {len(heard)} messages")


def test_ends():
    """all of it ends in order"""
    for one in scanners:
        equal(one.name, 0, stop(one.process))
    for one in collectors:
        equal(one.name, 0, stop(one.process))
    for name, path in logs.items():
        text = open(path, encoding="utf-8", errors="replace").read()
        holds(name, "Sanitizer" not in text and "runtime error" not in text, text[-3000:])


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # when its time is over, what it started ends all the same
good = False
try:
    main(test_sweep, test_counts, test_inventory, test_background, test_alerts, test_ends)
    good = True
finally:
    if os.path.exists(home + "/sockets"):
        subprocess.run(["certmuster", "down"], capture_output=True)
    for name, path in () if good else logs.items():
        print(f"== {name}\n{open(path, encoding='utf-8', errors='replace').read()[-2500:]}")
