#!/bin/bash
# profile: release
# What `make install` puts below DESTDIR works from there, has its manual pages, and names no path of the tree it was built in.
. "$(dirname "$0")/common.sh"
make --no-print-directory -C "$CM_TOP" BUILD="$(dirname "$CM_RELEASE")" DESTDIR="$dir/root" PREFIX=/usr install >"$dir/install.log" 2>&1 || fail "make install"
root=$dir/root/usr
for program in certmuster certmuster-scan certmuster-crawl certmuster-submit certmuster-collectd certmuster-ctl certmuster-report certmuster-browse; do
    [ -x "$root/bin/$program" ] || fail "no bin/$program"
    [ -s "$root/share/man/man1/$program.1" ] || fail "no manual page of $program"
    assert_contains "$program --version" "certmuster" "$("$root/bin/$program" --version)"
    help=$("$root/bin/$program" --help)
    assert_contains "$program --help" "$program" "$help"
    # Every long flag of --help stands in the manual page.
    for flag in $(echo "$help" | grep -oE -- '--[a-z][a-z-]+' | sort -u); do
        sed 's/\\-/-/g; s/\\&//g' "$root/share/man/man1/$program.1" | grep -qF -- "${flag#--}" || fail "$program.1 does not tell $flag"
    done
    assert_eq "$program --no-such-flag" 2 "$(status_of "$root/bin/$program" --no-such-flag)"
    assert_eq "lines that it takes to say so" 1 "$(wc -l <"$dir/err")"
done
[ -s "$root/share/certmuster/record-v1.schema.json" ] || fail "no schema"
cmp -s "$CM_TOP/contrib/openapi.yaml" "$root/share/doc/certmuster/openapi.yaml" || fail "no openapi.yaml"
# What the collector serves stands in its --help and its manual page as the description has it.
for path in $(sed -n 's|^  \(/[^:]*\):$|\1|p' "$CM_TOP/contrib/openapi.yaml" | sed 's/{lease}/ID/'); do
    "$root/bin/certmuster-collectd" --help | tr -s ' \n' '  ' | grep -qE " $path([,.]| )" || fail "certmuster-collectd --help does not tell $path"
    grep -qE "$path( |\$)" "$root/share/man/man1/certmuster-collectd.1" || fail "certmuster-collectd.1 does not tell $path"
done
grep -rq '@PREFIX@' "$root/lib/systemd" && fail "a service unit still says @PREFIX@"
grep -q /usr/bin/certmuster-collectd "$root/lib/systemd/system/certmuster-collectd.service" || fail "the unit does not name the installed collector"
# A host that only scans needs neither libpq nor ncurses.
for program in certmuster-scan certmuster-crawl; do
    ldd "$root/bin/$program" | grep -E 'libpq|ncurses' && fail "$program links what a scanning host need not have"
done
listening=$("$root/bin/certmuster" scan --json --no-submit --timeout 2 127.0.0.1:1)
assert_contains "the installed front runs the installed scanner" '"error":"refused"' "$listening"
