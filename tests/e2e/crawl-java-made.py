#!/usr/bin/python3
# certmuster-crawl and Java keystores made here by keytool, with Java's own providers and BouncyCastle: keys of every kind, chains of five, aliases of every
# kind, other passwords, secrets, ten thousand entries, damage. What is expected is what keytool lists.
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from java_tools import FORMATS, crawl, keytool, listed  # pylint: disable=wrong-import-position

work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.environ["CERTMUSTER_HOME"] = work + "/no-home"
PASSWORD = "Geh31m-Stra\u00dfe \u10da(\u0ca0\u76ca\u0ca0\u10da)"
LONG = ("long alias " * 27).strip()
ALIASES = {"chain": "chain of five", "rsa": "r\u00e9sum\u00e9 \u4e2d\u6587 \U0001f511", "p384": LONG, "p521": "p521", "ed25519": "ed25519"}


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=work)


def make_key(name, *options):
    openssl("genpkey", *options, "-out", name + ".key")


def issue(name, issuer, ca):
    """A certificate for NAME.key, signed by ISSUER."""
    openssl("req", "-x509", "-new", "-key", name + ".key", "-subj", f"/O=Muster/CN={name}", "-days", "30", "-out", name + ".pem",
            *(["-CA", issuer + ".pem", "-CAkey", issuer + ".key"] if issuer != name else []), "-addext", "basicConstraints=critical,CA:" + ("TRUE" if ca else "FALSE"))


def pem(name):
    with open(f"{work}/{name}.pem", encoding="ascii") as file:
        return file.read()


def make_entries():
    """One PKCS#12 file a key."""
    issuers = ["root", "a", "b", "c", "chain"]
    for name, issuer in zip(issuers, ["root"] + issuers):
        make_key(name, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        issue(name, issuer, name != "chain")
    make_key("rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    make_key("p384", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
    make_key("p521", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521")
    make_key("ed25519", "-algorithm", "ED25519")
    for name in ("rsa", "p384", "p521", "ed25519"):
        issue(name, name, False)
    with open(work + "/rest.pem", "w", encoding="ascii") as out:
        out.write("".join(pem(name) for name in ("c", "b", "a", "root")))
    for name in ALIASES:
        chain = ["-certfile", "rest.pem"] if name == "chain" else []
        openssl("pkcs12", "-export", "-in", name + ".pem", "-inkey", name + ".key", *chain, "-name", name, "-passout", "pass:changeit", "-out", name + ".p12")


def make_base():
    """All of them, and a trusted certificate, in one store of BouncyCastle's."""
    for name, alias in ALIASES.items():
        keytool("-importkeystore", "-srckeystore", f"{work}/{name}.p12", "-srcstoretype", "PKCS12", "-srcstorepass", "changeit", "-destkeystore", work + "/store.bks",
                "-deststoretype", "BKS", "-deststorepass", "changeit", "-srcalias", name, "-destalias", alias, "-noprompt", kind="BKS")
    keytool("-importcert", "-file", work + "/root.pem", "-alias", "trusted root", "-keystore", work + "/store.bks", "-storetype", "BKS", "-storepass", "changeit", "-noprompt", kind="BKS")


def convert(kind, password):
    path = f"{work}/store.{kind.lower()}"
    keytool("-importkeystore", "-srckeystore", work + "/store.bks", "-srcstoretype", "BKS", "-srcstorepass", "changeit", "-destkeystore", path, "-deststoretype", kind,
            "-deststorepass", password, "-noprompt", kind="BKS")
    return path


def check(path, kind, password, secrets=()):
    """What is told is what keytool lists; secrets are counted alone."""
    words = work + "/words"
    with open(words, "w", encoding="utf-8") as out:
        out.write("nothing\n" + password + "\n")
    told, text = crawl([path], words)
    told = told[path]
    want = listed(path, kind, password)
    assert told.entries() == {alias: [chain] for alias, chain in want.items() if chain}, (kind, told.entries(), want)
    assert told.store["integrity"] == "ok" and told.store["format"] == FORMATS[kind] and told.store["entries"] == len(want), (kind, told.store)
    assert set(told.keys) == set(want) - {"trusted root"} - set(secrets), (kind, told.keys)
    assert all(key["encrypted"] for key in told.keys.values()) and not told.failures, (kind, told.failures)
    assert password not in text or password == "changeit", kind
    return told


def check_closed(path, kind, want):
    """Without the password: all the same where it stands in the clear."""
    told = crawl([path])[0][path]
    if kind in ("UBER", "BCFKS"):
        assert not told.certificates and [failure["error"] for failure in told.failures] == ["password"], told.failures
        assert "iterations" in told.failures[0]["detail"], told.failures
    else:
        assert told.certificates == want.certificates, kind
    assert told.store["integrity"] == "unchecked", (kind, told.store)


def jks(entries, password, count=None):
    """A JKS of trusted certificates, as its format says."""
    out = struct.pack(">III", 0xFEEDFEED, 2, len(entries) if count is None else count)
    for alias, der in entries:
        name = alias.encode()
        out += struct.pack(">IH", 2, len(name)) + name + struct.pack(">QH", 1700000000000, 5) + b"X.509" + struct.pack(">I", len(der)) + der
    return out + hashlib.sha1(password.encode("utf-16-be") + b"Mighty Aphrodite" + out).digest()


def check_many(der):
    """Ten thousand entries, each told; keytool finds as many."""
    path = work + "/many.jks"
    with open(path, "wb") as out:
        out.write(jks([(f"entry {i}", der) for i in range(10000)], "changeit"))
    told = crawl([path])[0][path]
    assert [entry for entry, _, _ in told.certificates] == [f"entry {i}" for i in range(10000)]
    assert told.store["integrity"] == "ok" and told.store["entries"] == 10000
    assert "10000 entries" in keytool("-list", "-keystore", path, "-storetype", "JKS", "-storepass", "changeit").replace(",", "")


def check_damage(stores):
    """Cut in the middle: what is before it is told still, and that it is cut."""
    words = work + "/words"
    with open(words, "w", encoding="utf-8") as out:
        out.write(PASSWORD + "\n")
    for kind, (path, _) in stores.items():
        whole = crawl([path], words)[0][path]
        with open(path, "rb") as file:
            data = file.read()
        part = f"{work}/cut.{kind.lower()}"
        with open(part, "wb") as file:
            file.write(data[:len(data) * 2 // 3])
        told = crawl([part], words, status=1)[0][part]
        assert told.store["integrity"] == "bad" and "malformed" in [failure["error"] for failure in told.failures], (kind, told.failures)
        if kind != "BCFKS":  # encrypted as one piece
            assert 0 < len(told.certificates) < len(whole.certificates), kind
            assert set(told.certificates) < set(whole.certificates), kind


def main():
    make_entries()
    make_base()
    stores = {"BKS": (work + "/store.bks", "changeit")}
    for kind, password in (("JKS", PASSWORD), ("JCEKS", "changeit"), ("BKS-V1", "changeit"), ("UBER", PASSWORD), ("BCFKS", PASSWORD)):
        stores[kind] = convert(kind, password), password
    for kind in ("JCEKS", "BCFKS"):
        keytool("-genseckey", "-alias", "secret", "-keyalg", "AES", "-keysize", "256", "-keystore", stores[kind][0], "-storetype", kind, "-storepass", stores[kind][1], kind=kind)
    for kind, (path, password) in stores.items():
        told = check(path, kind, password, ["secret"])
        chain = next(chains[0] for alias, chains in told.entries().items() if alias == "chain of five")
        assert len(chain) == 5, (kind, chain)
        if password == PASSWORD:
            check_closed(path, kind, told)
        print(f"{kind:7} {told.store['entries']} entries, {len(told.certificates)} certificates, {told.store.get('weak', [])}")
    openssl("x509", "-in", "root.pem", "-outform", "DER", "-out", "root.der")
    with open(work + "/root.der", "rb") as file:
        check_many(file.read())
    check_damage(stores)


main()
