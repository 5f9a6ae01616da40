/* A key's value in force as text: durations and sizes with their unit, lists by commas, a connection string or URL without its password.
 * Nothing when unset. */
#ifndef CERTMUSTER_CONFIG_TEXT_H
#define CERTMUSTER_CONFIG_TEXT_H

#include "certmuster/buf.h"
#include "certmuster/config.h"

void config_text(const struct config *config, const struct config_key *key, struct buf *out);
/* A value that such a key may have, a number, with its unit. */
void config_text_number(const struct config_key *key, int64_t value, struct buf *out);

#endif
