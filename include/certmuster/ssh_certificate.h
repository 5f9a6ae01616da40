/* OpenSSH certificates (PROTOCOL.certkeys, type …-cert-v01@openssh.com): a key that an SSH CA vouches for. */
#ifndef CERTMUSTER_SSH_CERTIFICATE_H
#define CERTMUSTER_SSH_CERTIFICATE_H

#include "certmuster/ssh_key.h"

struct ssh_certificate {
    struct slice type; /* "ssh-ed25519-cert-v01@openssh.com" */
    struct ssh_key key;
    uint64_t serial;
    unsigned role; /* 1 user, 2 host; others are claims that the protocol does not know */
    struct slice key_id;
    struct slice principals;              /* packed strings; empty: valid for every one */
    uint64_t valid_after, valid_before;   /* seconds since the epoch; 0 and UINT64_MAX: without bound */
    struct slice critical, extensions;    /* packed pairs of strings; the second one holds a string or nothing */
    struct slice ca;                      /* the CA's public key, a whole blob */
    struct slice ca_type, signature_type; /* "ssh-rsa"; "rsa-sha2-512" */
};

/* Fills *out with views into blob. CM_ETRUNCATED, CM_EMALFORMED, CM_EUNSUPPORTED for a type that is not known; out untouched then. */
CM_MUST_CHECK int ssh_certificate_parse(struct slice blob, struct ssh_certificate *out, struct cm_error *error);

#endif
