#!/usr/bin/python3
"""What certmuster-collectd takes, against a real PostgreSQL: idempotency, missing certificates, lines that are refused, every type of record,
batches at once, clocks, bodies and paths."""
import base64, concurrent.futures, gzip, os, socket, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import *
from inventory_tools import *


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
    for key in ("", "x" * 821, "sp ace", None):
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
    equal("reason of 6", "the realm is not this scanner's: \"dmz\"; it may tell \"default\": set realm in its configuration", content["rejected"][2]["reason"])
    equal("reason of 11", "a certificate of the chain was rejected", content["rejected"][5]["reason"])
    equal("again", (status, content), c.batch(lines, "local/lines/1"))
    equal("undecodable", "t", sql(f"SELECT undecodable IS NOT NULL AND der = 'no certificate'::bytea FROM certificate WHERE encode(sha256, 'hex') = '{undecodable}'"))
    equal("cut in the middle of a line", 400, c.request("POST", "/v1/batches", b'{"v":1', {"Idempotency-Key": "local/lines/cut"})[0])
    hostile = sighting("192.0.2.45", [D[3]], RUN, scanner='it\'s "a\\b", {c}\t\u202e')
    good(c.batch([hostile, failure("192.0.2.46", RUN, scanner='it\'s "a\\b", {c}\t\u202e', detail="\\N\t\\.\n'; DROP TABLE run; --")]), 2)
    equal("hostile text", "\\N\t\\.\n'; DROP TABLE run; --", sql("SELECT last_detail FROM location_state JOIN location USING (location_id) WHERE ip = '192.0.2.46'"))


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
    kept = c.connection.sock
    for path, expected in (("/healthz", 200), ("/metrics", 200), ("/nowhere", 404), ("/v1/batches", 405)):
        equal(f"HEAD {path} has no body", (expected, b""), c.request("HEAD", path))
        told = int(c.headers["Content-Length"])
        status, content = c.get(path)
        equal(f"GET {path} behind it on the same connection", (expected, True), (status, c.connection.sock is kept))
        if told == 0 or (expected != 200 and told != len(content)):
            fail(f"HEAD {path} tells {told} bytes, GET has {len(content)}")
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


play([test_keys, test_missing, test_lines, test_assets, test_other_assets, test_concurrent, test_clock, test_bodies, test_paths])
