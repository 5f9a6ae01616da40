#!/usr/bin/python3
"""What `scanner enrol` and `scanner collector` print, pasted as it stands, works: a scanner of another realm, one that is not called as its host, over TLS. Where it is not configured so
each record is refused with what to do, the exit status shows it, a worker is told, and the sweep says that nobody asks for its shards. Enrolled again, the files are replaced together."""
import glob, os, re, ssl, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import equal, holds, play, wait_until

work = os.environ.get("TMPDIR", "/tmp") + "/printed"
home, ca = f"{work}/home", f"{work}/our ca"
os.makedirs(work, mode=0o755)
os.environ["PATH"] = os.environ["CM_BIN"] + ":/usr/lib/postgresql/15/bin:" + os.environ["PATH"]
os.environ["CERTMUSTER_HOME"] = home
port = None


def run(*args, status=0, env=None):
    p = subprocess.run(["certmuster", *args], capture_output=True, text=True, cwd=work, env={**os.environ, **(env or {})}, timeout=120)
    equal(" ".join(args) + "\n" + p.stdout + p.stderr, status, p.returncode)
    holds("no sanitizer spoke", "Sanitizer" not in p.stderr and "runtime error" not in p.stderr, p.stderr)
    return p.stdout + p.stderr


def ctl(*args, **more):
    return run(*args, "--config", f"{work}/ctl.yaml", **more)


def sql(query):
    return subprocess.run(["psql", "-X", "-q", "-At", "-h", open(f"{home}/sockets").read().strip(), "-U", "certmuster_admin", "-d", "certmuster", "-c", query], check=True,
                          capture_output=True, text=True).stdout.strip()


def log():
    return "".join(open(f).read() for f in glob.glob(f"{home}/log/collectd*"))


def snippet(said):
    """What is to be pasted: all behind the first empty line."""
    return said.split("\n\n", 1)[1]


def paste(name, printed, more=""):
    """A scanner's configuration: what was printed, its collector's name put in, its files at /etc/certmuster being here."""
    holds("absolute paths alone", all(word.startswith(("/", "https://")) for word in re.findall(r"(?:cert|key|ca|url): (\S+)", printed)), printed)
    text = printed.replace("COLLECTOR:8443", f"localhost:{port}").replace("/etc/certmuster/ca.pem", f'"{ca}/ca.pem"').replace("/etc/certmuster", f"{work}/certmuster")
    with open(f"{work}/{name}.yaml", "w") as f:
        f.write(text + f"spool:\n  dir: {work}/spool-{name}\n" + more)
    return f"{work}/{name}.yaml"


def scan(config, *args, **more):
    return run("scan", "--config", config, "--timeout", "5", *args, **more)


def readable():
    """The collector runs as the account that owns the home."""
    owner = os.stat(home)
    for name in ("collector.pem", "collector.key"):
        os.chown(f"{work}/{name}", owner.st_uid, owner.st_gid)


def restart(status=0):
    run("down")
    said = run("up", status=status)
    return said


def test_collector():
    """Absolute paths, quoted where a path needs it. A file that cannot be read is named, with the reason."""
    global port
    printed = snippet(ctl("scanner", "collector", "localhost", "127.0.0.1"))
    holds("paths", f"cert: {work}/collector.pem\n" in printed and f"key: {work}/collector.key\n" in printed and f'client_ca: "{ca}/ca.pem"\n' in printed, printed)
    with open(f"{home}/certmuster.yaml", "a") as f:
        f.write(printed.replace("0.0.0.0:8443", "127.0.0.1:0"))
    socket_ = f"{work}/other.sock"
    for path in (f"{work}/collector.key", f"{work}/collector.pem", f"{ca}/ca.pem"):
        os.rename(path, path + ".away")
        p = subprocess.run(["certmuster-collectd", "--config", f"{home}/certmuster.yaml", "--socket", socket_, "--dsn", f"host={open(home + '/sockets').read().strip()} dbname=certmuster user=certmuster_ingest"],
                           capture_output=True, text=True, timeout=60)
        equal("missing " + path, 3, p.returncode)
        holds("named", f"{path}: No such file or directory" in p.stderr and "system lib" not in p.stderr, p.stderr)
        os.rename(path + ".away", path)
    readable()
    restart()
    port = int(log().rsplit("tls=127.0.0.1:", 1)[1].split()[0])


def test_realm():
    """README's example."""
    said = ctl("scanner", "enrol", "dmz1", "--realm", "dmz", "--out", f"{work}/certmuster")
    holds("realms as words", "enrolled dmz1 for realms dmz by certificate " in said, said)
    holds("nothing older", "older" not in said, said)
    config = paste("dmz1", snippet(said))
    holds("the realm", "\nrealm: dmz\n" in snippet(said), said)
    scan(config, "127.0.0.1:1")
    equal("its loopback", "host:dmz1", sql("SELECT realm FROM location WHERE host(ip) = '127.0.0.1' AND port = 1"))
    run("crawl", "--config", config, "--user", "root" if os.getuid() == 0 else "nobody", f"{ca}/ca.pem")
    equal("its files", "dmz", sql("SELECT realm FROM location WHERE kind = 'file'"))


def test_realms():
    said = ctl("scanner", "enrol", "three", "--realm", "a", "--realm", "#b", "--realm", "c", "--out", f"{work}/certmuster")
    holds("all", "enrolled three for realms a, #b, c by" in said and "\nrealm: a\n# or, for another network zone, one of these realms: #b, c\n" in said, said)
    said = ctl("scanner", "enrol", "odd", "--realm", "#b", "--out", f"{work}/certmuster")
    holds("quoted", '\nrealm: "#b"\n' in said, said)
    scan(paste("odd", snippet(said)), "127.0.0.1:1")
    holds("default is not said", "\nrealm:" not in ctl("scanner", "enrol", "plain", "--out", f"{work}/certmuster"))
    said = ctl("scanner", "enrol", "three", "--out", f"{work}/certmuster")
    holds("as it was", "for realms a, #b, c by" in said and "\nrealm: a\n" in said, said)


def test_host():
    """A name that is not the host's name: its loopback arrives when it was enrolled with its host."""
    said = ctl("scanner", "enrol", "probe-7", "--host", "web1.example.org", "--realm", "dmz", "--out", f"{work}/certmuster")
    holds("host", "scanner: probe-7\nhost: web1.example.org\nrealm: dmz\n" in said, said)
    config = paste("probe-7", snippet(said))
    scan(config, "127.0.0.1:5", "127.0.0.2:5")
    scan(config, "--local", "--ports", "443")  # whatever listens here, all of it this host's own
    equal("arrived", "host:web1.example.org|2", sql("SELECT realm, count(*) FROM location WHERE port = 5 GROUP BY 1"))
    # Renewed without a word of it: as it was. With another host: that one, and no longer the first.
    holds("kept", "\nhost: web1.example.org\nrealm: dmz\n" in ctl("scanner", "enrol", "probe-7", "--out", f"{work}/certmuster"))
    holds("kept with another realm", "\nhost: web1.example.org\nrealm: lab\n" in ctl("scanner", "enrol", "probe-7", "--realm", "lab", "--out", f"{work}/certmuster"))
    holds("another", "for realms lab, host:web2 by" in ctl("scanner", "enrol", "probe-7", "--host", "web2", "--out", f"{work}/certmuster"))
    # What is not its own: each record refused with what was told and what to do, in one line; the exit status shows it.
    said = scan(config, "127.0.0.1:2", status=1)
    line = next(line for line in said.splitlines() if "the realm is not this scanner's" in line)
    holds("advice", '"host:web1.example.org"; it may tell "host:web2": set host in its configuration, or enrol it with --host "web1.example.org"' in line, line)
    equal("not stored", "0", sql("SELECT count(*) FROM location WHERE port = 2"))


def test_wrong_realm():
    """The worker and the sweep say why nothing comes on."""
    said = ctl("scanner", "enrol", "dmz2", "--realm", "zone9", "--out", f"{work}/certmuster")
    wrong = paste("dmz2", snippet(said).replace("realm: zone9\n", ""))
    run("sweep", "create", "nine", "--realm", "zone9", "--target", "127.0.0.1:1")
    run("sweep", "start", "nine")
    told = run("sweep", "status", "nine")
    holds("nobody asks", "\nwaits     no scanner of realm zone9 ever asked for work: certmuster-submit --worker scan" in told, told)

    def work_with(config, until):
        with open(f"{work}/worker.log", "w") as out:
            worker = subprocess.Popen(["certmuster-submit", "--config", config, "--worker", "scan"], stdout=out, stderr=out)
            try:
                wait_until("the worker", until, 60)
            finally:
                worker.terminate()
                equal("the worker's end", 0, worker.wait(60))

    work_with(wrong, lambda: '"default"; it may tell "zone9": set realm in its configuration, or enrol it with --realm "default"' in open(f"{work}/worker.log").read())
    holds("still", "ever asked for work" in run("sweep", "status", "nine"))
    right = paste("dmz2", snippet(said))
    work_with(right, lambda: sql("SELECT count(*) FROM sweep WHERE plan = 'nine' AND state = 'finished'") == "1")
    run("sweep", "start", "nine")
    holds("it may ask any moment", "waits" not in run("sweep", "status", "nine"))
    sql("UPDATE worker_asked SET asked_at = '2026-01-02 03:04:05+00', again_by = '2026-01-02 03:14:05+00'")
    holds("not any more", "no scanner of realm zone9 asked for work since 2026-01-02 03:04" in run("sweep", "status", "nine"))
    run("sweep", "cancel", "nine")


def matches(directory, name):
    context = ssl.create_default_context(cafile=f"{ca}/ca.pem")
    context.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.key")


def test_again():
    """Renewed in place: the older certificate stays valid, and how to end it is told. What is not enrolled replaces nothing, what cannot be put in place leaves both of the older ones."""
    directory = f"{work}/certmuster"
    said = ctl("scanner", "enrol", "again", "--out", directory)
    config = paste("again", snippet(said))
    before = [open(f"{directory}/again.{end}").read() for end in ("key", "pem")]
    said = ctl("scanner", "enrol", "again", "--out", directory)
    holds("replaced", "again.key and again.pem took the place of older ones\n" in said, said)
    end = re.search(r"its older certificate ([0-9a-f]{16})\.\.\. stays valid until 20\d\d-\d\d-\d\d; end it earlier with: (certmuster scanner revoke again --cert \1)\n", said)
    holds("the older one", end, said)
    matches(directory, "again")
    holds("another key", open(f"{directory}/again.key").read() != before[0])
    scan(config, "127.0.0.1:3")
    holds("two", "2 older certificates of it stay valid until they end, the last 20" in ctl("scanner", "enrol", "again", "--out", directory))
    run(*end[2].split()[1:])
    holds("one left", "its older certificate " in ctl("scanner", "enrol", "again", "--out", directory).replace("2 older certificates", "its older certificate "))
    holds("none", "older certificate" not in ctl("scanner", "enrol", "again", "--only", "--out", directory))
    scan(config, "127.0.0.1:3")
    kept = [open(f"{directory}/again.{end}").read() for end in ("key", "pem")]
    with open(f"{work}/nowhere.yaml", "w") as f:
        f.write(f"ca: {{dir: '{ca}'}}\ndsn: host={work}/no-database dbname=x\n")
    run("scanner", "enrol", "again", "--out", directory, "--config", f"{work}/nowhere.yaml", status=3)
    equal("not enrolled, not replaced", kept, [open(f"{directory}/again.{end}").read() for end in ("key", "pem")])
    os.rename(f"{directory}/again.pem", f"{work}/aside.pem")
    os.mkdir(f"{directory}/again.pem")
    holds("says so", "enrol it again" in ctl("scanner", "enrol", "again", "--out", directory, status=3))
    equal("the key did not go without its certificate", kept[0], open(f"{directory}/again.key").read())
    os.rmdir(f"{directory}/again.pem")
    os.rename(f"{work}/aside.pem", f"{directory}/again.pem")
    matches(directory, "again")
    equal("nothing lies about", ["again.key", "again.pem"], sorted(name for name in os.listdir(directory) if name.startswith("again")))


def test_files():
    """Files of a client that cannot be read are named, with the reason."""
    config = f"{work}/again.yaml"
    for name, key in (("again.pem", "submit.tls.cert"), ("again.key", "submit.tls.key")):
        path = f"{work}/certmuster/{name}"
        os.rename(path, path + ".away")
        said = run("submit", "--config", config, status=3)
        os.rename(path + ".away", path)
        holds("named", f"({key}): {path}: No such file or directory" in said and said.count("\n") == 1, said)
    run("submit", "--config", config)


def main():
    os.makedirs(f"{work}/certmuster")
    with open(f"{work}/ctl.yaml", "w") as f:
        f.write(f"ca: {{dir: '{ca}'}}\n")
    run("up")
    try:
        play([test_collector, test_realm, test_realms, test_host, test_wrong_realm, test_again, test_files])
    finally:
        subprocess.run(["certmuster", "down"], capture_output=True)


main()
