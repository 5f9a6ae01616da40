/* Rows as CSV and JSON. Knows no report and no query; bytes of fields are hostile and are escaped here, once. */
#include "report/sheet.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "certmuster/escape.h"

void sheet_fields(const struct sheet *sheet, const struct db_result *row, size_t index, struct field *out)
{
    size_t at = 0;
    for (size_t i = 0; i < sheet->count; i++, at++) {
        out[i] = (struct field){
            .text = db_text(row, index, at), .size = db_text_size(row, index, at), .null = db_is_null(row, index, at)};
        if (sheet->columns[i].kind == COLUMN_LIST) {
            at++;
            out[i].json = db_is_null(row, index, at) ? "[]" : db_text(row, index, at);
        }
    }
    assert(at == db_columns(row));
}

void sheet_csv_head(const struct sheet *sheet, struct buf *out)
{
    for (size_t i = 0; i < sheet->count; i++)
        buf_appendf(out, "%s%s", i ? "," : "", sheet->columns[i].name);
    buf_append_str(out, "\r\n");
}

/* The server says which columns are integers; that they are is checked here, since they are written as they stand. */
static bool is_integer(const struct field *field)
{
    size_t sign = field->text[0] == '-';
    return field->size > sign && strspn(field->text + sign, "0123456789") == field->size - sign;
}

void sheet_csv_row(const struct sheet *sheet, const struct field *fields, struct buf *out)
{
    for (size_t i = 0; i < sheet->count; i++) {
        if (i)
            buf_append_char(out, ',');
        /* A negative number is no formula: spreadsheets shall see -3, not '-3. */
        if (sheet->columns[i].kind == COLUMN_INTEGER && is_integer(&fields[i]))
            buf_append(out, fields[i].text, fields[i].size);
        else if (sheet->columns[i].kind == COLUMN_BOOLEAN && !fields[i].null)
            buf_append_str(out, fields[i].text[0] == 't' ? "true" : "false");
        else
            escape_csv(out, fields[i].text, fields[i].size);
    }
    buf_append_str(out, "\r\n");
}

void json_string(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    escape_json(out, text, strlen(text));
    buf_append_char(out, '"');
}

static void json_value(const struct column *column, const struct field *field, struct buf *out)
{
    switch (column->kind) {
    case COLUMN_INTEGER:
        if (is_integer(field))
            buf_append(out, field->text, field->size);
        else
            json_string(out, field->text);
        break;
    case COLUMN_BOOLEAN:
        buf_append_str(out, field->text[0] == 't' ? "true" : "false");
        break;
    case COLUMN_LIST:
        escape_json_text(out, field->json, strlen(field->json));
        break;
    case COLUMN_TEXT:
    case COLUMN_TIME:
        json_string(out, field->text);
        break;
    }
}

void sheet_json_object(const struct sheet *sheet, const struct field *fields, struct buf *out)
{
    bool first = true;
    buf_append_char(out, '{');
    for (size_t i = 0; i < sheet->count; i++) {
        if (fields[i].null && sheet->columns[i].kind != COLUMN_LIST)
            continue;
        buf_appendf(out, "%s\"%s\":", first ? "" : ",", sheet->columns[i].name);
        json_value(&sheet->columns[i], &fields[i], out);
        first = false;
    }
    buf_append_char(out, '}');
}

void sheet_json_array(const struct sheet *sheet, const struct field *fields, struct buf *out)
{
    for (size_t i = 0; i < sheet->count; i++) {
        buf_append_char(out, i ? ',' : '[');
        if (fields[i].null && sheet->columns[i].kind != COLUMN_LIST)
            buf_append_str(out, "null");
        else
            json_value(&sheet->columns[i], &fields[i], out);
    }
    buf_append_char(out, ']');
}

int sheet_write(struct buf *buf, FILE *out, struct cm_error *error)
{
    if (buf->failed)
        return error_set(error, CM_ELIMIT, 0, "a row is too long");
    errno = 0;
    if (fwrite(buf->data, 1, buf->size, out) != buf->size)
        return error_setf(error, CM_EIO, 0, "cannot write", "%s", strerror(errno));
    buf_reset(buf);
    return CM_OK;
}
