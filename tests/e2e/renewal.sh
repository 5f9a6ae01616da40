#!/bin/bash
# From the wire to the alert and back: a server whose certificate expires in 5 days is scanned, its owner is told once; it gets a new certificate,
# is scanned once more, and the alert is over.
. "$(dirname "$0")/common.sh"
read -r port hook <<<"$(free_ports 2 | xargs)"
start_inventory - <<YAML
collector.judge_interval: 250ms
alerts:
  interval: 1s
  timeout: 2s
YAML
cat >"$dir/listener.py" <<'PY'
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(body["event"], body.get("resolution", "-"), body["certificate"]["sha256"], body["owner"]["name"], body["threshold_days"], *body["places"], flush=True)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
start webhook /usr/bin/python3 "$dir/listener.py" "$hook"
printf 'owners:\n  web: {webhook: "http://127.0.0.1:%s/x"}\nrules:\n  - {name: "*.renew.example", owner: web}\n' "$hook" >"$dir/owners.yaml"
certmuster owner load "$dir/owners.yaml" >"$dir/load.log"

mkdir "$dir/ca" && : >"$dir/ca/index" && echo 01 >"$dir/ca/serial"
cat >"$dir/ca/conf" <<CONF
[ca]
default_ca = d
[d]
database = $dir/ca/index
new_certs_dir = $dir/ca
serial = $dir/ca/serial
default_md = sha256
policy = p
unique_subject = no
[p]
commonName = supplied
CONF
echo "subjectAltName = DNS:www.renew.example" >"$dir/ca/ext"
new_key() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes 2>>"$dir/openssl.log"; }
new_key -x509 -keyout "$dir/ca/key" -out "$dir/ca/pem" -days 900 -subj "/CN=Renewal CA"
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
listen() { # which of the certificates made
    start server openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$dir/$1.pem" -key "$dir/$1.key"
    server=$started
    wait_for 10 listening
}
quit() { kill "$server" && wait "$server" 2>/dev/null || true; }
serve() { # its name, not before, not after, in days from now; its fingerprint in $served
    new_key -new -keyout "$dir/$1.key" -out "$dir/request.pem" -subj "/CN=www.renew.example"
    openssl ca -batch -notext -config "$dir/ca/conf" -cert "$dir/ca/pem" -keyfile "$dir/ca/key" -in "$dir/request.pem" -out "$dir/$1.pem" -extfile "$dir/ca/ext" \
        -startdate "$(date -u -d "$2 days" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$3 days" +%Y%m%d%H%M%SZ)" >>"$dir/openssl.log" 2>&1 || fail "openssl ca"
    served=$(openssl x509 -in "$dir/$1.pem" -outform der | sha256sum | cut -c1-64)
    listen "$1"
}
scan() { certmuster scan --timeout 10 "www.renew.example@127.0.0.1:$port" >"$dir/scan.log" 2>&1 || { cat "$dir/scan.log"; fail "scan"; }; }
told() { grep -q "$1" "$dir/webhook.log"; }

note "5 days are left: told, with place and owner"
serve old -85 5
old=$served
scan
wait_for 30 told "^told - $old web 7 127.0.0.1:$port (www.renew.example)"
scan
assert_eq "alerts" "$old" "$(certmuster alert list --format json | jq -r '.[].sha256')"

note "renewed: over after one more scan"
quit
serve new 0 90
scan
wait_for 30 told "^resolved renewed $old web"
assert_eq "open alerts" "[]" "$(certmuster alert list --format json)"
assert_contains "history" "resolved: renewed" "$(certmuster alert list --all)"
assert_eq "messages" 2 "$(wc -l <"$dir/webhook.log")"

note "runs: three, finished, everything they counted is stored"
assert_eq "runs" "finished 1 1 0 1 0" "$(certmuster run list --format json | jq -r '.[] | "\(.state) \(.targets) \(.ok) \(.failed) \(.stored_ok) \(.stored_failed)"' | sort -u)"
assert_eq "count" 3 "$(certmuster run list --format json | jq length)"
assert_eq "limited" 1 "$(certmuster run list -n 1 --format json | jq length)"
assert_contains "for people" "1 + 0" "$(certmuster run list)"
assert_contains "its scanner" "enabled" "$(certmuster scanner list)"
assert_eq "status" 0 "$(status_of certmuster status)"
assert_contains "nothing waits" "spool       empty" "$(cat "$dir/out")"

note "a balancer that shows the old one again and both in turns: open again, and no flapping; over when three runs missed the old one"
due() { sql "SELECT count(*) FROM expiry_due"; }
turn() { quit; listen "$1"; scan; }
turn old
assert_eq "due, shown again" 1 "$(due)"
turn new
assert_eq "due, in turns" 1 "$(due)"
turn old
turn new
assert_eq "due, in turns again" 1 "$(due)"
scan
scan
assert_eq "due, missed by three runs" 0 "$(due)"
over() { [ "$(certmuster alert list --format json)" = "[]" ]; }
wait_for 30 over
