#!/bin/bash
# Verdicts follow collector.trust_store: a private CA named there makes its chains ok, also when it was named while no collector ran; and
# back, while one runs.
. "$(dirname "$0")/common.sh"
new_key() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes 2>>"$dir/openssl.log"; }
new_key -x509 -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 90 -subj "/CN=Private CA"
new_key -x509 -keyout "$dir/other.key" -out "$dir/other.pem" -days 90 -subj "/CN=Another CA"
new_key -keyout "$dir/leaf.key" -out "$dir/leaf.csr" -subj "/CN=private.example"
openssl x509 -req -in "$dir/leaf.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 30 -out "$dir/leaf.pem" 2>>"$dir/openssl.log"
configure() { printf 'collector: {judge_interval: 200ms, trust_store: "%s"}\n' "$dir/$1"; }
verdict() { sql "SELECT verdict FROM chain_verdict JOIN chain USING (chain_id) JOIN certificate ON sha256 = leaf_sha256 WHERE common_name = 'private.example'"; }
is() { [ "$(verdict)" = "$1" ]; }

note "an anchor that is another's"
cp "$dir/other.pem" "$dir/store.pem"
start_inventory - <<<"$(configure store.pem)"
certmuster crawl "$dir/leaf.pem" >"$dir/crawl.log" 2>&1 || { cat "$dir/crawl.log"; fail "crawl"; }
wait_for 20 is unable_to_get_issuer_cert_locally

note "the right one, configured while nothing ran"
certmuster down >"$dir/down.log"
configure ca.pem >"$CERTMUSTER_HOME/certmuster.yaml"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up"; }
wait_for 20 is ok
judged() { sql "SELECT max(verified_at) FROM chain_verdict"; }
before=$(judged)

note "the same again: nothing is verified twice"
certmuster down >"$dir/down.log"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up again"; }
crossed() { [ "$(sql "SELECT count(*) FROM chain_verdict")" = 2 ]; }
certmuster crawl "$dir/other.pem" >"$dir/crawl.log" 2>&1 || { cat "$dir/crawl.log"; fail "crawl"; }
wait_for 20 crossed
assert_eq "verified at" "$before" "$(sql "SELECT min(verified_at) FROM chain_verdict")"

note "and back, by a new file under the running collector"
cp "$dir/other.pem" "$dir/new.pem"
mv "$dir/new.pem" "$dir/ca.pem"
wait_for 20 is unable_to_get_issuer_cert_locally

note "one that cannot be loaded: the old one judges on; nothing does after a new start, and chains wait; /metrics, /healthz and status tell of both"
socket=$(cat "$CERTMUSTER_HOME/sockets")/collectd.sock
usable() { [ "$(curl -sf --unix-socket "$socket" http://localhost/metrics | sed -n 's/^certmuster_trust_store_usable{trust_store="system"} //p')" = "$1" ]; }
told() {
    wait_for 20 usable 0
    assert_eq "health" '200 trust stores that cannot be used: system' "$(curl -s -w '%{stderr}%{http_code} ' --unix-socket "$socket" http://localhost/healthz 2>&1 >"$dir/health")$(jq -r .reason "$dir/health")"
    status=0
    certmuster status >"$dir/status" || status=$?
    assert_eq "exit status" 1 "$status"
    assert_contains "status" "trust stores that cannot be used: system (its log says why)" "$(cat "$dir/status")"
}
wait_for 20 usable 1
assert_contains "status" "collector   well" "$(certmuster status)"
rm "$dir/ca.pem"
mkdir "$dir/ca.pem"
told
new_key -x509 -keyout "$dir/more.key" -out "$dir/more.pem" -days 30 -subj "/CN=more.example"
certmuster crawl "$dir/more.pem" >"$dir/crawl.log" 2>&1 || { cat "$dir/crawl.log"; fail "crawl"; }
verdicts() { [ "$(sql "SELECT count(*) FROM chain_verdict")" = "$1" ]; }
wait_for 20 verdicts 3
certmuster down >"$dir/down.log"
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "up with a directory"; }
told
new_key -x509 -keyout "$dir/more.key" -out "$dir/late.pem" -days 30 -subj "/CN=late.example"
certmuster crawl "$dir/late.pem" >"$dir/crawl.log" 2>&1 || { cat "$dir/crawl.log"; fail "crawl"; }
assert_eq "it waits" 1 "$(sql "SELECT count(*) FROM docket")"
rmdir "$dir/ca.pem"
cp "$dir/other.pem" "$dir/ca.pem"
wait_for 20 usable 1
wait_for 20 verdicts 4
assert_contains "status" "collector   well" "$(certmuster status)"
assert_eq "health" null "$(curl -sf --unix-socket "$socket" http://localhost/healthz | jq -r .reason)"
