#!/usr/bin/python3
"""What the judge says of chains that are not well and lack issuers, or were served with wrong ones: the true reason, what is really missing, and what would make them whole. OpenSSL's own
command, given what the inventory knows, is the other opinion."""
import os, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from judge_tools import *
from inventory_tools import play, run

LOST = "unable_to_get_issuer_cert_locally"


def says(what, chain, verdict, missing="", depth=None):
    judged()
    equal(what, f"{verdict}|{missing}", ask(chain, "verdict, missing_issuer"))
    if depth is not None:
        equal(f"{what}: depth", str(depth), ask(chain, "depth"))


def with_the_known(what, chain, known):
    """OpenSSL's words for what the verdict is, once it has what is known."""
    done = openssl_verify(chain, f"{TMP}/store.pem", known)
    words = {"cert_has_expired": "certificate has expired", "cert_not_yet_valid": "certificate is not yet valid", "permitted_violation": "permitted subtree violation",
             "cert_signature_failure": "certificate signature failure"}[ask(chain, "verdict")]
    equal(f"{what}: OpenSSL", (False, True), (done.returncode == 0, words in done.stdout.decode()))


def test_not_valid_now():
    """Served alone, before and after its time: while the issuer is known the dates are the reason."""
    now = int(time.time())
    deliver([], extra=[P.inter])
    chains = {"expired": ([P.issue("old.example.org", P.inter, days=(-20, -1))], "cert_has_expired"),
              "of tomorrow": ([P.issue("early.example.org", P.inter, days=(1, 20))], "cert_not_yet_valid")}
    ending = [P.issue("ending.example.org", P.inter, seconds=(now - 100, now + 4))]
    nobodys = [P.issue("nobodys.example.org", P.issue("Unseen CA", P.root, ca=True), days=(-20, -1))]
    deliver([ending, nobodys] + [chain for chain, _ in chains.values()])
    for what, (chain, verdict) in chains.items():
        says(what, chain, verdict, depth=0)
        with_the_known(what, chain, [P.inter])
    says("of nobody", nobodys, LOST, "CN=Unseen CA")
    wait_until("ended", lambda: ask(ending, "verdict") == "cert_has_expired")


def test_of_no_use():
    """What is known from elsewhere does not help: the reason is told, and nothing that is there is missing."""
    expired, bounded = P.issue("Expired CA", P.root, ca=True, days=(-30, -1)), P.issue("Bounded CA", P.root, ca=True, permitted="example.org")
    old, beyond, within = [P.issue("a.example.org", expired)], [P.issue("b.example.net", bounded)], [P.issue("b.example.org", bounded)]
    chains = [(old, "cert_has_expired", 1, expired), (beyond, "permitted_violation", 0, bounded)]
    deliver([old, beyond, within], extra=[expired, bounded])
    for round in ("the root is in the store", "the root was seen, too"):
        for chain, verdict, depth, known in chains:
            says(round, chain, verdict, depth=depth)
            with_the_known(round, chain, [known])
        says(round, within, "incomplete")
        deliver([[P.root]])
        sql("INSERT INTO docket (chain_id) SELECT chain_id FROM chain ON CONFLICT DO NOTHING")
    renewed = P.issue("Expired CA", P.root, ca=True, key=P.key_of(expired))
    deliver([], extra=[renewed])
    wait_until("renewed", lambda: ask(old, "verdict") == "incomplete")


def test_kind_of_signature():
    """Signed in a way that OpenSSL does not know, by a CA that was served."""
    known, unknown = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d04037f")
    leaf = der(P.issue("odd.example.org", P.low)).replace(known, unknown)
    deliver([[leaf, P.low, P.inter], [leaf]])
    for chain in ([leaf, P.low, P.inter], [leaf]):
        says("an unknown signature", chain, "unsupported_signature_algorithm", depth=0)


def test_wrong_one_served():
    """The right CA comes later, or stands behind the wrong one: of one name without key identifiers, and an expired one of the same key."""
    keys = new_key(), new_key()
    twin, right = (P.issue("Twin CA", P.root, ca=True, key=key) for key in keys)
    leaf = P.issue("twin.example.org", None, by=("Twin CA", keys[1]))
    expired = P.issue("Renewed CA", P.root, ca=True, days=(-30, -1))
    below = P.issue("renewed.example.org", expired)
    deliver([[leaf, twin], [below, expired]])
    says("the wrong key", [leaf, twin], "cert_signature_failure", depth=0)
    says("the expired one", [below, expired], "cert_has_expired", depth=1)
    renewed = P.issue("Renewed CA", P.root, ca=True, key=P.key_of(expired))
    deliver([[leaf, twin, right], [below, expired, renewed]])
    for chain, whole, path in (([leaf, twin], [leaf, twin, right], [leaf, right, P.root]), ([below, expired], [below, expired, renewed], [below, renewed, P.root])):
        wait_until("it came", lambda: ask(chain, "verdict") == "incomplete")
        is_judged("the right one is known", chain, "incomplete", path)
        is_judged("the right one stands behind", whole, "ok", path)
    forged = [P.forge("forged.example.org", renewed)]
    deliver([forged])
    says("forged, and alone", forged, "cert_signature_failure", depth=0)
    with_the_known("forged", forged, [renewed])


def begin():
    global P
    P = Pki()
    exchange("store.pem", [P.root])
    configure([])
    run("certmuster", "up")


play([test_not_valid_now, test_of_no_use, test_kind_of_signature, test_wrong_one_served], begin, ["collectd: judge error="])
