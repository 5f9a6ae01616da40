"""What the tests of browse share: a private PostgreSQL with a fleet in it, and a real terminal (tmux) to look at browse in.

Nothing here sleeps for luck: Terminal.wait looks at the screen until it shows what is expected, and says what it shows when it does not."""
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
import time

TOP = os.environ.get("CM_TOP") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CM_BIN", TOP + "/build/asan")
PG_BIN = "/usr/lib/postgresql/15/bin"
BROWSE = BIN + "/certmuster-browse"


def check(condition, what):
    if not condition:
        raise AssertionError(what)


class Postgres:
    """A cluster of its own on a unix socket, owned by an unprivileged account, trusting every role."""

    def __init__(self, directory):
        self.account = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        # A socket's path holds 107 bytes: not under a deep TMPDIR.
        self.dir = tempfile.mkdtemp(prefix="cm-browse-pg.", dir="/tmp")
        os.chmod(self.dir, 0o700)
        if os.getuid() == 0:
            shutil.chown(self.dir, self.account)
            os.chmod(self.dir, 0o755)
        self.log = self.dir + "/log"
        self.config = directory + "/certmuster.yaml"
        self.run("initdb", "-D", self.dir + "/data", "-U", "certmuster_admin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f'dsn: "host={self.dir} dbname=certmuster"\n')
        self.start()
        self.sql("CREATE DATABASE certmuster", database="postgres")
        subprocess.run([BIN + "/certmuster-ctl", "migrate", "--config", self.config], check=True, stdout=subprocess.DEVNULL)

    def run(self, program, *arguments):
        command = [f"{PG_BIN}/{program}", *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", self.account, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        self.run("pg_ctl", "-D", self.dir + "/data", "-w", "-s", "-l", self.log, "-o",
                 f"-k {self.dir} -c listen_addresses= -c fsync=off -c log_min_duration_statement=0 -c max_wal_size=4GB", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.dir + "/data", "-w", "-s", "-m", mode, "stop")

    def signal(self, number):
        """To the postmaster and every process of it: SIGSTOP makes a server that neither answers nor goes away."""
        with open(self.dir + "/data/postmaster.pid", encoding="utf-8") as file:
            pids = [int(file.readline())]
        children = subprocess.run(["pgrep", "-P", str(pids[0])], capture_output=True, encoding="utf-8", check=False).stdout
        for pid in pids + [int(line) for line in children.split()]:
            os.kill(pid, number)

    def psql(self, *arguments, database="certmuster"):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-U", "certmuster_admin", "-d", database,
                               *arguments], check=True, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL).stdout

    def sql(self, text, database="certmuster"):
        return self.psql("-c", "SET search_path = certmuster", "-c", text, database=database).rstrip("\n")

    def column(self, text):
        return self.sql(text).split("\n")

    def remove(self):
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass  # a test that failed while it was stopped
        if not os.environ.get("KEEP_PG"):
            shutil.rmtree(self.dir, ignore_errors=True)


class Terminal:
    """browse (or a shell) in a tmux of its own."""

    def __init__(self, directory, columns, rows, command, environment=None, shell=False):
        self.socket = tempfile.mktemp(prefix="cm-tmux.", dir="/tmp")
        self.errors = tempfile.mktemp(prefix="stderr.", dir=directory)
        words = {"TERM": "screen-256color", "LC_ALL": "C.UTF-8", **(environment or {})}
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in words.items())
        where = "" if shell else f"2>{self.errors}"  # an interactive shell talks on stderr
        script = f"before=$(stty -g); {words} {command} {where}; echo \"exit $?\"; [ \"$before\" = \"$(stty -g)\" ] && echo sane; exec cat"
        # tmux itself must speak UTF-8 whatever browse is told.
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), script)

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *arguments], check=True, capture_output=True, encoding="utf-8",
                              errors="surrogateescape", env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def text(self, text):
        self.tmux("send-keys", "-l", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self):
        return self.tmux("capture-pane", "-p").split("\n")[:-1]

    def raw(self):
        """With the attributes, as escape sequences that tmux writes."""
        return self.tmux("capture-pane", "-p", "-e")

    def ask(self, variable):
        return self.tmux("display-message", "-p", "#{" + variable + "}").rstrip("\n")

    def wait(self, what, seconds=20):
        """Until the screen holds it (a text, or a function of the lines that answers true). The lines."""
        until = time.monotonic() + seconds
        found = what if callable(what) else lambda lines: what in "\n".join(lines)
        while True:
            lines = self.screen()
            if found(lines):
                return lines
            if time.monotonic() > until:
                name = what if isinstance(what, str) else getattr(what, "__doc__", None) or what.__name__
                errors = open(self.errors, encoding="utf-8", errors="replace").read() if os.path.exists(self.errors) else ""
                raise AssertionError(f"waited {seconds} s in vain for: {name}\n" + "\n".join("    |" + line for line in lines) + "\n" + errors)
            time.sleep(0.01)

    def selected(self):
        """The text of the selected row: the one that is turned round, the title apart."""
        for line in self.raw().split("\n")[1:]:
            if re.match(r"(\x1b\[[0-9;]*m)*\x1b\[[0-9;]*7m", line) or re.match(r"^\x1b\[[0-9;]*\b7\b", line):
                return re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip()
        return None

    def stderr(self):
        with open(self.errors, encoding="utf-8", errors="replace") as errors:
            return errors.read()

    def leave(self, seconds=15):
        """Quits from the list; browse must have ended well and given the terminal back as it was."""
        self.keys("q")
        lines = self.wait(lambda lines: "sane" in lines, seconds)  # on a screen without an alternate, what was there stays above
        check(any(line.endswith("exit 0") for line in lines), "browse ended otherwise: " + repr(lines[:5]) + self.stderr())
        check(self.stderr() == "", "on stderr: " + self.stderr())
        self.close()

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)
        if os.path.exists(self.socket):
            os.unlink(self.socket)

