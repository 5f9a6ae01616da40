#!/usr/bin/python3
"""The judge against real chains: what was served, what is known from elsewhere, several trust stores, time, shapes, the cache of issuer paths, and hostile chains. OpenSSL's own
command is the other opinion: openssl verify with what was served, and with every CA of the inventory."""
import contextlib, glob, os, signal, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from judge_pki import *
from judge_tools import *
from common import equal, fail, wait_until
from inventory_tools import BIN, HOME, TMP, play, run, sockets, sql, the_log

# --- Verdicts --------------------------------------------------------------------------------------------------------------------------------

def test_verdicts():
    """One chain of each kind, and OpenSSL's opinion beside ours."""
    expired = P.issue("Expired CA", P.root, ca=True, days=(-30, -1))
    later = P.issue("Later CA", P.root, ca=True, days=(10, 60))
    nameless = P.issue("Bounded CA", P.root, ca=True, permitted="example.org")
    short = P.issue("Short CA", P.root, ca=True, pathlen=0)
    below = P.issue("Below short CA", short, ca=True)
    private_root = P.root_of("Private root")
    private = P.issue("Private CA", private_root, ca=True)
    chains = {
        "ok": ([P.issue("a.example.org", P.inter), P.inter], "ok"),
        "directly under the root": ([P.issue("b.example.org", P.root)], "ok"),
        "root included": ([P.issue("c.example.org", P.inter), P.inter, P.root], "ok"),
        "wrong order": ([P.issue("d.example.org", P.low), P.inter, P.low], "ok"),
        "expired leaf": ([P.issue("e.example.org", P.inter, days=(-20, -1)), P.inter], "cert_has_expired"),
        "leaf of tomorrow": ([P.issue("f.example.org", P.inter, days=(1, 20)), P.inter], "cert_not_yet_valid"),
        "expired intermediate": ([P.issue("g.example.org", expired), expired], "cert_has_expired"),
        "intermediate of tomorrow": ([P.issue("h.example.org", later), later], "cert_not_yet_valid"),
        "self-signed": ([P.root_of("self.example.org", ca=False)], "depth_zero_self_signed_cert"),
        "a root that nobody trusts": ([P.issue("i.example.org", private), private, private_root], "self_signed_cert_in_chain"),
        "names within bounds": ([P.issue("j.example.org", nameless), nameless], "ok"),
        "names out of bounds": ([P.issue("k.example.net", nameless), nameless], "permitted_violation"),
        "a CA as leaf": ([P.low, P.inter], "ok"),
        "a path too long": ([P.issue("l.example.org", below), below, short], "path_length_exceeded"),
        "an issuer that is no CA": ([P.issue("m.example.org", P.issue_as("a server", P.inter)), P.issue_as("a server", P.inter), P.inter], "invalid_ca"),
        "a signature that is another's": ([P.forge("n.example.org", P.inter), P.inter], "cert_signature_failure"),
        "the root alone": ([P.root], "ok"),
        "something broken in the chain": ([P.issue("o.example.org", P.inter), b"no certificate", P.inter], "ok"),
        "something broken at its head": ([b"no leaf", P.inter], "undecodable"),
    }
    deliver([chain for chain, _ in chains.values()])
    judged()
    got = {name: ask(chain, "verdict") for name, (chain, _) in chains.items()}
    for name, (chain, expected) in chains.items():
        equal(name, expected, got[name])
        if isinstance(chain[0], bytes):
            continue
        equal(f"{name}: OpenSSL", got[name] == "ok", openssl_says([c for c in chain if not isinstance(c, bytes)], f"{TMP}/store.pem"))
    is_judged("path", chains["wrong order"][0], "ok", [chains["wrong order"][0][0], P.low, P.inter, P.root])
    is_judged("path of the root", chains["the root alone"][0], "ok", [P.root])
    equal("an issuer is lacking nowhere", "0", sql("SELECT count(*) FROM chain_verdict WHERE verdict = 'ok' AND (missing_issuer IS NOT NULL OR waits_for IS NOT NULL)"))


def test_completed():
    """Served without its intermediate: untrusted while nobody knows that, incomplete as soon as it is seen anywhere. Two are lacking here, and they come one by one."""
    upper = P.issue("Upper of two", P.root, ca=True)
    lower = P.issue("Lower of two", upper, ca=True)
    chain, other = [P.issue("two.example.org", lower)], [P.issue("x.example.org", lower)]
    deliver([chain])
    is_judged("nobody knows the issuer", chain, "unable_to_get_issuer_cert_locally")
    equal("what is lacking", "CN=Lower of two", ask(chain, "missing_issuer"))
    deliver([other + [lower]])
    wait_until("the next is lacking", lambda: ask(chain, "missing_issuer") == "CN=Upper of two")
    equal("as before", "unable_to_get_issuer_cert_locally", ask(chain, "verdict"))
    equal("nor as it was served elsewhere", "CN=Upper of two", ask(other + [lower], "missing_issuer"))
    deliver([[upper]])  # a file on somebody's disk
    wait_until("completed", lambda: ask(chain, "verdict") == "incomplete")
    is_judged("completed", chain, "incomplete", [chain[0], lower, upper, P.root])
    equal("nothing is lacking", "t|t|t", ask(chain, "missing_issuer IS NULL, waits_for IS NULL, depth IS NULL"))
    equal("OpenSSL without", False, openssl_says(chain, f"{TMP}/store.pem"))
    equal("OpenSSL with", True, openssl_says(chain, f"{TMP}/store.pem", [lower, upper]))
    before = counted()
    again = [[P.issue(f"again{i}.example.org", lower)] for i in range(5)]
    deliver(again)
    for one in again:
        is_judged("under a known path", one, "incomplete", [one[0], lower, upper, P.root])
    counted_since(before, 1, 14)


def counted():
    return metric("certmuster_paths_built_total"), metric("certmuster_paths_cached_total")


def counted_since(before, built, cached):
    """Each store counts. A store that knows no anchor builds once a round: whether a certificate came that leads on must be looked up."""
    now = lambda: tuple(a - b for a, b in zip(counted(), before))
    wait_until("counted", lambda: sum(now()) >= built + cached, 5)
    equal("paths built and cached", (built, cached), now())


def test_cross_signed():
    """A CA of two roots, of which one is trusted: whichever way it was served."""
    old_root = P.root_of("Old root")
    key = new_key()
    new_way = P.issue("Crossed CA", P.root, ca=True, key=key, days=(-1, 100))
    old_way = P.issue("Crossed CA", old_root, ca=True, key=key, days=(-1, 300))
    leaf = P.issue("cross.example.org", new_way)
    deliver([[leaf, old_way, old_root]])
    is_judged("the way to the old root alone", [leaf, old_way, old_root], "self_signed_cert_in_chain")
    deliver([[leaf, new_way]])
    wait_until("the other way is known", lambda: ask([leaf, old_way, old_root], "verdict") == "incomplete")
    is_judged("completed", [leaf, old_way, old_root], "incomplete", [leaf, new_way, P.root])
    for chain in ([leaf, new_way, old_way], [leaf, old_way, new_way], [leaf, old_way, old_root, new_way]):
        deliver([chain])
        is_judged("both ways are served", chain, "ok", [leaf, new_way, P.root])
        equal("shape", "t", shape(chain).split("|")[5])
    equal("told by the view", "2", sql("SELECT count(*) FROM cross_signed WHERE subject = 'CN=Crossed CA'"))


def shape(chain):
    return sql(f"SELECT ordered, superfluous, duplicates, undecodable, root_included, cross_signed FROM chain_shape JOIN chain USING (chain_id) WHERE {of_chain(chain)}")


def test_shapes():
    leaf, stranger = P.issue("shape.example.org", P.low), P.root_of("Stranger")
    for what, chain, expected in [("as it should be", [leaf, P.low, P.inter], "t|0|0|0|f|f"), ("wrong order", [leaf, P.inter, P.low], "f|0|0|0|f|f"),
                                  ("root included", [leaf, P.low, P.inter, P.root], "t|0|0|0|t|f"), ("root first", [leaf, P.root, P.low, P.inter], "f|0|0|0|t|f"),
                                  ("superfluous", [leaf, P.low, stranger, P.inter], "t|1|0|0|f|f"), ("twice", [leaf, P.low, P.low, P.inter, leaf], "t|0|2|0|f|f"),
                                  ("undecodable", [leaf, P.low, b"?", P.inter], "t|0|0|1|f|f"), ("alone", [P.root], "t|0|0|0|f|f"), ("headless", [b"!", P.low], "t|0|0|1|f|f")]:
        deliver([chain])
        judged()
        equal(what, expected, shape(chain))
        if not isinstance(chain[0], bytes):
            is_judged(what, chain, "ok")


# --- Stores and time -------------------------------------------------------------------------------------------------------------------------

def test_stores():
    """Two further stores that differ; one changes, and only by that one is judged again."""
    public, private = [P.issue("pub.example.org", P.inter), P.inter], [P.issue("priv.example.org", P.house)]
    nobody = [P.issue("none.example.org", P.root_of("Nobody's"))]
    deliver([public, private, nobody])
    judged()
    table = lambda chain: [ask(chain, "verdict", store) for store in ("system", "house", "both")]
    lost = "unable_to_get_issuer_cert_locally"
    equal("public", ["ok", lost, "ok"], table(public))
    equal("private", [lost, "ok", "ok"], table(private))
    equal("nobody's", [lost] * 3, table(nobody))
    best = lambda chain: sql(f"SELECT b.verdict, b.trust_store FROM chain, chain_best(chain_id) b WHERE {of_chain(chain)}")
    equal("best", ["ok|both", "ok|both", f"{lost}|system"], [best(private), best(private), best(nobody)])
    stamp = lambda store: sql(f"SELECT min(verified_at), max(verified_at), count(*) FROM chain_verdict WHERE trust_store = '{store}'")
    before, count = {s: stamp(s) for s in ("system", "house", "both")}, metric("certmuster_chains_judged_total")
    exchange("house.pem", [P.house, P.root])
    wait_until("the changed store", lambda: ask(public, "verdict", "house") == "ok")
    judged()
    equal("the others were left alone", (before["system"], before["both"]), (stamp("system"), stamp("both")))
    wait_until("counted", lambda: metric("certmuster_chains_judged_total") - count == float(sql("SELECT count(*) FROM chain")))
    os.utime(f"{TMP}/house.pem")
    time.sleep(1)
    equal("touched is not changed", float(sql("SELECT count(*) FROM chain")), metric("certmuster_chains_judged_total") - count)
    with open(f"{TMP}/house.pem", "w") as f:
        f.write("broken")
    wait_until("a broken store is told", lambda: "trust_store" in open(glob.glob(f"{HOME}/log/collectd*")[0]).read())
    fresh = [P.issue("fresh.example.org", P.house)]
    deliver([fresh])
    is_judged("with the last that was good", fresh, "ok", store="house")
    exchange("house.pem", [P.house])
    wait_until("as it was", lambda: ask(public, "verdict", "house") == lost)


def test_again():
    """What was seen before is not judged again: not by the next sweep over the same places, nor at a thousand others."""
    chains = [[P.issue(f"again-{i}.example.org", P.inter), P.inter] for i in range(3)]
    first = NEXT_IP[0]
    deliver(chains)
    judged()
    stamps, count, built = (lambda: sql("SELECT string_agg(v::text, ' ' ORDER BY v) FROM chain_verdict v")), metric("certmuster_chains_judged_total"), counted()
    before = stamps()
    NEXT_IP[0] = first
    deliver(chains)
    deliver([chains[i % 3] for i in range(1000)])
    equal("nothing waits", "0", sql("SELECT count(*) FROM docket"))
    time.sleep(0.6)  # three rounds of the judge
    equal("no verdict, no path", (count, built), (metric("certmuster_chains_judged_total"), counted()))
    equal("as they were", before, stamps())


def test_time():
    """Time changes the answer without anybody's doing: a leaf of a few seconds, and one that begins in a few."""
    now = int(time.time())
    ending, beginning = [P.issue("ending.example.org", P.inter, seconds=(now - 100, now + 6)), P.inter], [P.issue("beginning.example.org", P.inter, seconds=(now + 6, now + 10000)), P.inter]
    steady = [P.issue("steady.example.org", P.inter), P.inter]
    deliver([ending, beginning, steady])
    if time.time() < now + 4:
        is_judged("not yet ended", ending, "ok")
        is_judged("not yet begun", beginning, "cert_not_yet_valid")
        equal("next", [str(now + 6)] * 2, [ask(c, "extract(epoch FROM next_change)::bigint") for c in (ending, beginning)])
    judged()
    before = ask(steady, "verified_at")
    wait_until("ended", lambda: ask(ending, "verdict") == "cert_has_expired")
    wait_until("begun", lambda: ask(beginning, "verdict") == "ok")
    equal("nothing more changes it but the CAs", str(min(ends(P.inter), ends(P.root))), ask(ending, "extract(epoch FROM next_change)::bigint"))
    equal("the others are not judged again", before, ask(steady, "verified_at"))
    equal("when that changes", str(min(ends(m) for m in steady + [P.root])), ask(steady, "extract(epoch FROM next_change)::bigint"))
    sql(f"UPDATE chain_verdict v SET next_change = now() - interval '1 second', verdict = 'x' FROM chain ch WHERE ch.chain_id = v.chain_id AND {of_chain(steady)}")
    wait_until("judged when its time has come", lambda: ask(steady, "verdict") == "ok")
    count = metric("certmuster_chains_judged_total")
    time.sleep(1.5)
    equal("and then not again", count, metric("certmuster_chains_judged_total"))


def test_restart():
    """Neither a restart nor another collector judges anything again; a store that is configured no more goes, and comes back."""
    stamps = lambda: sql("SELECT trust_store, count(*), min(verified_at), max(verified_at) FROM chain_verdict GROUP BY 1 ORDER BY 1")
    judged()
    before = stamps()
    early = [P.issue("early.example.org", P.inter), P.inter]
    deliver([early])
    is_judged("before", early, "ok")
    run("certmuster", "down")
    run("certmuster", "up", "--database-only")
    sql(f"UPDATE chain_verdict v SET verified_at = now() + interval '1 day', verdict = 'x', next_change = NULL FROM chain ch WHERE ch.chain_id = v.chain_id AND {of_chain(early)}")
    before = stamps()
    run("certmuster", "up")
    wait_until("what a clock ahead had judged", lambda: ask(early, "verdict") == "ok")
    fresh = [P.issue("restart.example.org", P.inter), P.inter]
    deliver([fresh])
    is_judged("a new one", fresh, "ok")
    equal("nothing else was judged", [line.split("|")[2] for line in before.split("\n")], [line.split("|")[2] for line in stamps().split("\n")])
    configure(["house"])
    run("certmuster", "down")
    run("certmuster", "up")
    wait_until("a store that is gone", lambda: sql("SELECT string_agg(DISTINCT trust_store, ' ' ORDER BY trust_store) FROM chain_verdict") == "house system")
    with another("second", f"{HOME}/certmuster.yaml") as second:
        count = int(sql("SELECT count(*) FROM chain"))
        first = metric("certmuster_chains_judged_total")
        many = [[P.issue(f"pair{i}.example.org", P.inter), P.inter] for i in range(60)]
        deliver(many)
        judged()
        both = lambda: metric("certmuster_chains_judged_total") - first + metric("certmuster_chains_judged_total", second)
        wait_until("each by one of the two", lambda: both() == 2 * len(many))
        equal("chains", count + len(many), int(sql("SELECT count(*) FROM chain")))
    configure(["house", "both"])
    run("certmuster", "down")
    run("certmuster", "up")
    wait_until("a store that is back", lambda: sql("SELECT count(*) FROM chain_verdict WHERE trust_store = 'both'") == sql("SELECT count(*) FROM chain"))


@contextlib.contextmanager
def another(name, config, end=signal.SIGTERM):
    """A collector of its own on the same inventory: its socket."""
    began = sql("SELECT now()")
    with open(f"{TMP}/{name}.log", "a") as log:
        process = subprocess.Popen([f"{BIN}/certmuster-collectd", "--socket", f"{TMP}/{name}.sock", "--dsn", f"host={sockets()} dbname=certmuster", "--config", config], stderr=log)
    try:
        wait_until("another collector", lambda: sql(f"SELECT count(*) FROM trust_store_named WHERE collector LIKE '%/{name}.sock' AND confirmed_at > '{began}'") != "0" and os.path.exists(f"{TMP}/{name}.sock"))
        yield f"{TMP}/{name}.sock"
    finally:
        process.send_signal(end)
        equal("it ends", 0 if end == signal.SIGTERM else -end, process.wait(30))
        said = open(f"{TMP}/{name}.log").read()
        if "collectd: judge error=" in said or "Sanitizer" in said or "runtime error" in said:
            fail(said)


def test_collectors():
    """Collectors that name different stores leave each other's alone, whoever of them runs; what vanished behind a collector's back is judged again by itself; and what nobody
    names any more goes."""
    verdicts = lambda: dict(line.split("|") for line in sql("SELECT trust_store, count(*) FROM chain_verdict GROUP BY 1").split("\n"))
    everywhere = lambda *stores: {store: sql("SELECT count(*) FROM chain") for store in ("system", *stores)}
    all_three = lambda what: wait_until(what, lambda: verdicts() == everywhere("house", "both"))
    configure([], f"{TMP}/less.yaml")
    configure(["house", "third"], f"{TMP}/other.yaml")
    exchange("third.pem", [P.house])
    judged()
    equal("before", everywhere("house", "both"), verdicts())
    before, began = verdicts(), sql("SELECT now()")
    run("certmuster", "down")
    run("certmuster", "up", "--database-only")
    with another("less", f"{TMP}/less.yaml") as less:
        alone = [[P.issue(f"alone{i}.example.org", P.house)] for i in range(3)]
        deliver(alone, socket=less)
        wait_until("judged by its own store", lambda: ask(alone[2], "count(*)") == "1" and sql("SELECT count(*) FROM docket WHERE trust_store = ''") == "0")
        equal("the others are there", {**before, "system": str(int(before["system"]) + 3)}, verdicts())
        equal("and wait", "both 3, house 3", sql("SELECT string_agg(d.text, ', ') FROM (SELECT trust_store || ' ' || count(*) AS text FROM docket GROUP BY trust_store ORDER BY 1) d"))
        run("certmuster", "up")
        is_judged("by the one that has it", alone[0], "ok", store="house")
        all_three("by all")
        equal("what was there is not judged again", "9", sql(f"SELECT count(*) FROM chain_verdict WHERE verified_at > '{began}'"))
    after = [P.issue("after.example.org", P.house)]
    deliver([after])
    is_judged("the second has ended", after, "ok", store="house")
    is_judged("the second has ended", after, "unable_to_get_issuer_cert_locally")
    all_three("all of them")

    sql("DELETE FROM chain_verdict WHERE trust_store = 'house'; DELETE FROM trust_store WHERE name = 'house'")
    all_three("a store whose row was deleted behind its back")
    equal("told", True, "trust_store_vanished store=house" in the_log())
    sql("DELETE FROM chain_verdict WHERE trust_store = 'both'; UPDATE upkeep SET done_at = '-infinity' WHERE task = 'verdicts'")
    with another("less", f"{TMP}/less.yaml"):
        all_three("verdicts alone")
    equal("told", True, "verdicts_lacking judged_again=" in open(f"{TMP}/less.log").read())
    name = sql("SELECT collector FROM trust_store_named WHERE trust_store = 'both'")
    equal("one of the same name is started with less", "both\nhouse", sql(f"SELECT trust_stores_hold('{name}', '{{system}}', true)"))
    all_three("and the first goes on with more")
    equal("which both can bear", "", sql(f"SELECT trust_stores_hold('{name}', '{{system}}', false)"))

    with another("other", f"{TMP}/other.yaml", end=signal.SIGKILL):
        wait_until("a store of another collector", lambda: verdicts() == everywhere("house", "both", "third"))
    os.unlink(f"{TMP}/other.sock")
    with another("less", f"{TMP}/less.yaml"):
        equal("as if it came back", everywhere("house", "both", "third"), verdicts())
    sql("UPDATE trust_store_named SET confirmed_at = confirmed_at - interval '1 day' WHERE collector LIKE '%/other.sock'")
    with another("less", f"{TMP}/less.yaml"):
        equal("away for a day", everywhere("house", "both"), verdicts())
    equal("told", True, 'trust_store_forgotten store="third"' in open(f"{TMP}/less.log").read())
    equal("an act", "1", sql("SELECT count(*) FROM audit_log WHERE action = 'trust_store.remove' AND subject = 'third'"))
    equal("nothing waits for it", "0|0", sql("SELECT count(*), (SELECT count(*) FROM trust_anchor WHERE trust_store = 'third') FROM docket"))


# --- The cache, and who would fool it --------------------------------------------------------------------------------------------------------

def test_cache():
    """Leaves under a known path cost a signature; what the cache must not hide is found all the same."""
    inter = P.issue("Cached CA", P.root, ca=True)
    bounded = P.issue("Cached bounds", P.root, ca=True, permitted="example.org")
    deliver([[P.issue("warm.example.org", inter), inter], [P.issue("warm.example.org", bounded), bounded]])
    judged()
    time.sleep(0.3)
    before = counted()
    good = [[P.issue(f"h{i}.example.org", inter), inter] for i in range(20)]
    deliver(good)
    judged()
    counted_since(before, 1, 59)
    for chain in good:
        is_judged("from the cache", chain, "ok", [*chain, P.root])
    for what, chain, verdict in [("forged", [P.forge("forged.example.org", inter), inter], "cert_signature_failure"),
                                 ("expired", [P.issue("old.example.org", inter, days=(-9, -1)), inter], "cert_has_expired"),
                                 ("beyond the bounds", [P.issue("bad.example.net", bounded), bounded], "permitted_violation"),
                                 ("within", [P.issue("good.example.org", bounded), bounded], "ok"),
                                 ("a CA", [P.issue("A sub CA", inter, ca=True), inter], "ok"),
                                 ("an extension that is critical and unknown", [P.issue("odd.example.org", inter, critical=True), inter], "unhandled_critical_extension"),
                                 ("another's key", [P.issue("other.example.org", P.twin(inter)), inter], "cert_signature_failure"),
                                 ("good again", [P.issue("good2.example.org", inter), inter], "ok")]:
        deliver([chain])
        is_judged(what, chain, verdict)
        equal(f"{what}: OpenSSL", verdict == "ok", openssl_says(chain, f"{TMP}/store.pem"))


def test_poison():
    """A forged leaf first, which names the key that it says signed it: that its issuer is of no use to it says nothing about the genuine one."""
    inter = P.issue("Poisoned CA", P.root, ca=True)
    deliver([], extra=[inter])
    forged, genuine = [P.forge("p1.example.org", inter)], [P.issue("p2.example.org", inter)]
    deliver([forged, genuine] if sha(der(forged[0])) < sha(der(genuine[0])) else [genuine, forged])
    is_judged("forged", forged, "cert_signature_failure")
    is_judged("genuine", genuine, "incomplete", [genuine[0], inter, P.root])


def test_hostile():
    """A hundred certificates in a chain, a thousand CAs of one name of which one is the right one and came first, CAs that sign each other in a circle."""
    key = new_key()
    right = P.issue("Crowded CA", P.root, ca=True, key=key)
    deliver([], extra=[right])
    crowd = [P.issue("Crowded CA", P.stranger, ca=True, key=key if i % 2 else P.spare, ski=P.ski(right), days=(-1, 50 + i % 7)) for i in range(1000)]
    for i in range(0, 1000, 250):
        deliver([], extra=crowd[i:i + 250])
    leaf = [P.issue("crowded.example.org", right)]
    long_chain = [P.issue("long.example.org", P.inter)] + crowd[:98] + [P.inter]
    a_key, b_key = new_key(), new_key()
    a_by_b, b_by_a = P.issue("Ring A", None, ca=True, key=a_key, by=("Ring B", b_key)), P.issue("Ring B", None, ca=True, key=b_key, by=("Ring A", a_key))
    ring = [P.issue("ring.example.org", None, by=("Ring A", a_key)), a_by_b, b_by_a]
    began = time.time()
    deliver([leaf, long_chain, ring, leaf + crowd[:99]])
    is_judged("the right one of a thousand", leaf, "incomplete", [leaf[0], right, P.root])
    is_judged("a hundred", long_chain, "ok", [long_chain[0], P.inter, P.root])
    equal("shape of a hundred", "t|98|0|0|f|f", shape(long_chain))
    equal("a ring", True, ask(ring, "verdict") in ("unable_to_get_issuer_cert_locally", "unable_to_get_issuer_cert"))
    equal("a crowd in the chain", True, ask(leaf + crowd[:99], "verdict") != "")
    if time.time() - began > 60:
        fail(f"hostile chains took {time.time() - began:.0f} s")


def test_race():
    """The intermediate comes while the chain that lacks it is being judged, many times over: none is left behind."""
    sets = []
    for i in range(40):
        inter = P.issue(f"Racing CA {i}", P.root, ca=True)
        sets.append((inter, [P.issue(f"race{i}.example.org", inter)]))
    for inter, chain in sets:
        deliver([chain])
        deliver([], extra=[inter])
    for inter, chain in sets:
        wait_until("completed", lambda: ask(chain, "verdict") == "incomplete")


def test_fleet():
    """OpenSSL, given every CA of the inventory, is content with what is ok or incomplete, and with nothing else that lacks an issuer."""
    rows = sql("SELECT DISTINCT ON (v.verdict, c.issuer) v.verdict, encode(c.der, 'hex') FROM chain_verdict v JOIN chain ch USING (chain_id) JOIN certificate c ON c.sha256 = ch.leaf_sha256"
               " WHERE v.trust_store = 'system' AND v.verdict IN ('incomplete', 'unable_to_get_issuer_cert_locally') AND c.issuer !~ 'Crowded|Crossed|Poisoned'").split("\n")
    cas = [bytes.fromhex(h) for h in sql("SELECT encode(der, 'hex') FROM certificate WHERE is_ca AND subject !~ 'Crowded'").split("\n")]
    for row in rows:
        verdict, leaf = row.split("|")
        equal(f"{verdict} with all CAs", verdict == "incomplete", openssl_says([bytes.fromhex(leaf)], f"{TMP}/store.pem", cas))
    if len(rows) < 5:
        fail(f"{len(rows)} to compare")


def test_config():
    for line in ("house", "=x", "system=/x", "a b=/x", "a=x"):
        path = f"{TMP}/bad.yaml"
        with open(path, "w") as f:
            f.write(f'trust: {{stores: ["{line}"]}}\n')
        done = subprocess.run([f"{BIN}/certmuster-collectd", "--socket", f"{TMP}/bad.sock", "--dsn", f"host={sockets()} dbname=certmuster", "--config", path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        equal(f"{line!r}", 3, done.returncode)
        if "trust.stores" not in done.stdout:
            fail(done.stdout)


def begin():
    global P
    P = Pki()
    for name, members in (("store", [P.root]), ("house", [P.house]), ("both", [P.root, P.house])):
        exchange(f"{name}.pem", members)
    configure(["house", "both"])
    run("certmuster", "up")


play([test_verdicts, test_completed, test_cross_signed, test_shapes, test_stores, test_again, test_time, test_cache,
      test_poison, test_hostile, test_race, test_fleet, test_collectors, test_restart, test_config], begin, ["collectd: judge error="])
