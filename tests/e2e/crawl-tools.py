#!/usr/bin/python3
# certmuster-crawl and samples that other tools make here: Kubernetes and Helm, PKCS#12 of three makers, CMS and time stamps, Debian and Red Hat packages. What is expected is
# what openssl says. At the end: each row of the table of formats, and the test that makes its samples; a row without one fails.
import base64
import collections
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys

top = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
crawl = os.path.join(os.environ.get("CM_BIN", os.path.join(top, "build", "asan")), "certmuster-crawl")
temporary = os.environ.get("TMPDIR", "/tmp")
tree = os.path.join(temporary, "tree")
os.makedirs(tree)
os.environ["CERTMUSTER_HOME"] = os.path.join(temporary, "no-home")
problems = []

# Each row of the table of formats, by the words that it begins with, and the tests that read what its real tools wrote.
ROWS = {
    "JKS": ["crawl-java-made"],
    "BKS": ["crawl-java-made"],
    "UBER": ["crawl-java-made"],
    "BCFKS": ["crawl-java-made"],
    "IBM GSKit": ["crawl-corpora"],  # its tools are IBM's; the one sample that can be had is the corpora's
    "NSS cert9": ["crawl-nss"],
    "NSS cert8": ["crawl-nss"],
    "PKCS#12": ["crawl-tools", "crawl"],
    "PKCS#7/CMS": ["crawl-tools"],
    "PEM": ["crawl-disguises"],
    "DER": ["crawl-tools"],
    "OpenSSH": ["crawl-keys"],
    "Kubernetes": ["crawl-tools"],
    "Archives": ["crawl-tools"],
    "PE Authenticode": ["crawl-signed"],
    "Private keys": ["crawl-keys"],
}
LATER = {"PKCS#11", "Server configuration"}


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=temporary, timeout=120, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def wrong(text):
    problems.append(text)


def read(path):
    with open(os.path.join(temporary, path), "rb") as file:
        return file.read()


def write(path, data):
    path = os.path.join(tree, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def fingerprint(path):
    return run("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256").decode().split("=")[1].strip().replace(":", "").lower()


def make_certificates():
    """A root, what it issued, and who signs times"""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-days", "900", "-subj", "/CN=Tools Root")
    for name, usage in (("leaf", "serverAuth,emailProtection"), ("stamp", "critical,timeStamping"), ("other", "clientAuth")):
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", f"/CN={name}.example")
        with open(os.path.join(temporary, name + ".ext"), "w", encoding="utf-8") as file:
            file.write(f"extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "90", "-extfile", name + ".ext", "-out", name + ".pem")
    return {name: fingerprint(name + ".pem") for name in ("root", "leaf", "stamp", "other")}


# What was made: path → the inner places and fingerprints that must be told. Places: "" or as man certmuster-crawl says.
expected = collections.defaultdict(collections.Counter)


def expect(path, inner, *names):
    for name in names:
        expected[path][(inner, prints[name])] += 1


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def make_kubernetes():
    leaf, root, other = (read(name + ".pem").decode() for name in ("leaf", "root", "other"))
    run("openssl", "pkcs12", "-export", "-inkey", "leaf.key", "-in", "leaf.pem", "-certfile", "root.pem", "-name", "web", "-passout", "pass:only beside it", "-out", "web.p12")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web", "namespace": "prod"}, "type": "kubernetes.io/tls",
              "data": {"tls.crt": b64(leaf + root), "tls.key": b64(read("leaf.key"))}}
    stores = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "stores"}, "data": {"web.p12": b64(read("web.p12")), "password": b64("only beside it\n")}}
    hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "h"},
            "webhooks": [{"name": "a.example", "clientConfig": {"caBundle": b64(root)}}]}
    map_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.pem": root}, "binaryData": {"ca.der": b64(run("openssl", "x509", "-in", "root.pem", "-outform", "DER"))}}
    for path, text in (("k8s/list.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, stores, hook, map_]}, indent=4)),
                       ("k8s/lines.json", "\n".join(json.dumps(item) for item in (secret, stores, hook, map_))),
                       ("k8s/documents.yaml", "".join("---\n" + json.dumps(item) + "\n" for item in (secret, stores, hook, map_))),
                       ("k8s/powershell.json", ("\ufeff" + json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, stores, hook, map_]}, indent=1)).encode("utf-16-le"))):
        write(path, text)
        expect(path, "Secret/prod/web!tls.crt", "leaf", "root")
        expect(path, "Secret/stores!web.p12", "leaf", "root")
        expect(path, "ValidatingWebhookConfiguration/h!webhooks/a.example/clientConfig/caBundle", "root")
        expect(path, "ConfigMap/ca!ca.pem", "root")
        expect(path, "ConfigMap/ca!ca.der", "root")
    write("k8s/notepad.yaml", "\ufeff" + f"apiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: stores\r\ndata:\r\n  web.p12: {stores['data']['web.p12']}\r\n  password: {stores['data']['password']}\r\n")
    expect("k8s/notepad.yaml", "Secret/stores!web.p12", "leaf", "root")
    make_dump([secret, stores, hook, map_])
    block = "".join("    " + line + "\n" for line in leaf.splitlines())
    write("k8s/block.yml", f"apiVersion: v1\nstringData:\n  tls.crt: |\n{block}kind: Secret\nmetadata:\n  name: s\n# {'# '.join(other.splitlines(True))}")
    expect("k8s/block.yml", "Secret/s!tls.crt", "leaf")
    expect("k8s/block.yml", "", "other")
    write("k8s/template.yaml", f"{{{{- if .Values.tls }}}}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{{{ .Release.Name }}}}\nstringData:\n  tls.crt: |\n{block}{{{{- end }}}}\n")
    expect("k8s/template.yaml", "Secret[1]!tls.crt", "leaf")
    write("k8s/config", f"apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {b64(root)}\n    server: https://k.example\n  name: k\ncontexts: []\ncurrent-context: me@k\n"
          f"kind: Config\nusers:\n- name: me\n  user:\n    client-certificate-data: {b64(leaf)}\n    client-key-data: {b64(read('leaf.key'))}\n- name: you\n  user: {{client-certificate: you.pem}}\n")
    expect("k8s/config", "Config/me@k!clusters/k/cluster/certificate-authority-data", "root")
    expect("k8s/config", "Config/me@k!users/me/user/client-certificate-data", "leaf")
    make_helm(leaf, root)


def make_dump(objects):
    """A cluster's List that is too large to be held whole, as kubectl writes it in JSON and in YAML: the search finds what stands in it as PEM or base64 of PEM, by no name"""
    filler = [{"apiVersion": "v1", "data": {"text": "x y " * 250000}, "kind": "ConfigMap", "metadata": {"name": f"filler-{i}"}} for i in range(20)]
    items = filler + objects[:2] + filler + objects[2:]
    write("k8s/dump.json", json.dumps({"apiVersion": "v1", "items": items, "kind": "List"}, indent=4))
    write("k8s/dump.yaml", "apiVersion: v1\nitems:\n" + "".join("- apiVersion: v1\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in item.items() if key != "apiVersion") for item in items) + "kind: List\n")
    for path in ("k8s/dump.json", "k8s/dump.yaml"):
        expect(path, "Secret/stores!web.p12", "leaf", "root")
        expect(path, "ConfigMap/ca!ca.der", "root")
        expect(path, "", "leaf", "root", "root", "root")


def make_helm(leaf, root):
    """Helm 3 stores a release as gzip of JSON, in base64, as a Secret's data: base64 again"""
    release = {"name": "shop", "info": {"first_deployed": "2026-01-01T00:00:00Z", "status": "deployed", "notes": "Done \U0001f600 <b>&"},
               "chart": {"metadata": {"name": "shop", "apiVersion": "v2"},
                         "templates": [{"name": "templates/tls.yaml", "data": b64("{{ .Values.x }}\n" + leaf)}], "files": [{"name": "files/ca.pem", "data": b64(root)}]},
               "config": {"caBundle": root},
               "manifest": "---\n# Source: shop/templates/s.yaml\napiVersion: v1\nkind: Secret\nmetadata:\n  name: made\ndata:\n  tls.crt: " + b64(leaf) + "\n", "version": 1, "namespace": "prod"}
    packed = b64(gzip.compress(json.dumps(release).encode()))
    write("k8s/helm.yaml", f"apiVersion: v1\ndata:\n  release: {b64(packed)}\nkind: Secret\nmetadata:\n  name: sh.helm.release.v1.shop.v1\n  namespace: prod\n"
          "type: helm.sh/release.v1\n")
    write("k8s/helm-map.json", json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop.v1"}, "data": {"release": packed}}))
    for path, outer in (("k8s/helm.yaml", "Secret/prod/sh.helm.release.v1.shop.v1!release"), ("k8s/helm-map.json", "ConfigMap/shop.v1!release")):
        expect(path, outer + "!manifest!Secret/made!tls.crt", "leaf")
        expect(path, outer + "!templates/tls.yaml", "leaf")
        expect(path, outer + "!files/ca.pem", "root")
        expect(path, outer + "!config/caBundle", "root")


def make_pkcs12():
    run("certtool", "--to-p12", "--load-privkey", "leaf.key", "--load-certificate", "leaf.pem", "--load-ca-certificate", "root.pem", "--p12-name", "by GnuTLS", "--password", "changeit",
        "--outder", "--outfile", os.path.join(tree, "gnutls.p12"))
    expect("gnutls.p12", "", "leaf", "root")
    entries["gnutls.p12"] = {"by GnuTLS": prints["leaf"]}
    run("certtool", "--to-p12", "--load-privkey", "leaf.key", "--load-certificate", "leaf.pem", "--p12-name", "as text", "--password", "changeit", "--outfile", os.path.join(tree, "gnutls-p12.pem"))
    expect("gnutls-p12.pem", "", "leaf")
    entries["gnutls-p12.pem"] = {"as text": prints["leaf"]}
    folder = os.path.join(temporary, "nss")
    os.makedirs(folder)
    run("certutil", "-N", "-d", "sql:" + folder, "--empty-password")
    run("pk12util", "-i", "web.p12", "-d", "sql:" + folder, "-K", "", "-W", "only beside it")
    run("pk12util", "-o", os.path.join(tree, "nss.p12"), "-n", "web", "-d", "sql:" + folder, "-K", "", "-W", "changeit")
    expect("nss.p12", "", "leaf", "root")
    entries["nss.p12"] = {"web": prints["leaf"]}
    run("keytool", "-importkeystore", "-srckeystore", "web.p12", "-srcstorepass", "only beside it", "-destkeystore", os.path.join(tree, "java.p12"), "-deststoretype", "PKCS12", "-deststorepass", "changeit", "-noprompt")
    expect("java.p12", "", "leaf", "root")
    entries["java.p12"] = {"web": prints["leaf"]}


def make_cms():
    write("message", "hello\n")
    sign = ["openssl", "cms", "-sign", "-in", "tree/message", "-signer", "leaf.pem", "-inkey", "leaf.key"]
    run(*sign, "-certfile", "root.pem", "-outform", "DER", "-binary", "-nodetach", "-out", "tree/attached.p7m")
    run(*sign, "-outform", "PEM", "-out", "tree/detached.pem")
    run(*sign, "-outform", "SMIME", "-out", "tree/mail.eml")
    run(*sign, "-outform", "DER", "-stream", "-nodetach", "-indef", "-out", "tree/streamed.ber")
    run("openssl", "crl2pkcs7", "-nocrl", "-certfile", "leaf.pem", "-certfile", "other.pem", "-certfile", "root.pem", "-outform", "DER", "-out", "tree/bundle.p7b")
    for path, names in (("attached.p7m", ("leaf", "root")), ("detached.pem", ("leaf",)), ("mail.eml", ("leaf",)), ("streamed.ber", ("leaf",)), ("bundle.p7b", ("leaf", "other", "root"))):
        expect(path, "", *names)
    with open(os.path.join(temporary, "ts.cnf"), "w", encoding="utf-8") as file:
        file.write("[tsa]\ndefault_tsa=t\n[t]\nserial=%s/serial\ndefault_policy=1.2.3.4\ndigests=sha256\nsigner_digest=sha256\ness_cert_id_chain=no\naccuracy=secs:1\n" % temporary)
    run("openssl", "ts", "-query", "-data", "tree/message", "-sha256", "-cert", "-out", "query.tsq")
    run("openssl", "ts", "-reply", "-queryfile", "query.tsq", "-config", "ts.cnf", "-signer", "stamp.pem", "-inkey", "stamp.key", "-chain", "root.pem", "-out", "tree/reply.tsr")
    run("openssl", "ts", "-reply", "-queryfile", "query.tsq", "-config", "ts.cnf", "-signer", "stamp.pem", "-inkey", "stamp.key", "-token_out", "-out", "tree/token.tst")
    expect("reply.tsr", "", "stamp", "root")
    expect("token.tst", "", "stamp")
    for name in ("leaf", "root"):
        run("openssl", "x509", "-in", name + ".pem", "-outform", "DER", "-out", f"tree/{name}-der")
        expect(f"{name}-der", "", name)
    write("two-der", read("tree/leaf-der") + read("tree/root-der") + b"\0" * 100)
    expect("two-der", "", "leaf", "root")
    write("apart-der", read("tree/leaf-der") + b"\0" * 10 + b"0\x82\x10\x01 none of them " + read("tree/root-der") + read("tree/leaf-der"))
    expect("apart-der", "", "leaf", "root", "leaf")


def make_packages():
    """Packages that carry a bundle, by Debian's and Red Hat's own tools, and one within an archive"""
    folder = os.path.join(temporary, "package")
    os.makedirs(os.path.join(folder, "DEBIAN"))
    os.makedirs(os.path.join(folder, "etc", "ssl"))
    with open(os.path.join(folder, "DEBIAN", "control"), "w", encoding="utf-8") as file:
        file.write("Package: tools\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: certificates\n")
    with open(os.path.join(folder, "etc", "ssl", "both.pem"), "wb") as file:
        file.write(read("leaf.pem") + read("root.pem"))
    for packing, ending in (("gzip", "gz"), ("xz", "xz"), ("zstd", "zst"), ("none", "")):
        run("dpkg-deb", "--root-owner-group", "-Z" + packing, "-b", folder, os.path.join(tree, packing + ".deb"))
        expect(packing + ".deb", "data.tar" + (ending and "." + ending) + "!./etc/ssl/both.pem", "leaf", "root")
    spec = os.path.join(temporary, "tools.spec")
    with open(spec, "w", encoding="utf-8") as file:
        file.write("Name: tools\nVersion: 1\nRelease: 1\nSummary: certificates\nLicense: none\nBuildArch: noarch\n%description\ncertificates\n%install\nmkdir -p %{buildroot}/etc/ssl\n"
                   f"cp {folder}/etc/ssl/both.pem %{{buildroot}}/etc/ssl\n%files\n/etc/ssl/both.pem\n")
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {temporary}/rpm", "--define", f"_rpmdir {tree}", "--define", "_rpmfilename tools.rpm", spec)
    expect("tools.rpm", "./etc/ssl/both.pem", "leaf", "root")
    run("tar", "-C", tree, "-cJf", os.path.join(tree, "backup.txz"), "tools.rpm", "two-der")
    expect("backup.txz", "tools.rpm!./etc/ssl/both.pem", "leaf", "root")
    expect("backup.txz", "two-der", "leaf", "root")
    run("7z", "a", "-bd", "-si", os.path.join(tree, "piped.7z"), input=read("leaf.pem"))  # out of a pipe, which has no name
    expect("piped.7z", "#1", "leaf")


def make_lookalikes():
    """What looks like something for its first bytes or lines and is none: no certificate, and no failure"""
    write("lookalikes/README", "-----BEGIN CERTIFICATE-----\nMIICEjCCAXugAwIBAgIBQjANBgkqhkiG9w0BAQUFADAlMSMwIQYDVQQDExpEZWVw\n<...>\nyTxhjDIt\n-----END CERTIFICATE-----\n")
    # the head of a .lzma file, by chance: Kotlin's metadata
    write("lookalikes/ArithmeticException.kotlin_metadata", bytes.fromhex("00000003000000010000000000000007") + b"\n[\n\x06kotlin\n\x13ArithmeticException" * 20)
    write("lookalikes/values.yaml", "apiVersion: v2\nkind: none of ours\ndata: {a: MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA}\n")


entries = {}  # path → alias → fingerprint of the leaf told under it


def check():
    done = subprocess.run([crawl, "--json", "--no-submit", "-q", tree], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    told, names, keys = collections.defaultdict(collections.Counter), collections.defaultdict(dict), collections.defaultdict(list)
    for line in done.stdout.splitlines():
        record = json.loads(line)
        path = os.path.relpath(record["file"]["path"], tree) if "file" in record else ""
        if record["type"] == "sighting":
            names[path][record["file"]["entry"]] = record["chain"][0]
            for sha256 in record["chain"]:
                told[path][(record["file"].get("inner", ""), sha256)] += 1
        elif record["type"] == "key":
            keys[path].append((record["file"].get("inner", ""), record.get("spki_sha256")))
        elif record["type"] == "failure":
            wrong(f"{path}: {record['file'].get('inner')}: {record['error']}: {record.get('detail')}")
    by_print = {sha256: name for name, sha256 in prints.items()}
    for path in sorted(set(expected) | set(told)):
        for word, counter in (("missing", expected[path] - told[path]), ("surplus", told[path] - expected[path])):
            for (inner, sha256), times in counter.items():
                wrong(f"{path}: {word}: {times} × {by_print.get(sha256, sha256)} in {inner!r}")
    for path, aliases in entries.items():
        for alias, sha256 in aliases.items():
            if names[path].get(alias) != sha256:
                wrong(f"{path}: {alias} is not told; {sorted(names[path])} are")
    spki = hashlib.sha256(run("openssl", "pkey", "-in", "leaf.key", "-pubout", "-outform", "DER")).hexdigest()
    for path, inner in (("k8s/list.json", "Secret/prod/web!tls.key"), ("k8s/config", "Config/me@k!users/me/user/client-key-data")):
        if (inner, spki) not in keys[path]:
            wrong(f"{path}: the key in {inner} is not told: {keys[path]}")
    secret = "".join(read("leaf.key").decode().splitlines()[1:-1])
    for form in (secret[40:120], b64(read("leaf.key"))[200:280], "only beside it", b64("only beside it\n")):
        if form.encode() in done.stdout + done.stderr:
            wrong(f"a secret is told: {form}")
    if done.returncode != (1 if any("failure" in problem for problem in problems) else 0):
        wrong(f"exit status {done.returncode}: {done.stderr.decode(errors='replace')}")
    print(f"{sum(map(lambda counter: sum(counter.values()), expected.values()))} certificates in {len(expected)} files: expected; {sum(sum(counter.values()) for counter in told.values())} told")


def check_rows():
    """Each row of the table of formats has its tests, and they are there"""
    here = os.path.dirname(os.path.abspath(__file__))
    present = {name.rsplit(".", 1)[0] for name in os.listdir(here) if name.endswith((".py", ".sh"))}
    for row, tests in ROWS.items():
        print(f"  {row:18} {', '.join(tests)}")
        for test in tests:
            if test not in present:
                wrong(f"the row {row}: its test {test} is not there")
    table = os.path.join(os.environ.get("CM_SHARED", os.path.join(top, "..", "shared")), "FORMATS.md")
    if not os.path.exists(table):
        print("the table of formats is not here: set CM_SHARED")
        return
    with open(table, encoding="utf-8") as file:
        first = re.findall(r"^\| (?!format |---)([^|]*) \|", file.read().split("\n## ")[0], re.M)
    for row in first:
        if not any(row.startswith(known) for known in list(ROWS) + list(LATER)):
            wrong(f"no test for the row {row}")


if __name__ == "__main__":
    prints = make_certificates()
    make_kubernetes()
    make_pkcs12()
    make_cms()
    make_packages()
    make_lookalikes()
    check()
    check_rows()
    for line in problems:
        print("WRONG", line)
    sys.exit(f"{len(problems)} things are wrong" if problems else 0)
