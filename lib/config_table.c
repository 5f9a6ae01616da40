/* Every configuration key: one row with its name, type, range, default and what it is for. Adding a key means adding a row
 * here, beside its neighbours, and running contrib/man/update-config-page (a test compares the manual with this table).
 *
 * Ranges: of integers as they are, of durations in ms, of bytes in bytes; 0, 0 means unbounded. */
#include "certmuster/config.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define KIB       INT64_C(1024)
#define MIB       (1024 * KIB)
#define GIB       (1024 * MIB)
#define TIB       (1024 * GIB)

const struct config_key config_keys[] = {
    /* Who we are. */
    {"realm", CONFIG_STRING, 0, 0, "default",
     "The network zone that this machine sees and reports for; of an enrolled scanner one of those that it was "
     "enrolled for."},
    {"host", CONFIG_STRING, 0, 0, NULL,
     "This machine's name in records, and of its loopback and link-local places (realm host:HOST), of which an "
     "enrolled "
     "scanner may tell if it was enrolled with --host HOST, or HOST is its name; its FQDN when unset."},
    {"scanner", CONFIG_STRING, 0, 0, NULL, "This scanner's name, as the collector enrolled it; the host when unset."},

    /* The inventory. */
    {"dsn", CONFIG_STRING, 0, 0, NULL,
     "Connection string of the inventory's PostgreSQL; the local home's when unset (certmuster up)."},

    {"up.user", CONFIG_STRING, 0, 0, "certmuster",
     "The system account that the private PostgreSQL and collector run as when root starts them; made when missing."},

    /* The collector: url is for who delivers to it, the rest for the daemon itself. */
    {"collector.url", CONFIG_STRING, 0, 0, NULL,
     "Where scanners deliver: unix:PATH or https://HOST:PORT; the local home's collector when unset."},
    {"collector.socket", CONFIG_STRING, 0, 0, NULL, "The unix socket that the collector serves."},
    {"collector.listen", CONFIG_STRING, 0, 0, "127.0.0.1:8443",
     "Address and port where the collector serves scanners over TLS; only used when collector.tls.cert is set."},
    {"ca.dir", CONFIG_STRING, 0, 0, NULL,
     "Where certmuster scanner enrol keeps its private CA; unset: /etc/certmuster/ca for root, ca in the home for "
     "others and where CERTMUSTER_HOME names one, unless root has a CA in the former already."},
    {"collector.tls.cert", CONFIG_STRING, 0, 0, NULL, "The collector's certificate chain, PEM."},
    {"collector.tls.key", CONFIG_STRING, 0, 0, NULL, "The collector's private key, PEM."},
    {"collector.tls.client_ca", CONFIG_STRING, 0, 0, NULL,
     "CA certificates that scanners' certificates are issued by, PEM."},
    {"collector.trust_store", CONFIG_STRING, 0, 0, "/etc/ssl/certs/ca-certificates.crt",
     "The trust anchors that chains are verified against, PEM; the trust store system."},
    {"trust.stores", CONFIG_LIST, 0, 0, NULL,
     "Further trust stores that every chain is verified against, each NAME=/FILE of PEM certificates; collectors on "
     "one inventory may name different ones, and a store is kept for as long as one of them names it."},
    {"collector.allow_uids", CONFIG_LIST, 0, 0, NULL,
     "Numeric user ids that may deliver over the unix socket, besides root, the collector's own and the owner of the "
     "socket's directory."},

    /* Probing. */
    {"scan.ports", CONFIG_STRING, 0, 0, "443", "Ports of targets that name none: 443,8443,9000-9010."},
    {"scan.timeout", CONFIG_DURATION, 100, 1 * HOUR_MS, "10s",
     "The time for one target, from the lookup of its name to the certificate."},
    {"scan.parallel", CONFIG_INTEGER, 1, 1000000, "4096", "How many probes are under way at once at most."},
    {"scan.rate", CONFIG_INTEGER, 0, 10000000, "0", "How many probes start per second at most; 0: no limit."},
    {"scan.threads", CONFIG_INTEGER, 1, 64, "1", "Threads that probe, each with an event loop of its own."},
    {"scan.polite", CONFIG_BOOLEAN, 0, 0, "false",
     "End connections with an alert and wait up to a second for the server to close, instead of a reset."},
    {"scan.prove", CONFIG_BOOLEAN, 0, 0, "false",
     "Check that the server holds the leaf's private key; costs a signature check per endpoint."},
    {"scan.flight_limit", CONFIG_BYTES, 16 * KIB, 64 * MIB, "1MiB",
     "How many bytes of handshake are read from one server at most."},
    {"scan.dns_servers", CONFIG_LIST, 0, 0, NULL,
     "DNS servers to ask, as ADDRESS or ADDRESS:PORT; those of resolv.conf when unset."},

    /* Watching. */
    {"watch.interfaces", CONFIG_LIST, 0, 0, NULL, "Interfaces that are captured when neither -i nor -r is given."},
    {"watch.filter", CONFIG_STRING, 0, 0, NULL,
     "Which packets of these interfaces are read, as in pcap-filter(7); all of them when unset."},
    {"watch.user", CONFIG_STRING, 0, 0, "nobody", "Whom a watch that root started goes on as before it reads packets."},
    {"watch.workers", CONFIG_INTEGER, 1, 64, "1",
     "Threads that read packets of live captures, each with flows of its own."},
    {"watch.ring_size", CONFIG_BYTES, 1 * MIB, 1 * GIB, "16MiB",
     "Packets of one interface that wait for one worker: the kernel's ring buffer."},
    {"watch.snapshot_length", CONFIG_INTEGER, 128, 262144, "262144", "How many bytes of a packet are captured."},
    {"watch.promiscuous", CONFIG_BOOLEAN, 0, 0, "true",
     "Capture packets that are addressed to other machines as well."},
    {"watch.interval", CONFIG_DURATION, 1 * SECOND_MS, 7 * DAY_MS, "1h",
     "How often what was told before is told again, with a count."},
    {"watch.memory", CONFIG_BYTES, 16 * MIB, 64 * GIB, "256MiB",
     "About how much memory connections under way and places told take at most."},
    {"watch.statistics", CONFIG_DURATION, 1 * SECOND_MS, 1 * DAY_MS, "1m", "How often a stats record is written."},

    /* Crawling. */
    {"crawl.user", CONFIG_STRING, 0, 0, "nobody", "Whom a crawl that root started goes on as before it reads files."},
    {"crawl.max_depth", CONFIG_INTEGER, 1, 60, "16", "How deep containers within containers are looked into."},
    {"crawl.max_ratio", CONFIG_INTEGER, 0, 1000000, "250",
     "How many bytes are unpacked for each byte of a file; 0: no limit."},
    {"crawl.max_unpacked", CONFIG_BYTES, 0, 1024 * TIB, "64GiB",
     "How many bytes are unpacked of one file and all that lies in it; 0: no limit."},
    {"crawl.max_entries", CONFIG_INTEGER, 0, 1024 * GIB, "4000000",
     "How many entries are read of one file and all that lies in it; 0: no limit."},
    {"crawl.max_time", CONFIG_DURATION, 0, 7 * DAY_MS, "60s",
     "The time for each 64 MiB of a file, or part of it; 0: no limit."},

    {"collector.workers", CONFIG_INTEGER, 1, 64, "2",
     "Threads that store batches, each with a database connection of its own; when many chains wait, as many verify "
     "them, with one each. Five more are there always: for the judge, for places that vanish, for sweeps that begin, "
     "for the figures of "
     "/metrics, and for the list of who is enrolled."},
    {"collector.queue", CONFIG_INTEGER, 1, 1024, "16",
     "Requests that may wait for a worker, half of them of one client; further ones are asked to come again."},
    {"collector.connections", CONFIG_INTEGER, 4, 16384, "256",
     "Connections that may be open at once; beyond, one that has shown no certificate yet makes room for the next."},
    {"collector.client_connections", CONFIG_INTEGER, 1, 1024, "32",
     "Connections that one client (a user id, a certificate) may have open at once. Before a certificate is shown, an "
     "IPv4 address or IPv6 /64 with more than that is the first to make room when all are taken."},
    {"collector.client_rate", CONFIG_INTEGER, 1, 100000, "200",
     "Requests per second that one client may make on average; bursts of twice as many pass."},
    {"collector.request_timeout", CONFIG_DURATION, 1 * SECOND_MS, 10 * MINUTE_MS, "60s",
     "How long a client may take to send one request whole, to read the answer, and to begin the next."},
    {"collector.lease", CONFIG_DURATION, 1 * SECOND_MS, 1 * DAY_MS, "2m",
     "How long a scanner has a shard of a sweep without a word from it, before it is given to another."},
    {"gone.after", CONFIG_INTEGER, 1, 100, "3",
     "How many sweeps that could have seen a place must say that it is not there before it is marked gone. Collectors "
     "on one inventory take turns at it and should all say the same."},
    {"collector.judge_interval", CONFIG_DURATION, 100, 1 * HOUR_MS, "5s",
     "How often the collector verifies new chains and brings its figures up to date."},

    /* The spool of scanners, and its delivery. */
    {"spool.dir", CONFIG_STRING, 0, 0, NULL,
     "Directory of records that wait for delivery; spool/ of the home when unset."},
    {"spool.max_bytes", CONFIG_BYTES, 1 * MIB, 100 * TIB, "4GiB",
     "Size at which the spool counts as full: no new run starts, a running one starts no further work."},
    {"submit.wait", CONFIG_DURATION, 0, 7 * DAY_MS, "30s",
     "How long a scanner waits at its end for the collector to take what it spooled."},
    {"submit.tls.cert", CONFIG_STRING, 0, 0, NULL, "This scanner's certificate chain, PEM."},
    {"submit.tls.key", CONFIG_STRING, 0, 0, NULL, "This scanner's private key, PEM."},
    {"submit.tls.ca", CONFIG_STRING, 0, 0, NULL,
     "CA certificates that the collector's certificate is issued by, PEM; the system's when unset."},

    /* Being told. */
    {"alerts.interval", CONFIG_DURATION, 1 * SECOND_MS, 1 * DAY_MS, "1m",
     "How often the collector looks what to tell."},
    {"alerts.timeout", CONFIG_DURATION, 1 * SECOND_MS, 5 * MINUTE_MS, "15s",
     "How long one mail server or webhook may take for one message."},
    {"alerts.ca", CONFIG_STRING, 0, 0, NULL,
     "CA certificates that mail servers and webhooks are verified against, PEM; the system's when unset."},
    {"alerts.from", CONFIG_STRING, 0, 0, NULL, "Sender of alert mails; certmuster@HOST when unset."},
    {"alerts.smtp.url", CONFIG_STRING, 0, 0, NULL, "Mail server: smtp://HOST:PORT or smtps://HOST:PORT."},
    {"alerts.smtp.starttls", CONFIG_WORD, 0, 0, "auto, require, never",
     "STARTTLS at the mail server: require (and verify it); auto: where offered, unverified, but required with a "
     "password; never: all of it goes over readably, a password too, which suits a server on this machine."},
    {"alerts.smtp.user", CONFIG_STRING, 0, 0, NULL, "User name at the mail server."},
    {"alerts.smtp.password_file", CONFIG_STRING, 0, 0, NULL,
     "File whose first line is the password at the mail server."},
    {"alerts.fallback.email", CONFIG_STRING, 0, 0, NULL, "Who is mailed about certificates that nobody owns."},
    {"alerts.fallback.webhook", CONFIG_STRING, 0, 0, NULL, "URL told about certificates that nobody owns."},

    {NULL, CONFIG_STRING, 0, 0, NULL, NULL},
};
