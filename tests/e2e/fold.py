#!/usr/bin/python3
# profile: release
"""When a place was last found as it was: observation knows while it goes on being told of, and nothing else is written; what falls silent is folded into its rows before observation
forgets. Nights pass by moving all that is stored a day back."""
import os, random, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, certificate, failure, new_run, run_record, sighting, template
from gone_tools import Inventory, equal, fail

inventory = Inventory("fold")
sql = inventory.sql
collector = Collector(inventory.collector("collectd"))
sql("UPDATE upkeep SET done_at = 'infinity' WHERE task IN ('fold', 'fold_slice', 'gone', 'absences', 'lost_runs', 'partitions')")  # rounds are begun here
dice = random.Random(11)
OLD, NEW = (certificate(template(inventory.work), number) for number in (1, 2))
SITES = [f"127.9.{i // 200}.{i % 200 + 1}" for i in range(240)]
SILENT, FAILING, LATE, ALWAYS = SITES[0:80], SITES[80:120], SITES[120:160], SITES[160:]
well, ill = {}, {}  # of each site: when it was last found well, and when failing
DAY = 24 * 3600


def told(sites, chain=(OLD,), at=None, records=None, kind="ok"):
    """A batch of looks at one moment, of which observation can be exact."""
    run, at = new_run(), int(at or time.time() - 60)
    lines = [run_record(run, "started", at - 1)]
    lines += [sighting(site, chain, run, at) if kind == "ok" else failure(site, run, at) for site in sites]
    status, answer = collector.batch((records or []) + lines + [run_record(run, "finished", at + 1, targets=len(sites), ok=len(sites), failed=0)])
    if status != 200 or answer.get("rejected"):
        fail(f"{status} {answer}")
    for site in sites:
        known = well if kind == "ok" else ill
        known[site] = max(known.get(site, 0), at)


def night(count=1):
    """All that is stored becomes older, and so does what is known here."""
    back = f"interval '{count} days'"
    sql(f"SELECT observation_day(d.day - {count}) FROM (SELECT DISTINCT day FROM observation) d")
    sql(f"UPDATE observation SET day = day - {count}, first_at = first_at - {back}, last_at = last_at - {back}")
    sql(f"UPDATE sighting SET first_seen = first_seen - {back}, last_seen = last_seen - {back}, absent_at = ARRAY(SELECT a - {back} FROM unnest(absent_at) a)")
    sql(f"UPDATE location_state SET last_ok = last_ok - {back}, last_failure = last_failure - {back}, digest_at = digest_at - {back}")
    sql(f"UPDATE location SET first_seen = first_seen - {back}")
    sql(f"UPDATE run SET started_at = started_at - {back}, finished_at = finished_at - {back}")
    sql(f"UPDATE upkeep SET reached = ARRAY[(reached[1]::date - {count})::text] WHERE task = 'fold' AND reached IS NOT NULL")
    for known in (well, ill):
        for site in known:
            known[site] -= count * DAY


def fold(slices=None):
    """One round, to its end; `slices`: of so many."""
    sql("SELECT observation_fold_begin()")
    if slices:
        sql(f"UPDATE upkeep SET reached[2] = '{slices}' WHERE task = 'fold_slice'")
    rounds = 0
    while sql("SELECT reached IS NULL FROM upkeep WHERE task = 'fold_slice'") == "f":
        sql("SELECT observation_fold()")
        rounds += 1
    if slices:
        equal("slices", slices, rounds)


def rows(query):
    return [line.split("|") for line in sql(query).splitlines()]


def check(what, sites=SITES):
    """Rows and observation together know of each place what was told of it; and reports, which read all of observation, agree."""
    for title, column, known in (("well", "last_ok", well), ("failing", "last_failure", ill)):
        seen = "ok_at" if column == "last_ok" else "failure_at"
        for source, function in ((f"places_found(ARRAY(SELECT location_id FROM location)) t USING (location_id)", f"t.{seen}"), ("places_checked() t USING (location_id)", f"t.{column}")):
            found = {site: int(at) for site, at in rows(f"SELECT host(l.ip), extract(epoch FROM greatest(st.{column}, {function}))::bigint FROM location l JOIN location_state st USING (location_id) "
                                                       f"LEFT JOIN {source} WHERE greatest(st.{column}, {function}) IS NOT NULL")}
            wrong = [(site, known.get(site), found.get(site)) for site in sites if known.get(site) != found.get(site)]
            equal(f"{what}: when last {title}, by {source.split('(')[0]}", [], wrong[:3])


def versions(sites):
    """Which version of their rows is there."""
    some = ", ".join(f"'{site}'" for site in sites)
    return sql(f"SELECT string_agg(st.xmin || ' ' || s.xmin, ',' ORDER BY l.location_id) FROM location l JOIN location_state st USING (location_id) JOIN sighting s USING (location_id) WHERE host(l.ip) IN ({some})")


def folded(sites):
    """How many of them have rows that say all by themselves."""
    found = dict(rows("SELECT host(l.ip), coalesce(extract(epoch FROM st.last_ok)::bigint, 0) || ' ' || coalesce(extract(epoch FROM st.last_failure)::bigint, 0) FROM location l JOIN location_state st USING (location_id)"))
    return sum(found[site] == f"{well.get(site, 0)} {ill.get(site, 0)}" for site in sites)


# --- Nights in which nothing changes -----------------------------------------------------------------------------------------------------
told(SITES, records=[cert_record(OLD), cert_record(NEW)])
night()
told(FAILING, kind="failed")
for _ in range(3):
    night()
    told(SILENT + LATE + ALWAYS)
    told(FAILING, kind="failed")
    fold()
check("every night")
before = versions(ALWAYS)
told(ALWAYS)
fold()
equal("who is told of is not written", before, versions(ALWAYS))
equal("so that rows alone do not know", 0, folded(SILENT + FAILING + ALWAYS))
# What was found today is not looked for in what arrived before: there it would be found later than it can be.
ids = "ARRAY(SELECT l.location_id FROM location l WHERE host(l.ip) IN ({}))".format(", ".join(f"'{site}'" for site in ALWAYS))
equal("only the newest days are read", f"{len(ALWAYS)}|0", sql(f"""BEGIN; UPDATE observation SET last_at = now() + interval '5 days' WHERE day < (now() AT TIME ZONE 'UTC')::date - 1;
    SELECT count(*), count(*) FILTER (WHERE t.ok_at > now()) FROM places_found({ids}) t; ROLLBACK"""))
equal("as there are older ones", "t", sql("SELECT count(*) > 0 FROM observation WHERE day < (now() AT TIME ZONE 'UTC')::date - 1"))

# --- Silence -----------------------------------------------------------------------------------------------------------------------------
night()
told(ALWAYS + LATE)
fold(7)
equal("a day of silence is nothing yet", 0, folded(SILENT + FAILING))
check("a day of silence")
night()
told(ALWAYS)
before = versions(ALWAYS)
fold(7)
equal("folded after two, of whatever kind it was", len(SILENT + FAILING), folded(SILENT + FAILING))
equal("its spans too", "0", sql("SELECT count(*) FROM sighting s JOIN location_state st USING (location_id) WHERE st.last_result = 'ok' AND st.last_ok > s.last_seen AND s.closed_at IS NULL "
                               "AND s.location_id NOT IN (SELECT t.location_id FROM places_found(ARRAY(SELECT location_id FROM location)) t)"))
equal("and nobody else", (before, 0), (versions(ALWAYS), folded(ALWAYS)))
check("two days of silence")
told(LATE, at=time.time() - 4 * DAY)
check("a late word")
fold(3)
check("a late word, another round")
night()
told(ALWAYS)
fold(5)
night()
fold(2)
equal("folded with the later of both", len(LATE), folded(LATE))
check("a late word, when it is folded")

# --- A round that is not finished -----------------------------------------------------------------------------------------------------------
# The next day it goes on where it was, and until it has come to its end what it began with is asked, and is there.
night()
told(ALWAYS)
sql("SELECT observation_fold_begin(); UPDATE upkeep SET reached[2] = '5' WHERE task = 'fold_slice'; SELECT observation_fold(); SELECT observation_fold()")
under_way, unfolded = sql("SELECT reached FROM upkeep WHERE task = 'fold_slice'"), sql("SELECT observation_unfolded()")
sql("SELECT observation_fold_begin()")
equal("a round goes on", (under_way, unfolded), (sql("SELECT reached FROM upkeep WHERE task = 'fold_slice'"), sql("SELECT observation_unfolded()")))
equal("with its third slice of five", "2|5", sql("SELECT reached[1], reached[2] FROM upkeep WHERE task = 'fold_slice'"))
check("a round under way")
fold()
check("a round that went on")
night()

# --- What observation forgets ------------------------------------------------------------------------------------------------------------
night()
fold()
equal("all are silent", len(SITES), folded(SITES))
night(40)
sql("SELECT observation_forget()")
equal("forgotten", "0", sql("SELECT count(*) FROM observation"))
check("after observation has forgotten")

# --- Nobody folds for weeks --------------------------------------------------------------------------------------------------------------
# Also for longer than observation is kept: what is not folded is not forgotten.
for days, before, after in ((20, OLD, NEW), (45, NEW, OLD)):
    for _ in range(4):  # until the chain before that one is not waited for any more, and rows are not written
        told(ALWAYS, chain=(before,))
        night()
    told(ALWAYS, chain=(before,))
    equal("rows alone do not know", 0, folded(ALWAYS))
    night(days)
    equal("days forgotten", "0", sql("SELECT observation_forget()"))
    check(f"a collector that was away for {days} days")
    last = well[ALWAYS[0]]
    told(ALWAYS, chain=(after,))
    equal("the old chain was last seen when it was", f"{len(ALWAYS)}|{last}", sql("SELECT count(*), max(extract(epoch FROM s.last_seen)::bigint) FROM sighting s JOIN chain ch USING (chain_id) JOIN location l USING (location_id) "
                                                                              f"WHERE s.absent_runs = 1 AND extract(epoch FROM s.last_seen)::bigint = {last}"))
    check("and a change")

# --- By itself ---------------------------------------------------------------------------------------------------------------------------
for _ in range(4):
    told(ALWAYS)
    night()
told(ALWAYS)
equal("rows alone do not know", 0, folded(ALWAYS))
night(36)
sql("UPDATE upkeep SET done_at = now() - interval '2 days' WHERE task IN ('fold', 'partitions')")
inventory.collector("upkeep")
inventory.wait_for("the collector to fold", lambda: sql("SELECT reached[1] = (now() AT TIME ZONE 'UTC')::date::text FROM upkeep WHERE task = 'fold'") == "t")
check("by itself")
equal("all is folded", len(ALWAYS), folded(ALWAYS))
logs = "".join(open(f"{inventory.work}/{name}.log").read() for name in ("collectd", "upkeep"))
equal("it says what is kept until then", True, "observation_unfolded days=" in logs)
equal("which can be dropped now", "0|t", sql("SELECT count(*) FILTER (WHERE NOT folded), count(*) > 0 FROM observation_old()"))
equal("and is", "t", sql("SELECT observation_forget() > 0", role="certmuster_ingest"))
equal("all of it", "0", sql("SELECT count(*) FROM observation"))
check("without them")
sys.exit(inventory.end())
