/* classes.c - the classes of a Dataset (data.h): the distinct labels in sorted order, or those of a model. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "memory.h"
#include "number.h"

/* The name of a class, with its place in the list that it is from. */
typedef struct Name {
    const char *text;
    double number; /* NAN where it is a word */
    size_t index;
} Name;

/* A list that the caller frees; NULL when there is no memory. */
static Name *names_list(char *const *texts, size_t count)
{
    Name *list = memory_alloc_array(count, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++) {
        double number;
        const bool is_number = strpbrk(texts[i], "xX") == NULL && number_parse(texts[i], strlen(texts[i]), &number);
        list[i] = (Name){texts[i], is_number && isfinite(number) ? number : NAN, i};
    }
    return list;
}

static bool names_are_numbers(const Name *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(list[i].number))
            return false;
    return true;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const Name *)a)->text, ((const Name *)b)->text);
}

/* From 2^53 on, whole numbers that differ may be the same double: there the digits decide. */
static int compare_numbers(const void *a, const void *b)
{
    const double x = ((const Name *)a)->number, y = ((const Name *)b)->number;
    if (x == y)
        return fabs(x) < 0x1p53 ? 0 : compare_texts(a, b);
    return x < y ? -1 : 1;
}

typedef int Compare(const void *a, const void *b);

static void count_classes(Dataset *data, const Name *sorted, Compare *compare)
{
    int class = -1;
    for (size_t i = 0; i < data->count; i++) {
        class += i == 0 || compare(&sorted[i - 1], &sorted[i]) != 0;
        data->label[sorted[i].index] = class;
    }
    data->classes = class + 1;
}

/* Each class is called as in its first row. */
static bool name_classes(Dataset *data, char *const *words)
{
    const size_t count = (size_t)data->classes;
    char **names = memory_alloc_array(count, sizeof *names);
    for (size_t i = data->count; names != NULL && i > 0; i--)
        names[data->label[i - 1]] = words[i - 1];
    data->class_names = names != NULL ? memory_copy_texts(names, count) : NULL;
    memory_free(names);
    return data->class_names != NULL;
}

static void take_classes(Dataset *data, const Dataset *labelled)
{
    for (size_t i = 0; i < data->count; i++)
        data->label[i] = labelled->label[i];
    memory_free(data->class_names);
    data->class_names = labelled->class_names;
    data->classes = labelled->classes;
}

bool dataset_label_at(Dataset *data, char *const *words, Error *error, Where where)
{
    dataset_check(data, "dataset_label", where);
    if (words == NULL || data->count > INT_MAX)
        misuse(where, "dataset_label: it needs a word for each row, of which there may be %d at most.", INT_MAX);
    Name *list = names_list(words, data->count);
    Dataset labelled = {.count = data->count, .label = memory_alloc_array(data->count, sizeof *data->label)};
    if (list != NULL && labelled.label != NULL) {
        Compare *compare = names_are_numbers(list, data->count) ? compare_numbers : compare_texts;
        qsort(list, data->count, sizeof *list, compare);
        count_classes(&labelled, list, compare);
    }
    const bool ok = list != NULL && labelled.label != NULL && name_classes(&labelled, words);
    if (ok)
        take_classes(data, &labelled);
    memory_free(labelled.label);
    memory_free(list);
    return ok || error_set(error, "dataset_label: no memory for the classes of %zu rows.", data->count);
}

/* The names of the classes, which the caller frees; NULL when there is no memory. Without names they are numbers. */
static char **class_names_of(const Dataset *data)
{
    enum { DIGITS_SIZE = 12 }; /* of an int */
    const size_t count = (size_t)data->classes;
    if (data->class_names != NULL)
        return memory_copy_texts(data->class_names, count);
    char **names = memory_alloc_array(count, sizeof *names + DIGITS_SIZE);
    for (size_t c = 0; names != NULL && c < count; c++) {
        names[c] = (char *)(names + count) + c * DIGITS_SIZE;
        snprintf(names[c], DIGITS_SIZE, "%d", (int)c);
    }
    return names;
}

/* places[c]: where the name of class c is among names[0 .. count), or −1. False when there is no memory. */
static bool find_places(const Dataset *data, char *const *own, char *const *names, size_t count, int *places)
{
    const size_t classes = (size_t)data->classes;
    Name *list = names_list(names, count), *keys = names_list(own, classes);
    const bool has_memory = list != NULL && keys != NULL;
    if (has_memory) {
        const bool are_numbers = names_are_numbers(list, count) && names_are_numbers(keys, classes);
        Compare *compare = are_numbers ? compare_numbers : compare_texts;
        qsort(list, count, sizeof *list, compare);
        for (size_t c = 0; c < classes; c++) {
            const Name *found = bsearch(&keys[c], list, count, sizeof *list, compare);
            places[c] = found != NULL ? (int)found->index : -1;
        }
    }
    memory_free(list);
    memory_free(keys);
    return has_memory;
}

/* False when a row is of a class that has no place. */
static bool check_places(const Dataset *data, char *const *own, char *const *names, int count, const int *places,
                         Error *error)
{
    for (size_t i = 0; i < data->count; i++)
        if (places[data->label[i]] < 0)
            return error_set(error,
                             "row %zu is of the class \"%.100s\", which is not one of the %d known: \"%.100s\" to "
                             "\"%.100s\". Correct the label, or leave the row out.",
                             i + 1, own[data->label[i]], count, names[0], names[count - 1]);
    return true;
}

static void renumber(Dataset *data, char **names, int classes, const int *places)
{
    for (size_t i = 0; i < data->count; i++)
        data->label[i] = places[data->label[i]];
    memory_free(data->class_names);
    data->class_names = names;
    data->classes = classes;
}

bool dataset_use_classes_at(Dataset *data, char *const *names, int classes, Error *error, Where where)
{
    dataset_check(data, "dataset_use_classes", where);
    if (names == NULL || classes < 1)
        misuse(where, "dataset_use_classes: a list of %d names. It needs one name or more.",
               names != NULL ? classes : 0);
    char **own = class_names_of(data), **copy = memory_copy_texts(names, (size_t)classes);
    int *places = memory_alloc_array((size_t)data->classes, sizeof *places);
    bool ok = own != NULL && copy != NULL && places != NULL && find_places(data, own, copy, (size_t)classes, places);
    if (!ok)
        error_set(error, "dataset_use_classes: no memory for %d names.", classes);
    ok = ok && check_places(data, own, copy, classes, places, error);
    memory_free(own);
    if (ok)
        renumber(data, copy, classes, places);
    else
        memory_free(copy);
    memory_free(places);
    return ok;
}
