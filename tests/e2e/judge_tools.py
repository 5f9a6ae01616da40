"""For tests of the judge: chains are delivered, asked about in the inventory, and shown to OpenSSL's own command."""
import os, subprocess
from collectd_tools import *
from judge_pki import *
from common import equal, fail, wait_until
from inventory_tools import HOME, TMP, sockets, sql

RUN, NEXT_IP = new_run(), [0]


def metric(name, socket=None):
    lines = Collector(socket or sockets() + "/collectd.sock").get("/metrics")[1].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name + " ") or line.startswith(name + "{"))


def deliver(chains, name="", extra=(), socket=None):
    """Each chain at a place of its own. Chains are lists of certificates, or of raw bytes."""
    lines, seen = [], set()
    for member in [m for chain in chains for m in chain] + list(extra):
        if sha(der(member)) not in seen:
            lines.append(cert_record(der(member)))
            seen.add(sha(der(member)))
    for chain in chains:
        NEXT_IP[0] += 1
        lines.append(sighting(f"10.{NEXT_IP[0] >> 16}.{NEXT_IP[0] >> 8 & 255}.{NEXT_IP[0] & 255}", [der(m) for m in chain], RUN, name=name))
    status, content = Collector(socket or sockets() + "/collectd.sock").batch(lines)
    equal("delivery", (200, []), (status, content["rejected"] if status == 200 else content))


def of_chain(chain):
    return "fingerprints = ARRAY[" + ",".join(f"'\\x{sha(der(m))}'::bytea" for m in chain) + "]"


def ask(chain, columns, store="system"):
    return sql(f"SELECT {columns} FROM chain_verdict JOIN chain USING (chain_id) WHERE {of_chain(chain)} AND trust_store = '{store}'")


def judged():
    wait_until("the docket is empty", lambda: sql("SELECT count(*) FROM docket") == "0")


def is_judged(what, chain, verdict, path=None, store="system"):
    judged()
    equal(what, verdict, ask(chain, "verdict", store))
    if path is not None:
        equal(f"{what}: path", " ".join(sha(der(m)) for m in path),
              ask(chain, "(SELECT string_agg(encode(u.p, 'hex'), ' ' ORDER BY u.n) FROM unnest(path) WITH ORDINALITY u(p, n))", store))
        equal(f"{what}: effective expiry", str(min(ends(m) for m in path)), ask(chain, "extract(epoch FROM effective_not_after)::bigint", store))


def openssl_says(chain, store, known=()):
    """True when openssl verify is content with the leaf, what follows and what is known besides."""
    return openssl_verify(chain, store, known).returncode == 0


def openssl_verify(chain, store, known=()):
    files = {}
    for name, members in (("leaf", chain[:1]), ("others", list(chain[1:]) + list(known))):
        files[name] = f"{TMP}/verify-{name}.pem"
        with open(files[name], "wb") as f:
            f.write(b"".join(pem(m) for m in members))
    more = ["-untrusted", files["others"]] if os.path.getsize(files["others"]) else []
    return subprocess.run(["openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", store, *more, files["leaf"]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def exchange(name, members):
    with open(f"{TMP}/{name}.new", "wb") as f:
        f.write(b"".join(pem(m) for m in members))
    os.rename(f"{TMP}/{name}.new", f"{TMP}/{name}")


def configure(stores, path=f"{HOME}/certmuster.yaml"):
    with open(path, "w") as f:
        f.write(f"collector:\n  trust_store: {TMP}/store.pem\n  judge_interval: 200ms\n  client_rate: 2000\ntrust:\n  stores: [" + ", ".join(f'"{s}={TMP}/{s}.pem"' for s in stores) + "]\n")
