#!/usr/bin/python3
"""Programs and packages as their own tools sign them: osslsigncode (PE, MSI, CAB), openssl (.cat), the kernel's sign-file, apksigner. Who signed is told; each
certificate is checked against what a foreign reader takes out of the same file."""
import base64, collections, glob, hashlib, json, lzma, os, re, ssl, struct, subprocess, sys, tempfile, zipfile

TOP = os.environ.get("CM_TOP", ".")
BIN = os.environ.get("CM_BIN", os.path.join(TOP, "build/asan"))
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
TREE = os.path.join(TMP, "tree")
os.environ["CERTMUSTER_HOME"] = os.path.join(TMP, "home")
os.mkdir(TREE)
SIGN_FILE = glob.glob("/usr/lib/linux-kbuild-*/scripts/sign-file")
failed = []
expected = {}  # file → the fingerprints that signers' chains must hold, together


def run(*words, data=None, status=0):
    done = subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TMP, timeout=120, check=False)
    if status is not None and done.returncode != status:
        sys.exit(f"FAIL: {' '.join(words)}: {done.stdout.decode(errors='replace')}")
    return done.stdout


def read(name):
    with open(os.path.join(TMP, name), "rb") as file:
        return file.read()


def write(name, data):
    with open(os.path.join(TMP, name), "wb") as file:
        file.write(data)


def prints(pem):
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem.decode(errors="replace"), re.S)
    return {hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest() for block in blocks}


def authority(name):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".pem", "-days", "90", "-subj", f"/CN={name}")


def issue(name, ca, usage, serial):
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-subj", f"/CN={name}", "-out", name + ".csr")
    write(name + ".ext", f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n".encode())
    run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-set_serial", str(serial), "-days", "60", "-extfile", name + ".ext",
        "-out", name + ".pem")
    write(name + "-chain.pem", read(name + ".pem") + read(ca + ".pem"))


def minimal_pe():
    """Headers and one empty section: as much of a program as signing tools ask for"""
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, 512, 0, 0, 4096, 4096, 0x140000000, 4096, 512, 6, 0, 0, 0, 6, 0, 0, 8192, 512, 0, 10, 0, 1 << 20, 4096, 1 << 20, 4096, 0, 16)
    headers = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional) + 128, 0x22) + optional + b"\0" * 128
    headers += b".text\0\0\0" + struct.pack("<IIIIIIHHI", 512, 4096, 512, 512, 0, 0, 0, 0, 0x60000020)
    return headers.ljust(512, b"\0") + b"\xC3" * 512


WIX = b"""<?xml version="1.0" encoding="utf-8"?><Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Name="t" Id="ABCDDCBA-86C7-4D14-AEC0-86413A69ABDE" UpgradeCode="ABCDDCBA-7349-453F-94F6-BCB5110BA8FD" Language="1033" Version="1.0.0" Manufacturer="m">
<Package Id="*" Description="d" Manufacturer="m" InstallerVersion="100" Compressed="yes"/><Media Id="1" Cabinet="s.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="I" Name="t"><Component Id="M" Guid="ABCDDCBA-83F1-4F22-985B-FDB3C8ABD471">
<File Id="F" Name="f.txt" DiskId="1" Source="payload.txt" KeyPath="yes"/></Component></Directory></Directory></Directory>
<Feature Id="C" Level="1"><ComponentRef Id="M"/></Feature></Product></Wix>"""


def make_app():
    """The least of a Windows app package that can be signed: a manifest, its hash, types"""
    manifest = b"<?xml version=\"1.0\"?><Package/>"
    digest = base64.b64encode(hashlib.sha256(manifest).digest()).decode()
    with zipfile.ZipFile(os.path.join(TMP, "app.appx"), "w") as app:
        app.writestr("AppxManifest.xml", manifest)
        app.writestr("AppxBlockMap.xml", '<?xml version="1.0" encoding="UTF-8"?><BlockMap xmlns="http://schemas.microsoft.com/appx/2010/blockmap" '
                     'HashMethod="http://www.w3.org/2001/04/xmlenc#sha256"><File Name="AppxManifest.xml" Size="%d" LfhSize="46"><Block Hash="%s"/></File></BlockMap>' % (len(manifest), digest))
        app.writestr("[Content_Types].xml", '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                     '<Default Extension="xml" ContentType="application/vnd.ms-appx.manifest+xml"/>'
                     '<Override PartName="/AppxBlockMap.xml" ContentType="application/vnd.ms-appx.blockmap+xml"/></Types>')


def extracted(name):
    """What osslsigncode takes out of a signed file, as openssl shows it"""
    run("osslsigncode", "extract-signature", "-pem", "-in", os.path.join(TREE, name), "-out", name + ".p7")
    text = run("openssl", "pkcs7", "-in", name + ".p7", "-print_certs")
    os.remove(os.path.join(TMP, name + ".p7"))
    return prints(text)


def sign_windows():
    write("program.exe", minimal_pe())
    write("payload.txt", b"nothing\n" * 1000)
    write("product.wxs", WIX)
    run("wixl", "-o", "installer.msi", "product.wxs")
    run("gcab", "-c", "cabinet.cab", "payload.txt", "signer.pem")
    for name in ("program.exe", "installer.msi", "cabinet.cab"):
        run("osslsigncode", "sign", "-certs", "signer-chain.pem", "-key", "signer.key", "-h", "sha256", "-in", name, "-out", os.path.join(TREE, name))
        expected[name] = extracted(name)
        if expected[name] != prints(read("signer-chain.pem")):
            failed.append(name + ": osslsigncode takes out other certificates than went in")
    make_app()
    app = ("osslsigncode", "sign", "-certs", "signer-chain.pem", "-key", "signer.key", "-in", "app.appx", "-out", os.path.join(TREE, "app.appx"))
    if b"Succeeded" in run(*app, status=None):
        expected["app.appx"] = extracted("app.appx")
    else:
        print("this osslsigncode signs no app packages: not tried")
    # A second signature within the first; a time stamp, where this osslsigncode can be its own authority.
    both = prints(read("signer-chain.pem")) | prints(read("second-chain.pem"))
    run("osslsigncode", "sign", "-nest", "-certs", "second-chain.pem", "-key", "second.key", "-h", "sha384", "-in", os.path.join(TREE, "program.exe"), "-out", os.path.join(TREE, "nested.exe"))
    expected["nested.exe"] = both
    if b"-TSA-certs" in run("osslsigncode", "sign", "-help", status=None):
        for name, stamped in (("program.exe", "stamped.exe"), ("installer.msi", "stamped.msi")):  # an installer whose signature is no small stream any more
            run("osslsigncode", "sign", "-certs", "signer-chain.pem", "-key", "signer.key", "-TSA-certs", "stamper-chain.pem", "-TSA-key", "stamper.key", "-h", "sha256", "-in", name, "-out",
                os.path.join(TREE, stamped))
            expected[stamped] = prints(read("signer-chain.pem")) | prints(read("stamper-chain.pem"))
    else:
        print("this osslsigncode makes no time stamps of its own: not tried")
    subjects = run("osslsigncode", "verify", "-in", os.path.join(TREE, "nested.exe"), status=None).decode()
    for name in ("signer", "second"):
        if f"CN={name}" not in subjects:
            failed.append(f"nested.exe: osslsigncode does not see {name}")
    run("openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.3.6.1.4.1.311.10.1", "-in", "payload.txt", "-signer", "signer.pem", "-inkey", "signer.key", "-certfile", "signing-ca.pem",
        "-outform", "DER", "-out", os.path.join(TREE, "drivers.cat"))
    expected["drivers.cat"] = prints(run("openssl", "pkcs7", "-inform", "DER", "-in", os.path.join(TREE, "drivers.cat"), "-print_certs"))


def sign_modules():
    write("module.ko", read("/usr/bin/true") + b"vermagic=6.1.0")
    if SIGN_FILE:  # as kernels sign: by key identifier, no certificate inside
        run(SIGN_FILE[0], "sha256", "signer.key", "signer.pem", "module.ko", os.path.join(TREE, "kernel.ko"))
        assert read(os.path.join(TREE, "kernel.ko")).endswith(b"~Module signature appended~\n")
        expected["kernel.ko"] = set()
    else:
        print("no sign-file is here: not tried")
    signature = run("openssl", "cms", "-sign", "-binary", "-in", "module.ko", "-signer", "signer.pem", "-inkey", "signer.key", "-certfile", "signing-ca.pem", "-outform", "DER")
    signed = read("module.ko") + signature + struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(signature)) + b"~Module signature appended~\n"
    write("signed.ko", signed)
    write(os.path.join(TREE, "own.ko"), signed)
    write(os.path.join(TREE, "packed.ko.xz"), lzma.compress(signed))
    run("zstd", "-q", "signed.ko", "-o", os.path.join(TREE, "packed.ko.zst"))
    certificates = prints(run("openssl", "pkcs7", "-inform", "DER", "-print_certs", data=signature))
    for name in ("own.ko", "packed.ko.xz", "packed.ko.zst"):
        expected[name] = certificates


def signer_words(name):
    return ["--key", name + ".pk8", "--cert", name + "-chain.pem" if os.path.exists(os.path.join(TMP, name + "-chain.pem")) else name + ".pem"]


def sign_apks():
    with zipfile.ZipFile(os.path.join(TMP, "app.apk"), "w") as apk:
        apk.writestr("AndroidManifest.xml", b"not needed when the version is told")
        apk.writestr("classes.dex", b"dex\n035\0" + b"\0" * 104)
    for name in ("app", "rotated"):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".pem", "-days", "90", "-subj", f"/CN={name}")
    for name in ("app", "rotated", "signer"):
        run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", name + ".key", "-outform", "DER", "-out", name + ".pk8")
    sign = ["apksigner", "sign", "--in", "app.apk", "--min-sdk-version"]
    run(*sign, "21", "--v1-signing-enabled", "true", "--v2-signing-enabled", "true", "--v3-signing-enabled", "true", *signer_words("app"), "--out", os.path.join(TREE, "one.apk"))
    run(*sign, "24", "--v1-signing-enabled", "false", "--v3-signing-enabled", "false", *signer_words("app"), "--next-signer", *signer_words("signer"), "--out", os.path.join(TREE, "two.apk"))
    run(*sign, "21", "--v2-signing-enabled", "false", "--v3-signing-enabled", "false", *signer_words("app"), "--out", os.path.join(TREE, "jar.apk"))
    run("apksigner", "rotate", "--out", "lineage", "--old-signer", "--key", "app.pk8", "--cert", "app.pem", "--new-signer", "--key", "rotated.pk8", "--cert", "rotated.pem")
    run(*sign, "28", "--v1-signing-enabled", "false", "--lineage", "lineage", *signer_words("app"), "--next-signer", *signer_words("rotated"), "--out", os.path.join(TREE, "rotated.apk"))
    for name in ("one.apk", "two.apk", "jar.apk", "rotated.apk"):
        path = os.path.join(TREE, name)
        shown = run("apksigner", "verify", "--print-certs", "--min-sdk-version", "28" if name == "rotated.apk" else "24", path).decode()
        if name == "rotated.apk":
            shown += run("apksigner", "lineage", "--in", path, "--print-certs").decode()
        expected[name] = set(re.findall(r"certificate SHA-256 digest: ([0-9a-f]{64})", shown))
    expected["two.apk"] |= prints(read("signing-ca.pem"))  # it shows each signer's own certificate; the chain went in, too
    if len(expected["rotated.apk"]) != 2:
        failed.append("rotated.apk: apksigner shows no lineage")


authority("signing-ca")
authority("other-ca")
issue("signer", "signing-ca", "codeSigning", 7)
issue("second", "other-ca", "codeSigning", 8)
issue("stamper", "other-ca", "critical,timeStamping", 9)
sign_windows()
sign_modules()
sign_apks()

done = subprocess.run([os.path.join(BIN, "certmuster-crawl"), "--json", "--no-submit", "-q", TREE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
if done.returncode != 0:
    failed.append(f"exit status {done.returncode}: {done.stderr.decode(errors='replace')}")
told, formats = collections.defaultdict(set), collections.defaultdict(set)
for line in done.stdout.splitlines():
    record = json.loads(line)
    if record["type"] == "failure":
        failed.append(f"a failure is told: {line.decode()}")
    if record["type"] == "sighting":
        name = os.path.basename(record["file"]["path"])
        if record["role"] == "signer":
            told[name] |= set(record["chain"])
            formats[name].add((record["file"]["format"], record["file"].get("inner", "")))
        elif (name, record["file"].get("inner")) != ("cabinet.cab", "signer.pem"):
            failed.append(f"{name}: a certificate is told as {record['role']}")
for name, certificates in sorted(expected.items()):
    print(f"{name}: {len(certificates)} expected, {len(told[name] & certificates)} found, {len(told[name] - certificates)} surplus, as {sorted(formats[name])}")
    if told[name] != certificates:
        failed.append(f"{name}: told {sorted(told[name])}, expected {sorted(certificates)}")
for name, wanted in (("one.apk", {("apk", ""), ("pkcs7", "META-INF/APP.RSA")}), ("program.exe", {("authenticode", "")}), ("own.ko", {("module", "")}),
                     ("app.appx", {("authenticode", "AppxSignature.p7x")} if "app.appx" in expected else set())):
    if formats[name] != wanted:
        failed.append(f"{name}: told as {formats[name]}, not {wanted}")
for text in failed:
    print("FAIL", text)
sys.exit(1 if failed or len(expected) < 12 else 0)
