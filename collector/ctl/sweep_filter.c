/* --filter of `certmuster sweep`: the filter language of report and browse, read once when a plan is written and kept as terms that the
 * database applies each time a sweep of it begins. What the terms mean stands in the newest sweep_pieces() of sql/. */
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/filter.h"
#include "collector/ctl/sweep.h"

enum { TERMS_MAX = 256 * 1024 };

/* The term as the database knows it. */
static const char *key_of(const struct filter_term *term)
{
    static const char *const keys[FILTER_KEY_COUNT_] = {
        [FILTER_ANY] = "any",       [FILTER_NAME] = "name",
        [FILTER_ISSUER] = "issuer", [FILTER_PLACE] = "place",
        [FILTER_OWNER] = "owner",   [FILTER_REALM] = "realm",
        [FILTER_KEY] = "key",       [FILTER_FINGERPRINT] = "fingerprint"};
    static const char *const statuses[FILTER_STATUS_COUNT_] = {[FILTER_EXPIRED] = "expired",
                                                               [FILTER_EXPIRING] = "expiring",
                                                               [FILTER_FAILING] = "failing",
                                                               [FILTER_OK] = "ok",
                                                               [FILTER_GONE] = "gone"};
    if (term->key == FILTER_STATUS)
        return statuses[term->status];
    return term->nobody ? "nobody" : keys[term->key];
}

int sweep_read_filter(struct sweep_call *call)
{
    struct filter filter;
    struct cm_error error = {0};
    const char *text = call->cli->argument;
    if (filter_parse(text, FILTER_WHOLE, &filter, &error) != CM_OK)
        return cli_wrong(call->cli, "--filter, at byte %zu: %s%s%s", error.offset + 1, error.reason,
                         error.detail[0] ? ": " : "", error.detail);
    sweep_filter_done(call); /* the last one counts */
    call->filter = text;
    buf_init(&call->filter_terms, TERMS_MAX);
    buf_append_char(&call->filter_terms, '[');
    for (size_t i = 0; i < filter.count; i++) {
        const struct filter_term *term = &filter.terms[i];
        buf_appendf(&call->filter_terms, "%s{\"key\":\"%s\",\"negated\":%s", i ? "," : "", key_of(term),
                    term->negated ? "true" : "false");
        if (term->like) {
            buf_append_str(&call->filter_terms, ",\"pattern\":\"");
            escape_json(&call->filter_terms, term->like, strlen(term->like));
            buf_append_char(&call->filter_terms, '"');
        }
        buf_append_char(&call->filter_terms, '}');
    }
    buf_append_char(&call->filter_terms, ']');
    filter_done(&filter);
    return call->filter_terms.failed ? cli_wrong(call->cli, "--filter is too long") : 0;
}

void sweep_filter_done(struct sweep_call *call)
{
    if (call->filter)
        buf_done(&call->filter_terms);
    call->filter = NULL;
}
