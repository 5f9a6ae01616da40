"""For tests of the collector: records, certificates made from a template, and HTTP over the unix socket or TLS."""
import base64, hashlib, http.client, json, os, socket, ssl, subprocess, time, uuid


def template(directory):
    """A certificate whose serial and name can be replaced byte for byte: as many distinct ones as wanted, in microseconds each."""
    key, out = f"{directory}/template.key", f"{directory}/template.der"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-outform", "DER",
                    "-out", out, "-days", "90", "-set_serial", "0x1122334455667788", "-subj", "/CN=host-00000000.example.org",
                    "-addext", "subjectAltName=DNS:host-00000000.example.org"], check=True, stderr=subprocess.DEVNULL)
    return open(out, "rb").read()


def certificate(template_der, number):
    der = template_der.replace(bytes.fromhex("1122334455667788"), (0x1100000000000000 + number).to_bytes(8, "big"))
    return der.replace(b"host-00000000.", b"host-%08d." % number)


def sha(der):
    return hashlib.sha256(der).hexdigest()


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (int(seconds * 1000) % 1000)


def record(kind, /, **members):
    return json.dumps({"v": 1, "type": kind, **members}, separators=(",", ":"))


def cert_record(der):
    return record("certificate", sha256=sha(der), der=base64.b64encode(der).decode())


def endpoint(ip, port=443, name="", realm="default", **more):
    return {"realm": realm, "transport": "tcp", "ip": ip, "port": port, "name": name, **more}


def sighting(ip, chain, run, at=None, scanner="local", role="server", source="scan", name="", port=443, realm="default", **more):
    more.setdefault("tls", {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "group": "x25519"})
    return record("sighting", source=source, at=stamp(at or time.time()), scanner=scanner, run=run, endpoint=endpoint(ip, port, name, realm),
                  role=role, chain=[c if isinstance(c, str) else sha(c) for c in chain], **more)


def failure(ip, run, at=None, scanner="local", stage="connect", error="refused", name="", port=443, **more):
    return record("failure", source="scan", at=stamp(at or time.time()), scanner=scanner, run=run, endpoint=endpoint(ip, port, name),
                  stage=stage, error=error, **more)


def run_record(run, state, at=None, scanner="local", source="scan", **more):
    return record("run", run=run, source=source, state=state, at=stamp(at or time.time()), scanner=scanner, **more)


def new_run():
    return str(uuid.uuid4())


def body(lines):
    return ("\n".join(lines) + "\n").encode() if lines else b""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Collector:
    """where: a socket's path, or (host, port, ssl context). patience_s: how long batch() comes again after 503, as every client does; a worker
    that could not connect waits up to 5 s before it tries again, however well the others are by then."""
    patience_s = 0

    def __init__(self, where, timeout=60):
        self.where, self.timeout, self.connection = where, timeout, None

    def request(self, method, path, content=b"", headers=None):
        if self.connection is None:
            if isinstance(self.where, str):
                self.connection = UnixConnection(self.where, self.timeout)
            else:
                self.connection = http.client.HTTPSConnection(self.where[0], self.where[1], context=self.where[2], timeout=self.timeout)
        try:
            self.connection.request(method, path, content, headers or {})
            answer = self.connection.getresponse()
            content = answer.read()
        except Exception:
            self.connection.close()
            self.connection = None
            raise
        self.headers = answer.headers
        if answer.headers.get("Connection", "").lower() == "close":
            self.connection.close()
            self.connection = None
        return answer.status, content

    def batch(self, lines, key=None, sent=None, headers=None):
        h = {"Idempotency-Key": key or f"file/{uuid.uuid4().hex}", "Content-Type": "application/x-ndjson"}
        if sent is not None:
            h["Certmuster-Sent"] = stamp(sent)
        h.update(headers or {})
        deadline = time.time() + self.patience_s
        while True:
            status, content = self.request("POST", "/v1/batches", lines if isinstance(lines, bytes) else body(lines), h)
            if status != 503 or time.time() >= deadline:
                break
            time.sleep(0.1)
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content

    def missing(self, hashes):
        status, content = self.request("POST", "/v1/missing", json.dumps({"sha256": hashes}).encode())
        return status, json.loads(content)

    def get(self, path):
        return self.request("GET", path)


def client_context(directory, name, ca="ca", min_version=None):
    """A TLS context with the client certificate of that name, see make_pki()."""
    context = ssl.create_default_context(cafile=f"{directory}/ca.pem")
    if name:
        context.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.key")
    return context


def end_in(directory, name, seconds, ca="ca"):
    """The certificate of make_pki() anew, for that many seconds from now."""
    with open(f"{directory}/{name}.ca", "w") as f:
        f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={directory}/{name}.index\nnew_certs_dir={directory}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    open(f"{directory}/{name}.index", "w").close()
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
    subprocess.run(["openssl", "ca", "-batch", "-notext", "-config", f"{directory}/{name}.ca", "-cert", f"{directory}/{ca}.pem", "-keyfile", f"{directory}/{ca}.key",
                    "-in", f"{directory}/{name}.csr", "-extfile", f"{directory}/{name}.ext", "-startdate", "20200101000000Z", "-enddate", end, "-out", f"{directory}/{name}.pem"],
                   check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def make_pki(directory, names, ca="ca"):
    """ca.pem, and a certificate for 127.0.0.1 or a client per name."""
    def openssl(*args, **kw):
        subprocess.run(["openssl", *args], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **kw)
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *ec, "-keyout", f"{directory}/{ca}.key", "-out", f"{directory}/{ca}.pem", "-days", "30", "-subj", f"/CN=Test {ca}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    for name in names:
        openssl("req", *ec, "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.csr", "-subj", f"/CN={name}")
        with open(f"{directory}/{name}.ext", "w") as f:
            f.write("subjectAltName=IP:127.0.0.1\n" if name == "server" else f"subjectAltName=DNS:{name}\nextendedKeyUsage=clientAuth\n")
        openssl("x509", "-req", "-in", f"{directory}/{name}.csr", "-CA", f"{directory}/{ca}.pem", "-CAkey", f"{directory}/{ca}.key",
                "-set_serial", str(0x1000 + len(name)), "-days", "20", "-extfile", f"{directory}/{name}.ext", "-out", f"{directory}/{name}.pem")
