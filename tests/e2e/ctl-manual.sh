#!/bin/bash
# certmuster-ctl(1) is true to --help: every flag and verb of one stands in the other.
. "$(dirname "$0")/common.sh"
manual=$CM_TOP/contrib/man/certmuster-ctl.1
commands=$(certmuster-ctl --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -w)" -ge 9 ] || fail "--help lists only: $commands"
for command in $commands; do
    certmuster-ctl "$command" --help >"$dir/help" || fail "$command --help"
    grep -q "^\.Nm certmuster Cm $command\$" "$manual" || fail "$command has no line in the synopsis"
    for flag in $(grep -o '^ *\(-[a-z], \)\?--[a-z-]*' "$dir/help" | grep -o -- '--[a-z-]*'); do
        case $flag in --help|--version|--config|--verbose|--quiet) continue ;; esac
        grep -q "Fl -${flag#--}\|Fl n " "$manual" || fail "$command $flag is not in the manual"
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
