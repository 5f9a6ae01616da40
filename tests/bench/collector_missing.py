"""missing: how fast the collector says which certificates it lacks.

POST /v1/missing over TLS with client certificates, as submit asks before it sends a segment, sorted: QUESTIONS (300) questions of FINGERPRINTS (10000) each, which is what a
segment of 4 MiB can tell of, a tenth of them not known, the others drawn at random from CERTIFICATES (1000000) rows of table certificate, by SENDERS (4) connections
at a time, ROUNDS (5) times. Counted are the seconds from the first question to the last answer, and CPU of the collector and of PostgreSQL; the clients run on the same
cores, and are in the wall clock alone. Beside it: the same fingerprints looked up by key by one backend that has them in a temporary table, which is PostgreSQL's part
without any way to it. Every answer is compared with what is lacking."""
import hashlib
import http.client
import json
import random
import ssl
import statistics
import threading
import time

from collector_tools import setting

RATE_MIN = 300000
FILL = """INSERT INTO certificate (sha256, der, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256, tbs_sha256, key_alg, key_bits, curve, sig_alg, is_ca,
                                   self_issued, first_seen, last_seen)
SELECT sha256(i::text::bytea), convert_to(repeat(md5(i::text), 34), 'UTF8'), 'CN=host-' || i, 'CN=Benchmark CA', 'host-' || i, 'host-' || i || '.bench.example', int8send(i), now(),
       now() + i * interval '1 minute', sha256(int8send(i)), sha256(int8send(-i)), 'EC', 256, 'P-256', 'ecdsa-with-SHA256', false, false, now(), now()
  FROM generate_series(1, {}) AS i"""


def digest(i):
    return hashlib.sha256(str(i).encode()).hexdigest()


def list_of(name, digests):
    return json.dumps({name: digests}, separators=(",", ":"))


def make_questions(questions, size, known):
    """[(body, the body of the answer)]. A tenth is unknown: numbers that nobody has."""
    made, draw, unknown = [], random.Random(7), known
    for _ in range(questions):
        lacking = list(range(unknown + 1, unknown + 1 + size // 10))
        unknown += len(lacking)
        some = [digest(i) for i in (*lacking, *draw.sample(range(1, known + 1), size - len(lacking)))]
        some.sort()  # as submit does
        made.append((list_of("sha256", some), list_of("missing", sorted(map(digest, lacking))).encode() + b"\n"))
    return made


def ask(collectd, name, todo, wrong):
    """Until todo is empty."""
    context = ssl.create_default_context(cafile=collectd.tls["ca"])
    context.load_cert_chain(*collectd.tls[name])
    connection = http.client.HTTPSConnection("127.0.0.1", collectd.port, context=context, timeout=60)
    while True:
        try:
            body, lacking = todo.pop()
        except IndexError:
            break
        connection.request("POST", "/v1/missing", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or text != lacking:
            wrong.append(f"{answer.status} {text[:200]!r}")
    connection.close()


def ask_all(collectd, questions, senders):
    todo, wrong = list(questions), []
    threads = [threading.Thread(target=ask, args=(collectd, "bench", todo, wrong)) for _ in range(senders)]
    before = collectd.used()
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.monotonic() - began
    used = collectd.used() - before
    used.wall = wall
    return used, wrong


def look_up(cluster, questions):
    """µs of PostgreSQL's CPU for each fingerprint of some questions, asked of a temporary table."""
    path = cluster.dir + "/asked"
    some = [digest for body, _ in questions for digest in json.loads(body)["sha256"]]
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"\\\\x{digest}\n" for digest in some)
    sql = (f"CREATE TEMP TABLE asked (sha256 bytea); COPY asked FROM '{path}'; ANALYZE asked; SET random_page_cost = 1.1; SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT count(*) FROM asked a WHERE NOT EXISTS"
           " (SELECT FROM certmuster.certificate c WHERE c.sha256 = a.sha256)")
    spent = []
    for text in (sql, sql.split(" SELECT count")[0]):  # with the question, and without
        before = cluster.cpu()
        cluster.sql(text)
        spent.append(cluster.cpu() - before)
    return max(0, spent[0] - spent[1]) / len(some) * 1e6  # of few it is less than a tick


def run(bench):
    count, questions, size, senders = setting("CERTIFICATES", 1000000), setting("QUESTIONS", 300), setting("FINGERPRINTS", 10000), setting("SENDERS", 4)
    cluster = bench.cluster()
    collectd = bench.collectd(cluster)
    collectd.enrol("bench")
    cluster.sql(FILL.format(count))
    cluster.sql("VACUUM ANALYZE certificate")
    collectd.start()
    asked = make_questions(questions, size, count)
    ask_all(collectd, asked[:8], senders)  # the first fills the caches
    total, rounds, wrong = questions * size, [], []
    for _ in range(bench.rounds):
        used, some = ask_all(collectd, asked, senders)
        rounds.append(used)
        wrong += some
    wall, own, theirs = (statistics.median(getattr(used, name) for used in rounds) for name in ("wall", "collectd", "postgres"))
    table = bench.table
    table.head(f"missing: {count} known, {size} in a question", "CPU µs each", "a second")
    table.row("looked up by key, by one backend", [f"{look_up(cluster, asked[:50]):.2f}", ""])
    table.row("collectd", [f"{own / total * 1e6:.2f}", ""])
    table.row("PostgreSQL", [f"{theirs / total * 1e6:.2f}", ""])
    table.row("fingerprints checked", [f"{(own + theirs) / total * 1e6:.2f}", f"{total / wall:.0f}"], total / wall, RATE_MIN, True, f"{total / wall:.0f} a second")
    table.row("answers that are right", ["", str(questions * bench.rounds - len(wrong))], len(wrong), 0, what="; ".join(wrong[:2]) or "all")
    table.row("memory of collectd, MiB", ["", f"{collectd.memory() / (1 << 20):.0f}"])
