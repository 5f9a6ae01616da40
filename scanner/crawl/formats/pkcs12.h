/* PKCS#12 files (RFC 7292, RFC 9579): certificates, the presence of keys, and how the file is protected. */
#ifndef SCANNER_CRAWL_FORMATS_PKCS12_H
#define SCANNER_CRAWL_FORMATS_PKCS12_H

#include "scanner/crawl/job.h"

/* Tells what it finds: a chain per key entry and per other certificate, a key per key bag, one store, problems. Returns what the bytes had
 * of a PFX: 0, or CM_EMALFORMED when they are none (a problem was told then too). */
int pkcs12_read(struct job *job, struct slice bytes);
/* Loads OpenSSL's providers: code, which a process that has given up its rights can load no more. The first pkcs12_read() does it else. */
void pkcs12_start(void);
/* Frees them. */
void pkcs12_done(void);

#endif
