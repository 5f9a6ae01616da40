#!/usr/bin/python3
# certmuster-crawl over the corpora of certificates at rest: every certificate that is expected is told, under its alias and in its place, and nothing else is.
#
# The corpora (certs, keystores, odd) are not ours and not committed: without them this test is skipped. What their EXPECTED.tsv say is compared both ways; files
# that they do not name are read by crawl_reader.py, which knows nothing of ours. Each failure that is told must be known here, with its reason.
import collections
import csv
import functools
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crawl_reader  # pylint: disable=wrong-import-position

top = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
crawl = os.path.join(os.environ.get("CM_BIN", os.path.join(top, "build", "asan")), "certmuster-crawl")
temporary = os.environ.get("TMPDIR", "/tmp")
corpora = os.path.realpath(os.path.join(os.environ.get("CM_SHARED", os.path.join(top, "..", "shared")), "corpora"))
if not all(os.path.exists(os.path.join(corpora, folder, "EXPECTED.tsv")) for folder in ("certs", "keystores", "odd")):
    print("the corpora are not here: set CM_SHARED")
    sys.exit(77)

# The type of keystores/EXPECTED.tsv → the format that records name.
FORMATS = {"JKS": "jks", "JCEKS": "jceks", "BKS": "bks", "UBER": "uber", "BCFKS": "bcfks", "KDB": "kdb", "NSS8": "nss-dbm", "NSS9": "nss-sql", "PKCS12": "pkcs12", "PKCS7": "pkcs7"}

# What EXPECTED.tsv says in words alone: the contents of a store that it does name, inside another file.
COPIES = [
    ("odd/generated/k8s/opaque-keystores.yaml", "keystores/generated/p0.sun.p12", "Secret/ks!keystore.p12"),
    ("odd/generated/k8s/opaque-keystores.yaml", "keystores/generated/p0.jks", "Secret/ks!truststore.jks"),
    ("odd/generated/archive/nested.war", "keystores/generated/p0.jks", "WEB-INF/classes/trust.jks"),
]

# Every failure that may be told: file, entry → error, and why it is right.
FAILURES = {
    ("keystores/openssl/80-test_pkcs12_data/bad1.p12", None): ("malformed", "made to be damaged by OpenSSL's tests"),
    ("keystores/openssl/80-test_pkcs12_data/bad2.p12", None): ("malformed", "made to be damaged by OpenSSL's tests"),
    ("keystores/openssl/80-test_pkcs12_data/bad3.p12", None): ("malformed", "made to be damaged by OpenSSL's tests"),
    ("odd/generated/pem/truncated.pem", "1"): ("malformed", "cut in its base64"),
    ("odd/generated/archive/bomb.zip", None): ("limit", "64 MiB of zeros"),
    ("odd/badkeys-keyfinder/invalid/broken.key", "key-1"): ("malformed", "a key that is none, on purpose"),
}
# Those that must be told, whatever else is.
REQUIRED = {("odd/generated/pem/truncated.pem", "1"), ("odd/generated/archive/bomb.zip", None)}

OPENSSL_TEST_WORDS = ["v3-certs", "1234"]  # of certs/openssl/certs/v3-certs-*.p12 and of RFC 9579's examples: no table of the corpora names them

Told = collections.namedtuple("Told", "inner layer format entry role chain")
problems = []


def wrong(text):
    problems.append(text)


def rows(path):
    with open(os.path.join(corpora, path), encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row and not row[0].startswith("#")]


def run_crawl():
    """records by type and file; the time it took"""
    words = {row[2] for row in rows("keystores/PASSWORDS.tsv")} - {"<empty>", "<null>", ""}
    passwords = os.path.join(temporary, "words")
    with open(passwords, "w", encoding="utf-8") as file:
        file.writelines(word + "\n" for word in sorted(words) + OPENSSL_TEST_WORDS)
    environment = dict(os.environ, CERTMUSTER_HOME=os.path.join(temporary, "no-home"))
    command = [crawl, "--json", "--no-submit", "-q", "--passwords", passwords] + [os.path.join(corpora, folder) for folder in ("certs", "keystores", "odd")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=300, check=False)
    if done.returncode != 1:  # damage is there
        sys.exit(f"exit status {done.returncode}\n{done.stderr.decode(errors='replace')[-4000:]}")
    for word in words:
        if len(word) > 8 and word.encode() in done.stdout + done.stderr:
            wrong(f"a password is told: {word}")
    by_type = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if "file" in record:
            by_type[record["type"]][os.path.relpath(record["file"]["path"], corpora)].append(record)
    return by_type


def sightings(by_type, name):
    """What was told of a file, or of the files of a folder, in the order of the stream"""
    found = []
    for path, records in by_type["sighting"].items():
        if path == name or path.startswith(name + "/"):
            for record in records:
                file = record["file"]
                found.append(Told(file.get("inner", ""), file.get("layer"), file["format"], file["entry"], record["role"], record["chain"]))
    return found


def ordinal(told):
    return int(told.entry) if told.entry.isdigit() else 0


class Tally:
    """expected, found, missing and surplus of each format"""

    def __init__(self):
        self.rows = collections.OrderedDict()

    def compare(self, name, where, expected, found):
        """Both are counters: (key of the certificate) → how often"""
        missing, surplus = expected - found, found - expected
        row = self.rows.setdefault(name, [0, 0, 0, 0])
        for i, counter in enumerate((expected, expected & found, missing, surplus)):
            row[i] += sum(counter.values())
        for word, counter in (("missing", missing), ("surplus", surplus)):
            for key in counter:
                wrong(f"{where}: {word}: {key}")

    def show(self):
        print(f"{'':28}{'expected':>9}{'found':>9}{'missing':>9}{'surplus':>9}")
        total = [sum(row[i] for row in self.rows.values()) for i in range(4)]
        for name, row in list(self.rows.items()) + [("in sum", total)]:
            print(f"{name:28}" + "".join(f"{number:9}" for number in row))
        return total


def in_order(found):
    """The certificates of a file as index → fingerprint: places within a file, chains put apart again"""
    flat = []
    for told in sorted(found, key=ordinal):
        flat.extend(told.chain)
    return collections.Counter(enumerate(flat))


def check_certs(by_type, tally):
    expected = collections.defaultdict(list)
    part_of = {}
    for name, index, form, sha256, *_ in rows("certs/EXPECTED.tsv"):
        name = "certs/" + name
        expected[name].append((int(index), sha256))
        part_of[name] = f"{form} {name.split('/')[1]}"
    for name, certificates in expected.items():
        found = sightings(by_type, name)
        in_blocks = crawl_reader.of_pkcs7_blocks(os.path.join(corpora, name))
        if in_blocks:  # beside the CERTIFICATE blocks, which alone the table names
            both = collections.Counter(sha256 for _, sha256 in certificates) + collections.Counter(in_blocks)
            tally.compare(part_of[name] + " and PKCS7", name, both, collections.Counter(sha256 for told in found for sha256 in told.chain))
        else:
            tally.compare(part_of[name], name, collections.Counter((i, sha256) for i, (_, sha256) in enumerate(sorted(certificates))), in_order(found))
        for told in found:
            if told.format != part_of[name].split()[0].lower():
                wrong(f"{name}: told as {told.format}")
    return set(expected)


@functools.lru_cache
def store_rows():
    """file → (type, rows of alias, index, fingerprint)"""
    stores = collections.OrderedDict()
    for name, kind, alias, _, index, sha256, *_ in rows("keystores/EXPECTED.tsv"):
        name = "keystores/" + name
        if kind == "KDB":  # the table has the fingerprint of the slot's element, which wraps the certificate
            sha256 = crawl_reader.kdb_certificates(os.path.join(corpora, name)).get(sha256, sha256)
        stores.setdefault(name, (kind, []))[1].append((alias, index, sha256))
    return stores


def expected_of_store(kind, certificates):
    """Where order and alias mean something: (alias, place in the chain, fingerprint)"""
    real = [(alias, index, sha256) for alias, index, sha256 in certificates if len(sha256) == 64]
    if kind == "PKCS12":  # bags: which belong together is not said; a root stands in each chain that ends in it
        return collections.Counter({sha256: 1 for _, _, sha256 in real})
    if kind == "PKCS7":
        return collections.Counter((int(index), sha256) for _, index, sha256 in real)
    if kind in ("NSS8", "NSS9", "KDB"):  # one certificate an entry
        return collections.Counter((alias, 0, sha256) for alias, _, sha256 in real)
    return collections.Counter((alias, int(index), sha256) for alias, index, sha256 in real)


def found_in_store(kind, found):
    if kind == "PKCS12":
        return collections.Counter({sha256: 1 for told in found for sha256 in told.chain})
    if kind == "PKCS7":
        return in_order(found)
    return collections.Counter((told.entry, i, sha256) for told in found for i, sha256 in enumerate(told.chain))


def check_names_of_bags(name, found, words):
    """PKCS#12: entries go by the friendly names that OpenSSL shows (the low bytes of UTF-16) where there are some"""
    names = crawl_reader.friendly_names(os.path.join(corpora, name), words)
    for told in found:
        shown = names[told.chain[0]]
        low_bytes = bytes(told.entry.encode("utf-16-be")[1::2])
        if None not in shown and low_bytes not in shown and low_bytes.split(b"#")[0] not in shown:
            wrong(f"{name}: {told.chain[0][:8]} is told as {told.entry!r}, OpenSSL shows {sorted(shown)}")


def check_keystores(by_type, tally):
    words = {}
    for name, _, word, *_ in rows("keystores/PASSWORDS.tsv"):
        words.setdefault("keystores/" + name, []).append("" if word in ("<empty>", "<null>") else word)
    for name, (kind, certificates) in store_rows().items():
        found = sightings(by_type, name)
        tally.compare(kind, name, expected_of_store(kind, certificates), found_in_store(kind, found))
        if kind == "PKCS12":
            check_names_of_bags(name, found, words.get(name, []))
        wanted = {FORMATS[kind]} | ({"pem"} if name.endswith("-pem.p7b") else set())
        for told in found:
            if told.format not in wanted:
                wrong(f"{name}: told as {told.format}")
        if kind == "PKCS7":
            continue
        stores = by_type["store"][name]
        if len(stores) != 1 or stores[0]["format"] != FORMATS[kind]:
            wrong(f"{name}: told as {[store['format'] for store in stores]}, not as one {FORMATS[kind]}")
        elif name in words and kind not in ("NSS8", "NSS9") and stores[0]["integrity"] != ("unchecked" if "nomac" in name else "ok"):
            wrong(f"{name}: its password is in the list, integrity is told as {stores[0]['integrity']}")
    return set(store_rows())


def check_odd(by_type, tally):
    expected = collections.defaultdict(list)
    for name, index, sha256, _ in rows("odd/EXPECTED.tsv"):
        name = "odd/" + name
        expected[name].extend([(int(index), sha256)] if sha256 != "-" else [])
    inners = collections.defaultdict(set)
    for name, store, inner in COPIES:
        kind, certificates = store_rows()[store]
        inners[name].add(inner)
        inside = [told for told in sightings(by_type, name) if told.inner == inner]
        tally.compare(kind + " inside", f"{name}!{inner}", expected_of_store(kind, certificates), found_in_store(kind, inside))
    for name, certificates in expected.items():
        found = [told for told in sightings(by_type, name) if told.inner not in inners[name]]
        part = "odd " + name.split("/")[2]
        if len({told.inner for told in found}) > 1:  # which entry comes first is not said
            tally.compare(part, name, collections.Counter(sha256 for _, sha256 in certificates), collections.Counter(sha256 for told in found for sha256 in told.chain))
        else:
            tally.compare(part, name, collections.Counter(certificates), in_order(found))
    for name in ("odd/generated/image/docker-save.tar", "odd/generated/image/oci"):
        check_layers(name, sightings(by_type, name))
    return expected


def check_layers(name, found):
    """Each certificate of an image names its layer, which is the digest of what the image says it is; the layer below the whiteout is read"""
    digests = crawl_reader.layer_digests(os.path.join(corpora, name))
    for told in found:
        if told.layer not in digests or not told.inner.startswith(told.layer + "!"):
            wrong(f"{name}: {told.inner} is told in layer {told.layer}, the image has {sorted(digests)}")
    if len({told.layer for told in found}) != 2 or not any(told.inner.endswith("!app/old.pem") for told in found):
        wrong(f"{name}: not both layers were read")


def check_ssh(by_type):
    for name in ("odd/generated/ssh/host-cert.pub", "odd/generated/ssh/enc_rsa-cert.pub"):
        told = by_type["ssh_certificate"][name]
        shown = crawl_reader.ssh_certificate(os.path.join(corpora, name))
        if len(told) != 1:
            wrong(f"{name}: {len(told)} certificates told, not 1")
            continue
        for member, value in shown.items():
            if told[0].get(member) != value:
                wrong(f"{name}: {member} is told as {told[0].get(member)!r}, ssh-keygen shows {value!r}")
    print("ssh: 2 certificates as ssh-keygen shows them")


# badkeys' keyfinder writes the hash of each key beside it. What is wrapped as keys are on disks must be found; XKMS, DNSSEC and the like are no files of keys.
KEY_FILES = {"jwk.txt", "jwk-escaped.c", "simple.key", "putty-private.txt", "indent.md", "ec-indent.html", "p384.html", "p521-dup.txt", "keystring.c", "derkey.tar"}


def check_keys(by_type):
    folder = "odd/badkeys-keyfinder/valid"
    count = 0
    for base in sorted(os.listdir(os.path.join(corpora, folder))):
        with open(os.path.join(corpora, folder, base), "rb") as file:
            listed = {sha256.decode() for sha256 in re.findall(rb"spkisha256:([0-9a-f]{64})\b", file.read())}
        told = {record["spki_sha256"] for record in by_type["key"][f"{folder}/{base}"] if "spki_sha256" in record}
        count += len(told)
        if told - listed or (base in KEY_FILES and listed - told):
            wrong(f"{folder}/{base}: keys: surplus {sorted(told - listed)}, missing {sorted(listed - told)}")
    print(f"keys: {count} with the hashes that stand beside them")


def check_failures(by_type):
    seen = set()
    for name, records in by_type["failure"].items():
        for record in records:
            key = (name, record["file"].get("entry"))
            seen.add(key)
            if key not in FAILURES:
                wrong(f"{name}: surplus failure: {record['file'].get('inner')} {key[1]} {record['error']} {record.get('detail')}")
            elif FAILURES[key][0] != record["error"]:
                wrong(f"{name}: told as {record['error']}, not {FAILURES[key][0]}: {FAILURES[key][1]}")
    for key in REQUIRED - seen:
        wrong(f"{key[0]}: no failure was told: {FAILURES[key][1]}")
    print(f"{len(seen)} failures, each with its reason")


def check_the_rest(by_type, tally, named):
    """Files that no table names: what another reader finds in them must be told, and nothing else"""
    words = sorted({row[2] for row in rows("keystores/PASSWORDS.tsv")} - {"<empty>", "<null>"}) + OPENSSL_TEST_WORDS
    for folder in ("certs", "keystores", "odd"):
        for where, _, names in sorted(os.walk(os.path.join(corpora, folder))):
            for base in sorted(names):
                path = os.path.join(where, base)
                name = os.path.relpath(path, corpora)
                if name in named or any(name.startswith(folder_name + "/") for folder_name in named if folder_name.startswith("odd/")):
                    continue
                found = collections.Counter({sha256: 1 for told in sightings(by_type, name) for sha256 in told.chain})
                expected = collections.Counter({sha256: 1 for sha256 in crawl_reader.certificates(path, words)})
                tally.compare("named by no table", name, expected, found)


def main():
    by_type = run_crawl()
    tally = Tally()
    named = check_certs(by_type, tally) | check_keystores(by_type, tally)
    named |= set(check_odd(by_type, tally))
    check_the_rest(by_type, tally, named)
    total = tally.show()
    check_failures(by_type)
    check_keys(by_type)
    check_ssh(by_type)
    for name in ("nginx.conf", "haproxy.cfg", "kubeconfig-fileref"):
        for kind, files in by_type.items():
            if files.get("odd/generated/conf/" + name):
                wrong(f"{name}: a reference is told as {kind}")
    if total[0] < 2600:
        wrong(f"{total[0]} expected: not the corpora that this test knows")
    for line in problems[:100]:
        print("WRONG", line)
    sys.exit(f"{len(problems)} things are wrong" if problems else 0)


if __name__ == "__main__":
    main()
