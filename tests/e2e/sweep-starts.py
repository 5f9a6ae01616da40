#!/usr/bin/python3
"""Sweeps that are hard to begin or to bring to an end: many prefixes, a start that hangs or fails, a scanner that is broken, one that cannot do it at all; two collectors on one database."""
import json, os, random, re, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector
from sweep_tools import begin, clean_up_after, equal, lease, LEASE_S, play, report, sql, status, sweep, wait_for


def before(name, file):
    """What a function was in this migration, under another name."""
    text = open(f"{os.environ['CM_TOP']}/sql/{file}").read()
    found = re.search(r"CREATE (OR REPLACE )?FUNCTION %s\(.*?\n\$\$;\n" % name, text, re.S).group(0)
    return re.sub(r"\b(sweep_pieces|target_text|port_count)\(", r"\1_before(", found)


def test_prefixes():
    """Overlapping prefixes, names and known places come to what they did when each was compared with each; the work grows as their number does."""
    draw = random.Random(27)
    for name, file in (("port_count", "0013_sweeps.sql"), ("target_text", "0013_sweeps.sql"), ("sweep_pieces", "0019_zones.sql")):
        sql(before(name, file))
    address = lambda six: f"2001:db8::{draw.randrange(64):x}" if six else f"192.0.2.{draw.randrange(64)}"
    places = {(address(draw.random() < 0.4) if draw.random() < 0.9 else None, draw.choice(("a.example", "b.example", "")), draw.choice((25, 443, 8443))) for _ in range(200)}
    values = ", ".join(f"({'NULL' if ip is None else repr(ip)}, '{name}', {port})" for ip, name, port in sorted(places, key=str) if ip or name)
    sql(f"""WITH added AS (INSERT INTO location (location_id, kind, realm, transport, ip, name, port, first_seen)
                           SELECT gen_random_uuid(), 'endpoint', 'random', 'tcp', ip::inet, name, port, now() FROM (VALUES {values}) AS v(ip, name, port) RETURNING location_id, port),
                 states AS (INSERT INTO location_state (location_id, chains, source, scanner, last_result)
                            SELECT location_id, '{{}}', 'scan', 's', CASE WHEN port = 25 THEN '' ELSE 'ok' END FROM added)
            INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source) SELECT location_id, gen_random_uuid(), 'server', now(), now(), 'scan' FROM added WHERE port <> 25""")

    def target():
        ports, name, six = draw.choice(("", ":443", ":25,443", ":440-444,8443", ":400-500")), draw.choice(("", "", "a.example@", "b.example@")), draw.random() < 0.4
        if draw.random() < 0.1:
            return draw.choice(("a.example", "b.example", "c.example")) + ports
        place = f"{address(six)}/{draw.randrange(*((120, 129) if six else (25, 33)))}"
        return name + (f"[{place}]" if six else place) + ports

    plans = [([target() for _ in range(draw.choice((0, 1, 8, 60)))], draw.random() < 0.5, draw.random() < 0.4, draw.choice(("443", "25,8443")), draw.choice((8, 64, 4096))) for _ in range(14)]
    sql("; ".join("INSERT INTO sweep_plan (name, kind, realm, targets, known, seen, ports, shard_size, lasts, created_by, created_at) VALUES"
                  f" ('random-{i}', 'scan', 'random', '{{{','.join(json.dumps(t) for t in targets)}}}', {known}, {seen}, '{ports}', {size}, '1 day', 'test', now())"
                  for i, (targets, known, seen, ports, size) in enumerate(plans)))
    listed = lambda function: f"SELECT coalesce(json_agg(json_build_array(x.target, x.probes)), '[]')::text FROM {function}(p) x"
    # Each address that it comes to with its ports; what was cut for its ports alone is in other pieces than before, which were too large.
    looked_at = lambda function: f"""SELECT coalesce(json_agg(json_build_array(a.sni, a.ip, a.ports) ORDER BY a.sni, a.ip), '[]')::text FROM (
                                     SELECT t.sni, host(t.prefix + step) AS ip, range_agg(t.ports) AS ports FROM {function}(p) x, sweep_target(x.target, '1') t, generate_series(0, (1 << t.host_bits) - 1) step GROUP BY 1, 2) a"""
    rows = [row.split("|") for row in sql(f"""SET jit = off; SELECT p.name, o.fit, ({listed('sweep_pieces')}) = ({listed('sweep_pieces_before')}), ({looked_at('sweep_pieces')}) = ({looked_at('sweep_pieces_before')}), n.count, n.sum = o.sum, n.fit
                                              FROM sweep_plan p, LATERAL (SELECT count(*), sum(x.probes), bool_and(x.probes <= p.shard_size) AS fit FROM sweep_pieces(p) x) n,
                                                   LATERAL (SELECT coalesce(sum(x.probes), 0) AS sum, coalesce(bool_and(x.probes <= p.shard_size), true) AS fit FROM sweep_pieces_before(p) x) o WHERE p.realm = 'random'""").splitlines()]
    equal("plans that come to something else", [], [row for row in rows if int(row[4]) and row[3:6:2] + row[6:] != ["t", "t", "t"]])
    equal("that come to other pieces", [], [row for row in rows if row[1] != row[2]])
    assert len(rows) == len(plans) and sum(int(row[4]) for row in rows) > 500 and {"t", "f"} == {row[1] for row in rows}, rows

    def steps(count):
        """Rows that the steps of the plan have between them."""
        sql(f"UPDATE sweep_plan SET known = false, shard_size = 4096, targets = ARRAY(SELECT '10.' || i / 256 || '.' || i % 256 || '.0/24' FROM generate_series(1, {count}) i) WHERE name = 'random-0'")
        nodes, rows = [json.loads(sql("SET jit = off; EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT x.* FROM sweep_plan p, sweep_pieces(p) x WHERE p.name = 'random-0'"))[0]["Plan"]], 0
        while nodes:
            node = nodes.pop()
            rows += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)) * node["Actual Loops"]
            nodes += node.get("Plans", [])
        return rows

    few, many = steps(300), steps(1200)
    assert few > 1200 and many < 5 * few, (few, many)
    sql("DELETE FROM sweep_plan WHERE realm = 'random'; DROP FUNCTION sweep_pieces_before, target_text_before, port_count_before")


def test_ports():
    """No shard holds more probes than it may, be they ports of one address: and all of them are there, each once."""
    for words, expected in ((("--target", "192.0.2.7:19000-19039,18443", "--shard", "8"), [8, 8, 8, 8, 8, 1]), (("--target", "192.0.2.0/29", "--target", "192.0.2.99", "--ports", "1-65535"), None),
                            (("--target", "192.0.2.0/30:1-3", "--shard", "2"), [2, 2, 2, 2, 2, 2]), (("--target", "192.0.2.0/30:1-3", "--shard", "6"), [6, 6]),
                            (("--target", "a.example:" + ",".join(str(port) for port in range(1, 700, 2)),), [350])):
        sweep("create", "ports", *words)
        sweep("start", "ports")
        shards = [int(row) for row in sql("SELECT s.probes FROM shard s JOIN sweep USING (sweep_id) WHERE plan = 'ports' AND sweep.state = 'running' ORDER BY number").splitlines()]
        pieces = "shard s JOIN sweep w USING (sweep_id) CROSS JOIN LATERAL unnest(s.targets) AS u(target) CROSS JOIN LATERAL sweep_target(u.target, '1') t WHERE w.plan = 'ports' AND w.state = 'running'"
        if expected:
            equal(words, expected, shards)
        else:
            equal("all ports of nine addresses", (9 * 65535, 9 * 16, 4096), (sum(shards), len(shards), max(shards)))
            equal("each once", "9|65535|65535", sql(f"SELECT count(*), min(x.count), max(x.count) FROM (SELECT port_count(range_agg(t.ports)) AS count FROM {pieces} GROUP BY t.prefix) x"))
        equal("what a worker takes", "t", sql(f"SELECT max(length(u.target)) < 4000 AND sum(port_count(t.ports) * (1 << t.host_bits)) = {sum(shards)} FROM {pieces}"))
        sweep("cancel", "ports")
        sweep("delete", "ports")


def test_bytes():
    """An order holds 8 MiB: a shard ends before that, however few its probes are for its text."""
    sql("""INSERT INTO sweep_plan (name, kind, realm, targets, ports, shard_size, lasts, created_by, created_at)
           SELECT 'text', 'scan', 'default', array_agg(repeat(repeat('a', 50) || '.', 4) || i || '.example'), '443', 1048576, '1 day', 'test', now() FROM generate_series(1, 19500) i""")
    sweep("start", "text")
    equal("bytes of the larger one, and all probes", "t|2|19500", sql("SELECT max(octet_length(array_to_string(s.targets, ','))) BETWEEN 3900000 AND 4100000, count(*), sum(s.probes) FROM shard s JOIN sweep USING (sweep_id) WHERE plan = 'text'"))
    sweep("cancel", "text")
    sweep("delete", "text")


def test_start_that_hangs():
    """A start that takes long keeps nobody waiting, and one that fails, be it for its length, comes again when its plan does."""
    sql("""ALTER FUNCTION sweep_pieces(sweep_plan) RENAME TO sweep_pieces_kept;
           CREATE FUNCTION sweep_pieces(plan sweep_plan) RETURNS TABLE (target text, probes bigint) LANGUAGE plpgsql AS $$
           BEGIN
               PERFORM pg_advisory_xact_lock(27);
               RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = 'canceling statement due to statement timeout';
           END $$;
           GRANT EXECUTE ON FUNCTION sweep_pieces(sweep_plan) TO certmuster_read""")
    holder = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", sockets, "-U", "certmuster_admin", "-d", "certmuster"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("SELECT 'held' FROM pg_advisory_lock(27);\n")
    holder.stdin.flush()
    equal("held", "held", holder.stdout.readline().strip())
    waiting = lambda: sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    turns = lambda task, stamp: sql(f"SELECT done_at > '{stamp}'::timestamptz + interval '2 seconds' FROM upkeep WHERE task = '{task}'") == "t"
    sweep("create", "long", "--target", "192.0.2.7", "--every", "1h")
    wait_for("its start", lambda: waiting() == "1")
    stamp = sql("SELECT clock_timestamp()")
    wait_for("upkeep, which goes on", lambda: turns("sweeps", stamp))
    equal("one collector is at it", "1", waiting())
    holder.stdin.close()
    equal("the end of the holder", 0, holder.wait(30))
    failures = lambda: sql("SELECT count(*) FROM audit_log WHERE action = 'sweep.fail' AND subject = 'long' AND detail LIKE '%statement timeout%'")
    wait_for("what came of it", lambda: failures() == "1")
    equal("its next turn", "t", sql("SELECT next_at > now() + interval '50 minutes' FROM sweep_plan WHERE name = 'long'"))
    stamp = sql("SELECT clock_timestamp()")
    wait_for("turns of starts", lambda: turns("starts", stamp))
    equal("not tried each time", ("1", "0"), (failures(), sql("SELECT count(*) FROM sweep WHERE plan = 'long'")))
    sql("DROP FUNCTION sweep_pieces(sweep_plan); ALTER FUNCTION sweep_pieces_kept(sweep_plan) RENAME TO sweep_pieces; UPDATE sweep_plan SET next_at = now() WHERE name = 'long'")
    wait_for("its sweep", lambda: sql("SELECT count(*) FROM sweep WHERE plan = 'long' AND state = 'running'") == "1")
    sweep("cancel", "long")
    sweep("delete", "long")


def test_broken():
    """A scanner at which everything fails at once, and a slow one that holds a shard: each shard fails once, and is left to the slow one."""
    one = Collector(f"{sockets}/collectd.sock")
    sweep("create", "slow", "--target", "198.51.100.0/28", "--shard", "2")
    sweep("start", "slow")
    held = lease(one, scanner="good")[1]["lease"]
    failed = []
    while (answer := lease(one, scanner="broken"))[0] == 200:
        failed.append(answer[1]["number"])
        equal("it fails", 200, report(one, answer[1]["lease"], "failed", scanner="broken")[0])
        equal("the slow one is at it", 200, report(one, held, "running", scanner="good")[0])
    equal("each of the others, once", list(range(1, 8)), failed)
    code, order = lease(one, scanner="good")
    equal("the slow one gets them", (200, 1), (code, order["number"]))
    equal("it gives back", 200, report(one, order["lease"], "given_back", scanner="good")[0])
    equal("and goes on", 200, report(one, held, "running", scanner="good")[0])
    code, order = lease(one, scanner="new")
    equal("and a third, too", (200, 1), (code, order["number"]))
    equal("at which it fails", 200, report(one, order["lease"], "failed", scanner="new")[0])
    equal("the slow one ends", 200, report(one, held, "given_back", scanner="good")[0])
    code, order = lease(one, scanner="broken")
    equal("nobody is at work: whoever asks", (200, 0), (code, order["number"]))
    equal("it fails again", 200, report(one, order["lease"], "failed", scanner="broken")[0])
    code, order = wait_for("also what failed at it", lambda: (answer := lease(one, scanner="broken"))[0] == 200 and answer)
    equal("once more", "t", sql(f"SELECT count(*) BETWEEN 1 AND 2 FROM lease JOIN sweep USING (sweep_id) WHERE plan = 'slow' AND number = {order['number']} AND scanner = 'broken' AND outcome = 'failed'"))
    equal("nothing is abandoned", "0", sql("SELECT count(*) FROM shard JOIN sweep USING (sweep_id) WHERE plan = 'slow' AND shard.state = 'abandoned'"))
    sweep("cancel", "slow")
    sweep("delete", "slow")


def test_nobody_does_it():
    """A crawl of one host whose worker cannot do it: five attempts take their time, and who looks at the sweep hears that it was given up."""
    one = Collector(f"{sockets}/collectd.sock")
    sql("INSERT INTO scanner (name, enrolled, first_seen, last_seen) VALUES ('lame', 'unix:0', now(), now())")
    sweep("create", "undone", "--kind", "crawl", "--target", "/etc", "--scanner", "lame")
    sweep("start", "undone")
    ended = []
    while len(ended) < 5:
        code, order = wait_for("an attempt", lambda: (answer := lease(one, "crawl", "lame"))[0] == 200 and answer)
        if ended:
            pause, least = time.monotonic() - ended[-1], LEASE_S * 2 ** (len(ended) - 1) / 8
            assert least * 0.95 <= pause, (len(ended), pause, least)
        equal("it fails", 200, report(one, order["lease"], "failed", scanner="lame")[0])
        ended.append(time.monotonic())
        if len(ended) == 4:
            equal("meanwhile", "every shard that is open failed; it is given again after a pause, until it failed five times", status("undone")["waits"])
    equal("given up", ("finished", 1), ((told := status("undone"))["state"], told["shards"]["abandoned"]))
    assert "finished, 1 shard abandoned" in sweep("list"), sweep("list")
    last = json.loads(sweep("show", "undone", "--format", "json"))[0]["last"]
    equal("of one", ("finished", 1, 1), (last["state"], last["shards"], last["abandoned"]))
    head, row = sweep("history", "undone").splitlines()[:2]
    equal("in the history", ("ABANDONED", "1"), (head.split()[-1], row.split()[-1]))
    sweep("delete", "undone")


def main():
    global sockets
    sockets = begin()[0]
    play([test_prefixes, test_ports, test_bytes, test_start_that_hangs, test_broken, test_nobody_does_it])


clean_up_after(main)
