/* The owners file (certmuster-owners(5)): read, checked whole, before any of it reaches the database. */
#ifndef CTL_OWNER_FILE_H
#define CTL_OWNER_FILE_H

#include <stddef.h>

#include "certmuster/error.h"
#include "certmuster/yamltree.h"

enum {
    OWNER_NAME_MAX = 100,  /* bytes; shown in table columns and mail subjects */
    OWNER_TEXT_MAX = 1000, /* bytes of any other text, globs included */
    OWNER_EMAILS_MAX = 20, /* of one owner: each is a mail of its own */
    OWNER_OWNERS_MAX = 10000,
    OWNER_RULES_MAX = 100000,
};

struct owner_entry { /* strings lend from the tree; NULL when absent */
    const char *name;
    const char *email[OWNER_EMAILS_MAX];
    size_t email_count;
    const char *webhook, *contact, *environment, *criticality;
    size_t line;
};

struct owner_rule { /* conditions NULL when absent; all of them must hold */
    const char *owner;
    const char *name, *cidr, *path, *issuer, *realm;
    size_t line;
};

struct owner_set {
    struct owner_entry *owners; /* in the order of the file */
    size_t owner_count;
    struct owner_rule *rules; /* the first that matches decides */
    size_t rule_count;
    struct yamltree *tree;
};

/* error->detail is "FILE:LINE: what". *out is empty on failure. */
CM_MUST_CHECK int owner_set_read_file(const char *path, struct owner_set *out, struct cm_error *error);
CM_MUST_CHECK int owner_set_read(const char *name, const void *bytes, size_t size, struct owner_set *out,
                                 struct cm_error *error);
void owner_set_done(struct owner_set *set);

#endif
