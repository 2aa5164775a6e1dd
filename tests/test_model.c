/* test_model.c - a network as a text file: the same bits after a round trip, and every damage refused; and the words
 * that such a file is read by. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE /* mkdtemp, mkfifo, fork beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caught.h"
#include "locales.h"
#include "memory.h"
#include "model.h"
#include "no_memory.h"
#include "wrong_words.h"

enum { INPUTS = 2, HIDDEN = 3, OUTPUTS = 2, PARAMS = HIDDEN * (INPUTS + 1) + OUTPUTS * (HIDDEN + 1) };

static const size_t sizes[] = {INPUTS, HIDDEN, OUTPUTS};

/* A folder of the test's own, and the current one, so that names are plain. */
static char folder[] = "/tmp/stepgrad-model-XXXXXX";
static Graph *g;
static MLP *net;

static void prepare(void)
{
    cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder to work in");
    g = graph_new();
    net = mlp_new(g, sizes, 3, ACTIVATION_TANH);
    Random random;
    random_seed(&random, 1);
    mlp_init(net, INIT_PYTORCH, &random);
}

static void remove_folder(void)
{
    const char *names[] = {"model.txt", "other.txt", "damaged.txt", "pipe"};
    graph_free(g);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
    cr_expect(chdir("/") == 0 && rmdir(folder) == 0, "a file that nobody asked for was left in %s", folder);
}

TestSuite(model, .init = prepare, .fini = remove_folder);

static void write_bytes(const char *path, const char *bytes, size_t n)
{
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL && fwrite(bytes, 1, n, out) == n && fclose(out) == 0, "cannot prepare %s", path);
}

static void write_text(const char *path, const char *text) { write_bytes(path, text, strlen(text)); }

/* The whole file in `text`; returns its length. */
static size_t read_all(const char *path, char *text, size_t size)
{
    FILE *in = fopen(path, "rb");
    cr_assert_not_null(in, "%s does not exist", path);
    const size_t n = fread(text, 1, size - 1, in);
    cr_assert(n < size - 1 && fclose(in) == 0, "%s is too long for this test", path);
    text[n] = '\0';
    return n;
}

static void save(const char *path)
{
    Error error;
    cr_assert(mlp_save(net, path, &error), "%s", error.message);
}

static void get_params(const MLP *from, double numbers[PARAMS])
{
    for (size_t i = 0; i < PARAMS; i++)
        numbers[i] = from->params[i]->data;
}

/* The same bits: -0 is not 0 here. */
static void expect_params(const MLP *got, const double want[PARAMS], const char *what)
{
    double numbers[PARAMS];
    get_params(got, numbers);
    size_t wrong = 0;
    while (wrong < PARAMS && memcmp(&numbers[wrong], &want[wrong], sizeof *want) == 0)
        wrong++;
    cr_expect(wrong == PARAMS, "%s: %s is %a, want %a", what, got->params[wrong % PARAMS]->label,
              numbers[wrong % PARAMS], want[wrong % PARAMS]);
}

/* Criterion counts each assertion, at 20 microseconds: in the loops over damage one for all conditions must do. */
#define EXPECT_QUIETLY(condition, ...)                                                                                 \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            cr_expect(false, __VA_ARGS__);                                                                             \
    } while (0)

/* The file must be refused by mlp_load and by mlp_open, with its name and a line, with `part` in the message, and both
 * the network and the graph stay as they were. */
static void expect_refused(const char *path, const char *part)
{
    double before[PARAMS];
    Error error = {""};
    char place[64];
    size_t line = 0;
    const size_t nodes = graph_node_count(g);
    get_params(net, before);
    EXPECT_QUIETLY(!mlp_load(net, path, &error), "loaded, want: %s", part);
    EXPECT_QUIETLY(strstr(error.message, part) != NULL, "message \"%s\" should hold \"%s\"", error.message, part);
    snprintf(place, sizeof place, "%s:%%zu: ", path);
    EXPECT_QUIETLY(sscanf(error.message, place, &line) == 1 && line >= 1, "no line in \"%s\"", error.message);
    expect_params(net, before, "after a refusal");
    EXPECT_QUIETLY(mlp_open(g, path, &error) == NULL, "opened, want: %s", part);
    EXPECT_QUIETLY(graph_node_count(g) == nodes, "mlp_open left %zu nodes", graph_node_count(g) - nodes);
    EXPECT_QUIETLY(graph_ok(g), "mlp_open left the graph failed");
}

/* ---- round trip -------------------------------------------------------------------------------------------------- */

Test(model, what_is_loaded_is_what_was_saved_bit_for_bit)
{
    const double special[] = {
        0.0,      -0.0, DBL_MIN, -DBL_MIN,        DBL_TRUE_MIN,      -DBL_TRUE_MIN, DBL_MIN / 3,     DBL_MAX, -DBL_MAX,
        INFINITY, 0.1,  -0.1,    1 + DBL_EPSILON, 3.141592653589793, -INFINITY,     DBL_EPSILON / 2, 1e-310};
    double want[PARAMS];
    Error error;
    for (size_t i = 0; i < PARAMS; i++)
        want[i] = net->params[i]->data = special[i % (sizeof special / sizeof *special)];
    save("model.txt");
    for (size_t i = 0; i < PARAMS; i++)
        net->params[i]->data = 7;
    cr_assert(mlp_load(net, "model.txt", &error), "%s", error.message);
    expect_params(net, want, "loaded");
    const MLP *opened = mlp_open(g, "model.txt", &error);
    cr_assert_not_null(opened, "%s", error.message);
    expect_params(opened, want, "opened");
}

Test(model, nan_stays_nan_and_keeps_its_sign)
{
    Error error;
    net->params[0]->data = NAN;
    net->params[1]->data = copysign(NAN, -1);
    save("model.txt");
    net->params[0]->data = net->params[1]->data = 0;
    cr_assert(mlp_load(net, "model.txt", &error), "%s", error.message);
    cr_expect(isnan(net->params[0]->data) && isnan(net->params[1]->data), "%g %g", net->params[0]->data,
              net->params[1]->data);
    cr_expect(!signbit(net->params[0]->data) && signbit(net->params[1]->data), "a sign was lost");
}

Test(model, an_opened_network_has_the_sizes_and_the_activation_of_the_file)
{
    const size_t shapes[][5] = {{1, 1}, {4, 2}, {2, 5, 3}, {3, 1, 4, 1, 5}};
    const size_t counts[] = {2, 2, 3, 5};
    const Activation all[] = {ACTIVATION_NONE, ACTIVATION_TANH, ACTIVATION_RELU, ACTIVATION_SIGMOID};
    Random random;
    random_seed(&random, 2);
    for (size_t s = 0; s < 4; s++)
        for (size_t a = 0; a < 4; a++) {
            Error error;
            double x[5] = {0.5, -1, 2, 0.25, -3}, want[5], got[5];
            MLP *made = mlp_new(g, shapes[s], counts[s], all[a]);
            mlp_init(made, INIT_KAIMING_UNIFORM, &random);
            cr_assert(mlp_save(made, "model.txt", &error), "%s", error.message);
            const MLP *opened = mlp_open(g, "model.txt", &error);
            cr_assert_not_null(opened, "%s", error.message);
            cr_assert_eq(opened->layer_count, made->layer_count, "%zu layers", opened->layer_count);
            cr_assert_eq(opened->param_count, made->param_count, "%zu params", opened->param_count);
            cr_assert(mlp_evaluate(made, x, want) && mlp_evaluate(opened, x, got), "no memory");
            for (size_t i = 0; i < shapes[s][counts[s] - 1]; i++)
                cr_expect_eq(got[i], want[i], "shape %zu, %s, output %zu: %a, want %a", s, activation_name(all[a]), i,
                             got[i], want[i]);
        }
}

Test(model, saving_what_was_loaded_gives_the_same_file)
{
    static char first[10000], second[10000];
    Error error;
    save("model.txt");
    cr_assert(mlp_load(net, "model.txt", &error), "%s", error.message);
    save("other.txt");
    read_all("model.txt", first, sizeof first);
    read_all("other.txt", second, sizeof second);
    cr_expect_str_eq(first, second, "the second file differs");
}

/* As model.h shows it. */
static const char BY_HAND[] = "# a network for one input, written by hand\n"
                              "stepgrad-mlp 1\n"
                              "activation relu # between the layers\n"
                              "sizes 1 2 1\n"
                              "tensor w1 2 1\n"
                              "1 -0x1p-1\n"
                              "tensor b1 1 2\n"
                              "0.25\t1e-1\n"
                              "\n"
                              "# the last layer\n"
                              "tensor w2 1 2 inf -2.5e+3\n"
                              "tensor b2 1 1\n"
                              "-0\n"
                              "end\n";

Test(model, a_file_may_be_written_by_hand_with_comments_and_no_checksum)
{
    Error error;
    const double want[] = {1, 0.25, -0.5, 0.1, INFINITY, -2500, -0.0};
    write_text("model.txt", BY_HAND);
    const MLP *opened = mlp_open(g, "model.txt", &error);
    cr_assert_not_null(opened, "%s", error.message);
    cr_assert_eq(opened->param_count, 7, "%zu params", opened->param_count);
    cr_expect_eq(opened->layers[0].activation, ACTIVATION_RELU, "%s", activation_name(opened->layers[0].activation));
    for (size_t i = 0; i < 7; i++)
        cr_expect(memcmp(&opened->params[i]->data, &want[i], sizeof want[i]) == 0, "param %zu is %g, want %g", i,
                  opened->params[i]->data, want[i]);
}

Test(model, line_ends_of_another_system_are_white_space)
{
    char text[1000] = "";
    Error error;
    for (const char *c = BY_HAND, *end; *c != '\0'; c = end + 1) {
        end = strchr(c, '\n');
        snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s\r\n", (int)(end - c), c);
    }
    write_text("model.txt", text);
    cr_expect_not_null(mlp_open(g, "model.txt", &error), "%s", error.message);
}

static void expect_points_in(const char *locale)
{
    static char plain[10000], there[10000];
    double want[PARAMS];
    Error error;
    get_params(net, want);
    save("model.txt");
    use_locale(locale);
    save("other.txt");
    cr_expect(mlp_load(net, "model.txt", &error), "%s", error.message);
    expect_params(net, want, "loaded");
    read_all("model.txt", plain, sizeof plain);
    read_all("other.txt", there, sizeof there);
    cr_expect_str_eq(plain, there, "the files differ");
}

Test(model, a_decimal_comma_in_the_locale_changes_nothing) { expect_points_in("de_DE.UTF-8"); }
Test(model, a_decimal_mark_of_two_bytes_in_the_locale_changes_nothing) { expect_points_in("ps_AF.UTF-8"); }

/* ---- damage ------------------------------------------------------------------------------------------------------ */

Test(model, a_file_cut_short_anywhere_is_refused)
{
    static char text[10000];
    save("model.txt");
    const size_t n = read_all("model.txt", text, sizeof text);
    cr_assert_eq(text[n - 1], '\n', "the file does not end with a line end");
    for (size_t kept = 0; kept < n - 1; kept++) {
        write_bytes("damaged.txt", text, kept);
        expect_refused("damaged.txt", "");
    }
    Error error;
    write_bytes("damaged.txt", text, n - 1); /* only the last line end is lost: all that matters is there */
    cr_expect(mlp_load(net, "damaged.txt", &error), "%s", error.message);
}

Test(model, the_line_of_a_cut_is_named)
{
    write_text("damaged.txt", "");
    expect_refused("damaged.txt", "damaged.txt:1: the file ends here, too early: it was cut short.");
    write_text("damaged.txt", "stepgrad-mlp 1\nactivation tanh\nsizes 2 3 2\n");
    expect_refused("damaged.txt", "damaged.txt:4: the file ends here, too early: it was cut short.");
    write_text("damaged.txt", "stepgrad-mlp 1\nactivation tanh\nsizes 2 3 2\ntensor w1 3 2\n1 2\n3");
    expect_refused("damaged.txt", "damaged.txt:6: the file ends here, too early: it was cut short.");
}

/* In the last line there is only the check itself: there a flip may also switch it off (a 3 becomes the # of a comment)
 * or not matter (the line end becomes another white space). What is loaded then is what was saved. */
Test(model, any_flipped_bit_is_refused_or_changes_nothing)
{
    static char text[10000];
    double saved[PARAMS];
    get_params(net, saved);
    save("model.txt");
    const size_t n = read_all("model.txt", text, sizeof text), last_line = n - strlen("end 0123456789abcdef\n");
    cr_assert_eq(strncmp(text + last_line, "end ", 4), 0, "the last line is %s", text + last_line);
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(text[i] ^ (1 << bit));
            write_bytes("damaged.txt", text, n);
            if (i >= last_line && mlp_load(net, "damaged.txt", NULL))
                expect_params(net, saved, "a flip in the last line");
            else
                expect_refused("damaged.txt", "");
            text[i] = (char)(text[i] ^ (1 << bit));
        }
}

Test(model, a_wrong_checksum_names_both_and_says_what_to_do)
{
    static char text[10000];
    save("model.txt");
    const size_t n = read_all("model.txt", text, sizeof text);
    const char *number = strstr(text, "0x1.");
    cr_assert_not_null(number, "no number in the file");
    char *digit = text + (number - text) + 4;
    *digit = *digit == '7' ? '8' : '7';
    write_bytes("damaged.txt", text, n);
    expect_refused("damaged.txt", "the file was damaged or changed. If you changed it yourself, make its last line");
}

#define HEAD "stepgrad-mlp 1\nactivation tanh\nsizes 2 3 2\n"
#define TENSORS "tensor w1 3 2 1 2 3 4 5 6 tensor b1 1 3 1 2 3 tensor w2 2 3 1 2 3 4 5 6\ntensor b2 1 2 1 2\n"
#define LETTERS_64 "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffgggggggghhhhhhhh"

Test(model, what_is_wrong_is_said)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"x0,x1\n1,2\n", ":1: this is not a model: it begins with \"x0,x1\" and not with \"stepgrad-mlp\"."},
        {"\x89PNG\r\n\x1a\n", ":1: this is not a model"},
        {"# only\n# comments\n", ":3: the file ends here"},
        {"stepgrad-mlp 3\n", ":1: a model of format 3; this program reads formats 1 to 2."},
        {"stepgrad-mlp one\n", ":1: expected a whole number, found \"one\"."},
        {"stepgrad-mlp -1\n", ":1: expected a whole number, found \"-1\"."},
        {"stepgrad-mlp 1\nsizes 2 3 2\n", ":2: expected \"activation\", found \"sizes\"."},
        {"stepgrad-mlp 1\nactivation gelu\n", ":2: unknown activation \"gelu\". Known: none, tanh, relu, sigmoid."},
        {"stepgrad-mlp 1\nactivation tanh\nsizes 2 0 2\ntensor", ":3: expected the size of a layer"},
        {"stepgrad-mlp 1\nactivation tanh\nsizes 2 -3 2\ntensor", ":3: expected the size of a layer"},
        {"stepgrad-mlp 1\nactivation tanh\nsizes 2 +3 2\ntensor", ":3: expected the size of a layer"},
        {"stepgrad-mlp 1\nactivation tanh\nsizes 99999999999999999999 2\ntensor", ":3: expected the size of a layer"},
        {"stepgrad-mlp 1\nactivation tanh\nsizes 2 3.5 2\ntensor", ":3: expected the size of a layer"},
        {"stepgrad-mlp 1\nactivation tanh\nsizes\ntensor w1", ":4: a network has at least two sizes"},
        {"stepgrad-mlp 1\nactivation tanh\nsizes 2\ntensor w1", ":4: a network has at least two sizes"},
        {HEAD "tensor w2 3 2 1 2 3 4 5 6\n", ":4: expected \"w1\", found \"w2\"."},
        {HEAD "tensor w1 2 3 1 2 3 4 5 6\n", ":4: tensor w1 is 2x3 in the file; here it must be 3x2."},
        {HEAD "tensor w1 3 2 1 2 3 4 5 six\n", ":4: expected a number, found \"six\"."},
        {HEAD "tensor w1 3 2 1 2 3 4 5 6x\n", ":4: expected a number, found \"6x\"."},
        {HEAD "tensor w1 3 2 1 2 3 4 5 6 7\n", ":4: expected \"tensor\", found \"7\"."},
        {HEAD "tensor w1 3 2 1 2 3 4 5\ntensor", ":5: expected a number, found \"tensor\"."},
        {HEAD TENSORS "ende\n", ":6: expected \"end\", found \"ende\"."},
        {HEAD TENSORS "7\nend\n", ":6: expected \"end\", found \"7\"."},
        {HEAD TENSORS "end 0123456789abcdef\n", ":6: the checksum is 0123456789abcdef and should be"},
        {HEAD TENSORS LETTERS_64 "\n", ":6: a word of more than 63 characters"},
        {HEAD TENSORS "end " LETTERS_64 "\n", ":6: a word of more than 63 characters"},
        {HEAD TENSORS "end",
         ":6: the file ends within its last line: it was cut short. (If you wrote it yourself, put"},
        {HEAD TENSORS "end #", ":6: the file ends within its last line: it was cut short."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("damaged.txt", cases[i].text);
        expect_refused("damaged.txt", cases[i].part);
    }
}

Test(model, a_zero_byte_is_refused)
{
    static const char text[] = HEAD "tensor w1 3 2 1\0x 2 3 4 5 6 tensor b1 1 3 1 2 3 tensor w2 2 3 1 2 3 4 5 6\n"
                                    "tensor b2 1 2 1 2\nend\n";
    write_bytes("damaged.txt", text, sizeof text - 1);
    expect_refused("damaged.txt", ":4: a zero byte: this is not a text file, or it is damaged.");
}

Test(model, text_after_the_checksum_is_refused)
{
    static char text[10000];
    save("model.txt");
    const size_t n = read_all("model.txt", text, sizeof text);
    snprintf(text + n, sizeof text - n, "more\n");
    write_text("damaged.txt", text);
    expect_refused("damaged.txt", "\"more\" follows the end.");
    snprintf(text + n, sizeof text - n, LETTERS_64 "\n");
    write_text("damaged.txt", text);
    expect_refused("damaged.txt", "a word of more than 63 characters");
    snprintf(text + n, sizeof text - n, "# a comment may stand there\n\n");
    write_text("other.txt", text);
    Error error;
    cr_expect(mlp_load(net, "other.txt", &error), "%s", error.message);
}

Test(model, another_network_is_refused_by_load)
{
    const struct {
        size_t sizes[4], count;
        Activation activation;
        const char *part;
    } others[] = {
        {{2, 3, 2}, 3, ACTIVATION_RELU, "the file's activation is relu, the network's tanh."},
        {{2, 3, 3, 2}, 4, ACTIVATION_TANH, "the file has 3 layers, the network 2."},
        {{3, 3, 2}, 3, ACTIVATION_TANH, "size 1 is 3 in the file and 2 in the network."},
        {{2, 4, 2}, 3, ACTIVATION_TANH, "size 2 is 4 in the file and 3 in the network."},
        {{2, 3, 1}, 3, ACTIVATION_TANH, "size 3 is 1 in the file and 2 in the network."},
    };
    double before[PARAMS];
    get_params(net, before);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        Error error = {""};
        const MLP *other = mlp_new(g, others[i].sizes, others[i].count, others[i].activation);
        cr_assert(mlp_save(other, "other.txt", &error), "%s", error.message);
        cr_expect(!mlp_load(net, "other.txt", &error), "case %zu was loaded", i);
        cr_expect(strstr(error.message, others[i].part) != NULL, "\"%s\" should hold \"%s\"", error.message,
                  others[i].part);
        expect_params(net, before, "after a refusal");
    }
}

Test(model, sizes_that_the_file_cannot_hold_are_refused_before_memory_is_asked_for)
{
    static const size_t sizes[][2] = {{100000, 100000}, {4000000000, 4000000000}, {SIZE_MAX, 2}, {2, SIZE_MAX}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[128];
        Error error = {""};
        snprintf(text, sizeof text, "stepgrad-mlp 1\nactivation tanh\nsizes %zu %zu\ntensor w1", sizes[i][0],
                 sizes[i][1]);
        write_text("damaged.txt", text);
        cr_expect_null(mlp_open(g, "damaged.txt", &error), "opened %s", text);
        cr_expect(strstr(error.message, "numbers, more than the file can hold.") != NULL, "%s", error.message);
    }
}

static void write_layers(const char *path, int layers)
{
    FILE *out = fopen(path, "w");
    fputs("stepgrad-mlp 1\nactivation tanh\nsizes 1", out);
    for (int l = 0; l < layers; l++)
        fputs(" 1", out);
    fputs("\n", out);
    for (int l = 1; l <= layers; l++)
        fprintf(out, "tensor w%d 1 1 2\ntensor b%d 1 1 3\n", l, l);
    fputs("end\n", out);
    fclose(out);
}

Test(model, a_thousand_layers_are_enough)
{
    Error error;
    write_layers("other.txt", 1000);
    cr_expect_not_null(mlp_open(g, "other.txt", &error), "%s", error.message);
    write_layers("damaged.txt", 1001);
    expect_refused("damaged.txt", ":3: more than 1000 layers.");
}

/* Of each number there may be one digit, and a space. */
Test(model, a_file_that_could_not_be_shorter_is_opened)
{
    Error error;
    FILE *out = fopen("other.txt", "w");
    fputs("stepgrad-mlp 1 activation tanh sizes 1000 1 tensor w1 1 1000", out);
    for (int i = 0; i < 1000; i++)
        fputs(" 1", out);
    fputs(" tensor b1 1 1 1 end\n", out);
    fclose(out);
    cr_expect_not_null(mlp_open(g, "other.txt", &error), "%s", error.message);
}

/* The length of what comes from a pipe is not known before its end. */
Test(model, comes_through_a_pipe)
{
    Error error;
    static char text[10000];
    save("model.txt");
    const size_t n = read_all("model.txt", text, sizeof text);
    cr_assert_eq(mkfifo("pipe", 0600), 0, "cannot prepare a pipe");
    const pid_t child = fork();
    if (child == 0) {
        write_bytes("pipe", text, n);
        _exit(0);
    }
    const MLP *opened = mlp_open(g, "pipe", &error);
    cr_assert_not_null(opened, "%s", error.message);
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect_eq(opened->params[i]->data, net->params[i]->data, "param %zu", i);
    waitpid(child, NULL, 0);
}

Test(model, what_cannot_be_read_is_an_error_with_the_reason)
{
    Error error;
    cr_expect(!mlp_load(net, "nowhere.txt", &error), "loaded from nowhere");
    cr_expect(strstr(error.message, "nowhere.txt: cannot read: No such file") != NULL, "%s", error.message);
    cr_expect_null(mlp_open(g, "nowhere.txt", &error), "opened nowhere");
    cr_expect(!mlp_load(net, "/", &error), "loaded a folder");
    cr_expect(strstr(error.message, "directory") != NULL, "%s", error.message);
    cr_expect(!mlp_load(net, "nowhere.txt", NULL), "no Error to fill is fine too");
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

Test(model, a_full_disk_is_an_error)
{
    Error error = {""};
    struct stat status;
    if (stat("/dev/full", &status) != 0)
        cr_skip_test("this system has no /dev/full");
    cr_expect(!mlp_save(net, "/dev/full", &error), "saved to a full disk");
    cr_expect(strstr(error.message, "No space left") != NULL, "%s", error.message);
}

Test(model, a_save_that_fails_keeps_the_old_file)
{
    static char before[10000], after[10000];
    Error error = {""};
    save("model.txt");
    read_all("model.txt", before, sizeof before);
    net->params[0]->data = 42;
    cr_expect(!mlp_save(net, "no/such/folder/model.txt", &error), "saved in no folder");
    cr_expect(strstr(error.message, "no/such/folder/model.txt: cannot write: No such file") != NULL, "%s",
              error.message);
    cr_expect(mlp_load(net, "model.txt", &error), "%s", error.message);
    read_all("model.txt", after, sizeof after);
    cr_expect_str_eq(before, after, "the old file changed");
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

static bool save_only(Graph *graph, Error *error)
{
    (void)graph;
    return mlp_save(net, "model.txt", error);
}

static bool load_only(Graph *graph, Error *error)
{
    (void)graph;
    return mlp_load(net, "model.txt", error);
}

static bool open_only(Graph *graph, Error *error) { return mlp_open(graph, "model.txt", error) != NULL; }

Test(model, each_allocation_that_fails_is_an_error)
{
    bool (*const actions[])(Graph *, Error *) = {save_only, load_only, open_only};
    double before[PARAMS];
    get_params(net, before);
    save("model.txt");
    for (size_t a = 0; a < 3; a++) {
        size_t n = 0;
        for (bool ok = false; !ok; n++) {
            Error error = {""};
            Graph *graph = graph_new();
            memory_lasts(n);
            ok = actions[a](graph, &error);
            cr_expect(ok || strstr(error.message, "emory") != NULL, "action %zu, allocation %zu: \"%s\"", a, n,
                      error.message);
            cr_expect(graph_ok(graph), "action %zu, allocation %zu: the graph is failed", a, n);
            expect_params(net, before, "no memory");
            graph_free(graph);
            memory_restore();
        }
        cr_expect_gt(n, 1, "action %zu: no allocation was made to fail", a);
    }
    Error error;
    cr_expect(mlp_load(net, "model.txt", &error), "the file suffered: %s", error.message);
}

/* ---- names and scale ----------------------------------------------------------------------------------------------
 */

static char long_name[501]; /* 500 letters: longer than any word may be */

/* Two features, two classes, and a scale. */
static ModelInfo make_info(char *names[4])
{
    static double mean[] = {0.1, -1e300}, deviation[] = {DBL_TRUE_MIN, 0x1.fffffffffffffp+1};
    return (ModelInfo){names, names + 2, {INPUTS, mean, deviation}};
}

static char *plain_names[] = {"width", "height", "no", "yes"};

static void expect_info(const ModelInfo *got, const ModelInfo *want)
{
    for (size_t i = 0; i < INPUTS; i++) {
        cr_expect_str_eq(got->feature_names[i], want->feature_names[i], "feature %zu: \"%s\"", i,
                         got->feature_names[i]);
        cr_expect_str_eq(got->class_names[i], want->class_names[i], "class %zu: \"%s\"", i, got->class_names[i]);
    }
    cr_assert_eq(got->scale.features, INPUTS, "a scale of %zu features", got->scale.features);
    cr_expect(memcmp(got->scale.mean, want->scale.mean, sizeof(double[INPUTS])) == 0, "another mean");
    cr_expect(memcmp(got->scale.deviation, want->scale.deviation, sizeof(double[INPUTS])) == 0, "another deviation");
}

Test(model, names_and_scale_are_what_was_saved)
{
    memset(long_name, 'x', sizeof long_name - 1);
    char *names[][4] = {
        {"width", "height", "no", "yes"},
        {"sepal length (cm)", "two\nlines\r\n", " # no comment", "#"},
        {"\"quoted\"", "\"", "100%", "%41%"},
        {"größe", "日本語", "\xF0\x9F\x8C\x99", "\xC2\xA0\xC2\x85"},
        {"", long_name, "\x01\x7F\xFF", "tensor w1 3 2"},
    };
    double want[PARAMS];
    get_params(net, want);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Error error;
        ModelInfo info = make_info(names[i]), got;
        cr_assert(mlp_save_with(net, &info, "model.txt", &error), "%s", error.message);
        const MLP *opened = mlp_open_with(g, &got, "model.txt", &error);
        cr_assert_not_null(opened, "%s", error.message);
        expect_params(opened, want, "opened");
        expect_info(&got, &info);
        model_info_free(&got);
        cr_expect(got.class_names == NULL && got.scale.features == 0, "something is left");
        cr_expect(mlp_load(net, "model.txt", &error), "%s", error.message);
        cr_expect_not_null(mlp_open(g, "model.txt", &error), "%s", error.message);
    }
}

Test(model, a_file_without_names_and_scale_is_of_format_1_and_gives_none)
{
    static char text[10000];
    Error error;
    ModelInfo got, some = {.class_names = plain_names};
    save("model.txt");
    read_all("model.txt", text, sizeof text);
    cr_expect_eq(strncmp(text, "stepgrad-mlp 1\n", 15), 0, "it begins with %.20s", text);
    cr_assert_not_null(mlp_open_with(g, &got, "model.txt", &error), "%s", error.message);
    cr_expect(got.feature_names == NULL && got.class_names == NULL && got.scale.features == 0, "something is there");
    cr_assert(mlp_save_with(net, &some, "model.txt", &error), "%s", error.message);
    cr_assert_not_null(mlp_open_with(g, &got, "model.txt", &error), "%s", error.message);
    cr_expect(got.feature_names == NULL && got.scale.features == 0, "more than the classes is there");
    cr_expect_str_eq(got.class_names[1], "height", "class 1 is %s", got.class_names[1]);
    model_info_free(&got);
}

Test(model, is_written_a_row_of_a_tensor_to_a_line)
{
    static char text[10000];
    Error error;
    char *features[] = {"~ \x7F", "!\"%#"};
    double numbers[] = {1, 2};
    const ModelInfo info = {features, NULL, {2, numbers, numbers}};
    const MLP *made = mlp_new(g, (size_t[]){2, 2, 1}, 3, ACTIVATION_RELU);
    for (size_t i = 0; i < made->param_count; i++)
        made->params[i]->data = i < 6 ? 1 : 2;
    cr_assert(mlp_save_with(made, &info, "model.txt", &error), "%s", error.message);
    read_all("model.txt", text, sizeof text);
    const char *want = "stepgrad-mlp 2\nactivation relu\nsizes 2 2 1\n"
                       "features \"~%20%7F\" \"!%22%25%23\"\nmean 0x1p+0 0x1p+1\ndeviation 0x1p+0 0x1p+1\n"
                       "tensor w1 2 2\n0x1p+0 0x1p+0\n0x1p+0 0x1p+0\ntensor b1 1 2\n0x1p+0 0x1p+0\n"
                       "tensor w2 1 2\n0x1p+1 0x1p+1\ntensor b2 1 1\n0x1p+1\nend ";
    cr_expect(strncmp(text, want, strlen(want)) == 0, "got:\n%s\nwant:\n%s", text, want);
}

#define HEAD_2 "stepgrad-mlp 2\nactivation tanh\nsizes 2 3 2\n"

Test(model, what_is_wrong_with_names_and_scale_is_said)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {HEAD "classes \"a\" \"b\"\n", ":4: expected the size of a layer"}, /* format 1 has none */
        {HEAD_2 "classes \"a\" b\n", ":4: expected a name in quotes, found \"b\"."},
        {HEAD_2 "classes \"a\" \"b\"c\n", ":4: a damaged name"},
        {HEAD_2 "classes \"a\" \"%\" tensor\n", ":4: a damaged name"},
        {HEAD_2 "classes \"a\" \"%4\" tensor\n", ":4: a damaged name"},
        {HEAD_2 "classes \"a\" \"%4g\" tensor\n", ":4: a damaged name"},
        {HEAD_2 "classes \"a\" \"%00\" tensor\n", ":4: a damaged name"},
        {HEAD_2 "classes \"a\" \"b\n", ":5: the file ends here"},
        {HEAD_2 "classes \"AAAAAAAA\" \"b%\n", ":4: a damaged name"}, /* the A are no digits of this word */
        {HEAD_2 "classes \"AAAAAAAA\" \"b%4\n", ":4: a damaged name"},
        {HEAD_2 "classes \"a\"\n" TENSORS "end\n", ":5: expected a name in quotes, found \"tensor\"."},
        {HEAD_2 "classes \"a\" \"b\" \"c\"\n", ":4: expected features, classes, mean or tensor, found \"\"c\"\"."},
        {HEAD_2 "classes \"a\" \"b\"\nclasses \"a\" \"b\"\n", ":5: \"classes\" is there twice."},
        {HEAD_2 "mean 1 2 deviation 1 1 mean 1 2", ":4: \"mean\" is there twice."},
        {HEAD_2 "mean 1\ndeviation 1 1\n", ":5: expected a number, found \"deviation\"."},
        {HEAD_2 "mean 1 2\ndeviation 1 0\n", ":5: feature 2 has mean 2 and deviation 0"},
        {HEAD_2 "mean 1 2\ndeviation -1 1\n", ":5: feature 1 has mean 1 and deviation -1"},
        {HEAD_2 "mean 1 inf\ndeviation 1 1\n", ":5: feature 2 has mean inf"},
        {HEAD_2 "mean 1 2\ndeviation 1 nan\n", ":5: feature 2 has mean 2 and deviation nan"},
        {HEAD_2 "mean 1 2\n" TENSORS "end\n", ":5: expected \"deviation\", found \"tensor\"."},
        {HEAD_2 TENSORS "training \"\"\n", ":7: the file ends here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("damaged.txt", cases[i].text);
        expect_refused("damaged.txt", cases[i].part);
    }
}

/* ---- checkpoints --------------------------------------------------------------------------------------------------
 */

/* An optimizer that has taken three steps. */
static Optimizer *make_optimizer(bool adam)
{
    Optimizer *optimizer = adam ? adam_new(net->params, PARAMS, ADAM(0.1))
                                : sgd_new(net->params, PARAMS, (SGD){.lr = 0.1, .momentum = 0.9});
    for (int t = 0; t < 3; t++) {
        for (size_t i = 0; i < PARAMS; i++)
            net->params[i]->grad = net->params[i]->data + (double)i - t;
        optimizer_step(optimizer);
    }
    return optimizer;
}

static Checkpoint make_checkpoint(Optimizer *optimizer)
{
    Checkpoint checkpoint = {optimizer, "lr=0.1 batch=\"64\"", 12, 345, {0}};
    random_seed(&checkpoint.random, 7);
    return checkpoint;
}

static void save_checkpoint(const char *path, const Checkpoint *checkpoint)
{
    Error error;
    ModelInfo info = make_info(plain_names);
    cr_assert(checkpoint_save(net, &info, checkpoint, path, &error), "%s", error.message);
}

Test(model, a_checkpoint_gives_back_all_that_it_was_made_from)
{
    for (int adam = 0; adam < 2; adam++) {
        double params[PARAMS], moments[2 * PARAMS];
        Error error;
        Optimizer *optimizer = make_optimizer(adam);
        const Checkpoint want = make_checkpoint(optimizer);
        OptimizerState *state = optimizer_state(optimizer);
        save_checkpoint("model.txt", &want);
        get_params(net, params);
        memcpy(moments, state->moments, state->count * sizeof *moments);
        for (size_t i = 0; i < PARAMS; i++)
            net->params[i]->data = 0;
        memset(state->moments, 0, state->count * sizeof *moments);
        state->steps = 0;
        Checkpoint got = {optimizer, want.settings, 0, 0, {0}};
        cr_assert(checkpoint_load(net, &got, "model.txt", &error), "%s", error.message);
        expect_params(net, params, "resumed");
        cr_expect(state->steps == 3 && memcmp(state->moments, moments, state->count * sizeof *moments) == 0,
                  "%zu steps, or other moments", state->steps);
        cr_expect(got.epoch == 12 && got.rows == 345, "epoch %zu, rows %zu", got.epoch, got.rows);
        cr_expect(got.random.state == want.random.state && got.random.increment == want.random.increment, "random");
        optimizer_free(optimizer);
    }
}

Test(model, a_checkpoint_is_a_model_too)
{
    double want[PARAMS];
    Error error;
    Optimizer *optimizer = make_optimizer(true);
    const Checkpoint checkpoint = make_checkpoint(optimizer);
    ModelInfo info = make_info(plain_names), got;
    save_checkpoint("model.txt", &checkpoint);
    get_params(net, want);
    const MLP *opened = mlp_open_with(g, &got, "model.txt", &error);
    cr_assert_not_null(opened, "%s", error.message);
    expect_params(opened, want, "opened");
    expect_info(&got, &info);
    model_info_free(&got);
    cr_expect(mlp_load(net, "model.txt", &error), "%s", error.message);
    optimizer_free(optimizer);
}

/* `part` is in the message, and nothing has changed. */
static void expect_no_resumption(const char *path, const Checkpoint *from, const char *part)
{
    double params[PARAMS], moments[2 * PARAMS];
    Error error = {""};
    Checkpoint checkpoint = *from;
    const OptimizerState *state = optimizer_state(from->optimizer);
    get_params(net, params);
    memcpy(moments, state->moments, state->count * sizeof *moments);
    EXPECT_QUIETLY(!checkpoint_load(net, &checkpoint, path, &error), "loaded, want: %s", part);
    EXPECT_QUIETLY(strstr(error.message, part) != NULL, "message \"%s\" should hold \"%s\"", error.message, part);
    expect_params(net, params, "after a refusal");
    EXPECT_QUIETLY(memcmp(state->moments, moments, state->count * sizeof *moments) == 0 && state->steps == 3,
                   "the optimizer has changed");
    EXPECT_QUIETLY(memcmp(&checkpoint, from, sizeof checkpoint) == 0, "the checkpoint has changed");
}

Test(model, a_training_that_would_not_be_the_same_is_refused)
{
    Optimizer *adam = make_optimizer(true), *sgd = make_optimizer(false);
    Checkpoint checkpoint = make_checkpoint(adam), other = make_checkpoint(sgd);
    save("other.txt");
    save_checkpoint("model.txt", &checkpoint);
    expect_no_resumption("other.txt", &checkpoint, "this is a model and no checkpoint");
    expect_no_resumption("model.txt", &other, "34 moments, and the optimizer has 17: it is of another kind or size.");
    checkpoint.settings = "lr=0.2";
    expect_no_resumption("model.txt", &checkpoint,
                         "the training was with lr=0.1 batch=\"64\"; now it would be with lr=0.2.");
    optimizer_free(adam), optimizer_free(sgd);
}

Test(model, a_checkpoint_cut_short_or_with_a_flipped_bit_is_refused)
{
    static char text[10000];
    Optimizer *optimizer = make_optimizer(true);
    const Checkpoint checkpoint = make_checkpoint(optimizer);
    save_checkpoint("model.txt", &checkpoint);
    const size_t n = read_all("model.txt", text, sizeof text), last_line = n - strlen("end 0123456789abcdef\n");
    for (size_t kept = 0; kept < n - 1; kept++) {
        write_bytes("damaged.txt", text, kept);
        expect_no_resumption("damaged.txt", &checkpoint, "damaged.txt:");
    }
    for (size_t i = 0; i < last_line; i++) {
        text[i] = (char)(text[i] ^ (1 << i % 8));
        write_bytes("damaged.txt", text, n);
        expect_no_resumption("damaged.txt", &checkpoint, "damaged.txt:");
        EXPECT_QUIETLY(!mlp_load(net, "damaged.txt", NULL), "loaded with a flip in byte %zu", i);
        text[i] = (char)(text[i] ^ (1 << i % 8));
    }
    optimizer_free(optimizer);
}

static MLP *small_net;
static Optimizer *small_sgd;

static bool load_small(void)
{
    Checkpoint checkpoint = {small_sgd, "", 0, 0, {0}};
    return checkpoint_load(small_net, &checkpoint, "damaged.txt", NULL);
}

static bool open_any(void) { return mlp_open(g, "damaged.txt", NULL) != NULL; }

#define SMALL_TENSORS "tensor w1 1 1 3\ntensor b1 1 1 4\ntensor w2 1 1 5\ntensor b2 1 1 6\n"
#define SMALL                                                                                                          \
    "stepgrad-mlp 2\nactivation tanh\nsizes 1 1 1\nfeatures \"a\"\nclasses \"b\"\nmean 1\ndeviation 2\n" SMALL_TENSORS

static void make_small(void)
{
    small_net = mlp_new(g, (size_t[]){1, 1, 1}, 3, ACTIVATION_TANH);
    small_sgd = sgd_new(small_net->params, 4, (SGD){.lr = 0.1, .momentum = 0.9});
}

Test(model, a_wrong_word_anywhere_is_refused)
{
    const char *text = SMALL "training \"\"\nepoch 1 rows 2\nrandom 3 4 5 7\noptimizer 8 4\n9 10 11 12\nend\n";
    make_small();
    write_text("damaged.txt", text);
    cr_assert(load_small(), "not even the right words are read");
    expect_wrong_words_are_refused(text, "end", "damaged.txt", load_small);
    optimizer_free(small_sgd);
}

Test(model, a_word_that_is_missing_anywhere_is_noticed)
{
    const char *text = "stepgrad-mlp 1\nactivation tanh\nsizes 1 1 1\n" SMALL_TENSORS "end\n";
    write_text("damaged.txt", text);
    cr_assert(open_any(), "not even the right words are read");
    expect_wrong_words_are_refused(text, "", "damaged.txt", open_any);
}

Test(model, random_numbers_of_a_checkpoint_that_cannot_be_are_refused)
{
    static const struct {
        const char *halves;
        bool fit;
    } cases[] = {{"4294967295 4294967295 4294967295 4294967295", true},
                 {"4294967296 1 1 1", false},
                 {"1 4294967296 1 1", false},
                 {"1 1 4294967296 1", false},
                 {"1 1 1 4294967297", false},
                 {"1 1 1 2", false}};
    make_small();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *out = fopen("damaged.txt", "w");
        fprintf(out, SMALL "training \"\" epoch 1 rows 2 random %s optimizer 8 4 9 10 11 12 end\n", cases[i].halves);
        fclose(out);
        cr_expect_eq(load_small(), cases[i].fit, "%s", cases[i].halves);
    }
    optimizer_free(small_sgd);
}

Test(model, with_names_and_a_checkpoint_each_allocation_that_fails_is_an_error_too)
{
    Optimizer *optimizer = make_optimizer(true);
    Checkpoint checkpoint = make_checkpoint(optimizer);
    ModelInfo info;
    save_checkpoint("model.txt", &checkpoint);
    for (int a = 0; a < 2; a++) {
        size_t n = 0;
        for (bool ok = false; !ok; n++) {
            Error error = {""};
            Graph *graph = graph_new();
            memory_lasts(n);
            ok = a == 0 ? mlp_open_with(graph, &info, "model.txt", &error) != NULL
                        : checkpoint_load(net, &checkpoint, "model.txt", &error);
            cr_expect(ok || strstr(error.message, "emory") != NULL, "action %d, %zu: \"%s\"", a, n, error.message);
            cr_expect(ok || a == 1 || (info.class_names == NULL && info.scale.mean == NULL), "info has something");
            graph_free(graph);
            memory_restore();
        }
        cr_expect_gt(n, 5, "action %d: only %zu allocations were made to fail", a, n);
    }
    model_info_free(&info);
    optimizer_free(optimizer);
}

Test(model, null_is_misuse_at_the_callers_line)
{
    static Checkpoint empty;
    static ModelInfo narrow = {.scale = {.features = 1}};
    MUST_BE_MISUSE(mlp_save(NULL, "model.txt", NULL), "mlp_save: the network or graph is NULL");
    MUST_BE_MISUSE(mlp_save(net, NULL, NULL), "mlp_save: the path is NULL");
    MUST_BE_MISUSE(mlp_save_with(net, &narrow, "model.txt", NULL), "the scale has 1 features and the network 2 inputs");
    MUST_BE_MISUSE(mlp_load(NULL, "model.txt", NULL), "mlp_load: the network or graph is NULL");
    MUST_BE_MISUSE(mlp_load(net, NULL, NULL), "mlp_load: the path is NULL");
    MUST_BE_MISUSE(mlp_open(NULL, "model.txt", NULL), "mlp_open: the network or graph is NULL");
    MUST_BE_MISUSE(mlp_open(g, NULL, NULL), "mlp_open: the path is NULL");
    MUST_BE_MISUSE(checkpoint_save(net, NULL, NULL, "model.txt", NULL), "checkpoint_save: the checkpoint is NULL");
    MUST_BE_MISUSE(checkpoint_load(net, &empty, "model.txt", NULL), "checkpoint_load: the checkpoint has a NULL");
    MUST_BE_MISUSE(checkpoint_load(NULL, &empty, "model.txt", NULL), "checkpoint_load: the network or graph is NULL");
}

/* ---- tensors alone ----------------------------------------------------------------------------------------------- */

Test(model, tensors_can_be_read_without_a_head)
{
    Error error;
    WordReader words;
    double numbers[PARAMS];
    const double want[PARAMS] = {1, 2, 1, 3, 4, 2, 5, 6, 3, 1, 2, 3, 1, 4, 5, 6, 2};
    write_text("other.txt", "# gradients\n" TENSORS);
    cr_assert(words_open(&words, "other.txt", &error), "%s", error.message);
    cr_assert(mlp_read_tensors(net, &words, numbers, NULL, &error), "%s", error.message);
    words_close(&words);
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect_eq(numbers[i], want[i], "%s is %g, want %g", net->params[i]->label, numbers[i], want[i]);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

TestSuite(words, .init = prepare, .fini = remove_folder);

static WordReader read_words(const char *text)
{
    Error error;
    WordReader words;
    write_text("other.txt", text);
    cr_assert(words_open(&words, "other.txt", &error), "%s", error.message);
    return words;
}

Test(words, come_one_by_one_with_their_lines)
{
    static const char *const want[] = {"one", "two"};
    static const size_t lines[] = {1, 3};
    Error error = {""};
    WordReader words = read_words("one # 1\n#two\ntwo\t3#\n\n \v x");
    for (size_t i = 0; i < 2; i++) {
        cr_assert(words_next(&words, &error), "%s", error.message);
        cr_expect(strcmp(words.word, want[i]) == 0 && words.line == lines[i], "word %zu is \"%s\" in line %zu", i,
                  words.word, words.line);
    }
    cr_expect(words_expect(&words, "3#", &error), "within a word a # is a letter: %s", error.message);
    cr_expect(words_expect(&words, "x", &error) && words.line == 5, "line %zu: %s", words.line, error.message);
    cr_expect(!words_next(&words, &error), "a word after the last: \"%s\"", words.word);
    cr_expect_str_eq(words.word, "", "the word at the end is \"%s\"", words.word);
    words_close(&words);
    words_close(&words); /* twice is harmless */
}

Test(words, whole_numbers_are_digits_and_nothing_else)
{
    Error error;
    size_t count = 0;
    WordReader words = read_words("0 007 18446744073709551615 18446744073709551616 -1 +1 1.0 0x10 1e3 x");
    cr_expect(words_count(&words, &count, &error) && count == 0, "%zu", count);
    cr_expect(words_count(&words, &count, &error) && count == 7, "%zu", count);
    if (sizeof(size_t) == 8)
        cr_expect(words_count(&words, &count, &error) && count == SIZE_MAX, "%zu", count);
    else
        words_next(&words, &error);
    for (int i = 0; i < 7; i++) {
        count = 99;
        cr_expect(!words_count(&words, &count, &error) && count == 99, "\"%s\" is %zu", words.word, count);
        cr_expect(strstr(error.message, "other.txt:1: expected a whole number, found \"") != NULL, "%s", error.message);
    }
    words_close(&words);
}

Test(words, numbers_are_decimal_or_hexadecimal)
{
    Error error;
    const double want[] = {1, -0.5, 0.1, INFINITY, -INFINITY, 0x1p-1074, 1e308, 0.0};
    WordReader words = read_words("1 -0x1p-1 .1 inf -INF 0x1p-1074 1e308 1e-400 nan 1,5 0x 1.5.2 --1");
    double number = 0;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_expect(words_number(&words, &number, NULL, &error) && number == want[i], "\"%s\" is %g, want %g", words.word,
                  number, want[i]);
    cr_expect(words_number(&words, &number, NULL, &error) && isnan(number), "nan is %g", number);
    for (int i = 0; i < 4; i++)
        cr_expect(!words_number(&words, &number, NULL, &error), "\"%s\" is %g", words.word, number);
    words_close(&words);
}

/* The published value of the FNV-1a test suite for "foobar". */
Test(words, a_number_beyond_all_doubles_does_not_become_infinite)
{
    static const char *const words_of[] = {"1e309", "-1e999", "0x1p1024"};
    Error error;
    double number;
    WordReader words = read_words("1e309 -1e999 0x1p1024");
    for (int i = 0; i < 3; i++) {
        cr_expect(!words_number(&words, &number, NULL, &error), "%s is %g", words_of[i], number);
        cr_expect(strstr(error.message, "is too large for a double") != NULL, "%s: %s", words_of[i], error.message);
    }
    words_close(&words);
}

Test(words, a_number_may_be_the_sum_of_two_where_that_is_asked_for)
{
    Error error;
    double number = 9, rest = 9;
    WordReader words = read_words("0x1.8p+0:-0x1p-60 2.5 1:2:3 1: :1 1:2");
    cr_expect(words_number(&words, &number, &rest, &error) && number == 1.5 && rest == -0x1p-60, "%g:%g", number, rest);
    cr_expect(words_number(&words, &number, &rest, &error) && number == 2.5 && rest == 0, "%g:%g", number, rest);
    for (int i = 0; i < 3; i++)
        cr_expect(!words_number(&words, &number, &rest, &error), "\"%s\" is %g:%g", words.word, number, rest);
    cr_expect(!words_number(&words, &number, NULL, &error), "\"%s\" is %g", words.word, number);
    words_close(&words);
}

Test(words, the_checksum_is_fnv1a_in_pieces_too)
{
    const uint64_t want = UINT64_C(0x85944171f73967e8);
    cr_expect_eq(fnv1a(FNV1A_START, "foobar", 6), want, "%llx", (unsigned long long)fnv1a(FNV1A_START, "foobar", 6));
    cr_expect_eq(fnv1a(fnv1a(FNV1A_START, "foo", 3), "bar", 3), want, "two pieces differ from one");
}

Test(words, the_checksum_is_of_all_that_stands_before_the_word)
{
    Error error;
    WordReader words = read_words("# c\nab  cd\n");
    cr_assert(words_next(&words, &error) && words_next(&words, &error), "%s", error.message);
    cr_expect_eq(words.checksum, fnv1a(FNV1A_START, "# c\nab  ", 8), "it covers something else");
    words_close(&words);
}
