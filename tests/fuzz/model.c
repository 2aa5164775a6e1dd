/* model.c - a fuzz target: any bytes as a model file, or a checkpoint. What is accepted is saved and read back bit for
 * bit; what is refused is refused at a line of the file, and nothing has changed. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "model.h"

#include "file.h"
#include "graph.h"
#include "memory.h"
#include "reader.h"

static char *text_of(const char *path, size_t *bytes)
{
    Error error;
    char *text = file_read(path, 1 << 20, bytes, &error);
    fuzz_require(text != NULL, "what was saved can be read");
    return text;
}

/* Save, open what was saved, save that: the two files must be equal, since a number is written with all its bits. */
static void check_saved(const MLP *net, const ModelInfo *info)
{
    Graph *graph = graph_new();
    ModelInfo info_again;
    Error error;
    size_t bytes, bytes_again;
    fuzz_require(mlp_save_with(net, info, reader_path(1), &error), "what was opened can be saved");
    char *text = text_of(reader_path(1), &bytes);
    const MLP *again = mlp_open_with(graph, &info_again, reader_path(1), &error);
    fuzz_require(again != NULL, "what was saved can be opened");
    fuzz_require(again->param_count == net->param_count, "as many params are read back");
    fuzz_require(mlp_save_with(again, &info_again, reader_path(1), &error), "what was opened again can be saved");
    char *text_again = text_of(reader_path(1), &bytes_again);
    fuzz_require(bytes == bytes_again && memcmp(text, text_again, bytes) == 0, "the same file is written again");
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
        fuzz_require(checkpoint_save(net, NULL, &checkpoint, reader_path(1), &error), "a checkpoint can be saved");
        fuzz_require(checkpoint_load(net, &checkpoint, reader_path(1), &error), "and loaded again");
        fuzz_require(read.epoch == checkpoint.epoch && read.rows == checkpoint.rows &&
                         memcmp(&read.random, &checkpoint.random, sizeof read.random) == 0,
                     "the same place of the training is read back");
    }
    optimizer_free(optimizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = reader_file(data, size);
    Graph *graph = graph_new();
    ModelInfo info;
    static const ModelInfo none;
    Error error;
    MLP *net = mlp_open_with(graph, &info, path, &error);
    if (net != NULL) {
        check_saved(net, &info);
        try_checkpoint(net, path, data, size);
    } else {
        fuzz_require(memcmp(&info, &none, sizeof info) == 0, "where nothing was read all is zero");
        fuzz_require(graph_node_count(graph) == 0, "where nothing was read the graph is as it was");
        reader_check_message(error.message, path, data, size);
    }
    model_info_free(&info);
    graph_free(graph);
    return 0;
}
