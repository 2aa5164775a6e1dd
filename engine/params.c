/* params.c - a list of params needs no name for each: their order is that in which they were made. */
#include "params.h"

#include <string.h>

#include "file.h"
#include "memory.h"
#include "model_parts.h"
#include "utf8.h"

enum { FORMAT_VERSION = 1 };

/* ---- finding them ------------------------------------------------------------------------------------------------ */

static size_t count_params(const Graph *graph)
{
    size_t count = 0;
    for (const Block *block = graph->newest; block != NULL; block = block->older)
        for (size_t i = 0; i < block->node_count; i++)
            count += block->nodes[i].op == OP_PARAM;
    return count;
}

/* The blocks are at hand from the newest to the oldest, so the list is filled from its end. */
Value **graph_params_at(Graph *graph, size_t *count, Where where)
{
    graph_given(graph, "graph_params", where.file, where.line);
    misuse_if_null(count, "graph_params: count", "Give the address of a size_t.", where);
    *count = count_params(graph);
    Value **params = graph_alloc_array(graph, *count + 1, sizeof *params);
    Value **place = params != NULL ? params + *count : NULL;
    for (Block *block = graph->newest; place != NULL && block != NULL; block = block->older)
        for (size_t i = block->node_count; i-- > 0;)
            if (block->nodes[i].op == OP_PARAM)
                *--place = &block->nodes[i];
    return params;
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* False with an error for what there was no memory for; anything else that is no param is misuse. */
static bool check(Value *const *params, size_t n, const char *path, const char *caller, Error *error, Where where)
{
    char role[64];
    if (params == NULL || n == 0 || path == NULL)
        misuse(where, "%s: %s. Pass a list of n >= 1 params, and a file's name.", caller,
               path == NULL     ? "the path is NULL"
               : params == NULL ? "the list of params is NULL"
                                : "n is 0");
    for (size_t i = 0; i < n; i++) {
        if (params[i] != NULL && value_is_live(params[i]) && params[i]->op == OP_PARAM)
            continue;
        snprintf(role, sizeof role, "%s: params[%zu]", caller, i);
        value_check(params[i], NULL, role, where);
        if (params[i]->op == OP_FAILED)
            return error_set(error, "%s:%d: %s: there was no memory when the graph was built (see graph_ok)",
                             where.file, where.line, caller);
        misuse(where, "%s is not a param (op %s). Pass only leaves made with v_param.", role,
               op_table[params[i]->op].name);
    }
    return true;
}

bool params_save_at(Value *const *params, size_t n, const char *path, Error *error, Where where)
{
    if (!check(params, n, path, "params_save", error, where))
        return false;
    SafeFile safe;
    WordWriter writer = {file_begin(&safe, path, error), FNV1A_START};
    if (writer.out == NULL)
        return false;
    words_write(&writer, "stepgrad-params %d\nparams %zu\n", FORMAT_VERSION, n);
    for (size_t i = 0; i < n; i++) {
        if (params[i]->label != NULL) {
            words_write_name(&writer, params[i]->label);
            words_write(&writer, " ");
        }
        words_write_number(&writer, params[i]->data, '\n');
    }
    model_write_end(&writer);
    return file_commit(&safe, error);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static bool read_head(WordReader *words, size_t n, Error *error)
{
    size_t version, count;
    if (!words_next(words, error))
        return false;
    if (strcmp(words->word, "stepgrad-params") != 0)
        return words_fail(words, error,
                          "these are not params: it begins with \"%s\" and not with \"stepgrad-params\".%s",
                          words->word, strcmp(words->word, "stepgrad-mlp") == 0 ? " Load an MLP with mlp_load." : "");
    if (!words_count(words, &version, error))
        return false;
    if (version != FORMAT_VERSION)
        return words_fail(words, error, "params of format %zu; this program reads format %d.", version, FORMAT_VERSION);
    if (!words_expect(words, "params", error) || !words_count(words, &count, error))
        return false;
    return count == n || words_fail(words, error, "the file has %zu params, the model %zu.", count, n);
}

static bool read_label(WordReader *words, const Value *param, Error *error)
{
    char here[VALUE_NAME_SIZE], in_model[VALUE_NAME_SIZE], *label = words_name(words, error);
    const bool same = label != NULL && strcmp(label, param->label) == 0;
    if (label != NULL && !same)
        words_fail(words, error, "here is the param \"%s\" and in the model \"%s\": it is another model.",
                   utf8_name(label, sizeof here, here, sizeof here), value_name(param, in_model));
    memory_free(label);
    return same;
}

static bool read_numbers(WordReader *words, Value *const *params, size_t n, double *numbers, Error *error)
{
    for (size_t i = 0; i < n; i++) {
        if (params[i]->label != NULL && !read_label(words, params[i], error))
            return false;
        if (!words_number(words, &numbers[i], NULL, error))
            return false;
    }
    return words_expect(words, "end", error) && model_read_end(words, error);
}

bool params_load_at(Value *const *params, size_t n, const char *path, Error *error, Where where)
{
    WordReader words;
    if (!check(params, n, path, "params_load", error, where))
        return false;
    if (!words_open(&words, path, error))
        return false;
    double *numbers = memory_alloc_array(n, sizeof *numbers);
    const bool ok = numbers == NULL ? error_set(error, "%s: no memory for %zu params.", path, n)
                                    : read_head(&words, n, error) && read_numbers(&words, params, n, numbers, error);
    for (size_t i = 0; ok && i < n; i++)
        params[i]->data = numbers[i];
    memory_free(numbers);
    words_close(&words);
    return ok;
}
