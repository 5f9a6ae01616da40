"""Part `year` of bench-collector: an inventory of 1,000,000 certificates and 3,000,000 places after a year of nights, made by year_load.py, times SCALE (1; at least
500 and 1,500).

    fold      what the collector does of its own: the places that fell silent are written, and what that costs
    size      what each table takes after it, with its indexes and TOAST; the whole bounded at 12 GB
    questions what certmuster-browse asks, by its own code (year-queries.c), as certmuster_read: the next 50 to expire with owner and places, and every place of a
              certificate a page at a time to the last one, of QUESTIONS (200) certificates and as many pages of the 10 that have the most; QUESTIONS of the former, every one with
              other parameters; first with nothing in PostgreSQL's memory or the kernel's, then warm.
              p95 bounded at 10 ms. Beside the wall clock: what their backend was on a processor, which a busy machine does not change
    others    what people ask at night: filters, reports; told only
    night     one more look at NIGHT (70,000, at most a third of all) places, delivered as scan and crawl write it: it has to find each as year_load left it, and tells what a
              place that did not change adds; then CHANGED (1,000) of them in one batch that all time out, for which has to be found out when each was well last: told beside a
              batch of as many that are as they were, bounded at CHANGED_MAX_MS of CPU each

PostgreSQL is as initdb configures it from the moment on that the rows are in."""
import json
import os
import random
import statistics
import subprocess
import sys
import time

from collector_tools import setting
from year_load import Year

SIZE_MAX, P95_MAX, YEAR_MAX, CHANGED_MAX_MS = 12e9, 10.0, 10.0, 5.0
PAGE = 50


class Asker:
    """year-queries as a process."""

    def __init__(self, build, cluster):
        self.process = subprocess.Popen([build + "/tests/bench/year-queries", cluster.dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("list", 1, 0, "", "", "")
        self.backend = cluster.number("SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'year-queries' AND leader_pid IS NULL")

    def cpu(self):
        """Milliseconds that its backend was on a processor, waiting for one not counted."""
        with open(f"/proc/{self.backend}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e6

    def ask(self, *words):
        """Milliseconds, rows, key of the last."""
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n").split("\t")
        if len(answer) < 2:
            raise SystemExit("year-queries ended")
        return int(answer[0]) / 1000, int(answer[1]), tuple(answer[2:4])

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Questions:
    def __init__(self, bench, cluster):
        self.bench, self.cluster, self.table = bench, cluster, bench.table
        self.count, self.rng = setting("QUESTIONS", 200), random.Random(11)

    def column(self, sql):
        return [line.split("|") for line in self.cluster.sql(sql).splitlines()]

    def forget(self):
        """Nothing of the inventory is in PostgreSQL's memory or in the kernel's."""
        self.cluster.stop()
        for directory, _, files in os.walk(self.cluster.dir + "/data/base"):
            for name in files:
                file = os.open(f"{directory}/{name}", os.O_RDONLY)
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)
        self.cluster.start()

    def some(self, name, questions, goal=None, cold=True):
        """Asks each of the questions when all is cold (the first tenth of them) and again when it is warm."""
        took, cpu = [], []
        if cold:
            self.forget()
            asker = Asker(self.bench.build, self.cluster)
            chilly = [asker.ask(*words)[0] for words in questions[:max(1, len(questions) // 10)]]
            asker.end()
            self.table.row(name + ", cold", [f"{statistics.median(chilly):.2f}", f"{percentile(chilly, 0.95):.2f}", f"{max(chilly):.2f}"])
        asker = Asker(self.bench.build, self.cluster)
        rows = 0
        for words in questions:
            asker.ask(*words)
        for words in questions:
            before = asker.cpu()
            ms, found, _ = asker.ask(*words)
            took.append(ms)
            cpu.append(asker.cpu() - before)
            rows += found
        asker.end()
        p95 = percentile(took, 0.95)
        self.table.row(name, [f"{statistics.median(took):.2f}", f"{p95:.2f}", f"{max(took):.2f}", f"{statistics.median(cpu):.2f}", f"{percentile(cpu, 0.95):.2f}",
                              f"{rows / len(took):.0f}"], p95, goal, what="p95 of %.2f ms" % p95 if goal else "")


    def pages_of(self, certificates, most=1000000):
        """The questions for every place of each: behind the last row of a page the next one, until a page is not full. most: of one certificate."""
        asker, pages = Asker(self.bench.build, self.cluster), []
        for certificate in certificates:
            key, found, count = ("", ""), PAGE, 0
            while found == PAGE and count < most:
                pages.append(("places", PAGE, certificate, *key))
                _, found, key = asker.ask(*pages[-1])
                count += 1
        asker.end()
        return pages

    def ask_all(self):
        self.table.head(f"questions, {PAGE} rows a page", "p50 ms", "p95 ms", "most ms", "CPU p50", "CPU p95", "rows")
        self.table.row("load average at the beginning", [f"{os.getloadavg()[0]:.1f}"])
        asker = Asker(self.bench.build, self.cluster)
        pages, key = [], ("", "")
        for _ in range(self.count):  # one page after the other, as somebody who scrolls
            pages.append(("list", PAGE, 0, *key, ""))
            key = asker.ask(*pages[-1])[2]
            if not key[0]:
                break
        asker.end()
        self.some("next 50 to expire, owner and places", pages, P95_MAX)
        self.some("  150 at once, as browse reads ahead", [("list", 3 * PAGE, *words[2:]) for words in pages[::3]], cold=False)
        self.some("  that are still valid", [("list", PAGE, 1, "", "", "")] * min(self.count, 20), cold=False)
        leaves = [row[0] for row in self.column(f"SELECT encode(sha256, 'hex') FROM certificate TABLESAMPLE BERNOULLI (5) WHERE retired_at IS NULL ORDER BY random() LIMIT {self.count}")]
        largest = [row[0] for row in self.column("SELECT encode(ch.leaf_sha256, 'hex') FROM chain ch JOIN (SELECT chain_id FROM sighting WHERE closed_at IS NULL GROUP BY chain_id "
                                                 "ORDER BY count(*) DESC LIMIT 10) s ON s.chain_id = ch.chain_id")]
        pages, large = self.pages_of(leaves), self.pages_of(largest)
        self.table.row("pages of all places", [str(len(pages))], what=f"and {len(large)} of the 10 certificates with the most")
        large = self.rng.sample(large, min(len(large), len(pages)))  # as many as of the others
        self.some("places of a certificate", self.rng.sample(pages + large, len(pages) + len(large)), P95_MAX)
        self.some("  of the 10 with the most", large, cold=False)
        issuers = [row[0] for row in self.column("SELECT encode(f.sha256, 'hex') FROM (SELECT DISTINCT unnest(i.fingerprints) AS sha256 FROM chain_issuers i) f ORDER BY random() LIMIT 20")]
        pages = self.pages_of(issuers, most=20)
        self.some("places of an issuer, its first 20 pages", self.rng.sample(pages, len(pages)), P95_MAX)
        leaves += largest
        self.some("  the rest of its screen", [("facts", leaf) for leaf in leaves], cold=False)
        self.some("  its places by owner, all", [("owners", leaf) for leaf in leaves], cold=False)
        for title, words in (("filter owner:team-7", "owner:team-7"), ("filter realm:plant", "realm:plant"), ("filter name:*.team003.corp.example", "name:*.team003.corp.example"),
                             ("filter intranet1, any text", "intranet1"), ("filter status:failing", "status:failing")):
            self.some(title, [("list", PAGE, 0, "", "", words)] * 2, cold=False)


def sizes(table, cluster):
    table.head("what each table takes", "rows", "MB", "indexes MB", "TOAST MB")
    rows = cluster.sql("SELECT t.name, sum(t.rows)::bigint, sum(t.size), sum(t.indexes), sum(t.toast) FROM (SELECT CASE WHEN c.relname ~ '^observation_' THEN 'observation, 30 days' ELSE"
                       " c.relname END AS name, greatest(c.reltuples, 0) AS rows, pg_total_relation_size(c.oid) AS size, pg_indexes_size(c.oid) AS indexes,"
                       " coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast FROM pg_class c WHERE c.relnamespace = 'certmuster'::regnamespace AND c.relkind = 'r') t"
                       " GROUP BY t.name HAVING sum(t.size) > 100000 ORDER BY sum(t.size) DESC")
    for line in rows.splitlines():
        name, count, size, indexes, toast = line.split("|")
        table.row(name, [count] + [f"{int(part) / 1e6:.1f}" for part in (size, indexes, toast)])
    size = cluster.size()
    table.row("the whole database", ["", f"{size / 1e6:.1f}"], size / 1e9, SIZE_MAX / 1e9, what=f"{size / 1e9:.2f} GB")


def fold(table, cluster, places):
    """A round of it, as the collector does them daily (sql/0023_fold.sql)."""
    cluster.sql("SELECT observation_fold_begin(); UPDATE upkeep SET reached[3] = ((now() AT TIME ZONE 'UTC')::date - 3)::text WHERE task = 'fold_slice'")  # the day before yesterday was folded
    slices, written = cluster.number("SELECT reached[2]::integer FROM upkeep WHERE task = 'fold_slice'"), "SELECT sum(n_tup_upd) FROM pg_stat_user_tables WHERE relname IN ('sighting', 'location_state')"
    rows, cpu, wal = cluster.number(written), cluster.cpu(), cluster.wal()
    for _ in range(slices):
        cluster.sql("SELECT observation_fold()")
    if cluster.sql("SELECT reached IS NULL FROM upkeep WHERE task = 'fold_slice'") != "t":
        raise SystemExit("the fold did not come to its end")
    cpu, wal = cluster.cpu() - cpu, cluster.wal() - wal
    time.sleep(1)  # until the statistics are told
    table.head("folded, a round", "slices", "rows", "CPU s", "CPU µs/place", "WAL B/place")
    table.row("of the places that fell silent", [str(slices), str(cluster.number(written) - rows), f"{cpu:.1f}", f"{cpu * 1e6 / places:.1f}", f"{wal / places:.1f}"])


def looks(cluster, run, scanner, most):
    """Lines of places that stand as they were, as their scanner would write them now."""
    sql = ("SELECT json_strip_nulls(json_build_object('v', 1, 'type', 'sighting', 'source', st.source, 'at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
           f" 'scanner', '{scanner}', 'run', '{run}', 'endpoint', CASE WHEN l.kind = 'endpoint' THEN json_build_object('realm', l.realm, 'transport', l.transport, 'ip', host(l.ip), 'port',"
           " l.port, 'name', l.name, 'starttls', st.starttls) END, 'file', CASE WHEN l.kind = 'file' THEN (json_build_object('realm', l.realm, 'host', l.host, 'path', l.path, 'entry', l.entry)"
           "::jsonb || st.file_meta)::json END, 'role', st.steady_role, 'chain', (SELECT json_agg(encode(f.sha256, 'hex') ORDER BY f.rank) FROM unnest(ch.fingerprints) WITH ORDINALITY AS"
           " f(sha256, rank)), 'tls', st.tls)) FROM location_state st JOIN location l ON l.location_id = st.location_id JOIN chain ch ON ch.chain_id = st.chains[1]"
           f" WHERE st.scanner = '{scanner}' AND st.last_result = 'ok' AND cardinality(st.chains) = 1 AND st.steady_role IS NOT NULL LIMIT {most}")
    return [json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False) for line in cluster.sql(sql).splitlines()]


def night(bench, cluster, collectd, places):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
    from collectd_tools import Collector, body, new_run  # pylint: disable=import-outside-toplevel,import-error
    wanted, scanner, run = min(setting("NIGHT", 70000), places // 20), "scanner-0", new_run()
    cluster.sql(f"UPDATE scanner SET enrolled = 'unix:{os.getuid()}' WHERE name = '{scanner}'")
    client, lines = Collector(collectd.socket), looks(cluster, run, scanner, wanted)
    stored = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relkind = 'r' AND (c.relname LIKE 'observation_%' OR c.relname = 'batch')"
    bench.table.head("one more night", "places", "unchanged", "bytes each", "WAL each")
    for title in ("first, and what is compared is noted", "delivered as it was"):
        before, taken = int(cluster.sql(stored)), collectd.used()
        for i in range(0, len(lines), 7000):
            status, answer = client.batch(body(lines[i:i + 7000]), key=f"{scanner}/{run}/{i // 7000}")
            if status != 200 or answer["stored"] != len(lines[i:i + 7000]):
                raise SystemExit(f"a night is refused: {status} {answer}")
        used = collectd.used() - taken
        kept = cluster.number(f"SELECT sum(cardinality(unchanged)) FROM observation WHERE run = '{run}'")
        each = (int(cluster.sql(stored)) - before) / max(1, len(lines))
        bench.table.row(title, [str(len(lines)), str(kept), f"{each:.1f}", f"{used.wal / max(1, len(lines)):.1f}"], kept / max(1, len(lines)), 1, True, f"{kept} of {len(lines)}")
        last, run, at = run, new_run(), time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime())
        lines = [json.dumps(json.loads(line.replace(last, run)) | {"at": at}, separators=(",", ":"), ensure_ascii=False) for line in lines]
    bench.table.row("a year of it, of which 30 days are kept", ["", "", f"{each * 365:.0f}"], each * 365 / 1000, YEAR_MAX, what=f"{each * 365 / 1000:.1f} kB per place")
    changed(bench, cluster, collectd, client, [json.loads(line) for line in lines if '"endpoint"' in line])
    bench.table.row("collectd's memory, MiB", [f"{collectd.memory() / (1 << 20):.0f}"], collectd.memory() / (1 << 20), 256, what="all of it")


def changed(bench, cluster, collectd, client, records):
    from collectd_tools import body, new_run  # pylint: disable=import-outside-toplevel,import-error
    records = random.Random(12).sample(records, min(setting("CHANGED", 1000), len(records)))
    bench.table.head(f"a batch of {len(records)} places", "seconds", "CPU ms each", "WAL each")
    for title in ("as they were", "that all time out"):
        run, at = new_run(), time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime())
        lines = [record | {"run": run, "at": at} for record in records]
        if title != "as they were":
            kept = ("v", "source", "at", "scanner", "run", "endpoint")
            lines = [{key: record[key] for key in kept} | {"type": "failure", "stage": "connect", "error": "timeout"} for record in lines]
        taken = collectd.used()
        status, answer = client.batch(body([json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in lines]), key=f"{lines[0]['scanner']}/{run}/0")
        if status != 200 or answer["stored"] != len(lines):
            raise SystemExit(f"a batch is refused: {status} {answer}")
        used = collectd.used() - taken
        each = used.both * 1000 / len(lines)
        goal = (each, CHANGED_MAX_MS) if title != "as they were" else ()
        bench.table.row(title, [f"{used.wall:.2f}", f"{each:.3f}", f"{used.wal / len(lines):.0f}"], *goal, **({"what": f"{each:.2f} ms"} if goal else {}))
    failing = cluster.number("SELECT count(*) FROM location_state WHERE last_result = 'connect:timeout' AND last_failure > now() - interval '1 hour'")
    bench.table.row("  are known to have timed out", [str(failing)], failing, len(records), True, f"{failing} of {len(records)}")


def run(bench):
    scale = float(os.environ.get("SCALE", "1"))
    cluster = bench.cluster()
    collectd = bench.collectd(cluster, "  trust_store: /etc/ssl/certs/ca-certificates.crt\n")
    collectd.start()  # notes its trust store, so that nothing is put to the judge for that it is new
    time.sleep(3)
    collectd.stop()
    year = Year(bench, cluster, scale)
    began = time.monotonic()
    year.load()
    year.settle()
    bench.table.head(f"an inventory of {year.certificates:,} certificates, {year.places:,} places, {365} nights")
    bench.table.row("made in", [f"{time.monotonic() - began:.0f} s"])
    fold(bench.table, cluster, year.places)
    sizes(bench.table, cluster)
    Questions(bench, cluster).ask_all()
    collectd.start()
    night(bench, cluster, collectd, year.places)
