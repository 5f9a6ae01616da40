/* The fleet's directory (see store.h): reads what is there, makes what is missing. A file is written beside its place and renamed, so a
 * killed start leaves no half of one. Failures of the disk end the process: there is nothing to serve without it. */
#include "tests/fleet/store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/ipaddr.h"
#include "certmuster/log.h"

enum { MAX_FILE = 8 * 1024 * 1024, PATH_SIZE = 4096 };
/* The root is older than all that it signed, as roots are. */
static const int64_t root_age = 1200 * (int64_t)86400, root_life = 7300 * (int64_t)86400;

static void path_of(const struct store *store, const char *name, char out[static PATH_SIZE])
{
    int size = snprintf(out, PATH_SIZE, "%s/%s", store->dir, name);
    if (size < 0 || size >= PATH_SIZE) {
        say_error("the path of %s is too long", name);
        exit(CM_EXIT_USAGE);
    }
}

int store_write(const struct store *store, const char *name, const struct buf *text, unsigned mode,
                struct cm_error *error)
{
    char path[PATH_SIZE], draft[PATH_SIZE + 8];
    path_of(store, name, path);
    snprintf(draft, sizeof draft, "%s.new", path);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return error_setf(error, CM_EIO, 0, "cannot write", "%s: %s", draft, strerror(errno));
    size_t done = 0;
    while (done < text->size) {
        ssize_t wrote = write(fd, text->data + done, text->size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            break;
        done += (size_t)wrote;
    }
    int problem = done < text->size ? errno : 0;
    if (close(fd) != 0 && problem == 0)
        problem = errno;
    if (problem == 0 && rename(draft, path) != 0)
        problem = errno;
    if (problem != 0)
        return error_setf(error, CM_EIO, 0, "cannot write", "%s: %s", path, strerror(problem));
    return 0;
}

static void write_or_die(const struct store *store, const char *name, BIO *pem, unsigned mode)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(pem, &bytes);
    struct buf text;
    struct cm_error error;
    buf_init(&text, MAX_FILE);
    buf_append(&text, bytes, (size_t)size);
    if (text.failed || store_write(store, name, &text, mode, &error) != 0) {
        say_error("%s", text.failed ? name : log_error(&error));
        exit(CM_EXIT_FAILED);
    }
    buf_done(&text);
}

/* NULL when the file is not there yet. */
static BIO *open_pem(const struct store *store, const char *name)
{
    char path[PATH_SIZE];
    path_of(store, name, path);
    if (access(path, F_OK) != 0)
        return NULL;
    return pki_must(BIO_new_file(path, "r"), path);
}

EVP_PKEY *store_key(struct store *store, enum fleet_key key)
{
    if (store->keys[key] != NULL)
        return store->keys[key];
    char name[64];
    snprintf(name, sizeof name, "keys/%s.pem", fleet_key_name(key));
    BIO *pem = open_pem(store, name);
    if (pem != NULL) {
        store->keys[key] = pki_must(PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL), name);
    } else {
        store->keys[key] = pki_generate(key);
        pem = pki_must(BIO_new(BIO_s_mem()), name);
        pki_must_be(PEM_write_bio_PrivateKey(pem, store->keys[key], NULL, NULL, 0, NULL, NULL) == 1, name);
        write_or_die(store, name, pem, 0600);
    }
    BIO_free(pem);
    return store->keys[key];
}

static STACK_OF(X509) * read_certs(const struct store *store, const char *name)
{
    BIO *pem = open_pem(store, name);
    if (pem == NULL)
        return NULL;
    STACK_OF(X509) *certs = pki_must(sk_X509_new_null(), name);
    X509 *cert;
    while ((cert = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL)
        pki_must_be(sk_X509_push(certs, cert) > 0, name);
    pki_must_be(sk_X509_num(certs) > 0, name);
    BIO_free(pem);
    return certs;
}

static void write_certs(const struct store *store, const char *name, const STACK_OF(X509) * certs)
{
    BIO *pem = pki_must(BIO_new(BIO_s_mem()), name);
    for (int i = 0; i < sk_X509_num(certs); i++)
        pki_must_be(PEM_write_bio_X509(pem, sk_X509_value(certs, i)) == 1, name);
    write_or_die(store, name, pem, 0644);
    BIO_free(pem);
}

/* A CA certificate: read from its file, or made. issuer NULL: the root. */
static X509 *authority(struct store *store, const char *file, const char *common_name, enum fleet_key key, X509 *issuer,
                       int64_t from, int64_t until)
{
    STACK_OF(X509) *certs = read_certs(store, file);
    if (certs == NULL) {
        const struct pki_rdn subject[] = {{NID_countryName, 0, "XX", 2},
                                          {NID_organizationName, 0, "Fleet Example", 13},
                                          {NID_commonName, 0, common_name, strlen(common_name)}};
        const struct pki_plan plan = {.subject = subject,
                                      .subject_count = 3,
                                      .key = store_key(store, key),
                                      .issuer = issuer,
                                      .issuer_key = issuer != NULL ? store_key(store, KEY_ROOT) : NULL,
                                      .not_before = from,
                                      .not_after = until,
                                      .ca = true};
        certs = pki_must(sk_X509_new_null(), file);
        pki_must_be(sk_X509_push(certs, pki_issue(&plan)) > 0, file);
        write_certs(store, file, certs);
    }
    X509 *cert = sk_X509_shift(certs);
    sk_X509_pop_free(certs, X509_free);
    return cert;
}

X509 *store_intermediate(struct store *store, enum fleet_key ca)
{
    static const char *const names[KEY_COUNT] = {[KEY_CA_EC] = "Fleet Example Issuing CA E1",
                                                 [KEY_CA_RSA] = "Fleet Example Issuing CA R1",
                                                 [KEY_CA_BULK] = "Fleet Example Bulk CA B1"};
    if (store->intermediates[ca] == NULL) {
        char file[64];
        snprintf(file, sizeof file, "certs/%s.pem", fleet_key_name(ca));
        store->intermediates[ca] =
            authority(store, file, names[ca], ca, store->root, store->birth - root_age, store->birth + root_life / 2);
    }
    return store->intermediates[ca];
}

int store_open(struct store *store, const char *dir, struct cm_error *error)
{
    char path[PATH_SIZE];
    *store = (struct store){.dir = dir, .lock = -1};
    static const char *const parts[] = {"", "keys", "certs"};
    for (size_t i = 0; i < 3; i++) {
        path_of(store, parts[i], path);
        if (mkdir(path, i == 1 ? 0700 : 0755) != 0 && errno != EEXIST)
            return error_setf(error, CM_EIO, 0, "cannot make the directory", "%s: %s", path, strerror(errno));
    }
    path_of(store, "lock", path);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (store->lock < 0 || flock(store->lock, LOCK_EX) != 0)
        return error_setf(error, CM_EIO, 0, "cannot lock", "%s: %s", path, strerror(errno));
    int64_t now = (int64_t)time(NULL);
    store->root =
        authority(store, "ca.pem", "Fleet Example Root CA", KEY_ROOT, NULL, now - root_age, now - root_age + root_life);
    store->birth = pki_not_before(store->root) + root_age;
    return 0;
}

void store_unlock(struct store *store)
{
    if (store->lock >= 0)
        close(store->lock);
    store->lock = -1;
}

void store_done(struct store *store)
{
    store_unlock(store);
    X509_free(store->root);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        EVP_PKEY_free(store->keys[i]);
        X509_free(store->intermediates[i]);
    }
}

/* --- leaves ---------------------------------------------------------------------------------------------------------------- */

struct leaf_names {
    char text[FLEET_SAN_COUNT][64];
    struct ipaddr address;
    struct pki_name names[FLEET_SAN_COUNT];
    size_t count;
};

static void add_dns(struct leaf_names *out, const char *prefix, const char *host)
{
    char *text = out->text[out->count];
    int size = snprintf(text, sizeof out->text[0], "%s%s", prefix, host);
    pki_must_be(size > 0 && (size_t)size < sizeof out->text[0], "a name is too long");
    out->names[out->count++] = (struct pki_name){GEN_DNS, text, (size_t)size};
}

static void choose_names(const struct behaviour *behaviour, const char *ip, struct leaf_names *out)
{
    out->count = 0;
    switch (behaviour->names) {
    case NAMES_HOST:
        add_dns(out, "", behaviour->host);
        break;
    case NAMES_WILDCARD:
        add_dns(out, "*.", behaviour->host);
        add_dns(out, "", behaviour->host);
        break;
    case NAMES_MANY:
        add_dns(out, "", behaviour->host);
        while (out->count < FLEET_SAN_COUNT) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "edge-%03zu.", out->count);
            add_dns(out, prefix, behaviour->host);
        }
        break;
    case NAMES_IP:
        pki_must_be(ipaddr_read(ip, &out->address) == 0, ip);
        out->names[out->count++] = (struct pki_name){GEN_IPADD, out->address.bytes, 4};
        break;
    case NAMES_HOSTILE:
        while (out->count < hostile_name_count) {
            out->names[out->count] = hostile_names[out->count];
            out->count++;
        }
        break;
    case NAMES_NONE:
        break;
    }
}

static X509 *make_leaf(struct store *store, const struct behaviour *behaviour, enum fleet_key key, enum fleet_key ca,
                       int generation, const char *ip)
{
    const char *common_name = behaviour->names == NAMES_IP ? ip : behaviour->host;
    struct pki_rdn plain[] = {{NID_organizationName, 0, "Fleet Example", 13},
                              {NID_commonName, 0, common_name, strlen(common_name)}};
    struct leaf_names *names = cm_malloc(sizeof *names);
    choose_names(behaviour, ip, names);
    bool hostile = behaviour->names == NAMES_HOSTILE, alone = behaviour->chain == CHAIN_SELF_SIGNED;
    struct pki_plan plan = {.subject = hostile ? hostile_subject : plain,
                            .subject_count = hostile ? hostile_subject_count : 2,
                            .names = names->names,
                            .name_count = names->count,
                            .key = store_key(store, key),
                            .issuer = alone ? NULL : store_intermediate(store, ca),
                            .issuer_key = alone ? NULL : store_key(store, ca),
                            .sha1 = (behaviour->flags & FLAG_SHA1) != 0};
    behaviour_validity(behaviour, generation, store->birth, &plan.not_before, &plan.not_after);
    X509 *leaf = pki_issue(&plan);
    free(names);
    return leaf;
}

static void push(STACK_OF(X509) * chain, X509 *cert)
{
    pki_must_be(X509_up_ref(cert) == 1 && sk_X509_push(chain, cert) > 0, "chain");
}

STACK_OF(X509) * store_chain(struct store *store, const struct behaviour *behaviour, enum fleet_key key, int generation,
                             const char *ip)
{
    enum fleet_key ca = key == KEY_RSA_2048 || key == KEY_RSA_1024 ? KEY_CA_RSA : KEY_CA_EC;
    bool renewed = generation > 1 && (behaviour->flags & FLAG_RENEWS);
    char file[128];
    snprintf(file, sizeof file, "certs/%s%s%s%s%s.pem", behaviour->name, (behaviour->flags & FLAG_BALANCED) ? "-" : "",
             (behaviour->flags & FLAG_BALANCED) ? fleet_key_name(key) : "", behaviour->names == NAMES_IP ? "-" : "",
             behaviour->names == NAMES_IP ? ip
             : renewed                    ? "-renewed"
                                          : "");
    STACK_OF(X509) *chain = read_certs(store, file);
    if (chain != NULL)
        return chain;
    chain = pki_must(sk_X509_new_null(), file);
    pki_must_be(sk_X509_push(chain, make_leaf(store, behaviour, key, ca, generation, ip)) > 0, file);
    if (behaviour->chain == CHAIN_WRONG_ORDER)
        push(chain, store->root);
    if (behaviour->chain != CHAIN_LEAF && behaviour->chain != CHAIN_SELF_SIGNED)
        push(chain, store_intermediate(store, ca));
    if (behaviour->chain == CHAIN_WITH_ROOT)
        push(chain, store->root);
    write_certs(store, file, chain);
    return chain;
}
