/* checkpoint.c - --checkpoint and --resume: 10 epochs and then 10 more are 20, bit for bit. */
#include <inttypes.h>

#include "moons.h"

enum { SETTINGS_SIZE = 300 };

/* All but the length that decides what a step does; the rows stand for the file, the seed, the split and the scale. */
static const char *settings(const Run *run, char text[SETTINGS_SIZE])
{
    const Options *o = &run->options;
    const Dataset *data = &run->train;
    char lr[NUMBER_SIZE], momentum[NUMBER_SIZE], decay[NUMBER_SIZE];
    uint64_t rows = fnv1a(FNV1A_START, (const char *)data->x, data->count * data->features * sizeof *data->x);
    rows = fnv1a(rows, (const char *)data->label, data->count * sizeof *data->label);
    snprintf(text, SETTINGS_SIZE,
             "%s lr=%s momentum=%s weight-decay=%s batch=%" PRIu64 " order=%s rows=%016" PRIx64 "%s%s",
             o->adam ? "adam" : "sgd", number_shortest(o->lr, lr), number_shortest(o->momentum, momentum),
             number_shortest(o->weight_decay, decay), o->batch, o->recorded || o->keep_order ? "kept" : "shuffled",
             rows, o->compiled ? " compiled" : "", o->vmath ? " vmath" : "");
    return text;
}

/* Within an epoch, Ctrl-C say, its order is found again from the random numbers before it. */
bool write_checkpoint(Run *run, const char *path, Error *error)
{
    char text[SETTINGS_SIZE];
    const size_t done = run->epochs_before + run->epochs_done;
    const bool within = run->epochs_done > 0 && run->batches.next < run->batches.count;
    const ModelInfo info = model_info(run);
    const Checkpoint checkpoint = {
        .optimizer = run->optimizer,
        .settings = settings(run, text),
        .epoch = done - within,
        .rows = within                  ? run->batches.next
                : run->epochs_done == 0 ? run->rows_before
                                        : 0,
        .random = within ? run->epoch_random : run->random,
    };
    return checkpoint_save(run->net, &info, &checkpoint, path, error);
}

void resume(Run *run)
{
    const char *path = run->options.resume;
    char text[SETTINGS_SIZE];
    Error error;
    Checkpoint checkpoint = {.optimizer = run->optimizer, .settings = settings(run, text)};
    if (!checkpoint_load(run->net, &checkpoint, path, &error))
        fail("%s Resume with the same options and data.", error.message);
    if (checkpoint.epoch >= run->options.epochs)
        fail("%s: %zu epochs are done already. Ask for more in all with --epochs.", path, checkpoint.epoch);
    if (checkpoint.rows >= run->train.count)
        fail("%s: %zu rows of an epoch are done, and there are %zu.", path, checkpoint.rows, run->train.count);
    run->epochs_before = checkpoint.epoch;
    run->rows_before = checkpoint.rows;
    run->random = checkpoint.random;
}
