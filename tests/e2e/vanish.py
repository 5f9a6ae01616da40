#!/usr/bin/python3
"""A collector that vanishes in the middle of a request, with its machine or the network between: submit notices, within a bounded time, and goes to another that has its address;
one that is only slow is waited for. In network namespaces of its own."""
import os, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import new_run, run_record
from common import equal, wait_until
from netns_tools import BIN, Namespace, connect, main, work

# Answers /v1/missing at once; keeps the first batch for argv[2] seconds, the others it answers. One line of output for each batch that came.
SERVER = """
import http.server, ssl, sys, threading, time
slow = [float(sys.argv[2])]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"missing":[]}'
        if self.path == "/v1/batches":
            print("batch", flush=True)
            time.sleep(slow.pop() if slow else 0)
            body = b'{"stored":1,"rejected":[]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("10.9.0.1", 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/server.pem", sys.argv[1] + "/server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
"""


def serve(namespace, name, slow_s):
    path = f"{work}/{name}"
    server = namespace.start("/usr/bin/python3", "-c", SERVER, work, str(slow_s), stdout=open(path, "w"))
    wait_until(name, lambda: "ready" in open(path).read())
    return server, lambda: open(path).read().count("batch")


def submit(namespace, name):
    config, records = f"{work}/{name}.yaml", f"{work}/{name}.ndjson"
    with open(config, "w") as file:
        file.write(f"scanner: local\nhost: scanner.example.org\nsubmit:\n  tls:\n    ca: {work}/server.pem\n")
    with open(records, "w") as file:
        file.write(run_record(new_run(), "started") + "\n")
    return namespace.start(BIN + "/certmuster-submit", "--config", config, "--to", "https://10.9.0.1:8443", "--wait", "110", records)


def prepare():
    global one, two, three
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/server.key", "-out", f"{work}/server.pem",
                    "-days", "30", "-subj", "/CN=collector", "-addext", "subjectAltName=IP:10.9.0.1"], check=True, capture_output=True)
    one, two = Namespace(), Namespace()
    connect(one, two)


def test_vanish():
    """the machine of the collector goes while a batch is under way, and another one takes its address; meanwhile one that takes 25 s for its answer is waited for"""
    prepare()
    third, fourth = Namespace(), Namespace()
    connect(third, fourth)
    _, slow_batches = serve(third, "slow", 25)
    waiting = submit(fourth, "waiting")
    _, batches = serve(one, "first", 1000)
    began = time.monotonic()
    sending = submit(two, "sending")
    wait_until("the batch", lambda: batches() == 1)
    one.run("ip", "link", "delete", "veth0")  # both ends: no packet says that it is over
    wait_until("the connection to be given up", lambda: ":8443" not in two.run("ss", "-tnH", "state", "established"), 45)
    other = Namespace()
    connect(other, two)
    _, again = serve(other, "second", 0)
    equal("delivered", 0, sending.wait(80))
    equal("to the other one", 1, again())
    print(f"noticed and delivered after {time.monotonic() - began:.1f} s")
    equal("by the slow one", 0, waiting.wait(80))
    equal("to the slow one, once", 1, slow_batches())


main(test_vanish)
