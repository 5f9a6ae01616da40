/* Certificates of the odd servers: a leaf for each row, of keys that the directory keeps, and chains of every size and damage. Made anew at each
 * start; MANIFEST.tsv tells their fingerprints. */
#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fleet/odd.h"
#include "tests/fleet/store.h"

enum { FILLER_COUNT = 98, FILLER_NAMES = 340, NAME_SIZE = 40, DAY = 86400, STAPLE_MAX = 64 * 1024 };

struct odd_fillers {
    struct odd_cert certs[FILLER_COUNT];
};

static const struct {
    size_t fillers, copies;
} shapes[ODD_CHAIN_COUNT] = {
    [ODD_CHAIN_82K] = {.fillers = 7},      [ODD_CHAIN_164K] = {.fillers = 15}, [ODD_CHAIN_900K] = {.fillers = 82},
    [ODD_CHAIN_OVER_1M] = {.fillers = 98}, [ODD_CHAIN_101] = {.copies = 99},
};

static struct odd_cert encode(X509 *cert)
{
    struct odd_cert out = {NULL, 0};
    int size = i2d_X509(cert, &out.der);
    pki_must_be(size > 0, "certificate");
    out.size = (size_t)size;
    return out;
}

static X509 *issue(struct store *store, const char *common_name, const struct pki_name *names, size_t count,
                   enum fleet_key key)
{
    enum fleet_key ca = key == KEY_RSA_2048 ? KEY_CA_RSA : KEY_CA_EC;
    const struct pki_rdn subject[] = {{NID_organizationName, 0, "Odd Example", 11},
                                      {NID_commonName, 0, common_name, strlen(common_name)}};
    const struct pki_plan plan = {.subject = subject,
                                  .subject_count = 2,
                                  .names = names,
                                  .name_count = count,
                                  .key = store_key(store, key),
                                  .issuer = store_intermediate(store, ca),
                                  .issuer_key = store_key(store, ca),
                                  .not_before = store->birth - DAY,
                                  .not_after = store->birth + 300 * (int64_t)DAY};
    return pki_issue(&plan);
}

/* Real certificates of about 11 KiB, for chains that are too long for others. */
static struct odd_fillers *make_fillers(struct store *store)
{
    struct odd_fillers *fillers = cm_calloc(1, sizeof *fillers);
    char(*texts)[NAME_SIZE] = cm_calloc(FILLER_NAMES, NAME_SIZE);
    struct pki_name *names = cm_calloc(FILLER_NAMES, sizeof *names);
    for (size_t i = 0; i < FILLER_COUNT; i++) {
        for (size_t j = 0; j < FILLER_NAMES; j++) {
            int size = snprintf(texts[j], NAME_SIZE, "san-%04zu.filler-%02zu.odd.example", j, i);
            names[j] = (struct pki_name){GEN_DNS, texts[j], (size_t)size};
        }
        X509 *cert = issue(store, texts[0], names, FILLER_NAMES, KEY_P256);
        fillers->certs[i] = encode(cert);
        X509_free(cert);
    }
    free(texts);
    free(names);
    return fillers;
}

void odd_free_fillers(struct odd_fillers *fillers)
{
    if (fillers == NULL)
        return;
    for (size_t i = 0; i < FILLER_COUNT; i++)
        OPENSSL_free(fillers->certs[i].der);
    free(fillers);
}

static struct odd_cert copy(const void *bytes, size_t size)
{
    struct odd_cert out = {pki_must(OPENSSL_malloc(size + 1), "memory"), size};
    if (size > 0)
        memcpy(out.der, bytes, size);
    return out;
}

static void make_chain(struct store *store, struct odd_fillers **fillers, struct odd_place *place)
{
    static const uint8_t garbage[] = "\x30\x82\x01\x00this is no certificate, whatever its first four bytes say";
    enum odd_chain shape = place->row->chain;
    size_t filler_count = shapes[shape].fillers, count = 0;
    struct odd_cert *certs = cm_calloc(3 + filler_count + shapes[shape].copies, sizeof *certs);
    if (filler_count > 0 && *fillers == NULL)
        *fillers = make_fillers(store);
    if (shape != ODD_CHAIN_NONE)
        certs[count++] = encode(place->leaf);
    if (shape == ODD_CHAIN_GARBAGE)
        certs[count++] = copy(garbage, sizeof garbage - 1);
    if (shape == ODD_CHAIN_EMPTY_ENTRY)
        certs[count++] = copy(NULL, 0);
    for (size_t i = 0; i < filler_count; i++)
        certs[count++] = copy((*fillers)->certs[i].der, (*fillers)->certs[i].size);
    for (size_t i = 0; shape != ODD_CHAIN_NONE && i < 1 + shapes[shape].copies; i++)
        certs[count++] = encode(place->intermediate);
    place->certs = certs;
    place->cert_count = count;
}

/* An OCSPResponse that says "good" of the leaf, signed by its issuer. */
static void make_staple(struct store *store, struct odd_place *place)
{
    uint8_t *der = NULL;
    time_t now = time(NULL);
    ASN1_TIME *from = pki_must(ASN1_GENERALIZEDTIME_adj(NULL, now, 0, -3600), "time");
    ASN1_TIME *until = pki_must(ASN1_GENERALIZEDTIME_adj(NULL, now, 7, 0), "time");
    OCSP_BASICRESP *basic = pki_must(OCSP_BASICRESP_new(), "OCSP");
    OCSP_CERTID *id = pki_must(OCSP_cert_to_id(EVP_sha1(), place->leaf, place->intermediate), "OCSP");
    pki_must_be(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, until) != NULL &&
                    OCSP_basic_sign(basic, place->intermediate, store_key(store, KEY_CA_EC), EVP_sha256(), NULL, 0) ==
                        1,
                "OCSP");
    OCSP_RESPONSE *response = pki_must(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic), "OCSP");
    int size = i2d_OCSP_RESPONSE(response, &der);
    pki_must_be(size > 0, "OCSP");
    buf_append(&place->staple, der, (size_t)size);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
}

void odd_fill_place(struct store *store, struct odd_fillers **fillers, const struct odd_row *row, struct odd_place *out)
{
    bool rsa = (row->flags & ODD_RSA) != 0;
    enum fleet_key key = rsa ? KEY_RSA_2048 : KEY_P256;
    *out = (struct odd_place){.row = row};
    buf_init(&out->staple, STAPLE_MAX);
    snprintf(out->host, sizeof out->host, "%s.odd.example", row->name);
    const struct pki_name name = {GEN_DNS, out->host, strlen(out->host)};
    out->key = store_key(store, key);
    out->false_key = store_key(store, rsa ? KEY_CA_RSA : KEY_CA_EC);
    out->leaf = issue(store, out->host, &name, 1, key);
    out->intermediate = store_intermediate(store, rsa ? KEY_CA_RSA : KEY_CA_EC);
    make_chain(store, fillers, out);
    if (row->staple != NULL && strcmp(row->staple, "good") == 0)
        make_staple(store, out);
    else if (row->staple != NULL)
        buf_append_str(&out->staple, "0\x82 this says good, but not in DER");
    if (row->play == odd_ssl)
        out->context = odd_context(out);
}

void odd_free_place(struct odd_place *place)
{
    for (size_t i = 0; i < place->cert_count; i++)
        OPENSSL_free(place->certs[i].der);
    free((void *)(uintptr_t)place->certs);
    X509_free(place->leaf);
    SSL_CTX_free(place->context);
    buf_done(&place->staple);
}
