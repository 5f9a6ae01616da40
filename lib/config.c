/* The configuration: finds the file, checks every key of it against the table of config_table.c, and lends typed values.
 *
 * Called once by every program at start. Refuses what it does not know: a mistyped key is an error with file and line, never
 * silently the default. */
#include "certmuster/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/config_text.h"
#include "certmuster/home.h"
#include "certmuster/suggest.h"
#include "certmuster/timefmt.h"
#include "certmuster/yamltree.h"

struct value {
    bool from_file;
    char *text;   /* of strings */
    char **items; /* of lists, count of them, then NULL */
    size_t count;
    int64_t number; /* of the others; booleans are 0 or 1 */
};

struct config {
    char *path;
    size_t key_count;
    struct value values[]; /* in the order of config_keys */
};

enum { KEY_MAX_BYTES = 256, LIST_ITEMS_MAX = 10000, RANGE_MAX_BYTES = 128 };

static bool read_boolean(const char *text, int64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2;
            return true;
        }
    return false;
}

static bool read_integer(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || isspace((unsigned char)*text))
        return false;
    *out = number;
    return true;
}

/* "4GiB", "500 MB", "65536": powers of 1024 with i, of 1000 without. */
bool config_read_bytes(const char *text, int64_t *out)
{
    static const char letters[] = "KMGTP";
    char *end;
    errno = 0;
    if (!isdigit((unsigned char)*text))
        return false;
    long long number = strtoll(text, &end, 10);
    if (errno)
        return false;
    while (*end == ' ')
        end++;
    const char *letter = *end ? memchr(letters, toupper((unsigned char)*end), sizeof letters - 1) : NULL;
    if (letter) {
        long long unit = end[1] == 'i' ? 1024 : 1000;
        end += end[1] == 'i' ? 2 : 1;
        for (ptrdiff_t i = 0; i <= letter - letters; i++)
            if (__builtin_mul_overflow(number, unit, &number))
                return false;
    }
    if (*end == 'B' || *end == 'b')
        end++;
    *out = number;
    return *end == 0;
}

static const char *wanted(enum config_type type)
{
    static const char *const words[] = {
        [CONFIG_STRING] = "a text",
        [CONFIG_WORD] = "one of ",
        [CONFIG_INTEGER] = "a whole number",
        [CONFIG_BOOLEAN] = "true or false",
        [CONFIG_DURATION] = "a duration such as 30s, 5m or 1d",
        [CONFIG_BYTES] = "a size such as 512MiB",
        [CONFIG_LIST] = "a list of texts",
    };
    return words[type];
}

/* The word of the key that text is, or its default for NULL; NULL: none of them. Owned by the caller. */
static char *read_word(const struct config_key *key, const char *text)
{
    for (const char *word = key->fallback; *word; word += strspn(word, ", ")) {
        size_t size = strcspn(word, ",");
        if (!text || (strlen(text) == size && strncmp(word, text, size) == 0))
            return cm_strndup(word, size);
        word += size;
    }
    return NULL;
}

/* A scalar's text into *out; NULL when good, else what is wrong with it. */
static const char *read_scalar(const struct config_key *key, const char *text, struct value *out)
{
    bool good = false;
    switch (key->type) {
    case CONFIG_STRING:
        free(out->text);
        out->text = cm_strdup(text);
        return NULL;
    case CONFIG_WORD:
        free(out->text);
        out->text = read_word(key, text);
        return out->text ? NULL : "not understood";
    case CONFIG_LIST:
        return "not a list";
    case CONFIG_INTEGER:
        good = read_integer(text, &out->number);
        break;
    case CONFIG_BOOLEAN:
        good = read_boolean(text, &out->number);
        break;
    case CONFIG_DURATION:
        good = duration_read_ms(text, 1000, &out->number) == CM_OK;
        break;
    case CONFIG_BYTES:
        good = config_read_bytes(text, &out->number);
        break;
    }
    if (!good)
        return "not understood";
    if ((key->minimum || key->maximum) && (out->number < key->minimum || out->number > key->maximum))
        return "out of range";
    return NULL;
}

/* " from 1 to 64", or nothing where every number will do; of a word all that it may be. */
static void append_range(const struct config_key *key, struct buf *out)
{
    if (key->type == CONFIG_WORD)
        buf_append_str(out, key->fallback);
    if (!key->minimum && !key->maximum)
        return;
    buf_append_str(out, " from ");
    config_text_number(key, key->minimum, out);
    buf_append_str(out, " to ");
    config_text_number(key, key->maximum, out);
}

int config_read_flag(const char *name, const char *text, int64_t *out, struct cm_error *error)
{
    const struct config_key *key = config_keys;
    struct value value = {0};
    struct buf range;
    while (key->name && strcmp(key->name, name) != 0)
        key++;
    assert(key->name && (key->type == CONFIG_INTEGER || key->type == CONFIG_DURATION || key->type == CONFIG_BYTES));
    if (isdigit((unsigned char)*text) && !read_scalar(key, text, &value)) {
        *out = value.number;
        return CM_OK;
    }
    buf_init(&range, RANGE_MAX_BYTES);
    append_range(key, &range);
    int code = error_setf(error, CM_EINVAL, 0, "not a value of this flag", "%s%s", wanted(key->type), range.data);
    buf_done(&range);
    return code;
}

static void add_item(struct value *value, const char *text, size_t size)
{
    value->items = cm_realloc(value->items, (value->count + 2) * sizeof *value->items);
    value->items[value->count++] = cm_strndup(text, size);
    value->items[value->count] = NULL;
}

static int read_list(const struct yamltree *tree, const struct yamltree_node *node, const struct config_key *key,
                     struct value *out, struct cm_error *error)
{
    if (node->kind == YAMLTREE_SCALAR) { /* one item may stand without brackets */
        add_item(out, node->text, strlen(node->text));
        return CM_OK;
    }
    if (node->count > LIST_ITEMS_MAX)
        return yamltree_error(error, CM_ELIMIT, tree, node, "list too long", "%s: more than %d items", key->name,
                              LIST_ITEMS_MAX);
    for (const struct yamltree_node *item = node->first; item; item = item->next) {
        if (item->kind != YAMLTREE_SCALAR || yamltree_is_null(item))
            return yamltree_error(error, CM_EMALFORMED, tree, item, "wrong type", "%s must be %s", key->name,
                                  wanted(key->type));
        add_item(out, item->text, strlen(item->text));
    }
    return CM_OK;
}

static int unknown_key(const struct yamltree *tree, const struct yamltree_node *node, const char *name,
                       struct cm_error *error)
{
    struct suggest suggest = {.typed = name};
    for (const struct config_key *key = config_keys; key->name; key++)
        suggest_offer(&suggest, key->name);
    if (suggest.near)
        return yamltree_error(error, CM_EINVAL, tree, node, "unknown key", "unknown key \"%s\"; did you mean \"%s\"?",
                              name, suggest.near);
    return yamltree_error(error, CM_EINVAL, tree, node, "unknown key", "unknown key \"%s\"", name);
}

static int wrong_value(const struct yamltree *tree, const struct yamltree_node *node, const struct config_key *key,
                       const char *wrong, struct cm_error *error)
{
    struct buf must;
    buf_init(&must, RANGE_MAX_BYTES);
    buf_append_str(&must, wanted(key->type));
    append_range(key, &must);
    int code = node->kind == YAMLTREE_SCALAR
                   ? yamltree_error(error, CM_EINVAL, tree, node, wrong, "%s: \"%.60s\" is %s; it must be %s",
                                    key->name, node->text, wrong, must.data)
                   : yamltree_error(error, CM_EINVAL, tree, node, wrong, "%s must be %s", key->name, must.data);
    buf_done(&must);
    return code;
}

static int apply_value(struct config *config, const struct yamltree *tree, const struct yamltree_node *node,
                       const char *name, struct cm_error *error)
{
    size_t i = 0;
    while (config_keys[i].name && strcmp(config_keys[i].name, name) != 0)
        i++;
    const struct config_key *key = &config_keys[i];
    if (!key->name)
        return unknown_key(tree, node, name, error);
    struct value *value = &config->values[i];
    if (value->from_file)
        return yamltree_error(error, CM_EINVAL, tree, node, "duplicate key", "the key \"%s\" stands twice", name);
    value->from_file = true;
    if (yamltree_is_null(node)) /* "key:" with nothing behind it means the default */
        return CM_OK;
    if (key->type == CONFIG_LIST && node->kind != YAMLTREE_MAP) {
        for (size_t item = 0; item < value->count; item++)
            free(value->items[item]);
        value->count = 0;
        return read_list(tree, node, key, value, error);
    }
    const char *wrong = node->kind == YAMLTREE_SCALAR ? read_scalar(key, node->text, value) : "wrong type";
    return wrong ? wrong_value(tree, node, key, wrong, error) : CM_OK;
}

/* A map whose dotted name is no key itself is a level; bounded by the tree's depth. */
static int apply_map(struct config *config, const struct yamltree *tree, const struct yamltree_node *map,
                     const char *prefix, struct cm_error *error)
{
    for (const struct yamltree_node *node = map->first; node; node = node->next) {
        char name[KEY_MAX_BYTES];
        int size = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", node->key);
        if (size < 0 || (size_t)size >= sizeof name)
            return yamltree_error(error, CM_EINVAL, tree, node, "unknown key", "a key of more than %d bytes",
                                  KEY_MAX_BYTES);
        bool level = false;
        for (const struct config_key *key = config_keys; key->name; key++)
            level = level || (strncmp(key->name, name, (size_t)size) == 0 && key->name[size] == '.');
        int code = level && node->kind == YAMLTREE_MAP ? apply_map(config, tree, node, name, error)
                   : level && yamltree_is_null(node)   ? CM_OK
                                                       : apply_value(config, tree, node, name, error);
        if (code)
            return code;
    }
    return CM_OK;
}

static void set_defaults(struct config *config)
{
    for (size_t i = 0; i < config->key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (!key->fallback)
            continue;
        if (key->type == CONFIG_WORD) {
            config->values[i].text = read_word(key, NULL);
            continue;
        }
        if (key->type != CONFIG_LIST) {
            const char *wrong = read_scalar(key, key->fallback, &config->values[i]);
            assert(!wrong); /* our own table; a unit test walks it */
            (void)wrong;
            continue;
        }
        for (const char *item = key->fallback; *item; item += strspn(item, ", ")) {
            size_t size = strcspn(item, ",");
            add_item(&config->values[i], item, size);
            item += size;
        }
    }
}

static int apply_file(struct config *config, const char *path, struct cm_error *error)
{
    struct yamltree *tree;
    int code = yamltree_read_file(path, &tree, error);
    if (code)
        return code;
    const struct yamltree_node *root = yamltree_root(tree);
    if (root->kind != YAMLTREE_MAP)
        code = yamltree_error(error, CM_EINVAL, tree, root, "wrong type", "a configuration is a map of keys");
    else
        code = apply_map(config, tree, root, "", error);
    yamltree_free(tree);
    if (!code)
        config->path = cm_strdup(path);
    return code;
}

/* The file to read: named ones must exist; of the others the first that does. */
static int find_and_apply(struct config *config, const char *path, struct cm_error *error)
{
    char in_home[HOME_PATH_SIZE + 32];
    struct home home;
    if (!path)
        path = getenv("CERTMUSTER_CONFIG");
    if (path && *path)
        return apply_file(config, path, error);
    if (home_find(&home, NULL) == CM_OK) {
        snprintf(in_home, sizeof in_home, "%s/certmuster.yaml", home.path);
        int code = apply_file(config, in_home, error);
        if (code != CM_ENOTFOUND)
            return code;
    }
    int code = apply_file(config, "/etc/certmuster/certmuster.yaml", error);
    return code == CM_ENOTFOUND ? CM_OK : code;
}

int config_load(const char *path, struct config **out, struct cm_error *error)
{
    size_t count = 0;
    while (config_keys[count].name)
        count++;
    struct config *config = cm_calloc(1, sizeof *config + count * sizeof *config->values);
    config->key_count = count;
    set_defaults(config);
    int code = find_and_apply(config, path, error);
    if (code) {
        config_free(config);
        return code;
    }
    *out = config;
    return CM_OK;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->key_count; i++) {
        struct value *value = &config->values[i];
        for (size_t item = 0; item < value->count; item++)
            free(value->items[item]);
        free(value->items);
        free(value->text);
    }
    free(config->path);
    free(config);
}

const char *config_path(const struct config *config)
{
    return config->path;
}

static const struct value *find(const struct config *config, const char *key, enum config_type *type)
{
    for (size_t i = 0; i < config->key_count; i++)
        if (strcmp(config_keys[i].name, key) == 0) {
            *type = config_keys[i].type;
            return &config->values[i];
        }
    assert(!"a key that is not in config_table.c");
    abort();
}

const char *config_string(const struct config *config, const char *key)
{
    enum config_type type;
    const struct value *value = find(config, key, &type);
    assert(type == CONFIG_STRING || type == CONFIG_WORD);
    return value->text;
}

int64_t config_integer(const struct config *config, const char *key)
{
    enum config_type type;
    const struct value *value = find(config, key, &type);
    assert(type == CONFIG_INTEGER || type == CONFIG_DURATION || type == CONFIG_BYTES);
    return value->number;
}

bool config_boolean(const struct config *config, const char *key)
{
    enum config_type type;
    const struct value *value = find(config, key, &type);
    assert(type == CONFIG_BOOLEAN);
    return value->number != 0;
}

const char *const *config_list(const struct config *config, const char *key, size_t *count)
{
    enum config_type type;
    const struct value *value = find(config, key, &type);
    assert(type == CONFIG_LIST);
    *count = value->count;
    return (const char *const *)value->items;
}

/* The machine's own name is looked up once and only when somebody asks: a resolver may take seconds. */
static char own_host[NI_MAXHOST];
static pthread_once_t own_host_once = PTHREAD_ONCE_INIT;

static void look_up_own_host(void)
{
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (gethostname(own_host, sizeof own_host - 1) != 0 || !own_host[0])
        snprintf(own_host, sizeof own_host, "localhost");
    if (!strchr(own_host, '.') && getaddrinfo(own_host, NULL, &hints, &found) == 0 && found) {
        const char *name = found->ai_canonname;
        if (name && strchr(name, '.') && strncasecmp(name, "localhost", 9) != 0)
            snprintf(own_host, sizeof own_host, "%s", name);
        freeaddrinfo(found);
    }
    size_t size = strlen(own_host);
    for (size_t i = 0; i < size; i++)
        own_host[i] = (char)tolower((unsigned char)own_host[i]);
    if (size && own_host[size - 1] == '.')
        own_host[size - 1] = 0;
}

const char *config_host(const struct config *config)
{
    const char *host = config_string(config, "host");
    if (host && *host)
        return host;
    pthread_once(&own_host_once, look_up_own_host);
    return own_host;
}

const char *config_scanner(const struct config *config)
{
    const char *scanner = config_string(config, "scanner");
    return scanner && *scanner ? scanner : config_host(config);
}
