/* The grammar of Java's serialisation (Java Object Serialization Specification §6.4.2), as far as it takes to step over one object: a JCEKS keystore
 * holds its secret keys as SealedObjects, without a length before them.
 *
 * Owns the table of classes and handles of one stream, of fixed size. jks.c calls it. No object is made, no class looked for: types say how many
 * bytes follow. Time is linear: every step of every loop and recursion takes a byte, and a class has a bounded number of ancestors. */
#include "scanner/crawl/formats/java_stream.h"

#include <string.h>

enum { HANDLES_MAX = 1024, CLASSES_MAX = 64, FIELDS_MAX = 512, DEPTH_MAX = 32 };
enum { NO_CLASS = -1, FIRST_HANDLE = 0x7E0000 };
enum tag {
    TC_NULL = 0x70,
    TC_REFERENCE,
    TC_CLASSDESC,
    TC_OBJECT,
    TC_STRING,
    TC_ARRAY,
    TC_CLASS,
    TC_BLOCKDATA,
    TC_ENDBLOCKDATA,
    TC_RESET,
    TC_BLOCKDATALONG,
    TC_EXCEPTION,
    TC_LONGSTRING,
    TC_PROXYCLASSDESC,
    TC_ENUM,
};
enum flag { SC_WRITE_METHOD = 1, SC_SERIALIZABLE = 2, SC_EXTERNALIZABLE = 4, SC_BLOCK_DATA = 8 };

struct class
{
    uint8_t flags;
    char element;          /* of an array's class: the type of its elements; else 0 */
    int parent;            /* index or NO_CLASS */
    unsigned first, count; /* in fields */
};

struct walk {
    struct cursor *cursor;
    struct class classes[CLASSES_MAX];
    char fields[FIELDS_MAX];      /* the types of all classes' fields, one behind the other */
    int16_t handles[HANDLES_MAX]; /* the class that a handle stands for, or NO_CLASS */
    unsigned class_count, field_count, handle_count, depth;
};

static int read_content(struct walk *walk);
static int read_class(struct walk *walk, int *class);

static int new_handle(struct walk *walk, int class)
{
    if (walk->handle_count == HANDLES_MAX)
        return CM_ELIMIT;
    walk->handles[walk->handle_count++] = (int16_t) class;
    return 0;
}

static int read_reference(struct walk *walk, int *class)
{
    uint32_t handle;
    if (cursor_u32(walk->cursor, &handle))
        return CM_ETRUNCATED;
    if (handle < FIRST_HANDLE || handle - FIRST_HANDLE >= walk->handle_count)
        return CM_EMALFORMED;
    *class = walk->handles[handle - FIRST_HANDLE];
    return 0;
}

static int skip_text(struct walk *walk)
{
    struct cursor text;
    return cursor_vector16(walk->cursor, &text);
}

/* What a class's own writeObject added, up to its end mark. */
static int skip_annotation(struct walk *walk)
{
    for (;;) {
        uint8_t tag;
        if (cursor_peek_u8(walk->cursor, &tag))
            return CM_ETRUNCATED;
        if (tag == TC_ENDBLOCKDATA)
            return cursor_skip(walk->cursor, 1);
        int status = read_content(walk);
        if (status)
            return status;
    }
}

static int read_fields(struct walk *walk, struct class *class)
{
    uint16_t count;
    if (cursor_u16(walk->cursor, &count))
        return CM_ETRUNCATED;
    if (count > FIELDS_MAX - walk->field_count)
        return CM_ELIMIT;
    class->first = walk->field_count;
    class->count = count;
    walk->field_count += count;
    for (unsigned i = 0; i < count; i++) {
        uint8_t type;
        if (cursor_u8(walk->cursor, &type) || skip_text(walk))
            return CM_ETRUNCATED;
        walk->fields[class->first + i] = (char)type;
        int status = type == '[' || type == 'L' ? read_content(walk) : 0; /* its class, a string */
        if (status)
            return status;
    }
    return 0;
}

/* className serialVersionUID newHandle flags fields annotation superClass */
static int read_new_class(struct walk *walk, int *out)
{
    struct cursor name;
    uint8_t flags;
    if (walk->class_count == CLASSES_MAX)
        return CM_ELIMIT;
    int index = (int)walk->class_count++;
    struct class *class = &walk->classes[index];
    *class = (struct class){.parent = NO_CLASS};
    if (cursor_vector16(walk->cursor, &name) || cursor_skip(walk->cursor, 8))
        return CM_ETRUNCATED;
    if (cursor_left(&name) >= 2 && name.at[0] == '[')
        class->element = (char)name.at[1];
    int status = new_handle(walk, index);
    if (status)
        return status;
    if (cursor_u8(walk->cursor, &flags))
        return CM_ETRUNCATED;
    class->flags = flags;
    if ((status = read_fields(walk, class)) || (status = skip_annotation(walk)) ||
        (status = read_class(walk, &class->parent)))
        return status;
    *out = index;
    return 0;
}

/* newHandle, names of interfaces, annotation, superClass */
static int read_proxy_class(struct walk *walk, int *out)
{
    uint32_t count;
    if (walk->class_count == CLASSES_MAX)
        return CM_ELIMIT;
    int index = (int)walk->class_count++, status = new_handle(walk, index);
    walk->classes[index] = (struct class){.flags = SC_SERIALIZABLE, .parent = NO_CLASS};
    if (status)
        return status;
    if (cursor_u32(walk->cursor, &count))
        return CM_ETRUNCATED;
    for (; count; count--)
        if (skip_text(walk))
            return CM_ETRUNCATED;
    if ((status = skip_annotation(walk)) || (status = read_class(walk, &walk->classes[index].parent)))
        return status;
    *out = index;
    return 0;
}

static int read_class(struct walk *walk, int *class)
{
    uint8_t tag;
    int status = CM_EMALFORMED;
    *class = NO_CLASS;
    if (cursor_u8(walk->cursor, &tag))
        return CM_ETRUNCATED;
    if (++walk->depth > DEPTH_MAX)
        return CM_ELIMIT;
    if (tag == TC_NULL)
        status = 0;
    else if (tag == TC_REFERENCE)
        status = read_reference(walk, class);
    else if (tag == TC_CLASSDESC)
        status = read_new_class(walk, class);
    else if (tag == TC_PROXYCLASSDESC)
        status = read_proxy_class(walk, class);
    walk->depth--;
    return status;
}

/* Bytes of a primitive type; 0 of an object, which has no fixed size. */
static int primitive_size(char type, size_t *size)
{
    static const char types[] = "BZCSIFJDL[";
    static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 0, 0};
    const char *found = type ? strchr(types, type) : NULL;
    if (!found)
        return CM_EMALFORMED;
    *size = sizes[found - types];
    return 0;
}

static int skip_value(struct walk *walk, char type)
{
    size_t size;
    int status = primitive_size(type, &size);
    if (status)
        return status;
    return size ? cursor_skip(walk->cursor, size) : read_content(walk);
}

static int skip_own_data(struct walk *walk, const struct class *class)
{
    if (class->flags & SC_EXTERNALIZABLE)
        return class->flags & SC_BLOCK_DATA ? skip_annotation(walk) : CM_EUNSUPPORTED;
    for (unsigned i = 0; i < class->count && class->flags & SC_SERIALIZABLE; i++) {
        int status = skip_value(walk, walk->fields[class->first + i]);
        if (status)
            return status;
    }
    return class->flags & SC_WRITE_METHOD ? skip_annotation(walk) : 0;
}

/* The data of every class of the object, from the remotest ancestor to its own. */
static int read_object(struct walk *walk)
{
    int line[CLASSES_MAX], class, status;
    unsigned length = 0;
    if ((status = read_class(walk, &class)) || (status = new_handle(walk, NO_CLASS)))
        return status;
    for (; class != NO_CLASS; class = walk->classes[class].parent) {
        if (length == CLASSES_MAX)
            return CM_EMALFORMED; /* an ancestor of itself */
        line[length++] = class;
    }
    while (length && !status)
        status = skip_own_data(walk, &walk->classes[line[--length]]);
    return status;
}

static int read_array(struct walk *walk)
{
    uint32_t count;
    size_t size;
    int class, status;
    if ((status = read_class(walk, &class)) || (status = new_handle(walk, NO_CLASS)))
        return status;
    if (cursor_u32(walk->cursor, &count))
        return CM_ETRUNCATED;
    if (class == NO_CLASS || primitive_size(walk->classes[class].element, &size))
        return CM_EMALFORMED;
    if (size)
        return cursor_skip(walk->cursor, size * count);
    for (; count && !status; count--)
        status = read_content(walk);
    return status;
}

static int read_string(struct walk *walk, uint8_t tag)
{
    uint64_t size;
    int status = new_handle(walk, NO_CLASS);
    if (status || tag == TC_STRING)
        return status ? status : skip_text(walk);
    return cursor_u64(walk->cursor, &size) || size > cursor_left(walk->cursor) ? CM_ETRUNCATED
                                                                               : cursor_skip(walk->cursor, size);
}

static int read_block(struct walk *walk, uint8_t tag)
{
    struct cursor block;
    uint32_t size;
    if (tag == TC_BLOCKDATA)
        return cursor_vector8(walk->cursor, &block);
    return cursor_u32(walk->cursor, &size) ? CM_ETRUNCATED : cursor_skip(walk->cursor, size);
}

/* A class as a value, or the class of an enum before its constant's name. */
static int read_class_value(struct walk *walk, uint8_t tag)
{
    int class, status = read_class(walk, &class);
    if (!status)
        status = new_handle(walk, NO_CLASS);
    return status || tag == TC_CLASS ? status : read_content(walk);
}

static int read_tagged(struct walk *walk, uint8_t tag)
{
    int class;
    switch (tag) {
    case TC_NULL:
        return 0;
    case TC_REFERENCE:
        return read_reference(walk, &class);
    case TC_CLASSDESC:
        return read_new_class(walk, &class);
    case TC_PROXYCLASSDESC:
        return read_proxy_class(walk, &class);
    case TC_OBJECT:
        return read_object(walk);
    case TC_ARRAY:
        return read_array(walk);
    case TC_STRING:
    case TC_LONGSTRING:
        return read_string(walk, tag);
    case TC_CLASS:
    case TC_ENUM:
        return read_class_value(walk, tag);
    case TC_BLOCKDATA:
    case TC_BLOCKDATALONG:
        return read_block(walk, tag);
    case TC_RESET:
        walk->handle_count = 0;
        return 0;
    default:
        return CM_EMALFORMED;
    }
}

static int read_content(struct walk *walk)
{
    uint8_t tag;
    if (cursor_u8(walk->cursor, &tag))
        return CM_ETRUNCATED;
    if (++walk->depth > DEPTH_MAX)
        return CM_ELIMIT;
    int status = read_tagged(walk, tag);
    walk->depth--;
    return status;
}

int java_stream_skip(struct cursor *cursor)
{
    enum { MAGIC_AND_VERSION = (int)0xACED0005 };
    struct walk walk = {.cursor = cursor};
    uint32_t magic;
    if (cursor_u32(cursor, &magic))
        return CM_ETRUNCATED;
    return magic == (uint32_t)MAGIC_AND_VERSION ? read_content(&walk) : CM_EMALFORMED;
}
