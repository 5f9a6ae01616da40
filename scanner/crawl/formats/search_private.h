/* The parts of the search: each takes what begins at one needle, in one window of a content's bytes. Private to search*.c. */
#ifndef SCANNER_CRAWL_FORMATS_SEARCH_PRIVATE_H
#define SCANNER_CRAWL_FORMATS_SEARCH_PRIVATE_H

#include "scanner/crawl/formats/der_items.h"
#include "scanner/crawl/formats/needles.h"

enum {
    SEARCH_BACK_BYTES = 64,      /* that a part may look back from its needle: what a window keeps of the one before */
    SEARCH_DISGUISES_MAX = 3,    /* within each other: base64 of base64 of UTF-16 */
    SEARCH_LINE_MAX = 64 * 1024, /* of an OpenSSH certificate or one member of a PuTTY key */
};

/* One content's texts, over all of its windows. */
struct search {
    struct job *job;
    struct content_ordinals *told;
    struct der_items items;
    unsigned disguises;
    size_t
        allowance; /* bytes that parts may still look ahead or back over: what keeps a file of nothing but needles linear */
    bool overdrawn; /* was told */
};

struct window {
    uint8_t *bytes; /* may be overwritten */
    size_t size;
    bool last; /* nothing follows */
};

/* Each takes what its needle at *at began and moves *at behind it, by one byte at least. False: it may go on behind the window, which then is to
 * begin at *at; never when window->last. */
bool search_take_pem(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_utf16(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_base64(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_ssh_certificate(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_ssh2(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_putty(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_mail(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_jwk(struct search *search, struct window *window, enum needle needle, size_t *at);
bool search_take_bare(struct search *search, struct window *window, enum needle needle, size_t *at);

/* For parts that look at the same bytes once for each needle: false, once told, when there were too many. */
bool search_may_look(struct search *search, size_t bytes);

/* All that a window holds; returns how many of its bytes are done with. */
size_t search_window(struct search *search, struct window *window);

#endif
