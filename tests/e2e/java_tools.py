"""What tests of Java keystores share: keytool, what it says is in a store, and what certmuster-crawl says."""
import base64
import collections
import hashlib
import json
import os
import re
import subprocess

TOP = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CRAWL = os.path.join(os.environ.get("CM_BIN", os.path.join(TOP, "build", "asan")), "certmuster-crawl")
BOUNCY = ["-provider", "org.bouncycastle.jce.provider.BouncyCastleProvider", "-providerpath", "/usr/share/java/bcprov.jar"]
JVM = ["-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto", "-J-Dfile.encoding=UTF-8", "-J-Dstdout.encoding=UTF-8", "-J-Dorg.bouncycastle.bks.enable_v1=true"]
FORMATS = {"JKS": "jks", "JCEKS": "jceks", "BKS": "bks", "BKS-V1": "bks", "UBER": "uber", "BCFKS": "bcfks"}


class Told:
    """What is told of one file: certificates [(entry, index, sha256)] in the order in which they come, keys {entry: record}, store, failures."""

    def __init__(self):
        self.certificates, self.keys, self.store, self.failures = [], {}, None, []

    def entries(self):
        """{entry: [[sha256 of a chain]…]}"""
        found = collections.defaultdict(list)
        for entry, index, sha256 in self.certificates:
            if index == 0:
                found[entry].append([])
            found[entry][-1].append(sha256)
        return dict(found)


def crawl(paths, passwords=None, status=None):
    """({path: Told}, everything on stdout). passwords: a file."""
    command = [CRAWL, "--json", "--no-submit", "-q", *(["--passwords", passwords] if passwords else []), *paths]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    assert run.returncode in ((0, 1) if status is None else (status,)), (run.returncode, run.stderr)
    found = collections.defaultdict(Told)
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if "file" not in record or record["file"].get("inner"):
            continue
        told = found[record["file"]["path"]]
        entry = record["file"].get("entry")
        if record["type"] == "sighting":
            assert record["file"]["format"] == record["file"]["format"].lower()
            told.certificates += [(entry, index, sha256) for index, sha256 in enumerate(record["chain"])]
        elif record["type"] == "key":
            told.keys[entry] = record
        elif record["type"] == "store":
            assert told.store is None, record
            told.store = record
        elif record["type"] == "failure":
            told.failures.append(record)
    return found, run.stdout


def keytool(*arguments, kind=None):
    bouncy = BOUNCY if kind in ("BKS", "BKS-V1", "UBER", "BCFKS") else []
    run = subprocess.run(["keytool", *JVM, *arguments, *bouncy], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert run.returncode == 0, (arguments, run.stdout, run.stderr)
    return run.stdout


def listed(path, kind, password):
    """{alias: [sha256 of its chain]} by keytool -list; a secret key has no chain."""
    text = keytool("-list", "-rfc", "-keystore", path, "-storetype", kind, "-storepass", password, kind=kind)
    entries = {}
    for part in re.split(r"^Alias name: ", text, flags=re.M)[1:]:
        alias = part.split("\n", 1)[0]
        blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", part, flags=re.S)
        assert alias not in entries, alias
        entries[alias] = [hashlib.sha256(base64.b64decode(block)).hexdigest() for block in blocks]
    return entries
