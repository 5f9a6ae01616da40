#!/usr/bin/python3
"""Every place of a certificate, a page at a time: all pages together are what place_certificate says, each place once, from either end and from any place on, of leaves and of issuers behind
hundreds of chains, of one that is both, and of one that stands twice in a chain; and the last page is read as cheaply as the first. Chains and places come in by the collector, which
notes the issuers of each chain once."""
import hashlib, os, random, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, body, cert_record, certificate, new_run, run_record, sha, sighting, template
from gone_tools import Inventory, equal, fail

CHAINS, ISSUERS, SPOTS = 900, 12, 2500
rng = random.Random(29)
inventory = Inventory("certificate-places")
sql = inventory.sql
client = Collector(inventory.collector("one"))
base = template(inventory.work)
der = [certificate(base, number) for number in range(CHAINS + ISSUERS)]
issuers, leaves = der[:ISSUERS], der[ISSUERS:]
lists = [[], issuers[:1], issuers[:2], issuers[1::-1], [issuers[0], issuers[0]], issuers[2:5], [issuers[5]], issuers[:8], [issuers[0], issuers[7], issuers[8]]]


def chain(i):
    """Two chains to a leaf mostly; some leaves are issuers elsewhere; many lists of issuers that hold the first of them."""
    leaf = issuers[i % 3] if i % 100 == 1 else leaves[i // 2]
    return [leaf] + ([leaves[i // 3], issuers[0]] if i % 7 == 0 else lists[i % len(lists)])


def deliver(lines):
    for at in range(0, len(lines), 500):
        status, answer = client.batch(body(lines[at:at + 500]))
        if status != 200 or answer.get("rejected"):
            fail(f"refused: {status} {answer}")


def sweep(shown):
    run = new_run()
    deliver([run_record(run, "started")] + [sighting(f"10.0.{spot >> 8}.{spot & 255}", chain(i), run) for spot, i in shown.items()])


deliver([cert_record(one) for one in der])
shown = {spot: rng.randrange(CHAINS) if spot % 3 else 5 for spot in range(SPOTS)}  # a third of all show one and the same
sweep(shown)
sql("UPDATE certificate SET not_after = not_after + interval '100 days' WHERE get_byte(sha256, 3) % 2 = 0")
sweep({spot: rng.randrange(CHAINS) for spot in shown if spot % 5 == 0})  # renewed here, replaced there


def fingerprint_of(chain_):
    return hashlib.sha256(b"".join(bytes.fromhex(sha(one)) for one in chain_)).hexdigest()[:32]


noted = {line.split("|")[0].replace("-", ""): line.split("|")[1] for line in sql("SELECT issuers_id, array_to_string(ARRAY(SELECT encode(f, 'hex') FROM unnest(fingerprints) f), ' ')"
                                                                                " FROM chain_issuers").splitlines()}
used = {line.replace("-", "") for line in sql("SELECT DISTINCT chain_id FROM sighting").splitlines()}
wanted = {fingerprint_of(c[1:]): " ".join(sha(one) for one in c[1:]) for c in map(chain, range(CHAINS)) if fingerprint_of(c) in used and len(c) > 1}
equal("the lists of issuers", wanted, noted)


def key_of(line):
    chain_id, location, role = line.split("|")
    return f"'{chain_id}', '{location}', '{role}'"


def page(way, of, start, with_it, most):
    answer = sql(f"SELECT chain_id, location_id, role FROM browse_places_{way}('\\x{of}', {start}, {with_it}, {most})")
    return answer.splitlines()


def walk(way, of, most, start="NULL, NULL, NULL"):
    """All pages from there."""
    found = []
    while True:
        rows = page(way, of, start, "false", most)
        found += rows
        if len(rows) < most:
            return found
        start = key_of(rows[-1])


superseded = int(sql("SELECT count(*) FROM place_certificate WHERE superseded AND position = 0"))
left = int(sql("SELECT count(*) FROM place_certificate WHERE absent_runs > 0 AND NOT superseded AND position = 0"))
if min(superseded, left) < 50:
    fail(f"nothing to tell apart: {superseded} superseded, {left} not")
sizes = []
for of in [sha(one) for one in issuers] + [sha(chain(i)[0]) for i in (5, 0, 14, 33, 400)]:
    there = sorted(sql(f"SELECT DISTINCT chain_id, location_id, role FROM place_certificate WHERE sha256 = '\\x{of}' AND NOT superseded").splitlines())
    sizes.append(len(there))
    forth = walk("behind", of, 50)
    equal(f"the places of {of}", there, sorted(forth))
    equal("as many a page more", forth, walk("behind", of, 997))
    equal("from the end", forth[::-1], walk("before", of, 61))
    for at in rng.sample(range(len(forth)), min(12, len(forth))):
        start = key_of(forth[at])
        equal("behind one", forth[at + 1:at + 8], page("behind", of, start, "false", 7))
        equal("from one on", forth[at:at + 7], page("behind", of, start, "true", 7))
        equal("before one", forth[max(0, at - 7):at][::-1], page("before", of, start, "false", 7))
print(f"places of certificates: {sizes}; superseded {superseded}, replaced {left}")
equal("some with hundreds", True, sum(size > 300 for size in sizes) >= 3)
equal("one that nobody knows", [], page("behind", "00" * 32, "NULL, NULL, NULL", "false", 50) + page("before", "00" * 32, "NULL, NULL, NULL", "false", 50))
of = sha(issuers[0])
equal("a key whose chain is not there: from the beginning", page("behind", of, "NULL, NULL, NULL", "false", 7),
      page("behind", of, "'00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', 'server'", "true", 7))


def blocks(way, start):
    """What it reads, from memory or not, in a session that knows its catalogue."""
    call = f"SELECT * FROM browse_places_{way}('\\x{of}', {start}, false, 50)"
    lines = sql(f"{call}; EXPLAIN (ANALYZE, BUFFERS) {call}").splitlines()
    told = next(line for line in lines if "Buffers: shared" in line)
    return sum(int(word.split("=")[1]) for word in told.split() if word.startswith(("hit=", "read=")))


for known in ("nothing", "all"):  # what the server knows of the tables
    for of in (sha(issuers[0]), sha(chain(5)[0])):
        forth = walk("behind", of, 50)
        for way, first, last in (("behind", "NULL, NULL, NULL", key_of(forth[-51])), ("before", "NULL, NULL, NULL", key_of(forth[50]))):
            near, far = blocks(way, first), blocks(way, last)
            print(f"{way}, the server knows {known}: the first page of {len(forth)} places {near} blocks, the last {far}")
            if not 0 < max(near, far) <= 600:  # of all chains it would be 900, of all places 5000
                fail("a page costs more than its rows")
    sql("ANALYZE")
print("ok")
sys.exit(inventory.end())
