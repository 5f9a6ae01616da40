#!/usr/bin/python3
"""certmuster-collectd against a real PostgreSQL, spoken to on its unix socket and over TLS: idempotency, missing certificates, spans, unchanged
sweeps, refusals, limits, slow and hostile clients, PostgreSQL stopped and collectd killed in the middle."""
import base64, concurrent.futures, glob, gzip, json, os, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time, uuid
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # old TLS versions are asked for on purpose
from collectd_tools import *

BIN = os.environ.get("CM_BIN", "build/asan")
PG = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
os.environ["PATH"] = f"{BIN}:{PG}:" + os.environ["PATH"]
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(TMP, 0o755)
HOME = f"{TMP}/home"
os.makedirs(HOME)
os.environ["CERTMUSTER_HOME"] = HOME
NOW = time.time()
DAY = 86400


def fail(text):
    raise AssertionError(text)


def equal(what, expected, actual):
    if expected != actual:
        fail(f"{what}: expected {expected!r}, got {actual!r}")


def run(*args, check=True, **kw):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if check and done.returncode != 0:
        fail(f"{args}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def sockets():
    return open(f"{HOME}/sockets").read().strip()


def sql(statement):
    return run("psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets(), "-U", "certmuster_admin", "-d", "certmuster", "-c",
               "SET search_path = certmuster", "-c", statement).strip()


def wait_for(what, condition, seconds=30):
    until = time.time() + seconds
    while time.time() < until:
        if condition():
            return
        time.sleep(0.05)
    fail(f"waited in vain: {what}")


def local():
    return Collector(sockets() + "/collectd.sock")


def good(answer, stored=None, rejected=0):
    status, content = answer
    equal("status", 200, status) if status == 200 else fail(f"{status}: {content}")
    if stored is not None:
        equal("stored", stored, content["stored"])
    equal("rejected", rejected, len(content["rejected"]))
    return content


def pid():
    return int(open(f"{HOME}/collectd.pid").read())


def versions():
    """What would change if any row were written or only locked: the versions and places of all rows."""
    tables = ("certificate", "certificate_name", "chain", "location", "sighting", "location_state", "key_file", "store")
    return {t: sql(f"SELECT count(*), md5(string_agg(concat_ws(',', xmin, xmax, ctid), ' ' ORDER BY ctid)) FROM {t}") for t in tables}


def spans(ip):
    return sql(f"SELECT encode(leaf_sha256, 'hex'), to_char(s.first_seen, 'YYYY-MM-DD'), to_char(s.last_seen, 'YYYY-MM-DD'), absent_runs, closed_at IS NOT NULL"
               f" FROM sighting s JOIN chain USING (chain_id) JOIN location USING (location_id) WHERE ip = '{ip}' ORDER BY 2, 3, 1").split("\n")


def day(n):
    return NOW - n * DAY


def date(n):
    return time.strftime("%Y-%m-%d", time.gmtime(day(n)))


# --- Tests -----------------------------------------------------------------------------------------------------------------------------------

def test_keys():
    c, lines, key = local(), [cert_record(D[0]), sighting("192.0.2.1", [D[0]], RUN)], "local/keys/1"
    first = good(c.batch(lines, key), 2)
    equal("the same key again", first, good(c.batch(lines, key)))
    equal("the same key with another body", first, good(c.batch([failure("192.0.2.77", RUN)], key)))
    equal("another body's place", "0", sql("SELECT count(*) FROM location WHERE ip = '192.0.2.77'"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        lines = [sighting(f"192.0.2.{i}", [D[0]], RUN) for i in range(2, 20)]
        answers = list(pool.map(lambda _: local().batch(lines, "local/keys/2"), range(8)))
    for answer in answers:
        equal("at once", answers[0], answer)
    good(answers[0], 18)
    equal("counted once", "19", sql(f"SELECT stored_ok FROM run WHERE run = '{RUN}'"))
    for key in ("", "x" * 401, "sp ace", None):
        headers = {"Idempotency-Key": key} if key is not None else {}
        equal(f"key {key!r}", 400, c.request("POST", "/v1/batches", b"", headers)[0])
    good(c.batch([], "local/keys/empty"), 0)


def test_missing():
    c = local()
    chain = [D[6], D[7]]
    status, content = c.batch([cert_record(D[6]), sighting("192.0.2.30", chain, RUN), failure("192.0.2.31", RUN)], "local/missing/1")
    equal("a certificate is lacking", (409, {"missing": [sha(D[7])]}), (status, content))
    equal("nothing of it was stored", "0|0", sql(f"SELECT (SELECT count(*) FROM location WHERE ip IN ('192.0.2.30', '192.0.2.31')),"
                                                 f" (SELECT count(*) FROM certificate WHERE encode(sha256, 'hex') = '{sha(D[6])}')"))
    equal("asked before", (200, {"missing": sorted([sha(D[6]), sha(D[7])])}), c.missing([sha(D[6]), sha(D[1]), sha(D[7]), sha(D[6])]))
    good(c.batch([cert_record(D[6]), cert_record(D[7]), sighting("192.0.2.30", chain, RUN)], "local/missing/1"), 3)
    equal("asked after", (200, {"missing": []}), c.missing([sha(D[6]), sha(D[7])]))
    good(c.batch([sighting("192.0.2.32", chain, RUN)]), 1)
    for question in (b"", b"[]", b'{"sha256":1}', b'{"sha256":["zz"]}', b'{"sha256":["' + b"0" * 63 + b'"]}'):
        equal(f"question {question[:20]}", 400, c.request("POST", "/v1/missing", question)[0])
    for question in (b"[" * 100000, b'{"sha256":[' + b"{}," * 1000000 + b"1]}"):  # a tree of it would take gigabytes
        equal(f"question {question[:20]}", 413, c.request("POST", "/v1/missing", question)[0])


def test_lines():
    c, bad = local(), base64.b64encode(b"no certificate").decode()
    undecodable = sha(b"no certificate")
    lines = [
        cert_record(D[3]),                                                                # 1
        "{\"v\":1",                                                                       # 2 not JSON
        record("banana", x=1),                                                            # 3 unknown: skipped
        sighting("192.0.2.40", [D[3]], RUN),                                              # 4
        sighting("192.0.2.040", [D[3]], RUN),                                             # 5 not canonical
        sighting("192.0.2.41", [D[3]], RUN, realm="dmz"),                                 # 6 no realm of ours
        record("certificate", sha256=sha(D[3]), der=bad),                                 # 7 lies about its fingerprint
        record("certificate", sha256=undecodable, der=bad),                               # 8 kept with its reason
        sighting("192.0.2.42", [undecodable], RUN),                                       # 9
        record("certificate", sha256="ab" * 32, der=base64.b64encode(b"x" * 300000).decode()),  # 10 too large
        sighting("192.0.2.43", ["ab" * 32], RUN),                                         # 11 so its chain cannot be stored, nor asked for
        "[" * 100,                                                                        # 12 nested
        "",                                                                               # 13 nothing
        record("crl", source="crawl", at=stamp(NOW), scanner="local", run=RUN, endpoint=endpoint("192.0.2.44")),  # 14 of an older scanner, which told no more
        '{"v":1,"type":"failure","source":"scan","at":"2026-01-01T00:00:00Z","endpoint":{}}',  # 15
    ]
    status, content = c.batch(lines, "local/lines/1")
    equal("status", 200, status)
    equal("stored", 5, content["stored"])
    equal("rejected", [2, 5, 6, 7, 10, 11, 12, 15], [r["line"] for r in content["rejected"]])
    equal("reason of 6", "the realm is not this scanner's", content["rejected"][2]["reason"])
    equal("reason of 11", "a certificate of the chain was rejected", content["rejected"][5]["reason"])
    equal("again", (status, content), c.batch(lines, "local/lines/1"))
    equal("undecodable", "t", sql(f"SELECT undecodable IS NOT NULL AND der = 'no certificate'::bytea FROM certificate WHERE encode(sha256, 'hex') = '{undecodable}'"))
    equal("cut in the middle of a line", 400, c.request("POST", "/v1/batches", b'{"v":1', {"Idempotency-Key": "local/lines/cut"})[0])
    hostile = sighting("192.0.2.45", [D[3]], RUN, scanner='it\'s "a\\b", {c}\t\u202e')
    good(c.batch([hostile, failure("192.0.2.46", RUN, scanner='it\'s "a\\b", {c}\t\u202e', detail="\\N\t\\.\n'; DROP TABLE run; --")]), 2)
    equal("hostile text", "\\N\t\\.\n'; DROP TABLE run; --", sql("SELECT last_detail FROM location_state JOIN location USING (location_id) WHERE ip = '192.0.2.46'"))


def test_other_assets():
    """Requests, revocation lists, SSH certificates: every member is kept, what is wrong is refused alone, what changed is written, what did not is not."""
    c, where = local(), lambda n: {"realm": "default", "host": "h.example", "path": f"/srv/other/{n}", "format": "pem"}
    seen = lambda at=NOW: dict(source="crawl", at=stamp(at), scanner="local", run=RUN)
    csr = dict(sha256="11" * 32, subject="CN=a\u0000b", spki_sha256="cd" * 32, key={"alg": "RSA", "bits": 2048}, san={"dns": ["x.example"]}, ca=False, later="unknown member")
    crl = dict(sha256="22" * 32, issuer="CN=issuer", this_update="2026-01-01T00:00:00Z", next_update="1950-01-01T00:00:00Z", entries=9007199254740991, number="0a", sig_alg="x")
    ssh = dict(sha256="33" * 32, key_type="ssh-ed25519-cert-v01@openssh.com", role="user", serial="18446744073709551615", key_id="k\u0000id", principals=["root", "'; DROP TABLE ssh_certificate; --"],
               valid_after="2026-01-01T00:00:00Z", ca_fingerprint="SHA256:abc", critical_options=[{"name": "force-command", "value": "/bin/true"}])
    lines = [record("csr", **seen(), file=where("r"), **csr), record("crl", **seen(), file=where("l"), **crl), record("ssh_certificate", **seen(), file=where("c"), **ssh),
             record("ssh_certificate", **seen(), file=where("d"), sha256="44" * 32, undecodable="cut"), record("crl", **seen(), endpoint=endpoint("192.0.2.99"), sha256="55" * 32),
             record("store", **seen(), file=where("s"), format="bks", integrity="bad", entries=3, weak=["bks-v1", "default-password"]),
             record("csr", **seen(), file=where("w1"), sha256="zz"), record("crl", **seen(), file=where("w2"), this_update="yesterday"), record("crl", **seen(), file=where("w3"), entries=-1),
             record("ssh_certificate", **seen(), file=where("w4"), principals="root"), record("store", **seen(), file=where("w5"), format="bks", integrity="bad", entries=3, weak=[1]),
             record("csr", **seen(), file=where("w6"), key=[]), record("crl", **seen(), file=where("w7"), number="XY")]
    answer = good(c.batch(lines), 6, 7)
    equal("refused", [7, 8, 9, 10, 11, 12, 13], [r["line"] for r in answer["rejected"]])
    equal("csr", "CN=a\ufffdb|" + "cd" * 32 + "|x.example|false|", sql("SELECT subject, encode(spki_sha256, 'hex'), facts #>> '{san,dns,0}', facts ->> 'ca', facts ->> 'later' FROM csr"))
    equal("crl", "CN=issuer|2026-01-01 00:00:00+00|1950-01-01 00:00:00+00|9007199254740991\n|||", sql("SELECT issuer, this_update, next_update, entries FROM crl WHERE sha256 IS NOT NULL ORDER BY issuer NULLS LAST"))
    equal("ssh", "user|k\ufffdid|root|2|||SHA256:abc|18446744073709551615", sql("SELECT role, key_id, principals[1], cardinality(principals), valid_before, undecodable, ca_fingerprint, facts ->> 'serial' FROM ssh_certificate WHERE role IS NOT NULL"))
    equal("undecodable", "cut|t", sql("SELECT undecodable, principals IS NULL FROM ssh_certificate WHERE role IS NULL"))
    equal("store", "{bks-v1,default-password}", sql("SELECT weak FROM store WHERE format = 'bks'"))
    versions = lambda: sql("SELECT string_agg(xmin::text || ' ' || t, ',' ORDER BY t) FROM (SELECT xmin, 'csr' AS t FROM csr UNION ALL SELECT xmin, 'crl' FROM crl WHERE issuer IS NOT NULL UNION ALL SELECT xmin, 'ssh' FROM ssh_certificate WHERE role IS NOT NULL UNION ALL SELECT xmin, 'store' FROM store WHERE format = 'bks') x")
    before = versions()
    later = [line.replace(stamp(NOW), stamp(NOW + 60)) for line in lines[:3] + lines[5:6]]
    good(c.batch(later), 4)
    equal("unchanged", before, versions())
    good(c.batch([record("csr", **seen(NOW + 120), file=where("r"), **{**csr, "subject": "CN=new"}), record("crl", **seen(NOW + 120), file=where("l"), **{**crl, "entries": 1}),
                  record("store", **seen(NOW + 120), file=where("s"), format="bks", integrity="bad", entries=3)]), 3)
    equal("changed", "CN=new|1|{}", sql("SELECT (SELECT subject FROM csr), (SELECT entries FROM crl WHERE issuer IS NOT NULL), (SELECT weak FROM store WHERE format = 'bks')"))
    good(c.batch([record("ssh_certificate", **seen(NOW - 999), file=where("c"), **{**ssh, "role": "host"}), record("store", **seen(NOW - 999), file=where("s"), format="jks", integrity="ok", entries=9)]), 2)
    equal("what arrives late overrules nothing, and is the first", "user|bks|t", sql(f"SELECT k.role, s.format, least(k.first_seen, s.first_seen) = greatest(k.first_seen, s.first_seen) AND k.first_seen < k.last_seen"
                                                                                     " FROM ssh_certificate k, store s WHERE k.undecodable IS NULL AND 'default-password' <> ALL (s.weak) AND s.format = 'bks'"))
    equal("places", "6", sql("SELECT count(*) FROM location WHERE path LIKE '/srv/other/%' OR host(ip) = '192.0.2.99'"))


def test_assets():
    c, where = local(), lambda n: {"realm": "default", "host": "h.example", "path": f"/srv/{n}" + "x" * 5000, "format": "pem", "mode": 384, "size": 1}
    seen = dict(source="crawl", at=stamp(NOW), scanner="local", run=RUN)
    lines = [record("key", **seen, file=where("k"), kind="pkcs8", encrypted=False, spki_sha256="cd" * 32, key={"alg": "RSA", "bits": 2048}),
             record("key", **seen, file=where("e"), kind="pkcs8", encrypted=True),
             record("store", **seen, file=where("s"), format="pkcs12", integrity="ok", entries=3),
             record("stats", run=RUN, at=stamp(NOW), counters={"dropped": 7})]
    good(c.batch(lines), 4)
    equal("keys", "RSA|2048|f\n||t", sql("SELECT key_alg, key_bits, encrypted FROM key_file ORDER BY encrypted"))
    equal("stores", "pkcs12|ok|3", sql("SELECT format, integrity, entries FROM store"))
    equal("stats", "7", sql(f"SELECT counters->>'dropped' FROM run WHERE run = '{RUN}'"))
    before = versions()
    good(c.batch(lines), 4)
    equal("the same keys and stores write nothing", before, versions())


def sweep(c, run, chains, at, **more):
    """chains: ip -> list of certificates, or None for a failure."""
    lines = []
    for ip, found in chains.items():
        lines += [failure(ip, run, at)] if found is None else [sighting(ip, [d], run, at, **more) for d in found]
    return good(c.batch(lines), len(lines))


def test_spans():
    c, ip = local(), "192.0.2.50"
    a, b = sha(D[4]), sha(D[5])
    sweep(c, new_run(), {ip: [D[4]]}, day(20))
    equal("begins", [f"{a}|{date(20)}|{date(20)}|0|f"], spans(ip))
    sweep(c, new_run(), {ip: [D[4]]}, day(19))
    equal("unchanged: the row stays", [f"{a}|{date(20)}|{date(20)}|0|f"], spans(ip))
    sweep(c, new_run(), {ip: None}, day(18))
    sweep(c, new_run(), {ip: None}, day(17))
    equal("failures end nothing", [f"{a}|{date(20)}|{date(19)}|0|f"], spans(ip))
    one = new_run()
    sweep(c, one, {ip: [D[5]]}, day(16))
    equal("a change; what was seen unchanged is folded in", [f"{a}|{date(20)}|{date(19)}|1|f", f"{b}|{date(16)}|{date(16)}|0|f"], spans(ip))
    sweep(c, one, {ip: [D[5]]}, day(16) + 60)
    sweep(c, one, {ip: [D[5]]}, day(16) + 120)
    equal("several records of one run count once", f"{a}|{date(20)}|{date(19)}|1|f", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[5]]}, day(15))
    equal("twice", f"{a}|{date(20)}|{date(19)}|2|f", spans(ip)[0])
    sweep(c, new_run(), {ip: None}, day(14.5))
    equal("a failure is no absence", f"{a}|{date(20)}|{date(19)}|2|f", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[5]]}, day(14))
    equal("three times: it ended", f"{a}|{date(20)}|{date(19)}|3|t", spans(ip)[0])
    equal("state", f"ok|1|{b}", sql(f"SELECT last_result, cardinality(chains), encode(leaf_sha256, 'hex') FROM location_state st JOIN location USING (location_id)"
                                    f" JOIN chain ON chain_id = chains[1] WHERE ip = '{ip}'"))
    # Late: seen after its end was told, before the third look; so there were only two absences after it.
    sweep(c, new_run(), {ip: [D[4]]}, day(15.5))
    equal("late arrival takes back what came before it", f"{a}|{date(20)}|{date(15.5)}|2|f", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[4]]}, day(30))
    equal("late arrival begins earlier", f"{a}|{date(30)}|{date(15.5)}|2|f", spans(ip)[0])
    equal("place begins earlier", date(30), sql(f"SELECT to_char(first_seen, 'YYYY-MM-DD') FROM location WHERE ip = '{ip}'"))
    sweep(c, new_run(), {ip: [D[5]]}, day(13))
    equal("ended again", f"{a}|{date(30)}|{date(15.5)}|3|t", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[4]]}, day(10))
    equal("back: a span of its own", [f"{a}|{date(30)}|{date(15.5)}|3|t", f"{b}|{date(16)}|{date(13)}|1|f", f"{a}|{date(10)}|{date(10)}|0|f"], spans(ip))
    sweep(c, new_run(), {ip: None}, day(25))
    equal("a late failure overrules nothing", "ok", sql(f"SELECT last_result FROM location_state JOIN location USING (location_id) WHERE ip = '{ip}'"))


def test_balancer():
    c, ip, a, b = local(), "192.0.2.51", sha(D[4]), sha(D[5])
    for i in range(8):
        sweep(c, new_run(), {ip: [D[4 + i % 2]]}, day(20 - i))
    equal("in turns", [f"{a}|{date(20)}|{date(14)}|1|f", f"{b}|{date(19)}|{date(13)}|0|f"], spans(ip))
    ip = "192.0.2.52"
    for i in range(3):  # RSA and EC: both seen in every run, in one batch or two
        r = new_run()
        good(c.batch([sighting(ip, [D[4]], r, day(9 - i)), sighting(ip, [D[5]], r, day(9 - i) + 1, tls={"version": "TLSv1.2"})]), 2)
    equal("both", [f"{a}|{date(9)}|{date(9)}|0|f", f"{b}|{date(9)}|{date(9)}|0|f"], sorted(spans(ip), key=lambda s: s[:64] != a))
    for i in range(3):
        r = new_run()
        good(c.batch([sighting(ip, [D[4]], r, day(6 - i))]), 1)
        good(c.batch([sighting(ip, [D[5]], r, day(6 - i) + 1)]), 1)
    equal("both, in two batches of a run", ["0|f", "0|f"], sql("SELECT absent_runs, closed_at IS NOT NULL FROM sighting JOIN location USING (location_id)"
                                                               f" WHERE ip = '{ip}'").split("\n"))
    ip = "192.0.2.53"  # roles do not mix
    for i in range(4):
        good(c.batch([sighting(ip, [D[4]] if i == 0 else [D[5]], new_run(), day(9 - i), role="server" if i == 0 else "stored")]), 1)
    equal("another role's look is no absence", f"{a}|{date(9)}|{date(9)}|0|f", spans(ip)[0])
    ip, r = "192.0.2.54", [new_run() for _ in range(5)]  # many runs of one place in one batch
    good(c.batch([sighting(ip, [D[4]], r[0], day(9))] + [sighting(ip, [D[5]], r[i], day(9 - i)) for i in range(1, 5)]), 5)
    equal("rounds", [f"{a}|{date(9)}|{date(9)}|3|t", f"{b}|{date(8)}|{date(5)}|0|f"], spans(ip))
    lines = [failure("192.0.2.55", new_run(), day(5)) for _ in range(70)]
    good(c.batch(lines), 64, 6)


def test_unchanged():
    c, r = local(), new_run()
    places = {f"198.51.100.{i}": ([D[i % 6]] if i % 10 else None) for i in range(200)}
    sweep(c, r, places, day(3))
    before = versions()
    for back in (2, 1):
        sweep(c, new_run(), places, day(back))
    equal("rows written by two unchanged sweeps", before, versions())
    equal("the looks are kept", "20|180", sql("SELECT cardinality(failing), cardinality(unchanged) FROM observation WHERE cardinality(unchanged) = 180 LIMIT 1"))
    good(c.batch([record("endpoint", source="watch", at=stamp(day(0.5)), scanner="local", run=new_run(), endpoint=endpoint("198.51.100.1"),
                         tls={"version": "TLSv1.3", "ja3s": "0" * 32}),
                  sighting("198.51.100.2", [D[2]], new_run(), day(0.5), source="watch", tls={"version": "TLSv1.3", "ja3s": "f" * 32})]), 2)
    equal("what a reader of packets sees less of changes nothing", before, versions())
    good(c.batch([record("endpoint", source="watch", at=stamp(day(0.4)), scanner="local", run=new_run(), endpoint=endpoint("198.51.100.250"), tls={"version": "TLSv1.3"})]), 1)
    equal("an endpoint without certificates", "|{}", sql("SELECT last_result, chains FROM location_state JOIN location USING (location_id) WHERE ip = '198.51.100.250'"))


def test_handshake():
    """What a scan tells of the handshake is kept as it came, what we do not know included; the same again writes nothing."""
    c, ip = local(), "198.51.100.251"
    said = {"version": "TLSv1.2", "cipher": "TLS_RSA_WITH_NULL_SHA", "client_auth": True, "client_ca": ["CN=a"], "scts": 2, "ja3s": "0123456789abcdef" * 2,
            "staple": {"status": "good", "this_update": "0000-01-01T00:00:00Z", "next_update": "9999-12-31T23:59:59Z"}, "proof": "good", "later": {"x": [1]}}
    kept = f"SELECT tls FROM location_state JOIN location USING (location_id) WHERE ip = '{ip}'"
    good(c.batch([sighting(ip, [D[1]], new_run(), day(4), tls=said)]), 1)
    equal("kept", said, json.loads(sql(kept)))
    before = versions()
    good(c.batch([sighting(ip, [D[1]], new_run(), day(3), tls=dict(reversed(said.items())))]), 1)
    equal("rows written by the same again", before, versions())
    good(c.batch([sighting(ip, [D[1]], new_run(), day(2), tls={**said, "staple": {"status": "revoked"}, "proof": "bad"})]), 1)
    equal("a staple that changed", "revoked|bad", sql(f"SELECT tls #>> '{{staple,status}}', tls ->> 'proof' FROM ({kept}) x"))
    wrong = [{"scts": []}, {"ja3s": "x"}, {"proof": "perhaps"}, {"staple": {}}, {"staple": {"status": "good", "next_update": "soon"}}, {"version": "TLSv9"}]
    good(c.batch([sighting(ip, [D[1]], new_run(), day(1), tls=tls) for tls in wrong]), 0, len(wrong))
    equal("one span", 1, len(spans(ip)))


def test_concurrent():
    """Batches that bring the same new certificates and places at once, in different order."""
    new = [certificate(T, 5000 + i) for i in range(60)]
    def one(worker):
        order, r = new[worker * 7 % 60:] + new[:worker * 7 % 60], new_run()
        lines = [cert_record(d) for d in order] + [sighting(f"203.0.113.{new.index(d)}", [d], r, NOW - 100 + worker, scanner=f"w{worker}") for d in order]
        return local().batch(lines)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for answer in pool.map(one, range(6)):
            good(answer, 120)
    equal("places, spans, states", "60|60|60", sql("SELECT count(*), (SELECT count(*) FROM sighting s JOIN location l USING (location_id) WHERE l.ip << '203.0.113.0/24'),"
          " (SELECT count(*) FROM location_state s JOIN location l USING (location_id) WHERE l.ip << '203.0.113.0/24' AND last_result = 'ok') FROM location WHERE ip << '203.0.113.0/24'"))
    equal("names", "120", sql("SELECT count(*) FROM certificate_name WHERE name >= 'host-00005000' AND name < 'host-00005060'"))


def test_clock():
    c, hour = local(), 3600
    good(c.batch([failure("192.0.2.60", RUN, NOW + 2 * hour)], sent=time.time() + 2 * hour), 1)
    seen = float(sql("SELECT extract(epoch FROM last_failure) FROM location_state JOIN location USING (location_id) WHERE ip = '192.0.2.60'"))
    if abs(seen - NOW) > 60:
        fail(f"a clock two hours ahead is corrected: {seen - NOW}")
    skew = int(sql("SELECT skewed_ms FROM scanner WHERE name = 'local'"))
    if abs(skew + 2 * hour * 1000) > 60000:
        fail(f"the scanner is flagged: {skew}")
    good(c.batch([failure("192.0.2.61", RUN, NOW + 200)], sent=time.time() + 1), 1)
    equal("nothing is in the future", "t", sql("SELECT last_failure <= now() FROM location_state JOIN location USING (location_id) WHERE ip = '192.0.2.61'"))
    equal("in time again", "", sql("SELECT skewed_ms FROM scanner WHERE name = 'local'"))
    equal("no time", 400, c.batch([], headers={"Certmuster-Sent": "yesterday"})[0])


def test_bodies():
    c, lines = local(), body([failure("192.0.2.70", RUN, NOW)])
    good(c.batch(gzip.compress(lines), headers={"Content-Encoding": "gzip"}), 1)
    zstd = subprocess.run(["zstd", "-qc"], input=lines, stdout=subprocess.PIPE, check=True).stdout
    good(c.batch(zstd, headers={"Content-Encoding": "zstd"}), 1)
    for what, content, encoding, expected in [
            ("gzip bomb", gzip.compress(b"\n" * (1 << 28), 9), "gzip", 413),
            ("zstd bomb", subprocess.run(["zstd", "-qc", "--ultra", "-22", "--long=31"], input=b"\n" * (1 << 26), stdout=subprocess.PIPE).stdout, "zstd", 413),
            ("too large", b"\n" * ((16 << 20) + 1), "identity", 413),
            ("too many lines", b"\n" * 200001, "identity", 413),
            ("cut gzip", gzip.compress(lines)[:-9], "gzip", 400), ("no gzip", lines, "gzip", 400), ("cut zstd", zstd[:-3], "zstd", 400),
            ("unknown encoding", lines, "br", 415)]:
        status = None
        try:
            status = local().batch(content, headers={"Content-Encoding": encoding})[0]  # the bombs took longer to make than a connection may idle
        except OSError:
            pass
        if status != expected and not (status is None and what == "too large"):  # curl and submit read the 413; http.client may be writing still
            fail(f"{what}: {status}")
    rss = int(open(f"/proc/{pid()}/statm").read().split()[1]) * 4096
    if "asan" not in BIN and rss > 300 << 20:
        fail(f"memory after the bombs: {rss >> 20} MiB")


def test_paths():
    c = local()
    for method, path, expected in [("GET", "/", 404), ("POST", "/v1/batchez", 404), ("GET", "/v1/batches", 405), ("POST", "/metrics", 405),
                                   ("DELETE", "/healthz", 405), ("GET", "/healthz?x=1", 200), ("HEAD", "/metrics", 200)]:
        equal(f"{method} {path}", expected, c.request(method, path)[0])
    s = socket.socket(socket.AF_UNIX)
    s.connect(sockets() + "/collectd.sock")
    s.sendall(b"NONSENSE\r\n\r\n" + os.urandom(2000))
    s.settimeout(10)
    while s.recv(4096):
        pass
    s = socket.socket(socket.AF_UNIX)
    s.connect(sockets() + "/collectd.sock")
    s.settimeout(10)
    try:
        s.sendall(b"GET /healthz HTTP/1.1\r\n" + b"X-Long: " + b"a" * 100000 + b"\r\n\r\n")
        while s.recv(4096):
            pass
    except OSError:
        pass
    equal("still well", 200, local().get("/healthz")[0])


def test_slow():
    """request_timeout is 3 s: dripping header, dripping body, silence; others are served meanwhile."""
    began, held = time.time(), []
    for start in (b"POST /v1/batches HTTP/1.1\r\nHost: x\r\n", b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nContent-Length: 1000000\r\n\r\n", b""):
        s = socket.socket(socket.AF_UNIX)
        s.connect(sockets() + "/collectd.sock")
        s.sendall(start)
        held.append((s, bool(start)))
    cut = set()
    while len(cut) < len(held) and time.time() - began < 12:
        for i, (s, drips) in enumerate(held):
            if i in cut:
                continue
            try:
                if drips:
                    s.send(b"a")
                s.settimeout(0.05)
                if s.recv(100) == b"":
                    cut.add(i)
            except socket.timeout:
                pass
            except OSError:
                cut.add(i)
        equal("others", 200, local().get("/healthz")[0])
        time.sleep(0.1)
    equal("slow clients were cut", {0, 1, 2}, cut)
    if time.time() - began < 2.5:
        fail("they were cut too soon")
    flood = []
    for _ in range(60):  # client_connections is 40
        s = socket.socket(socket.AF_UNIX)
        s.connect(sockets() + "/collectd.sock")
        flood.append(s)
    def was_cut(s):
        try:
            return s.recv(12, socket.MSG_DONTWAIT | socket.MSG_PEEK) in (b"", b"HTTP/1.1 429")
        except BlockingIOError:
            return False
        except OSError:
            return True
    wait_for("a flood is cut down", lambda: sum(map(was_cut, flood)) >= 20, 10)
    if sum(map(was_cut, flood)) > 30:
        fail("more than was too much was cut")
    for s in flood:
        s.close()

    def answers():
        try:
            return local().get("/healthz")[0] == 200
        except OSError:
            return False
    wait_for("others again", answers)
    if metrics()["certmuster_connections_dropped_total"] < 22:
        fail("cut connections are not counted")


def metrics(c=None):
    status, text = (c or local()).get("/metrics")
    equal("metrics", 200, status)
    seen, types, values = set(), {}, {}
    for line in text.decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            if name in types or kind not in ("gauge", "counter"):
                fail(f"type of {name}")
            types[name] = kind
        elif not line.startswith("# HELP "):
            series, value = line.rsplit(" ", 1)
            name = series.split("{")[0]
            if name not in types or series in seen:
                fail(f"series {series}")
            if types[name] == "counter" and not name.endswith("_total"):
                fail(f"counter {name}")
            seen.add(series)
            values[series] = float(value)
    return values


def test_metrics():
    c, r = local(), new_run()
    good(c.batch([run_record(r, "started", NOW - 60), run_record(r, "finished", NOW - 30, targets=0, ok=0, failed=0)]), 2)
    certificates, places = sql("SELECT (SELECT count(*) FROM certificate), (SELECT count(*) FROM location_state)").split("|")
    wait_for("figures", lambda: metrics().get("certmuster_certificates") == float(certificates) and metrics()["certmuster_places"] == float(places)
             and metrics().get('certmuster_last_sweep_age_seconds{source="scan"}', 999) < 60, 20)
    age = metrics()['certmuster_last_sweep_age_seconds{source="scan"}']
    if not 29 <= age < 60:
        fail(f"age of the last sweep: {age}")
    before = int(sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'certmuster'"))
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: metrics(), range(200)))
    if int(sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'certmuster'")) - before > 120:
        fail("scrapes cost statements")


def test_tls():
    make_pki(TMP, ["server", "alpha", "beta", "gamma"])
    make_pki(TMP, ["stranger"], ca="otherca")
    os.chmod(f"{TMP}/server.key", 0o644)
    with open(f"{HOME}/certmuster.yaml", "a") as f:
        f.write(f"  listen: 127.0.0.1:0\n  tls: {{cert: {TMP}/server.pem, key: {TMP}/server.key, client_ca: {TMP}/ca.pem}}\n")
    run("certmuster", "down")
    run("certmuster", "up")
    log = open(glob.glob(f"{HOME}/log/collectd*")[0]).read()
    port = int(log.rsplit("tls=127.0.0.1:", 1)[1].split()[0])
    run("certmuster", "scanner", "add", "alpha", "--realm", "default", "--realm", "dmz", "--cert", f"{TMP}/alpha.pem")
    run("certmuster", "scanner", "add", "beta", "--cert", "ab" * 32)
    where = lambda name: Collector(("127.0.0.1", port, client_context(TMP, name)))
    a, r = where("alpha"), new_run()
    good(a.batch([failure("192.0.2.80", r, scanner="alpha"), record("failure", source="scan", at=stamp(NOW), run=r, stage="connect", error="refused",
         endpoint=endpoint("192.0.2.81", realm="dmz"))], "alpha/x/1"), 2)
    answer = good(a.batch([failure("192.0.2.82", r, scanner="beta"), sighting("192.0.2.83", [D[0]], r, scanner="alpha", realm="secret"),
                           sighting("127.0.0.1", [D[0]], r, scanner="alpha", realm="host:alpha"),
                           sighting("127.0.0.1", [D[0]], r, scanner="alpha", realm="host:beta")], "alpha/x/2"), 1, 3)
    equal("another's", [(1, "the record is another scanner's"), (2, "the realm is not this scanner's"), (4, "the realm is not this scanner's")],
          [(x["line"], x["reason"]) for x in answer["rejected"]])
    good(local().batch([failure("192.0.2.85", r2 := new_run())]), 1)
    equal("another's run", ["the run is another scanner's"], [x["reason"] for x in good(a.batch([failure("192.0.2.86", r2, scanner="alpha")], "alpha/x/4"), 0, 1)["rejected"]])
    equal("another's key", 403, a.batch([], "beta/x/1")[0])
    equal("enrolled with another certificate", 403, where("beta").batch([], "beta/x/1")[0])
    equal("not enrolled", 403, where("gamma").batch([], "gamma/x/1")[0])
    equal("not enrolled, question", 403, where("gamma").missing([])[0])
    equal("health", 200, a.get("/healthz")[0])
    sql("UPDATE scanner SET disabled = true WHERE name = 'alpha'")
    equal("disabled", 403, a.batch([], "alpha/x/3")[0])
    for name in (None, "stranger"):
        try:
            status = where(name).get("/healthz")[0]
            fail(f"{name}: {status}")
        except (ssl.SSLError, OSError):
            pass
    old = client_context(TMP, "alpha")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    try:
        Collector(("127.0.0.1", port, old)).get("/healthz")
        fail("TLS 1.1 was taken")
    except (ssl.SSLError, OSError):
        pass
    equal("an enrolled name is not taken over on the socket", 1, len(local().batch([failure("192.0.2.84", new_run(), scanner="beta")])[1]["rejected"]))
    flooding = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]  # no handshake: cut in time
    for s in flooding:
        s.settimeout(10)
        equal("no handshake", b"", s.recv(10))


def fingerprint(name):
    return sha(ssl.PEM_cert_to_DER_cert(open(f"{TMP}/{name}.pem").read()))


def test_uids():
    """An account that nobody allowed: 403, also for reading; then allowed by name of its uid."""
    if os.geteuid() != 0:
        return
    ask = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
           sockets() + "/collectd.sock"]
    equal("nobody reads", "403", run(*ask, "http://x/healthz"))
    equal("nobody sends", "403", run(*ask, "-H", "Idempotency-Key: x", "-d", "x", "http://x/v1/batches"))
    if int(metrics()["certmuster_requests_denied_total"]) < 2:
        fail("denied requests are not counted")


def test_verdicts():
    for name, days in (("good", 30), ("over", -1)):
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/{name}.key", "-out", f"{TMP}/{name}.csr", "-subj", f"/CN={name}")
        run("openssl", "x509", "-req", "-in", f"{TMP}/{name}.csr", "-CA", f"{TMP}/trust.pem", "-CAkey", f"{TMP}/trust.key", "-set_serial", "7", "-days", str(days),
            "-out", f"{TMP}/{name}.pem")
    make_pki(TMP, ["orphan"], ca="nobodysca")
    ders = {n: ssl.PEM_cert_to_DER_cert(open(f"{TMP}/{n}.pem").read()) for n in ("good", "over", "orphan", "trust")}
    ders["self"] = D[0]
    ders["broken"] = b"broken"
    c = local()
    good(c.batch([cert_record(d) for d in ders.values()] + [sighting(f"192.0.2.{90 + i}", [d], RUN) for i, d in enumerate(ders.values())]), 12)
    expected = {"good": "ok", "trust": "ok", "over": "cert_has_expired", "orphan": "unable_to_get_issuer_cert_locally",
                "self": "depth_zero_self_signed_cert", "broken": "undecodable"}
    verdict = lambda n: sql(f"SELECT verdict, cardinality(path) FROM chain_verdict JOIN chain USING (chain_id) WHERE fingerprints = ARRAY['\\x{sha(ders[n])}'::bytea]")
    for name, word in expected.items():
        wait_for(f"verdict on {name}: {word}, not {verdict(name)}", lambda: verdict(name).split("|")[0] == word, 15)
    equal("path", ("ok|2", "ok|1"), (verdict("good"), verdict("trust")))
    wait_for("expired and expiring are counted", lambda: (metrics().get("certmuster_certificates_expired"), metrics().get("certmuster_certificates_expiring_30d")) == (1.0, 2.0))  # over; good and orphan


def test_killed_before_answer():
    """Killed with SIGKILL when it has committed, or is about to: held by a lock, resent with the same key."""
    c, r = local(), new_run()
    lines = [sighting(f"198.51.101.{i}", [D[0]], r) for i in range(50)]
    holder = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", sockets(), "-U", "certmuster_admin", "-d", "certmuster"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    holder.stdin.write("SET search_path = certmuster; BEGIN; LOCK TABLE run IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
    holder.stdin.flush()
    equal("held", "held", holder.stdout.readline().strip())
    waiting = concurrent.futures.ThreadPoolExecutor(1).submit(lambda: local().batch(lines, "local/killed/1"))
    wait_for("the batch waits for the lock", lambda: sql("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0")
    equal("others are answered meanwhile", 200, local().get("/healthz")[0])
    os.kill(pid(), signal.SIGKILL)
    try:
        fail(f"answered: {waiting.result()}")
    except (OSError, http.client.HTTPException):
        pass
    holder.stdin.write("COMMIT;\n")
    holder.stdin.close()
    holder.wait()
    run("certmuster", "up")
    good(local().batch(lines, "local/killed/1"), 50)
    equal("once", "50|50", sql(f"SELECT stored_ok, (SELECT count(*) FROM sighting JOIN location USING (location_id) WHERE ip << '198.51.101.0/24') FROM run WHERE run = '{r}'"))


def test_database_stopped():
    """PostgreSQL stopped with -m immediate while batches are stored, started again; every batch is sent until it is answered 200."""
    new = [certificate(T, 10000 + i) for i in range(1500)]
    runs = [new_run() for _ in range(3)]
    batches = [(f"local/stop/{i}", [cert_record(d) for d in new[i * 250:i * 250 + 250]] + [sighting(f"10.9.{i}.{j}", [d], runs[i % 3])
               for j, d in enumerate(new[i * 250:i * 250 + 250])]) for i in range(6)]
    seen503, down = threading.Event(), threading.Event()

    def deliver(batch):
        while True:
            try:
                status, content = local().batch(batch[1], batch[0])
            except (OSError, http.client.HTTPException):
                status = 0
            if status == 200:
                return content
            if status != 503:
                fail(f"{status}: {content}")
            seen503.set()
            time.sleep(0.1)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        work = [pool.submit(deliver, b) for b in batches]
        wait_for("the first is stored", lambda: any(w.done() for w in work))
        postmaster = int(open(f"{HOME}/postgres/postmaster.pid").readline())
        os.kill(postmaster, signal.SIGQUIT)
        wait_for("it is down", lambda: not os.path.exists(f"/proc/{postmaster}") or open(f"/proc/{postmaster}/stat").read().split()[2] == "Z")
        wait_for("503 is told", seen503.is_set)
        wait_for("health says so", lambda: local().get("/healthz")[0] == 503)
        equal("metrics go on", 0.0, metrics()["certmuster_database_up"])
        before = pid()
        run("certmuster", "up", "--database-only")
        for w in work:
            equal("stored", 500, w.result(60)["stored"])
    equal("the same collector", before, pid())
    equal("nothing lost, nothing doubled", "1500|1500|1500|1500", sql(
        "SELECT (SELECT count(*) FROM location WHERE ip << '10.9.0.0/16'), (SELECT count(*) FROM sighting JOIN location USING (location_id) WHERE ip << '10.9.0.0/16'),"
        " (SELECT sum(stored_ok) FROM run WHERE run IN ('%s')), (SELECT count(*) FROM certificate_name WHERE kind = 'cn' AND name >= 'host-00010000' AND name < 'host-00011500')"
        % "','".join(runs)))
    wait_for("well again", lambda: local().get("/healthz")[0] == 200)
    Collector.patience_s = 30


def test_upkeep():
    """Old partitions go, tomorrow's is there; lost runs do not count as having looked; folding brings last_seen up to date."""
    c, ip, a = local(), "192.0.2.120", sha(D[4])
    lost = new_run()
    sweep(c, new_run(), {ip: [D[4]]}, day(9))
    good(c.batch([run_record(lost, "started", day(8))]), 1)
    sweep(c, lost, {ip: [D[5]]}, day(8))
    equal("missed once", f"{a}|{date(9)}|{date(9)}|1|f", spans(ip)[0])
    sweep(c, new_run(), {"192.0.2.121": [D[4]]}, day(9))
    sweep(c, new_run(), {"192.0.2.121": [D[4]]}, day(7))
    equal("not folded", f"{a}|{date(9)}|{date(9)}|0|f", spans("192.0.2.121")[0])
    sql("CREATE TABLE observation_20200101 PARTITION OF observation FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');"
        "INSERT INTO batch (batch_key, scanner, received_at, stored) VALUES ('old', 'x', now() - interval '401 days', 0); UPDATE upkeep SET done_at = '-infinity' WHERE task !~ '^trust'")
    run("certmuster", "down")
    run("certmuster", "up")
    wait_for("old partition is dropped", lambda: sql("SELECT count(*) FROM pg_class WHERE relname = 'observation_20200101'") == "0")
    wait_for("old key is dropped", lambda: sql("SELECT count(*) FROM batch WHERE batch_key = 'old'") == "0")
    wait_for("a lost run did not look", lambda: spans(ip)[0] == f"{a}|{date(9)}|{date(9)}|0|f")
    wait_for("folded", lambda: spans("192.0.2.121")[0] == f"{a}|{date(9)}|{date(7)}|0|f")
    tomorrow = time.strftime("%Y%m%d", time.gmtime(time.time() + DAY))
    equal("tomorrow", "1", sql(f"SELECT count(*) FROM pg_class WHERE relname = 'observation_{tomorrow}'"))


def tls_config():
    make_pki(TMP, ["server"])
    path = f"{TMP}/tls.yaml"
    with open(path, "w") as f:
        f.write(f"collector: {{tls: {{cert: {TMP}/server.pem, key: {TMP}/server.key, client_ca: {TMP}/ca.pem}}}}\n")
    return path


def test_start():
    """What it refuses at its start, in one line."""
    socket_path = f"{TMP}/s.sock"
    dsn = f"host={sockets()} dbname=certmuster"
    start = lambda *args: subprocess.run([f"{BIN}/certmuster-collectd", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    done = start("--socket", sockets() + "/collectd.sock")
    equal("a socket that is served", 3, done.returncode)
    if "another collector" not in done.stdout:
        fail(done.stdout)
    run("createdb", "-h", sockets(), "-U", "certmuster_admin", "empty")
    for what, args, status, text in [("a schema that is too old", ["--socket", socket_path, "--dsn", f"host={sockets()} dbname=empty"], 3, "certmuster migrate"),
                                     ("nonsense", ["--soket"], 2, "did you mean --socket"), ("an operand", ["x"], 2, "operand"),
                                     ("no uid", ["--allow-uid", "root"], 2, "user id"),
                                     ("a path too long", ["--socket", "/tmp/" + "x" * 200, "--dsn", dsn], 3, "107"),
                                     ("an address that is none", ["--socket", socket_path, "--listen", "nowhere", "--dsn", dsn, "--config", tls_config()], 3, "address"),
                                     ("no directory", ["--socket", f"{TMP}/none/s", "--dsn", dsn], 3, "lock")]:
        done = start(*args)
        equal(what, status, done.returncode)
        if text not in done.stdout or len(done.stdout.splitlines()) > (1 if status == 2 else 2):
            fail(f"{what}: {done.stdout}")
    # A stale socket is replaced; the pid file is written; READY is told; SIGTERM ends it with 0 and leaves nothing.
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(socket_path)
    stale.close()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(f"{TMP}/notify")
    listener.settimeout(30)
    child = subprocess.Popen([f"{BIN}/certmuster-collectd", "--socket", socket_path, "--dsn", dsn, "--pid-file", f"{TMP}/pid"],
                             env=dict(os.environ, NOTIFY_SOCKET=f"{TMP}/notify"), stderr=subprocess.DEVNULL)
    try:
        equal("ready", b"READY=1", listener.recv(100))
        equal("pid", child.pid, int(open(f"{TMP}/pid").read()))
        equal("serves", 200, Collector(socket_path).get("/healthz")[0])
        equal("serves", 200, Collector(socket_path).batch([])[0])
        child.send_signal(signal.SIGTERM)
        equal("stopping", b"STOPPING=1", listener.recv(100))
        equal("exit", 0, child.wait(30))
    finally:
        child.kill()
    equal("leaves nothing", [], [n for n in ("s.sock", "s.sock.lock", "pid") if os.path.exists(f"{TMP}/{n}")])


def main():
    global D, T, RUN
    T = template(TMP)
    D = [certificate(T, i) for i in range(8)]
    RUN = new_run()
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/trust.key", "-out", f"{TMP}/trust.pem",
        "-days", "60", "-subj", "/CN=Private CA")
    with open(f"{HOME}/certmuster.yaml", "w") as f:
        f.write(f"collector:\n  trust_store: {TMP}/trust.pem\n  judge_interval: 300ms\n  request_timeout: 3s\n  client_connections: 40\n  client_rate: 2000\n")
    run("certmuster", "up")
    good(local().batch([cert_record(d) for d in D[:6]]), 6)
    if len(sys.argv) > 1:
        names = sys.argv[1:]
    else:
        names = ["keys", "missing", "lines", "assets", "other_assets", "spans", "balancer", "unchanged", "handshake", "concurrent", "clock", "bodies", "paths", "slow", "metrics", "uids", "verdicts",
                 "killed_before_answer", "database_stopped", "upkeep", "start", "tls"]
    for name in names:
        began = time.time()
        try:
            globals()["test_" + name]()
        except BaseException:
            print(f"FAIL {name}", flush=True)
            raise
        print(f"ok   {name} {time.time() - began:.1f}s", flush=True)
    log = open(glob.glob(f"{HOME}/log/collectd*")[0]).read()
    for word in ("AddressSanitizer", "runtime error", "LeakSanitizer", "batch_failed", "rollback_failed"):
        if word in log:
            fail(f"{word} in the log")


code = 1
try:
    main()
    run("certmuster", "down")
    log = open(glob.glob(f"{HOME}/log/collectd*")[0]).read()
    if "LeakSanitizer" in log:
        fail("leaks at the end")
    code = 0
except BaseException as e:
    import traceback
    traceback.print_exc()
    for path in glob.glob(f"{HOME}/log/*"):
        print("==", path)
        print("".join(open(path, errors="replace").readlines()[-40:]))
finally:
    subprocess.run(["certmuster", "down"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if code == 0:
        shutil.rmtree(TMP, ignore_errors=True)
sys.stdout.flush()
os._exit(code)
