/* csv_row.c - one row: its fields, copied out of the file without spaces and quotes; and errors that name their place.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "csv_parts.h"
#include "memory.h"

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static bool is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; } /* of a UTF-8 character */

size_t csv_line_of(const Reader *reader, const char *place, size_t *column)
{
    size_t line = 1;
    *column = 1;
    for (const char *c = reader->text; c < place; c++) {
        if (*c == '\n' || (*c == '\r' && c[1] != '\n')) {
            line++;
            *column = 1;
        } else if (!is_continuation(*c)) {
            ++*column;
        }
    }
    return line;
}

/* The beginning of a text, in quotes and on one line. */
enum { SHOWN = 30, SHOWN_SIZE = SHOWN + sizeof "\"...\" " };
static void show(const char *text, char buffer[SHOWN_SIZE])
{
    size_t length = strlen(text);
    const bool is_cut = length > SHOWN;
    if (is_cut)
        for (length = SHOWN; length > 0 && is_continuation(text[length]);)
            length--;
    snprintf(buffer, SHOWN_SIZE, "\"%.*s%s\" ", (int)length, text, is_cut ? "..." : "");
    for (char *c = buffer; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* The end of a long path says the most, and the message must fit. */
static const char *short_name(const char *name)
{
    enum { NAME_SHOWN = 160 };
    const size_t length = strlen(name);
    return length > NAME_SHOWN ? name + (length - NAME_SHOWN) : name;
}

bool csv_fail(const Reader *reader, const Field *field, const char *format, ...)
{
    char message[300], number[40] = "", text[SHOWN_SIZE] = "";
    size_t column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (field->number > 0)
        snprintf(number, sizeof number, "field %zu: ", field->number);
    if (field->text != NULL && *field->text != '\0')
        show(field->text, text);
    const size_t line = csv_line_of(reader, field->start, &column);
    return error_set(reader->error, "%s:%zu:%zu: %s%s%s%s", short_name(reader->name), line, column, number,
                     field->text != NULL && field->number == reader->label_index + 1 ? "label " : "", text, message);
}

bool csv_fail_memory(Reader *reader)
{
    reader->is_out_of_memory = true;
    return csv_fail(reader, PLACE(reader->at), "no memory for more. Load a smaller file.");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static bool at_end(const Reader *reader) { return *reader->at == '\0'; }

static bool at_line_end(const Reader *reader) { return at_end(reader) || *reader->at == '\n' || *reader->at == '\r'; }

void csv_skip_line_end(Reader *reader)
{
    reader->at += *reader->at == '\r';
    reader->at += *reader->at == '\n';
}

static bool is_space(const Reader *reader, char c) { return (c == ' ' || c == '\t') && c != reader->separator; }

static void skip_spaces(Reader *reader)
{
    while (is_space(reader, *reader->at))
        reader->at++;
}

static void skip_blank_lines_and_comments(Reader *reader)
{
    while (!at_end(reader)) {
        skip_spaces(reader);
        if (*reader->at == '#')
            reader->at += strcspn(reader->at, "\r\n");
        if (!at_line_end(reader))
            return;
        csv_skip_line_end(reader);
    }
}

static void copy_plain(Reader *reader)
{
    char *end = reader->row_end; /* of the text without the spaces after it */
    while (!at_line_end(reader) && *reader->at != reader->separator) {
        *reader->row_end++ = *reader->at;
        if (!is_space(reader, *reader->at++))
            end = reader->row_end;
    }
    reader->row_end = end;
}

/* False when there is no closing quote: one that no other follows. */
static bool copy_quoted(Reader *reader)
{
    for (reader->at++; !at_end(reader); reader->at++) {
        if (*reader->at == '"' && *++reader->at != '"')
            return true;
        *reader->row_end++ = *reader->at;
    }
    return false;
}

static bool read_field(Reader *reader)
{
    skip_spaces(reader);
    Field field = {reader->at, NULL, reader->field_count + 1};
    Field *fields = memory_grow(reader->fields, field.number, &reader->field_capacity, sizeof *fields);
    if (fields == NULL)
        return csv_fail_memory(reader);
    reader->fields = fields;
    char *text = reader->row_end;
    if (*reader->at != '"')
        copy_plain(reader);
    else if (!copy_quoted(reader))
        return csv_fail(reader, &field, "the quote that opens here is never closed. Close it with another \".");
    skip_spaces(reader);
    if (!at_line_end(reader) && *reader->at != reader->separator) {
        field.start = reader->at;
        return csv_fail(reader, &field,
                        "there is text after the closing quote. Write a quote inside a field as two: \"\".");
    }
    *reader->row_end++ = '\0';
    field.text = text;
    fields[reader->field_count++] = field;
    return true;
}

bool csv_read_row(Reader *reader)
{
    reader->field_count = 0;
    skip_blank_lines_and_comments(reader);
    for (bool more = !at_end(reader); more;) {
        if (!read_field(reader))
            return false;
        more = !at_line_end(reader);
        if (more)
            reader->at++; /* the separator */
    }
    csv_skip_line_end(reader);
    return true;
}

void csv_go_back(Reader *reader)
{
    reader->at = reader->begin;
    reader->row_end = reader->row;
}

bool csv_peek_row(Reader *reader)
{
    Error *error = reader->error;
    reader->error = NULL;
    const bool ok = csv_read_row(reader) && reader->field_count > 0;
    reader->error = error;
    return ok;
}

size_t csv_count_used(const Reader *reader, size_t fewest)
{
    size_t used = reader->field_count;
    while (used > fewest && *reader->fields[used - 1].text == '\0' && !csv_is_quoted(&reader->fields[used - 1]))
        used--;
    return used;
}
