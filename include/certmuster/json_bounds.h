/* What a JSON text would cost, found before a parser builds a tree of it: two bytes of text make an object of 300 bytes of memory. */
#ifndef CERTMUSTER_JSON_BOUNDS_H
#define CERTMUSTER_JSON_BOUNDS_H

#include <stddef.h>

#include "certmuster/error.h"

/* CM_ELIMIT, with the offset: nested deeper than depth_max, or more than values_max values (members and elements, counted by the commas and
 * brackets outside of strings, so that an empty list counts as one). Says nothing about whether the text is JSON. */
CM_MUST_CHECK int json_bounds(const char *text, size_t size, unsigned depth_max, size_t values_max,
                              struct cm_error *error);

#endif
