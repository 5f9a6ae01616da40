#!/usr/bin/python3
"""What becomes an act by itself: the configuration and the trust stores that collectors work with, each change once however many collectors run, secrets left out. And the chain of all
acts: hundreds at once by several roles, a hundred thousand rows, rows changed, swapped, taken out, written anew from the middle, cut off; verify names the row, and so does a reader that
has the export and the manual alone."""
import hashlib, json, os, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, new_run, run_record
from common import equal
from judge_pki import Pki, pem

BIN = os.environ["CM_BIN"]
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(TMP, 0o755)
os.environ["CERTMUSTER_HOME"] = f"{TMP}/home"
SECRET = "s3cr3t-pa55word"
running = []


def certmuster(*words, status=0):
    done = subprocess.run(["certmuster", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    equal(" ".join(words) + "\n" + done.stdout + done.stderr, status, done.returncode)
    return done.stdout + done.stderr


def psql(text, role="certmuster_admin", start=False):
    command = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-U", role, "-d", "certmuster", "-c", "SET search_path = certmuster", "-c", text]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process if start else answer_of(process)


def answer_of(process):
    out, err = process.communicate()
    equal(f"psql: {err}", 0, process.returncode)
    return out.strip()


def wait_for(what, condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"waited in vain: {what}: " + psql("SELECT action, subject, detail FROM audit_log ORDER BY seq DESC LIMIT 5"))
        time.sleep(0.05)


def acts(action):
    return [json.loads(line) for line in psql(f"SELECT json_build_object('subject', subject, 'detail', detail::json, 'user', db_user) FROM audit_log WHERE action = '{action}' ORDER BY seq").splitlines()]


def collector(name, more="", webhook=f"https://hooks.example.org/services/{SECRET}"):
    with open(f"{TMP}/{name}.yaml", "w") as out:
        out.write(f"host: {name.split('-')[0]}.example.org\nscanner: local\ndsn: \"host={sockets} dbname=certmuster user=certmuster_ingest password={SECRET}\"\ncollector:\n  judge_interval: 100ms\n  trust_store: {TMP}/roots.pem\n"
                  f"trust:\n  stores: [house={TMP}/house.pem]\nalerts:\n  ca: {TMP}/alerts.pem\n  fallback:\n    webhook: \"{webhook}\"\n{more}")
    process = subprocess.Popen([f"{BIN}/certmuster-collectd", "--config", f"{TMP}/{name}.yaml", "--socket", f"{TMP}/{name}.sock"], stderr=open(f"{TMP}/{name}.log", "a"))
    running.append(process)
    wait_for(f"{name} to be ready", lambda: os.path.exists(f"{TMP}/{name}.sock") and Collector(f"{TMP}/{name}.sock").get("/healthz")[0] == 200)
    return process


def stop(process):
    process.send_signal(signal.SIGTERM)
    equal("the collector's end", 0, process.wait(30))


def write(name, *members):
    with open(f"{TMP}/new.pem", "wb") as out:
        for member in members:
            out.write(pem(member))
    os.rename(f"{TMP}/new.pem", f"{TMP}/{name}.pem")


def test_configuration():
    write("roots", pki.root), write("house", pki.house), write("alerts", pki.root)
    one, two = collector("one"), collector("two")
    wait_for("both to be noted", lambda: len(acts("collector.configure")) == 2)
    first = acts("collector.configure")[0]
    assert first["subject"] == f"one.example.org unix:{TMP}/one.sock" and first["user"] == "certmuster_ingest", first
    uids = first["detail"]["changed"]["uids on the unix socket"]["to"].split()
    equal("who may speak on the unix socket, each once", sorted(set(uids)), sorted(uids))
    equal("of a key", {"to": "100ms"}, first["detail"]["changed"]["collector.judge_interval"])
    equal("of a webhook, whose path is a secret", {"to": "https://hooks.example.org"}, first["detail"]["changed"]["alerts.fallback.webhook"])
    equal("of a file that says whom to trust", {"to": hashlib.sha256(open(f"{TMP}/alerts.pem", "rb").read()).hexdigest()}, first["detail"]["changed"]["alerts.ca sha256"])
    stop(one)
    one = collector("one")
    stop(one)
    one = collector("one", "  interval: 90s\n")
    wait_for("the change to be noted", lambda: len(acts("collector.configure")) == 3)
    equal("what changed", {"alerts.interval": {"from": "1m", "to": "90s"}}, acts("collector.configure")[2]["detail"]["changed"])
    write("alerts", pki.root, pki.house)
    one.send_signal(signal.SIGHUP)
    wait_for("the new file to be noted by both", lambda: len(acts("collector.configure")) == 5)
    equal("what changed", ["alerts.ca sha256"], list(acts("collector.configure")[4]["detail"]["changed"]))
    return one, two


def test_trust(one, two):
    equal("stores, each once", ["house", "system"], sorted(act["subject"] for act in acts("trust_store.change")))
    stores = acts("trust_store.change")
    equal("the first time", (1, 1, 0, ["CN=House root"]), [tuple(a["detail"][k] for k in ("anchors", "added", "removed", "added_subjects")) for a in stores if a["subject"] == "house"][0])
    write("house", pki.stranger, pki.root)
    wait_for("the new file to be noted", lambda: len(acts("trust_store.change")) == 3)
    told = acts("trust_store.change")[2]["detail"]
    equal("anchors", (2, 2, 1, ["CN=House root"]), (told["anchors"], told["added"], told["removed"], told["removed_subjects"]))
    equal("digests", (hashlib.sha256(pem(pki.house)).hexdigest(), hashlib.sha256(pem(pki.stranger) + pem(pki.root)).hexdigest()), (told["from"], told["to"]))
    many = [pki.root_of(f"Root {n:03}") for n in range(30)]
    write("roots", *many)
    wait_for("many anchors to be noted", lambda: len(acts("trust_store.change")) == 4)
    told = acts("trust_store.change")[3]["detail"]
    equal("bounded", (30, 20, "CN=Root 000"), (told["added"], len(told["added_subjects"]), told["added_subjects"][0]))
    equal("kept with the store", "30", psql("SELECT count(*) FROM trust_anchor WHERE trust_store = 'system' AND sha256 = sha256(der)"))
    # A run of the collectors' rounds later nothing was noted twice.
    rounds = psql("SELECT done_at FROM upkeep WHERE task = 'sweeps'")
    for _ in range(3):
        wait_for("another round", lambda: psql("SELECT done_at FROM upkeep WHERE task = 'sweeps'") != rounds)
        rounds = psql("SELECT done_at FROM upkeep WHERE task = 'sweeps'")
    equal("noted", (5, 4), (len(acts("collector.configure")), len(acts("trust_store.change"))))
    stop(two)
    psql("UPDATE trust_store_named SET confirmed_at = now() - interval '25 hours' WHERE collector LIKE 'two.%'")  # it named the store, too
    text = open(f"{TMP}/one.yaml").read().replace("trust:\n", "").replace(f"  stores: [house={TMP}/house.pem]\n", "")
    stop(one)
    open(f"{TMP}/one.yaml", "w").write(text)
    process = subprocess.Popen([f"{BIN}/certmuster-collectd", "--config", f"{TMP}/one.yaml", "--socket", f"{TMP}/one.sock"], stderr=open(f"{TMP}/one.log", "a"))
    running.append(process)
    wait_for("a store that is no more", lambda: [a["subject"] for a in acts("trust_store.remove")] == ["house"])
    equal("enrolled by the rule of the socket", 200, Collector(f"{TMP}/one.sock").batch([run_record(new_run(), "started", scanner="cousin")])[0])
    added = [a for a in acts("scanner.add") if a["subject"] == "cousin"]
    equal("is an act", [("unix socket", "default")], [(a["detail"]["rule"], a["detail"]["realms"][0]) for a in added])
    stop(process)
    for name, url in (("query", f"https://hooks.example.org?token={SECRET}"), ("login", f"https://{SECRET}@hooks.example.org#{SECRET}"), ("both", f"https://u:p@hooks.example.org/{SECRET}@x")):
        process = collector(name, webhook=url)
        wait_for("it to be noted", lambda: [a for a in acts("collector.configure") if a["subject"].startswith(name)])
        noted = [a for a in acts("collector.configure") if a["subject"].startswith(name)]
        equal(f"of {url}", {"to": "https://hooks.example.org"}, noted[0]["detail"]["changed"]["alerts.fallback.webhook"])
        stop(process)
    log = certmuster("audit", "export")
    assert SECRET not in log and SECRET not in psql("SELECT settings FROM configuration"), "a secret is in the log"


def test_crowd():
    """Four hundred acts by four roles over forty connections, some undone: one chain, no gap."""
    before = int(psql("SELECT seq FROM audit_head"))
    crowd = [psql(f"DO $$ BEGIN FOR i IN 1..10 LOOP PERFORM audit_append('crowd', 'test.crowd', '{n}.' || i, '{{}}'); COMMIT; "
                  f"PERFORM audit_append('crowd', 'test.undone', 'x', '{{}}'); ROLLBACK; END LOOP; END $$",
                  ("certmuster_operate", "certmuster_ingest", "certmuster_admin", "certmuster_operate")[n % 4], start=True) for n in range(40)]
    for process in crowd:
        answer_of(process)
    equal("acts", before + 400, int(psql("SELECT seq FROM audit_head")))
    equal("undone", 0, len(acts("test.undone")))
    certmuster("audit", "verify")


def test_many():
    """Many rows: written in the order they come, verified and exported in seconds. CM_ACTS=100000 for the long one."""
    many = int(os.environ.get("CM_ACTS", "20000"))
    began = time.monotonic()
    psql(f"DO $$ BEGIN FOR i IN 1..{many // 200} LOOP PERFORM audit_append('many', 'test.many', 'row ' || i || '.' || n, '{{\"note\": \"käse\"}}') FROM generate_series(1, 200) n; COMMIT; END LOOP; END $$", "certmuster_operate")
    written = time.monotonic()
    said = certmuster("audit", "verify")
    verified = time.monotonic()
    with open(f"{TMP}/export.ndjson", "w") as out:
        subprocess.run(["certmuster", "audit", "export"], check=True, stdout=out)
    exported = time.monotonic()
    print(f"{many} acts: written in {written - began:.1f} s, verified in {verified - written:.1f} s, exported in {exported - verified:.1f} s")
    assert verified - written < 60, "verify takes too long"
    rows = [json.loads(line) for line in open(f"{TMP}/export.ndjson", encoding="utf-8")]
    assert len(rows) > many
    seq, hash, wrong = foreign(rows)
    equal("a foreign reader", (None, f"{seq}:{hash}"), (wrong, said.strip().rsplit(" ", 1)[1]))


def foreign(rows):
    """Computes the chain from the export as the manual describes it: the last number and hash, and the first row that is wrong."""
    seq, previous = 0, "0" * 64
    for row in rows:
        fields = [str(row["seq"]), *(row[k] for k in ("at", "actor", "db_user", "action", "subject", "detail")), previous]
        if row["seq"] != seq + 1 or row["previous"] != previous or hashlib.sha256(b"".join(f.encode() + b"\0" for f in fields)).hexdigest() != row["hash"]:
            return seq, previous, seq + 1
        seq, previous = row["seq"], row["hash"]
    return seq, previous, None


REWRITE = """DO $$ DECLARE r audit_log; p bytea := (SELECT hash FROM audit_log WHERE seq = {0} - 1); BEGIN
      FOR r IN SELECT * FROM audit_log WHERE seq >= {0} ORDER BY seq LOOP
        UPDATE audit_log SET previous = p, hash = audit_hash(r.seq, at, actor, db_user, action, subject, detail, p) WHERE seq = r.seq RETURNING hash INTO p;
      END LOOP; UPDATE audit_head SET hash = p; END $$"""


def test_tampering(head):
    """By whoever owns the cluster. Each is undone afterwards. What only --head finds is said so: nothing in a database can prove that it was not replaced as a whole."""
    psql("CREATE TABLE public.kept_log AS SELECT * FROM audit_log; CREATE TABLE public.kept_head AS SELECT * FROM audit_head")
    last = int(head.split(":")[0])
    middle = last - 300
    cases = (("changed", f"UPDATE audit_log SET subject = 'other' WHERE seq = {middle}", f"row {middle} was changed", True),
             ("two swapped", f"UPDATE audit_log SET seq = -1 WHERE seq = {middle}; UPDATE audit_log SET seq = {middle} WHERE seq = {middle + 1}; UPDATE audit_log SET seq = {middle + 1} WHERE seq = -1", f"row {middle} ", True),
             ("taken out", f"DELETE FROM audit_log WHERE seq = {middle}", f"row {middle} is missing", True),
             ("taken out, the numbers closed up", f"DELETE FROM audit_log WHERE seq = {middle}; UPDATE audit_log SET seq = -(seq - 1) WHERE seq > {middle}; UPDATE audit_log SET seq = -seq WHERE seq < 0;"
              f" UPDATE audit_head SET seq = seq - 1", f"row {middle} does not follow", True),
             ("put in between", f"UPDATE audit_log SET seq = -(seq + 1) WHERE seq > {middle}; UPDATE audit_log SET seq = -seq WHERE seq < 0; INSERT INTO audit_log SELECT seq + 1, at, actor, db_user, action, subject, detail,"
              f" hash, hash FROM audit_log WHERE seq = {middle}; UPDATE audit_head SET seq = seq + 1", f"row {middle + 1} was changed", True),
             ("one mended", f"UPDATE audit_log SET subject = 'mended' WHERE seq = {middle}; UPDATE audit_log SET hash = audit_hash(seq, at, actor, db_user, action, subject, detail, previous) WHERE seq = {middle}",
              f"row {middle + 1} does not follow", True),
             ("cut off", f"DELETE FROM audit_log WHERE seq > {middle}", "cut off", True),
             ("put behind the end", "INSERT INTO audit_log SELECT seq + 1, at, actor, db_user, action, subject, detail, hash, audit_hash(seq + 1, at, actor, db_user, action, subject, detail, hash) FROM audit_log"
              f" WHERE seq = {last}", f"row {last + 1} ", True),
             ("cut off, the head mended", f"DELETE FROM audit_log WHERE seq > {middle}; UPDATE audit_head h SET seq = l.seq, hash = l.hash FROM audit_log l WHERE l.seq = {middle}", f"row {last} was given", False),
             ("written anew from the middle", f"UPDATE audit_log SET actor = 'other' WHERE seq = {middle};" + REWRITE.format(middle), f"row {last} is not the one", False),
             ("emptied", "TRUNCATE audit_log; UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')", f"row {last} was given", False))
    for what, statement, expected, without_head in cases:
        psql("BEGIN; " + statement + "; COMMIT")
        for more, finds in ((("--head", head), True), ((), without_head)):
            said = certmuster("audit", "verify", *more, status=1 if finds else 0)
            assert not finds or (expected in said and len(said.splitlines()) == 1), (what, more, said)
        rows = [json.loads(line) for line in certmuster("audit", "export").splitlines()] if what in ("changed", "two swapped", "written anew from the middle") else []
        seq, hash, wrong = foreign(rows)
        if rows:
            assert wrong == (None if not without_head else middle) and f"{seq}:{hash}" != head, (what, wrong)
        psql("BEGIN; TRUNCATE audit_log; INSERT INTO audit_log SELECT * FROM public.kept_log; UPDATE audit_head SET seq = k.seq, hash = k.hash FROM public.kept_head k; COMMIT")
    certmuster("audit", "verify", "--head", head)


def main():
    global sockets, pki
    certmuster("up", "--database-only")
    try:
        sockets, pki = open(f"{TMP}/home/sockets").read().strip(), Pki()
        one, two = test_configuration()
        test_trust(one, two)
        test_crowd()
        test_tampering(certmuster("audit", "verify").strip().rsplit(" ", 1)[1])
        test_many()
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
        certmuster("down")


main()
