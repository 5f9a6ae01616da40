#!/bin/bash
# certmuster-crawl over generated trees: hostile names, links, special files, permissions, passwords, damage; and over the system's CA bundle,
# every root of which is counted.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/no-home
tree=$dir/tree
mkdir -p "$tree"

# The stream's records of one type, as TSV of jq paths.
records() { jq -r "select(.type == \"$2\") | [$3] | map(tostring) | @tsv" "$1"; }
fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f; }
certificate() { # name subject
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" -out "$dir/$1.pem" -days 90 \
        -subj "$2" -addext "basicConstraints=critical,CA:FALSE" 2>/dev/null
}
validate() {
    /usr/bin/python3 - "$CM_TOP/contrib/schema/record-v1.schema.json" "$dir/out" <<'PY' || fail "the stream breaks its schema"
import json, sys, jsonschema
validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for line in open(sys.argv[2]):
    validator.validate(json.loads(line))
PY
}
crawl() { status_of certmuster-crawl --json "$@"; }

note "a chain, its key, and a root on its own"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 90 -subj "/CN=Crawl CA" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/leaf.key" -subj "/CN=leaf.example" 2>/dev/null |
    openssl x509 -req -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial 7 -days 30 -out "$dir/leaf.pem" 2>/dev/null
certificate single "/CN=single.example"
cat "$dir/leaf.pem" "$dir/leaf.key" "$dir/ca.pem" >"$tree/haproxy.cfg"
cp "$dir/ca.pem" "$tree/root"
assert_eq status 0 "$(crawl "$tree")"
assert_eq "sightings" "haproxy.cfg 1 stored $(fingerprint "$dir/leaf.pem"),$(fingerprint "$dir/ca.pem")
root 1 trust $(fingerprint "$dir/ca.pem")" \
    "$(records "$dir/out" sighting '(.file.path | split("/")[-1]), .file.entry, .role, (.chain | join(","))' | tr '\t' ' ' | sort)"
spki=$(openssl pkey -in "$dir/leaf.key" -pubout -outform DER | sha256sum | cut -d' ' -f1)
assert_eq "key" "key-1 pkcs8 false $spki EC 256" "$(records "$dir/out" key '.file.entry, .kind, .encrypted, .spki_sha256, .key.alg, .key.bits' | tr '\t' ' ')"
assert_eq "run" "2 2 0" "$(jq -r 'select(.state == "finished") | "\(.targets) \(.ok) \(.failed)"' "$dir/out")"
assert_eq "one certificate record each" 2 "$(grep -c '"type":"certificate"' "$dir/out")"
validate
body=$(sed -n 2p "$dir/leaf.key")
assert_not_contains "the key itself" "$body" "$(cat "$dir/out" "$dir/err")"

note "file names and contents that would hurt a terminal"
evil=$(printf 'new\nline \033[31m\033]0;owned\007 <script> =cmd().pem')
cp "$dir/single.pem" "$tree/$evil"
printf -v latin 'M\374ller.pem' # not UTF-8
cp "$dir/single.pem" "$tree/$latin"
certificate nasty "/O=$(printf '\033[2J')/CN=<script>=cmd()"
cp "$dir/nasty.pem" "$tree/nasty"
assert_eq status 0 "$(crawl "$tree")"
assert_eq "the name, as JSON" "$tree/$evil" "$(jq -rj --arg f "$(fingerprint "$dir/single.pem")" 'select(.type == "sighting" and .chain[0] == $f and (.file.path | contains("new"))) | .file.path' "$dir/out")"
validate
assert_eq "every line is JSON" "$(wc -l <"$dir/out")" "$(jq -c . "$dir/out" | wc -l)"
assert_eq status 0 "$(status_of certmuster-crawl "$tree")"
if LC_ALL=C grep -aq "$(printf '[\001-\010\013-\037\177]')" "$dir/out"; then fail "a raw control in the table"; fi
assert_contains "escaped" '\x1B[31m' "$(cat "$dir/out")"
rm "$tree/$evil" "$tree/$latin" "$tree/nasty"

note "links, loops, fifos, devices, sockets"
mkdir "$tree/sub" "$dir/outside"
cp "$dir/single.pem" "$dir/outside/not-in-the-tree"
ln -s .. "$tree/sub/loop"
ln -s "$dir/outside" "$tree/sub/out"
ln -s ../root "$tree/sub/again"
ln "$tree/root" "$tree/sub/hard"
mkfifo "$tree/sub/fifo"
[ "$(id -u)" != 0 ] || mknod "$tree/sub/device" c 1 5
assert_eq status 0 "$(timeout 60 bash -c "certmuster-crawl --json '$tree' >'$dir/out' 2>'$dir/err'; echo \$?")"
assert_eq "each file once" 2 "$(grep -c '"type":"sighting"' "$dir/out")"
assert_eq status 0 "$(crawl "$tree/sub/again" "$tree/root" "$tree/sub/out")"
assert_eq "links as operands" 2 "$(grep -c '"type":"sighting"' "$dir/out")"
assert_eq status 1 "$(crawl "$tree/sub/fifo" /dev/zero /proc/self/maps /nonexistent/file)"
assert_eq "never opened" "not_found permission" "$(records "$dir/out" failure .error | sed 's/unsupported/permission/' | sort -u | xargs)"
assert_eq "one line each" 4 "$(grep -c 'cannot read' "$dir/err")"
validate
assert_eq "and told" 4 "$(grep -c '"type":"failure"' "$dir/out")"
rm -r "$tree/sub"

note "permission denied"
mkdir "$tree/closed"
cp "$dir/single.pem" "$tree/closed/in"
cp "$dir/single.pem" "$tree/unreadable"
chmod 000 "$tree/closed" "$tree/unreadable"
chmod 711 "$dir"
chmod 755 "$tree"
if [ "$(id -u)" = 0 ]; then as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"; else as_nobody=; fi
assert_eq status 1 "$(status_of env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" $as_nobody certmuster-crawl --json --no-submit "$tree")"
assert_eq "failures" "closed permission open
unreadable permission open" "$(records "$dir/out" failure '(.file.path | split("/")[-1]), .error, .stage' | tr '\t' ' ' | sort)"
assert_eq "the rest is read" 2 "$(grep -c '"type":"sighting"' "$dir/out")"
assert_eq "counts" "4 2 2" "$(jq -r 'select(.state == "finished") | "\(.targets) \(.ok) \(.failed)"' "$dir/out")"
chmod 700 "$tree/closed" "$tree/unreadable"
rm -r "$tree/closed" "$tree/unreadable"

note "PKCS#12: passwords, legacy encryption, damage"
export_p12() { openssl pkcs12 -export -inkey "$dir/leaf.key" -in "$dir/leaf.pem" -certfile "$dir/ca.pem" -name "my key" "$@"; }
export_p12 -passout pass:changeit -out "$tree/modern"
export_p12 -passout pass:geheim -legacy -out "$tree/legacy.jks"
export_p12 -passout pass: -nomac -keypbe NONE -certpbe NONE -out "$tree/open"
head -c 500 "$tree/modern" >"$tree/cut"
assert_eq status 1 "$(crawl "$tree")"
assert_eq "without the password" "cut malformed
legacy.jks password" "$(records "$dir/out" failure '(.file.path | split("/")[-1]), .error' | tr '\t' ' ' | sort)"
printf 'wrong\ngeheim\n' >"$dir/words"
rm "$tree/cut"
assert_eq status 0 "$(crawl --passwords "$dir/words" "$tree")"
for name in legacy.jks modern open; do
    assert_eq "$name" "my key stored $(fingerprint "$dir/leaf.pem"),$(fingerprint "$dir/ca.pem") pkcs12" \
        "$(records "$dir/out" sighting '(.file.path | split("/")[-1]), .file.entry, .role, (.chain | join(",")), .file.format' | grep "^$name" | cut -f2- | tr '\t' ' ')"
done
assert_eq "stores" "legacy.jks ok 3
modern ok 3
open unchecked 3" "$(records "$dir/out" store '(.file.path | split("/")[-1]), .integrity, .entries' | tr '\t' ' ' | sort)"
validate
assert_eq "a key in the open is told apart" "open $spki" "$(records "$dir/out" key '(.file.path | split("/")[-1]), .encrypted, .spki_sha256' | grep "^open.false" | cut -f1,3 | tr '\t' ' ')"
assert_not_contains "no password in the stream" geheim "$(cat "$dir/out" "$dir/err")"
rm "$tree"/*

note "damage costs one block"
{ cat "$dir/single.pem"; sed '3s/.*/%%%%/' "$dir/ca.pem"; cat "$dir/leaf.pem"; head -n 5 "$dir/single.pem"; } >"$tree/mixed"
openssl x509 -in "$dir/single.pem" -outform DER | head -c 200 >"$tree/cut.der"
assert_eq status 1 "$(crawl "$tree")"
assert_eq "read" "1 $(fingerprint "$dir/single.pem")
3 $(fingerprint "$dir/leaf.pem")" "$(records "$dir/out" sighting '.file.entry, .chain[0]' | tr '\t' ' ')"
validate
assert_eq "damaged" "cut.der 1 malformed decode
mixed 2 malformed decode
mixed 4 malformed decode" "$(records "$dir/out" failure '(.file.path | split("/")[-1]), .file.entry, .error, .stage' | tr '\t' ' ' | sort)"

note "wrong use"
assert_eq status 2 "$(status_of certmuster-crawl)"
assert_eq status 2 "$(status_of certmuster-crawl --pasword x "$tree")"
assert_contains "one clear line" "--passwords" "$(cat "$dir/err")"
assert_eq "lines" 1 "$(wc -l <"$dir/err")"
assert_eq status 2 "$(status_of certmuster-crawl --fail-on never "$tree")"
assert_eq status 3 "$(status_of certmuster-crawl --passwords /nonexistent "$tree")"
assert_contains "one clear line" "No such file" "$(cat "$dir/err")"
for where in '>/dev/full' '>&-'; do
    assert_eq "a table to nowhere $where" 3 "$(status_of sh -c "certmuster-crawl '$tree' $where")"
    assert_contains "says so" "the table could not be written" "$(cat "$dir/err")"
done
assert_eq "host" "db1.example" "$(certmuster-crawl --json --host db1.example "$tree" 2>/dev/null | jq -r 'select(.type == "sighting") | .file.host' | sort -u)"

note "interrupted: the finished record says so"
mkdir "$tree/many"
openssl pkcs12 -export -inkey "$dir/leaf.key" -in "$dir/leaf.pem" -passout pass:unknown -iter 200000 -maciter -out "$dir/slow"
for i in $(seq 40); do cp "$dir/slow" "$tree/many/$i"; done
seq 1000 >"$dir/words"
certmuster-crawl --json --passwords "$dir/words" "$tree/many" >"$dir/out" 2>"$dir/err" &
crawler=$!
wait_for 30 grep -q started "$dir/out"
kill -INT "$crawler"
wait "$crawler" && status=0 || status=$?
assert_eq status 130 "$status"
assert_eq "interrupted" true "$(jq -r 'select(.state == "finished") | .interrupted' "$dir/out")"
rm -r "$tree/many"

note "the CA bundle: every root counted"
bundle=/etc/ssl/certs/ca-certificates.crt
assert_eq status 0 "$(crawl "$bundle")"
csplit -s -z -f "$dir/root-" -n 4 "$bundle" '/-----BEGIN CERTIFICATE-----/' '{*}'
for file in "$dir"/root-*; do openssl x509 -in "$file" -noout -fingerprint -sha256; done | sed 's/.*=//; s/://g' | tr A-F a-f | sort >"$dir/expected"
records "$dir/out" sighting '.chain[]' | tr '\t' '\n' | sort >"$dir/found"
[ "$(wc -l <"$dir/expected")" -gt 100 ] || fail "the bundle is empty"
cmp "$dir/expected" "$dir/found" || fail "other roots than OpenSSL's"
assert_eq "all are anchors" trust "$(records "$dir/out" sighting .role | sort -u)"
echo "$(wc -l <"$dir/found") roots"
