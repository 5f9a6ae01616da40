/* The one pass over all bytes: finds the next place where something may begin that is text, whichever of its disguises it wears. */
#ifndef SCANNER_CRAWL_FORMATS_NEEDLES_H
#define SCANNER_CRAWL_FORMATS_NEEDLES_H

#include <stddef.h>
#include <stdint.h>

enum needle {
    NEEDLE_PEM,             /* "-----BEGIN" */
    NEEDLE_UTF16,           /* the same, or its base64, in UTF-16 of either byte order */
    NEEDLE_BASE64,          /* the same in base64 */
    NEEDLE_BASE64_SHIFTED,  /* … one byte into a group of three */
    NEEDLE_BASE64_SHIFTED2, /* … two bytes into it */
    NEEDLE_BASE64_TWICE,    /* base64 of base64 */
    NEEDLE_SSH_CERTIFICATE, /* "-cert-v01@": the type of an OpenSSH certificate */
    NEEDLE_SSH2,            /* "---- BEGIN": RFC 4716 */
    NEEDLE_PUTTY,           /* "PuTTY-User" */
    NEEDLE_MAIL,            /* "pkcs7-mime", "pkcs7-sign": a content type */
    NEEDLE_JWK,             /* the "kty" of a JSON Web Key */
    NEEDLE_BARE, /* an element or member that holds a certificate in base64 without BEGIN: X509Certificate, x5c */
    NEEDLE_NONE,
};

enum {
    NEEDLE_BYTES = 10, /* of each */
};

/* Offset of the first needle at or behind from, and which; size and NEEDLE_NONE when there is none. */
size_t needles_find(const uint8_t *bytes, size_t size, size_t from, enum needle *which);

#endif
