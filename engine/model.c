/* model.c - a file is read and checked to its end, into numbers beside the network, before any param changes. */
#include "model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"

enum { LAYERS_MOST = 1000, FORMAT_VERSION = 1 };

static Activation hidden_activation(const MLP *net) { return net->layers[0].activation; }

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

bool mlp_save(const MLP *net, const char *path, Error *error)
{
    SafeFile safe;
    Writer writer = {file_begin(&safe, path, error), FNV1A_START};
    if (writer.out == NULL)
        return false;
    write_text(&writer, "stepgrad-mlp %d\nactivation %s\nsizes %zu", FORMAT_VERSION,
               activation_name(hidden_activation(net)), net->layers[0].inputs);
    for (size_t l = 0; l < net->layer_count; l++)
        write_text(&writer, " %zu", net->layers[l].outputs);
    write_text(&writer, "\n");
    for (size_t l = 0; l < net->layer_count; l++)
        write_layer(&writer, &net->layers[l], l + 1);
    fprintf(writer.out, "end %016" PRIx64 "\n", writer.checksum);
    return file_commit(&safe, error);
}

/* ---- reading the head -------------------------------------------------------------------------------------------- */

/* What the first lines of a file say. `sizes` has `count` sizes. */
typedef struct Head {
    Activation activation;
    size_t sizes[LAYERS_MOST + 1];
    size_t count;
} Head;

/* The sizes end where the line does: at the word `tensor`. */
static bool read_sizes(WordReader *words, Head *head, Error *error)
{
    if (!words_expect(words, "sizes", error) || !words_next(words, error))
        return false;
    while (strcmp(words->word, "tensor") != 0) {
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
    size_t version;
    char known[ACTIVATION_NAMES_SIZE];
    head->count = 0;
    if (!words_next(words, error))
        return false;
    if (strcmp(words->word, "stepgrad-mlp") != 0)
        return words_fail(words, error, "this is not a model: it begins with \"%s\" and not with \"stepgrad-mlp\".",
                          words->word);
    if (!words_count(words, &version, error))
        return false;
    if (version != FORMAT_VERSION)
        return words_fail(words, error, "a model of format %zu; this program reads format %d.", version,
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

/* `end` and the checksum, and nothing after them. */
static bool read_end(WordReader *words, Error *error)
{
    char expected[WORD_SIZE];
    if (!words_expect(words, "end", error))
        return false;
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

static bool read_params(MLP *net, WordReader *words, Error *error)
{
    double *numbers = memory_alloc_array(net->param_count, sizeof *numbers);
    if (numbers == NULL)
        return error_set(error, "%s: no memory for %zu params.", words->path, net->param_count);
    const bool ok = read_tensors(net, words, numbers, NULL, error) && read_end(words, error);
    for (size_t i = 0; ok && i < net->param_count; i++)
        net->params[i]->data = numbers[i];
    memory_free(numbers);
    return ok;
}

bool mlp_load(MLP *net, const char *path, Error *error)
{
    Head head;
    WordReader words;
    if (!words_open(&words, path, error))
        return false;
    const bool ok =
        read_head(&words, &head, error) && head_fits(net, &head, &words, error) && read_params(net, &words, error);
    words_close(&words);
    return ok;
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

MLP *mlp_open(Graph *graph, const char *path, Error *error)
{
    Head head;
    WordReader words;
    MLP *net = NULL;
    if (!words_open(&words, path, error))
        return NULL;
    const Mark mark = graph_mark(graph);
    if (read_head(&words, &head, error) && sizes_fit_file(&head, &words, error)) {
        net = mlp_new(graph, head.sizes, head.count, head.activation);
        if (net == NULL)
            error_set(error, "%s: no memory for the network.", path);
        else if (!read_params(net, &words, error))
            net = NULL;
    }
    words_close(&words);
    if (net == NULL)
        graph_release(graph, mark);
    return net;
}
