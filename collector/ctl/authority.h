/* A small private CA for scanners that have no certificate of their own, and for the collector that they deliver to.
 *
 * Lives in one directory: ca.key (0600, EC P-256), ca.pem. Made at its first use. It signs what is asked of it here and nothing else, and keeps no list:
 * whom the collector lets in stands in the inventory. One at a time has it open: so there is one CA however many ask first, and of two that enrol the
 * same name the key that stays in its place is the one that was admitted last. */
#ifndef CTL_AUTHORITY_H
#define CTL_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/encode.h"
#include "certmuster/error.h"
#include "collector/ctl/private_file.h"

enum { AUTHORITY_NAMES_MAX = 32, AUTHORITY_DAYS = 3650 };

struct authority;
/* *made: it was not there before. CM_EIO when the directory or its files cannot be read or made, CM_EMALFORMED when they are no CA. */
CM_MUST_CHECK int authority_open(const char *dir, struct authority **out, bool *made, struct cm_error *error);
void authority_close(struct authority *authority);
const char *authority_certificate_path(const struct authority *authority);

struct issued { /* a key and its certificate: PEM, to be freed by issued_done, which clears the key */
    char *key, *certificate;
    char sha256[CM_SHA256_HEX_SIZE]; /* of the certificate */
    int64_t not_after;               /* seconds */
    bool cut_short;                  /* that is the CA's end: more days were asked for */
};

enum authority_use { AUTHORITY_CLIENT, AUTHORITY_SERVER };
/* names: DNS names or addresses, the first of which is the subject's CN as well where it is short enough. Never outlives the CA. CM_ECONFLICT: the
 * CA itself has ended. */
CM_MUST_CHECK int authority_issue(const struct authority *authority, enum authority_use use, const char *const *names,
                                  size_t name_count, unsigned days, struct issued *out, struct cm_error *error);
void issued_done(struct issued *issued);
/* dir/name.key (0600) and dir/name.pem, written whole beside their places, where older ones stay until issued_publish puts both there, or neither. */
enum { ISSUED_FILES = 2 };
CM_MUST_CHECK int issued_prepare(const struct issued *issued, const char *dir, const char *name,
                                 struct private_file files[static ISSUED_FILES], struct cm_error *error);
CM_MUST_CHECK int issued_publish(struct private_file files[static ISSUED_FILES], struct cm_error *error);
void issued_discard(struct private_file files[static ISSUED_FILES]);

#endif
