/* test_data.c - moons, splits, batches, scale, and saving. */
#define _POSIX_C_SOURCE 200809L

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caught.h"
#include "csv.h"
#include "data.h"
#include "memory.h"
#include "no_memory.h"

static const char *const SOURCE = __FILE__;

static Random seeded(uint64_t seed)
{
    Random random;
    random_seed(&random, seed);
    return random;
}

static Dataset moons(size_t n, double noise, uint64_t seed)
{
    Random random = seeded(seed);
    Dataset data;
    Error error;
    cr_assert(dataset_moons(&data, n, noise, &random, &error), "%s", error.message);
    return data;
}

/* A Dataset of `count` rows whose row i is (i, -i) and whose label is i mod 3, with names. */
static Dataset numbered(size_t count)
{
    Dataset data = {.count = count, .features = 2, .classes = 3};
    data.x = memory_alloc_array(2 * count, sizeof *data.x);
    data.label = memory_alloc_array(count, sizeof *data.label);
    data.feature_names = memory_copy_texts((char *[]){"up", "down"}, 2);
    data.class_names = memory_copy_texts((char *[]){"a", "b", "c"}, 3);
    for (size_t i = 0; i < count; i++) {
        dataset_row(&data, i)[0] = (double)i;
        dataset_row(&data, i)[1] = -(double)i;
        data.label[i] = (int)(i % 3);
    }
    return data;
}

/* ---- moons ------------------------------------------------------------------------------------------------------- */

Test(data, moons_without_noise_are_those_of_scikit_learn)
{
    /* sklearn.datasets.make_moons(7, shuffle=False) */
    static const double want[7][3] = {{1, 0, 0},
                                      {6.123233995736766e-17, 1, 0},
                                      {-1, 1.2246467991473532e-16, 0},
                                      {0, 0.5, 1},
                                      {0.49999999999999989, -0.36602540378443849, 1},
                                      {1.4999999999999998, -0.36602540378443871, 1},
                                      {2, 0.49999999999999989, 1}};
    Dataset data = moons(7, 0, 1);
    cr_assert(data.count == 7 && data.features == 2 && data.classes == 2 && data.feature_names == NULL);
    for (size_t i = 0; i < 7; i++) {
        const double *x = dataset_row(&data, i);
        for (int k = 0; k < 2; k++) /* the angle may differ by a rounding, as i·π/(n−1) and i·(π/(n−1)) do */
            cr_expect_float_eq(x[k], want[i][k], 4 * DBL_EPSILON, "row %zu [%d]: got %.17g, want %.17g", i, k, x[k],
                               want[i][k]);
        cr_expect_eq(data.label[i], (int)want[i][2], "row %zu: label %d", i, data.label[i]);
    }
    dataset_free(&data);
    cr_expect(data.x == NULL && data.count == 0, "dataset_free zeroes the struct");
}

Test(data, the_noise_of_moons_is_normal_with_the_given_deviation)
{
    enum { N = 100000 };
    const double noise = 0.2;
    Dataset clean = moons(N, 0, 1), noisy = moons(N, noise, 1);
    double sum = 0, square = 0;
    for (size_t i = 0; i < 2 * N; i++) {
        const double e = (noisy.x[i] - clean.x[i]) / noise;
        sum += e;
        square += e * e;
    }
    /* as in test_random.c: means 0 and 1 of 2·10⁵ numbers, five standard deviations √(1/n) and √(2/n) */
    cr_expect_float_eq(sum / (2 * N), 0, 0.0112, "mean %g", sum / (2 * N));
    cr_expect_float_eq(square / (2 * N), 1, 0.0159, "mean square %g", square / (2 * N));
    dataset_free(&clean);
    dataset_free(&noisy);
}

Test(data, one_point_and_two_points_are_moons_too)
{
    for (size_t n = 1; n <= 2; n++) {
        Dataset data = moons(n, 0, 1);
        cr_expect_eq(data.label[n - 1], 1, "the last of %zu has label %d", n, data.label[n - 1]);
        cr_expect(dataset_row(&data, n - 1)[0] == 0 && dataset_row(&data, n - 1)[1] == 0.5, "t = 0 of the inner moon");
        dataset_free(&data);
    }
}

Test(data, moons_of_no_points_are_misuse, .signal = SIGABRT) { moons(0, 0.1, 1); }
Test(data, a_negative_noise_is_misuse, .signal = SIGABRT) { moons(10, -0.1, 1); }
Test(data, a_noise_that_is_nan_is_misuse, .signal = SIGABRT) { moons(10, NAN, 1); }

Test(data, noise_that_leads_beyond_the_largest_double_is_an_error)
{
    static const double noises[] = {1e308, 5e306};
    for (size_t i = 0; i < 2; i++) {
        Random random = seeded(1);
        Dataset data;
        Error error = {""};
        cr_expect(!dataset_moons(&data, 100, noises[i], &random, &error), "noise %g", noises[i]);
        cr_expect(strstr(error.message, "too large for a double") != NULL, "%s", error.message);
        cr_expect(data.x == NULL && data.count == 0, "the output is zeroed");
    }
    Dataset data = moons(100, 1e300, 1); /* large, and finite */
    cr_expect(fabs(data.x[0]) > 1e298);
    dataset_free(&data);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static void expect_classes(const Dataset *data, int classes, const char *const *names, const int *labels)
{
    cr_assert_eq(data->classes, classes, "%d classes, want %d", data->classes, classes);
    for (int c = 0; c < classes; c++)
        cr_expect_str_eq(data->class_names[c], names[c], "class %d is %s, want %s", c, data->class_names[c], names[c]);
    for (size_t i = 0; i < data->count; i++)
        cr_expect_eq(data->label[i], labels[i], "row %zu: %d, want %d", i, data->label[i], labels[i]);
}

Test(data, classes_are_the_distinct_labels_sorted_as_scikit_learn_does)
{
    static const struct {
        char *words[4];
        int classes, labels[4];
        const char *names[4];
    } cases[] = {
        /* numpy.unique(words, return_inverse=True), of floats where all are numbers */
        {{"b", "a", "B", "a"}, 3, {2, 1, 0, 1}, {"B", "a", "b"}},
        {{"10", "9", "-1", "9"}, 3, {2, 1, 0, 1}, {"-1", "9", "10"}},
        {{"10", "9", "x", "9"}, 3, {0, 1, 2, 1}, {"10", "9", "x"}}, /* as bytes: one is a word */
        {{"1.0", "1", "1e0", "0"}, 2, {1, 1, 1, 0}, {"0", "1.0"}},
        {{"2019", "2021", "2020", "2019"}, 3, {0, 2, 1, 0}, {"2019", "2020", "2021"}},
        {{"0.5", "-0.5", ".5", "+0.5"}, 2, {1, 0, 1, 1}, {"-0.5", "0.5"}},
        {{"-0", "0", "0.0", "0e9"}, 1, {0, 0, 0, 0}, {"-0"}},
        {{"9007199254740993", "9007199254740992", "3", "3"},
         3,
         {2, 1, 0, 0},
         {"3", "9007199254740992", "9007199254740993"}},
        {{"0x1", "1", "nan", "inf"}, 4, {0, 1, 3, 2}, {"0x1", "1", "inf", "nan"}}, /* words */
        {{"\xC3\xA9", "z", "", "e"}, 4, {3, 2, 0, 1}, {"", "e", "z", "\xC3\xA9"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset data = numbered(4);
        Error error;
        cr_assert(dataset_label(&data, cases[i].words, &error), "%s", error.message);
        expect_classes(&data, cases[i].classes, cases[i].names, cases[i].labels);
        dataset_free(&data);
    }
}

Test(data, a_hundred_thousand_classes_take_no_time)
{
    enum { N = 100000 };
    static char texts[N][8];
    static char *words[N];
    Dataset data = numbered(N);
    for (size_t i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "%zu", i * 7919 % N); /* 7919 and N have no common factor */
        words[i] = texts[i];
    }
    cr_assert(dataset_label(&data, words, NULL));
    cr_assert_eq(data.classes, N);
    for (size_t i = 0; i < N; i++)
        cr_assert_eq(data.label[i], (int)(i * 7919 % N), "row %zu", i);
    cr_assert(dataset_use_classes(&data, words, N, NULL));
    for (size_t i = 0; i < N; i++)
        cr_assert_eq(data.label[i], (int)i, "row %zu", i);
    dataset_free(&data);
}

Test(data, labels_follow_the_classes_of_a_model_by_name)
{
    static const struct {
        char *names[4];
        int classes, labels[4]; /* for rows of a, b, c, a */
    } cases[] = {
        {{"a", "b", "c"}, 3, {0, 1, 2, 0}},
        {{"c", "b", "a"}, 3, {2, 1, 0, 2}},
        {{"b", "more", "a", "c"}, 4, {2, 0, 3, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset data = numbered(4);
        Error error;
        cr_assert(dataset_use_classes(&data, cases[i].names, cases[i].classes, &error), "%s", error.message);
        expect_classes(&data, cases[i].classes, (const char *const *)cases[i].names, cases[i].labels);
        dataset_free(&data);
    }
}

Test(data, names_that_are_numbers_are_the_same_when_their_values_are)
{
    Dataset data = numbered(3);
    cr_assert(dataset_label(&data, ((char *[]){"1.0", "3", "1"}), NULL));
    cr_assert(dataset_use_classes(&data, ((char *[]){"3.0", "2", "1"}), 3, NULL));
    expect_classes(&data, 3, (const char *[]){"3.0", "2", "1"}, (const int[]){2, 0, 2});
    dataset_free(&data);
    data = moons(4, 0, 1); /* no names: they are 0 and 1 */
    cr_assert(dataset_use_classes(&data, ((char *[]){"1", "0"}), 2, NULL));
    expect_classes(&data, 2, (const char *[]){"1", "0"}, (const int[]){1, 1, 0, 0});
    dataset_free(&data);
}

Test(data, a_class_that_the_list_has_not_is_an_error_and_changes_nothing)
{
    Dataset data = numbered(4);
    Error error;
    cr_expect(!dataset_use_classes(&data, ((char *[]){"a", "b"}), 2, &error));
    cr_expect(strstr(error.message, "row 3 is of the class \"c\", which is not one of the 2 known: \"a\" to \"b\"") ==
                  error.message,
              "%s", error.message);
    expect_classes(&data, 3, (const char *[]){"a", "b", "c"}, (const int[]){0, 1, 2, 0});
    Dataset two;
    cr_assert(dataset_rows(&data, ((size_t[]){0, 1}), 2, &two, NULL));
    cr_expect(dataset_use_classes(&two, ((char *[]){"b", "a"}), 2, NULL), "no row is of class c");
    dataset_free(&data), dataset_free(&two);
}

Test(data, no_list_of_classes_is_misuse, .signal = SIGABRT)
{
    Dataset data = numbered(3);
    dataset_use_classes(&data, NULL, 3, NULL);
}

/* ---- choosing rows ----------------------------------------------------------------------------------------------- */

Test(data, a_split_deals_every_row_once_with_its_label_and_the_names)
{
    enum { N = 101 };
    Dataset data = numbered(N), train, test;
    Random random = seeded(3);
    Error error;
    cr_assert(dataset_split(&data, 0.25, &random, &train, &test, &error), "%s", error.message);
    cr_expect(test.count == 25 && train.count == 76, "got %zu and %zu", test.count, train.count);
    int seen[N] = {0};
    size_t in_order = 0;
    const Dataset *parts[] = {&train, &test};
    for (int p = 0; p < 2; p++) {
        cr_assert(parts[p]->classes == 3 && parts[p]->features == 2);
        cr_expect_str_eq(parts[p]->feature_names[1], "down", "names are copied");
        cr_expect_str_eq(parts[p]->class_names[2], "c", "names are copied");
        for (size_t i = 0; i < parts[p]->count; i++) {
            const double *x = dataset_row(parts[p], i);
            cr_expect(x[1] == -x[0] && parts[p]->label[i] == (int)x[0] % 3, "row %g came apart", x[0]);
            seen[(int)x[0]]++;
            in_order += (size_t)x[0] == i;
        }
    }
    for (int i = 0; i < N; i++)
        cr_expect_eq(seen[i], 1, "row %d was dealt %d times", i, seen[i]);
    cr_expect_lt(in_order, 15, "%zu rows stand where they stood: the parts are not shuffled", in_order);
    dataset_free(&data); /* the parts are copies and outlive it */
    cr_expect_str_eq(train.feature_names[0], "up", "the copy is its own");
    dataset_free(&train);
    dataset_free(&test);
}

Test(data, a_split_may_give_all_or_nothing)
{
    Dataset data = numbered(5), train, test;
    Random random = seeded(3);
    cr_assert(dataset_split(&data, 0, &random, &train, &test, NULL));
    cr_expect(test.count == 0 && train.count == 5);
    dataset_free(&train), dataset_free(&test);
    cr_assert(dataset_split(&data, 1, &random, &train, &test, NULL));
    cr_expect(test.count == 5 && train.count == 0);
    dataset_free(&train), dataset_free(&test), dataset_free(&data);
}

Test(data, a_fraction_above_one_is_misuse, .signal = SIGABRT)
{
    Dataset data = numbered(5), train, test;
    Random random = seeded(3);
    dataset_split(&data, 20, &random, &train, &test, NULL);
}

Test(data, splitting_into_the_same_dataset_twice_is_misuse, .signal = SIGABRT)
{
    Dataset data = numbered(5), train;
    Random random = seeded(3);
    dataset_split(&data, 0.5, &random, &train, &train, NULL);
}

Test(data, chosen_rows_come_in_their_order_and_may_repeat)
{
    Dataset data = numbered(5), chosen;
    cr_assert(dataset_rows(&data, ((const size_t[]){4, 0, 4}), 3, &chosen, NULL));
    cr_expect(chosen.count == 3 && chosen.x[0] == 4 && chosen.x[2] == 0 && chosen.x[4] == 4 && chosen.label[2] == 1);
    dataset_free(&chosen), dataset_free(&data);
}

Test(data, a_row_outside_is_misuse, .signal = SIGABRT)
{
    Dataset data = numbered(5), chosen;
    dataset_rows(&data, ((const size_t[]){5}), 1, &chosen, NULL);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

Test(data, an_epoch_hands_out_every_row_once_and_the_last_batch_is_short)
{
    Batches batches;
    Random random = seeded(5);
    cr_assert(batches_new(&batches, 10, 4, NULL));
    for (int epoch = 0; epoch < 3; epoch++) {
        static const size_t want[] = {4, 4, 2, 0, 0};
        int seen[10] = {0};
        const size_t *rows;
        batches_begin(&batches, &random);
        for (int b = 0; b < 5; b++) {
            const size_t n = batches_next(&batches, &rows);
            cr_expect_eq(n, want[b], "epoch %d batch %d: %zu rows", epoch, b, n);
            for (size_t i = 0; i < n; i++)
                seen[rows[i]]++;
        }
        for (int i = 0; i < 10; i++)
            cr_expect_eq(seen[i], 1, "epoch %d: row %d came %d times", epoch, i, seen[i]);
    }
    batches_free(&batches);
    batches_free(&batches); /* twice is harmless, as for a Dataset and a Scale */
}

Test(data, each_epoch_has_an_order_that_the_random_alone_decides)
{
    Batches first, second;
    Random random = seeded(6);
    const size_t *a, *b;
    cr_assert(batches_new(&first, 100, 100, NULL) && batches_new(&second, 100, 100, NULL));
    batches_begin(&first, &random);
    Random saved = random; /* a run taken up again after epoch 1 */
    batches_next(&first, &a);
    batches_begin(&second, NULL);
    batches_next(&second, &b);
    cr_expect(b[0] == 0 && b[99] == 99, "without a Random the rows come in their order");
    cr_expect(memcmp(a, b, 100 * sizeof *a) != 0, "with a Random they do not");
    batches_begin(&first, &random);
    batches_begin(&second, &saved);
    cr_expect(memcmp(first.order, second.order, 100 * sizeof *a) == 0, "the second epoch can be repeated");
    batches_free(&first);
    batches_free(&second);
}

Test(data, batches_of_no_rows_end_at_once_and_a_large_batch_holds_all)
{
    Batches batches;
    const size_t *rows;
    cr_assert(batches_new(&batches, 0, 4, NULL));
    cr_expect_eq(batches_next(&batches, &rows), 0);
    batches_free(&batches);
    cr_assert(batches_new(&batches, 3, SIZE_MAX, NULL));
    cr_expect_eq(batches_next(&batches, &rows), 3);
    cr_expect_eq(batches_next(&batches, &rows), 0);
    batches_free(&batches);
}

Test(data, a_batch_size_of_zero_is_misuse, .signal = SIGABRT)
{
    Batches batches;
    batches_new(&batches, 10, 0, NULL);
}

/* ---- scale ------------------------------------------------------------------------------------------------------- */

Test(data, standardized_features_have_mean_0_and_deviation_1)
{
    Dataset data = moons(1000, 0.2, 7);
    Scale scale;
    for (size_t i = 0; i < data.count; i++)
        dataset_row(&data, i)[1] = 1000 + 50 * dataset_row(&data, i)[1];
    cr_assert(scale_measure(&data, &scale, NULL));
    dataset_standardize(&data, &scale);
    for (size_t f = 0; f < 2; f++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < data.count; i++) {
            sum += dataset_row(&data, i)[f];
            square += dataset_row(&data, i)[f] * dataset_row(&data, i)[f];
        }
        /* x − mean loses up to |x|/deviation ≈ 40 units of the last place, and the sums a thousand: 10⁻¹¹ is generous
         */
        cr_expect_float_eq(sum / 1000, 0, 1e-11, "feature %zu: mean %g", f, sum / 1000);
        cr_expect_float_eq(square / 1000, 1, 1e-11, "feature %zu: mean square %.17g", f, square / 1000);
    }
    scale_free(&scale);
    dataset_free(&data);
}

Test(data, mean_and_deviation_are_those_of_the_formula)
{
    Dataset data = numbered(5);
    Scale scale;
    cr_assert(scale_measure(&data, &scale, NULL));
    cr_expect(scale.mean[0] == 2 && scale.mean[1] == -2, "0..4 has mean 2, got %g", scale.mean[0]);
    cr_expect_float_eq(scale.deviation[0], sqrt(2), DBL_EPSILON, "√((4+1+0+1+4)/5), got %.17g", scale.deviation[0]);
    scale_free(&scale);
    dataset_free(&data);
}

Test(data, a_feature_that_never_changes_becomes_0_and_not_noise)
{
    Dataset data = numbered(7);
    Scale scale;
    for (size_t i = 0; i < data.count; i++)
        dataset_row(&data, i)[1] = 0.1; /* seven of them do not sum to exactly 0.7 */
    cr_assert(scale_measure(&data, &scale, NULL));
    dataset_standardize(&data, &scale);
    for (size_t i = 0; i < data.count; i++)
        cr_expect_eq(dataset_row(&data, i)[1], 0, "row %zu: %g", i, dataset_row(&data, i)[1]);
    cr_expect(scale.deviation[0] == 2 && scale.deviation[1] == 1, "%g %g", scale.deviation[0], scale.deviation[1]);
    for (int i = 0; i < 2; i++) {
        scale_free(&scale);
        dataset_free(&data);
    }
}

Test(data, numbers_whose_squares_overflow_are_an_error)
{
    Dataset data = numbered(2);
    Scale scale;
    Error error;
    data.x[1] = 1e308;
    data.x[3] = -1e308;
    cr_expect(!scale_measure(&data, &scale, &error));
    cr_expect(strstr(error.message, "feature 2") != NULL, "%s", error.message);
    cr_expect(scale.mean == NULL && scale.features == 0, "the output is zeroed");
    dataset_free(&data);
}

Test(data, a_scale_of_other_features_is_misuse, .signal = SIGABRT)
{
    Dataset data = numbered(2);
    dataset_standardize(&data, &(Scale){.features = 3});
}

Test(data, measuring_no_rows_is_misuse, .signal = SIGABRT)
{
    Dataset data = {.features = 2};
    Scale scale;
    scale_measure(&data, &scale, NULL);
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* A new folder for a test's files, and a path in it. */
static char folder[256], path[300], beside[320];

static void make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/stepgrad_data_XXXXXX", parent != NULL ? parent : "/tmp");
    cr_assert(mkdtemp(folder) != NULL, "no folder %s", folder);
    snprintf(path, sizeof path, "%s/saved.csv", folder);
    snprintf(beside, sizeof beside, "%s.stepgrad.tmp", path);
}

static void remove_folder(void)
{
    remove(beside);
    remove(path);
    rmdir(folder);
}

static bool exists(const char *file) { return access(file, F_OK) == 0; }

static void read_file(char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "no file %s", path);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

Test(data, a_saved_file_reads_as_it_should, .init = make_folder, .fini = remove_folder)
{
    char text[256];
    Dataset data = numbered(2);
    memory_free(data.feature_names);
    data.feature_names = memory_copy_texts((char *[]){"up", "a \"b\", c"}, 2);
    data.x[0] = 0.1;
    data.x[1] = -1e300;
    cr_assert(dataset_save(&data, path, NULL));
    read_file(text, sizeof text);
    cr_expect_str_eq(text, "up,\"a \"\"b\"\", c\",label\n0.1,-1e+300,\"a\"\n1,-1,\"b\"\n", "got:\n%s", text);
    cr_expect(!exists(beside), "%s is left over", beside);
    dataset_free(&data);
}

Test(data, a_saved_file_loads_again_bit_for_bit, .init = make_folder, .fini = remove_folder)
{
    Dataset data = moons(500, 0.3, 8), again;
    Error error;
    static const double special[] = {0.0, -0.0, DBL_MIN, 0x1p-1074, DBL_MAX, 1.0 / 3, 0.1, 123456789012345678.0};
    memcpy(data.x, special, sizeof special);
    cr_assert(dataset_save(&data, path, &error), "%s", error.message);
    cr_assert(csv_load(path, &again, &error), "%s", error.message);
    cr_assert(again.count == 500 && again.features == 2 && again.classes == 2);
    cr_expect(memcmp(again.x, data.x, 1000 * sizeof *data.x) == 0, "numbers changed");
    cr_expect(memcmp(again.label, data.label, 500 * sizeof *data.label) == 0, "labels changed");
    cr_expect_str_eq(again.feature_names[1], "x2", "names where there were none");
    dataset_free(&data), dataset_free(&again);
}

Test(data, classes_of_all_kinds_survive_a_round_trip, .init = make_folder, .fini = remove_folder)
{
    static char *const words[][3] = {
        {"NA", "nan", "?"}, {"1", "20", "3.5"}, {"a,b", "c;\"d\"", "e\nf"}, {"inf", "0x1", "1"}};
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        Dataset data = numbered(6), again;
        Error error;
        char *row_words[6];
        for (size_t i = 0; i < 6; i++)
            row_words[i] = words[w][i % 3];
        cr_assert(dataset_label(&data, row_words, NULL));
        cr_assert(dataset_save(&data, path, &error) && csv_load(path, &again, &error), "%s", error.message);
        expect_classes(&again, 3, (const char *const *)data.class_names, data.label);
        dataset_free(&data), dataset_free(&again);
    }
}

Test(data, names_of_all_kinds_survive_a_round_trip, .init = make_folder, .fini = remove_folder)
{
    static const char *const names[] = {"", "#hash", " space ", "a,b", "\"", "two\nlines", "caf\xC3\xA9", "tab\t"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        Dataset data = numbered(3), again;
        Error error;
        memory_free(data.feature_names);
        data.feature_names = memory_copy_texts((char *[]){(char *)names[n], "down"}, 2);
        cr_assert(dataset_save(&data, path, &error), "%s", error.message);
        cr_assert(csv_load(path, &again, &error), "%s", error.message);
        cr_expect_str_eq(again.feature_names[0], names[n], "got \"%s\", want \"%s\"", again.feature_names[0], names[n]);
        cr_expect_eq(again.count, 3);
        dataset_free(&data), dataset_free(&again);
    }
}

Test(data, a_number_that_is_not_finite_is_not_written, .init = make_folder, .fini = remove_folder)
{
    Dataset data = numbered(3);
    Error error;
    data.x[3] = NAN;
    cr_expect(!dataset_save(&data, path, &error));
    cr_expect(strstr(error.message, "row 2 has nan as feature 2") != NULL, "%s", error.message);
    cr_expect(!exists(path) && !exists(beside), "something was written");
    dataset_free(&data);
}

Test(data, a_folder_that_is_not_there_is_an_error)
{
    Dataset data = numbered(3);
    Error error;
    cr_expect(!dataset_save(&data, "no/such/folder/file.csv", &error));
    cr_expect(strstr(error.message, "no/such/folder/file.csv: cannot write: ") == error.message, "%s", error.message);
    dataset_free(&data);
}

Test(data, a_target_that_cannot_be_replaced_leaves_nothing_beside_it, .init = make_folder, .fini = remove_folder)
{
    Dataset data = numbered(3);
    Error error;
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect(!dataset_save(&data, path, &error));
    cr_expect(strstr(error.message, "cannot write: Is a directory") != NULL, "%s", error.message);
    cr_expect(!exists(beside), "%s is left over", beside);
    dataset_free(&data);
}

#if defined(__linux__)
Test(data, a_full_disk_is_an_error)
{
    Dataset data = moons(1000, 0.1, 9);
    Error error;
    cr_expect(!dataset_save(&data, "/dev/full", &error)); /* whatever is written there finds no space */
    cr_expect(strstr(error.message, "No space left") != NULL, "%s", error.message);
    dataset_free(&data);
}
#endif

/* ---- no memory --------------------------------------------------------------------------------------------------- */

/* Call `work` with the first, second, third ... allocation failing, until it succeeds; returns how often it failed. */
static size_t fail_each_allocation(bool work(Error *error))
{
    enum { MOST = 1000 };
    size_t failures = 0;
    for (bool ok = false; !ok && failures < MOST; failures += !ok) {
        Error error = {""};
        memory_fails_once(failures);
        ok = work(&error);
        memory_restore();
        cr_expect(ok || strstr(error.message, "no memory") != NULL, "allocation %zu: \"%s\"", failures, error.message);
    }
    cr_assert_lt(failures, MOST, "it never succeeded");
    return failures;
}

static Dataset source;

static bool work_moons(Error *error)
{
    Dataset data;
    Random random = seeded(1);
    const bool ok = dataset_moons(&data, 10, 0.1, &random, error);
    cr_expect(ok || (data.x == NULL && data.count == 0), "the output is zeroed");
    dataset_free(&data);
    return ok;
}

static bool work_split(Error *error)
{
    Dataset train, test;
    Random random = seeded(1);
    const Random before = random;
    const bool ok = dataset_split(&source, 0.5, &random, &train, &test, error);
    cr_expect(ok || (random.state == before.state && random.increment == before.increment), "random went on");
    cr_expect(ok || (train.x == NULL && test.x == NULL && train.count == 0 && test.count == 0), "outputs are zeroed");
    dataset_free(&train), dataset_free(&test);
    return ok;
}

static bool work_batches(Error *error)
{
    Batches batches;
    const bool ok = batches_new(&batches, 10, 3, error);
    batches_free(&batches);
    return ok;
}

static bool work_scale(Error *error)
{
    Scale scale;
    const bool ok = scale_measure(&source, &scale, error);
    scale_free(&scale);
    return ok;
}

static bool work_classes(Error *error)
{
    Dataset data;
    if (!dataset_rows(&source, ((size_t[]){0, 1, 2}), 3, &data, error))
        return false;
    char **const names = data.class_names;
    bool ok = dataset_label(&data, ((char *[]){"y", "y", "x"}), error);
    cr_expect(ok || (data.class_names == names && data.classes == source.classes), "the names are others");
    for (size_t i = 0; i < 3; i++)
        cr_expect(ok || data.label[i] == source.label[i], "label %zu is %d", i, data.label[i]);
    ok = ok && dataset_use_classes(&data, ((char *[]){"y", "x"}), 2, error);
    dataset_free(&data);
    return ok;
}

static bool work_save(Error *error) { return dataset_save(&source, path, error); }

Test(data, every_allocation_may_fail, .init = make_folder, .fini = remove_folder)
{
    source = numbered(6);
    cr_expect_eq(fail_each_allocation(work_moons), 2);
    cr_expect_eq(fail_each_allocation(work_split),
                 1 + 2 * (2 + 2)); /* the order; twice: arrays and both lists of names */
    cr_expect_eq(fail_each_allocation(work_batches), 1);
    cr_expect_eq(fail_each_allocation(work_scale), 2);
    /* a copy of 3 rows: arrays and names; a list to sort, the labels, the first words and their copy; 2 lists of names,
     * 2 to sort and places */
    cr_expect_eq(fail_each_allocation(work_classes), (2 + 2) + 4 + (2 + 2 + 1));
    cr_expect_eq(fail_each_allocation(work_save), 2); /* the names of the file and of the unfinished one */
    dataset_free(&source);
}

Test(data, a_size_that_overflows_is_no_memory_and_not_a_small_block)
{
    Dataset data;
    Random random = seeded(1);
    Error error;
    cr_expect(!dataset_moons(&data, SIZE_MAX / 2 + 1, 0.1, &random, &error));
    cr_expect(strstr(error.message, "no memory") != NULL, "%s", error.message);
    cr_expect(data.x == NULL);
}

/* ---- misuse names the caller's place ----------------------------------------------------------------------------- */

Test(data, no_dataset_at_all_is_misuse_in_every_function)
{
    Dataset out, other, empty_handed = {.count = 2, .features = 1};
    Scale scale;
    Random random = seeded(1);
    const size_t row = 0;
    Dataset *const wrong[] = {NULL, &empty_handed};
    static const char *const said[] = {"the Dataset is NULL", "the Dataset is without x or label"};
    for (size_t i = 0; i < 2; i++) {
        Dataset *data = wrong[i];
        MUST_BE_MISUSE(dataset_rows(data, &row, 1, &out, NULL), "dataset_rows: ", said[i]);
        MUST_BE_MISUSE(dataset_split(data, 0.5, &random, &out, &other, NULL), "dataset_split: ", said[i]);
        MUST_BE_MISUSE(dataset_save(data, "none/a.csv", NULL), "dataset_save: ", said[i]);
        MUST_BE_MISUSE(scale_measure(data, &scale, NULL), "scale_measure: ", said[i]);
        MUST_BE_MISUSE(dataset_standardize(data, NULL), "dataset_standardize: ", said[i]);
        MUST_BE_MISUSE(dataset_label(data, NULL, NULL), "dataset_label: ", said[i]);
        MUST_BE_MISUSE(dataset_use_classes(data, NULL, 1, NULL), "dataset_use_classes: ", said[i]);
    }
    double x = 1;
    int label = 0;
    Dataset no_label = {.count = 1, .features = 1, .x = &x}, no_x = {.count = 1, .features = 1, .label = &label};
    Dataset whole = {.count = 1, .features = 1, .x = &x, .label = &label}, rowless = {.features = 1};
    MUST_BE_MISUSE(dataset_rows(&no_label, &row, 1, &out, NULL), said[1]);
    MUST_BE_MISUSE(dataset_rows(&no_x, &row, 1, &out, NULL), said[1]);
    MUST_BE_MISUSE(dataset_save(&whole, NULL, NULL), "dataset_save: the path is NULL");
    cr_expect(dataset_rows(&rowless, &row, 0, &out, NULL), "a Dataset without rows needs neither x nor label");
    dataset_free(&out);
}

static void check_place(Where where, const char *message)
{
    cr_expect_str_eq(where.file, SOURCE, "the place is %s", where.file);
    cr_expect(strstr(message, "rows[1] is 9") != NULL, "%s", message);
    exit(7);
}

Test(data, misuse_names_the_callers_file_and_the_values, .exit_code = 7)
{
    Dataset data = numbered(5), chosen;
    misuse_set_handler(check_place);
    dataset_rows(&data, ((const size_t[]){0, 9}), 2, &chosen, NULL);
    cr_assert_fail("dataset_rows returned");
}
