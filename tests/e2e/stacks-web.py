#!/usr/bin/python3
# certmuster-scan against nginx, Apache httpd, HAProxy and stunnel: every version that they can be told to speak, keys, client certificates with the
# names of whose, staples, ALPN.
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403
from stacks_tools import *  # noqa: E402,F403

pki = Pki()
for leaf, key in ("rsa", "RSA:2048"), ("weak", "RSA:1024"), ("ec", "EC"), ("ed25519", "ED25519"):
    pki.make(leaf, key)
free = ports(96)
stacks, rows = [], []
STAPLE, STAPLED = pki.ocsp("rsa", "good")
CLIENT_CAS = work + "/client-cas.pem"
with open(CLIENT_CAS, "w", encoding="ascii") as cas:
    cas.write("".join(open(path, encoding="ascii").read() for path in pki.others))
MUTUAL = {"client_auth": True, "client_ca": [pki.subject("first-office"), pki.subject("second-office")]}
OPEN = {"client_auth": False, "client_ca": None}
STAPLE_OF_FILE = {"staple": STAPLED}
# Of each server: version, leaf, what is asked of it beside, what must be told of it.
MODERN = [(version, leaf, "", OPEN) for version in ("TLSv1.2", "TLSv1.3") for leaf in ("rsa", "ec", "ed25519")] + [
    (version, "rsa", ask, tls) for version in ("TLSv1.2", "TLSv1.3") for ask, tls in (("mutual", MUTUAL), ("staple", STAPLE_OF_FILE))]
ANCIENT = [(version, leaf, "", OPEN) for version in ("TLSv1.0", "TLSv1.1") for leaf in ("rsa", "weak", "ec")] + [
    ("TLSv1.0", "rsa", "mutual", MUTUAL), ("TLSv1.1", "ec", "mutual", MUTUAL)]


def serve(name, settings, command, versions, wanted, old, **more):
    """Writes the server's configuration with a listener for each of wanted; settings(port, version, leaf, ask) is one listener's, command(file) starts it."""
    stack, on, text = name + ("-old" if old else ""), [], settings(None, None, None, None)
    base = f"{work}/{stack}"
    os.mkdir(base, 0o755)
    for version, leaf, ask, tls in wanted:
        port = next(free)
        on.append(port)
        text += settings(port, versions.get(version, version), leaf, ask)
        rows.append(Row(stack, port, leaf, version, tls=tls | more.get("tls", {}) | (more.get("stapled", {}) if ask == "staple" else {})))
    text += more.get("tail", "")
    with open(base + "/conf", "w", encoding="ascii") as conf:
        conf.write(text.replace("@BASE@", base))
    stacks.append(Stack(stack, command(base + "/conf"), on, old))


def nginx(port, version, leaf, ask):
    if port is None:
        return """daemon off;
master_process off;
pid @BASE@/pid;
events {}
http {
access_log off;
client_body_temp_path @BASE@/body;
proxy_temp_path @BASE@/proxy;
fastcgi_temp_path @BASE@/fastcgi;
uwsgi_temp_path @BASE@/uwsgi;
scgi_temp_path @BASE@/scgi;
"""
    more = {"mutual": f"ssl_verify_client on; ssl_client_certificate {CLIENT_CAS};", "staple": f"ssl_stapling on; ssl_stapling_file {STAPLE};"}
    return f"""server {{
listen 127.0.0.1:{port} ssl http2;
ssl_protocols {version};
ssl_certificate {pki.path(leaf + ".pem")};
ssl_certificate_key {pki.key(leaf)};
{more.get(ask, "")}
return 204;
}}
"""


def apache(port, version, leaf, ask):
    if port is None:
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                          for name in ("mpm_event", "authz_core", "socache_shmcb", "ssl"))
        return modules + """ServerName www.example.org
ServerRoot @BASE@
DefaultRuntimeDir @BASE@
PidFile @BASE@/pid
ErrorLog /dev/stderr
DocumentRoot @BASE@
User nobody
SSLSessionCache none
SSLStaplingCache shmcb:@BASE@/stapling(128000)
SSLCipherSuite ALL
"""
    more = {"mutual": f"SSLVerifyClient require\nSSLCACertificateFile {CLIENT_CAS}\n",
            "staple": f"SSLUseStapling on\nSSLStaplingForceURL http://127.0.0.1:{RESPONDER}/\n"}
    return f"""Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
SSLEngine on
SSLProtocol {version}
SSLCertificateFile {pki.path(leaf + ".pem")}
SSLCertificateKeyFile {pki.key(leaf)}
{more.get(ask, "")}</VirtualHost>
"""


def bundle_for_haproxy(leaf, *staple):
    bundle = f"{work}/{leaf}{'-stapled' if staple else ''}.bundle"
    with open(bundle, "w", encoding="ascii") as out:
        out.write(open(pki.path(leaf + ".pem"), encoding="ascii").read() + open(pki.key(leaf), encoding="ascii").read())
    for path in staple:
        shutil.copy(path, bundle + ".ocsp")


def haproxy(port, version, leaf, ask):
    if port is None:
        return """global
  maxconn 200
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend every
  http-request return status 204
"""
    bundle = f"{work}/{leaf}{'-stapled' if ask == 'staple' else ''}.bundle"
    more = f" verify required ca-file {CLIENT_CAS}" if ask == "mutual" else ""
    return f"  bind 127.0.0.1:{port} ssl crt {bundle} ssl-min-ver {version} ssl-max-ver {version} alpn h2,http/1.1{more}\n"


def stunnel(port, version, leaf, ask):
    if port is None:
        return "foreground = yes\npid =\nsyslog = no\ndebug = warning\n"
    more = f"verifyChain = yes\nCAfile = {CLIENT_CAS}\n" if ask == "mutual" else ""
    more += "securityLevel = 0\n" if version in ("TLSv1", "TLSv1.1") else ""
    return f"""[at-{port}]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:1
cert = {pki.path(leaf + ".pem")}
key = {pki.key(leaf)}
sslVersion = {version}
{more}"""


def staples_for_apache():
    """httpd asks a responder for what it staples: openssl's, with the issuer's own key."""
    shutil.copy(pki.path("rsa-good.index"), work + "/responder.index")
    stacks.append(Stack("responder", ["openssl", "ocsp", "-index", work + "/responder.index", "-port", str(RESPONDER), "-CA", pki.path("issuing.one"),
                                      "-rsigner", pki.path("issuing.one"), "-rkey", pki.key("issuing"), "-ndays", "7"], RESPONDER))
    stacks[-1].ready()


RESPONDER = next(free)


def every_server():
    """nginx, httpd, HAProxy, stunnel: TLS 1.0 to 1.3, RSA, ECDSA and Ed25519, client certificates, staples, ALPN"""
    print("nginx", version_of("nginx", "-v"), "httpd", version_of("apache2", "-v"), "HAProxy", version_of("haproxy", "-v"), "stunnel",
          version_of("stunnel4", "-version"))
    staples_for_apache()
    for leaf in "rsa", "weak", "ec", "ed25519":
        bundle_for_haproxy(leaf)
    bundle_for_haproxy("rsa", STAPLE)
    for old, wanted in (False, MODERN), (True, ANCIENT):
        serve("nginx", nginx, lambda conf: ["nginx", "-c", conf, "-e", "stderr"], {"TLSv1.0": "TLSv1"}, wanted, old, tls={"alpn": "h2"}, tail="}\n")
        serve("apache2", apache, lambda conf: ["apache2", "-X", "-f", conf], {"TLSv1.0": "TLSv1"}, wanted, old, tls={"alpn": "http/1.1"},
              stapled={"staple": staple_shown})
        serve("haproxy", haproxy, lambda conf: ["haproxy", "-db", "-f", conf], {"TLSv1.0": "TLSv1.0"}, wanted, old, tls={"alpn": "h2"})
        serve("stunnel", stunnel, lambda conf: ["stunnel4", conf], {"TLSv1.0": "TLSv1"}, [row for row in wanted if row[2] != "staple"], old)
    told = cross_check(pki, stacks, rows)
    holds("no group that OpenSSL 3.0 lacks", {record["tls"].get("group") for record in told.values()} <= {"x25519"})


os.environ["PATH"] += ":/usr/sbin"
main(every_server)
