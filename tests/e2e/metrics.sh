#!/bin/bash
# profile: release
# What /metrics says, as Prometheus reads it: promtool finds nothing wrong with it, and a Prometheus that scrapes the collector over TLS with a client certificate
# answers with what the inventory holds.
. "$(dirname "$0")/common.sh"

note "an inventory with a bit of everything"
mkdir "$dir/server" "$dir/client"
start_inventory - <<CONF
ca: {dir: $dir/ca}
scanner: local
spool: {dir: $dir/spool}
CONF
certmuster-ctl scanner collector 127.0.0.1 --out "$dir/server" >"$dir/ca.log"
chown --reference="$CERTMUSTER_HOME" "$dir/server/"* # it is read by the account that the collector runs as
cat >>"$CERTMUSTER_HOME/certmuster.yaml" <<CONF
collector: {listen: "127.0.0.1:0", judge_interval: 200ms, tls: {cert: $dir/server/collector.pem, key: $dir/server/collector.key, client_ca: $dir/ca/ca.pem}}
CONF
certmuster down >"$dir/out"
certmuster up >"$dir/up.log" 2>&1 || fail "$(cat "$dir/up.log")"
certmuster scanner enrol prometheus --out "$dir/client" >"$dir/enrol.log"
socket=$(cat "$CERTMUSTER_HOME/sockets")/collectd.sock
start fleet "$CM_FLEET" many --dir "$dir/fleet" --count 64 --base 127.90.0.0
wait_for 10 grep -q '^ready ' "$dir/fleet.log"
port=$(sed -n 's/^ready \([0-9]*\).*/\1/p' "$dir/fleet.log")
certmuster sweep create all-of-it --target "127.90.0.0/26:$port" --shard 16
certmuster sweep start all-of-it
start worker certmuster-submit --config "$CERTMUSTER_HOME/certmuster.yaml" --worker scan
wait_for 30 sh -c 'certmuster sweep status "all-of-it" --format json | grep -q "\"state\": *\"finished\""'
wait_for 20 sh -c '[ "$(curl -sf --unix-socket "'"$socket"'" http://localhost/metrics | sed -n "s/^certmuster_places //p")" = 64 ]'

note "promtool"
curl -sf --unix-socket "$socket" http://localhost/metrics >"$dir/metrics"
promtool check metrics <"$dir/metrics" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
assert_eq "what it would have otherwise" "" "$(cat "$dir/out")"
for name in $(sed -n 's/^# HELP \([^ ]*\).*/\1/p' "$dir/metrics"); do
    grep -q "^# TYPE $name \(gauge\|counter\)$" "$dir/metrics" || fail "$name has no type"
done

note "Prometheus"
tls=$(sed -n 's/.*tls=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$CERTMUSTER_HOME"/log/collectd.log | tail -n 1)
web=$(free_ports 1)
cat >"$dir/prometheus.yml" <<CONF
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: certmuster
    scheme: https
    tls_config: {ca_file: $dir/ca/ca.pem, cert_file: $dir/client/prometheus.pem, key_file: $dir/client/prometheus.key}
    static_configs: [{targets: ["127.0.0.1:$tls"]}]
CONF
promtool check config "$dir/prometheus.yml" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
start prometheus prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/tsdb" --web.listen-address="127.0.0.1:$web"
asked() { # query: the value of its only series
    curl -sfG "http://127.0.0.1:$web/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result | if length == 1 then .[0].value[1] else "\(length) series" end'
}
answers() { [ "$(asked "$1")" = "$2" ]; }
wait_for 30 answers up 1
assert_eq "places" 64 "$(asked certmuster_places)"
assert_eq "certificates" "$(sql "SELECT count(*) FROM certificate")" "$(asked certmuster_certificates)"
assert_eq "of the sweep, by the name of its plan" 64 "$(asked 'certmuster_sweep_last_places{plan="all-of-it", class="certificate"}')"
assert_eq "a version" 1 "$(asked certmuster_build_info)"
assert_eq "scanners" "$(sql "SELECT count(*) FROM scanner")" "$(asked certmuster_scanners)"
assert_eq "trust stores" 1 "$(asked 'certmuster_trust_store_usable{trust_store="system"}')"
assert_eq "clocks" 0 "$(asked certmuster_scanners_skewed)"
assert_eq "days that wait to be folded" 0 "$(asked certmuster_observation_partitions_unfolded)"
sql "UPDATE scanner SET skewed_ms = -86400000 WHERE name = 'prometheus'; SELECT observation_day(current_date - 40);
    UPDATE upkeep SET done_at = 'infinity' WHERE task IN ('partitions', 'fold'); UPDATE upkeep SET reached = ARRAY['2000-01-01'] WHERE task = 'fold'" >"$dir/out"
wait_for 30 answers certmuster_scanners_skewed 1
wait_for 30 answers certmuster_observation_partitions_unfolded 1
sql "UPDATE upkeep SET reached = ARRAY[current_date::text] WHERE task = 'fold'" # tests/e2e/fold.py has the collector do it

note "certmuster status counts as it does: neither what is gone nor where only other assets are"
mkdir "$dir/keys"
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/keys/lone.key"
certmuster crawl -q "$dir/keys" >"$dir/out" # delivers it, too
gone() { sql "UPDATE location_state SET gone_at = $1 WHERE location_id = (SELECT location_id FROM location WHERE kind = 'endpoint' ORDER BY location_id LIMIT 1)"; }
gone "now()"
assert_eq "rows of location" 65 "$(sql "SELECT count(*) FROM location")"
wait_for 20 answers certmuster_places 63
assert_eq "days that wait to be folded, once they are" 0 "$(asked certmuster_observation_partitions_unfolded)"
assert_contains "status" "$(asked certmuster_certificates) certificates at 63 places" "$(certmuster status)"
gone NULL

note "HAProxy in front, as the manual has it: it asks /healthz with a certificate of its own, and passes TLS through"
{ read -r balancer; read -r counters; } < <(free_ports 2)
mkdir "$dir/balancer"
certmuster scanner enrol balancer --out "$dir/balancer" >"$dir/enrol.log"
cat "$dir/balancer/balancer.pem" "$dir/balancer/balancer.key" >"$dir/both.pem"
manual=$(sed -n '/^frontend collectors/,/^\.Ed/{/^\.Ed/d; p}' "$CM_TOP/contrib/man/certmuster-collectd.1")
assert_contains "the manual's balancer" "mode tcp" "$manual"
{
    printf 'defaults\n    timeout connect 2s\n    timeout client 2m\n    timeout server 2m\n'
    printf 'listen counters\n    mode http\n    bind 127.0.0.1:%s\n    stats enable\n    stats uri /\n' "$counters"
    echo "$manual" | sed "s|bind :8443|bind 127.0.0.1:$balancer|; s|192\.0\.2\.11:8443|127.0.0.1:$tls|; /192\.0\.2\.12/d; s|balancer\.pem|$dir/both.pem|; s|ca\.pem|$dir/ca/ca.pem|"
} >"$dir/haproxy.cfg"
start haproxy haproxy -db -f "$dir/haproxy.cfg"
through() { curl -sf --cert "$dir/client/prometheus.pem" --key "$dir/client/prometheus.key" --cacert "$dir/ca/ca.pem" "https://127.0.0.1:$balancer/healthz" >"$dir/healthy"; }
wait_for 10 sh -c "curl -sf 'http://127.0.0.1:$counters/;csv' | grep -q '^collectors,one,.*,L7OK,'"
wait_for 10 through # who was just enrolled is known within two seconds

note "figures that take long keep nobody from anything: chains are judged, the collector ends, and the server forgets the question"
mkfifo "$dir/hold"
start holder psql -X -q -h "$(cat "$CERTMUSTER_HOME/sockets")" -U certmuster_admin -d certmuster -f "$dir/hold"
exec 8>"$dir/hold"
echo "BEGIN; ALTER VIEW certmuster.browse_certificate SET (security_barrier = false); SELECT 'held';" >&8
wait_for 10 grep -q held "$dir/holder.log"
figures() { sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'certmuster-collectd figures' AND $1"; }
stuck() { [ "$(figures "wait_event_type = 'Lock'")" = 1 ]; }
wait_for 20 stuck
start others "$CM_FLEET" many --dir "$dir/others" --count 32 --base 127.91.0.0
wait_for 10 grep -q '^ready ' "$dir/others.log"
certmuster scan -q "127.91.0.0/27:$(sed -n 's/^ready \([0-9]*\).*/\1/p' "$dir/others.log")" >"$dir/out"
judged() { [ "$(sql "SELECT (SELECT count(*) FROM location) || ' ' || (SELECT count(*) FROM docket) || ' ' || (SELECT count(DISTINCT chain_id) FROM chain_verdict)")" = "97 0 96" ]; }
wait_for 30 judged
stuck || fail "the figures waited no more"
collector=$(cat "$CERTMUSTER_HOME/collectd.pid")
kill "$collector"
wait_for 10 sh -c "! kill -0 $collector 2>/dev/null"
assert_eq "its last word" 1 "$(tail -n 1 "$CERTMUSTER_HOME/log/collectd.log" | grep -c 'stopped.*pid=')"
forgotten() { [ "$(figures true)" = 0 ]; }
wait_for 20 forgotten
exec 8>&-
echo ok
