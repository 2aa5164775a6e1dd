/* model.c - a fuzz target: any bytes as a model file, or a checkpoint. What is accepted is saved and read back bit for
 * bit; what is refused is refused at a line of the file, and nothing has changed. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "model.h"

#include "graph.h"
#include "number.h"
#include "reader.h"

/* Read anew: the bits of all numbers in tensors, added up, are those of the params. Not where there are comments. */
static void check_params(const MLP *net, const uint8_t *data, size_t size)
{
    static const char space[] = " \t\r\n\v\f";
    char *text = calloc(size + 1, 1), *rest;
    uint64_t sum = 0, bits;
    double x;
    memcpy(text, data, size);
    const bool plain = strlen(text) == size && strchr(text, '#') == NULL;
    for (size_t i = 0; i < net->param_count; i++)
        memcpy(&bits, &net->params[i]->data, sizeof bits), sum += bits;
    size_t head = 0; /* 1 at the last "tensor", and one more with each word; 0 before the first */
    for (char *word = strtok_r(text, space, &rest); word != NULL; word = strtok_r(NULL, space, &rest)) {
        if (strcmp(word, "end") == 0 || strcmp(word, "training") == 0)
            break;
        head = strcmp(word, "tensor") == 0 ? 1 : head > 0 ? head + 1 : 0;
        if (head > 4 && number_parse(word, strlen(word), &x))
            memcpy(&bits, &x, sizeof bits), sum -= bits;
    }
    fuzz_require(!plain || sum == 0, "the params are the numbers of the file");
    free(text);
}

/* Save, open what was saved, save that: the two files must be equal, since a number is written with all its bits. */
static void check_saved(const MLP *net, const ModelInfo *info)
{
    Graph *graph = graph_new();
    ModelInfo info_again;
    Error error;
    fuzz_require(mlp_save_with(net, info, reader_path(1), &error), "what was opened can be saved");
    char *text = reader_text(reader_path(1));
    const MLP *again = mlp_open_with(graph, &info_again, reader_path(1), &error);
    fuzz_require(again != NULL, "what was saved can be opened");
    fuzz_require(mlp_save_with(again, &info_again, reader_path(1), &error), "what was opened again can be saved");
    char *text_again = reader_text(reader_path(1));
    fuzz_require(strcmp(text, text_again) == 0, "the same file is written again");
    memory_free(text), memory_free(text_again);
    model_info_free(&info_again);
    graph_free(graph);
}

/* The file as a checkpoint of this network. */
static void try_checkpoint(MLP *net, const char *path, const uint8_t *data, size_t size)
{
    Optimizer *optimizer = sgd_new(net->params, net->param_count, (SGD){.lr = 0.1, .momentum = 0.9});
    Checkpoint checkpoint = {.optimizer = optimizer, .settings = "lr=0.1"};
    const Checkpoint before = checkpoint;
    Error error;
    if (!checkpoint_load(net, &checkpoint, path, &error)) {
        reader_check_message(error.message, path, data, size);
        fuzz_require(memcmp(&checkpoint, &before, sizeof before) == 0, "a checkpoint that is refused changes nothing");
    } else {
        const Checkpoint read = checkpoint;
        fuzz_require(checkpoint_save(net, NULL, &checkpoint, reader_path(1), &error) &&
                         checkpoint_load(net, &checkpoint, reader_path(1), &error),
                     "it can be saved and loaded again");
        fuzz_require(read.epoch == checkpoint.epoch && read.rows == checkpoint.rows &&
                         memcmp(&read.random, &checkpoint.random, sizeof read.random) == 0,
                     "the same place of the training is read back");
    }
    optimizer_free(optimizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = reader_file(data, size);
    static const ModelInfo none;
    Graph *graph = graph_new();
    ModelInfo info;
    Error error;
    MLP *net = mlp_open_with(graph, &info, path, &error);
    if (net != NULL) {
        check_params(net, data, size);
        check_saved(net, &info);
        try_checkpoint(net, path, data, size);
    } else {
        fuzz_require(memcmp(&info, &none, sizeof info) == 0 && graph_node_count(graph) == 0, "nothing is left behind");
        reader_check_message(error.message, path, data, size);
    }
    model_info_free(&info);
    graph_free(graph);
    return 0;
}
