/* Certificate text on its way into a mail: whatever a name holds, the message has our headers and no other, and lines that mail servers take. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/alert/alert_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(const char *mail)
{
    unsigned headers = 0;
    bool in_body = false;
    for (const char *line = mail; *line;) {
        const char *end = strstr(line, "\r\n");
        if (!end || end - line > 78 || memchr(line, '\n', (size_t)(end - line)) ||
            memchr(line, '\r', (size_t)(end - line)))
            abort();
        if (!in_body && end == line)
            in_body = true;
        else if (!in_body && line[0] != ' ')
            headers++;
        line = end + 2;
    }
    if (!in_body || headers != 9)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 1000) /* what the queue cuts a text to */
        return 0;
    char *hostile = strndup((const char *)bytes, size);
    struct buf subject, text, out;
    buf_init(&subject, ALERT_MESSAGE_BYTES);
    buf_init(&text, ALERT_MESSAGE_BYTES);
    buf_init(&out, ALERT_MESSAGE_BYTES);
    const struct alert_facts facts = {.event = "told",
                                      .sha256 = "00",
                                      .display_name = hostile,
                                      .subject = hostile,
                                      .issuer = hostile,
                                      .serial = "",
                                      .key = "",
                                      .resolution = "",
                                      .not_after = 86400,
                                      .names = {hostile},
                                      .name_count = 1,
                                      .name_total = 1,
                                      .places = {hostile},
                                      .place_count = 1,
                                      .place_total = 1,
                                      .owner = hostile,
                                      .contact = hostile,
                                      .environment = "",
                                      .criticality = "",
                                      .whom = hostile};
    alert_subject(&subject, &facts);
    alert_text(&text, &facts);
    struct mail mail = {.from = "a@b", .to = "c@d", .message_id = "<e@f>", .subject = subject.data, .text = text.data};
    mail_write(&out, &mail);
    if (out.failed)
        abort();
    check(out.data);
    mail.subject = hostile; /* and without the escaping before it */
    buf_reset(&out);
    mail_write(&out, &mail);
    check(out.data);
    buf_done(&subject);
    buf_done(&text);
    buf_done(&out);
    free(hostile);
    return 0;
}
