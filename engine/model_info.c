/* model_info.c - the lines of a model's file that say what its numbers stand for: names and the scale. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "model_parts.h"

static void write_names(WordWriter *writer, const char *keyword, char *const *names, size_t count)
{
    if (names == NULL)
        return;
    words_write(writer, "%s", keyword);
    for (size_t i = 0; i < count; i++)
        words_write_name(writer, names[i]);
    words_write(writer, "\n");
}

void model_info_write(WordWriter *writer, const MLP *net, const ModelInfo *info)
{
    write_names(writer, "features", info->feature_names, net->layers[0].inputs);
    write_names(writer, "classes", info->class_names, net->layers[net->layer_count - 1].outputs);
    if (info->scale.features == 0)
        return;
    words_write(writer, "mean ");
    words_write_numbers(writer, info->scale.mean, info->scale.features);
    words_write(writer, "deviation ");
    words_write_numbers(writer, info->scale.deviation, info->scale.features);
}

bool model_info_is_empty(const ModelInfo *info)
{
    return info->feature_names == NULL && info->class_names == NULL && info->scale.features == 0;
}

void model_info_check(const MLP *net, const ModelInfo *info, const char *caller, Where where)
{
    const size_t inputs = net->layers[0].inputs;
    if (info != NULL && info->scale.features != 0 && info->scale.features != inputs)
        misuse(where, "%s: the scale has %zu features and the network %zu inputs. Measure the rows that it is for.",
               caller, info->scale.features, inputs);
}

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
        if (((*names)[i] = words_name(words, error)) == NULL)
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

bool model_info_read(WordReader *words, size_t inputs, size_t outputs, ModelInfo *info, Error *error)
{
    bool ok = true;
    *info = (ModelInfo){0};
    while (ok && strcmp(words->word, "tensor") != 0) {
        if (strcmp(words->word, "features") == 0)
            ok = read_names(words, &info->feature_names, inputs, error);
        else if (strcmp(words->word, "classes") == 0)
            ok = read_names(words, &info->class_names, outputs, error);
        else if (strcmp(words->word, "mean") == 0)
            ok = read_scale(words, &info->scale, inputs, error);
        else
            ok = words_fail(words, error, "expected features, classes, mean or tensor, found \"%s\".", words->word);
        ok = ok && words_next(words, error);
    }
    if (!ok)
        model_info_free(info);
    return ok;
}
