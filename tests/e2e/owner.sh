#!/bin/bash
# Owners: loading is all or nothing, the first rule of which every condition holds decides, places are assigned anew at once, and test says why.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
cd "$dir"

note "places: two endpoints, a file whose path has capitals, an IPv6 one, one whose name does not resolve"
sql "
INSERT INTO certificate (sha256, der, display_name, issuer, common_name, not_before, not_after, first_seen, last_seen)
  SELECT sha256(convert_to(n, 'UTF8')), '\x30', n, i, n, now() - interval '1 day', now() + interval '80 days', now(), now()
    FROM (VALUES ('www.pay.example', 'CN=Big CA,O=Trust'), ('Mail.Example', 'CN=Own CA'), ('literal%_\\.example', 'CN=Own CA')) v(n, i);
INSERT INTO certificate_name SELECT sha256, 'dns', display_name, reverse(display_name) FROM certificate;
INSERT INTO chain SELECT gen_random_uuid(), ARRAY[sha256], sha256, not_after FROM certificate;
INSERT INTO location (location_id, kind, realm, transport, ip, port, name, first_seen) VALUES
  ('00000000-0000-0000-0000-000000000001', 'endpoint', 'default', 'tcp', '10.0.0.1', 443, 'www.pay.example', now()),
  ('00000000-0000-0000-0000-000000000002', 'endpoint', 'dmz', 'tcp', '192.0.2.9', 25, '', now()),
  ('00000000-0000-0000-0000-000000000003', 'endpoint', 'default', 'tcp', '2001:db8::7', 8443, '', now()),
  ('00000000-0000-0000-0000-000000000004', 'endpoint', 'default', 'tcp', NULL, 443, 'gone.pay.example', now());
INSERT INTO location (location_id, kind, realm, host, path, inner_path, entry, first_seen) VALUES
  ('00000000-0000-0000-0000-000000000005', 'file', 'default', 'h1', '/srv/App/Key_1.pem', '', '1', now());
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source)
  SELECT p::uuid, ch.chain_id, 'server', now(), now(), 'scan' FROM chain ch JOIN certificate c ON c.sha256 = ch.leaf_sha256
    JOIN (VALUES ('00000000-0000-0000-0000-000000000001', 'www.pay.example'), ('00000000-0000-0000-0000-000000000002', 'Mail.Example'),
                 ('00000000-0000-0000-0000-000000000003', 'literal%_\\.example'), ('00000000-0000-0000-0000-000000000005', 'Mail.Example')) v(p, n)
      ON n = c.display_name;
INSERT INTO location_state (location_id, source, scanner, last_result) SELECT location_id, 'scan', 's', 'ok' FROM location;"
owner_of() { sql "SELECT coalesce(owner, '-') FROM location_state WHERE location_id = '00000000-0000-0000-0000-00000000000$1'"; }
owners() { for i in 1 2 3 4 5; do owner_of $i; done | tr '\n' ' '; }
load() { cat >owners.yaml; certmuster owner load owners.yaml >load.out; }

note "every kind of condition, alone"
load <<'YAML'
owners: {pay: , mail: , six: , file: , rest: }
rules:
  - {name: '*.PAY.example', owner: pay}
  - {realm: dmz, owner: mail}
  - {cidr: '2001:db8::/32', owner: six}
  - {path: '/srv/App/*', owner: file}
  - {owner: rest}
YAML
assert_eq "by name, realm, prefix, path" "pay mail six pay file " "$(owners)"
assert_contains "what it says" "5 owners and 5 rules loaded; 5 of 5 places changed their owner, 0 belong to nobody" "$(cat load.out)"

note "names of the certificate count, in any case; the path's case matters; globs are no patterns; the order decides"
load <<'YAML'
owners: {a: , b: , c: }
rules:
  - {path: '/SRV/*', owner: c}
  - {name: 'literal%_\.example', owner: a}
  - {name: 'literal*', owner: c}
  - {name: 'mail.ex?mple', owner: b}
YAML
assert_eq "owners" "- b a - b " "$(owners)"
assert_contains "those of nobody" "2 belong to nobody" "$(cat load.out)"

note "all conditions of a rule must hold; an issuer's case does not matter"
load <<'YAML'
owners: {a: , b: }
rules:
  - {name: '*.pay.example', cidr: 10.9.0.0/16, owner: a}
  - {name: '*.pay.example', issuer: 'cn=big ca*', owner: b}
YAML
assert_eq "owners" "b - - - - " "$(owners)"

note "loading the same again changes nothing"
certmuster owner load owners.yaml >load.out
assert_contains "again" "0 of 5 places changed" "$(cat load.out)"

note "a wrong file changes nothing: one line, with file and line, status 1"
printf 'owners: {x: }\nrules:\n  - {name: a, owner: x}\n  - {name: b, owner: nobody-known}\n' >wrong.yaml
assert_eq "status" 1 "$(status_of certmuster owner load wrong.yaml)"
assert_contains "line" "wrong.yaml:4: there is no owner 'nobody-known'" "$(cat "$dir/err")"
assert_eq "one line" 1 "$(wc -l <"$dir/err")"
assert_eq "as before" "b - - - - " "$(owners)"
assert_eq "owners as before" "a b" "$(sql 'SELECT name FROM owner ORDER BY 1' | xargs)"
assert_eq "no such file" 1 "$(status_of certmuster owner load missing.yaml)"
assert_eq "no operand" 2 "$(status_of certmuster owner load)"
assert_eq "unknown verb" 2 "$(status_of certmuster owner laod owners.yaml)"

note "test says which rule wins, and why"
load <<'YAML'
owners: {pay: {email: pay@example.org, webhook: 'https://u@hooks.example.org:8443?token=SECRET', contact: "+1 555"}, net: , file: }
rules:
  - {name: '*.pay.example', cidr: 10.0.0.0/8, owner: pay}
  - {cidr: 192.0.2.0/24, realm: dmz, owner: net}
  - {path: '/srv/*', owner: file}
YAML
assert_eq "by name" 0 "$(status_of certmuster owner test www.pay.example)"
assert_eq "known place" 0 "$(status_of certmuster owner test 10.0.0.1:443)"
assert_contains "name" "name *.pay.example matches www.pay.example" "$(cat out)"
assert_contains "address" "address 10.0.0.1 is in 10.0.0.0/8" "$(cat out)"
assert_contains "rule" "pay by rule 1" "$(cat out)"
assert_eq "by address" 0 "$(status_of certmuster owner test 192.0.2.9)"
assert_contains "realm" "net by rule 2: address 192.0.2.9 is in 192.0.2.0/24; realm is dmz" "$(cat out)"
assert_eq "by path" 0 "$(status_of certmuster owner test /srv/App/Key_1.pem)"
assert_contains "path" "file by rule 3: path /srv/* matches /srv/App/Key_1.pem" "$(cat out)"
assert_eq "as reports print it" 0 "$(status_of certmuster owner test 'h1:/srv/App/Key_1.pem#1')"
assert_eq "nobody's" 1 "$(status_of certmuster owner test '[2001:db8::7]:8443')"
assert_contains "nobody" "nobody; no rule holds" "$(cat out)"
assert_eq "unknown path" 0 "$(status_of certmuster owner test /srv/not/there)"
assert_contains "unknown path" "file by rule 3" "$(cat out)"
assert_eq "unknown name" 1 "$(status_of certmuster owner test unheard.of)"

note "lists"
assert_eq "owners as JSON" "file net pay" "$(certmuster owner list --format json | jq -r '.[].name' | xargs)"
assert_eq "mail" "pay@example.org" "$(certmuster owner list --format json | jq -r '.[] | select(.name == "pay") | .email[0]')"
assert_eq "places" "1" "$(certmuster owner list --format json | jq -r '.[] | select(.name == "pay") | .places')"
assert_eq "rules as JSON" "*.pay.example" "$(certmuster owner rules --format json | jq -r '.[0].name')"
assert_contains "show" "www.pay.example" "$(certmuster owner show pay)"
assert_eq "of a webhook no more than its host" "https://hooks.example.org:8443" "$(certmuster owner show pay | sed -n 's/^webhook *//p' | xargs)"
assert_eq "as JSON" "https://hooks.example.org:8443" "$(certmuster owner list --format json | jq -r '.[] | select(.name == "pay") | .webhook')"
assert_eq "unknown owner" 1 "$(status_of certmuster owner show nobody)"

note "an empty file takes everything away"
: >empty.yaml
certmuster owner load empty.yaml >load.out
assert_eq "owners" "- - - - - " "$(owners)"
assert_eq "list" "[]" "$(certmuster owner list --format json)"

note "20,000 rules over the places: bounded"
/usr/bin/python3 - >many.yaml <<'PY'
print("owners: {o: {email: o@example.org}}\nrules:")
for i in range(20000):
    print(f"  - {{name: 'host{i}.example', owner: o}}")
print("  - {name: '*.pay.example', owner: o}")
PY
SECONDS=0
certmuster owner load many.yaml >load.out
[ "$SECONDS" -lt 60 ] || fail "loading 20,000 rules took $SECONDS s"
assert_eq "the last rule of 20,001 decides" "o - - o - " "$(owners)"
