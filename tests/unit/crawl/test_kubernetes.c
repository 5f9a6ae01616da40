/* Kubernetes and Helm: every place of a manifest that holds certificates, each told once and under its name; templates, damage, cuts and hostile
 * YAML. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "certmuster/encode.h"
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/job.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static EVP_PKEY *ec;
static X509 *leaf;
static char print[9], key_print[9];
static char *pem, *pem64, *der64, *key64, *p12_64;
static char *list[] = {NULL, (char *)"", (char *)"changeit"};
static struct passwords passwords = {list, 3};
static struct job_options options;

static char *encoded(const void *bytes, size_t size)
{
    struct buf out;
    buf_init(&out, 1 << 24);
    base64_append(&out, bytes, size);
    return buf_take(&out, NULL);
}

static char *from_bio(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = cm_strndup(data, (size_t)size);
    BIO_free(bio);
    return text;
}

static char *format_text(const char *format, ...) CM_PRINTF(1, 2);
static char *format_text(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    assert_true(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    return text;
}

static int make_all(void **state)
{
    (void)state;
    struct recipe recipe = {.version = 2, .not_before = "20260101000000Z", .not_after = "20270101000000Z"};
    unsigned char *der = NULL, *spki = NULL;
    options = (struct job_options){&passwords, job_default_limits};
    ec = make_key("EC", "P-256");
    recipe.key = ec;
    recipe.subject = recipe.issuer = make_name("leaf.example");
    leaf = make_cert(&recipe);
    X509_NAME_free(recipe.subject);
    int size = i2d_X509(leaf, &der);
    collect_print(der, (size_t)size, print);
    der64 = encoded(der, (size_t)size);
    OPENSSL_free(der);
    size = i2d_PUBKEY(ec, &spki);
    collect_print(spki, (size_t)size, key_print);
    OPENSSL_free(spki);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, leaf);
    pem = from_bio(bio);
    pem64 = encoded(pem, strlen(pem));
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, ec, NULL, NULL, 0, NULL, NULL);
    char *key = from_bio(bio);
    key64 = encoded(key, strlen(key));
    free(key);
    PKCS12 *p12 = PKCS12_create("s3cret word", "store", NULL, leaf, NULL, 0, NID_aes_256_cbc, 2048, 2048, 0);
    unsigned char *bytes = NULL;
    size = i2d_PKCS12(p12, &bytes);
    p12_64 = encoded(bytes, (size_t)size);
    OPENSSL_free(bytes);
    PKCS12_free(p12);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    X509_free(leaf);
    EVP_PKEY_free(ec);
    free(pem);
    free(pem64);
    free(der64);
    free(key64);
    free(p12_64);
    pkcs12_done();
    return 0;
}

/* What is told of bytes; the caller frees. */
static char *told_of(const void *bytes, size_t size)
{
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct job job;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    job_init(&job, &options, &ops);
    job_memory(&job, copy, size);
    assert_int_equal(job.memory_left, options.limits.memory_bytes);
    assert_ptr_equal(job.options, &options);
    job_done(&job);
    free(copy);
    return buf_take(&all.text, NULL);
}

static void expect(char *text, char *expected)
{
    char *told = told_of(text, strlen(text));
    assert_string_equal(told, expected);
    free(told);
    free(text);
    free(expected);
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        found++;
    return found;
}

/* How often the certificate was told. */
static void expect_certificates(char *text, size_t times)
{
    char *told = told_of(text, strlen(text));
    if (count(told, print) != times)
        print_message("%s\n%s\n", text, told);
    assert_int_equal(count(told, print), times);
    assert_null(strstr(told, "problem"));
    free(told);
    free(text);
}

/* PEM as the lines of a block scalar. */
static char *indented(const char *by)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    for (const char *at = pem; *at;) {
        size_t line = strcspn(at, "\n") + 1;
        buf_append_str(&out, by);
        buf_append(&out, at, line);
        at += line;
    }
    return buf_take(&out, NULL);
}

static void secrets_and_config_maps(void **state)
{
    (void)state;
    expect(format_text("apiVersion: v1\ndata:\n  tls.crt: %s\n  tls.key: %s\nkind: Secret\nmetadata:\n  name: web\n"
                       "  namespace: prod\ntype: kubernetes.io/tls\n",
                       pem64, key64),
           format_text("enter Secret/prod/web\nenter tls.crt\nchain pem 1 %s\nleave\nenter tls.key\n"
                       "key pem key-1 pkcs8 plain EC 256 %s\nleave\nleave\n",
                       print, key_print));
    char *block = indented("    ");
    expect(format_text("# one\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  ca.pem: |\n%s---\n"
                       "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\ndata:\n  ca: |-\n%sbinaryData: {d.der: %s}\n",
                       block, block, der64),
           format_text("enter Secret/a\nenter ca.pem\nchain pem 1 %s\nleave\nleave\nenter ConfigMap[2]\n"
                       "enter d.der\nchain der 1 %s\nleave\nenter ca\nchain pem 1 %s\nleave\nleave\n",
                       print, print, print));
    free(block);
}

/* A value that ends behind the first letter of four: what stands before is told, and that something is missing. */
static void a_value_that_is_cut(void **state)
{
    (void)state;
    size_t size = strcspn(pem64, "=");
    while (size % 4 != 1)
        size--; /* the last line feed, at most */
    expect(format_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  tls.crt: %.*s\n", (int)size, pem64),
           format_text(
               "enter Secret/a\nenter tls.crt\nchain pem 1 %s\nleave\nproblem kubernetes tls.crt malformed\nleave\n",
               print));
}

static void stores_open_with_the_word_beside_them(void **state)
{
    (void)state;
    char *word = encoded("s3cret word\n", 12);
    expect(
        format_text("apiVersion: v1\nkind: Secret\nmetadata: {name: ks}\ndata:\n  a.p12: %s\n  password: %s\n", p12_64,
                    word),
        format_text("enter Secret/ks\nenter a.p12\nchain pkcs12 store %s\nstore pkcs12 ok 1\nleave\nleave\n", print));
    free(word);
    char *told = told_of(p12_64, strlen(p12_64));
    assert_null(strstr(told, print));
    free(told);
}

static void other_objects(void **state)
{
    (void)state;
    expect(format_text("apiVersion: v1\nkind: Config\ncurrent-context: me@here\nclusters:\n- cluster:\n"
                       "    certificate-authority-data: %s\n    server: https://here\n  name: here\nusers:\n- user:\n"
                       "    client-key-data: %s\n    client-certificate: ../pki/me.crt\n",
                       pem64, key64),
           format_text("enter Config/me@here\nenter clusters/here/cluster/certificate-authority-data\n"
                       "chain pem 1 %s\nleave\nenter users/1/user/client-key-data\n"
                       "key pem key-1 pkcs8 plain EC 256 %s\nleave\nleave\n",
                       print, key_print));
    expect_certificates(
        format_text("apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nspec: {caBundle: \"%s\"}", pem64), 1);
    expect_certificates(format_text("apiVersion: cert-manager.io/v1\nkind: CertificateRequest\nstatus:\n  ca: %s\n"
                                    "  certificate: !!binary |\n    %s\n",
                                    pem64, pem64),
                        2);
    expect_certificates(format_text("apiVersion: a/v1\nkind: Realm\nspec: {saml: {signing: %s}}\n", der64), 1);
    char *block = indented("      ");
    expect_certificates(
        format_text("apiVersion: route.openshift.io/v1\nkind: Route\nspec:\n  tls:\n    certificate: |\n%s"
                    "# before the end\n",
                    block),
        1);
    free(block);
    expect_certificates(format_text("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n"
                                    "    tls.crt: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq8bFvKFXoHbg1Fu7oO2bS\n"),
                        0);
}

static void lists_in_json(void **state)
{
    (void)state;
    expect(format_text("{\n \"apiVersion\": \"v1\",\n \"items\": [\n  {\"apiVersion\": \"v1\", \"kind\": \"Secret\","
                       "\"metadata\": {\"name\": \"a\"}, \"data\": {\"c\": \"%s\"}},\n  {\"kind\": \"Pod\", "
                       "\"apiVersion\": \"v1\"}],"
                       "\n \"kind\": \"List\"\n}\n",
                       pem64),
           format_text(
               "enter Secret/a\nenter c\nchain pem 1 %s\nleave\nleave\nenter Pod[2]\nleave\nenter List[3]\nleave\n",
               print));
    /* as the API server itself answers: the items say not what they are */
    expect_certificates(
        format_text("{\"kind\":\"SecretList\",\"apiVersion\":\"v1\",\"items\":[{\"data\":{\"c\":\"%s\"}}]}\n", pem64),
        1);
    /* one behind the other, with escapes that YAML does not have */
    expect_certificates(
        format_text("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"labels\":{\"x\":\"\\ud83d\\ude00\"}},"
                    "\"data\":{\"c\":\"%s\"}}\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"c\":\"%s\"}}\n",
                    pem64, pem64),
        2);
    expect_certificates(format_text("[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"c\":\"%s\"}}]", pem64), 1);
}

static void manifests_within_values(void **state)
{
    (void)state;
    char *inner = format_text(
        "{\\\"apiVersion\\\":\\\"v1\\\",\\\"kind\\\":\\\"Secret\\\",\\\"data\\\":{\\\"c\\\":\\\"%s\\\"}}\\n", pem64);
    expect(format_text("apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n"
                       "    kubectl.kubernetes.io/last-applied-configuration: \"%s\"\n  name: a\n",
                       inner),
           format_text("enter Secret/a\nenter metadata/annotations/kubectl.kubernetes.io/last-applied-configuration\n"
                       "enter Secret[1]\nenter c\nchain pem 1 %s\nleave\nleave\nleave\nleave\n",
                       print));
    free(inner);
}

static void helm_releases(void **state)
{
    (void)state;
    char *template = encoded("{{- if .Values.tls }}\nkind: Secret\n{{- end }}\n", 46);
    char *file = encoded(pem, strlen(pem));
    expect(format_text("{\"name\":\"web\",\"info\":{\"first_deployed\":\"2026-01-01\"},\"chart\":{\"metadata\":{"
                       "\"apiVersion\":\"v2\"},"
                       "\"templates\":[{\"name\":\"templates/s.yaml\",\"data\":\"%s\"}],\"files\":[{\"name\":\"files/"
                       "ca.pem\",\"data\":\"%s\"}]},"
                       "\"config\":{\"ca\":\"%s\"},"
                       "\"manifest\":\"---\\n# Source: s.yaml\\napiVersion: v1\\nkind: Secret\\nmetadata:\\n  name: "
                       "s\\ndata:\\n  c: %s\\n\"}",
                       template, file, der64, pem64),
           format_text("enter manifest\nenter Secret/s\nenter c\nchain pem 1 %s\nleave\nleave\nleave\n"
                       "enter templates/s.yaml\nleave\nenter files/ca.pem\nchain pem 1 %s\nleave\nenter "
                       "config/ca\nchain der 1 %s\nleave\n",
                       print, print, print));
    free(template);
    free(file);
}

static void templates_comments_and_broken_documents(void **state)
{
    (void)state;
    char *block = indented("    ");
    expect_certificates(
        format_text(
            "{{- if .Values.tls }}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\nstringData:\n"
            "  ca: |\n%s{{- end }}\n",
            block),
        1);
    expect_certificates(format_text("{{ if .x }}\napiVersion: v1\nkind: Secret\ndata:\n  c: %s\n{{ end }}\n", pem64),
                        1);
    expect_certificates(
        format_text("apiVersion: v1\nkind: Secret\nmetadata:\n  labels: {a: b\nstringData:\n  ca: |\n%s---\n"
                    "apiVersion: v1\nkind: Secret\ndata: {c: %s}\n",
                    block, pem64),
        2);
    free(block);
    block = indented("# ");
    expect_certificates(format_text("apiVersion: v1\nkind: Secret\ndata: {}\n%s", pem), 1);
    free(block);
    expect_certificates(format_text("apiVersion: v1\nkind: Secret\ndata:\n  c: \"{{ .Files.Get | b64enc }}\"\n  d: "
                                    "<base64 of your certificate, as openssl writes it>\n"),
                        0);
    char *told;
    char *text =
        format_text("apiVersion: v1\nkind: Secret\ndata:\n  bad: %.100s!%s\n  c: %s\n", der64, der64 + 101, pem64);
    told = told_of(text, strlen(text));
    assert_non_null(strstr(told, "problem kubernetes bad malformed"));
    assert_int_equal(count(told, print), 1);
    free(told);
    free(text);
}

static void utf16(void **state)
{
    (void)state;
    char *text = format_text("apiVersion: v1\nkind: Secret\nmetadata: {name: \"\xC3\xA4\"}\ndata:\n  c: %s\n", der64);
    size_t size = strlen(text);
    for (unsigned big = 0; big < 2; big++) {
        uint8_t *wide = calloc(size + 1, 2);
        wide[big] = 0xFF;
        wide[!big] = 0xFE;
        for (size_t i = 0; i < size; i++)
            wide[2 + 2 * i + big] = (uint8_t)text[i];
        char *told = told_of(wide, 2 + 2 * size);
        assert_int_equal(count(told, print), 1);
        free(told);
        free(wide);
    }
    free(text);
}

static void hostile_yaml(void **state)
{
    (void)state;
    static const char laughs[] =
        "apiVersion: v1\nkind: ConfigMap\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\ndata: *d\n";
    expect_certificates(strdup(laughs), 0);
    expect_certificates(
        format_text("apiVersion: v1\nkind: Secret\nkind: Secret\n? {a: b}\n: [c]\ndata: {c: &x %s, c: *x}\n? *x\n: y\n",
                    pem64),
        1);
    /* deeper than anything real: said, and the rest is read */
    struct buf deep;
    buf_init(&deep, 1 << 20);
    buf_append_str(&deep, "apiVersion: v1\nkind: Secret\nx: ");
    for (int i = 0; i < 300; i++)
        buf_append_char(&deep, '[');
    for (int i = 0; i < 300; i++)
        buf_append_char(&deep, ']');
    buf_appendf(&deep, "\ndata: {c: %s}\n", pem64);
    char *told = told_of(deep.data, deep.size);
    assert_int_equal(count(told, print), 1);
    assert_int_equal(count(told, "problem kubernetes - limit"), 1);
    free(told);
    /* more values than are kept */
    buf_reset(&deep);
    buf_append_str(&deep, "apiVersion: v1\nkind: Secret\nx: [");
    for (int i = 0; i < 150000; i++)
        buf_append_str(&deep, "1, ");
    buf_appendf(&deep, "]\ndata: {c: %s}\n", pem64);
    told = told_of(deep.data, deep.size);
    assert_int_equal(count(told, "problem kubernetes - limit"), 1);
    free(told);
    buf_done(&deep);
}

static void cut_anywhere(void **state)
{
    (void)state;
    char *text = format_text(
        "apiVersion: v1\ndata:\n  c: %s\n  k: \"%s\"\nkind: Secret\n---\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\","
        "\"stringData\":{\"p\":\"%s\"}}\n",
        pem64, key64, der64);
    size_t size = strlen(text);
    size_t whole = (size_t)(strstr(text, "kind: Secret") - text) + 12;
    for (size_t cut = 0; cut <= size; cut++) {
        char *told = told_of(text, cut);
        assert_true(cut < whole || strstr(told, print)); /* before, nobody knows that it is an object */
        free(told);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_and_config_maps),
        cmocka_unit_test(stores_open_with_the_word_beside_them),
        cmocka_unit_test(a_value_that_is_cut),
        cmocka_unit_test(other_objects),
        cmocka_unit_test(lists_in_json),
        cmocka_unit_test(manifests_within_values),
        cmocka_unit_test(helm_releases),
        cmocka_unit_test(templates_comments_and_broken_documents),
        cmocka_unit_test(utf16),
        cmocka_unit_test(hostile_yaml),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
