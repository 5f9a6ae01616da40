#!/usr/bin/python3
"""PEM in every disguise, and what else stands in texts: each form is written from the same certificates by other tools, and certmuster-crawl must
tell exactly these, in order, and not a byte of a private key."""
import base64, hashlib, html, json, os, quopri, re, subprocess, sys, tempfile, urllib.parse

TOP = os.environ.get("CM_TOP", ".")
BIN = os.environ.get("CM_BIN", os.path.join(TOP, "build/asan"))
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
TREE = os.path.join(TMP, "tree")
os.environ["CERTMUSTER_HOME"] = os.path.join(TMP, "home")
os.mkdir(TREE)
failed = []


def run(*words, data=None):
    return subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, cwd=TMP).stdout


def path(name):
    return os.path.join(TMP, name)


def certificate(name, *more):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out",
        name + ".pem", "-days", "90", "-subj", "/CN=" + name, *more)
    return open(path(name + ".pem")).read()


def der(pem):
    return base64.b64decode("".join(pem.split("-----")[2].split()))


def sha(data):
    return hashlib.sha256(data).hexdigest()


def write(name, data):
    with open(os.path.join(TREE, name), "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())


ca = certificate("ca", "-addext", "basicConstraints=critical,CA:TRUE")
one = certificate("one")
run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj",
    "/CN=leaf", "-addext", "subjectAltName=DNS:leaf.example")
leaf = run("openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "9", "-days", "30").decode()
open(path("leaf.pem"), "w").write(leaf)
key = open(path("leaf.key")).read()
csr = open(path("leaf.csr")).read()
LEAF, CA, ONE = sha(der(leaf)), sha(der(ca)), sha(der(one))
both = leaf + ca

# name -> chains [(entry, fingerprints)]
expected = {}
CHAIN = [("1", [LEAF, CA])]


def disguise(name, data, chains=CHAIN):
    write(name, data)
    expected[name] = chains


def escaped(text):
    return json.dumps(text)[1:-1]


disguise("plain", both)
disguise("crlf", both.replace("\n", "\r\n"))
disguise("cr", both.replace("\n", "\r"))
disguise("bom", "\ufeff" + both)
for name, coding in (("utf16", "utf-16"), ("utf16le", "utf-16-le"), ("utf16be", "utf-16-be")):
    disguise(name, ("Zertifikat für München\n" + both).encode(coding))
    disguise(name + "-cjk", ("証明書\n" + leaf + "中間\n" + ca).encode(coding))
disguise("utf16-crlf", ("\ufeff" + both.replace("\n", "\r\n")).encode("utf-16-le"))
disguise("utf16-odd", b"x" + both.encode("utf-16-le"))
disguise("indented", "key: |\n" + "".join("      " + line + "\n" for line in both.splitlines()))
disguise("tabs", "".join("\t" + line + " \n" for line in both.splitlines()))
disguise("json", json.dumps({"chain": both}))
disguise("json-crlf", json.dumps({"chain": both.replace("\n", "\r\n")}))
disguise("json-twice", json.dumps({"inner": json.dumps({"chain": both})}))
disguise("json-slashes", json.dumps({"chain": both}).replace("/", "\\/"))
disguise("json-unicode", '{"c":"' + both.replace("\n", "\\u000a").replace("+", "\\u002b").replace("=", "\\u003D") + '"}')
disguise("json-lines", json.dumps({"chain": both.splitlines()}, indent=2))
disguise("env", "CERT=\"" + both.replace("\n", "\\n") + "\"\nOTHER=1\n")
disguise("hex-escapes", "c = '" + both.replace("\n", "\\x0a") + "'")
disguise("octal-escapes", "printf '" + both.replace("\n", "\\012") + "'")
disguise("source.c", "static const char c[] =\n" + "\n".join('    "' + line + '\\n"' for line in both.splitlines()) + ";\n")
disguise("Source.java", "String c =\n" + " +\n".join('    "' + line + '\\n"' for line in both.splitlines()) + ";\n")
disguise("source.js", "const c = [\n" + ",\n".join("    '" + line + "'" for line in both.splitlines()) + "].join('\\n');\n")
disguise("source.php", "$c = " + "\n  . ".join('"' + line + '\\n"' for line in both.splitlines()) + ";\n")
disguise("source.sh", "c='" + both.replace("\n", "\\\n") + "'")
disguise("quoted-mail", "".join("> " + line + "\n" for line in both.splitlines()))
disguise("quoted-twice", "".join("> >" + line + "\n" for line in both.splitlines()))
disguise("comment.conf", "".join("# " + line + "\n" for line in both.splitlines()))
disguise("comment.go", "".join("// " + line + "\n" for line in both.splitlines()))
disguise("comment.css", "/*\n" + "".join(" * " + line + "\n" for line in both.splitlines()) + " */")
disguise("one-line", both.replace("\n", ""))
disguise("spaces", both.replace("\n", " "))
disguise("html-entities", "<pre>" + html.escape(both).replace("\n", "&#10;").replace("+", "&#43;").replace("/", "&#x2F;") + "</pre>")
disguise("html-breaks", "<p>" + both.replace("\n", "<br>\n") + "</p>")
disguise("html-slim", "<p>" + both.replace("\n", "<br/>") + "</p>")
disguise("xml", "<cert>" + both.replace("\n", "&#xA;") + "</cert>")
disguise("url", "x=" + urllib.parse.quote(both, safe="") + "&y=1")
disguise("form", "x=" + urllib.parse.quote_plus(both) + "&y=1")
for shift in range(3):
    data = base64.b64encode(b"x" * shift + both.encode()).decode()
    disguise("base64-%d" % shift, "data: " + data)
    disguise("base64-%d-wrapped" % shift, re.sub("(.{76})", r"\1\n", data) + "\n")
    disguise("base64-%d-crlf" % shift, base64.b64encode(b"x" * shift + both.replace("\n", "\r\n").encode()))
disguise("base64-url", base64.urlsafe_b64encode(both.encode()).rstrip(b"="))
disguise("base64-yaml", "a: |\n" + "".join("    " + base64.b64encode(both.encode()).decode()[i:i + 64] + "\n" for i in range(0, 9999, 64)))
disguise("base64-json", json.dumps({"a": base64.encodebytes(both.encode()).decode()}))
disguise("base64-twice", base64.b64encode(base64.b64encode(both.encode())))
disguise("base64-list", "\n".join(base64.b64encode(x.encode()).decode() for x in (leaf, ca)))
disguise("base64-utf16", ("c=" + base64.b64encode(both.encode()).decode() + "\n").encode("utf-16"))
disguise("x509-label", both.replace("CERTIFICATE", "X509 CERTIFICATE"))
trusted = run("openssl", "x509", "-in", "leaf.pem", "-addtrust", "serverAuth", "-setalias", "my alias", "-trustout").decode()
assert "TRUSTED" in trusted
disguise("trusted", trusted, [("1", [LEAF])])
disguise("bags", "Bag Attributes\n    localKeyID: 01 02\nsubject=CN = leaf\n" + leaf + "Bag Attributes: <No Attributes>\nsubject=CN = ca\n" + ca)
disguise("wrong-end", leaf.replace("END CERTIFICATE", "END PRIVATE KEY") + ca)
disguise("no-last-end", leaf + ca.split("-----END")[0])
disguise("glued", both.replace("-----END CERTIFICATE-----\n-----BEGIN", "-----END CERTIFICATE-----BEGIN"))
DAMAGED = [("2", [LEAF, CA])]
disguise("bad-first", leaf[:200] + "\n" + both, DAMAGED)
disguise("bad-inside", leaf.replace("\nM", "\n!!!M", 1) + both, DAMAGED)
disguise("bad-middle", leaf + one[:300] + ca, [("1", [LEAF]), ("3", [CA])])
disguise("p7b.pem", run("openssl", "crl2pkcs7", "-nocrl", "-certfile", "leaf.pem", "-certfile", "ca.pem"))
disguise("p7b-labelled-certificate", run("openssl", "crl2pkcs7", "-nocrl", "-certfile", "leaf.pem", "-certfile", "ca.pem").replace(b"PKCS7", b"CERTIFICATE"))
disguise("p7b-then-pem", run("openssl", "crl2pkcs7", "-nocrl", "-certfile", "leaf.pem", "-certfile", "ca.pem") + one.encode(), CHAIN + [("3", [ONE])])
disguise("der-then-pem", der(leaf) + der(ca) + b"\n" + one.encode(), CHAIN + [("3", [ONE])])
disguise("der-padded", b"\0" * 8 + der(leaf) + der(ca) + b"\0" * 900)
disguise("large", b"\xfe" * (33 << 20) + both.encode() + b"\xfe" * (9 << 20) + ("x" + one).encode("utf-16-le") + b"\0" * 99, CHAIN + [("3", [ONE])])
edge = (8 << 20) - 700
disguise("edges", b"\xfe" * edge + both.encode() + b"\xfe" * (26 << 20) + base64.b64encode(one.encode()), CHAIN + [("3", [ONE])])

bare = [base64.b64encode(der(x)).decode() for x in (leaf, ca)]
disguise("saml.xml", "<md><ds:X509Certificate>" + bare[0] + "</ds:X509Certificate><ds:X509Certificate>\n  " + re.sub("(.{64})", r"\1\n  ", bare[1]) + "\n</ds:X509Certificate></md>")
disguise("jwks.json", json.dumps({"keys": [{"kty": "RSA", "x5c": bare, "n": "AQAB"}]}))
disguise("jwks-slim.json", json.dumps({"keys": [{"kty": "RSA", "x5c": bare}]}, separators=(",", ":")))
for name, margin in (("added.patch", "+"), ("removed.patch", "-"), ("slashes", "//"), ("dashes.sql", "-- "), ("basic", "REM "), ("log", "2026-01-02T03:04:05Z host app[1]: "), ("shar", "X")):
    disguise(name, "x\n" + "".join(margin + line + "\n" for line in both.splitlines()) + "x\n")
disguise("numbered", "".join(f"{number:4} {line}\n" for number, line in enumerate(both.splitlines())))
disguise("unknown-label", both.replace("CERTIFICATE", "CERTIFICATE CHAIN"))
disguise("mail", quopri.encodestring(both.encode()))
disguise("bare", re.sub("(.{76})", r"\1\n", base64.b64encode(der(leaf) + der(ca)).decode()) + "\n")
disguise("bare-p7b", base64.b64encode(run("openssl", "crl2pkcs7", "-nocrl", "-certfile", "leaf.pem", "-certfile", "ca.pem", "-outform", "DER")))

# What is no PEM: mail, signatures, the other assets, keys.
write("signed.txt", "a text\n")
SIGN = ("openssl", "cms", "-sign", "-in", os.path.join(TREE, "signed.txt"), "-signer", "leaf.pem", "-inkey", "leaf.key", "-certfile", "ca.pem")
SIGNED = ["signer", [LEAF, CA]]
signatures = {}
for name, more in (("mail.p7m", ("-nodetach",)), ("mail-detached.eml", ()), ("cms.der", ("-outform", "DER", "-nodetach")), ("cms.ber", ("-outform", "DER", "-nodetach", "-stream")),
                   ("cms.pem", ("-outform", "PEM", "-nodetach"))):
    write(name, run(*SIGN, *more))
    signatures[name] = [SIGNED]
write("cms-keyid.der", run("openssl", "cms", "-sign", "-in", os.path.join(TREE, "signed.txt"), "-signer", "one.pem", "-inkey", "one.key", "-certfile", "ca.pem", "-keyid", "-outform", "DER"))
signatures["cms-keyid.der"] = [["signer", [ONE]], ["signer", [CA]]]
write("cms-in-cms.der", run("openssl", "cms", "-sign", "-in", os.path.join(TREE, "cms.der"), "-binary", "-signer", "one.pem", "-inkey", "one.key", "-outform", "DER", "-nodetach"))
signatures["cms-in-cms.der"] = [["signer", [ONE]], SIGNED]
write("cms-of-pem.der", run("openssl", "cms", "-sign", "-in", "one.pem", "-binary", "-signer", "leaf.pem", "-inkey", "leaf.key", "-certfile", "ca.pem", "-outform", "DER", "-nodetach"))
signatures["cms-of-pem.der"] = [SIGNED, [None, [ONE]]]
open(path("ca.cnf"), "w").write("[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=7\n")
open(path("index"), "w").write("R\t300101000000Z\t260101000000Z\t09\tunknown\t/CN=leaf\n")
open(path("number"), "w").write("1234\n")
crl = run("openssl", "ca", "-gencrl", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key").decode()
crl = crl[crl.index("-----BEGIN"):]
write("list.pem", crl)
write("list.der", der(crl))
write("request.pem", csr)
write("request.der", der(csr))
write("request-new.pem", csr.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))
write("p7b-with-crl.der", run("openssl", "crl2pkcs7", "-in", os.path.join(TREE, "list.pem"), "-certfile", "leaf.pem", "-outform", "DER"))
run("openssl", "ocsp", "-index", "index", "-issuer", "ca.pem", "-serial", "9", "-CA", "ca.pem", "-rsigner", "one.pem", "-rkey", "one.key", "-respout",
    os.path.join(TREE, "ocsp.der"))

done = subprocess.run([os.path.join(BIN, "certmuster-crawl"), "--json", "--no-submit", TREE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
lines = [json.loads(line) for line in done.stdout.splitlines()]


def of(name, kind):
    return [o for o in lines if o["type"] == kind and o["file"]["path"] == os.path.join(TREE, name)]


def check(name, got, want):
    if got != want:
        failed.append(name)
        print("FAIL %s: got %s, expected %s; %s" % (name, got, want, [(o["error"], o.get("detail")) for o in of(name, "failure")]))


for name, chains in sorted(expected.items()):
    check(name, [(o["file"]["entry"], o["chain"]) for o in of(name, "sighting")], chains)
    bad = name.startswith("bad-")
    check(name + ": failures", len(of(name, "failure")), 1 if bad else 0)
for name, chains in sorted(signatures.items()):
    check(name, [[o["role"] if o["role"] == "signer" else None, o["chain"]] for o in of(name, "sighting")], chains)
for name in ("list.pem", "list.der"):
    check(name, [(o["file"]["entry"], o["issuer"], o["entries"], o["number"], o["sha256"]) for o in of(name, "crl")], [("crl-1", "CN=ca", 1, "1234", sha(der(crl)))])
for name in ("request.pem", "request.der", "request-new.pem"):
    check(name, [(o["file"]["entry"], o["subject"], o["san"], o["sha256"]) for o in of(name, "csr")], [("csr-1", "CN=leaf", {"dns": ["leaf.example"]}, sha(der(csr)))])
check("CRL in a bundle", [(len(of("p7b-with-crl.der", "crl")), [o["chain"] for o in of("p7b-with-crl.der", "sighting")])], [(1, [[LEAF]])])
check("ocsp", [(o["role"], o["chain"]) for o in of("ocsp.der", "sighting")], [("signer", [ONE])])
for word in key.split("-----")[2].split()[:2]:  # behind them stands the public half, which certificates have as well
    if word.encode() in done.stdout + done.stderr:
        failed.append("key")
        print("FAIL: the private key is in the output")
print("%d disguises, %d signatures" % (len(expected), len(signatures)))
sys.exit(1 if failed else 0)
