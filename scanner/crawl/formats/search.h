/* The search for PEM blocks in anything: text, binaries, images, files of any size. */
#ifndef SCANNER_CRAWL_FORMATS_SEARCH_H
#define SCANNER_CRAWL_FORMATS_SEARCH_H

#include "scanner/crawl/job.h"

enum {
    SEARCH_WINDOW_BYTES = 8 * 1024 * 1024, /* of what is too large to hold */
};

void search_text(struct job *job, struct content *content);

#endif
