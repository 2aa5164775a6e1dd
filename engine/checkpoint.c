/* checkpoint.c - the lines of a model's file that say where its training stands. */
#include <inttypes.h>
#include <string.h>

#include "memory.h"
#include "model_parts.h"

static void write_halves(WordWriter *writer, uint64_t number)
{
    words_write(writer, " %" PRIu32 " %" PRIu32, (uint32_t)(number >> 32), (uint32_t)number);
}

void checkpoint_write(WordWriter *writer, const Checkpoint *checkpoint)
{
    const OptimizerState *state = optimizer_state(checkpoint->optimizer);
    words_write(writer, "training");
    words_write_name(writer, checkpoint->settings);
    words_write(writer, "\nepoch %zu rows %zu\nrandom", checkpoint->epoch, checkpoint->rows);
    write_halves(writer, checkpoint->random.state);
    write_halves(writer, checkpoint->random.increment);
    words_write(writer, "\noptimizer %zu %zu\n", state->steps, state->count);
    words_write_numbers(writer, state->moments, state->count);
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
    char *settings = words_name(words, error);
    const bool same = settings != NULL && strcmp(settings, checkpoint->settings) == 0;
    if (settings != NULL && !same)
        words_fail(words, error, "the training was with %s; now it would be with %s.", settings, checkpoint->settings);
    memory_free(settings);
    return same;
}

bool checkpoint_read(WordReader *words, Checkpoint *read, OptimizerState *state, Error *error)
{
    size_t count;
    if (!settings_fit(read, words, error) || !words_expect(words, "epoch", error) ||
        !words_count(words, &read->epoch, error) || !words_expect(words, "rows", error) ||
        !words_count(words, &read->rows, error) || !words_expect(words, "random", error) ||
        !read_halves(words, &read->random.state, error) || !read_halves(words, &read->random.increment, error))
        return false;
    if (read->random.increment % 2 == 0)
        return words_fail(words, error, "the increment of the random numbers must be odd.");
    if (!words_expect(words, "optimizer", error) || !words_count(words, &state->steps, error) ||
        !words_count(words, &count, error))
        return false;
    if (count != state->count)
        return words_fail(words, error, "%zu moments, and the optimizer has %zu: it is of another kind or size.", count,
                          state->count);
    for (size_t i = 0; i < count; i++)
        if (!words_number(words, &state->moments[i], NULL, error))
            return false;
    return words_next(words, error);
}
