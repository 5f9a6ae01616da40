/* GSKit key databases, made here: both versions, requests, passwords, the stash, damage. */
#include "tests/unit/crawl/stores.h"

#include <stdio.h>

#include <openssl/hmac.h>

#include "tests/unit/crawl/bytes.h"

static struct stores_certificate leaf, ca;

enum { SLOT = 1200, CERTIFICATE = 0xA1, PAIR = 0xA2, REQUEST = 0xA0, SECRET = 0xA3 };

/* EncryptedPrivateKeyInfo, as far as its shape goes. */
static const uint8_t key_der[] = {0x30, 0x17, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01,
                                  0x05, 0x0D, 0x05, 0x00, 0x04, 0x06, 's',  'e',  'c',  'r',  'e',  't'};

static void start(struct buf *file, unsigned version, unsigned count)
{
    buf_init(file, 1 << 20);
    add_be(file, 0x3748, 2);
    add_be(file, version, 1);
    add_be(file, 2, 1);
    add_zeros(file, 4);
    buf_append(file, "X509KEY", 8);
    add_be(file, SLOT, 4);
    add_be(file, count, 4);
    buf_append(file, "twenty-three bytes salt", 24);
    add_zeros(file, version == 4 ? 40 : 96);
}

static void add_slot(struct buf *file, unsigned number, uint8_t tag, const struct stores_certificate *certificate,
                     const char *label)
{
    struct buf contents, record;
    size_t end = file->size + SLOT;
    buf_init(&contents, SLOT);
    buf_init(&record, SLOT);
    if (certificate)
        buf_append(&contents, certificate->der, certificate->size);
    if (tag != CERTIFICATE)
        buf_append(&contents, key_der, sizeof key_der);
    if (tag == PAIR || tag == REQUEST) {
        buf_append(&record, contents.data, contents.size);
        buf_reset(&contents);
        add_der(&contents, 0x30, record.data, record.size);
        buf_reset(&record);
    }
    add_be(&record, 0x020101, 3);
    add_der(&record, tag, contents.data, contents.size);
    add_der(&record, 0x1A, label, strlen(label));
    buf_reset(&contents);
    add_der(&contents, 0x30, record.data, record.size);
    add_be(file, 1, 4);
    add_be(file, number, 4);
    add_be(file, contents.size, 4);
    buf_append(file, contents.data, contents.size);
    add_be(file, strlen(label) + 1, 4);
    buf_append(file, label, strlen(label) + 1);
    add_zeros(file, end - file->size);
    buf_done(&contents);
    buf_done(&record);
}

static void seal(struct buf *file, const char *password)
{
    bool old = file->data[2] == 4;
    const EVP_MD *digest = old ? EVP_sha1() : EVP_sha384();
    size_t mac = old ? 20 : 48, header = 0x30 + 2 * mac;
    unsigned char *bytes = (unsigned char *)file->data, *joined = malloc(file->size);
    HMAC(digest, password, (int)strlen(password), bytes, 0x30, bytes + 0x30, NULL);
    memcpy(joined, bytes, 0x30 + mac);
    memcpy(joined + 0x30 + mac, bytes + header, file->size - header);
    HMAC(digest, password, (int)strlen(password), joined, file->size - mac, bytes + 0x30 + mac, NULL);
    free(joined);
}

static char *words[] = {NULL, (char *)"", (char *)"changeit"};

static void test_contents(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct buf file;
        char expected[512];
        start(&file, version, 4);
        add_slot(&file, 1, CERTIFICATE, &ca, "root");
        add_zeros(&file, SLOT); /* one that is free */
        add_slot(&file, 2, PAIR, &leaf, "my server");
        add_slot(&file, 3, SECRET, NULL, "aes");
        add_slot(&file, 4, CERTIFICATE, &leaf, "");
        seal(&file, "changeit");
        snprintf(expected, sizeof expected,
                 "chain kdb root %s\nchain kdb my server %s\nkey kdb my server pkcs8 encrypted - 0 \nchain kdb 4 %s\n"
                 "store kdb ok 4 stash\n",
                 ca.print, leaf.print, leaf.print);
        stores_expect(file.data, file.size, ".sth", expected);
        buf_done(&file);
    }
}

static void test_integrity(void **state)
{
    static const struct {
        const char *password;
        size_t change; /* a byte from the end, or 0 */
        const char *integrity;
    } rows[] = {{"changeit", 0, "ok"}, {"", 0, "ok"}, {"changeit", 5, "bad"}, {"nobody knows", 0, "unchecked"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf file;
        char expected[256];
        start(&file, 6, 1);
        add_slot(&file, 1, CERTIFICATE, &ca, "root");
        seal(&file, rows[i].password);
        if (rows[i].change)
            file.data[file.size - rows[i].change] ^= 1;
        snprintf(expected, sizeof expected, "chain kdb root %s\nstore kdb %s 1\n", ca.print, rows[i].integrity);
        stores_expect(file.data, file.size, NULL, expected);
        buf_done(&file);
    }
}

static void test_requests(void **state)
{
    struct buf file;
    struct collected all;
    (void)state;
    start(&file, 6, 1);
    memcpy(file.data + 8, "X509KYP", 8);
    file.data[3] = 1;
    add_slot(&file, 1, REQUEST, &leaf,
             "request"); /* a request has the shape of a certificate: the sink tells them apart */
    stores_read(file.data, file.size, NULL, -1, &all);
    assert_int_equal(all.certificates, 0);
    assert_int_equal(all.keys, 1);
    assert_non_null(strstr(all.text.data, " kdb request"));
    buf_done(&all.text);
    buf_done(&file);
}

static void test_damage(void **state)
{
    struct buf file;
    char expected[512];
    (void)state;
    start(&file, 4, 3);
    add_slot(&file, 1, CERTIFICATE, &ca, "one");
    add_slot(&file, 2, CERTIFICATE, &leaf, "two");
    add_slot(&file, 3, CERTIFICATE, &ca, "three");
    seal(&file, "changeit");
    stores_cut(file.data, file.size, 1);

    size_t second = 0x58 + SLOT;
    put_be(file.data + second + 8, UINT32_MAX, 4); /* a length of 4 GiB: its neighbours stay */
    snprintf(expected, sizeof expected,
             "chain kdb one %s\nproblem kdb 2 malformed\nchain kdb three %s\nstore kdb bad 3\n", ca.print, ca.print);
    stores_expect(file.data, file.size, NULL, expected);
    put_be(file.data + second + 8, 3, 4);
    stores_expect(file.data, file.size, NULL, expected);
    put_be(file.data + 0x14, UINT32_MAX, 4); /* four billion entries */
    snprintf(expected, sizeof expected,
             "chain kdb one %s\nproblem kdb 2 malformed\nchain kdb three %s\nstore kdb unchecked 3\nproblem kdb - "
             "malformed\n",
             ca.print, ca.print);
    stores_expect(file.data, file.size, NULL, expected);
    put_be(file.data + 0x10, 0, 4); /* slots of no size */
    stores_expect(file.data, file.size, NULL, "problem kdb - malformed\n");
    buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contents), cmocka_unit_test(test_integrity),
                                       cmocka_unit_test(test_requests), cmocka_unit_test(test_damage)};
    EVP_PKEY *key = make_key("EC", "P-256");
    stores_passwords = (struct passwords){words, sizeof words / sizeof *words};
    ca = stores_make(key, "ca", "ca");
    leaf = stores_make(key, "leaf", "ca");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    OPENSSL_free(ca.der);
    OPENSSL_free(leaf.der);
    EVP_PKEY_free(key);
    return failed;
}
