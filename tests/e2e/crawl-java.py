#!/usr/bin/python3
# certmuster-crawl and the Java keystores of the public corpora: every row of their EXPECTED.tsv is told with its alias and its place in the chain, and
# nothing else is; integrity is what the passwords make of it; what stays closed is a failure with what is known of it.
#
# The keystores are not ours and not committed: without them this test is skipped. crawl-java-made.py makes its own.
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import java_tools  # pylint: disable=wrong-import-position

shared = os.environ.get("CM_SHARED", os.path.join(java_tools.TOP, "..", "shared"))
folder = os.path.realpath(os.path.join(shared, "corpora", "keystores"))
if not os.path.exists(folder + "/EXPECTED.tsv"):
    print("the keystores of the corpora are not here: set CM_SHARED")
    sys.exit(77)
work = os.environ.get("TMPDIR", "/tmp")
os.environ["CERTMUSTER_HOME"] = work + "/no-home"


def rows(name):
    with open(f"{folder}/{name}", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]


expected = collections.defaultdict(list)
kinds = {}
for row in rows("EXPECTED.tsv"):
    if row[1] in java_tools.FORMATS:
        expected[row[0]].append(row)
        kinds[row[0]] = row[1]
assert len(expected) >= 59, f"{len(expected)} keystores: not the corpus that this test knows"
passwords = {row[0]: row[2] for row in rows("PASSWORDS.tsv") if row[3] == "store" and row[1] in java_tools.FORMATS}
words = work + "/words"
with open(words, "w", encoding="utf-8") as out:
    out.writelines(word + "\n" for word in sorted(set(passwords.values())) if not word.startswith("<"))

with_words = java_tools.crawl([folder], words)[0]
without = java_tools.crawl([folder])[0]
tally = collections.defaultdict(collections.Counter)
wrong = []


def complain(name, what):
    wrong.append(f"{name}: {what}")


def compare(name, told, want):
    """Certificates by alias and index, each as often as it is there."""
    want, told = collections.Counter(want), collections.Counter(told)
    kind = tally[kinds[name]]
    kind["expected"] += want.total()
    kind["found"] += (want & told).total()
    for what, some in (("missing", want - told), ("surplus", told - want)):
        kind[what] += some.total()
        if some:
            complain(name, f"{what}: {sorted(some)}")


for name, entries in sorted(expected.items()):
    told = with_words[f"{folder}/{name}"]
    compare(name, told.certificates, [(row[2], int(row[4]), row[5]) for row in entries if row[4] != "-"])
    # What the store holds: an entry is a row of index 0, or one without certificates.
    count = sum(row[4] in ("0", "-") and row[3] != "empty" for row in entries)
    if not told.store or told.store["format"] != java_tools.FORMATS[kinds[name]] or told.store["entries"] != count:
        complain(name, f"{count} entries, but told {told.store}")
        continue
    known = name in passwords  # of the others the list may hold the password all the same
    if told.store["integrity"] not in ("ok", "ok" if known else "unchecked") or told.failures:
        complain(name, f"integrity {told.store['integrity']}, {told.failures}")
    # A key is told beside its chain, encrypted, and never for what is certainly a secret.
    keys = {row[2] for row in entries if row[3] == "key" and row[4] == "0"}
    some = {row[2] for row in entries if row[3] == "key"}
    if not keys <= set(told.keys) <= some or any(not key["encrypted"] for key in told.keys.values()):
        complain(name, f"keys of {keys}, told {set(told.keys)}")
    if ("bks-v1" in told.store.get("weak", [])) != name.endswith("bksv1"):
        complain(name, f"weak: {told.store.get('weak')}")
    # Without the password: what is in the clear is told all the same.
    plain = without[f"{folder}/{name}"]
    opens = passwords.get(name) in ("<empty>", "changeit", "changeme", "password", "secret", "notasecret", "123456", "keystore", "WebAS")
    if kinds[name] in ("UBER", "BCFKS") and not opens:
        details = [failure["detail"] for failure in plain.failures if failure["error"] == "password"]
        if plain.certificates or len(details) != 1 or "iterations" not in details[0]:
            complain(name, f"closed, but told {plain.certificates}, {plain.failures}")
    elif plain.certificates != told.certificates or plain.store["integrity"] != ("ok" if opens else "unchecked"):
        complain(name, f"without a password {len(plain.certificates)} certificates, integrity {plain.store['integrity']}")

for path, told in with_words.items():
    name = os.path.relpath(path, folder)
    if told.store and told.store["format"] in java_tools.FORMATS.values() and name not in expected and "FuzzParse" not in name:
        complain(name, "surplus: a keystore that nobody expects")
for kind, numbers in sorted(tally.items()):
    print(f"{kind:6} {numbers['expected']:4} expected {numbers['found']:4} found {numbers['missing']:3} missing {numbers['surplus']:3} surplus")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
