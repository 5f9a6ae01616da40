"""What other programs and Python's own libraries see in files: certificates, names of bags, layers of images, SSH certificates. Nothing of certmuster is used."""
import base64
import binascii
import collections
import datetime
import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile

PKCS7_BLOCK = re.compile(rb"-----BEGIN PKCS7-----.*?-----END PKCS7-----", re.S)
BLOCK = re.compile(rb"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE|PKCS7|CMS|PKCS #7 SIGNED DATA)-----(.*?)-----END \1-----", re.S)


def run(command, stdin=b""):
    """standard output, b"" when it failed"""
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else b""


def der_length(der):
    """Of the element that bytes begin with: a certificate, of which a TRUSTED one has more behind it; None when it is cut or has no length"""
    if len(der) < 2 or der[0] != 0x30 or der[1] == 0x80 or der[1] > 0x84:
        return None
    count = der[1] & 0x7F if der[1] & 0x80 else 0
    length = 2 + count + (int.from_bytes(der[2 : 2 + count], "big") if count else der[1])
    return length if length <= len(der) else None


def fingerprint(der):
    return hashlib.sha256(der[: der_length(der)]).hexdigest()


def of_pem(data):
    """PEM as OpenSSL writes it: the certificates in it, those of its PKCS#7 included"""
    found = []
    for label, body in BLOCK.findall(data):
        if label.endswith(b"CERTIFICATE"):
            try:
                der = base64.b64decode(b"".join(body.split()), validate=True)
            except binascii.Error:
                continue
            if der_length(der):
                found.append(fingerprint(der))
        else:
            found.extend(of_pkcs7(b"-----BEGIN PKCS7-----" + body + b"-----END PKCS7-----\n", "PEM"))
    return found


def of_pkcs7(data, form):
    """OpenSSL's view; GnuTLS's where OpenSSL does not take it (signers named by key identifier)"""
    shown = run(["openssl", "pkcs7", "-inform", form, "-print_certs"], data)
    return of_pem(shown or re.sub(PKCS7_BLOCK, b"", run(["certtool", "--p7-info"] + (["--inder"] if form == "DER" else []), data)))


def of_json(data):
    """Every string of a JSON document, unescaped"""
    try:
        values, texts = [json.loads(data)], []
    except ValueError:
        return []
    while values:
        value = values.pop()
        if isinstance(value, (list, dict)):
            values.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str):
            texts.append(value)
    return of_pem("\n".join(texts).encode())


def is_certificate_by_shape(der):
    """Of what every X.509 reader refuses: a SEQUENCE of {[0] version, …}, a SEQUENCE and a BIT STRING, and nothing behind it"""
    at, tags = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0), []
    versioned = der[at + 2 + (der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0)] == 0xA0
    while at + 1 < len(der) and len(tags) < 4:
        tags.append(der[at])
        at += der_length(b"\x30" + der[at + 1 :]) or len(der)
    return versioned and at == len(der) and tags == [0x30, 0x30, 0x03]


def of_uefi(data):
    """EFI_SIGNATURE_LISTs of EFI_CERT_X509_GUID (UEFI 2.10 §32.4.1): sizes, then owner and certificate"""
    found, at = [], 0
    while data[at : at + 16] == bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072"):
        size, head, each = (int.from_bytes(data[at + 16 + 4 * i : at + 20 + 4 * i], "little") for i in range(3))
        found.extend(fingerprint(data[start + 16 : start + each]) for start in range(at + 28 + head, at + size, each))
        at += size
    return found


def of_pkcs12(path, words):
    for options in ([], ["-nomacver"]):  # a MAC of RFC 9579 is more than OpenSSL 3.0 knows
        for word in words:
            shown = run(["openssl", "pkcs12", "-legacy", "-in", path, "-nokeys", "-passin", "pass:" + word, *options])
            if shown:
                return shown
    return b""


def of_der(path, data, words):
    whole = data[: der_length(data)] if der_length(data) else data
    if run(["openssl", "x509", "-inform", "DER"], whole) or (whole == data and is_certificate_by_shape(data)):
        return [fingerprint(data)]
    return of_pkcs7(data, "DER") or of_pem(of_pkcs12(path, words))


def certificates(path, words):
    """Fingerprints of a file's certificates, in PEM, DER, PKCS#7, PKCS#12, S/MIME and the strings of JSON"""
    with open(path, "rb") as file:
        data = file.read()
    found = of_pem(data)
    if b"pkcs7-mime" in data[:1024]:
        found.extend(of_pkcs7(run(["openssl", "smime", "-pk7out", "-in", path]), "PEM"))
    if data[:1] == b"{" and not found:
        found.extend(of_json(data))
    found.extend(of_uefi(data))
    if data[:1] == b"\x30":
        found.extend(of_der(path, data, words))
    if re.fullmatch(rb"MI[A-Za-z0-9+/=\s]+", data):  # nothing but base64
        with tempfile.NamedTemporaryFile() as binary:
            binary.write(base64.b64decode(data))
            binary.flush()
            found.extend(of_der(binary.name, base64.b64decode(data), words))
    return found


def of_pkcs7_blocks(path):
    """Fingerprints of the certificates in a file's PKCS7 blocks"""
    with open(path, "rb") as file:
        return [sha256 for block in PKCS7_BLOCK.findall(file.read()) for sha256 in of_pkcs7(block + b"\n", "PEM")]


def kdb_certificates(path):
    """Of a GSKit database: fingerprint of a slot's whole element → fingerprint of the certificate in it ({INTEGER, [1] certificate}, or [3] a key and a certificate)"""
    with open(path, "rb") as file:
        data = file.read()
    found, at = {}, 0
    while (at := data.find(b"\x30\x82", at)) >= 0:
        length = der_length(data[at:])
        if length and data[at + 4 : at + 6] == b"\x02\x01":
            inside = data[at : at + length]
            for start in range(7, len(inside)):
                part = der_length(inside[start:]) if inside[start] == 0x30 else None
                if part and run(["openssl", "x509", "-inform", "DER"], inside[start : start + part]):
                    found[hashlib.sha256(inside).hexdigest()] = fingerprint(inside[start : start + part])
                    break
            at += length
        at += 1
    return found


def friendly_names(path, words):
    """fingerprint → the friendlyNames that openssl pkcs12 prints before it; None: none"""
    names = collections.defaultdict(set)
    text = of_pkcs12(path, words)
    for piece in re.split(rb"(?=Bag Attributes)", text):
        name = re.search(rb"friendlyName: (.*)\n", piece)
        for sha256 in of_pem(piece):
            names[sha256].add(name.group(1) if name else None)
    return names


def layer_digests(path):
    """Of an image saved by docker (the digest of each layer's own bytes) or laid out as OCI (as its manifest says)"""
    if os.path.isdir(path):
        blobs = os.path.join(path, "blobs")

        def blob(digest):
            with open(os.path.join(blobs, *digest.split(":")), "rb") as file:
                return json.load(file)

        with open(os.path.join(path, "index.json"), "rb") as file:
            manifests = json.load(file)["manifests"]
        return {layer["digest"] for manifest in manifests for layer in blob(manifest["digest"])["layers"]}
    with tarfile.open(path) as tar:
        layers = [layer for image in json.load(tar.extractfile("manifest.json")) for layer in image["Layers"]]
        return {"sha256:" + hashlib.sha256(tar.extractfile(layer).read()).hexdigest() for layer in layers}


def utc(local):
    """ssh-keygen's local time as records write it; it was run with TZ=UTC"""
    return datetime.datetime.fromisoformat(local).strftime("%Y-%m-%dT%H:%M:%SZ")


def ssh_certificate(path):
    """The members of a ssh_certificate record, as ssh-keygen shows them"""
    shown = subprocess.run(["ssh-keygen", "-L", "-f", path], stdout=subprocess.PIPE, env=dict(os.environ, TZ="UTC"), text=True, timeout=60, check=True).stdout
    with open(path, encoding="utf-8") as file:
        blob = base64.b64decode(file.read().split()[1])
    kind = re.search(r"Type: (\S+) (user|host) certificate", shown)
    authority = re.search(r"Signing CA: (\S+) (SHA256:\S+)", shown)
    expected = {
        "sha256": hashlib.sha256(blob).hexdigest(),
        "key_type": kind.group(1),
        "role": kind.group(2),
        "serial": re.search(r"Serial: (\d+)", shown).group(1),
        "key_id": re.search(r'Key ID: "(.*)"', shown).group(1),
        "ca_fingerprint": authority.group(2),
        "principals": re.findall(r"^ {16}(\S+)$", re.search(r"Principals:(.*?)Critical Options", shown, re.S).group(1), re.M),
    }
    validity = re.search(r"Valid: from (\S+) to (\S+)", shown)
    if validity:
        expected["valid_after"], expected["valid_before"] = utc(validity.group(1)), utc(validity.group(2))
    return expected
