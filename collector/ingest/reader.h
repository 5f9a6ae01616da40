/* What the files share that read a batch: batch.c (the lines), look.c (sightings, failures, endpoints) and skim.c (those that repeat). */
#ifndef COLLECTOR_INGEST_READER_H
#define COLLECTOR_INGEST_READER_H

#include "certmuster/record_read.h"
#include "collector/ingest/batch.h"

struct skim;

struct reader {
    struct batch *batch;
    const struct batch_options *options;
    size_t look_room, saying_room, asset_room, certificate_room, rejection_room, claimed_room;
    struct skim *skim; /* NULL: every line is read whole */
};

/* Doubles an array when it is full. Its growth is bounded by BATCH_LINES_MAX. */
void *reader_room(void *list, size_t count, size_t *room, size_t size);
/* Index of the pair; BATCH_ORIGINS_MAX when there are too many. */
uint16_t reader_origin(struct reader *reader, const char *scanner, const char *realm);
/* Index of the run as this scanner's; BATCH_ORIGINS_MAX and *problem when there are too many. */
uint16_t reader_run(struct reader *reader, const struct record *record, uint16_t origin, const char **problem);
/* A sender's time as it is stored. */
int64_t reader_time(const struct batch_options *options, int64_t at_ms);
/* A row of stage_location after its id and before first_seen. */
text_ref reader_location(struct batch *batch, const struct record *record);

/* look.c: NULL, or why the line is rejected. What was made is the last of batch->looks. */
const char *reader_take_look(struct reader *reader, const struct record *record, uint32_t line, size_t line_at);
void reader_add_look(struct reader *reader, const struct look *look);

/* The text arena: a field of its own, or begin, any number of fields, end. */
text_ref text_begin(const struct batch *batch);
void text_end(struct batch *batch);
text_ref text_field(struct batch *batch, const char *text);
void text_next(struct batch *batch, const char *text);
void text_next_number(struct batch *batch, int64_t value);

#endif
