/* The inside of a TLS conversation, shared by its files: session.c life and bounds, session_find.c where TLS begins, session_read.c records and
 * messages, session_again.c what a false start hid, session_secret.c what a key log opens, session_tell.c what is told. dtls.c and eap.c carry such conversations in other wrappings. */
#ifndef SCANNER_WATCH_SESSION_PRIVATE_H
#define SCANNER_WATCH_SESSION_PRIVATE_H

#include "scanner/tls/records.h"
#include "scanner/watch/session.h"

enum {
    FIND_BYTES = 12,             /* so many are enough to know the start of TLS from chance */
    ODD_RECORDS_MAX = 64,        /* empty records, warnings and the like before a direction is not worth following */
    HELD_MAX = 16 * 1024 * 1024, /* of one packet and what was kept before it: never reached */
    DTLS_VERSION_1_3 = 0xfefc,
};

enum verdict { NO, PERHAPS, YES };

enum phase {
    PHASE_SEARCHING, /* TLS was not found yet, or not again after a gap */
    PHASE_READING,   /* records in clear */
    PHASE_OVER,      /* nothing more can be read in this direction */
};

struct reading { /* of a direction in which TLS was found */
    struct record_reader records;
    struct message_reader messages;
    uint8_t *certificate; /* body of its Certificate message, until it is told */
    size_t certificate_size;
    struct buf kept; /* what came since the last message ended with its record: see session_again.c */
    size_t looked;   /* so many of them, when they were last looked at */
    size_t another;  /* where in them another beginning was found; 0: nowhere */
    uint16_t odd_records;
    bool doubtful; /* a message made no sense */
    bool opened;   /* the Certificate came out of an encrypted record, in the form of TLS 1.3 */
    bool changed;  /* ChangeCipherSpec was there */
};

struct direction {
    uint8_t phase;
    uint8_t tail_size;
    uint8_t tail[FIND_BYTES]; /* searching: a possible beginning whose rest has not arrived */
    bool heard;               /* a message came, or was lost */
    uint32_t work;            /* spent on second looks */
    bool encrypted;           /* its handshake went on where we cannot follow */
    struct reading *reading;  /* NULL until TLS is found */
};

struct session_secret; /* session_secret.c */

struct client_part { /* a copy of the ClientHello */
    struct tls_client_hello hello;
    size_t size; /* of body */
    uint8_t body[];
};

struct server_part { /* a copy of the ServerHello, and what came after it */
    struct tls_server_hello hello;
    uint8_t *alpn;   /* of EncryptedExtensions; hello.alpn lends from it */
    uint8_t *status; /* body of CertificateStatus */
    size_t status_size;
    size_t size; /* of body */
    uint8_t body[];
};

struct session {
    struct session_options options;
    enum observed_transport transport;
    struct place places[2];
    struct direction directions[2];
    int64_t at_us;    /* of the latest bytes */
    int8_t client;    /* which direction is the client's; -1: unknown */
    bool guessed;     /* client is a guess by message types or ports, not by a hello */
    bool looking;     /* at a direction for the second time, while the other is being read */
    bool asked;       /* CertificateRequest was there */
    bool flight_over; /* ServerHelloDone was there */
    uint8_t told;     /* bit per enum observed_kind */
    uint16_t group;
    uint32_t quic_version;           /* 0: no QUIC */
    struct session_secret *secret;   /* NULL: nothing is opened */
    struct client_part *client_part; /* NULL: no ClientHello was seen */
    struct server_part *server_part;
};

/* Whether TLS begins here; PERHAPS only with fewer than FIND_BYTES. */
enum verdict session_judge(const uint8_t *at, size_t size);
/* True with the bytes from where TLS begins on, a copied tail among them: lent until the next call. *rest lends from bytes. */
bool session_find(struct direction *direction, struct slice *bytes, struct slice *beginning);
void session_free_server(struct session *session);
void session_begin_reading(struct session *session, int direction);
void session_stop_reading(struct session *session, int direction, enum phase phase);
/* The bytes of a direction, from finding TLS to the end of its part. */
void session_follow(struct session *session, int direction, struct slice bytes);
/* Reads all records. False: these are none, or no TLS, and what came since the last sound message is in kept. A session that is over is not read on. */
CM_MUST_CHECK bool session_read(struct session *session, int direction, struct slice bytes);
/* A hello of this direction was read: what it says is what it is. */
bool session_has_hello(const struct session *session, int direction);

/* Keeps a copy of what did not end with a sound message. Some: of a very long one the end, behind a hello no more
 * than the header of a record; false: another begins inside. */
void session_keep(struct session *session, int direction, struct slice bytes);
CM_MUST_CHECK bool session_keep_some(struct session *session, int direction, struct slice bytes);
/* Another beginning inside what was kept, whole: with a whole message that makes sense. */
bool session_hides_another(struct session *session, int direction, bool whole);
/* What was kept began wrongly: *held takes it over, what is returned lends from that and is to be followed. */
struct slice session_begin_again(struct session *session, int direction, struct buf *held);
/* The other direction went on, or all ended, so this one cannot be in the middle of its first message: what is in there instead? */
void session_look_again(struct session *session, int direction);
/* One whole handshake message, from whatever carried it. The direction must have begun reading. */
void session_message(struct session *session, int direction, const struct tls_message *message);
/* Nothing can be read in this direction any more; the other may still have its part. */
void session_go_dark(struct session *session, int direction);
/* Everything that this conversation can tell is told. */
bool session_is_over(const struct session *session);
/* Tells what is whole; at_end: everything that is known. */
void session_tell(struct session *session, bool at_end);
void session_set_client(struct session *session, int direction, bool guessed);

/* With a key log. record: true when an encrypted record was taken; begin: the server's part of this 1.3 handshake can be opened. */
bool session_secret_begin(struct session *session);
bool session_secret_record(struct session *session, int direction, const struct tls_record *record);
void session_secret_free(struct session *session);
size_t session_secret_memory(const struct session *session);
/* Up to TLS 1.2: which Certificate message came with a master secret; for a resumed session, which that was. */
void session_secret_remember(const struct session *session, struct slice certificate);
bool session_secret_recall(const struct session *session, struct buf *certificate);

static inline bool session_is_13(const struct session *session)
{
    return session->server_part && (session->server_part->hello.version == TLS_VERSION_1_3 ||
                                    session->server_part->hello.version == DTLS_VERSION_1_3);
}

#endif
