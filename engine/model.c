/* model.c - a file is read and checked to its end, into numbers beside the network, before any param changes. */
#include "model.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"

/* Version 1 has no ModelInfo and no checkpoint. */
enum { LAYERS_MOST = 1000, FORMAT_VERSION = 2 };

static Activation hidden_activation(const MLP *net) { return net->layers[0].activation; }

static size_t input_count(const MLP *net) { return net->layers[0].inputs; }

static size_t output_count(const MLP *net) { return net->layers[net->layer_count - 1].outputs; }

static void check(const void *object, const char *path, const char *caller, Where where)
{
    if (object == NULL || path == NULL)
        misuse(where, "%s: the %s is NULL. Pass a %s.", caller, object == NULL ? "network or graph" : "path",
               object == NULL ? "live one" : "file's name");
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* A stream and the checksum of what was printed to it. */
typedef struct Writer {
    FILE *out;
    uint64_t checksum;
} Writer;

static void write_text(Writer *writer, const char *format, ...) PRINTF_LIKE(2, 3);
static void write_text(Writer *writer, const char *format, ...)
{
    char text[128]; /* the longest, a tensor's head with three numbers of 20 digits, has 71 */
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    writer->checksum = fnv1a(writer->checksum, text, (size_t)length);
    fputs(text, writer->out);
}

static void write_number(Writer *writer, double number, char behind)
{
    char text[NUMBER_SIZE];
    write_text(writer, "%s%c", number_text(number, 'a', -1, text), behind);
}

static void write_layer(Writer *writer, const Layer *layer, size_t number)
{
    write_text(writer, "tensor w%zu %zu %zu\n", number, layer->outputs, layer->inputs);
    for (size_t i = 0; i < layer->outputs; i++)
        for (size_t j = 0; j < layer->inputs; j++)
            write_number(writer, layer->neurons[i].w[j]->data, j + 1 < layer->inputs ? ' ' : '\n');
    write_text(writer, "tensor b%zu 1 %zu\n", number, layer->outputs);
    for (size_t i = 0; i < layer->outputs; i++)
        write_number(writer, layer->neurons[i].w[layer->inputs]->data, i + 1 < layer->outputs ? ' ' : '\n');
}

static bool is_plain(char c) { return c > ' ' && c < 0x7F && strchr("\"%#", c) == NULL; }

/* A name in quotes; a long one is of several words, of which only the last ends with a quote. */
static void write_name(Writer *writer, const char *name)
{
    enum { PIECE = WORD_SIZE - 8 };
    int column = 1;
    write_text(writer, " \"");
    for (; *name != '\0'; name++) {
        if (column > PIECE) {
            write_text(writer, "\n");
            column = 0;
        }
        write_text(writer, is_plain(*name) ? "%c" : "%%%02X", (unsigned char)*name);
        column += is_plain(*name) ? 1 : 3;
    }
    write_text(writer, "\"");
}

static void write_names(Writer *writer, const char *keyword, char *const *names, size_t count)
{
    if (names == NULL)
        return;
    write_text(writer, "%s", keyword);
    for (size_t i = 0; i < count; i++)
        write_name(writer, names[i]);
    write_text(writer, "\n");
}

static void write_numbers(Writer *writer, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        write_number(writer, numbers[i], i + 1 < count ? ' ' : '\n');
}

static void write_info(Writer *writer, const MLP *net, const ModelInfo *info)
{
    write_names(writer, "features", info->feature_names, input_count(net));
    write_names(writer, "classes", info->class_names, output_count(net));
    if (info->scale.features == 0)
        return;
    write_text(writer, "mean ");
    write_numbers(writer, info->scale.mean, info->scale.features);
    write_text(writer, "deviation ");
    write_numbers(writer, info->scale.deviation, info->scale.features);
}

static void write_halves(Writer *writer, uint64_t number)
{
    write_text(writer, " %" PRIu32 " %" PRIu32, (uint32_t)(number >> 32), (uint32_t)number);
}

static void write_training(Writer *writer, const Checkpoint *checkpoint)
{
    const OptimizerState *state = optimizer_state(checkpoint->optimizer);
    write_names(writer, "training", (char *[]){(char *)checkpoint->settings}, 1);
    write_text(writer, "epoch %zu rows %zu\nrandom", checkpoint->epoch, checkpoint->rows);
    write_halves(writer, checkpoint->random.state);
    write_halves(writer, checkpoint->random.increment);
    write_text(writer, "\noptimizer %zu %zu\n", state->steps, state->count);
    write_numbers(writer, state->moments, state->count);
}

static bool is_empty(const ModelInfo *info)
{
    return info->feature_names == NULL && info->class_names == NULL && info->scale.features == 0;
}

static bool save(const MLP *net, const ModelInfo *info, const Checkpoint *checkpoint, const char *path, Error *error)
{
    static const ModelInfo none = {0};
    SafeFile safe;
    Writer writer = {file_begin(&safe, path, error), FNV1A_START};
    if (writer.out == NULL)
        return false;
    info = info != NULL ? info : &none;
    write_text(&writer, "stepgrad-mlp %d\nactivation %s\nsizes %zu",
               is_empty(info) && checkpoint == NULL ? 1 : FORMAT_VERSION, activation_name(hidden_activation(net)),
               input_count(net));
    for (size_t l = 0; l < net->layer_count; l++)
        write_text(&writer, " %zu", net->layers[l].outputs);
    write_text(&writer, "\n");
    write_info(&writer, net, info);
    for (size_t l = 0; l < net->layer_count; l++)
        write_layer(&writer, &net->layers[l], l + 1);
    if (checkpoint != NULL)
        write_training(&writer, checkpoint);
    fprintf(writer.out, "end %016" PRIx64 "\n", writer.checksum);
    return file_commit(&safe, error);
}

static void check_info(const MLP *net, const ModelInfo *info, const char *caller, Where where)
{
    if (info != NULL && info->scale.features != 0 && info->scale.features != input_count(net))
        misuse(where, "%s: the scale has %zu features and the network %zu inputs. Measure the rows that it is for.",
               caller, info->scale.features, input_count(net));
}

bool mlp_save_at(const MLP *net, const ModelInfo *info, const char *path, Error *error, Where where)
{
    check(net, path, "mlp_save", where);
    check_info(net, info, "mlp_save", where);
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
    check_info(net, info, "checkpoint_save", where);
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

/* ---- reading the info -------------------------------------------------------------------------------------------- */

static void names_free(char **names)
{
    for (char **name = names; name != NULL && *name != NULL; name++)
        memory_free(*name);
    memory_free(names);
}

void model_info_free(ModelInfo *info)
{
    names_free(info->feature_names);
    names_free(info->class_names);
    scale_free(&info->scale);
    *info = (ModelInfo){0};
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *digit = c != '\0' ? strchr(digits, c) : NULL;
    return digit != NULL ? (int)(digit - digits) : -1;
}

/* The byte at *at, which is moved behind it; 0 when it is damaged. */
static char decode_byte(const char **at)
{
    if (**at != '%')
        return *(*at)++;
    const int high = hex_digit((*at)[1]), low = high >= 0 ? hex_digit((*at)[2]) : -1;
    *at += 3; /* when that is too far, it is damaged, and nothing more is read */
    return low >= 0 ? (char)(16 * high + low) : '\0';
}

/* A name, which the caller frees; NULL on an error. */
static char *read_name(WordReader *words, Error *error)
{
    char *name = NULL;
    size_t length = 0, capacity = 0;
    bool ok =
        words_next(words, error) &&
        (words->word[0] == '"' || words_fail(words, error, "expected a name in quotes, found \"%s\".", words->word));
    for (const char *at = words->word + 1; ok;) {
        char *larger = memory_grow(name, length + 1, &capacity, 1);
        if (larger == NULL) {
            error_set(error, "%s: no memory for a name.", words->path);
            break;
        }
        name = larger;
        name[length] = '\0';
        if (*at == '"' && at[1] == '\0')
            return name;
        if (*at == '\0') {
            ok = words_next(words, error);
            at = words->word;
        } else {
            name[length] = *at == '"' ? '\0' : decode_byte(&at);
            ok = name[length++] != '\0' || words_fail(words, error, "a damaged name, \"%s\".", words->word);
        }
    }
    memory_free(name);
    return NULL;
}

/* `count` names and a NULL behind them. */
static bool read_names(WordReader *words, char ***names, size_t count, Error *error)
{
    if (*names != NULL)
        return words_fail(words, error, "\"%s\" is there twice.", words->word);
    *names = memory_alloc_array(count + 1, sizeof **names);
    if (*names == NULL)
        return error_set(error, "%s: no memory for %zu names.", words->path, count);
    memset(*names, 0, (count + 1) * sizeof **names);
    for (size_t i = 0; i < count; i++)
        if (((*names)[i] = read_name(words, error)) == NULL)
            return false;
    return true;
}

/* After the word `mean`. */
static bool read_scale(WordReader *words, Scale *scale, size_t features, Error *error)
{
    if (scale->mean != NULL)
        return words_fail(words, error, "\"mean\" is there twice.");
    *scale =
        (Scale){features, memory_alloc_array(features, sizeof(double)), memory_alloc_array(features, sizeof(double))};
    if (scale->mean == NULL || scale->deviation == NULL)
        return error_set(error, "%s: no memory for the scale of %zu features.", words->path, features);
    for (size_t i = 0; i < features; i++)
        if (!words_number(words, &scale->mean[i], NULL, error))
            return false;
    if (!words_expect(words, "deviation", error))
        return false;
    for (size_t i = 0; i < features; i++) {
        if (!words_number(words, &scale->deviation[i], NULL, error))
            return false;
        if (!isfinite(scale->mean[i]) || !isfinite(scale->deviation[i]) || scale->deviation[i] <= 0)
            return words_fail(
                words, error,
                "feature %zu has mean %g and deviation %g: they must be finite, and the deviation above 0.", i + 1,
                scale->mean[i], scale->deviation[i]);
    }
    return true;
}

/* All up to the first `tensor`. On an error *info is freed. */
static bool read_info(WordReader *words, const Head *head, ModelInfo *info, Error *error)
{
    bool ok = true;
    *info = (ModelInfo){0};
    while (ok && strcmp(words->word, "tensor") != 0) {
        if (strcmp(words->word, "features") == 0)
            ok = read_names(words, &info->feature_names, head->sizes[0], error);
        else if (strcmp(words->word, "classes") == 0)
            ok = read_names(words, &info->class_names, head->sizes[head->count - 1], error);
        else if (strcmp(words->word, "mean") == 0)
            ok = read_scale(words, &info->scale, head->sizes[0], error);
        else
            ok = words_fail(words, error, "expected features, classes, mean or tensor, found \"%s\".", words->word);
        ok = ok && words_next(words, error);
    }
    if (!ok)
        model_info_free(info);
    return ok;
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

/* After the word `end`: the checksum, and nothing after it. */
static bool read_end(WordReader *words, Error *error)
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

static bool read_halves(WordReader *words, uint64_t *number, Error *error)
{
    size_t high, low;
    if (!words_count(words, &high, error) || !words_count(words, &low, error))
        return false;
    *number = (uint64_t)high << 32 | (uint32_t)low;
    return (high <= UINT32_MAX && low <= UINT32_MAX) || words_fail(words, error, "a half of more than 32 bits.");
}

static bool settings_fit(const Checkpoint *checkpoint, WordReader *words, Error *error)
{
    char *settings = read_name(words, error);
    const bool same = settings != NULL && strcmp(settings, checkpoint->settings) == 0;
    if (settings != NULL && !same)
        words_fail(words, error, "the training was with %s; now it would be with %s.", settings, checkpoint->settings);
    memory_free(settings);
    return same;
}

/* After the word `training`, into *read, whose optimizer is that of the caller, and into moments[0..count). */
static bool read_training(WordReader *words, Checkpoint *read, size_t *steps, double *moments, Error *error)
{
    size_t count;
    const size_t want = optimizer_state(read->optimizer)->count;
    if (!settings_fit(read, words, error) || !words_expect(words, "epoch", error) ||
        !words_count(words, &read->epoch, error) || !words_expect(words, "rows", error) ||
        !words_count(words, &read->rows, error) || !words_expect(words, "random", error) ||
        !read_halves(words, &read->random.state, error) || !read_halves(words, &read->random.increment, error))
        return false;
    if (read->random.increment % 2 == 0)
        return words_fail(words, error, "the increment of the random numbers must be odd.");
    if (!words_expect(words, "optimizer", error) || !words_count(words, steps, error) ||
        !words_count(words, &count, error))
        return false;
    if (count != want)
        return words_fail(words, error, "%zu moments, and the optimizer has %zu: it is of another kind or size.", count,
                          want);
    for (size_t i = 0; i < count; i++)
        if (!words_number(words, &moments[i], NULL, error))
            return false;
    return words_next(words, error);
}

/* All after the tensors: with a checkpoint its part, which else is passed over; and the end. */
static bool read_rest(WordReader *words, const Head *head, Checkpoint *read, size_t *steps, double *moments,
                      Error *error)
{
    if (!words_next(words, error))
        return false;
    const bool has_training = head->version > 1 && strcmp(words->word, "training") == 0;
    if (read != NULL && !has_training)
        return words_fail(words, error, "this is a model and no checkpoint: the state of its training was not saved.");
    if (read != NULL && !read_training(words, read, steps, moments, error))
        return false;
    while (read == NULL && has_training && strcmp(words->word, "end") != 0)
        if (!words_next(words, error))
            return false;
    if (strcmp(words->word, "end") != 0)
        return words_fail(words, error, "expected \"end\", found \"%s\".", words->word);
    return read_end(words, error);
}

/* The params, and what follows them. `checkpoint` may be NULL. Nothing changes before all is read. */
static bool read_params(MLP *net, const Head *head, Checkpoint *checkpoint, WordReader *words, Error *error)
{
    const size_t n = net->param_count;
    OptimizerState *state = checkpoint != NULL ? optimizer_state(checkpoint->optimizer) : NULL;
    Checkpoint read = checkpoint != NULL ? *checkpoint : (Checkpoint){0};
    size_t steps;
    double *numbers = memory_alloc_array(n + (state != NULL ? state->count : 0), sizeof *numbers);
    if (numbers == NULL)
        return error_set(error, "%s: no memory for %zu params.", words->path, n);
    const bool ok = read_tensors(net, words, numbers, NULL, error) &&
                    read_rest(words, head, checkpoint != NULL ? &read : NULL, &steps, numbers + n, error);
    for (size_t i = 0; ok && i < n; i++)
        net->params[i]->data = numbers[i];
    if (ok && checkpoint != NULL) {
        *checkpoint = read;
        state->steps = steps;
        memcpy(state->moments, numbers + n, state->count * sizeof *numbers);
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
                    read_info(&words, &head, &info, error) && read_params(net, &head, checkpoint, &words, error);
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
        read_info(&words, &head, read, error)) {
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
