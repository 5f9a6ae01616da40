#!/usr/bin/python3
"""Hostile clients of the collector: scanners that lie, bodies and certificates that are not what they say, HTTP and TLS taken apart. Beside every attack an
honest scanner delivers, and all of its records stand at the end; each refusal names the line and the reason."""
import base64
import glob
import gzip
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from siege_tools import *

TOP = os.environ.get("CM_TOP", os.getcwd())
REQUEST_TIMEOUT_S = 3


def start():
    global D, T, RUN
    make_certificates(["alpha", "beta", "gone", "honest"])
    make_pki(TMP, ["stranger"], ca="otherca")
    configure(f"  request_timeout: {REQUEST_TIMEOUT_S}s\n  client_connections: 40\n  connections: 100\n  client_rate: 400\n")
    run("certmuster", "up")
    for name in ("alpha", "beta", "gone", "honest"):
        run("certmuster", "scanner", "add", name, "--cert", f"{TMP}/{name}.pem")
    run("certmuster", "scanner", "revoke", "gone")
    T = template(TMP)
    D = [certificate(T, i) for i in range(4)]
    RUN = new_run()


def beside():
    return Honest("honest", tls_client("honest"), D[0], pause=0.05, places=5)


def is_well(what):
    equal(f"well after {what}", 200, Collector(unix_path()).get("/healthz")[0])


def told(answer, status=200):
    equal("status", status, answer[0]) if answer[0] == status else holds("answer", False, answer)
    return {row["line"]: row["reason"] for row in answer[1]["rejected"]} if status == 200 else answer[1]


# --- What they say -------------------------------------------------------------------------------------------------------------------------------------

def test_lies():
    """Another's name, key, realm, run and lease."""
    alpha, beta, mine = tls_client("alpha"), tls_client("beta"), new_run()
    others = new_run()
    equal("beta's own", 200, beta.batch([failure("192.0.2.1", others, scanner="beta")], "beta/own/1")[0])
    good = failure("192.0.2.2", mine, scanner="alpha")
    lines = [good, failure("192.0.2.3", mine, scanner="beta"), failure("192.0.2.4", mine, scanner="nobody"), failure("192.0.2.5", others, scanner="alpha"),
             record("failure", source="scan", at=stamp(time.time()), run=mine, stage="connect", error="refused", endpoint=endpoint("192.0.2.6", realm="dmz")),
             record("failure", source="scan", at=stamp(time.time()), run=mine, stage="connect", error="refused", endpoint=endpoint("127.0.0.1", realm="host:beta")),
             run_record(others, "finished", scanner="alpha", targets=0, ok=0, failed=0), failure("192.0.2.7", mine, scanner="alpha")]
    reasons = told(alpha.batch(lines, "alpha/lies/1"))
    equal("lines", [2, 3, 4, 5, 6, 7], sorted(reasons))
    equal("another's name", {"the record is another scanner's"}, {reasons[2], reasons[3]})
    equal("another's run", {"the run is another scanner's"}, {reasons[4], reasons[7]})
    equal("another's realm", {"the realm is not this scanner's"}, {reasons[5].split(":")[0], reasons[6].split(":")[0]})
    equal("its own are stored", "2", sql("SELECT count(*) FROM location WHERE host(ip) IN ('192.0.2.2', '192.0.2.7')"))
    equal("the lies are not", "0", sql("SELECT count(*) FROM location WHERE ip << '192.0.2.0/24' AND host(ip) IN ('192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6')"))
    equal("another's run is not finished", "t", sql(f"SELECT finished_at IS NULL FROM run WHERE run = '{others}'"))
    for key in ("beta/own/2", "betas/x", "alphabet/1", "alpha"):
        holds("another's key", "another scanner's" in told(alpha.batch([good], key), 403)["error"], key)
    client = Collector(unix_path())
    for key in ("beta/own/1", "beta/to/come"):
        holds("another's key, on the socket", "another scanner's" in told(client.batch([failure("192.0.2.8", RUN)], key), 403)["error"], key)
    foreign = failure("192.0.2.9", others, scanner="beta")
    equal("a file of beta's, by alpha: nothing of it", [1], sorted(told(alpha.batch([foreign], "file/beta"))))
    equal("keeps beta from nothing", (200, {"stored": 1, "rejected": []}), beta.batch([foreign], "file/beta"))
    far = record("failure", source="scan", at=stamp(time.time()), run=mine, stage="connect", error="refused", endpoint=endpoint("192.0.2.6", realm="later"))
    equal("a realm that is not alpha's", {1: 'the realm is not this scanner\'s: "later"; it may tell "default": set realm in its configuration, or enrol it with --realm "later"'},
          told(alpha.batch([far], "alpha/later/1")))
    sql("UPDATE scanner SET realms = '{default,later}' WHERE name = 'alpha'")
    equal("and now is", (200, {"stored": 1, "rejected": []}), alpha.batch([far], "alpha/later/1"))
    equal("revoked", 403, tls_client("gone").batch([good], "gone/1")[0])
    equal("asks under another's name", 403, alpha.request("POST", "/v1/leases", b'{"kind":"scan","scanner":"beta"}')[0])
    run("certmuster", "sweep", "create", "theirs", "-t", "127.0.0.1:1")
    run("certmuster", "sweep", "start", "theirs")
    status, content = beta.request("POST", "/v1/leases", b'{"kind":"scan"}')
    holds("a shard for beta", status == 200, status, content)
    lease = json.loads(content)["lease"]
    for state in ("done", "failed", "given_back", "running"):
        equal(f"another's lease: {state}", 409, alpha.request("POST", f"/v1/leases/{lease}", json.dumps({"state": state}).encode())[0])
    equal("it is beta's still", 200, beta.request("POST", f"/v1/leases/{lease}", b'{"state":"running"}')[0])
    for path in ("/v1/leases/nonsense", "/v1/leases/", "/v1/leases/" + "0" * 4000):
        equal(path[:30], 404, alpha.request("POST", path, b'{"state":"done"}')[0])


DEEP = b"[" * 1000000
BAD_LINES = [  # line, a part of the reason
    (b'{"v":1', "JSON"), (DEEP, "nested too deeply"), (b'{"v":1,"type":"failure","x":' + DEEP + b"]" * 1000000 + b"}", "nested too deeply"),
    (b"\x00" * 50, "JSON"), (b'{"v":1,"type":"failure","detail":"\xff\xfe"}', "JSON"), (b'{"v":1,"v":1,"type":"failure"}', "JSON"),
    (b'{"v":1,"type":"failure","x":"\xed\xa0\x80"}', "JSON"), (b'{"v":1e400}', "JSON"), (b'{"v":99999999999999999999}', "JSON"), (b'{"v":-1}', "v"), (b'{"v":1.5}', "v"), (b'{"v":2,"type":"run"}', "version"),
    (b"[]", "object"), (b"1", "JSON"), (b'"x"', "JSON"), (b"null", "JSON"), (b"{}", "v"), (b'{"v":1}', "type"), (b'{"v":1,"type":7}', "type"), (b'{"v":1,"type":"' + b"x" * 70000 + b'"}', "type"),
    (b"A" * (3 << 20), "2 MiB"), (b'{"v":1,"type":"failure","x":[' + b"{}," * 300000 + b"1]}", "too many"), (b"\xef\xbb\xbf{}", "JSON"), (b'{"v":1,"type":"certificate"', "JSON"),
    (b'{"v":1,"type":"certificate","sha256":"' + b"0" * 64 + b'","der":"not base64!"}', ""), (b'{"v":1,"type":"certificate","sha256":"' + b"0" * 64 + b'","der":"AAAA"}', ""),
    (b'{"v":1,"type":"certificate","sha256":"' + b"ab" * 32 + b'","der":"' + base64.b64encode(b"x" * 262145) + b'"}', ""),
]


def changed(**members):
    """A sighting with members replaced: hostile values in every place."""
    base = json.loads(sighting("192.0.2.9", [D[0]], RUN))
    base.update(members)
    return json.dumps(base).encode()


def bad_members():
    at = lambda **more: {**endpoint("192.0.2.9"), **more}
    return [changed(endpoint=at(port=65536)), changed(endpoint=at(port=-1)), changed(endpoint=at(port=1.5)), changed(endpoint=at(port="443")), changed(endpoint=at(ip="1.2.3")), changed(endpoint=at(ip="999.1.1.1")),
            changed(endpoint=at(ip="::ffff:1.2.3.4.5")), changed(endpoint=at(transport="smoke")), changed(endpoint=at(realm="")), changed(endpoint=at(name="x" * 70000)), changed(endpoint=[]), changed(endpoint=None),
            changed(at="yesterday"), changed(at="9999999-01-01T00:00:00Z"), changed(at=0), changed(chain=[]), changed(chain=["zz"]), changed(chain=["ab" * 32] * 101), changed(chain="ab" * 32), changed(chain=[1]),
            changed(role="king"), changed(run="not-a-uuid"), changed(scanner=""), changed(scanner="x" * 70000), changed(scanner=5), changed(tls=[]), changed(tls={"version": "TLSv9"}),
            changed(count=-1), changed(since="later")]


def every_type():
    """A record of each type with all of its members."""
    now, digest = stamp(time.time()), "11" * 32
    seen = dict(source="crawl", at=now, since=now, count=2, scanner="local", run=RUN)
    file = {"realm": "default", "host": "h.example", "path": "/", "inner": "a!b", "entry": "1", "format": "pem", "mode": 420, "uid": 0, "gid": 0, "size": 1, "mtime": now, "inode": 5}
    place = endpoint("192.0.2.77", 443, "a.example", starttls="smtp")
    tls = {"version": "TLSv1.2", "cipher": "X", "client_ca": ["CN=a"], "staple": {"status": "good", "this_update": now, "next_update": now}, "scts": 2, "ja3s": "a" * 32, "proof": "good"}
    return [
        dict(type="sighting", **seen, endpoint=place, role="server", chain=[sha(D[0])], tls=tls, client_hello={"ja3": "x"}, peer=place, attempts=[{"what": "x"}]),
        dict(type="sighting", **seen, file=file, role="stored", chain=[sha(D[0])]),
        dict(type="failure", **seen, file=file, stage="open", error="permission", detail="x"),
        dict(type="endpoint", **seen, endpoint=place, tls=tls),
        dict(type="key", **seen, file=file, kind="pkcs8", encrypted=False, spki_sha256=digest, key={"alg": "rsa", "bits": 2048}),
        dict(type="store", **seen, file=file, format="jks", integrity="ok", weak=["rc2"], entries=3),
        dict(type="csr", **seen, file=file, sha256=digest, subject="CN=x", spki_sha256=digest, key={"alg": "rsa", "bits": 1}, sig_alg="x", san={"dns": ["x"]}, ca=True, undecodable="x"),
        dict(type="crl", **seen, endpoint=place, sha256=digest, issuer="CN=x", this_update=now, next_update=now, entries=1, number="01", delta_of="01", authority_key_id="aa", sig_alg="x"),
        dict(type="ssh_certificate", **seen, file=file, sha256=digest, key_type="k", role="user", serial="1", key_id="k", principals=["a"], valid_after=now, valid_before=now, spki_sha256=digest,
             key={"alg": "x"}, fingerprint="f", ca_fingerprint="c", ca_type="t", sig_alg="s", critical_options=["a"], extensions=["b"], undecodable="x"),
        dict(type="run", run=RUN, source="crawl", state="finished", at=now, host="h", machine_id="m", addresses=["192.0.2.9"], scanner="local", args=["a"], targets=1, ok=1, failed=0, interrupted=False,
             covered={"realm": "default", "host": "h", "roots": ["/a"], "except": ["/b"], "mounts": ["/c"], "assets": 1}),
        dict(type="stats", run=RUN, at=now, counters={"drops": 1})]


ODD = [None, True, -1, 1.5, 2**31, 2**53, 2**63 - 1, "", "\\N", "a\nb\tc\\", "'\"`$$;--", "{}", "a\u0000b", "\ufffe\uffff", "x" * 255, "".join(chr(97 + i * i % 26) for i in range(5000)), [], {"a": None},
       {"a": "\\\u0000"}, [1e308], "192.0.2.1/33", "infinity", "00000000-0000-0000-0000-000000000000", "0000-01-01T00:00:00Z", "9999-12-31T23:59:60.9Z", "2026-01-01T00:00:00+16:00",
       "2026-01-01T00:00:00.%sZ" % ("1" * 200), "1969-12-31T23:59:59.999Z"]


def members(value, path=()):
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield path + (key,)
        yield from members(inner, path + (key,))


def mutants():
    """Every member of every type with every odd value, each at a place of its own: what is known of a place keeps a record from PostgreSQL."""
    number = 0
    for base in every_type():
        for path in members(base):
            for value in ODD:
                number += 1
                record = json.loads(json.dumps(base))
                if isinstance(record.get("endpoint"), dict):
                    record["endpoint"].update(ip=f"198.20.{number // 250 % 250}.{1 + number % 250}", port=1 + number // 62500)
                if isinstance(record.get("file"), dict):
                    record["file"]["path"] = f"/mutants/{number}"
                if base["type"] in ("run", "stats"):
                    record["run"] = new_run()
                inner = record
                for key in path[:-1]:
                    inner = inner[key]
                if path != ("type",):
                    inner[path[-1]] = value
                    yield json.dumps({"v": 1, **record}).encode()


def test_values():
    """Whatever stands in a member, the line is refused by what reads it or it is stored: PostgreSQL never is the one that refuses."""
    client = Collector(unix_path(), timeout=120)
    lines, stored, reasons = list(mutants()), 0, set()
    with beside():
        equal("their certificate", 200, client.batch([cert_record(D[0])])[0])
        for first in range(0, len(lines), 200):
            answer = client.batch(b"\n".join(lines[first:first + 200]) + b"\n")
            holds("the batch", answer[0] == 200, answer)
            stored += answer[1]["stored"]
            reasons |= {row["reason"] for row in answer[1]["rejected"]}
    equal("refused by PostgreSQL", set(), {reason for reason in reasons if "inventory refuses" in reason})
    equal("was never asked for a thing twice", 0, the_log().count("batch_refused"))
    holds("stored and refused", stored > len(lines) / 5 and len(reasons) > 100, stored, len(lines), len(reasons))
    equal("odd dates are kept as dates", "0001-01-01 00:00:00+00|9999-12-31 23:59:59+00|0001-01-01 00:00:00+00|9999-12-31 23:59:59+00",
          sql("SELECT (SELECT min(this_update) FROM crl), (SELECT max(next_update) FROM crl), (SELECT min(valid_after) FROM ssh_certificate), (SELECT max(valid_before) FROM ssh_certificate)"))


def der(tag, *parts):
    content = b"".join(parts)
    return bytes([tag]) + (bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")) + content


def test_odd_list():
    """A revocation list of the year 0 in a directory that is crawled: it is stored, and what lies behind it."""
    algorithm, name = der(0x30, bytes.fromhex("06092a864886f70d01010b0500")), der(0x30, der(0x31, der(0x30, b"\x06\x03\x55\x04\x03", der(0x0C, b"Odd CA"))))
    tree = f"{TMP}/odd"
    os.makedirs(tree)
    with open(f"{tree}/a.crl", "wb") as out:
        out.write(der(0x30, der(0x30, b"\x02\x01\x01", algorithm, name, der(0x18, b"00000101000000Z"), der(0x18, b"99991231235959Z")), algorithm, der(0x03, b"\0" + b"\1" * 256)))
    with open(f"{tree}/b.pem", "w") as out:
        out.write(ssl.DER_cert_to_PEM_cert(D[3]))
    run("certmuster", "crawl", "--host", "odd.example", tree)
    run("certmuster", "submit", "--to", f"unix:{unix_path()}", "--wait", "20s")
    equal("the list", "CN=Odd CA|0001-01-01 00:00:00+00|9999-12-31 23:59:59+00", sql(f"SELECT issuer, this_update, next_update FROM crl JOIN location USING (location_id) WHERE path = '{tree}/a.crl'"))
    equal("the certificate", "1", sql(f"SELECT count(*) FROM sighting JOIN location USING (location_id) WHERE path = '{tree}/b.pem'"))


def test_refused():
    """What PostgreSQL refuses all the same is found: its line is told with the reason, the others are stored, and no segment is sent for ever."""
    client, mine = Collector(unix_path(), timeout=120), new_run()
    crl = lambda name, i: record("crl", source="crawl", at=stamp(time.time()), run=mine, issuer=name, file={"realm": "default", "host": "refused.example", "path": f"/{name}/{i}"})
    sql("ALTER TABLE crl ADD CONSTRAINT no_poison CHECK (issuer NOT LIKE 'poison%')")
    sql(f"ALTER TABLE certificate ADD CONSTRAINT no_leaf CHECK (sha256 <> '\\x{sha(certificate(T, 90))}')")
    leaves = [certificate(T, i) for i in (90, 91)]
    lines = [crl("good", i) for i in range(50)] + [sighting(f"198.21.0.{i}", [leaf], mine) for i, leaf in enumerate(leaves)] + [crl("good", i) for i in range(50, 100)] + [cert_record(leaf) for leaf in leaves]
    lines[20:20], lines[80:80] = [crl("poison", 1)], [crl("poison", 2)]
    bad = {1 + lines.index(crl_line): "no_poison" for crl_line in (lines[20], lines[80])}
    bad[1 + lines.index(cert_record(leaves[0]))] = "no_leaf"
    with beside():
        key = f"file/{uuid.uuid4().hex}"
        answer = client.batch(lines, key)
        reasons = told(answer)
        looks = 1 + next(i for i, line in enumerate(lines) if sha(leaves[0]) in line)
        equal("lines", sorted([*bad, looks]), sorted(reasons))
        for line, constraint in bad.items():
            holds("the reason", reasons[line].startswith("the inventory refuses the record: 23514: ") and constraint in reasons[line], reasons[line])
        equal("stored", len(lines) - 4, answer[1]["stored"])
        equal("of it is there", "100|1", sql("SELECT (SELECT count(*) FROM crl WHERE issuer = 'good'), (SELECT count(*) FROM location WHERE host(ip) LIKE '198.21.%')"))
        equal("the same again", answer, client.batch(lines, key))
        many = [crl("poison", i) for i in range(40)] + [crl("better", 1)] + [crl("poison", i) for i in range(40, 50)]
        reasons = told(client.batch(many))
        equal("many", [i + 1 for i in range(51) if i != 40], sorted(reasons))
        holds("the reason of each", all(reason.startswith("the inventory refuses the record: 23514: ") for reason in reasons.values()), reasons)
        equal("the good one of that batch", "1", sql("SELECT count(*) FROM crl WHERE issuer IN ('better', 'poison')"))
    sql("ALTER TABLE certificate DROP CONSTRAINT no_leaf")
    search_is_cheap(client, mine, crl)
    sql("ALTER TABLE crl DROP CONSTRAINT no_poison")
    equal("and now", {}, told(client.batch(many)))


def search_is_cheap(client, mine, crl):
    """Thousands of records with one such in it: what is written to find it and to store the others is a few times the batch, counted by sequences, which no
    rollback sets back. (The search costs two or three times the batch; the first attempt and the last are one each.)"""
    tables = ("certificate", "location", "sighting")
    for table in tables:
        sql(f"CREATE SEQUENCE tried_{table}; GRANT USAGE ON SEQUENCE tried_{table} TO public;"
            f"CREATE FUNCTION count_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('certmuster.tried_{table}'); RETURN new; END $$;"
            f"CREATE TRIGGER tried BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION count_{table}()")
    der = [certificate(T, 100000 + i) for i in range(2000)]
    lines = [line for i, leaf in enumerate(der) for line in (cert_record(leaf), sighting(f"198.22.{i >> 8}.{i & 255}", [leaf], mine))]
    lines[2500:2500] = [crl("poison", 100)]
    key = f"file/{uuid.uuid4().hex}"
    with beside():
        answer = client.batch(lines, key)
    equal("the one line", [2501], sorted(told(answer)))
    equal("all others", len(lines) - 1, answer[1]["stored"])
    equal("the same again", answer, client.batch(lines, key))
    equal("their places", str(len(der)), sql("SELECT count(*) FROM location WHERE ip << '198.22.0.0/16'"))
    for table in tables:
        tried = int(sql(f"SELECT last_value FROM tried_{table}"))
        holds(f"what was written to {table}", 2 * len(der) <= tried <= 6 * len(der), tried / len(der))
        sql(f"DROP TRIGGER tried ON {table}; DROP FUNCTION count_{table}; DROP SEQUENCE tried_{table}")


def test_lines():
    """Every kind of wrong line is refused by number and reason; the good ones around them, and whole batches of others, are stored."""
    hostile = [line for line, _ in BAD_LINES] + bad_members()
    lines, good = [], 0
    for i, line in enumerate(hostile):
        lines += [failure(f"198.18.{i}.1", RUN).encode(), line]
        good += 1
    client = Collector(unix_path(), timeout=120)
    with beside():
        total, kept, refused = 0, 0, {}
        for first in range(0, len(lines), 20):  # no more than 16 MiB at once
            part = lines[first:first + 20]
            answer = client.batch(b"\n".join(part) + b"\n")
            holds("the batch", answer[0] == 200, answer)
            kept += answer[1]["stored"]
            refused.update({first + row["line"]: row["reason"] for row in answer[1]["rejected"]})
        missing = [hostile[i // 2 - 1][:80] for i in range(2, len(lines) + 1, 2) if i not in refused]
        equal("not refused", [], missing)
        equal("refused", len(hostile), len(refused))
        equal("stored", good, kept)
        for number, (line, part) in enumerate(BAD_LINES):
            reason = refused[2 * number + 2]
            holds(f"the reason of {line[:60]}", part in reason and 3 < len(reason) < 450 and min(reason) >= " ", reason)
    equal("the good ones", str(good), sql("SELECT count(*) FROM location WHERE ip << '198.18.0.0/16' AND host(ip) LIKE '198.18.%.1'"))
    equal("a string of brackets is no depth", 200, client.batch([failure("192.0.2.10", RUN, detail="[" * 4000)])[0])


def test_certificates():
    """What is no certificate is kept with its reason, or refused; none takes the collector down."""
    der = D[1]
    odd = [b"\x30", b"\x30\x80\x00\x00", b"\x30\x84\xff\xff\xff\xff", os.urandom(3000), b"\x30\x82" * 1000, b"\x00" * 500, der[:-1], der + b"\x00", der.replace(b"\x30", b"\x31"), b"\x30\x83\x03\xff\xf0" + b"\x30\x80" * 131000]
    odd += [der[:cut] for cut in range(1, len(der), 7)]
    odd += [der[:i] + bytes([der[i] ^ 0xFF]) + der[i + 1:] for i in range(0, len(der), 3)]
    for path in sorted(glob.glob(f"{TOP}/tests/data/fuzz/fuzz_cert*/*"))[:200]:
        odd.append(open(path, "rb").read())
    odd = [x for x in dict.fromkeys(odd) if 0 < len(x) <= 262144]
    lines = [cert_record(x) for x in odd] + [sighting(f"198.19.{i >> 8}.{i & 255}", [x], RUN) for i, x in enumerate(odd)]
    client = Collector(unix_path(), timeout=120)
    with beside():
        answer = client.batch(lines)
        holds("all of them", answer[0] == 200 and answer[1] == {"stored": len(lines), "rejected": []}, answer)
        wait_until("every chain is judged", lambda: sql("SELECT count(*) FROM chain c WHERE NOT EXISTS (SELECT FROM chain_verdict v WHERE v.chain_id = c.chain_id)") == "0", 60)
    holds("some cannot be decoded, with a reason", int(sql("SELECT count(*) FROM certificate WHERE undecodable <> ''")) > 50)
    reasons = told(Collector(unix_path()).batch([cert_record(D[2]).replace(sha(D[2]), sha(D[3])), sighting("192.0.2.30", [D[3]], RUN), failure("192.0.2.31", RUN)]))
    equal("a wrong hash, and the chain that needs it", [1, 2], sorted(reasons))


# --- How much they send --------------------------------------------------------------------------------------------------------------------------------

def chunks(content, size):
    return b"".join(b"%x\r\n" % len(content[i:i + size]) + content[i:i + size] + b"\r\n" for i in range(0, len(content), size)) + b"0\r\n\r\n"


def test_bombs():
    """A gibibyte in one line and in many: plain, in pieces, as gzip and zstd; refused as soon as it is too much."""
    bombs = []
    for what, line in (("one line", b"a" * (1 << 24)), ("many lines", b'{"v":1}\n' * (1 << 21))):  # members and frames may follow each other
        bombs.append((f"gzip, {what}", "gzip", gzip.compress(line, 9) * 64))
        bombs.append((f"zstd, {what}", "zstd", zstd(line) * 64))
        bombs.append((f"zstd in one frame, {what}", "zstd", zstd(line * 4, "--ultra", "-20", "--long=24")))
    with beside():
        for what, encoding, packed in bombs:
            status, _, content = post(raw(unix_path()), packed, "bomb", Content_Encoding=encoding)
            equal(what, (413, True), (status, b"too large" in content))
        for stream in (raw(unix_path()), raw_tls("alpha")):
            began = time.monotonic()
            stream.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: file/1\r\nContent-Length: 1073741824\r\n\r\n")
            holds("a gibibyte announced", read_answer(stream)[0] in (413, None) and time.monotonic() - began < 2)
        for stream in (raw(unix_path()), raw_tls("alpha")):
            sent = 0
            stream.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: file/1\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while sent < 1 << 30:
                    stream.sendall(b"100000\r\n" + b"a" * (1 << 20) + b"\r\n")
                    sent += 1 << 20
            except (OSError, ssl.SSLError):
                pass
            holds("a gibibyte in pieces is not listened to", sent < 40 << 20, sent)
        line = b"a" * (15 << 20) + b"\n"
        answer = Collector(unix_path(), timeout=60).batch(line + failure("192.0.2.40", RUN).encode() + b"\n")
        equal("a line of 15 MiB beside a good one", (200, 1, [1]), (answer[0], answer[1]["stored"], [row["line"] for row in answer[1]["rejected"]]))
        tiny = body([failure("192.0.2.41", RUN)])
        stream = raw(unix_path())
        stream.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: file/tiny\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(tiny, 1))
        equal("in pieces of a byte", 200, read_answer(stream)[0])


# --- HTTP ----------------------------------------------------------------------------------------------------------------------------------------------

HEAD = b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: file/http\r\n"
GOOD = b'{"v":1,"type":"later"}\n'
HTTP = [  # what, bytes, statuses that are right (None: closed without an answer)
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, {400, None}),
    ("headers of 100 KB", HEAD + b"X: " + b"a" * 100000 + b"\r\n\r\n", {400, 413, 431, None}),
    ("ten thousand headers", HEAD + b"".join(b"X%d: y\r\n" % i for i in range(10000)) + b"\r\n", {400, 413, 431, None}),
    ("a first line of 100 KB", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", {400, 404, 413, 414, None}),
    ("no path", b"POST  HTTP/1.1\r\n\r\n", {400, 404, None}),
    ("a path outside", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
    ("a path of percents", b"GET /%00%2e%2e/%zz HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, None}),
    ("an absolute address", b"GET http://else.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400, 404}),
    ("a method that is none", b"FROB /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405, 501, None}),
    ("CONNECT", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405, 501, None}),
    ("TRACE", b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405, 501, None}),
    ("a version to come", b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", {200, 400, 505, None}),
    ("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", {200}),
    ("a negative length", HEAD + b"Content-Length: -1\r\n\r\n", {400, 413, None}),
    ("a length that is no number", HEAD + b"Content-Length: many\r\n\r\n", {400, None}),
    ("a length past 64 bits", HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", {400, 413, None}),
    ("two lengths", HEAD + b"Content-Length: 5\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD, {200, 400, None}),
    ("a length and pieces", HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(GOOD, 7), {200, 400, None}),
    ("a length too short", HEAD + b"Content-Length: 3\r\n\r\n" + GOOD, {400}),
    ("pieces of no number", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", {400, 413, None}),
    ("a negative piece", HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n", {400, 413, None}),
    ("a piece of 2^63", HEAD + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabcde", {400, 413, None}),
    ("a piece of 2^64", HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabcde", {400, 413, None}),
    ("trailers of 100 KB", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(GOOD, 7)[:-2] + b"X: " + b"a" * 100000 + b"\r\n\r\n", {200, 400, 413, 431, None}),
    ("a folded header", HEAD + b"X: a\r\n b\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD, {200, 400, None}),
    ("a header without a colon", HEAD + b"nonsense\r\n\r\n", {400, None}),
    ("a NUL in a header", b"POST /v1/batches HTTP/1.1\r\nIdempotency-Key: file/a\0b\r\nContent-Length: 0\r\n\r\n", {200, 400, None}),
    ("a key of bytes", b"POST /v1/batches HTTP/1.1\r\nIdempotency-Key: file/\xff\xfe\r\nContent-Length: 0\r\n\r\n", {400}),
    ("two encodings", HEAD + b"Content-Encoding: gzip, zstd\r\nContent-Length: 3\r\n\r\nabc", {415}),
    ("an encoding that lies", HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD, {400}),
    ("zstd that claims 2^60", HEAD + b"Content-Encoding: zstd\r\nContent-Length: 14\r\n\r\n" + bytes.fromhex("28b52ffde0") + b"\xff" * 7 + b"\x0f\x00", {400, 413}),
    ("a time that is none", HEAD + b"Certmuster-Sent: now\r\nContent-Length: 0\r\n\r\n", {400}),
    ("100-continue", HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD, {100, 200}),
    ("100-continue for a gibibyte", HEAD + b"Expect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n", {413, 417, None}),
    ("an expectation that is none", HEAD + b"Expect: miracles\r\nContent-Length: 0\r\n\r\n", {200, 417}),
    ("an upgrade", b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", {200}),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404, 405, 501, 505, None}),
]


def test_http():
    """Framing taken apart, over the socket and over TLS, and again cut at the middle with the sending side closed."""
    with beside():
        for what, content, right in HTTP:
            for stream in (raw(unix_path(), timeout=10), raw_tls("alpha", timeout=10)):
                try:
                    stream.sendall(content)
                except OSError:
                    pass
                status = read_answer(stream)[0]
                holds(what, status in right, status)
                stream.close()
            half = raw(unix_path(), timeout=10)
            half.sendall(content[:len(content) // 2][:4000])
            half.shutdown(socket.SHUT_WR)
            read_answer(half)
            half.close()
        is_well("HTTP")
        many = raw(unix_path(), timeout=20)  # sent ahead: each is answered, in turn
        many.sendall(b"".join(b"POST /v1/batches HTTP/1.1\r\nIdempotency-Key: file/ahead%d\r\nContent-Length: %d\r\n\r\n" % (i, len(GOOD)) + GOOD for i in range(50)))
        got = b""
        while got.count(b'"stored"') < 50:
            piece = many.recv(65536)
            holds("requests sent ahead", piece, got.count(b'"stored"'))
            got += piece
        for question, status in ((b"", 400), (b"[]", 400), (b"{}", 400), (DEEP, 413), (b'{"sha256":[' + b"1," * 200000 + b"1]}", 413), (b'{"sha256":"' + b"[" * 100000 + b'"}', 400), (b'{"sha256":[],"sha256":[]}', 400)):
            equal(f"a question: {question[:30]}", status, post(raw_tls("alpha"), question, "x", "/v1/missing")[0])
            holds(f"no lease for {question[:30]}", post(raw_tls("alpha"), question, "x", "/v1/leases")[0] in (400, 413))


# --- TLS -----------------------------------------------------------------------------------------------------------------------------------------------

def refused_by_tls(what, context):
    try:
        stream = context.wrap_socket(raw(("127.0.0.1", tls_port()), timeout=10), server_hostname="127.0.0.1")
        status = post(stream, GOOD, "file/tls")[0]  # in TLS 1.3 the client learns of it when it reads
        holds(what, status is None, status)
    except (ssl.SSLError, ConnectionError):
        pass


def test_tls():
    """No certificate, a stranger's, an expired one, a server's; garbage, old versions, half a handshake."""
    make_expired()
    with beside():
        for name in (None, "stranger", "expired", "notyet"):
            refused_by_tls(f"certificate {name}", client_context(TMP, name))
        for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2):  # and with them renegotiation, which 1.3 does not have
            old = client_context(TMP, "alpha")
            old.minimum_version = old.maximum_version = version
            old.set_ciphers("ALL:@SECLEVEL=0")
            refused_by_tls(str(version), old)
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, b"\x80\x2e\x01\x00\x02" + b"\0" * 64, os.urandom(5000), b"\x16\x03\x01\x00\x04\x01\xff\xff\xff"):
            stream = raw(("127.0.0.1", tls_port()), timeout=10)
            stream.sendall(garbage)
            stream.shutdown(socket.SHUT_WR)
            try:
                while stream.recv(65536):
                    pass
            except ConnectionError:
                pass
        is_well("TLS")


def make_expired():
    for name, begins, ends in (("expired", "20200101000000Z", "20210101000000Z"), ("notyet", "20900101000000Z", "20910101000000Z")):
        open(f"{TMP}/index-{name}", "w").close()
        with open(f"{TMP}/{name}.cnf", "w") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={TMP}/index-{name}\nnew_certs_dir={TMP}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/{name}.key", "-out", f"{TMP}/{name}.csr", "-subj", "/CN=alpha")
        run("openssl", "ca", "-batch", "-config", f"{TMP}/{name}.cnf", "-in", f"{TMP}/{name}.csr", "-cert", f"{TMP}/ca.pem", "-keyfile", f"{TMP}/ca.key", "-startdate", begins, "-enddate", ends, "-out", f"{TMP}/{name}.pem", "-notext")


# --- How slowly ----------------------------------------------------------------------------------------------------------------------------------------

def test_slow():
    """A byte at a time: handshake, headers, body; an answer that is not read. Each is cut when its time is over, the body with a 408."""
    tls = ("127.0.0.1", tls_port())
    makers = {"handshake": lambda: raw(tls), "half a handshake": lambda: sent(raw(tls), b"\x16\x03\x01\x02\x00\x01\x00"), "headers": lambda: sent(raw_tls("alpha"), b"POST /v1/batches HTTP/1.1\r\nX: "),
              "body": lambda: sent(raw_tls("alpha"), HEAD + b"Content-Length: 100000\r\n\r\n"), "pieces": lambda: sent(raw_tls("alpha"), HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"),
              "headers on the socket": lambda: sent(raw(unix_path()), b"POST /v1/batches HTTP/1.1\r\nX: "), "body on the socket": lambda: sent(raw(unix_path()), HEAD + b"Content-Length: 100000\r\n\r\n")}
    dripping, ended = {what: make() for what, make in makers.items()}, {}
    began = time.monotonic()
    with beside() as honest:
        while len(ended) < len(dripping) and time.monotonic() - began < 4 * REQUEST_TIMEOUT_S:
            for what, stream in dripping.items():
                if what in ended:
                    continue
                try:
                    stream.settimeout(0.02)
                    answer = stream.recv(65536)
                    ended[what] = (answer[:12], time.monotonic() - began)
                except (TimeoutError, ssl.SSLWantReadError):
                    try:
                        stream.sendall(b"a")
                    except OSError:
                        ended[what] = (b"", time.monotonic() - began)
                except OSError:
                    ended[what] = (b"", time.monotonic() - began)
            time.sleep(0.2)
    equal("who was cut", sorted(dripping), sorted(ended))
    holds("in time", all(seconds < REQUEST_TIMEOUT_S + 2.5 for _, seconds in ended.values()), ended)
    holds("not before", all(seconds > REQUEST_TIMEOUT_S * 0.8 for what, (_, seconds) in ended.items() if "handshake" not in what), ended)
    for what in ("body", "body on the socket", "pieces", "headers"):
        holds(f"{what}: told why", ended[what][0] in (b"HTTP/1.1 408", b""), ended[what])
    holds("a slow body is told why", ended["body on the socket"][0] == b"HTTP/1.1 408", ended)
    holds("the honest one is not slowed", sorted(honest.took)[len(honest.took) // 2] < 1, honest.figures())


def sent(stream, content):
    stream.sendall(content)
    return stream


# --- Limits per client ---------------------------------------------------------------------------------------------------------------------------------

def test_connections():
    """More connections than a client may have: told so, and only that client."""
    streams = [raw_tls("alpha") for _ in range(55)]
    time.sleep(0.5)
    told_off = 0
    for stream in streams:
        stream.settimeout(0.05)
        try:
            told_off += stream.recv(4096).startswith(b"HTTP/1.1 429")
        except (TimeoutError, ssl.SSLError, OSError):
            pass
    equal("connections of alpha past 40", 15, told_off)
    equal("beta", 200, tls_client("beta").batch([], "beta/connections/1")[0])
    with beside() as honest:
        time.sleep(1)
    holds("the honest one", honest.put_off == 0, honest.figures())
    for stream in streams:
        stream.close()


def test_held():
    """Bodies that are sent to the last byte but one: past 24 MiB a client is told to come again, and others are not."""
    part = HEAD + b"Content-Length: %d\r\n\r\n" % (10 << 20) + b"a" * ((10 << 20) - 1)
    streams, codes = [], []
    with beside() as honest:
        for _ in range(4):
            stream = raw_tls("alpha", timeout=20)
            streams.append(stream)
            try:
                stream.sendall(part)
            except OSError:
                pass
        time.sleep(0.3)
        for stream in streams:
            stream.settimeout(0.2)
            try:
                codes.append(stream.recv(4096)[:12])
            except (TimeoutError, ssl.SSLError):
                codes.append(b"")
            except OSError:
                codes.append(b"reset")
        time.sleep(0.5)
    equal("two of four are held", 2, codes.count(b""))
    holds("the others are told to come again", b"HTTP/1.1 429" in codes, codes)
    holds("nobody else", honest.put_off == 0, honest.figures())
    for stream in streams:
        stream.close()
    held = lambda: float(next(line.split()[1] for line in Collector(unix_path()).get("/metrics")[1].decode().splitlines() if line.startswith("certmuster_connections_held_bytes")))
    wait_until("what they held is given back", lambda: held() < 100000, 20)


def test_rate():
    """More requests than client_rate, twice the burst over: 429 with Retry-After for that client alone."""
    ahead = raw_tls("alpha", timeout=60)
    threading.Thread(target=lambda: ahead.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3000), daemon=True).start()
    got = b""
    while got.count(b"HTTP/1.1 ") < 3000:
        piece = ahead.recv(1 << 16)
        holds("all are answered", piece, len(got))
        got += piece
    limited = got.count(b"HTTP/1.1 429")
    holds("some are put off", limited > 0 and got.count(b"Retry-After") == limited and got.count(b"HTTP/1.1 200") >= 800, limited)
    equal("another", 200, tls_client("beta").get("/healthz")[0])


def test_queue():
    """One that sends without waiting fills half of the queue; the others are served in between."""
    lines = body([failure(f"198.{16 + i // 65536}.{i // 256 % 256}.{i % 256}", RUN) for i in range(10000)])
    codes, threads = [], []
    def send():
        for i in range(4):
            codes.append(post(raw_tls("alpha", timeout=120), lines.replace(b'"local"', b'"alpha"').replace(RUN.encode(), mine.encode()), f"file/{uuid.uuid4().hex}")[0])
    mine = new_run()
    with beside() as honest:
        threads = [threading.Thread(target=send) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    holds("it is told to come again", codes.count(429) > 0 and set(codes) <= {200, 408, 429}, codes)  # 408: thirty threads of this test, on a busy machine
    equal("the honest one is never put off", 0, honest.put_off)


def test_full():
    """Two that fill all of the queue with small batches have to make room for one that asks for little."""
    codes, end = {}, time.monotonic() + 8
    def send(name, run_of_it):
        batches = body([failure(f"198.17.{i // 256}.{i % 256}", run_of_it, scanner=name) for i in range(300)])
        stream = raw_tls(name, timeout=120)
        while time.monotonic() < end:
            code = post(stream, batches, f"file/{uuid.uuid4().hex}")[0]
            codes[code] = codes.get(code, 0) + 1
            if code is None:
                return
    with beside() as honest:
        threads = [threading.Thread(target=send, args=(name, run_of_it)) for name, run_of_it in (("alpha", new_run()), ("beta", new_run())) for _ in range(15)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    holds("they are told to come again, and are served", codes.get(429, 0) > 0 and codes.get(200, 0) > 0 and set(codes) <= {200, 408, 429}, codes)
    equal("the honest one is never put off", 0, honest.put_off)


play([test_lies, test_lines, test_values, test_odd_list, test_refused, test_certificates, test_bombs, test_http, test_tls, test_slow, test_connections, test_held, test_rate, test_queue, test_full], start)
