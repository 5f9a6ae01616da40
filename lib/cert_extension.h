/* X.509 extensions, one at a time: what certificates, requests and CRLs share (RFC 5280 §4.1.2.9, §5.2). Private to lib. */
#ifndef LIB_CERT_EXTENSION_H
#define LIB_CERT_EXTENSION_H

#include "certmuster/cert.h"

/* The next Extension of a SEQUENCE OF them: its OID's contents and the contents of its OCTET STRING. CM_EMALFORMED. */
CM_MUST_CHECK int extension_next(struct cursor *list, struct slice *oid, struct slice *value);
/* n of id-ce, 2.5.29.n, which nearly all are; -1 of any other OID. */
int extension_id_ce(struct slice oid);
/* The keyIdentifier's contents of an AuthorityKeyIdentifier; nothing when there is none. */
struct slice extension_authority_key_id(struct slice value);
/* Keeps in *cert what an inventory asks for of the Extensions that follow. Damage inside of one is no damage of the whole. CM_EMALFORMED. */
CM_MUST_CHECK int extensions_keep(struct cursor *extensions, struct cert *cert);

#endif
