/* Reads one target. Pure: text in, struct out; text may hold any bytes. */
#include "certmuster/target.h"

#include <string.h>

#include "certmuster/cursor.h"
#include "certmuster/limits.h"

enum { ADDRESS_TEXT_MAX = 64 }; /* the longest IPv6 text with a prefix length has 49 */

/* What a target's text falls into, before any part is understood. */
struct parts {
    struct slice name, place, ports; /* name and ports may be empty */
    bool bracketed, has_name, has_ports;
};

static const uint8_t *find(struct slice text, char wanted)
{
    return text.size ? memchr(text.data, wanted, text.size) : NULL;
}

static size_t count_of(struct slice text, char wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == (uint8_t)wanted;
    return count;
}

/* The pieces before and after at, which points into text. */
static struct slice before(struct slice text, const uint8_t *at)
{
    return (struct slice){text.data, (size_t)(at - text.data)};
}

static struct slice after(struct slice text, const uint8_t *at)
{
    return (struct slice){at + 1, text.size - (size_t)(at - text.data) - 1};
}

static int split(struct slice text, struct parts *out, struct cm_error *error)
{
    struct parts parts = {0};
    const uint8_t *at = find(text, '@');
    if (at) {
        parts.has_name = true;
        parts.name = before(text, at);
        text = after(text, at);
    }
    if (text.size && text.data[0] == '[') {
        const uint8_t *close = find(text, ']');
        if (!close)
            return error_set(error, CM_EINVAL, 0, "'[' without ']'");
        parts.bracketed = true;
        parts.place = before(after(text, text.data), close);
        text = after(text, close);
        if (text.size && text.data[0] != ':')
            return error_set(error, CM_EINVAL, 0, "after ']' comes ':' and a port, or nothing");
        parts.has_ports = text.size > 0;
        parts.ports = text.size ? after(text, text.data) : text;
    } else if (count_of(text, ':') == 1) {
        const uint8_t *colon = find(text, ':');
        parts.place = before(text, colon);
        parts.ports = after(text, colon);
        parts.has_ports = true;
    } else {
        parts.place = text; /* no colon: a name or IPv4; more than one: a bare IPv6 address or prefix */
    }
    *out = parts;
    return 0;
}

/* An address or prefix; CM_ENOTFOUND when the text does not look like one at all. */
static int read_address(const struct parts *parts, struct target *out, struct cm_error *error)
{
    char text[ADDRESS_TEXT_MAX];
    struct slice place = parts->place;
    bool looks_v6 = parts->bracketed || find(place, ':'), has_prefix = find(place, '/') != NULL;
    if (find(place, '%'))
        return error_set(error, CM_EINVAL, 0, "a zone (%eth0) is not part of an address here");
    if (place.size == 0 || place.size >= sizeof text || find(place, '\0'))
        return looks_v6 || has_prefix ? error_set(error, CM_EINVAL, 0, "not an IP address") : CM_ENOTFOUND;
    memcpy(text, place.data, place.size);
    text[place.size] = '\0';
    if (ipaddr_read_prefix(text, &out->base, &out->bits)) {
        if (has_prefix)
            return error_set(error, CM_EINVAL, 0, "not a prefix such as 192.0.2.0/24");
        return looks_v6 ? error_set(error, CM_EINVAL, 0, "not an IPv6 address") : CM_ENOTFOUND;
    }
    out->has_address = true;
    if (target_addresses(out) > CM_LIMIT_TARGETS_PER_CIDR)
        return error_set(error, CM_ELIMIT, 0, "a prefix this large is refused: at most an IPv4 /8 or an IPv6 /104");
    return 0;
}

static bool looks_like_url(struct slice text)
{
    static const char mark[] = "://";
    for (size_t i = 0; i + 3 <= text.size; i++) {
        if (memcmp(text.data + i, mark, 3) == 0)
            return true;
    }
    return false;
}

int target_read(const char *text, size_t size, struct target *out, struct cm_error *error)
{
    struct slice whole = {(const uint8_t *)text, size};
    struct target target = {0};
    struct parts parts = {0};
    int code;
    if (size == 0)
        return error_set(error, CM_EINVAL, 0, "an empty target");
    if (looks_like_url(whole))
        return error_set(error, CM_EINVAL, 0, "a URL: write host or host:port instead");
    if ((code = split(whole, &parts, error)))
        return code;
    code = read_address(&parts, &target, error);
    if (code && code != CM_ENOTFOUND)
        return code;
    if (parts.has_name && !target.has_address)
        return error_set(error, CM_EINVAL, 0, "after NAME@ comes an IP address or a prefix");
    struct slice name = target.has_address ? parts.name : parts.place;
    if ((parts.has_name || !target.has_address) &&
        (code = hostname_read((const char *)name.data, name.size, target.name, error)))
        return code;
    if (parts.has_ports && (code = ports_read((const char *)parts.ports.data, parts.ports.size, &target.ports, error)))
        return code;
    *out = target;
    return 0;
}

void target_done(struct target *target)
{
    ports_done(&target->ports);
}

uint64_t target_addresses(const struct target *target)
{
    unsigned width = target->base.family == 4 ? 32 : 128;
    if (!target->has_address)
        return 1;
    unsigned host_bits = width - target->bits;
    return host_bits < 62 ? 1ULL << host_bits : UINT64_MAX;
}

void target_write(struct buf *out, const struct target *target)
{
    const struct ports *ports = &target->ports;
    buf_append_str(out, target->name);
    if (target->has_address) {
        char text[IPADDR_TEXT_SIZE];
        bool v6 = target->base.family == 6;
        ipaddr_write(text, &target->base);
        buf_appendf(out, "%s%s%s", *target->name ? "@" : "", v6 ? "[" : "", text);
        if (target->bits < (v6 ? 128 : 32))
            buf_appendf(out, "/%u", target->bits);
        buf_append_str(out, v6 ? "]" : "");
    }
    for (size_t i = 0, last; i < ports->count; i = last + 1) {
        for (last = i; last + 1 < ports->count && ports->list[last + 1] == ports->list[last] + 1;)
            last++;
        buf_appendf(out, "%c%u", i ? ',' : ':', ports->list[i]);
        if (last > i)
            buf_appendf(out, "-%u", ports->list[last]);
    }
}
