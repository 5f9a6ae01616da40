"""Network namespaces that a test makes for itself, and certmuster-watch in them. Needs root. Not a test itself."""
import json
import os
import signal
import subprocess
import sys
import tempfile

import jsonschema

from common import equal, holds, note, play_parts, wait_until

TOP, BIN, FLEET = os.environ["CM_TOP"], os.environ["CM_BIN"], os.environ["CM_FLEET"]
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
os.chmod(work, 0o755)
os.environ["CERTMUSTER_HOME"] = work + "/no-home"
started = []
schema = jsonschema.Draft202012Validator(json.load(open(TOP + "/contrib/schema/record-v1.schema.json", encoding="utf-8")))


def skip(why):
    print("skipped: " + why)
    sys.stdout.flush()
    os._exit(77)


def start(*command, **more):
    process = subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, **more})
    started.append(process)
    return process


def stop(process, number=signal.SIGTERM, seconds=60):
    process.send_signal(number)
    status = process.wait(seconds)
    if process in started:
        started.remove(process)
    return status


class Namespace:
    """A network namespace, held by a process of ours."""

    def __init__(self):
        self.holder = start("unshare", "--net", "sleep", "3000")
        own = os.readlink("/proc/self/ns/net")
        wait_until("the namespace", lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own)
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "--net", *words]

    def run(self, *words, **more):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, **{"stdin": subprocess.DEVNULL, **more})
        if done.returncode:
            raise AssertionError(f"{words}: exit {done.returncode}: {done.stdout} {done.stderr}")
        return done.stdout

    def start(self, *words, **more):
        return start(*self.command(*words), **more)


def connect(here, there, link="veth0", network="10.9.0"):
    """A veth pair between two namespaces: .1 here, .2 there."""
    here.run("ip", "link", "add", link, "type", "veth", "peer", "name", link, "netns", str(there.holder.pid))
    for namespace, last in ((here, 1), (there, 2)):
        namespace.run("ip", "address", "add", f"{network}.{last}/24", "dev", link)
        namespace.run("ip", "link", "set", link, "up")


def serves(namespace, address, port):
    probe = f"import socket; socket.create_connection(('{address}', {port}), 1).close()"
    return subprocess.run(namespace.command("/usr/bin/python3", "-c", probe), capture_output=True).returncode == 0


SENDER = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
for frame in sys.stdin.read().split():
    wire.send(bytes.fromhex(frame))
"""


def send_frames(namespace, link, frames):
    namespace.run("/usr/bin/python3", "-c", SENDER, link, stdin=None, input="\n".join(frame.hex() for frame in frames))


def status_of(pid):
    lines = open(f"/proc/{pid}/status", encoding="utf-8").read().splitlines()
    return {line.split(":", 1)[0]: line.split(":", 1)[1].split() for line in lines}


class Watch:
    """certmuster-watch in a namespace. nsenter becomes it, so its pid is that of the process."""

    def __init__(self, namespace, *words, program=None, config="", json_out=True, env=None, stdout=None, stderr=None, ignored=()):
        self.name = tempfile.mktemp(dir=work)
        with open(self.name + ".yaml", "w", encoding="utf-8") as file:
            file.write("host: watch.example\n" + config)
        self.out, self.err = open(self.name + ".out", "w+"), open(self.name + ".err", "w+")
        words = [program or BIN + "/certmuster-watch", "--config", self.name + ".yaml", *(["--json"] if json_out else []), *words]
        self.process = start(*namespace.command(*words), stdout=stdout or self.out, stderr=stderr or self.err, env={**os.environ, **(env or {})},
                             preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in ignored])
        self.pid = self.process.pid
        self.user = int(subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True).stdout)
        wait_until("watch to give up its rights", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"watch ended: {self.process.returncode} {self.said()}")
        status = status_of(self.pid)
        return status["Seccomp"] == ["2"] and status["Uid"][0] == str(self.user)

    def said(self):
        return open(self.name + ".err", encoding="utf-8").read()

    def records(self, kind=None):
        text = open(self.name + ".out", encoding="utf-8").read()
        records = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [record for record in records if kind is None or record["type"] == kind]

    def stop(self, number=signal.SIGTERM):
        status = stop(self.process, number)
        if "Sanitizer" in self.said():
            raise AssertionError(self.said())
        return status

    def validate(self):
        for record in self.records():
            wrong = next(schema.iter_errors(record), None)
            holds("the schema", wrong is None, wrong and wrong.message, record)


def main(*tests):
    if os.geteuid() != 0:
        skip("needs root to make network namespaces")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        skip("this machine lets nobody make network namespaces")
    play_parts(tests, started)
