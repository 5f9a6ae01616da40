/* Plays written as words: each character is a message, a record or an act, in the order of the wire.
 *
 *   <  read a ClientHello           ,  the messages so far are a record     -  wait 100 ms       ~  silence from here on
 *   @  what follows, for ever       .  close (also at the end)              !  reset
 *   S  ServerHello                  H  HelloRetryRequest                    E  EncryptedExtensions
 *   C  Certificate                  B  the head of one of 16 MiB            b  of one of 1,000,000 bytes
 *   0  16 KiB of a message, zeros
 *   K  ServerKeyExchange, signed    k  by a key that is not the leaf's      n  not signed
 *   R  CertificateRequest           D  ServerHelloDone                      T  CertificateStatus
 *   Y  CertificateVerify            y  by a key that is not the leaf's      F  Finished, of zeros
 *   Q  HelloRequest                 M  NewSessionTicket                     U  a message of an unassigned type
 *   A  fatal alert                  a  the same, sealed                     W  warning alert
 *   L  an alert of one byte         V  change_cipher_spec                   Z  an empty handshake record
 *   z  empty application data       g  application data that nobody sealed  X  a record that does not decrypt
 *   h  the first half of a ServerHello  O  the head of a record that is too long  P  a sealed one of nothing but padding
 *   2  SERVER-HELLO of SSL 2.0      3  its ERROR
 *
 * Messages between two acts share a record, or fill as many as they need; after a ServerHello of TLS 1.3 they are sealed. A word may be
 * played at whatever ClientHello: what a server says wrong it says wrong to everybody. */
#include <string.h>

#include "tests/fleet/odd.h"

enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23, RECORD_MAX = 16384 };
enum {
    WARNING = 1,
    FATAL = 2,
    HANDSHAKE_FAILURE = 40,
    TLS12 = 0x0303,
    TLS13 = 0x0304,
    OUT_MAX = 4 * 1024 * 1024,
    PART_SIZE = 16 * 1024
};

struct script {
    struct odd_conn *conn;
    const struct odd_row *row;
    struct buf messages;   /* not yet in a record */
    struct buf records;    /* not yet sent */
    struct buf transcript; /* RFC 8446 §4.4.1 */
    struct odd_keys keys;
    bool over;
};

static uint16_t record_version(const struct script *script)
{
    return script->row->version < TLS12 ? script->row->version : TLS12;
}

static void put_record(struct script *script, uint8_t type, struct slice fragment, bool broken)
{
    if (script->keys.ready && type != RECORD_CCS)
        odd_seal(&script->keys, type, fragment, broken, &script->records);
    else
        odd_put_record(&script->records, type, record_version(script), fragment);
}

static void end_record(struct script *script)
{
    struct slice rest = buf_slice(&script->messages);
    size_t step = script->row->fragment != 0 ? script->row->fragment : RECORD_MAX;
    while (rest.size > 0) {
        struct slice part = {rest.data, rest.size < step ? rest.size : step};
        put_record(script, RECORD_HANDSHAKE, part, false);
        rest.data += part.size;
        rest.size -= part.size;
    }
    buf_reset(&script->messages);
}

static void send_records(struct script *script)
{
    end_record(script);
    if (script->records.size > 0 && !odd_send_cut(script->conn, &script->records, script->row->cut))
        script->over = true;
    buf_reset(&script->records);
}

static void put_clear(struct script *script, uint8_t type, const void *bytes, size_t size)
{
    end_record(script);
    odd_put_record(&script->records, type, record_version(script), (struct slice){bytes, size});
}

static void put_message(struct script *script, uint8_t type, const void *body, size_t size)
{
    odd_put(&script->messages, type, 1);
    odd_put(&script->messages, size, 3);
    buf_append(&script->messages, body, size);
}

static void server_hello(struct script *script)
{
    uint8_t share[32], secret[32];
    bool tls13 = script->row->version == TLS13;
    if (tls13 && (script->conn->hello.sslv2 || !odd_agree(&script->conn->hello, share, secret))) {
        put_clear(script, RECORD_ALERT, (const uint8_t[]){FATAL, HANDSHAKE_FAILURE}, 2);
        script->over = true;
        send_records(script);
        return;
    }
    size_t from = script->messages.size;
    odd_put_server_hello(&script->messages, script->conn, false, (struct slice){share, sizeof share});
    if (tls13) {
        buf_append(&script->transcript, script->messages.data + from, script->messages.size - from);
        end_record(script);
        odd_derive(&script->keys, secret, &script->transcript);
    }
}

/* RFC 8446 §4.4.1: in front of a HelloRetryRequest the first ClientHello is told by its hash. */
static void retry_request(struct script *script)
{
    uint8_t hash[32];
    odd_hash(buf_slice(&script->transcript), hash);
    buf_reset(&script->transcript);
    odd_put(&script->transcript, 0xfe000020, 4);
    buf_append(&script->transcript, hash, sizeof hash);
    size_t from = script->messages.size;
    odd_put_server_hello(&script->messages, script->conn, true, (struct slice){NULL, 0});
    buf_append(&script->transcript, script->messages.data + from, script->messages.size - from);
}

static bool put_of_certificates(struct script *script, char act)
{
    static const uint8_t head_16m[] = {11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9};
    static const uint8_t head_1m[] = {11, 0x0f, 0x42, 0x40, 0x0f, 0x42, 0x3d, 0x03, 0xff, 0xff}, zeros[PART_SIZE];
    const struct odd_place *place = script->conn->place;
    EVP_PKEY *key = act == 'k' || act == 'y' ? place->false_key : act == 'n' ? NULL : place->key;
    struct buf *out = &script->messages;
    if (act == 'C')
        odd_put_certificate(out, place);
    else if (act == 'B' || act == 'b')
        buf_append(out, act == 'B' ? head_16m : head_1m, sizeof head_1m);
    else if (act == '0')
        buf_append(out, zeros, sizeof zeros);
    else if (act == 'K' || act == 'k' || act == 'n')
        odd_put_key_exchange(out, script->conn, key);
    else if (act == 'Y' || act == 'y')
        odd_put_certificate_verify(out, &script->transcript, key);
    else if (act == 'T')
        odd_put_status(out, place);
    else if (act == 'R')
        odd_put_request(out, script->row);
    else if (act == 'E')
        odd_put_encrypted_extensions(out, script->row);
    else
        return false;
    return true;
}

static bool put_handshake(struct script *script, char act)
{
    static const struct {
        char act;
        uint8_t type;
        size_t size; /* of a body of zeros */
    } plain[] = {
        {'D', 14, 0}, {'F', 20, 32}, {'Q', 0, 0}, {'M', 4, 38 /* of lifetime 0, a ticket of 32 */}, {'U', 99, 8}};
    static const uint8_t zeros[64];
    size_t from = script->messages.size;
    bool put = put_of_certificates(script, act);
    for (size_t i = 0; !put && i < sizeof plain / sizeof *plain; i++) {
        if (plain[i].act == act) {
            put_message(script, plain[i].type, zeros, plain[i].size);
            put = true;
        }
    }
    if (put && script->keys.ready)
        buf_append(&script->transcript, script->messages.data + from, script->messages.size - from);
    return put;
}

/* Records in clear, and bytes that are none (type 0). */
static bool put_fixed(struct script *script, char act)
{
    static const struct {
        char act;
        uint8_t type;
        const char *bytes;
        size_t size;
    } fixed[] = {
        {'L', RECORD_ALERT, "\2", 1},
        {'V', RECORD_CCS, "\1", 1},
        {'Z', RECORD_HANDSHAKE, "", 0},
        {'z', RECORD_DATA, "", 0},
        {'g', RECORD_DATA, "nobody has sealed this, so there", 32},
        {'h', RECORD_HANDSHAKE, "\2\0\0\x50\3\3half of the random", 24},
        {'O', 0, "\x16\3\3\x49\0\2\0\0\x50\3\3", 11},
        {'3', 0, "\x80\3\0\0\1", 5}, /* NO-CIPHER-ERROR */
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (fixed[i].act != act)
            continue;
        if (fixed[i].type == 0)
            buf_append(&script->records, fixed[i].bytes, fixed[i].size);
        else
            put_clear(script, fixed[i].type, fixed[i].bytes, fixed[i].size);
        return true;
    }
    return false;
}

static bool put_other(struct script *script, char act)
{
    static const uint8_t padding[1000];
    const uint8_t alert[] = {act == 'W' ? WARNING : FATAL, script->row->alert};
    if (act == 'A' || act == 'W') {
        put_clear(script, RECORD_ALERT, alert, sizeof alert);
    } else if (act == '2') {
        odd_put_sslv2_hello(&script->records, script->conn->place);
    } else if (act == 'a' || act == 'X' || act == 'P') {
        end_record(script);
        put_record(script,
                   act == 'a'   ? RECORD_ALERT
                   : act == 'P' ? 0
                                : RECORD_HANDSHAKE,
                   act == 'P' ? (struct slice){padding, sizeof padding} : (struct slice){alert, sizeof alert},
                   act == 'X');
    } else {
        return put_fixed(script, act);
    }
    return true;
}

static bool refused(const struct script *script)
{
    const struct odd_hello *hello = &script->conn->hello;
    const struct odd_place *place = script->conn->place;
    const char *name = script->row->flags & ODD_LITERAL ? script->conn->ip : place->host;
    struct cursor groups;
    uint16_t group;
    switch (script->row->refuse) {
    case REFUSE_NOTHING:
        return false;
    case REFUSE_SUPPORTED_VERSIONS:
        return hello->versions.size > 0;
    case REFUSE_VERSION_12:
        return hello->version >= TLS12;
    case REFUSE_EXTENSIONS:
        return hello->extensions > 0;
    case REFUSE_STATUS_REQUEST:
        return hello->status_request;
    case REFUSE_ALPN:
        return hello->alpn;
    case REFUSE_OVER_255:
        return hello->message.size > 255;
    case REFUSE_OTHER_NAME:
        return !slice_equal(hello->name, (struct slice){(const uint8_t *)name, strlen(name)});
    case REFUSE_TLS:
        return !hello->sslv2;
    case REFUSE_NO_GROUP:
        break;
    }
    cursor_init_slice(&groups, hello->groups);
    while (cursor_u16(&groups, &group) == 0) {
        if (group == script->row->group)
            return false;
    }
    return true;
}

/* What the word does next when the row does not bear this ClientHello; else what it was to do anyhow. */
static const char *read_hello(struct script *script, const char *next)
{
    send_records(script);
    if (script->over || !odd_read_hello(script->conn)) {
        script->over = true;
        return next;
    }
    buf_append(&script->transcript, script->conn->hello.message.data, script->conn->hello.message.size);
    return refused(script) ? script->row->refusal : next;
}

static void act(struct script *script, char what)
{
    if (what == 'S')
        server_hello(script);
    else if (what == 'H')
        retry_request(script);
    else if (what == ',')
        end_record(script);
    else if (!put_handshake(script, what) && !put_other(script, what))
        send_records(script);
    if (what == '-')
        script->over |= !odd_pause(script->conn, 100);
    if (what == '~')
        odd_hold(script->conn);
    if (what == '!')
        script->conn->end = ODD_RESET;
    script->over |= what == '~' || what == '!' || what == '.';
}

void odd_script(struct odd_conn *conn)
{
    struct script script = {.conn = conn, .row = conn->place->row};
    const char *next = script.row->script, *again = NULL;
    buf_init(&script.messages, OUT_MAX);
    buf_init(&script.records, OUT_MAX);
    buf_init(&script.transcript, OUT_MAX);
    while (!script.over && (*next != '\0' || again != NULL)) {
        if (*next == '\0') { /* round once more; a flood goes out in portions */
            next = again;
            end_record(&script);
            if (script.records.size >= PART_SIZE || script.row->cut != CUT_NOT)
                send_records(&script);
            buf_reset(&script.transcript);
        } else if (*next == '@') {
            again = ++next;
        } else if (*next == '<') {
            next = read_hello(&script, next + 1);
        } else {
            act(&script, *next++);
        }
    }
    if (!script.over)
        send_records(&script);
    buf_done(&script.messages);
    buf_done(&script.records);
    buf_done(&script.transcript);
}
