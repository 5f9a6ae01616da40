#!/bin/bash
# certmuster-scan against real servers of Debian: nginx, openssl s_server in every version of TLS, and STARTTLS with Postfix, Dovecot, slapd
# and PostgreSQL; each time the certificate told is the one in the file.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/servers.sh"
mapfile -t ports < <(free_ports 16)

# The records of one place: scan_one WORDS… leaves them in $dir/records, and its exit status must be 0.
scan_one() {
    certmuster-scan --json --timeout 10 "$@" >"$dir/records" 2>"$dir/scan.err" || { cat "$dir/scan.err" >&2; fail "scan $*"; }
    tail -n 1 "$dir/records" | jq -e '.type == "run" and .state == "finished" and .targets == .ok + .failed' >/dev/null ||
        fail "the run's record does not add up: $(tail -n 1 "$dir/records")"
}
seen() { # JQ: of the one sighting
    jq -r "select(.type == \"sighting\") | $1" "$dir/records"
}
expect_certificate() { # WHAT PEM
    assert_eq "$1: $(cat "$dir/records")" "$(fingerprint "$2")" "$(seen '.chain[0]')"
    assert_eq "$1: the DER" "$(fingerprint "$2")" "$(jq -r 'select(.type == "certificate") | .der' "$dir/records" | head -n 1 | base64 -d | sha256sum | cut -d' ' -f1)"
}

make_certificate rsa
make_certificate ec ec.example.org -newkey ec -pkeyopt ec_paramgen_curve:P-256
make_certificate weak weak.example.org -newkey rsa:1024 -sha1
make_certificate ed ed.example.org -newkey ed25519

note "nginx, IPv4 and IPv6, with a name and without"
start_nginx "${ports[0]}" "$dir/rsa.pem" "$dir/rsa.key"
scan_one "127.0.0.1:${ports[0]}"
expect_certificate nginx "$dir/rsa.pem"
assert_eq "version, ALPN, no client certificate, no name" "TLSv1.3 h2 false " "$(seen '[.tls.version, .tls.alpn, (.tls.client_auth | tostring), .endpoint.name] | join(" ")')"
assert_eq "suite and group by IANA name" "TLS_AES_128_GCM_SHA256 x25519" "$(seen '[.tls.cipher, .tls.group] | join(" ")')"
assert_eq "realm of loopback" "host:$(seen .scanner)" "$(seen .endpoint.realm)"
scan_one "rsa.example.org@127.0.0.1:${ports[0]}" "[::1]:${ports[0]}"
assert_eq "two probes" "127.0.0.1 rsa.example.org;::1 " "$(seen '[.endpoint.ip, .endpoint.name] | join(" ")' | sort | paste -sd ';')"
assert_eq "one certificate, told once" 1 "$(grep -c '"type":"certificate"' "$dir/records")"
certmuster-scan --no-submit "127.0.0.1:${ports[0]}" >"$dir/out" 2>"$dir/err"
assert_contains "the table" "rsa.example.org" "$(cat "$dir/out")"
grep -qE 'in (89|90) days' "$dir/out" || fail "the table: $(cat "$dir/out")"
assert_contains "the summary" "1 probes" "$(cat "$dir/err")"

note "openssl s_server, TLS 1.0 to 1.3"
i=1
for row in "tls1 TLSv1.0 weak" "tls1_1 TLSv1.1 weak" "tls1_2 TLSv1.2 ec" "tls1_3 TLSv1.3 ed"; do
    read -r flag version key <<<"$row"
    start_s_server "${ports[$i]}" "$dir/$key.pem" "$dir/$key.key" "-$flag" -cipher ALL:@SECLEVEL=0
    scan_one "$key.example.org@127.0.0.1:${ports[$i]}"
    expect_certificate "$version" "$dir/$key.pem"
    assert_eq "version" "$version" "$(seen .tls.version)"
    i=$((i + 1))
done

note "a client certificate is demanded: the chain and whose it shall be are told all the same"
for flag in tls1_2 tls1_3; do
    start_s_server "${ports[$i]}" "$dir/ec.pem" "$dir/ec.key" "-$flag" -Verify 1 -CAfile "$dir/rsa.pem"
    scan_one "127.0.0.1:${ports[$i]}"
    expect_certificate "$flag" "$dir/ec.pem"
    assert_eq "asked for" "true CN=rsa.example.org" "$(seen '[(.tls.client_auth | tostring), .tls.client_ca[0]] | join(" ")')"
    i=$((i + 1))
done

note "TLS without a certificate"
start_s_server "${ports[$i]}" "$dir/ec.pem" "$dir/ec.key" -nocert -tls1_2 -cipher aNULL:@SECLEVEL=0
scan_one "127.0.0.1:${ports[$i]}"
assert_eq "no certificate" "certificate no_certificate TLSv1.2" "$(jq -r 'select(.type == "failure") | [.stage, .error, .tls.version] | join(" ")' "$dir/records")"
i=$((i + 1))

note "a server that insists on another ALPN is asked again without"
start_s_server "${ports[$i]}" "$dir/ec.pem" "$dir/ec.key" -alpn some-protocol
scan_one "127.0.0.1:${ports[$i]}"
expect_certificate ALPN "$dir/ec.pem"
i=$((i + 1))

note "STARTTLS: Postfix, Dovecot, slapd, PostgreSQL"
[ "$(id -u)" -eq 0 ] || { echo "not root: Postfix and Dovecot are left out"; exit 0; }
smtp=${ports[$i]} imap=${ports[$((i + 1))]} pop3=${ports[$((i + 2))]} ldap=${ports[$((i + 3))]} postgres=${ports[$((i + 4))]}
start_postfix "$smtp" "$dir/rsa.pem" "$dir/rsa.key"
start_dovecot "$imap" "$pop3" "$dir/rsa.pem" "$dir/rsa.key"
start_slapd "$ldap" "$dir/rsa.pem" "$dir/rsa.key"
start_postgres "$postgres" "$dir/rsa.pem" "$dir/rsa.key"
for row in "smtp $smtp" "imap $imap" "pop3 $pop3" "ldap $ldap" "postgres $postgres"; do
    read -r protocol port <<<"$row"
    for mode in "$protocol" auto; do
        scan_one --starttls "$mode" "rsa.example.org@127.0.0.1:$port"
        expect_certificate "$protocol by $mode" "$dir/rsa.pem"
        assert_eq "$protocol by $mode: starttls" "$protocol" "$(seen .endpoint.starttls)"
    done
done
assert_eq "the tries before the last: TLS was hung up on" "tls closed" "$(seen '.attempts | map(.what + " " + .error) | join(", ")')"

note "STARTTLS that is not there is a failure, and nothing is guessed"
scan_one --starttls imap "127.0.0.1:$smtp"
assert_eq "IMAP asked of SMTP" "starttls protocol imap" "$(jq -r 'select(.type == "failure") | [.stage, .error, .endpoint.starttls] | join(" ")' "$dir/records")"
assert_contains "what it said" "not imap: SMTP: 220 mail.example.org" "$(jq -r 'select(.type == "failure") | .detail' "$dir/records")"
scan_one "127.0.0.1:$smtp"
assert_eq "TLS asked of SMTP" "hello not_tls" "$(jq -r 'select(.type == "failure") | [.stage, .error] | join(" ")' "$dir/records")"

note "--local finds every listener of this test and tells which speak what"
scan_one --local
for row in "${ports[0]} null" "$smtp smtp" "$imap imap" "$pop3 pop3" "$ldap ldap" "$postgres postgres"; do
    read -r port protocol <<<"$row"
    assert_eq "--local, port $port" "$protocol $(fingerprint "$dir/rsa.pem")" \
        "$(seen "select(.endpoint.port == $port and .endpoint.ip == \"127.0.0.1\") | (.endpoint.starttls // \"null\") + \" \" + .chain[0]")"
done
echo "real servers: ok"
