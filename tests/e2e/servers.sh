# Sourced by end-to-end tests after common.sh: real servers of Debian, each in a private directory below $dir, on ports that the
# test chose, listening on loopback, ended with the test. All log to $dir/NAME.log.
#
#   make_certificate NAME [CN] [openssl req words…]   $dir/NAME.pem and $dir/NAME.key, self-signed by default RSA 2048
#   fingerprint FILE.pem                              the SHA-256 of its first certificate, lower-case hexadecimal
#   start_postfix PORT CERT KEY       receives mail for example.org into $dir/postfix/mail/inbox/ (a Maildir); STARTTLS when CERT is not ""
#   start_dovecot IMAP_PORT POP3_PORT CERT KEY
#   start_slapd PORT CERT KEY
#   start_postgres PORT CERT KEY      ssl = off when CERT is ""
#   start_nginx PORT CERT KEY         IPv4 and IPv6 loopback, HTTPS
#   start_s_server PORT CERT KEY [openssl s_server words…]
#   start_dns ADDRESS PORT            zone on standard input, see dns_server.py

needs_root() {
    [ "$(id -u)" -eq 0 ] || skip "$1 starts as root only"
}
listens() { # PORT: something accepts connections on 127.0.0.1
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
wait_for_port() { # PORT NAME
    local left=200
    while ! listens "$1"; do
        left=$((left - 1))
        if [ "$left" -eq 0 ] || ! kill -0 "$started" 2>/dev/null; then
            tail -n 30 "$dir/$2.log" >&2
            fail "$2 does not listen on port $1"
        fi
        sleep 0.1
    done
}

make_certificate() {
    local name=$1 cn=${2:-$1.example.org}
    shift
    [ $# -eq 0 ] || shift
    [ $# -gt 0 ] || set -- -newkey rsa:2048
    openssl req -x509 "$@" -nodes -days 90 -subj "/CN=$cn" -addext "subjectAltName=DNS:$cn" \
        -keyout "$dir/$name.key" -out "$dir/$name.pem" 2>"$dir/openssl.err" || { cat "$dir/openssl.err" >&2; fail "openssl req"; }
}
fingerprint() {
    openssl x509 -in "$1" -outform DER | sha256sum | cut -d' ' -f1
}

# Postfix with a configuration and a queue of its own. master(8) ends its whole process group when it is told to end, so it gets one.
start_postfix() {
    local port=$1 cert=$2 key=$3 etc=$dir/postfix/etc
    needs_root postfix
    mkdir -p "$etc" "$dir/postfix/queue" "$dir/postfix/data" "$dir/postfix/mail"
    chown postfix "$dir/postfix/data"
    chown nobody "$dir/postfix/mail"
    chmod -R go+rX "$dir/postfix"
    cat >"$etc/main.cf" <<CF
compatibility_level = 3.6
queue_directory = $dir/postfix/queue
data_directory = $dir/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $dir/postfix.mail.log
maillog_file_prefixes = $dir
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_recipient_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = $dir/postfix/mail
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
virtual_mailbox_limit = 0
smtputf8_enable = no
import_environment = MAIL_CONFIG TZ
CF
    [ -z "$cert" ] || cat >>"$etc/main.cf" <<CF
smtpd_tls_cert_file = $cert
smtpd_tls_key_file = $key
smtpd_tls_security_level = may
CF
    cat >"$etc/master.cf" <<CF
127.0.0.1:$port inet n - n - - smtpd
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
verify    unix  -  -  n  -     1  verify
proxymap  unix  -  -  n  -     -  proxymap
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
virtual   unix  -  n  n  -     -  virtual
anvil     unix  -  -  n  -     1  anvil
postlog   unix-dgram n - n -   1  postlogd
CF
    postfix -c "$etc" check >"$dir/postfix.check.log" 2>&1 || { cat "$dir/postfix.check.log" >&2; fail "postfix check"; }
    start postfix env MAIL_CONFIG="$etc" setsid /usr/lib/postfix/sbin/master -c "$etc" -d
    wait_for_port "$port" postfix
}

start_dovecot() {
    local imap=$1 pop3=$2 cert=$3 key=$4 base=$dir/dovecot
    needs_root dovecot
    mkdir -p "$base/run" "$base/lib"
    cat >"$base/dovecot.conf" <<CF
base_dir = $base/run
state_dir = $base/lib
log_path = $dir/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <$cert
ssl_key = <$key
mail_location = maildir:$base/mail
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$base
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = $pop3
  }
  inet_listener pop3s {
    port = 0
  }
}
CF
    start dovecot dovecot -F -c "$base/dovecot.conf"
    wait_for_port "$imap" dovecot
    wait_for_port "$pop3" dovecot
}

start_slapd() {
    local port=$1 cert=$2 key=$3 base=$dir/slapd
    mkdir -p "$base/db"
    cat >"$base/slapd.conf" <<CF
include /etc/ldap/schema/core.schema
pidfile $base/slapd.pid
TLSCertificateFile $cert
TLSCertificateKeyFile $key
TLSVerifyClient never
database ldif
suffix "dc=example,dc=org"
directory $base/db
CF
    start slapd slapd -h "ldap://127.0.0.1:$port" -f "$base/slapd.conf" -d 0
    wait_for_port "$port" slapd
}

start_postgres() {
    local port=$1 cert=$2 key=$3 base=$dir/postgres-$1 as=
    [ "$(id -u)" -ne 0 ] || as="setpriv --reuid=postgres --regid=postgres --init-groups"
    mkdir -p "$base"
    cp "${cert:-/dev/null}" "$base/server.pem"
    cp "${key:-/dev/null}" "$base/server.key"
    chmod 600 "$base/server.key"
    [ -z "$as" ] || chown -R postgres "$base"
    $as /usr/lib/postgresql/15/bin/initdb -D "$base/data" -A trust -N >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail initdb; }
    set -- -D "$base/data" -p "$port" -h 127.0.0.1 -k "" -F
    [ -z "$cert" ] || set -- "$@" -c ssl=on -c "ssl_cert_file=$base/server.pem" -c "ssl_key_file=$base/server.key"
    # shellcheck disable=SC2086 # words
    start "postgres-$port" $as /usr/lib/postgresql/15/bin/postgres "$@"
    wait_for_port "$port" "postgres-$port"
}

start_nginx() {
    local port=$1 cert=$2 key=$3 base=$dir/nginx
    mkdir -p "$base"
    cat >"$base/nginx.conf" <<CF
daemon off;
master_process off;
pid $base/nginx.pid;
error_log $dir/nginx.log;
events {}
http {
  access_log off;
  client_body_temp_path $base/body;
  proxy_temp_path $base/proxy;
  fastcgi_temp_path $base/fastcgi;
  uwsgi_temp_path $base/uwsgi;
  scgi_temp_path $base/scgi;
  server {
    listen 127.0.0.1:$port ssl http2;
    listen [::1]:$port ssl http2;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate $cert;
    ssl_certificate_key $key;
    return 204;
  }
}
CF
    start nginx nginx -p "$base" -c "$base/nginx.conf" -e "$dir/nginx.log"
    wait_for_port "$port" nginx
}

start_s_server() {
    local port=$1 cert=$2 key=$3
    shift 3
    start "s_server-$port" openssl s_server -accept "127.0.0.1:$port" -cert "$cert" -key "$key" -quiet "$@"
    # Not by connecting: s_server serves one connection after the other.
    wait_for 20 grep -qi "$(printf '0100007F:%04X 00000000:0000 0A' "$port")" /proc/net/tcp
}

start_dns() {
    local address=$1 port=$2
    cat >"$dir/zone-$port"
    start "dns-$port" /usr/bin/python3 "$CM_TOP/tests/e2e/dns_server.py" "$address" "$port" "$dir/zone-$port"
    wait_for 20 grep -q ready "$dir/dns-$port.log"
}
