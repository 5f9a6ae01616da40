#!/bin/bash
# The private inventory: up twice, down twice, several at once; what is killed is repaired; another process that got an old number is left alone; as
# root under an account of its own, and as an ordinary user; homes that are too deep, unreachable or somebody else's.
. "$(dirname "$0")/common.sh"
[ "$(id -u)" -eq 0 ] || skip "needs root to use several accounts"
# The build may lie where an ordinary user cannot search.
mkdir "$dir/bin"
for program in certmuster certmuster-ctl certmuster-collectd certmuster-scan certmuster-crawl certmuster-submit; do cp "$CM_BIN/$program" "$dir/bin/"; done
PATH=$dir/bin:$PATH
home=$dir/home
export CERTMUSTER_HOME=$home
inventory=1
postmaster() { head -n 1 "$CERTMUSTER_HOME/postgres/postmaster.pid"; }
collector() { cat "$CERTMUSTER_HOME/collectd.pid"; }
account_of() { stat -c %U "/proc/$1"; }
# Processes of this home: the server and its children by their directory, the collector by its environment.
left_running() {
    local pid
    for pid in $(ls /proc | grep '^[0-9]*$'); do
        if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$1/postgres" ] || { [ "$(basename "$(readlink "/proc/$pid/exe" 2>/dev/null)")" = certmuster-collectd ] &&
            tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "CERTMUSTER_HOME=$1"; }; then
            grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null || echo "$pid"
        fi
    done
}
gone() { [ -z "$(left_running "$1")" ]; }

note "as root: everything runs as its account, which owns the home"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up"; }
assert_eq "owner of the home" certmuster "$(stat -c %U "$home")"
assert_eq "account of PostgreSQL" certmuster "$(account_of "$(postmaster)")"
assert_eq "account of the collector" certmuster "$(account_of "$(collector)")"
assert_eq "no TCP" "" "$(sql "SHOW listen_addresses")"
assert_eq "checksums" on "$(sql "SHOW data_checksums")"
assert_eq "fsync" on "$(sql "SHOW fsync")"
assert_eq "encoding" UTF8 "$(sql "SHOW server_encoding")"
assert_eq "status" 0 "$(status_of certmuster status)"
assert_contains "status" "collector   well" "$(cat "$dir/out")"
curl -sf --unix-socket "$(cat "$home/sockets")/collectd.sock" http://localhost/healthz >/dev/null || fail "/healthz"

note "scanners that systemd starts as root have the rights to write to a spool in the account's home, the first time and again"
mkdir "$dir/tree" && echo nothing >"$dir/tree/file"
for unit in "worker@" sweep; do
    rights=$(sed -n 's/^CapabilityBoundingSet=//p' "$CM_TOP/contrib/systemd/certmuster-$unit.service" | tr 'A-Z' 'a-z' | sed 's/cap_/+/g; s/ /,/g')
    assert_contains "rights" "+dac_read_search,+sys_ptrace," "$rights"
    for words in "scan 127.0.0.1:1" "crawl $dir/tree"; do
        # shellcheck disable=SC2086 # words are words
        assert_eq "$unit: $words" 0 "$(status_of setpriv --no-new-privs --bounding-set="-all,$rights" certmuster $words)"
    done
done
assert_eq "what they found arrived" "crawl 2,scan 2" "$(sql "SELECT string_agg(source || ' ' || n, ',') FROM (SELECT source, count(*) AS n FROM certmuster.run WHERE finished_at IS NOT NULL GROUP BY 1 ORDER BY 1) r")"
assert_eq "nothing is left in a spool" "" "$(ls -A "$home/spool" "$home/spool-crawl" | grep -v ':$' | grep . || true)"

note "again: nothing is restarted"
first="$(postmaster) $(collector)"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "second up"; }
assert_eq "same processes" "$first" "$(postmaster) $(collector)"

note "--quiet: what acts says nothing, what was asked for is told, and status is an exit status"
silent() { # status words…
    assert_eq "${*:2}" "$1" "$(status_of "${@:2}")"
    assert_eq "${*:2}: silent" "" "$(cat "$dir/out" "$dir/err")"
}
silent 0 certmuster up -q
silent 0 certmuster status --quiet
silent 0 certmuster migrate -q
silent 0 certmuster sweep create hushed --target 127.0.0.1 -q
silent 0 certmuster sweep delete hushed -q
assert_contains "a list" no "$(certmuster sweep list -q)"
assert_contains "a key" certmuster "$(certmuster config -q up.user)"
assert_eq "errors" 1 "$(status_of certmuster sweep delete hushed -q)"
assert_contains "errors" "there is no sweep plan" "$(cat "$dir/err")"

note "installed anew: the collector is replaced, PostgreSQL is not"
cp "$dir/bin/certmuster-collectd" "$dir/bin/new" && mv "$dir/bin/new" "$dir/bin/certmuster-collectd"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up after an update"; }
assert_contains "collector" "restarted" "$(grep ^collector "$dir/up.log")"
assert_contains "PostgreSQL" "was running" "$(grep ^PostgreSQL "$dir/up.log")"

note "other accounts cannot connect"
! setpriv --reuid=nobody --regid=nogroup --clear-groups psql -X -h "$(cat "$home/sockets")" -U certmuster_read -d certmuster -c 'SELECT 1' >"$dir/out" 2>&1 ||
    fail "nobody may connect"

note "an administrator who runs up through sudo may use it from then on, and so may those before"
as_account() { setpriv --reuid="$1" --regid=nogroup --clear-groups "${@:2}"; }
SUDO_UID=$(id -u nobody) certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up through sudo"; }
wait_for 5 as_account nobody psql -X -h "$(cat "$home/sockets")" -U certmuster_operate -d certmuster -c 'SELECT 1'
as_account nobody curl -sf --unix-socket "$(cat "$home/sockets")/collectd.sock" -H 'Content-Type: application/json' -d '[]' -o /dev/null -w '%{http_code}' http://localhost/v1/missing >"$dir/out" || true
assert_not_contains "the collector lets them speak" 403 "$(cat "$dir/out")"
as_account daemon curl -s --unix-socket "$(cat "$home/sockets")/collectd.sock" -H 'Content-Type: application/json' -d '[]' -o /dev/null -w '%{http_code}' http://localhost/v1/missing >"$dir/out" || true
assert_eq "but not a third" 403 "$(cat "$dir/out")"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up by root again"; }
assert_contains "nobody new, nothing restarted" "collector   was running" "$(cat "$dir/up.log")"
as_account nobody psql -X -q -h "$(cat "$home/sockets")" -U certmuster_read -d certmuster -c 'SELECT 1' >/dev/null || fail "the first administrator was forgotten"
! as_account daemon psql -X -h "$(cat "$home/sockets")" -U certmuster_read -d certmuster -c 'SELECT 1' >"$dir/out" 2>&1 || fail "a third may connect"

note "killed: PostgreSQL, then the collector, then both"
sql "CREATE TABLE certmuster.kept (x int); INSERT INTO certmuster.kept VALUES (1)"
kill -9 "$(postmaster)"
degraded() { [ "$(status_of certmuster status)" -eq 1 ] && grep -q 'HTTP 503' "$dir/out"; }
wait_for 20 degraded
! grep -q '^$' "$dir/out" || fail "an empty line: $(cat "$dir/out")"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up after PostgreSQL was killed"; }
assert_eq "data" 1 "$(sql "SELECT x FROM certmuster.kept")"
killed=$(collector)
kill -9 "$killed"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up after the collector was killed"; }
[ "$(collector)" != "$killed" ] || fail "the collector was not started again"
kill -9 "$(postmaster)" "$(collector)"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up after both were killed"; }
assert_eq "data" 1 "$(sql "SELECT x FROM certmuster.kept")"
assert_eq "status" 0 "$(status_of certmuster status)"

note "stopped processes do not answer: the collector is replaced"
kill -STOP "$(collector)"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up with a stopped collector"; }
assert_eq "status" 0 "$(status_of certmuster status)"

note "down leaves no process, and its data; twice is fine"
certmuster down >"$dir/down.log" || fail "down"
gone "$home" || fail "still running: $(ps -o pid,args -p "$(left_running "$home" | paste -sd,)")"
certmuster down >"$dir/down.log" || fail "second down"
assert_contains "second down" "was not running" "$(cat "$dir/down.log")"
silent 0 certmuster down -q
silent 1 certmuster status -q
assert_eq "status" 1 "$(status_of certmuster status)"

note "as after a reboot: every pid file names a stranger, who is left alone"
start stranger setpriv --reuid=certmuster --regid=certmuster --clear-groups sleep 600
stranger=$started
printf '%s\n%s\n0\n5432\n%s\n\n0 0\nready\n' "$stranger" "$home/postgres" "$home/run" >"$home/postgres/postmaster.pid"
echo "$stranger" >"$home/collectd.pid"
echo "$stranger 1 00000000-0000-0000-0000-000000000000" >"$home/collectd.pid.identity"
chown certmuster: "$home/postgres/postmaster.pid" "$home/collectd.pid" "$home/collectd.pid.identity"
certmuster down >"$dir/down.log" || fail "down with strangers' numbers"
kill -0 "$stranger" || fail "down ended a stranger"
echo "$stranger" >"$home/collectd.pid"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up with strangers' numbers"; }
kill -0 "$stranger" || fail "up ended a stranger"
assert_eq "data" 1 "$(sql "SELECT x FROM certmuster.kept")"
certmuster down >"$dir/down.log" || fail "down"

note "five at once: one inventory"
runners=
for i in 1 2 3 4 5; do
    certmuster up >"$dir/many.$i.log" 2>&1 &
    runners="$runners $!"
done
for runner in $runners; do wait "$runner" || { cat "$dir"/many.*.log; fail "one of five failed"; }; done
assert_eq "servers" 1 "$(cat "$dir"/many.*.log | sed -n 's/^PostgreSQL .*pid //p' | sort -u | wc -l)"
assert_eq "collectors" 1 "$(cat "$dir"/many.*.log | sed -n 's/^collector .*pid //p' | sort -u | wc -l)"
certmuster down >"$dir/down.log"

note "a home deeper than a socket's path may be"
deep=$dir/$(printf 'd%.0s' $(seq 60))/$(printf 'e%.0s' $(seq 60))/home
export CERTMUSTER_HOME=$deep
mkdir -p "$deep/ca" "$deep/spool" "$deep/spool-crawl" "$deep/spool-watch" # as scanner collector, scan, crawl and watch leave them, run before up
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up in a deep home"; }
sockets=$(cat "$deep/sockets")
[ "${#sockets}" -lt 93 ] || fail "socket directory too long: $sockets"
assert_eq "status" 0 "$(status_of certmuster status)"
certmuster up >"$dir/up.log" 2>&1 || fail "up again in a deep home"
assert_eq "the same socket directory" "$sockets" "$(cat "$deep/sockets")"
certmuster down >"$dir/down.log"
gone "$deep" || fail "left running"
rm -rf "$sockets"

note "a home whose name means something to libpq, to PostgreSQL's settings and to a shell; an environment that leads elsewhere"
export CERTMUSTER_HOME="$dir/m y's \\\"\$(x)\`ü"
elsewhere=(PGHOSTADDR=127.9.9.9 PGHOST=/nowhere PGPORT=1 PGOPTIONS=-cnonsense=1 PGREQUIREPEER=nobody PGTARGETSESSIONATTRS=standby PGCHANNELBINDING=require PGDATA=/nowhere PGUSER=nobody)
for turn in first second; do
    env "${elsewhere[@]}" certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "$turn up in a home that is hard to quote"; }
    assert_eq "its sockets" "$CERTMUSTER_HOME/run" "$(cat "$CERTMUSTER_HOME/sockets")"
    assert_eq "status" 0 "$(status_of env "${elsewhere[@]}" certmuster status)"
    assert_contains "status" "database    PostgreSQL" "$(cat "$dir/out")"
    assert_eq "scan" 0 "$(status_of env "${elsewhere[@]}" certmuster scan 127.0.0.1:1)"
    assert_eq "scanners" 0 "$(status_of env "${elsewhere[@]}" certmuster scanner list)"
    certmuster down >"$dir/down.log" || fail "down"
    gone "$CERTMUSTER_HOME" || fail "left running"
done
CERTMUSTER_HOME=$dir/a,b
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up in a home that libpq takes for two"; }
sockets=$(cat "$CERTMUSTER_HOME/sockets")
assert_not_contains "sockets elsewhere" , "$sockets"
certmuster down >"$dir/down.log" && rm -rf "$sockets"
CERTMUSTER_HOME=$dir/$'two\nlines'
assert_eq "no name of two lines" 3 "$(status_of certmuster up)"
assert_contains "why" "control character" "$(cat "$dir/err")"
[ ! -e "$CERTMUSTER_HOME" ] || fail "made all the same"

note "an ordinary user, whom only a number tells apart from root"
user_home=$dir/user
mkdir -p "$user_home"
chown nobody:nogroup "$user_home"
export CERTMUSTER_HOME=$user_home/home
as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups env -u XDG_RUNTIME_DIR HOME="$user_home" "$@"; }
as_nobody certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up as an ordinary user"; }
assert_eq "account" nobody "$(account_of "$(postmaster)")"
assert_eq "account" nobody "$(account_of "$(collector)")"
as_nobody certmuster status >"$dir/out" || { cat "$dir/out"; fail "status as an ordinary user"; }
assert_eq "root may look" 0 "$(status_of certmuster status)"

note "what waits and what was refused; what cannot be looked into is not called empty"
waiting=$dir/waiting run=01890a5d-ac96-774b-bcce-b302099a8057
mkdir -m 700 "$waiting" "$waiting/rejected" "$waiting/refused"
printf 'spool: {dir: %s}\n' "$waiting" >"$dir/waiting.yaml"
touch "$waiting/old.seg.txt"
certmuster status --config "$dir/waiting.yaml" >"$dir/out"
assert_contains "what has another name is no segment" "spool       empty, $waiting" "$(cat "$dir/out")"
assert_not_contains "nothing was refused" "refused" "$(cat "$dir/out")"
for number in 1 2; do head -c 1500 /dev/zero >"$waiting/$run-$number.seg"; done
touch "$waiting/rejected/$run-3.seg.ndjson" "$waiting/refused/$run-4.seg" "$waiting/refused/$run-4.seg.reason"
certmuster status --config "$dir/waiting.yaml" >"$dir/out"
assert_contains "waiting" "spool       2 segments, 3 KiB wait for delivery, $waiting" "$(cat "$dir/out")"
assert_contains "refused" "refused     2 files, 0 KiB, and why, $waiting/rejected and /refused" "$(cat "$dir/out")"
as_nobody certmuster status --config "$dir/waiting.yaml" >"$dir/out"
assert_contains "locked" "spool       UNKNOWN: cannot read the spool: $waiting: Permission denied" "$(cat "$dir/out")"
chmod 755 "$waiting"
as_nobody certmuster status --config "$dir/waiting.yaml" >"$dir/out"
assert_contains "half locked" "spool       2 segments" "$(cat "$dir/out")"
assert_contains "half locked" "refused     UNKNOWN: cannot look into it: $waiting/rejected: Permission denied" "$(cat "$dir/out")"
assert_eq "root's up leaves it to its owner" 3 "$(status_of certmuster up)"
assert_contains "why" "belongs to another account" "$(cat "$dir/err")"
as_nobody certmuster down >"$dir/down.log" || fail "down as an ordinary user"
gone "$CERTMUSTER_HOME" || fail "left running"

note "a user may not stop root's, and is told what to type"
export CERTMUSTER_HOME=$home
assert_eq "status" 3 "$(status_of as_nobody certmuster down)"
assert_contains "advice" "use sudo" "$(cat "$dir/err")"

note "refused in one line: a directory with other things, an unreachable parent, a relative path, a configured dsn, a wrong operand"
refuse() { # what needle
    assert_eq "$1: status" "${3:-3}" "$(status_of certmuster up)"
    assert_contains "$1" "$2" "$(cat "$dir/err")"
    assert_eq "$1: one line" 1 "$(wc -l <"$dir/err")"
}
mkdir -p "$dir/other" && touch "$dir/other/thesis.tex"
export CERTMUSTER_HOME=$dir/other
refuse "other things" "thesis.tex"
assert_eq "left alone" root "$(stat -c %U "$dir/other")"
mkdir -p "$dir/locked" && chmod 700 "$dir/locked"
export CERTMUSTER_HOME=$dir/locked/home
refuse "unreachable" "cannot search $dir/locked"
export CERTMUSTER_HOME=relative/home
refuse "relative" "absolute path"
mkdir -p "$dir/dsn"
echo 'dsn: "host=/nowhere dbname=x"' >"$dir/dsn/certmuster.yaml"
export CERTMUSTER_HOME=$dir/dsn
refuse "dsn" "dsn is configured"
printf 'up:\n  user: root\n' >"$dir/dsn/certmuster.yaml"
refuse "root as the account" "must not be root"
printf 'up:\n  usr: x\n' >"$dir/dsn/certmuster.yaml"
refuse "a wrong key" "up.usr"
assert_eq "operand" 2 "$(status_of certmuster up now)"
assert_eq "flag" 2 "$(status_of certmuster up --databse-only)"
assert_contains "did you mean" "--database-only" "$(cat "$dir/err")"

if unshare -m true 2>/dev/null; then
    note "without PostgreSQL's programs: which package to install"
    export CERTMUSTER_HOME=$dir/without
    assert_eq "status" 3 "$(status_of unshare -m sh -c "mount -t tmpfs none /usr/lib/postgresql && PATH=$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin certmuster up")"
    assert_contains "package" "install postgresql" "$(cat "$dir/err")"
    export CERTMUSTER_HOME=$home
    assert_eq "status" 3 "$(status_of unshare -m sh -c "mount -t tmpfs none /usr/lib/postgresql && PATH=$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin certmuster up")"
    assert_contains "package of the data's version" "install postgresql-$(cat "$home/postgres/PG_VERSION")" "$(cat "$dir/err")"
fi

if unshare -m true 2>/dev/null; then
    note "root's usual home, on a machine without anything in /var/lib and /run"
    unshare -m sh -c "mount -t tmpfs none /var/lib && mount -t tmpfs none /run && unset CERTMUSTER_HOME && certmuster up && certmuster status &&
        stat -c '%n %U %a' /var/lib/certmuster /run/certmuster && certmuster down" >"$dir/out" 2>&1 || { cat "$dir/out"; fail "the usual home"; }
    assert_contains "sockets" "sockets     /run/certmuster" "$(cat "$dir/out")"
    assert_contains "home" "/var/lib/certmuster certmuster 755" "$(cat "$dir/out")"
    assert_contains "status" "collector   well, unix:/run/certmuster/collectd.sock" "$(cat "$dir/out")"
    assert_contains "stopped" "PostgreSQL  stopped" "$(cat "$dir/out")"
fi

note "the front program"
assert_eq "unknown" 2 "$(status_of certmuster staus)"
assert_contains "did you mean" "did you mean status?" "$(cat "$dir/err")"
assert_eq "one line" 1 "$(wc -l <"$dir/err")"
assert_eq "help" 0 "$(status_of certmuster --help)"
assert_contains "teaches" "certmuster up" "$(cat "$dir/out")"
assert_eq "help of a command" 0 "$(status_of certmuster help up)"
assert_contains "help of a command" "--database-only" "$(cat "$dir/out")"
assert_eq "version" 0 "$(status_of certmuster --version)"
export CERTMUSTER_HOME=$home
