/* Public keys as SSH writes them (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709, OpenSSH's PROTOCOL.u2f), and the SubjectPublicKeyInfo of the same key,
 * so that one key is recognised wherever it lies. */
#ifndef CERTMUSTER_SSH_KEY_H
#define CERTMUSTER_SSH_KEY_H

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

enum ssh_key_kind { SSH_KEY_RSA, SSH_KEY_DSA, SSH_KEY_EC, SSH_KEY_EDWARDS };

struct ssh_key {
    struct slice
        name; /* the type in clear: "ssh-rsa", "sk-ssh-ed25519@openssh.com", …; of a certificate, of the key in it */
    struct slice fields; /* what follows the type, as it stands */
    enum ssh_key_kind kind;
    const char *alg;   /* static, as in certificates: RSA, DSA, EC, Ed25519, Ed448 */
    const char *curve; /* static: P-256, …; NULL when not EC */
    unsigned bits;
    bool security_key;    /* the private half lies in a token */
    struct slice part[4]; /* magnitudes or strings: RSA e, n; DSA p, q, g, y; EC point; Edwards bytes */
};

/* The next `string`: four bytes of length and so many bytes. */
CM_MUST_CHECK int ssh_string(struct cursor *cursor, struct slice *out);
/* Reads the fields of a key whose type was read before; views into the cursor's bytes. CM_EUNSUPPORTED for a type that is not known,
 * CM_EMALFORMED, CM_ETRUNCATED. A certificate's type reads as its key's: what the certificate adds before and behind is the caller's. */
CM_MUST_CHECK int ssh_key_fields(struct cursor *cursor, struct slice type, struct ssh_key *out);
/* A whole blob: the type and its fields, nothing behind them. */
CM_MUST_CHECK int ssh_key_read(struct slice blob, struct ssh_key *out);
/* Appends the SubjectPublicKeyInfo. */
void ssh_key_spki(const struct ssh_key *key, struct buf *out);
/* "SHA256:…", as ssh-keygen -l shows it, of a plain key's blob. */
enum { SSH_FINGERPRINT_SIZE = 7 + 43 + 1 };
void ssh_fingerprint(const void *blob, size_t size, char out[static SSH_FINGERPRINT_SIZE]);
/* The same of a key that was read: the blob is put together again. */
void ssh_key_fingerprint(const struct ssh_key *key, char out[static SSH_FINGERPRINT_SIZE]);

#endif
