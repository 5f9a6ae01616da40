/* der_time: any contents under both tags; what it accepts stays within the calendar, and agrees with OpenSSL where that accepts it too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "certmuster/der.h"
#include "certmuster/timefmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, uint8_t tag)
{
    struct der_element element = {.tag = tag, .contents = {data, size}};
    int64_t seconds = 0, ms;
    char text[TIMEFMT_SIZE];
    ASN1_TIME *theirs = ASN1_STRING_type_new(tag == DER_UTC_TIME ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
    struct tm tm;
    ASN1_STRING_set(theirs, data, (int)size);
    bool known = ASN1_TIME_to_tm(theirs, &tm) == 1;
    int status = der_time(&element, &seconds);
    /* A day of margin: an offset may lead out of year 0 or 9999. */
    if (!status && (seconds < -62167219200 - 86400 || seconds > 253402300799 + 86400))
        abort();
    if (!status && known && timegm(&tm) != seconds)
        abort();
    timefmt_seconds(text, seconds);
    if (timefmt_read_ms(text, &ms))
        abort();
    ASN1_STRING_free(theirs);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 64)
        return 0;
    check(data, size, DER_UTC_TIME);
    check(data, size, DER_GENERALIZED_TIME);
    return 0;
}
