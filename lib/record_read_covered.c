/* What a crawl has looked at, as its finished record says: from the realm, host and roots the collector knows what the run must have
 * seen, had it been there. Called by record_read.c; its writer is record.c. */
#include <string.h>

#include "certmuster/limits.h"
#include "lib/record_member.h"

static void read_paths(struct reader *reader, const json_t *covered, const char *member, enum need need)
{
    const json_t *paths = json_object_get(covered, member);
    if (!paths && need == OPTIONAL)
        return;
    if (!json_is_array(paths) || json_array_size(paths) > CM_LIMIT_COVERED_PATHS) {
        member_wrong(reader, "not a list of at most 1,024 paths", member);
        return;
    }
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *path = json_array_get(paths, i);
        const char *text = json_string_value(path);
        if (!text || text[0] != '/' || json_string_length(path) > MEMBER_PATH_MAX ||
            strlen(text) != json_string_length(path)) {
            member_wrong(reader, "not an absolute path", member);
            return;
        }
    }
}

void record_read_covered(struct reader *reader)
{
    const json_t *covered = member_object(reader, reader->root, "covered");
    if (!covered)
        return;
    reader->record->covered_realm = member_label(reader, covered, "realm", REQUIRED, MEMBER_LABEL_MAX);
    member_label(reader, covered, "host", REQUIRED, MEMBER_LABEL_MAX);
    read_paths(reader, covered, "roots", REQUIRED);
    read_paths(reader, covered, "except", OPTIONAL);
    read_paths(reader, covered, "mounts", OPTIONAL);
    member_number(reader, covered, "assets", REQUIRED, 0, MEMBER_COUNT_MAX, 0);
    reader->record->covered_json = member_dump(reader, "covered", "\001covered", false);
}
