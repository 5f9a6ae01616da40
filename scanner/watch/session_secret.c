/* Behind ServerHello with a key log: TLS 1.3 records opened with the handshake traffic secrets, up to both Certificates; and a resumed TLS 1.2 session recognised by
 * its master secret as one whose certificate was seen before.
 *
 * Early data comes under other keys and in front of the client's handshake: what does not open is passed over, a bounded number of times. */
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/tls/key_schedule.h"
#include "scanner/watch/keylog.h"
#include "scanner/watch/session_private.h"

enum { MISSES_MAX = 64 };

struct secret_side {
    bool usable;
    unsigned misses;
    struct record_keys keys;
    struct message_reader messages;
};

struct session_secret {
    struct secret_side sides[2]; /* by direction */
};

static pthread_key_t schedule_key;

static void free_schedule(void *schedule)
{
    key_schedule_free(schedule);
}

static void make_key(void)
{
    (void)pthread_key_create(&schedule_key, free_schedule);
}

/* A thread's, for as long as it lives. */
static struct key_schedule *get_schedule(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local struct key_schedule *schedule;
    if (schedule)
        return schedule;
    (void)pthread_once(&once, make_key);
    if (key_schedule_new(&schedule, NULL))
        return NULL;
    (void)pthread_setspecific(schedule_key, schedule);
    return schedule;
}

static void set_side(struct session *session, int direction, const struct keylog_secret *secret)
{
    struct secret_side *side = &session->secret->sides[direction];
    uint16_t suite = session->server_part->hello.cipher;
    tls_messages_init(&side->messages, CM_LIMIT_FLIGHT_BYTES);
    side->usable = secret->size == tls13_hash_size(suite) && secret->size != 0 &&
                   tls13_record_keys(get_schedule(), suite, secret->bytes, &side->keys) == 0;
}

/* Looks for the secrets of a 1.3 handshake whose hellos are both there. True when the server's part can be opened. */
bool session_secret_begin(struct session *session)
{
    struct keylog_secrets secrets;
    if (session->secret)
        return session->secret->sides[!session->client].usable;
    if (!keylog_is_used(session->options.keylog) || !session->client_part || !get_schedule() ||
        !keylog_find(session->options.keylog, session->client_part->hello.random.data, &secrets))
        return false;
    session->secret = cm_calloc(1, sizeof *session->secret);
    set_side(session, session->client, &secrets.client);
    set_side(session, !session->client, &secrets.server);
    OPENSSL_cleanse(&secrets, sizeof secrets);
    return session->secret->sides[!session->client].usable;
}

void session_secret_free(struct session *session)
{
    if (!session->secret)
        return;
    for (int direction = 0; direction < 2; direction++)
        tls_messages_done(&session->secret->sides[direction].messages);
    OPENSSL_cleanse(session->secret, sizeof *session->secret);
    free(session->secret);
    session->secret = NULL;
}

size_t session_secret_memory(const struct session *session)
{
    const struct session_secret *secret = session->secret;
    if (!secret)
        return 0;
    return sizeof *secret + secret->sides[0].messages.partial.capacity + secret->sides[1].messages.partial.capacity;
}

static void stop_side(struct session *session, int direction)
{
    session->secret->sides[direction].usable = false;
    session_go_dark(session, direction);
}

static void read_plain(struct session *session, int direction, struct slice plain)
{
    struct secret_side *side = &session->secret->sides[direction];
    struct tls_message message;
    int code;
    tls_messages_feed(&side->messages, plain);
    while ((code = tls_messages_next(&side->messages, &message)) == 0) {
        session_message(session, direction, &message);
        if (message.type == TLS_FINISHED) { /* application keys from here on */
            stop_side(session, direction);
            return;
        }
    }
    if (code != CM_ETRUNCATED)
        stop_side(session, direction);
}

bool session_secret_record(struct session *session, int direction, const struct tls_record *record)
{
    static _Thread_local uint8_t plain[TLS_CIPHERTEXT_MAX];
    size_t size;
    uint8_t type;
    if (!session_is_13(session))
        return false;
    if (!session->secret) /* each side ends for itself: the client's Certificate comes when the server's part is over */
        (void)session_secret_begin(session);
    if (!session->secret || !session->secret->sides[direction].usable)
        return false;
    struct secret_side *side = &session->secret->sides[direction];
    if (tls13_open(get_schedule(), &side->keys, record->header, record->fragment, plain, &size, &type)) {
        if (++side->misses > MISSES_MAX)
            stop_side(session, direction);
        return true;
    }
    if (type == TLS_HANDSHAKE)
        read_plain(session, direction, (struct slice){plain, size});
    return true;
}

/* --- resumption up to TLS 1.2 ------------------------------------------------------------------------------------------- */

/* The master secret of this handshake, if the key log has it. */
static bool find_master(const struct session *session, struct keylog_secret *master)
{
    struct keylog_secrets secrets;
    if (!keylog_is_used(session->options.keylog) || !session->client_part ||
        !keylog_find(session->options.keylog, session->client_part->hello.random.data, &secrets))
        return false;
    *master = secrets.master;
    OPENSSL_cleanse(&secrets, sizeof secrets);
    return master->size == KEYLOG_SECRET_MAX;
}

void session_secret_remember(const struct session *session, struct slice certificate)
{
    struct keylog_secret master;
    if (find_master(session, &master))
        keylog_remember(session->options.keylog, &master, certificate);
}

bool session_secret_recall(const struct session *session, struct buf *certificate)
{
    struct keylog_secret master;
    return find_master(session, &master) && keylog_recall(session->options.keylog, &master, certificate);
}
