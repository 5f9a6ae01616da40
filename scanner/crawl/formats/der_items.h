/* What one DER element is, by its shape, and telling it: what bare files and PEM blocks have in common. */
#ifndef SCANNER_CRAWL_FORMATS_DER_ITEMS_H
#define SCANNER_CRAWL_FORMATS_DER_ITEMS_H

#include "scanner/crawl/formats/sequence.h"
#include "scanner/crawl/job.h"

enum der_item {
    DER_ITEM_NONE,
    DER_ITEM_CERTIFICATE,
    DER_ITEM_REQUEST,
    DER_ITEM_CRL,
    DER_ITEM_CMS,
    DER_ITEM_OCSP,  /* an OCSP response: the responder's certificates */
    DER_ITEM_STAMP, /* a time stamp as a server answers: its signer's certificates */
    DER_ITEM_KEY,
};

/* Where items are told: in one content's order. */
struct der_items {
    struct job *job;
    const char *format;
    struct content_ordinals *told;
    struct sequence certificates;
    bool contents; /* look into what a CMS carries: nobody else will */
};

void der_items_init(struct der_items *items, struct job *job, const char *format, struct content_ordinals *told);
/* The element at the start of bytes, which may be longer or cut; by its first members alone. */
enum der_item der_item_of(struct slice bytes);
/* Tells the item; *length (may be NULL) is what it takes of bytes. CM_EMALFORMED: nothing was told. */
CM_MUST_CHECK int der_item_tell(struct der_items *items, enum der_item item, struct slice bytes, size_t *length);
/* One that cannot be read: keeps its ordinal. */
void der_item_damaged(struct der_items *items, enum der_item item, enum record_error error, const char *detail);
/* Tells the open chain, frees. */
void der_items_done(struct der_items *items);

#endif
