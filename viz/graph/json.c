/* json.c - nodes are written to the stream one by one: no JSON is built in memory. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"
#include "order.h"
#include "utf8.h"

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

void json_put_number(FILE *out, double x)
{
    char text[NUMBER_SIZE];
    if (isfinite(x))
        fputs(number_text(x, 'g', 17, text), out);
    else
        fputs(isnan(x) ? "\"nan\"" : x > 0 ? "\"inf\"" : "\"-inf\"", out);
}

void json_put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (size_t bytes; *text != '\0'; text += bytes > 0 ? bytes : 1) {
        uint32_t character;
        bytes = utf8_decode(text, SIZE_MAX, &character);
        if (bytes == 0)
            fputs("\\ufffd", out);
        else if (character == '"' || character == '\\')
            fprintf(out, "\\%c", *text);
        else if (character < ' ' || character == 0x7F || (bytes == 1 && strchr("<>&'", *text) != NULL))
            fprintf(out, "\\u%04x", (unsigned)character);
        else
            fwrite(text, 1, bytes, out);
    }
    fputc('"', out);
}

static void put_parents(FILE *out, const Value *v)
{
    fputs(", \"parents\": [", out);
    for (size_t i = 0; i < value_parent_count(v); i++)
        fprintf(out, "%s%zu", i > 0 ? ", " : "", value_number(value_parent(v, i)));
    fputs("], \"local_derivatives\": [", out);
    for (size_t i = 0; i < value_parent_count(v); i++) {
        fputs(i > 0 ? ", " : "", out);
        json_put_number(out, value_local_derivative(v, i));
    }
    fputs("]", out);
}

static void put_node(FILE *out, const Value *v, const JsonOptions *options, size_t i)
{
    fprintf(out, "{\"number\": %zu, \"label\": ", value_number(v));
    if (v->label != NULL)
        json_put_string(out, v->label);
    else
        fputs("null", out);
    fprintf(out, ", \"op\": \"%s\", \"data\": ", op_table[v->op].name);
    json_put_number(out, v->data);
    fputs(", \"grad\": ", out);
    if (v->needs_grad && !options->values_only)
        json_put_number(out, v->grad);
    else
        fputs("null", out);
    if (options->tangents != NULL) {
        fputs(", \"tangent\": ", out);
        json_put_number(out, options->tangents[i].tangent);
    }
    put_parents(out, v);
    fputc('}', out);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void put_graph(FILE *out, Value *const *order, size_t count, const JsonOptions *options)
{
    fprintf(out, "{\"root\": %zu", value_number(order[count - 1]));
    if (options->by != NULL) {
        fputs(", \"tangent_by\": ", out);
        json_put_string(out, options->by);
    }
    fputs(", \"nodes\": [", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        put_node(out, order[i], options, i);
    }
    fputs("\n]}\n", out);
}

bool json_write_at(Where where, Value *root, const char *path, const JsonOptions *options, Error *error)
{
    static const JsonOptions usual = {0};
    SafeFile safe;
    size_t count;
    misuse_if_null(path, "json_write: the path", "Pass a file's name, such as \"L.json\".", where);
    Value **order = graph_topological_order_at(root, &count, where);
    if (order == NULL)
        return error_set(error, "%.320s: cannot write: no memory for the order of %zu nodes", path,
                         value_number(root) + 1);
    FILE *out = file_begin(&safe, path, error);
    if (out != NULL)
        put_graph(out, order, count, options != NULL ? options : &usual);
    memory_free(order);
    return out != NULL && file_commit(&safe, error);
}
