"""For the tests of browse: an inventory of 100,000 certificates, terminals on it, and what stands in their lists."""
import os
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browse_tools import BROWSE, TOP, Postgres, Terminal  # noqa: E402

CERTIFICATES = 100_000
IN_USE = CERTIFICATES + 10
EDGE = "*.edge.fleet.example"
HOSTILE = "\\x1B[2J\\x1B]0;owned\\x07<script>alert(1)</script>=cmd()\\x0A东京"


def say(text):
    print("--- " + text, flush=True)


def row_names(lines):
    """The names in the list. A name starts where its title does and ends at the first blank (none of ours holds one) or the cut."""
    if "NAME" not in lines[1]:
        return []
    start = lines[1].index("NAME")
    # Columns are counted, not characters: a wide character before would shift, but nothing wide stands before the name.
    return [line[start:].split(" ")[0].rstrip("…") for line in lines[2:-2] if line[start:].strip()]


def position(lines):
    """The number of the selected row, from the status line."""
    found = re.match(r" ?([\d,]+) of", lines[-2])
    return int(found.group(1).replace(",", "")) if found else -1


def same_names(shown, expected):
    return len(shown) > 0 and all(e.startswith(s) for s, e in zip(shown, expected)) and len(shown) <= len(expected)


def ordered(pg, where="true", descending=False, limit=200):
    """Names by expiry as the screen spells them, straight from the table."""
    direction = "DESC" if descending else "ASC"
    return [name.replace("\\", "\\\\") for name in pg.column(
        f"SELECT CASE WHEN display_name LIKE '%owned%' THEN '{HOSTILE.split(';')[0]}' ELSE display_name END FROM certificate"
        f" WHERE {where} ORDER BY not_after {direction}, sha256 {direction} LIMIT {limit}")]


def spelled(names):
    return [name.replace("\\\\", "\\") for name in names]


class Fleet:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="t.", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.dir, 0o755)
        self.pg = Postgres(self.dir)
        self.terminals = []
        began = time.monotonic()
        self.pg.psql("-v", f"certificates={CERTIFICATES}", "-f", TOP + "/tests/data/browse-fleet.sql")
        say(f"{CERTIFICATES} certificates loaded in {time.monotonic() - began:.1f} s")

    def browse(self, columns=80, rows=24, arguments="", environment=None):
        terminal = Terminal(self.dir, columns, rows, f"{BROWSE} --config {self.pg.config} {arguments}", environment)
        self.terminals.append(terminal)
        return terminal

    def shell(self, script):
        terminal = Terminal(self.dir, 80, 24, script)
        self.terminals.append(terminal)
        return terminal

    def remove(self):
        for terminal in self.terminals:
            terminal.close()
        self.pg.remove()
        shutil.rmtree(self.dir, ignore_errors=True)


def list_is_ready(lines):
    """the list with its total"""
    return f"{IN_USE:,} certificates" in lines[0] and "expired" in lines[-2]
