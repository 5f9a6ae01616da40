/* SSH certificates and keys of any bytes: what is read must lie within them; a key that is read has an SPKI that our own reader takes. */
#include <stdlib.h>

#include "certmuster/cert.h"
#include "certmuster/record.h"
#include "certmuster/ssh_certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spki(const struct ssh_key *key)
{
    struct cert facts = {0};
    struct buf spki;
    buf_init(&spki, 1 << 20);
    ssh_key_spki(key, &spki);
    if (spki.failed || cert_read_key(buf_slice(&spki), &facts) || !facts.key_alg ||
        strcmp(facts.key_alg, key->alg) != 0 || facts.key_bits != key->bits)
        abort();
    buf_done(&spki);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_file file = {.realm = "r", .host = "h", .path = "/p"};
    struct record_seen seen = {.source = "crawl", .file = &file};
    struct ssh_certificate certificate;
    struct ssh_key key;
    struct buf out;
    if (!ssh_certificate_parse((struct slice){data, size}, &certificate, NULL)) {
        check_spki(&certificate.key);
        if (certificate.ca.data < data || certificate.ca.data + certificate.ca.size > data + size)
            abort();
    }
    if (!ssh_key_read((struct slice){data, size}, &key))
        check_spki(&key);
    buf_init(&out, 1 << 23);
    record_write_ssh_certificate(&out, &seen, data, size);
    if (out.failed || out.data[out.size - 1] != '\n')
        abort();
    buf_done(&out);
    return 0;
}
