#!/bin/bash
# profile: release
# A certificate whose names hold escapes, <script>, =cmd() and newlines, taken from the wire through the inventory, is inert in the scan table, the
# record stream, text, CSV, JSON and HTML reports, the evidence, the alert list and the browser. (Mail and webhook: alerts. Chromium: report-html.)
. "$(dirname "$0")/common.sh"
start_inventory
start fleet "$CM_FLEET" serve --dir "$dir/fleet"
wait_for 60 grep -q '^ready ' "$dir/fleet.log"
row=$(awk -F '\t' '$1 ~ /hostile/ { print; exit }' "$dir/fleet/MANIFEST.tsv")
place=$(echo "$row" | awk -F '\t' '{ print $2 ":" $3 }')
sha256=$(echo "$row" | cut -f 4)

certmuster scan --json --no-submit "$place" >"$dir/records"
certmuster scan "$place" >"$dir/table" 2>&1
certmuster report expiring --within 4000d --format text >"$dir/expiring.text"
for format in text csv json ndjson html; do certmuster report inventory --format $format -o "$dir/inventory.$format"; done
certmuster report evidence -o "$dir/evidence"
certmuster alert list --all >"$dir/alerts"
tmux -f /dev/null -S "$dir/tmux" new-session -d -x 100 -y 30 "env LC_ALL=C.UTF-8 certmuster browse"
wait_for 20 sh -c "tmux -S '$dir/tmux' capture-pane -p | grep -q hostile"
tmux -S "$dir/tmux" capture-pane -p >"$dir/browse.list"
tmux -S "$dir/tmux" send-keys Enter
wait_for 20 sh -c "tmux -S '$dir/tmux' capture-pane -p | grep -qi sha-256"
tmux -S "$dir/tmux" capture-pane -p >"$dir/browse.detail"
tmux -S "$dir/tmux" kill-server || true

grep -q "$sha256" "$dir/records" || fail "the hostile certificate was not scanned"
grep -q "$sha256" "$dir/inventory.ndjson" || fail "the hostile certificate is not in the inventory"
/usr/bin/python3 - "$dir" "$sha256" <<'PY'
import csv, glob, html.parser, json, os, sys
dir, sha256 = sys.argv[1:]
files = [f"{dir}/{n}" for n in ("records", "table", "expiring.text", "alerts", "browse.list", "browse.detail")]
files += glob.glob(f"{dir}/inventory.*") + [p for p in glob.glob(f"{dir}/evidence/**", recursive=True) if os.path.isfile(p)]
for path in files:
    text = open(path, "rb").read().decode("utf-8")  # always valid UTF-8
    for c in text:
        n = ord(c)
        assert n in (9, 10, 13) or 32 <= n < 127 or n >= 160, f"{path}: control U+{n:04X}"
        if not path.endswith((".html",)):
            assert not (0x202A <= n <= 0x202E or 0x2066 <= n <= 0x2069), f"{path}: bidirectional override U+{n:04X}"
for path in files:
    if path.endswith(".csv"):
        rows = list(csv.reader(open(path, newline="", encoding="utf-8")))
        assert len({len(r) for r in rows}) == 1, f"{path}: rows of different widths"
        for row in rows:
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r")) and not (cell.startswith("-") and len(cell) > 1 and not cell[1:].isdigit()), f"{path}: formula {cell!r}"
    elif path.endswith((".ndjson", "/records")):
        for line in open(path, encoding="utf-8"):
            json.loads(line)
    elif path.endswith(".json"):
        json.load(open(path, encoding="utf-8"))

class Scripts(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(); self.scripts = []; self.handlers = []
    def handle_starttag(self, tag, attrs):
        if tag == "script": self.scripts.append(dict(attrs).get("type", ""))
        if tag in ("img", "iframe", "object", "embed", "link", "base"): self.handlers.append(tag)
        self.handlers += [k for k, v in attrs if k.startswith("on")]
page = Scripts(); page.feed(open(f"{dir}/inventory.html", encoding="utf-8").read())
assert not page.handlers, f"inventory.html: {page.handlers}"
assert len(page.scripts) <= 3, f"inventory.html: scripts {page.scripts}"
PY
