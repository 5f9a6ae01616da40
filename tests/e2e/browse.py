#!/usr/bin/python3
"""browse in a real terminal, at 80x24 and 200x60, over 100,000 certificates.

Every expectation comes from SQL of our own, not from browse. Measured and printed: how long from a key to the screen, beside psql running
the very statement that browse sent."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browse_fleet_tools import EDGE, Fleet, HOSTILE, IN_USE, list_is_ready, ordered, position, row_names, same_names, say, spelled  # noqa: E402
from browse_tools import BROWSE, Terminal, check  # noqa: E402

SIZES = ((80, 24), (200, 60))


def test_list(fleet, columns, rows):
    """Soonest first: opens where the next one breaks; Home, PgDn and End show what SQL says, row after row, without gap or double."""
    terminal = fleet.browse(columns, rows)
    lines = terminal.wait(list_is_ready)
    check(len(lines) == rows, "every line is used")
    selected = terminal.selected()
    upcoming = spelled(ordered(fleet.pg, "not_after > now() - interval '3 seconds'"))
    check(selected and any(name.startswith(selected.split()[-1][:0] or "") and name[:20] in selected for name in upcoming[:3]),
          f"what breaks next is selected: {selected!r}, expected one of {upcoming[:3]}")
    expired = int(fleet.pg.sql("SELECT count(*) FROM certificate WHERE not_after <= now()"))
    check(abs(position(lines) - expired - 1) <= 2, f"position {position(lines)} after {expired} expired")

    terminal.keys("Home")
    everything = spelled(ordered(fleet.pg, limit=1000))
    page = rows - 4
    terminal.wait(lambda lines: same_names(row_names(lines), everything[:page]) and len(row_names(lines)) == page)
    # A page moves by one line less than it holds.
    for step in range(1, 6):
        terminal.keys("PageDown")
        first = step * (page - 1)
        terminal.wait(lambda lines: same_names(row_names(lines), everything[first:first + page]), 10)
    terminal.keys("PageUp")
    terminal.wait(lambda lines: same_names(row_names(lines), everything[4 * (page - 1):4 * (page - 1) + page]))
    terminal.keys("j", "j", "k", "Down")
    terminal.keys("End")
    last = spelled(ordered(fleet.pg, descending=True, limit=page))[::-1]
    lines = terminal.wait(lambda lines: same_names(row_names(lines), last) and f"{IN_USE:,} of {IN_USE:,}" in lines[-2])
    terminal.keys("Home")
    terminal.wait(lambda lines: f" 1 of {IN_USE:,}" in lines[-2])
    terminal.leave()


def test_unmarked(fleet):
    """What has just vanished and is not marked yet is not shown, and the page is full without it."""
    everything = ordered(fleet.pg, limit=60)
    last = ordered(fleet.pg, descending=True, limit=60)
    hidden = [name for names in (everything, last) for name in names[2:26:3] if names.count(name) == 1 and "Fleet" not in name and HOSTILE.split(";")[0] not in name]
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in hidden)
    spans = f"""sighting s SET closed_at = %s WHERE s.chain_id IN (SELECT ch.chain_id FROM chain ch, certificate c WHERE c.sha256 = ANY (ch.fingerprints) AND NOT c.is_ca
                AND c.display_name IN ({listed})) AND s.closed_at IS %s"""
    fleet.pg.sql("UPDATE " + spans % ("'2001-01-01'", "NULL"))
    try:
        terminal = fleet.browse(80, 24)
        terminal.wait(lambda lines: "expired" in lines[-2])
        for key, names in (("Home", everything), ("End", last)):
            terminal.keys(key)
            left = spelled([name for name in names if name not in hidden])[:20]
            check(len(hidden) > 8 and len(left) == 20, "enough is hidden, and left")
            terminal.wait(lambda lines: same_names(row_names(lines), left if key == "Home" else left[::-1]))
        terminal.leave()
    finally:
        fleet.pg.sql("UPDATE " + spans % ("NULL", "NOT NULL AND s.closed_at = '2001-01-01'"))


def matches(pg, word):
    """How many certificates a plain word finds, by other means than browse's."""
    return int(pg.sql(
        f"SELECT count(*) FROM (SELECT sha256 FROM certificate WHERE concat_ws(' ', subject, issuer, encode(sha256, 'hex')) ILIKE '%{word}%'"
        f" UNION SELECT sha256 FROM certificate_name WHERE name ILIKE '%{word}%'"
        f" UNION SELECT ch.leaf_sha256 FROM chain ch JOIN sighting s USING (chain_id) JOIN place p USING (location_id)"
        f" WHERE concat(p.place, ' ', p.owner) ILIKE '%{word}%') found"))


def test_filter(fleet, columns, rows):
    """Each letter narrows; the count is SQL's; errors stand beside what is typed; Esc brings everything back."""
    terminal = fleet.browse(columns, rows)
    terminal.wait(list_is_ready)
    terminal.keys("/")
    typed = ""
    for letter in "shop77":
        terminal.text(letter)
        typed += letter
        found = matches(fleet.pg, typed) if len(typed) == 6 else None
        if found is not None:
            lines = terminal.wait(lambda lines: f"{found:,} certificate" in lines[0] and lines[-1].startswith("/" + typed))
            check(all(typed in name for name in row_names(lines) if not name.startswith(("Fleet", "…"))), "only what matches is shown")
    # Faster than any answer: typing must not wait for the database.
    terminal.text(" -shop771 owner:web")
    terminal.wait(lambda lines: lines[-1].startswith("/shop77 -shop771 owner:web"), 2)
    terminal.wait(lambda lines: not any("shop771" in name for name in row_names(lines)) and any("shop77" in name for name in row_names(lines)))
    terminal.text(" nosuch:thing")
    terminal.wait("unknown key")
    terminal.keys("C-u")
    terminal.text("zzzz-nothing")
    terminal.wait("Nothing matches")
    terminal.keys("Escape")
    terminal.wait(list_is_ready)
    terminal.keys("s", "s")
    soon = int(fleet.pg.sql("SELECT count(*) FROM certificate WHERE not_after BETWEEN now() AND now() + interval '30 days'"))
    terminal.wait(lambda lines: "within 30 days" in lines[0] and any(f"{n:,} certificates" in lines[0] for n in (soon, soon - 1, soon + 1)))
    terminal.leave()


def open_edge(fleet, terminal):
    terminal.keys("/")
    terminal.text("name:*.edge.fleet.example")
    terminal.wait(lambda lines: "1 certificate" in lines[0] and EDGE in "\n".join(lines[2:]))
    terminal.keys("Enter")
    terminal.wait(lambda lines: not lines[-1].startswith("/"))
    terminal.keys("Enter")
    return terminal.wait(lambda lines: EDGE in lines[0] and any("PLACES  50,000" in line for line in lines))


def test_detail(fleet, columns, rows):
    """The wildcard at 50,000 places: owner, chain, names, places to the last one; resized in the middle of it, and too small."""
    terminal = fleet.browse(columns, rows)
    terminal.wait(list_is_ready)
    text = "\n".join(open_edge(fleet, terminal))
    fingerprint = fleet.pg.sql(f"SELECT encode(sha256, 'hex') FROM certificate WHERE display_name = '{EDGE}'")
    serial = fleet.pg.sql(f"SELECT encode(serial, 'hex') FROM certificate WHERE display_name = '{EDGE}'")
    wanted = ["network", "+49 30 5550 400", "noc@fleet.example", "production, high", "trusted", "Fleet Issuing CA 7", "Fleet Root 1",
              "this one", "tenant1.fleet.example", "more (n)", "Lifetime", "397 days"]
    if rows >= 60:
        wanted += [fingerprint, ":".join(re.findall("..", serial)), "EC P-256", "TLSv1.3", "(edge",
                   "good, next update in", "2999-01-01 00:00:00 UTC", "try_later", "showed that it has the key", "eb1d94daa7e0344597e756a1fb6e7054"]
    for word in wanted:
        check(word in text, f"{word!r} is not on the screen:\n{text}")
    check(re.search(r"edge\d+\.fleet\.example", text), "a place is on the screen")

    for size in ((60, 16), (40, 8), (30, 5), (1, 1), (200, 60), (columns, rows)):
        terminal.resize(*size)
        if size[0] < 40:
            if size[0] >= 20:
                terminal.wait(lambda lines: "terminal too small" in lines[0], 5)
        else:
            terminal.wait(lambda lines: EDGE in lines[0] and "PLACES  50,000" in "\n".join(lines) and len(lines) == size[1], 5)
    terminal.wait(lambda lines: "\n".join(lines).split("Lifetime")[0] == text.split("Lifetime")[0] or "Expires" in lines[1])

    terminal.keys("n")
    terminal.keys("End")
    lines = terminal.wait(lambda lines: re.search(r"to 50,000 of 50,000", lines[-2]), 10)
    last = fleet.pg.sql(f"SELECT p.place FROM place p JOIN sighting s USING (location_id) JOIN chain ch USING (chain_id)"
                        f" WHERE ch.leaf_sha256 = '\\x{fingerprint}' ORDER BY location_id DESC LIMIT 1")
    check(last[:40] in "\n".join(lines), f"the last place {last} is shown")
    terminal.keys("Home")
    terminal.wait(lambda lines: "Expires" in lines[1])
    shown = set()

    def collect(lines):
        """the fingerprint, which stands behind the names"""
        shown.update(re.findall(r"tenant\d+\.fleet\.example", "\n".join(lines)))
        return any(line.startswith(" SHA-256") for line in lines)

    for _ in range(300):
        if collect(terminal.screen()):
            break
        terminal.keys("Down")
    terminal.wait(collect)
    check(len(shown) == 200, f"all names can be scrolled through, {len(shown)} seen")
    terminal.keys("q")
    terminal.wait(lambda lines: "/name:" in lines[0])
    terminal.resize(*SIZES[0] if (columns, rows) != SIZES[0] else SIZES[1])
    terminal.wait(lambda lines: EDGE in "\n".join(lines))
    terminal.leave()


def test_acknowledge(fleet):
    """The note is in the database and on the screen; taken back it is gone; what is not due and who may not are told so."""
    name = fleet.pg.sql("SELECT c.display_name FROM alert a JOIN certificate c USING (sha256) WHERE a.threshold = 3 AND a.resolved_at IS NULL"
                        " AND c.display_name LIKE 'pay%' ORDER BY c.sha256 LIMIT 1")
    state = (f"SELECT acked_by IS NOT NULL, acked_note, acked_threshold FROM alert JOIN certificate c USING (sha256)"
             f" WHERE c.display_name = '{name}'")
    terminal = fleet.browse(80, 24, f"--filter name:{name}")
    terminal.wait(lambda lines: name in lines[2])
    terminal.keys("a")
    terminal.wait(lambda lines: lines[-1].startswith("Acknowledge"))
    terminal.text("turning it “off” tonight")
    terminal.keys("Enter")
    terminal.wait(lambda lines: "Acknowledged: " + name in lines[-2] and any("✓" in line and name[:20] in line for line in lines[2:-2]))
    check(fleet.pg.sql(state) == "t|turning it “off” tonight|3", "in the database: " + fleet.pg.sql(state))
    check(fleet.pg.sql(f"SELECT count(*) FROM alert_event JOIN certificate c USING (sha256) WHERE c.display_name = '{name}'"
                       " AND event = 'acknowledged'") == "1", "the event is written once")
    terminal.keys("Enter")
    terminal.wait("acknowledged by")
    terminal.wait("turning it “off” tonight")
    terminal.keys("h")
    terminal.wait("opened by collector")
    terminal.keys("A")
    terminal.wait(lambda lines: "taken back" in lines[-2] and "✓" not in "\n".join(lines) and "unacknowledged by" in "\n".join(lines))
    check(fleet.pg.sql(state) == "f||", "in the database: " + fleet.pg.sql(state))
    terminal.keys("a")
    terminal.wait(lambda lines: lines[-1].startswith("Acknowledge"))
    terminal.keys("Escape")
    terminal.wait(lambda lines: not lines[-1].startswith("Acknowledge"))
    check(fleet.pg.sql(state) == "f||", "Esc acknowledges nothing")
    terminal.keys("q")
    terminal.wait(lambda lines: lines[1].lstrip().startswith("EXPIRES"))
    terminal.keys("Escape", "G")
    terminal.wait(lambda lines: "Fleet Root" in "\n".join(lines))
    terminal.keys("a", "Enter")
    terminal.wait("Nothing to acknowledge")
    terminal.leave()

    reader = fleet.dir + "/reader.yaml"
    with open(reader, "w", encoding="utf-8") as out:
        out.write(f'dsn: "host={fleet.pg.dir} dbname=certmuster user=certmuster_read"\n')
    terminal = fleet.shell(f"{BROWSE} --config {reader} --filter name:{name}")
    terminal.wait(lambda lines: name in lines[2])
    terminal.keys("a", "Enter")
    terminal.wait("You may not acknowledge")
    check(fleet.pg.sql(state) == "f||", "who may not has not")
    terminal.leave()


def test_hostile(fleet):
    """Names that hold escapes, markup, a formula and a newline are text, in the list and in the detail; columns stay aligned."""
    for columns, rows in SIZES:
        terminal = fleet.browse(columns, rows, "--filter name:owned")
        lines = terminal.wait(lambda lines: "1 certificate" in lines[0] and "owned" in "\n".join(lines[2:]))
        check(lines[2][lines[1].index("NAME"):].startswith("\\x1B[2J\\x1B]0;owned"), lines[2])
        column = lines[1].index("CHAIN")
        wide = sum(1 for c in lines[2] if c in "东京")
        check(lines[2][column - wide:].startswith("ok"), "the columns behind are where their titles are: " + lines[2])
        terminal.keys("Enter")
        terminal.wait(lambda lines: "Subject" in "\n".join(lines) and "owned" in lines[0])
        terminal.keys("n", "n")
        raw = terminal.raw()
        check("owned" in raw and "\x1b]" not in raw and "\x1b[2J" not in raw and "\x07" not in raw, "no sequence came through")
        check(all(re.fullmatch(r"\x1b\[[0-9;]*m|\x0e|\x0f", code) for code in re.findall(r"\x1b\[?[^a-zA-Z]*[a-zA-Z]|\x0e|\x0f", raw)),
              "only attributes are on the screen")
        check("owned" not in terminal.ask("pane_title"), "the title is not theirs")
        terminal.keys("q")
        terminal.wait(lambda lines: lines[1].lstrip().startswith("EXPIRES"))
        terminal.leave()


def test_outage(fleet):
    """PostgreSQL is killed under it, twice: the rows stay, keys work, the status tells, the selection holds, and it comes back by itself."""
    terminal = fleet.browse(200, 60)
    terminal.wait(list_is_ready)
    for mode in ("immediate", "fast"):
        before = position(terminal.screen())
        terminal.keys("PageDown", "Down", "Down", "Down")
        terminal.wait(lambda lines: position(lines) == before + (60 - 4 - 1) + 3)
        chosen = terminal.selected().split()[3:6]
        rows = row_names(terminal.screen())
        fleet.pg.stop(mode)
        terminal.wait("The database is away since", 10)
        check(row_names(terminal.screen()) == rows, "what was there stays")
        began = time.monotonic()
        terminal.keys("Down")
        terminal.wait(lambda lines: terminal.selected().split()[3:6] != chosen, 2)
        terminal.keys("Up")
        terminal.wait(lambda lines: terminal.selected().split()[3:6] == chosen, 2)
        terminal.keys("/")
        terminal.text("payroll")
        terminal.wait(lambda lines: lines[-1].startswith("/payroll"), 2)
        terminal.keys("Escape")
        terminal.keys("a")
        terminal.keys("Enter")
        terminal.wait("Not acknowledged, the database is away", 10)
        say(f"keys while it is away ({mode}): {time.monotonic() - began:.2f} s for two moves, a filter and an acknowledgement")
        fleet.pg.start()
        terminal.wait(lambda lines: "away" not in lines[-2] and "certificates" in lines[0], 20)
        lines = terminal.wait(list_is_ready)
        terminal.keys("r")
        terminal.wait(list_is_ready)
    # Selected stays selected, by certificate and not by line.
    chosen = terminal.selected().split()[3:6]
    fleet.pg.stop("immediate")
    terminal.wait("The database is away since", 10)
    fleet.pg.start()
    fleet.pg.sql("UPDATE certificate SET not_after = now() - interval '1 day' WHERE sha256 IN (SELECT sha256 FROM certificate"
                 " WHERE not_after > now() + interval '40 days' AND NOT is_ca ORDER BY sha256 LIMIT 25)")
    terminal.wait(lambda lines: "away" not in lines[-2], 20)
    terminal.keys("r")
    terminal.wait(list_is_ready)
    check(terminal.selected().split()[3:6] == chosen, f"selected: {terminal.selected()!r}, before: {chosen}")
    terminal.keys("Enter")
    terminal.wait("SHA-256")
    fleet.pg.stop("immediate")
    terminal.wait("The database is away since", 10)
    check("SHA-256" in "\n".join(terminal.screen()), "the detail stays")
    terminal.keys("q")
    terminal.wait(lambda lines: lines[1].lstrip().startswith("EXPIRES"), 2)
    terminal.leave()  # and quits at once, database or not
    fleet.pg.start()


def test_frozen(fleet):
    """A server that accepts and answers nothing: no key waits for it, the status tells, it comes back by itself, and quitting is at once."""
    terminal = fleet.browse(80, 24)
    terminal.wait(list_is_ready)
    rows = row_names(terminal.screen())
    fleet.pg.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        terminal.keys("/")
        terminal.text("sh")
        terminal.wait(lambda lines: lines[-1].startswith("/sh"), 2)
        terminal.wait("loading", 5)
        terminal.text("op")
        terminal.wait(lambda lines: lines[-1].startswith("/shop"), 2)
        check(row_names(terminal.screen()) == rows, "what was there stays")
        terminal.wait("The database is away since", 15)
        say(f"frozen: told after {time.monotonic() - began:.1f} s")
        terminal.text("7")
        terminal.wait(lambda lines: lines[-1].startswith("/shop7"), 2)
    finally:
        fleet.pg.signal(signal.SIGCONT)
    terminal.wait(lambda lines: "away" not in lines[-2] and len(row_names(lines)) > 3 and all("shop7" in name for name in row_names(lines)), 30)
    terminal.keys("Enter")
    terminal.wait(lambda lines: not lines[-1].startswith("/"))
    fleet.pg.signal(signal.SIGSTOP)
    try:
        terminal.keys("s", "s")
        terminal.wait("loading", 5)
        terminal.leave(5)
    finally:
        fleet.pg.signal(signal.SIGCONT)


def test_terminal(fleet):
    """^Z and fg, Ctrl-C, help, a locale without UTF-8, no colours: the terminal is sane afterwards."""
    shell = Terminal(fleet.dir, 80, 24, "bash --norc --noprofile -i", shell=True)
    fleet.terminals.append(shell)
    shell.text(f"PS1='ready> '; {BROWSE} --config {fleet.pg.config} 2>{fleet.dir}/shell.err")
    shell.keys("Enter")
    shell.wait(list_is_ready)
    check(shell.ask("alternate_on") == "1", "browse has a screen of its own")
    shell.keys("C-z")
    shell.wait(lambda lines: "Stopped" in "\n".join(lines))
    check(shell.ask("alternate_on") == "0", "^Z gives the screen back")
    shell.text("fg")
    shell.keys("Enter")
    shell.wait(list_is_ready)
    shell.keys("?")
    shell.wait(lambda lines: "help" in lines[0] and "Acknowledge the expiry alert" in "\n".join(lines))
    shell.keys("q")
    shell.wait(list_is_ready)
    shell.keys("C-c")
    shell.wait(lambda lines: "ready>" in "\n".join(lines[-24:]) and "EXPIRES" not in "\n".join(lines))
    shell.text("echo status $?; stty -a | grep -o '[-]*icanon\\|[-]*echo ' | xargs")
    shell.keys("Enter")
    shell.wait(lambda lines: "status 130" in lines and "icanon echo" in lines)
    check(shell.ask("alternate_on") == "0" and shell.ask("cursor_flag") == "1", "the screen and the cursor are back")
    with open(fleet.dir + "/shell.err", encoding="utf-8") as errors:
        check(errors.read() == "", "nothing on stderr, no leak")
    shell.close()

    terminal = fleet.browse(80, 24, "--filter name:owned", {"LC_ALL": "C", "NO_COLOR": "1"})
    lines = terminal.wait(lambda lines: "owned" in lines[2])
    check("\n".join(lines).isascii(), "without UTF-8 everything is ASCII")
    check(not re.search(r"\x1b\[[0-9;]*3[0-7]", terminal.raw()), "NO_COLOR: no colour")
    terminal.keys("Enter")
    lines = terminal.wait("SHA-256")
    check("\n".join(lines).isascii() and "\\u{4EAC}" in "\n".join(lines), "in the detail as well")
    terminal.keys("q")
    terminal.wait(lambda lines: lines[1].lstrip().startswith("EXPIRES"))
    terminal.leave()
    terminal = fleet.browse(80, 24, "--filter name:owned", {"TERM": "vt100"})
    terminal.wait(lambda lines: "owned" in lines[2])
    terminal.leave()


def test_start(fleet):
    """What stands in the way is one line and a documented exit status."""
    nothing = fleet.dir + "/nothing.yaml"
    with open(nothing, "w", encoding="utf-8") as out:
        out.write(f'dsn: "host={fleet.dir} dbname=certmuster connect_timeout=2"\n')
    with open(fleet.dir + "/none.yaml", "w", encoding="utf-8"):
        pass
    home = f"CERTMUSTER_HOME={fleet.dir}/no-home"
    for command, status, words in (
            (f"{BROWSE} --config {nothing}", 3, "certmuster up"),
            (f"env {home} {BROWSE} --config {fleet.dir}/none.yaml", 3, "certmuster up"),
            (f"TERM=nosuchterminal {BROWSE} --config {fleet.pg.config}", 2, "certmuster report"),
            (f"TERM=dumb {BROWSE} --config {fleet.pg.config}", 2, "certmuster report"),
            (f"{BROWSE} --fliter x", 2, "--filter"),
            (f"{BROWSE} --filter nosuch:x", 2, "unknown key"),
            (f"{BROWSE} --filter nosuch:1", 2, "unknown key: nosuch: keys are name, issuer, place, owner, realm, key, fingerprint, status"),
            (f"{BROWSE} --config {fleet.pg.config} extra", 2, "extra"),
            (f"{BROWSE} --config {fleet.pg.config} </dev/null", 2, "certmuster report"),
            (f"{BROWSE} --config {fleet.pg.config} | cat; exit ${{PIPESTATUS[0]}}", 2, "certmuster report")):
        inner = command.replace("'", "'\\''")
        terminal = fleet.shell(f"bash -c '{inner}'")
        lines = terminal.wait(lambda lines: any(line.startswith("exit ") for line in lines))
        said = terminal.stderr()
        check(f"exit {status}" in lines, f"{command}: {lines[:3]} {said}")
        check(words in said and said.count("\n") == 1, f"{command} says: {said!r}")
        terminal.close()


def psql_time(pg, statement):
    """The statement as browse last sent it, by psql, in ms: best of three (a fresh session each would measure connecting)."""
    found = None
    with open(pg.log, encoding="utf-8", errors="replace") as log:
        text = log.read()
    for match in re.finditer(r"execute <unnamed>: (" + re.escape(statement) + r".*)\n.*?DETAIL:  parameters: (.*)\n", text):
        found = match
    check(found, "browse sent it: " + statement)
    values = re.findall(r"\$\d+ = ('(?:[^']|'')*'|NULL)", found.group(2))
    script = f"SET search_path = certmuster; SET jit = off; PREPARE q AS {found.group(1)};"
    out = pg.psql("-c", script, *["-c", "\\timing on"], *(["-c", f"EXECUTE q({', '.join(values)})"] * 3))
    return min(float(ms) for ms in re.findall(r"Time: ([\d.]+) ms", out))


def test_latency(fleet):
    """From the key to the screen: opening, a page, a filter. Printed beside psql; bounded generously against a machine that hangs."""
    measured = []

    def measure(what, act, shows, statement):
        began = time.monotonic()
        act()
        terminal.wait(shows, 20)
        took = (time.monotonic() - began) * 1000
        psql = psql_time(fleet.pg, statement)
        measured.append(took)
        say(f"{what}: {took:.0f} ms to the screen, psql {psql:.0f} ms, ratio {took / psql:.1f}")

    began = time.monotonic()
    terminal = fleet.browse(80, 24)
    terminal.wait(lambda lines: len(lines) == 24 and len(row_names(lines)) == 20)
    took = (time.monotonic() - began) * 1000
    psql = psql_time(fleet.pg, "WITH page")
    say(f"from the start of the program to the list: {took:.0f} ms, psql {psql:.0f} ms for half of the page, ratio {took / psql:.1f}")
    terminal.wait(list_is_ready)
    measure("End", lambda: terminal.keys("End"), lambda lines: "Fleet Root" in "\n".join(lines), "WITH page")
    measure("Home", lambda: terminal.keys("Home"), lambda lines: " 1" == lines[-2][:2] and "Fleet Root" not in "\n".join(lines), "WITH page")
    terminal.keys("/")
    measure("filter by a plain word", lambda: terminal.text("shop777"),
            lambda lines: len(row_names(lines)) > 3 and all("shop777" in name for name in row_names(lines)), "WITH page")
    terminal.keys("C-u")
    terminal.wait(list_is_ready)
    measure("filter by name", lambda: terminal.text("name:shop777"),
            lambda lines: len(row_names(lines)) > 3 and all("shop777" in name for name in row_names(lines)), "WITH page")
    check(max(measured) < 10_000, f"no key takes 10 s: {measured}")
    terminal.keys("Enter")
    terminal.wait(lambda lines: not lines[-1].startswith("/"))
    terminal.leave()


def main():
    if not shutil.which("tmux"):
        print("skipped: tmux is not installed")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended then, too
    fleet = Fleet()
    try:
        steps = [(test_start, ()), *[(test, size) for size in SIZES for test in (test_list, test_filter, test_detail)],
                 (test_unmarked, ()), (test_acknowledge, ()), (test_hostile, ()), (test_terminal, ()), (test_frozen, ()), (test_latency, ()), (test_outage, ())]
        only = sys.argv[1:]
        unknown = set(only) - {test.__name__ for test, _ in steps}
        if unknown:
            raise SystemExit(f"there is no test {', '.join(sorted(unknown))}")
        for test, arguments in steps:
            if only and test.__name__ not in only:
                continue
            began = time.monotonic()
            test(fleet, *arguments)
            say(f"{test.__name__}{arguments} ok, {time.monotonic() - began:.1f} s")
    finally:
        fleet.remove()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        raise
