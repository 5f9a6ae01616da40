#!/bin/bash
# certmuster-crawl over the public test corpora: every fingerprint that their EXPECTED.tsv names must be found, in PEM, DER and PKCS#12. What is not
# found is listed; nothing is excused.
. "$(dirname "$0")/common.sh"
corpora=$(cd "${CM_SHARED:-$CM_TOP/../shared}/corpora" 2>/dev/null && pwd -P) || skip "no corpora; set CM_SHARED"
[ -r "$corpora/certs/EXPECTED.tsv" ] || skip "no corpora at $corpora; set CM_SHARED"
export CERTMUSTER_HOME=$dir/no-home

# file<TAB>fingerprint of every certificate that a stream saw, paths relative to $2
found() {
    jq -r --arg root "$2/" 'select(.type == "sighting") | .file.path as $p | .chain[] | ($p | ltrimstr($root)) + "\t" + .' "$1" | sort -u
}
compare() { # what expected found
    comm -23 "$2" "$3" >"$dir/missing"
    echo "$1: $(wc -l <"$2") expected, $(wc -l <"$dir/missing") missing, $(wc -l <"$3") found"
    [ "$(wc -l <"$2")" -ge "$4" ] || fail "$1: fewer than $4 expected: not the corpus that this test knows"
    [ ! -s "$dir/missing" ] || { head -n 40 "$dir/missing"; fail "$1: not all were found"; }
}

note "certificates"
began=$(date +%s%N)
status=$(status_of certmuster-crawl --json --no-submit "$corpora/certs")
took=$((($(date +%s%N) - began) / 1000000))
# 1: two PKCS#12 files of OpenSSL's own tests have passwords that are in no list; two keys are damaged on purpose.
assert_eq status 1 "$status"
cp "$dir/out" "$dir/certs.ndjson"
found "$dir/certs.ndjson" "$corpora/certs" >"$dir/found"
for part in zlint openssl gnutls golang x509-limbo badkeys-weak; do
    grep -v '^#' "$corpora/certs/EXPECTED.tsv" | awk -F'\t' -v p="$part/" 'index($1, p) == 1 { print $1 "\t" $4 }' | sort -u >"$dir/expected"
    grep "^$part/" "$dir/found" >"$dir/part"
    case $part in zlint) least=1300 ;; openssl) least=200 ;; *) least=1 ;; esac
    compare "$part" "$dir/expected" "$dir/part" "$least"
done
echo "$(find "$corpora/certs" -type f | wc -l) files in $took ms"
echo "failures: $(jq -r 'select(.type == "failure") | .error' "$dir/certs.ndjson" | sort | uniq -c | xargs)"

note "PKCS#12 among the keystores"
cut -f3 "$corpora/keystores/PASSWORDS.tsv" | grep -v '^password\|^<' | sort -u >"$dir/words"
assert_eq status 1 "$(status_of certmuster-crawl --json --no-submit --passwords "$dir/words" "$corpora/keystores")"
found "$dir/out" "$corpora/keystores" >"$dir/found"
awk -F'\t' '$2 == "PKCS12" { print $1 "\t" $6 }' "$corpora/keystores/EXPECTED.tsv" | sort -u >"$dir/expected"
compare "PKCS#12" "$dir/expected" "$dir/found" 40
assert_eq "of the PKCS#12 files, those made to be damaged" "bad1.p12 bad2.p12 bad3.p12" \
    "$(jq -r 'select(.type == "failure" and .error != "unsupported") | .file.path | split("/")[-1]' "$dir/out" | sort | xargs)"
