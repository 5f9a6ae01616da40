/* Lines that repeat, read without a parser. */
#ifndef COLLECTOR_INGEST_SKIM_H
#define COLLECTOR_INGEST_SKIM_H

#include "collector/ingest/reader.h"

struct skim *skim_new(void);
void skim_free(struct skim *skim);

/* Remembers a line that record_read has read and of which reader_take_look made look, the last of the batch. */
void skim_learn(struct reader *reader, const struct record *record, const char *line, size_t size);
/* True: the line is one that record_read would have read, and its look was added. False: nothing is known of it. */
bool skim_line(struct reader *reader, const char *line, size_t size, uint32_t number);

#endif
