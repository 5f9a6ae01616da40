#!/bin/bash
# certmuster-ctl(1) is true to --help: every flag and verb of one stands in the other.
. "$(dirname "$0")/common.sh"
manual=$CM_TOP/contrib/man/certmuster-ctl.1
commands=$(certmuster-ctl --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -w)" -ge 9 ] || fail "--help lists only: $commands"
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$manual" >"$dir/synopsis"
for command in $commands; do
    certmuster-ctl "$command" --help >"$dir/help" || fail "$command --help"
    grep -q "^\.Nm certmuster Cm $command\$" "$manual" || fail "$command has no line in the synopsis"
    for flag in $(grep -o '^ *\(-[a-z], \)\?--[a-z-]*' "$dir/help" | grep -o -- '--[a-z-]*'); do
        case $flag in --help|--version|--config|--verbose|--quiet) continue ;; esac
        grep -q "Fl -${flag#--}\>" "$manual" || fail "$command $flag is not in the manual"
        [ "$flag" = --format ] || grep -q "Fl -${flag#--}\>" "$dir/synopsis" || fail "$command $flag is not in the synopsis"
    done
done
for flag in $(grep -o 'Fl -[a-z-]*' "$manual" | sed 's/Fl -/--/' | sort -u); do
    found=
    for command in $commands; do
        ! certmuster-ctl "$command" --help | grep -q -- "$flag\>" || found=1
    done
    [ -n "$found" ] || fail "the manual's $flag is in no --help"
done
certmuster --help >"$dir/front"
for command in $commands; do
    grep -q "^  $command " "$dir/front" || fail "certmuster --help does not list $command"
    grep -qw "$command" "$CM_TOP/contrib/man/certmuster.1" || fail "certmuster(1) does not name $command"
done

# A flag of another verb is refused rather than ignored, before anything is asked of an inventory.
CERTMUSTER_HOME=$dir/none
export CERTMUSTER_HOME
while read -r flag verb words; do
    # shellcheck disable=SC2086 # words are words
    assert_eq "$words" 2 "$(status_of certmuster $words)"
    assert_contains "$words" "$flag does not go with $verb" "$(cat "$dir/err")"
done <<'WORDS'
--every list sweep list --every 24h
--format start sweep start dc1 --format json
--target status sweep status --target 192.0.2.1
--realm delete sweep delete dc1 --realm dmz
--rate create sweep create dc1 --target 192.0.2.1 --rate 5
--limit verify audit verify -n 5
--format export audit export --format json
--days list scanner list --days 5
--out add scanner add a --cert 0 --out .
--cert enrol scanner enrol a --cert 0
--socket disable scanner disable a --socket
--leave-socket revoke scanner revoke a --leave-socket
--realm collector scanner collector a --realm dmz
--note list alert list --note why
--owner show alert show 3fa9c1d2 --owner web
--format test owner test 192.0.2.1 --format json
WORDS
assert_eq "its own flags" 3 "$(status_of certmuster alert unack 3fa9c1d2 --owner web --note over)" # there is no inventory
