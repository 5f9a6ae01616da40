/* Private keys as they lie in files: which kind, whether encrypted, and which public key they belong to. Never the key. */
#ifndef SCANNER_CRAWL_KEY_H
#define SCANNER_CRAWL_KEY_H

#include "scanner/crawl/job.h"

/* The kind that a PEM label names ("pkcs1", …), NULL when it is no private key's. */
const char *key_kind_of_label(struct slice label);
/* The kind of a DER private key, by its shape; NULL when it is none. *encrypted as found. */
const char *key_kind_of_der(struct slice der, bool *encrypted);
/* Fills kind, encrypted and, for a plain key and for OpenSSH's, which keep it in clear, the public key's hash, algorithm and size. CM_EMALFORMED when the bytes are no such key. */
CM_MUST_CHECK int key_examine(const char *kind, bool encrypted, struct slice der, struct found_key *out);
/* Fills the public key's hash, algorithm and size from its blob in SSH's form; false when that cannot be read. */
bool key_describe_ssh(struct slice blob, struct found_key *out);
/* Examines and tells it, under the entry "key-ORDINAL"; or that it cannot be read. */
void key_tell(struct job *job, const char *format, size_t ordinal, const char *kind, bool encrypted, struct slice der);

#endif
