/* PKCS#7 and CMS (RFC 2315, RFC 5652): the certificates and CRLs that signatures and bundles carry, in DER and BER. */
#ifndef SCANNER_CRAWL_FORMATS_CMS_H
#define SCANNER_CRAWL_FORMATS_CMS_H

#include "scanner/crawl/job.h"

struct cms_use {
    const char *format;        /* pkcs7, authenticode, … */
    const char *role;          /* of every chain; NULL: "signer" where somebody signed, else left to the sink */
    size_t certificates, crls; /* ordinals of the last ones told under this content's name; counted on */
    bool
        contents; /* look into what was signed, too: a mail, a document, another CMS; its bytes may be overwritten then */
};

/* Tells what the ContentInfo at the start of bytes carries: first each signer's chain, leaf first, whichever order they stand in; then the other
 * certificates, CRLs, and the same of nested signatures and of time stamps in unsigned attributes. Ordinals are positions in the file. *length
 * (may be NULL) is the ContentInfo's own. CM_EMALFORMED, nothing told, when the bytes begin no CMS that can carry certificates. */
CM_MUST_CHECK int cms_tell(struct job *job, struct slice bytes, struct cms_use *use, size_t *length);
/* True when bytes, which may be cut, begin as a ContentInfo of PKCS#7 does, or a bare certificate sequence of Netscape's. */
bool cms_begins(struct slice head);

#endif
