/* Who signed a SignedData: the chains of its signers among its certificates. */
#ifndef SCANNER_CRAWL_FORMATS_CMS_SIGNERS_H
#define SCANNER_CRAWL_FORMATS_CMS_SIGNERS_H

#include "certmuster/cert.h"
#include "scanner/crawl/job.h"

struct signers {
    struct signers_certificate {
        struct cert parsed;
        bool readable, told;
    } * certificates; /* in the order of the set, other choices included */
    size_t count;
    struct cursor infos;
};

/* certificates: the contents of a CertificateSet; infos: those of SignerInfos; either may be all zeros. Views into them are kept. */
void signers_init(struct signers *signers, struct cursor certificates, struct cursor infos);
/* Tells a chain for each signer whose certificate is in the set; its entry is the certificate's position, counted from ordinal + 1. */
void signers_tell(struct signers *signers, struct job *job, const char *format, const char *role, size_t ordinal);
/* True when the certificate at this index of the set has been told as part of a chain. */
bool signers_told(const struct signers *signers, size_t index);
void signers_done(struct signers *signers);

#endif
