/* Objects that Java serialised, walked to find where they end. Pure. */
#ifndef SCANNER_CRAWL_FORMATS_JAVA_STREAM_H
#define SCANNER_CRAWL_FORMATS_JAVA_STREAM_H

#include "certmuster/cursor.h"

/* Moves the cursor over a stream of one object: its magic, its version, the object. CM_ETRUNCATED, CM_EMALFORMED, CM_EUNSUPPORTED (an object that
 * only its class could read) or CM_ELIMIT (nested or described beyond what a keystore has); where the cursor stands then means nothing. */
CM_MUST_CHECK int java_stream_skip(struct cursor *cursor);

#endif
