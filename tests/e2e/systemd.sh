#!/bin/bash
# The units as `make install` leaves them: systemd finds nothing wrong with them, and the daemon's sandbox stays tight.
. "$(dirname "$0")/common.sh"
command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
prefix=$dir/prefix
mkdir -p "$prefix/bin" "$dir/units"
for program in ctl collectd scan crawl watch submit; do ln -s /bin/true "$prefix/bin/certmuster-$program"; done
for unit in "$CM_TOP"/contrib/systemd/*.service "$CM_TOP"/contrib/systemd/*.timer; do
    sed "s|@PREFIX@|$prefix|g" "$unit" >"$dir/units/${unit##*/}"
    ! grep -n '@[A-Z]*@' "$dir/units/${unit##*/}" || fail "a placeholder is left in ${unit##*/}"
done
cd "$dir/units"
for unit in *; do
    note "$unit"
    SYSTEMD_UNIT_PATH=$dir/units:/lib/systemd/system systemd-analyze verify --man=no "./$unit" >"$dir/verify" 2>&1 ||
        fail "$unit: $(cat "$dir/verify")"
    # verify warns, with status 0, of settings that it does not know.
    ! grep -F "$unit" "$dir/verify" || fail "systemd warns of $unit"
done
note "sandbox"
score=$(systemd-analyze security --offline=true ./certmuster-collectd.service 2>/dev/null | sed -n 's/.*exposure level for certmuster-collectd.service: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
[ -n "$score" ] || fail "systemd-analyze security gives no score"
[ "$score" -le 20 ] || fail "certmuster-collectd.service is exposed: $score tenths"
note "every program that a unit starts is one that make install leaves"
for program in $(grep -ho '@PREFIX@/bin/[a-z-]*' "$CM_TOP"/contrib/systemd/* | sort -u | sed 's|.*/||'); do
    grep -qw "${program#certmuster-}" <(sed -n 's/^PROGRAMS := //p' "$CM_TOP/Makefile") || fail "$program is no program of ours"
done
note "every page of the manual that a unit names is one of ours, in its section"
for page in $(sed -n 's/^Documentation=//p' "$CM_TOP"/contrib/systemd/* | tr ' ' '\n' | sort -u); do
    page=${page#man:}
    name=${page%(*} section=${page#*(}
    [ -f "$CM_TOP/contrib/man/$name.${section%)}" ] || fail "there is no $page"
done
note "the sweep's command for directories takes those that exist, and only those"
command=$(sed -n "s|^ExecStart=/bin/sh -c '\(set --.*\)'\$|\1|p" certmuster-sweep.service | sed 's/\$\$/$/g')
[ -n "$command" ] || fail "no such command in the unit"
rm "$prefix/bin/certmuster-crawl"
printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$prefix/bin/certmuster-crawl"
chmod 755 "$prefix/bin/certmuster-crawl"
/bin/sh -c "$command" >"$dir/paths"
grep -qx /etc/ssl "$dir/paths" || fail "/etc/ssl is not crawled: $(cat "$dir/paths")"
while read -r path; do [ -d "$path" ] || fail "$path does not exist"; done <"$dir/paths"
