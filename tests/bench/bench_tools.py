"""What benchmarks of the scanner share: fleets to measure against, a child's cost by getrusage(2), targets, and a table that knows its goals."""
import contextlib
import os
import resource
import statistics
import subprocess
import time

BASE = (127 << 24) + (128 << 16) + 1
TICK = os.sysconf("SC_CLK_TCK")


def address(i):
    return ".".join(str(BASE + i >> shift & 255) for shift in (24, 16, 8, 0))


def raise_descriptors():
    """As many descriptors as we may have; those that are started inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def process_cpu(pid):
    """User and system seconds that a running process has used; those of the children that it waited for are not in it."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid, field):
    """A field of /proc/PID/status in bytes; None when the process has gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


class Cost:
    """Seconds: CPU of the client and what it started, CPU of the fleet meanwhile, wall clock. Bytes: the client's largest resident set. rounds: of a
    median, the Costs that it was taken of, in their order."""

    def __init__(self, client, fleet, wall, memory=0, rounds=()):
        self.client, self.fleet, self.wall, self.memory, self.rounds = client, fleet, wall, memory, rounds


def run(arguments, fleet=None, output=subprocess.DEVNULL, status=(0,), source=subprocess.DEVNULL):
    """Runs a client to its end and returns its Cost. wait4(2) tells what it used itself, to the microsecond."""
    served = process_cpu(fleet.pid) if fleet else 0
    began = time.monotonic()
    process = subprocess.Popen(arguments, stdin=source, stdout=output, stderr=subprocess.DEVNULL)
    _, ended, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode not in status:
        raise SystemExit(f"{' '.join(arguments)}: ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, process_cpu(fleet.pid) - served if fleet else 0, wall, used.ru_maxrss * 1024)


class Fleet:
    """certmuster-fleet many: COUNT endpoints on one port, a certificate for each; more: canned answers, or which real handshakes."""

    def __init__(self, build, work, count, *more):
        self.work = work
        arguments = [build + "/tests/fleet/certmuster-fleet", "many", "--dir", work + "/fleet", "--count", str(count), *more]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.pid = self.process.pid

    def targets(self, count):
        """A file of the first count places, `ip:port` a line."""
        path = f"{self.work}/targets-{self.port}-{count}"
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.writelines(f"{address(i)}:{self.port}\n" for i in range(count))
        return path

    def end(self):
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def fleet_of(build, work, count, *more):
    """A Fleet that is ended afterwards."""
    fleet = Fleet(build, work, count, *more)
    try:
        yield fleet
    finally:
        fleet.end()


def interleave(rounds, clients):
    """Runs each of {name: function that returns (Cost, endpoints)} in turn, rounds times over, every second round backwards, so that what
    changes on the machine meanwhile meets all of them alike. Returns {name: Cost per endpoint}, medians."""
    samples = {name: [] for name in clients}
    for i in range(rounds):
        for name in list(clients)[::-1 if i % 2 else 1]:
            cost, endpoints = clients[name]()
            samples[name].append((cost.client / endpoints, cost.fleet / endpoints, cost.wall / endpoints, cost.memory))
    return {name: Cost(*(statistics.median(column) for column in zip(*rows)), [Cost(*row) for row in rows]) for name, rows in samples.items()}


def ratios(cost, least, what):
    """Median, lowest and highest of how many times more of `what` ("client", "wall") one took than another in the same round of interleave: what changes on the
    machine from round to round meets both."""
    each = [getattr(a, what) / getattr(b, what) for a, b in zip(cost.rounds, least.rounds)]
    return statistics.median(each), min(each), max(each)


class Table:
    """Prints rows as they come and remembers whether a goal was missed."""

    def __init__(self, judge):
        self.judge, self.missed = judge, 0

    def head(self, title, *columns):
        print(f"\n{title:44}" + "".join(f"{column:>13}" for column in columns), flush=True)

    def row(self, name, cells, value=None, limit=None, at_least=False, what=""):
        """A line; with a limit, value is judged by it: at most, or at least. what: value in words."""
        verdict = f"   {what}" if what else ""
        if limit is not None:
            good = value >= limit if at_least else value <= limit
            self.missed += self.judge and not good
            goal = f"{what} (goal: {'at least' if at_least else 'at most'} {limit:g})"
            verdict = f"   {goal}: {'ok' if good else 'MISSED' if self.judge else 'not judged'}"
        print(f"  {name:42}" + "".join(f"{cell:>13}" if isinstance(cell, str) else f"{cell:13.1f}" for cell in cells) + verdict, flush=True)

    def note(self, text):
        print("  " + text, flush=True)
