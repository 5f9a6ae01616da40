/* Certificates in the order in which a file holds them, put together into chains: DESIGN "Crawl".
 *
 * Consecutive certificates of which each is issued by the next are one chain; any other is one of its own. */
#ifndef SCANNER_CRAWL_SEQUENCE_H
#define SCANNER_CRAWL_SEQUENCE_H

#include "certmuster/limits.h"
#include "scanner/crawl/found.h"

struct sequence {
    const char *format;
    const char *role; /* of its chains; NULL: the sink decides */
    const struct found_ops *ops;
    struct buf bytes;                  /* the chain's certificates, one behind the other */
    size_t ends[CM_LIMIT_CHAIN_CERTS]; /* where each ends in bytes */
    size_t count;                      /* of certificates in the open chain */
    size_t ordinal;                    /* of the last certificate or damaged place, from 1 */
    size_t first;                      /* ordinal of the open chain's first */
};

void sequence_init(struct sequence *sequence, const char *format, const struct found_ops *ops);
/* The next certificate: der begins with one; what trails it is cut. Tells the open chain first when this one does not continue it. *length (may be
 * NULL) is what belonged to the certificate. Bytes that are none are told as a problem and CM_EMALFORMED is returned. */
int sequence_add(struct sequence *sequence, struct slice der, size_t *length);
/* A certificate that cannot even be decoded from its wrapping: keeps its ordinal and is told. */
void sequence_damaged(struct sequence *sequence, enum record_error error, const char *detail);
/* Something that keeps its ordinal and is told elsewhere, or nowhere: ends the open chain. */
void sequence_skip(struct sequence *sequence);
/* Ends the open chain: what comes next is not issued from within it. */
void sequence_break(struct sequence *sequence);
/* Tells the open chain, frees. */
void sequence_done(struct sequence *sequence);

#endif
