/* Archives inside of which other formats lie: zip (jar, war, apk), 7z, tar, cpio, ar (deb), rpm, ISO 9660, cab, xar, rar. */
#ifndef SCANNER_CRAWL_FORMATS_ARCHIVE_H
#define SCANNER_CRAWL_FORMATS_ARCHIVE_H

#include "scanner/crawl/formats/format.h"

/* Hands every entry back to the job. For readers of formats that are archives as well (a signed cab, an apk): FORMAT_NOT_MINE when it is none. */
enum format_result archive_read_entries(struct job *job, struct content *content);
/* A zip that hangs behind something else: an executable jar, a self-extracting archive. Nothing when there is none. */
void archive_read_attached(struct job *job, struct content *content);

#endif
