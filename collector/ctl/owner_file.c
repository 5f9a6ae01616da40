/* The owners file (certmuster-owners(5)): read, checked whole, before any of it reaches the database.
 *
 * Pure: a file or bytes in, a checked struct or one error with its line out. What could never have an effect (a rule behind one that is the
 * same or catches everything, an owner that is not there) is an error, not a surprise at three in the morning. */
#include "collector/ctl/owner_file.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ipaddr.h"
#include "certmuster/suggest.h"

struct reader {
    struct owner_set set;
    struct cm_error *error;
};

#define WRONG(reader, node, ...)                                                                                       \
    yamltree_error((reader)->error, CM_EMALFORMED, (reader)->set.tree, node, "the owners file is wrong", __VA_ARGS__)

/* Printable, so that it can stand in a table, a header and a log line as it is. UTF-8 was checked by the YAML reader. */
static bool has_control(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7F || (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0))
            return true;
    return false;
}

static int read_text(struct reader *reader, const struct yamltree_node *node, size_t max, const char **out)
{
    if (node->kind != YAMLTREE_SCALAR || yamltree_is_null(node) || !node->text[0])
        return WRONG(reader, node, "'%s' needs a text", node->key ? node->key : "it");
    if (strlen(node->text) > max)
        return WRONG(reader, node, "'%s' is longer than %zu bytes", node->key ? node->key : "it", max);
    if (has_control(node->text))
        return WRONG(reader, node, "'%s' holds control characters", node->key ? node->key : "it");
    *out = node->text;
    return 0;
}

/* An addr-spec as mail servers take it (RFC 5321 §4.1.2, without quoted strings): no white space, no brackets, one @. */
static bool is_email(const char *text)
{
    static const char local[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-/=?^_`{|}~";
    static const char domain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t before = strspn(text, local);
    if (before == 0 || before > 64 || text[before] != '@')
        return false;
    size_t after = strspn(text + before + 1, domain);
    return after > 0 && after < 254 && text[before + 1 + after] == 0 && text[before + 1] != '.' &&
           text[before + 1] != '-';
}

static int read_one_email(struct reader *reader, const struct yamltree_node *node, struct owner_entry *entry)
{
    const char *text = NULL;
    int code = read_text(reader, node, OWNER_TEXT_MAX, &text);
    if (code)
        return code;
    if (!is_email(text))
        return WRONG(reader, node, "'%.100s' is no mail address", text);
    if (entry->email_count == OWNER_EMAILS_MAX)
        return WRONG(reader, node, "owner '%s' has more than %d mail addresses; use a list address", entry->name,
                     (int)OWNER_EMAILS_MAX);
    for (size_t i = 0; i < entry->email_count; i++)
        if (strcmp(entry->email[i], text) == 0)
            return WRONG(reader, node, "'%.100s' stands there twice", text);
    entry->email[entry->email_count++] = text;
    return 0;
}

static int read_email(struct reader *reader, const struct yamltree_node *node, struct owner_entry *entry)
{
    if (node->kind != YAMLTREE_LIST)
        return read_one_email(reader, node, entry);
    int code = 0;
    for (const struct yamltree_node *item = node->first; item && !code; item = item->next)
        code = read_one_email(reader, item, entry);
    return code;
}

static int read_webhook(struct reader *reader, const struct yamltree_node *node, struct owner_entry *entry)
{
    int code = read_text(reader, node, OWNER_TEXT_MAX, &entry->webhook);
    if (code)
        return code;
    const char *rest = strncmp(entry->webhook, "https://", 8) == 0  ? entry->webhook + 8
                       : strncmp(entry->webhook, "http://", 7) == 0 ? entry->webhook + 7
                                                                    : NULL;
    if (!rest || !*rest || strcspn(rest, " \"<>\\^`{|}") != strlen(rest))
        return WRONG(reader, node, "'%.100s' is no http or https URL", entry->webhook);
    return 0;
}

static int unknown_key(struct reader *reader, const struct yamltree_node *node, const char *const *known)
{
    struct suggest suggest = {.typed = node->key};
    for (size_t i = 0; known[i]; i++)
        suggest_offer(&suggest, known[i]);
    if (suggest.near)
        return WRONG(reader, node, "unknown key '%.60s'; did you mean %s?", node->key, suggest.near);
    return WRONG(reader, node, "unknown key '%.60s'", node->key);
}

static int read_owner_member(struct reader *reader, const struct yamltree_node *node, struct owner_entry *entry)
{
    static const char *const known[] = {"email", "webhook", "contact", "environment", "criticality", "name", NULL};
    const char **texts[] = {NULL, NULL, &entry->contact, &entry->environment, &entry->criticality};
    if (strcmp(node->key, "email") == 0)
        return read_email(reader, node, entry);
    if (strcmp(node->key, "webhook") == 0)
        return read_webhook(reader, node, entry);
    for (size_t i = 2; i < 5; i++)
        if (strcmp(node->key, known[i]) == 0)
            return read_text(reader, node, OWNER_TEXT_MAX, texts[i]);
    return unknown_key(reader, node, known);
}

/* An owner stands as a member of a map, its name the key, or as an item of a list, with a member `name`. */
static int read_owner(struct reader *reader, const struct yamltree_node *node)
{
    struct owner_entry *entry = &reader->set.owners[reader->set.owner_count];
    *entry = (struct owner_entry){.name = node->key, .line = node->line};
    const struct yamltree_node *name = node->key ? NULL : yamltree_get(node, "name");
    if (node->kind != YAMLTREE_MAP && !(node->key && yamltree_is_null(node)))
        return WRONG(reader, node, "owner '%.100s' needs members such as email", node->key ? node->key : "?");
    if (!node->key && !name)
        return WRONG(reader, node, "an owner in a list needs a name");
    int code = name ? read_text(reader, name, OWNER_NAME_MAX, &entry->name) : 0;
    if (!code && (!entry->name[0] || strlen(entry->name) > OWNER_NAME_MAX || has_control(entry->name)))
        code = WRONG(reader, node, "an owner's name has 1 to %d bytes and no control characters", (int)OWNER_NAME_MAX);
    for (const struct yamltree_node *member = node->first; member && !code; member = member->next)
        if (member != name)
            code = read_owner_member(reader, member, entry);
    reader->set.owner_count += !code;
    return code;
}

static int compare_owners(const void *a, const void *b)
{
    const struct owner_entry *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* A sorted index over the owners, for duplicates and look-ups; the caller frees it. */
static const struct owner_entry **index_owners(const struct owner_set *set)
{
    const struct owner_entry **index = cm_calloc(set->owner_count + 1, sizeof(struct owner_entry *));
    for (size_t i = 0; i < set->owner_count; i++)
        index[i] = &set->owners[i];
    qsort(index, set->owner_count, sizeof(struct owner_entry *), compare_owners);
    return index;
}

static int read_owners(struct reader *reader, const struct yamltree_node *node)
{
    if (!node || yamltree_is_null(node))
        return 0;
    if (node->kind == YAMLTREE_SCALAR)
        return WRONG(reader, node, "'owners' is a map from names to owners");
    if (node->count > OWNER_OWNERS_MAX)
        return WRONG(reader, node, "more than %d owners", (int)OWNER_OWNERS_MAX);
    reader->set.owners = cm_calloc(node->count + 1, sizeof *reader->set.owners);
    int code = 0;
    for (const struct yamltree_node *child = node->first; child && !code; child = child->next)
        code = read_owner(reader, child);
    if (code)
        return code;
    const struct owner_entry **index = index_owners(&reader->set);
    for (size_t i = 1; i < reader->set.owner_count && !code; i++)
        if (strcmp(index[i - 1]->name, index[i]->name) == 0)
            code = WRONG(reader, &(struct yamltree_node){.line = index[i]->line},
                         "owner '%s' stands there twice, at lines %zu and %zu", index[i]->name, index[i - 1]->line,
                         index[i]->line);
    free(index);
    return code;
}

static int check_cidr(struct reader *reader, const struct yamltree_node *node)
{
    struct ipaddr prefix, address;
    unsigned bits;
    char bare[IPADDR_TEXT_SIZE + 1] = "", right[IPADDR_TEXT_SIZE];
    size_t size = strcspn(node->text, "/");
    if (ipaddr_read_prefix(node->text, &prefix, &bits) != 0 || size >= sizeof bare)
        return WRONG(reader, node, "'%.100s' is no address or prefix", node->text);
    memcpy(bare, node->text, size);
    if (ipaddr_read(bare, &address) != 0)
        return WRONG(reader, node, "'%.100s' is no address or prefix", node->text);
    if (address.family != prefix.family || memcmp(address.bytes, prefix.bytes, prefix.family == 4 ? 4 : 16) != 0) {
        ipaddr_write(right, &prefix);
        return WRONG(reader, node, "'%.100s' has bits beyond its prefix; do you mean %s/%u?", node->text, right, bits);
    }
    return 0;
}

static int read_rule_member(struct reader *reader, const struct yamltree_node *node, struct owner_rule *rule)
{
    static const char *const known[] = {"name", "cidr", "path", "issuer", "realm", "owner", NULL};
    const char **out[] = {&rule->name, &rule->cidr, &rule->path, &rule->issuer, &rule->realm, &rule->owner};
    for (size_t i = 0; known[i]; i++) {
        if (strcmp(node->key, known[i]) != 0)
            continue;
        int code = read_text(reader, node, OWNER_TEXT_MAX, out[i]);
        return !code && strcmp(node->key, "cidr") == 0 ? check_cidr(reader, node) : code;
    }
    return unknown_key(reader, node, known);
}

static int read_rule(struct reader *reader, const struct yamltree_node *node, const struct owner_entry **owners)
{
    struct owner_rule *rule = &reader->set.rules[reader->set.rule_count];
    *rule = (struct owner_rule){.line = node->line};
    if (node->kind != YAMLTREE_MAP)
        return WRONG(reader, node, "a rule is a map such as {name: '*.example.org', owner: web}");
    int code = 0;
    for (const struct yamltree_node *member = node->first; member && !code; member = member->next)
        code = read_rule_member(reader, member, rule);
    if (code)
        return code;
    if (!rule->owner)
        return WRONG(reader, node, "the rule names no owner");
    const struct owner_entry wanted = {.name = rule->owner}, *key = &wanted;
    if (!owners || !bsearch(&key, owners, reader->set.owner_count, sizeof *owners, compare_owners))
        return WRONG(reader, yamltree_get(node, "owner"), "there is no owner '%s'", rule->owner);
    reader->set.rule_count++;
    return 0;
}

static int compare_texts(const char *a, const char *b)
{
    return !a || !b ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

static int compare_conditions(const struct owner_rule *a, const struct owner_rule *b)
{
    int order = compare_texts(a->name, b->name);
    order = order ? order : compare_texts(a->cidr, b->cidr);
    order = order ? order : compare_texts(a->path, b->path);
    order = order ? order : compare_texts(a->issuer, b->issuer);
    return order ? order : compare_texts(a->realm, b->realm);
}

static int compare_rules(const void *a, const void *b)
{
    const struct owner_rule *const *left = a, *const *right = b;
    int order = compare_conditions(*left, *right);
    return order ? order : (*left > *right) - (*left < *right); /* both point into one array */
}

/* A rule that never decides is a mistake: one with the conditions of an earlier rule, or behind one that holds for everything. */
static int check_reach(struct reader *reader)
{
    struct owner_set *set = &reader->set;
    static const struct owner_rule catch_all;
    for (size_t i = 0; i + 1 < set->rule_count; i++)
        if (compare_conditions(&set->rules[i], &catch_all) == 0)
            return WRONG(reader, &(struct yamltree_node){.line = set->rules[i].line},
                         "this rule has no condition, so those after it never decide");
    const struct owner_rule **sorted = cm_calloc(set->rule_count + 1, sizeof(struct owner_rule *));
    for (size_t i = 0; i < set->rule_count; i++)
        sorted[i] = &set->rules[i];
    qsort(sorted, set->rule_count, sizeof(struct owner_rule *), compare_rules);
    int code = 0;
    for (size_t i = 1; i < set->rule_count && !code; i++)
        if (compare_conditions(sorted[i - 1], sorted[i]) == 0)
            code = WRONG(reader, &(struct yamltree_node){.line = sorted[i]->line},
                         "this rule never decides: line %zu has the same conditions", sorted[i - 1]->line);
    free(sorted);
    return code;
}

static int read_rules(struct reader *reader, const struct yamltree_node *node)
{
    if (!node || yamltree_is_null(node))
        return 0;
    if (node->kind != YAMLTREE_LIST)
        return WRONG(reader, node, "'rules' is a list: its order decides");
    if (node->count > OWNER_RULES_MAX)
        return WRONG(reader, node, "more than %d rules", (int)OWNER_RULES_MAX);
    reader->set.rules = cm_calloc(node->count + 1, sizeof *reader->set.rules);
    const struct owner_entry **owners = index_owners(&reader->set);
    int code = 0;
    for (const struct yamltree_node *child = node->first; child && !code; child = child->next)
        code = read_rule(reader, child, owners);
    free(owners);
    return code ? code : check_reach(reader);
}

static int read_set(struct reader *reader)
{
    static const char *const known[] = {"owners", "rules", NULL};
    const struct yamltree_node *root = yamltree_root(reader->set.tree);
    if (root->kind != YAMLTREE_MAP)
        return WRONG(reader, root, "the file is a map with 'owners' and 'rules'");
    for (const struct yamltree_node *member = root->first; member; member = member->next)
        if (strcmp(member->key, "owners") != 0 && strcmp(member->key, "rules") != 0)
            return unknown_key(reader, member, known);
    int code = read_owners(reader, yamltree_get(root, "owners"));
    return code ? code : read_rules(reader, yamltree_get(root, "rules"));
}

static int finish(struct reader *reader, int code, struct owner_set *out)
{
    if (!code)
        code = read_set(reader);
    if (code)
        owner_set_done(&reader->set);
    *out = reader->set;
    return code;
}

int owner_set_read_file(const char *path, struct owner_set *out, struct cm_error *error)
{
    struct reader reader = {.error = error};
    return finish(&reader, yamltree_read_file(path, &reader.set.tree, error), out);
}

int owner_set_read(const char *name, const void *bytes, size_t size, struct owner_set *out, struct cm_error *error)
{
    struct reader reader = {.error = error};
    return finish(&reader, yamltree_read(name, bytes, size, &reader.set.tree, error), out);
}

void owner_set_done(struct owner_set *set)
{
    free(set->owners);
    free(set->rules);
    yamltree_free(set->tree);
    *set = (struct owner_set){0};
}
