/* record_read over any line; what it accepts keeps every promise that the collector stores by. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "certmuster/record_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct record *record)
{
    if (record->type == RECORD_CERTIFICATE &&
        (!record->der || !record->der_size || record->der_size > CM_LIMIT_CERT_BYTES))
        abort();
    if (record->type == RECORD_SIGHTING &&
        (!record->chain_count || record->chain_count > CM_LIMIT_CHAIN_CERTS || !record->role))
        abort();
    if (record->has_endpoint && (!record->endpoint.realm || !record->endpoint.name || record->endpoint.port > 65535))
        abort();
    if (record->has_file && record->file.path[0] != '/')
        abort();
    if (record->at_ms < 0 || record->since_ms > record->at_ms)
        abort();
    if (record->tls_json && (record->tls_json[0] != '{' || strchr(record->tls_json, '\n')))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    struct cm_error error = {.reason = NULL};
    if (record_read((const char *)data, size, &record, &error) == CM_OK)
        check(&record);
    else if (record.json || !error.reason)
        abort();
    record_done(&record);
    return 0;
}
