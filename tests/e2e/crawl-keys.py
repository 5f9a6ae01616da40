#!/usr/bin/python3
"""Private keys and SSH certificates as their own tools write them: kind, encryption and public key are told, checked against openssl and
ssh-keygen -L; and no byte of a private half is in the records, the log or the table."""
import base64, hashlib, json, os, re, subprocess, sys, tempfile

TOP = os.environ.get("CM_TOP", ".")
BIN = os.environ.get("CM_BIN", os.path.join(TOP, "build/asan"))
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
TREE = os.path.join(TMP, "tree")
os.environ["CERTMUSTER_HOME"] = os.path.join(TMP, "home")
os.environ["TZ"] = "UTC"
os.mkdir(TREE)
failed = []
expected = {}  # file -> (kind, encrypted, spki hash or None, alg)
secrets = set()


def run(*words, data=None):
    done = subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TMP)
    if done.returncode:
        raise SystemExit("FAIL: %s: %s" % (" ".join(words), done.stderr.decode()))
    return done.stdout


def write(name, data):
    with open(os.path.join(TREE, name), "wb") as out:
        out.write(data)


def spki(pem):
    return hashlib.sha256(run("openssl", "pkey", "-pubout", "-outform", "DER", data=pem)).hexdigest()


def check(name, got, want):
    if got != want:
        failed.append(name)
        print("FAIL %s: got %s, expected %s" % (name, got, want))


def mpint(value):
    raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return len(raw).to_bytes(4, "big") + raw


def ssh_string(raw):
    return len(raw).to_bytes(4, "big") + raw


PASS = ("-aes128", "-passout", "pass:sesame")
for name, options, kind, alg in (
        ("rsa", ("RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "pkcs1", "RSA"), ("ec", ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "sec1", "EC"),
        ("ed25519", ("ED25519",), None, "Ed25519"), ("ed448", ("ED448",), None, "Ed448"), ("x25519", ("X25519",), None, "X25519")):
    pem = run("openssl", "genpkey", "-algorithm", *options)
    want = spki(pem)
    secrets.add(pem.split(b"\n")[1][16:])
    write(name + "-pkcs8.pem", pem)
    expected[name + "-pkcs8.pem"] = ("pkcs8", False, want, alg)
    write(name + "-pkcs8.der", run("openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=pem))
    expected[name + "-pkcs8.der"] = ("pkcs8", False, want, alg)
    for der in ("PEM", "DER"):
        write(name + "-encrypted." + der, run("openssl", "pkcs8", "-topk8", "-outform", der, "-passout", "pass:sesame", data=pem))
        expected[name + "-encrypted." + der] = ("pkcs8", True, None, None)
    if kind:
        traditional = run("openssl", "pkey", "-traditional", data=pem)
        secrets.add(traditional.split(b"\n")[2])
        write(name + "-traditional.pem", traditional)
        expected[name + "-traditional.pem"] = (kind, False, want, alg)
        write(name + "-traditional.der", base64.b64decode(b"".join(traditional.split(b"\n")[1:-2])))
        expected[name + "-traditional.der"] = (kind, False, want, alg)
        write(name + "-proc-type.pem", run("openssl", "pkey", "-traditional", *PASS, data=pem))
        expected[name + "-proc-type.pem"] = (kind, True, None, None)
        write(name + "-json", json.dumps({"key": traditional.decode()}).encode())
        expected[name + "-json"] = (kind, False, want, alg)
        write(name + "-base64", base64.b64encode(traditional))
        expected[name + "-base64"] = (kind, False, want, alg)
        write(name + "-utf16", traditional.decode().encode("utf-16"))
        expected[name + "-utf16"] = (kind, False, want, alg)



def b64url(number, size):
    return base64.urlsafe_b64encode(number.to_bytes(size, "big")).decode().rstrip("=")


def numbers(pem):
    """What openssl pkey -text shows: name -> integer."""
    text = run("openssl", "pkey", "-noout", "-text", data=pem).decode()
    found = {m.group(1): int(re.sub("[^0-9a-f]", "", m.group(2)), 16) for m in re.finditer(r"^(\w+):\n((?:    [0-9a-f:]+\n)+)", text, re.M)}
    return found


rsa, ec, ed = (open(os.path.join(TREE, x + "-pkcs8.pem"), "rb").read() for x in ("rsa", "ec", "ed25519"))
n = numbers(rsa)
point = numbers(ec)["pub"] & ((1 << 512) - 1)
jwks = [{"kty": "RSA", "n": b64url(n["modulus"], 128), "e": "AQAB", "d": b64url(n["privateExponent"], 128), "p": "AQ"},
        {"kty": "EC", "crv": "P-256", "x": b64url(point >> 256, 32), "y": b64url(point & ((1 << 256) - 1), 32), "d": b64url(numbers(ec)["priv"], 32)},
        {"d": b64url(numbers(ed)["priv"], 32), "use": "sig", "crv": "Ed25519", "x": b64url(numbers(ed)["pub"], 32), "kty": "OKP"}]
for jwk, pem, alg in zip(jwks, (rsa, ec, ed), ("RSA", "EC", "Ed25519")):
    for name, text in (("jwk", json.dumps(jwk)), ("jwk-slim", json.dumps({"keys": [jwk]}, separators=(",", ":"))), ("jwk-string", json.dumps({"inner": json.dumps(jwk, separators=(",", ":"))}))):
        write(name + "-" + alg, text.encode())
        expected[name + "-" + alg] = ("jwk", False, spki(pem), alg)
    secrets.add(jwk["d"].encode())
write("jwk-public", json.dumps({k: v for k, v in jwks[0].items() if k != "d"}).encode())
write("jwk-oct", b'{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}')

# OpenSSH: its own form, plain and encrypted; the public half stands in clear in both. The same keys as PuTTY writes them.
for name, bits, alg in (("rsa", "1024", "RSA"), ("ecdsa", "256", "EC"), ("ecdsa", "384", "EC"), ("ecdsa", "521", "EC"), ("ed25519", "256", "Ed25519"), ("dsa", "1024", "DSA")):
    for phrase in ("", "sesame"):
        file = "ssh-%s-%s%s" % (name, bits, "-encrypted" if phrase else "")
        run("ssh-keygen", "-q", "-t", name, "-b", bits, "-N", phrase, "-C", "c", "-f", os.path.join(TREE, file))
        public = open(os.path.join(TREE, file + ".pub")).read()
        want = hashlib.sha256(base64.b64decode("".join(run("ssh-keygen", "-e", "-m", "PKCS8", "-f", os.path.join(TREE, file + ".pub")).decode().split("\n")[1:-2])) if name != "ed25519"
                              else bytes.fromhex("302a300506032b6570032100") + base64.b64decode(public.split()[1])[-32:]).hexdigest()
        expected[file] = ("openssh", bool(phrase), want, alg)
        secrets.add(open(os.path.join(TREE, file), "rb").read().split(b"\n")[-4 if name == "ed25519" else -5])
        blob = public.split()[1]
        lines = [blob[i:i + 64] for i in range(0, len(blob), 64)]
        for version in "23":
            ppk = "putty%s-%s" % (version, file)
            write(ppk, ("PuTTY-User-Key-File-%s: %s\r\nEncryption: %s\r\nComment: c\r\nPublic-Lines: %d\r\n%s\r\n%sPrivate-Lines: 1\r\nAAAA0123456789secret==\r\nPrivate-MAC: 00\r\n" % (
                version, public.split()[0], "aes256-cbc" if phrase else "none", len(lines), "\r\n".join(lines),
                "Key-Derivation: Argon2id\r\nArgon2-Memory: 8192\r\n" if phrase and version == "3" else "")).encode())
            expected[ppk] = ("putty", bool(phrase), want, alg)
secrets.add(b"0123456789secret")

# Certificates for every type of key that ssh-keygen makes, and for those of tokens, which we put together and it signs.
certificates = []
run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ca", "-f", "ca-ed25519")
run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "ca", "-f", "ca-rsa")
point = base64.b64decode(open(os.path.join(TREE, "ssh-ecdsa-256.pub")).read().split()[1])[-65:]
for type, parts in (("sk-ssh-ed25519@openssh.com", (b"\x07" * 32, b"ssh:")), ("sk-ecdsa-sha2-nistp256@openssh.com", (b"nistp256", point, b"ssh:"))):
    name = type.split("@")[0]
    write(name + ".pub", type.encode() + b" " + base64.b64encode(ssh_string(type.encode()) + b"".join(ssh_string(x) for x in parts)) + b" token\n")
OPTIONS = (("-I", "user one", "-n", "alice,bob", "-z", "18446744073709551615", "-V", "20260101000000Z:20270101000000Z", "-O", "force-command=/bin/true", "-O", "source-address=192.0.2.0/24"),
           ("-h", "-I", "host", "-n", "a.example", "-V", "always:forever"), ("-I", "", "-O", "clear", "-V", "20260101:20260201"))
publics = sorted(f for f in os.listdir(TREE) if f.endswith(".pub") and "encrypted" not in f)
assert len(publics) == 8, publics
for public in publics:
    for i, options in enumerate(OPTIONS):
        copy = "%s-%d.pub" % (public[:-4], i)
        with open(os.path.join(TREE, public)) as f, open(os.path.join(TMP, copy), "w") as g:
            g.write(f.read())
        run("ssh-keygen", "-q", "-s", "ca-rsa" if i else "ca-ed25519", *(("-t", "rsa-sha2-512") if i else ()), *options, copy)
        certificates.append(copy[:-4] + "-cert.pub")
        with open(os.path.join(TMP, certificates[-1]), "rb") as f:
            write(certificates[-1], f.read())
lines = [open(os.path.join(TREE, c)).read() for c in certificates[:3]]
write("authorized_keys", ("# who may come\nfrom=\"192.0.2.1\" " + lines[0] + "ssh-ed25519 AAAA nobody\n" + "@cert-authority *.example " + lines[1] + lines[2]).encode())
write("rfc4716", run("ssh-keygen", "-e", "-f", os.path.join(TREE, certificates[0])))

done = subprocess.run([os.path.join(BIN, "certmuster-crawl"), "--json", "--no-submit", TREE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
table = subprocess.run([os.path.join(BIN, "certmuster-crawl"), "--no-submit", "-v", TREE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
check("status", (done.returncode, table.returncode), (0, 0))
records = [json.loads(line) for line in done.stdout.splitlines()]


def of(name, kind):
    return [o for o in records if o["type"] == kind and o["file"]["path"] == os.path.join(TREE, name)]


for name, want in sorted(expected.items()):
    check(name, [(o["kind"], o["encrypted"], o.get("spki_sha256"), o.get("key", {}).get("alg")) for o in of(name, "key")], [want])
check("keys in all", sum(o["type"] == "key" for o in records), len(expected))
modes = {o["file"]["mode"] for o in of("ssh-ed25519-256", "key")}
check("mode and owner", (modes, of("ssh-ed25519-256", "key")[0]["file"]["uid"]), ({0o600}, os.getuid()))


def shown(name):
    """What ssh-keygen -L says, in the words of our records."""
    text = run("ssh-keygen", "-L", "-f", os.path.join(TREE, name)).decode()
    get = lambda pattern: re.search(pattern, text).group(1)
    listed = lambda head: [x.strip() for x in re.search(head + r": ?(.*?)\n(?=\s*(?:Critical|Extensions)|$)", text + "\n", re.S).group(1).split("\n") if x.strip() and x.strip() != "(none)"]
    valid = re.search(r"Valid: (?:from (\S+) )?(?:to (\S+)|before (\S+)|forever)", text)
    return (get(r"Type: (\S+)"), get(r"Type: \S+ (\w+)"), get("Serial: (.*)"), get('Key ID: "(.*)"'), listed("Principals"), valid.group(1), valid.group(2), get("Public key: \\S+ (\\S+)"),
            get("Signing CA: \\S+ (\\S+)"), get(r"using ([^)]*)"), listed("Critical Options"), listed("Extensions"))


def told(record):
    time = lambda name: record[name][:-1] if name in record else None
    options = lambda name: [x["name"] + (" " + x["value"] if "value" in x else "") for x in record.get(name, [])]
    return (record["key_type"], record["role"], record["serial"], record["key_id"], record["principals"], time("valid_after"), time("valid_before"), record["fingerprint"], record["ca_fingerprint"],
            record["sig_alg"], options("critical_options"), options("extensions"))


for name in certificates:
    check(name, [told(o) for o in of(name, "ssh_certificate")], [shown(name)])
check("types", len({o["key_type"] for o in records if o["type"] == "ssh_certificate"}), 8)
check("authorized_keys", [(o["file"]["entry"], told(o)) for o in of("authorized_keys", "ssh_certificate")], [("ssh-%d" % (i + 1), shown(c)) for i, c in enumerate(certificates[:3])])
check("rfc4716", [told(o) for o in of("rfc4716", "ssh_certificate")], [shown(certificates[0])])
same = {o["spki_sha256"] for o in of("ssh-rsa-1024-0-cert.pub", "ssh_certificate")}
check("one key, one hash", same, {expected["ssh-rsa-1024"][2]})

output = done.stdout + done.stderr + table.stdout + table.stderr
for secret in secrets:
    assert len(secret) >= 16, secret
    raw = base64.urlsafe_b64decode(secret[:len(secret) // 4 * 4].replace(b"+", b"-").replace(b"/", b"_")) if len(secret) > 20 else secret
    for form in (secret, raw, raw.hex().encode(), base64.b64encode(raw[1:]), base64.b64encode(raw[2:])):
        if form[:40] in output:
            failed.append("secret")
            print("FAIL: a private key is in the output")
print("%d keys, %d SSH certificates, %d secrets looked for" % (len(expected), len(certificates), len(secrets)))
sys.exit(1 if failed else 0)
