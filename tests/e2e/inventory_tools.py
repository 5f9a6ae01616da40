"""For tests of the collector that share one private inventory: started with settings that a test can wait for, asked over its unix socket and
by SQL, and looked through for what a sanitizer says when they are done."""
import glob, os, shutil, subprocess, sys, tempfile, time, traceback
import common
from collectd_tools import *
from common import end_in_order, equal, fail, tell_logs, wait_until

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
T = template(TMP)
D = [certificate(T, i) for i in range(8)]  # the first six are in the inventory before a test begins
RUN = new_run()


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


def sweep(c, run, chains, at, **more):
    """chains: ip -> list of certificates, or None for a failure."""
    lines = []
    for ip, found in chains.items():
        lines += [failure(ip, run, at)] if found is None else [sighting(ip, [d], run, at, **more) for d in found]
    return good(c.batch(lines), len(lines))


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


def the_log():
    return "".join(open(path, errors="replace").read() for path in glob.glob(f"{HOME}/log/collectd*"))


def begin():
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/trust.key", "-out", f"{TMP}/trust.pem",
        "-days", "60", "-subj", "/CN=Private CA")
    with open(f"{HOME}/certmuster.yaml", "w") as f:
        f.write(f"collector:\n  trust_store: {TMP}/trust.pem\n  judge_interval: 300ms\n  request_timeout: 3s\n  client_connections: 40\n  client_rate: 2000\n")
    run("certmuster", "up")
    good(local().batch([cert_record(d) for d in D[:6]]), 6)


def play(tests, begin=begin, unwanted=()):
    """All of `tests`, or those that are named, on the inventory that begin starts; no log of the collector holds a word that is unwanted. Ends the program."""
    code = 1
    end_in_order()
    try:
        begin()
        common.play(tests)
        run("certmuster", "down")
        for word in ("AddressSanitizer", "runtime error", "LeakSanitizer", "batch_failed", "rollback_failed", *unwanted):
            if word in the_log():
                fail(f"{word} in the log")
        code = 0
    except BaseException:
        traceback.print_exc()
        tell_logs(f"{HOME}/log", 40)
    finally:
        subprocess.run(["certmuster", "down"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if code == 0:
            shutil.rmtree(TMP, ignore_errors=True)
    sys.stdout.flush()
    os._exit(code)
