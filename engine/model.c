/* model.c - a file is read and checked to its end, into numbers beside the network, before any param changes. */
#include "model.h"

#include <inttypes.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "model_parts.h"

/* Version 1 has no ModelInfo and no checkpoint. */
enum { LAYERS_MOST = 1000, FORMAT_VERSION = 2 };

static Activation hidden_activation(const MLP *net) { return net->layers[0].activation; }

static void check(const void *object, const char *path, const char *caller, Where where)
{
    if (object == NULL || path == NULL)
        misuse(where, "%s: the %s is NULL. Pass a %s.", caller, object == NULL ? "network or graph" : "path",
               object == NULL ? "live one" : "file's name");
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static void write_layer(WordWriter *writer, const Layer *layer, size_t number)
{
    words_write(writer, "tensor w%zu %zu %zu\n", number, layer->outputs, layer->inputs);
    for (size_t i = 0; i < layer->outputs; i++)
        for (size_t j = 0; j < layer->inputs; j++)
            words_write_number(writer, layer->neurons[i].w[j]->data, j + 1 < layer->inputs ? ' ' : '\n');
    words_write(writer, "tensor b%zu 1 %zu\n", number, layer->outputs);
    for (size_t i = 0; i < layer->outputs; i++)
        words_write_number(writer, layer->neurons[i].w[layer->inputs]->data, i + 1 < layer->outputs ? ' ' : '\n');
}

void model_write_end(WordWriter *writer) { fprintf(writer->out, "end %016" PRIx64 "\n", writer->checksum); }

static bool save(const MLP *net, const ModelInfo *info, const Checkpoint *checkpoint, const char *path, Error *error)
{
    static const ModelInfo none = {0};
    SafeFile safe;
    WordWriter writer = {file_begin(&safe, path, error), FNV1A_START};
    if (writer.out == NULL)
        return false;
    info = info != NULL ? info : &none;
    words_write(&writer, "stepgrad-mlp %d\nactivation %s\nsizes %zu",
                model_info_is_empty(info) && checkpoint == NULL ? 1 : FORMAT_VERSION,
                activation_name(hidden_activation(net)), net->layers[0].inputs);
    for (size_t l = 0; l < net->layer_count; l++)
        words_write(&writer, " %zu", net->layers[l].outputs);
    words_write(&writer, "\n");
    model_info_write(&writer, net, info);
    for (size_t l = 0; l < net->layer_count; l++)
        write_layer(&writer, &net->layers[l], l + 1);
    if (checkpoint != NULL)
        checkpoint_write(&writer, checkpoint);
    model_write_end(&writer);
    return file_commit(&safe, error);
}

bool mlp_save_at(const MLP *net, const ModelInfo *info, const char *path, Error *error, Where where)
{
    check(net, path, "mlp_save", where);
    model_info_check(net, info, "mlp_save", where);
    return save(net, info, NULL, path, error);
}

static void check_checkpoint(const MLP *net, const Checkpoint *checkpoint, const char *path, const char *caller,
                             Where where)
{
    check(net, path, caller, where);
    if (checkpoint == NULL || checkpoint->optimizer == NULL || checkpoint->settings == NULL)
        misuse(where, "%s: the checkpoint %s. Give it an optimizer and settings, \"\" at least.", caller,
               checkpoint == NULL ? "is NULL" : "has a NULL");
}

bool checkpoint_save_at(const MLP *net, const ModelInfo *info, const Checkpoint *checkpoint, const char *path,
                        Error *error, Where where)
{
    check_checkpoint(net, checkpoint, path, "checkpoint_save", where);
    model_info_check(net, info, "checkpoint_save", where);
    return save(net, info, checkpoint, path, error);
}

/* ---- reading the head -------------------------------------------------------------------------------------------- */

/* What the first lines of a file say. `sizes` has `count` sizes. */
typedef struct Head {
    size_t version;
    Activation activation;
    size_t sizes[LAYERS_MOST + 1];
    size_t count;
} Head;

/* Whether the word begins a part of the file after the sizes. */
static bool is_part(const Head *head, const char *word)
{
    static const char *const parts[] = {"tensor", "features", "classes", "mean"};
    for (size_t i = 0; i < (head->version == 1 ? 1 : sizeof parts / sizeof *parts); i++)
        if (strcmp(word, parts[i]) == 0)
            return true;
    return false;
}

/* The sizes end where the line does: at the word `tensor`, say. */
static bool read_sizes(WordReader *words, Head *head, Error *error)
{
    if (!words_expect(words, "sizes", error) || !words_next(words, error))
        return false;
    while (!is_part(head, words->word)) {
        size_t size;
        if (!words_is_count(words->word, &size) || size == 0)
            return words_fail(words, error, "expected the size of a layer or \"tensor\", found \"%s\".", words->word);
        if (head->count > LAYERS_MOST)
            return words_fail(words, error, "more than %d layers.", LAYERS_MOST);
        head->sizes[head->count++] = size;
        if (!words_next(words, error))
            return false;
    }
    return head->count >= 2 || words_fail(words, error, "a network has at least two sizes: its inputs and outputs.");
}

static bool read_head(WordReader *words, Head *head, Error *error)
{
    char known[ACTIVATION_NAMES_SIZE];
    head->count = 0;
    if (!words_next(words, error))
        return false;
    if (strcmp(words->word, "stepgrad-mlp") != 0)
        return words_fail(words, error, "this is not a model: it begins with \"%s\" and not with \"stepgrad-mlp\".",
                          words->word);
    if (!words_count(words, &head->version, error))
        return false;
    if (head->version < 1 || head->version > FORMAT_VERSION)
        return words_fail(words, error, "a model of format %zu; this program reads formats 1 to %d.", head->version,
                          FORMAT_VERSION);
    if (!words_expect(words, "activation", error) || !words_next(words, error))
        return false;
    if (!activation_from_name(words->word, &head->activation))
        return words_fail(words, error, "unknown activation \"%s\". Known: %s.", words->word, activation_names(known));
    return read_sizes(words, head, error);
}

static bool head_fits(const MLP *net, const Head *head, WordReader *words, Error *error)
{
    if (head->activation != hidden_activation(net))
        return words_fail(words, error, "the file's activation is %s, the network's %s.",
                          activation_name(head->activation), activation_name(hidden_activation(net)));
    if (head->count != net->layer_count + 1)
        return words_fail(words, error, "the file has %zu layers, the network %zu.", head->count - 1, net->layer_count);
    for (size_t l = 0; l < head->count; l++) {
        const size_t size = l == 0 ? net->layers[0].inputs : net->layers[l - 1].outputs;
        if (head->sizes[l] != size)
            return words_fail(words, error, "size %zu is %zu in the file and %zu in the network.", l + 1,
                              head->sizes[l], size);
    }
    return true;
}

/* ---- reading the tensors ----------------------------------------------------------------------------------------- */

/* After the word `tensor`: its name and shape, which must be these. */
static bool read_shape(WordReader *words, char kind, size_t layer, size_t rows, size_t columns, Error *error)
{
    char name[32];
    size_t file_rows, file_columns;
    snprintf(name, sizeof name, "%c%zu", kind, layer);
    if (!words_expect(words, name, error) || !words_count(words, &file_rows, error) ||
        !words_count(words, &file_columns, error))
        return false;
    if (file_rows != rows || file_columns != columns)
        return words_fail(words, error, "tensor %s is %zux%zu in the file; here it must be %zux%zu.", name, file_rows,
                          file_columns, rows, columns);
    return true;
}

/* The tensors, after the first word `tensor`, up to the last number. */
static bool read_tensors(const MLP *net, WordReader *words, double *numbers, double *rests, Error *error)
{
    for (size_t l = 0; l < net->layer_count; l++) {
        const Layer *layer = &net->layers[l];
        const size_t row = layer->inputs + 1; /* a neuron's weights and its bias */
        if (!read_shape(words, 'w', l + 1, layer->outputs, layer->inputs, error))
            return false;
        for (size_t i = 0; i < layer->outputs; i++)
            for (size_t j = 0; j < layer->inputs; j++)
                if (!words_number(words, &numbers[i * row + j], rests != NULL ? &rests[i * row + j] : NULL, error))
                    return false;
        if (!words_expect(words, "tensor", error) || !read_shape(words, 'b', l + 1, 1, layer->outputs, error))
            return false;
        for (size_t i = 0; i < layer->outputs; i++)
            if (!words_number(words, &numbers[i * row + layer->inputs],
                              rests != NULL ? &rests[i * row + layer->inputs] : NULL, error))
                return false;
        numbers += layer->outputs * row;
        rests = rests != NULL ? rests + layer->outputs * row : NULL;
        if (l + 1 < net->layer_count && !words_expect(words, "tensor", error))
            return false;
    }
    return true;
}

bool mlp_read_tensors(const MLP *net, WordReader *words, double *numbers, double *rests, Error *error)
{
    return words_expect(words, "tensor", error) && read_tensors(net, words, numbers, rests, error);
}

/* No checksum: the file was written by hand, and then `end` is a whole line; or it was cut off just here. */
static bool end_is_whole(const WordReader *words, size_t line, Error *error)
{
    return words->end_line > line ||
           words_fail(words, error,
                      "the file ends within its last line: it was cut short. (If you wrote it yourself, "
                      "put a line end after \"end\".)");
}

bool model_read_end(WordReader *words, Error *error)
{
    char expected[WORD_SIZE];
    const size_t line = words->line;
    snprintf(expected, sizeof expected, "%016" PRIx64, words->checksum);
    if (!words_next(words, error))
        return feof(words->in) && end_is_whole(words, line, error);
    if (strcmp(words->word, expected) != 0)
        return words_fail(words, error,
                          "the checksum is %s and should be %s: the file was damaged or changed. If you changed it "
                          "yourself, make its last line just \"end\".",
                          words->word, expected);
    if (words_next(words, error))
        return words_fail(words, error, "\"%s\" follows the end.", words->word);
    return feof(words->in);
}

/* All after the tensors: with a checkpoint its part, which else is passed over; and the end. */
static bool read_rest(WordReader *words, const Head *head, Checkpoint *read, OptimizerState *state, Error *error)
{
    if (!words_next(words, error))
        return false;
    const bool has_training = head->version > 1 && strcmp(words->word, "training") == 0;
    if (read != NULL && !has_training)
        return words_fail(words, error, "this is a model and no checkpoint: the state of its training was not saved.");
    if (read != NULL && !checkpoint_read(words, read, state, error))
        return false;
    while (read == NULL && has_training && strcmp(words->word, "end") != 0)
        if (!words_next(words, error))
            return false;
    if (strcmp(words->word, "end") != 0)
        return words_fail(words, error, "expected \"end\", found \"%s\".", words->word);
    return model_read_end(words, error);
}

/* The params, and what follows them. `checkpoint` may be NULL. Nothing changes before all is read. */
static bool read_params(MLP *net, const Head *head, Checkpoint *checkpoint, WordReader *words, Error *error)
{
    const size_t n = net->param_count;
    Checkpoint read = checkpoint != NULL ? *checkpoint : (Checkpoint){0};
    OptimizerState state = checkpoint != NULL ? *optimizer_state(checkpoint->optimizer) : (OptimizerState){0};
    double *numbers = memory_alloc_array(n + state.count, sizeof *numbers);
    if (numbers == NULL)
        return error_set(error, "%s: no memory for %zu params.", words->path, n);
    double *moments = state.moments;
    state.moments = numbers + n;
    const bool ok = read_tensors(net, words, numbers, NULL, error) &&
                    read_rest(words, head, checkpoint != NULL ? &read : NULL, &state, error);
    for (size_t i = 0; ok && i < n; i++)
        net->params[i]->data = numbers[i];
    if (ok && checkpoint != NULL) {
        *checkpoint = read;
        optimizer_state(checkpoint->optimizer)->steps = state.steps;
        memcpy(moments, state.moments, state.count * sizeof *moments);
    }
    memory_free(numbers);
    return ok;
}

static bool load(MLP *net, Checkpoint *checkpoint, const char *path, Error *error)
{
    Head head;
    WordReader words;
    ModelInfo info = {0};
    if (!words_open(&words, path, error))
        return false;
    const bool ok = read_head(&words, &head, error) && head_fits(net, &head, &words, error) &&
                    model_info_read(&words, head.sizes[0], head.sizes[head.count - 1], &info, error) &&
                    read_params(net, &head, checkpoint, &words, error);
    model_info_free(&info);
    words_close(&words);
    return ok;
}

bool mlp_load_at(MLP *net, const char *path, Error *error, Where where)
{
    check(net, path, "mlp_load", where);
    return load(net, NULL, path, error);
}

bool checkpoint_load_at(MLP *net, Checkpoint *checkpoint, const char *path, Error *error, Where where)
{
    check_checkpoint(net, checkpoint, path, "checkpoint_load", where);
    return load(net, checkpoint, path, error);
}

/* Whether the file is long enough to hold such a network, so that a corrupt size cannot exhaust memory. */
static bool sizes_fit_file(const Head *head, WordReader *words, Error *error)
{
    const long here = ftell(words->in);
    if (here < 0 || fseek(words->in, 0, SEEK_END) != 0)
        return true; /* a pipe: its length is not known */
    const double bytes = (double)ftell(words->in);
    double params = 0;
    for (size_t l = 1; l < head->count; l++)
        params += (double)head->sizes[l] * ((double)head->sizes[l - 1] + 1);
    if (fseek(words->in, here, SEEK_SET) != 0)
        return words_fail(words, error, "cannot read further.");
    return 2 * params <= bytes ||
           words_fail(words, error, "these sizes need %.0f numbers, more than the file can hold.", params);
}

MLP *mlp_open_at(Graph *graph, ModelInfo *info, const char *path, Error *error, Where where)
{
    Head head;
    WordReader words;
    ModelInfo unwanted;
    MLP *net = NULL;
    check(graph, path, "mlp_open", where);
    ModelInfo *read = info != NULL ? info : &unwanted;
    *read = (ModelInfo){0};
    if (!words_open(&words, path, error))
        return NULL;
    const Mark mark = graph_mark(graph);
    if (read_head(&words, &head, error) && sizes_fit_file(&head, &words, error) &&
        model_info_read(&words, head.sizes[0], head.sizes[head.count - 1], read, error)) {
        net = mlp_new(graph, head.sizes, head.count, head.activation);
        if (net == NULL)
            error_set(error, "%s: no memory for the network.", path);
        else if (!read_params(net, &head, NULL, &words, error))
            net = NULL;
    }
    words_close(&words);
    if (net == NULL)
        graph_release(graph, mark);
    if (net == NULL || info == NULL)
        model_info_free(read);
    return net;
}
