/* The signature of a program or package, as Authenticode puts it there: CMS, somewhere in the file. */
#ifndef SCANNER_CRAWL_FORMATS_SIGNATURE_H
#define SCANNER_CRAWL_FORMATS_SIGNATURE_H

#include "scanner/crawl/formats/cms.h"

/* What reads little-endian headers; 0 behind the end. */
uint16_t signature_u16(struct slice bytes, size_t at);
uint32_t signature_u32(struct slice bytes, size_t at);
/* Tells the CMS that stands at an offset of a content, or why it cannot be read. */
void signature_tell(struct job *job, struct content *content, uint64_t offset, uint64_t size, struct cms_use *use);

#endif
