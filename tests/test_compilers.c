/* test_compilers.c - compilers and flags with which the numbers would be wrong are refused, and say why; an overrun by
 * a byte is seen. Each test compiles a program with the engine's own sources; what is not installed is left out, aloud.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, popen */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "long.h"

#define ENGINE "engine/graph.c engine/ops.c engine/memory.c engine/error.c"

static char said[1 << 16];

static bool has(const char *compiler)
{
    char command[256];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", compiler);
    return system(command) == 0;
}

/* Compile `program` with `flags` and the engine's `sources` (which a header that refuses saves), run it, and keep in
 * `said` what both say. True when the program was made and ended with 0. */
static bool runs(const char *compiler, const char *flags, const char *program, const char *sources)
{
    char folder[] = "/tmp/stepgrad-compilers-XXXXXX", command[4096];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "exec 2>&1; echo '%s' >%s/p.c && %s -std=c11 %s -Iengine -fsyntax-only %s/p.c && "
             "%s -std=c11 %s -Iengine -o %s/p %s/p.c %s -lm && (%s/p); status=$?; rm -rf %s; exit $status",
             program, folder, compiler, flags, folder, compiler, flags, folder, folder, sources, folder, folder);
    FILE *in = popen(command, "r");
    cr_assert_not_null(in);
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    return pclose(in) == 0;
}

static const char *const making_a_graph =
    "#include \"graph.h\"\nint main(void) { Graph *g = graph_new(); graph_free(g); return g == NULL; }";

static void expect_refusal(const char *compiler, const char *flags, const char *reason)
{
    if (!has(compiler))
        cr_skip_test("SKIPPED: no %s here", compiler);
    cr_expect(!runs(compiler, flags, making_a_graph, ENGINE), "%s %s makes a graph", compiler, flags);
    cr_expect_not_null(strstr(said, reason), "%s %s says nothing of \"%s\":\n%s", compiler, flags, reason, said);
}

Test(compilers, unsafe_mathematics_of_gcc_is_refused)
{
    expect_refusal("gcc", "-O2 -ffast-math", "stepgrad: compile without -ffast-math");
    expect_refusal("gcc", "-Ofast", "stepgrad: compile without -ffast-math");
    expect_refusal("gcc", "-O2 -ffinite-math-only", "stepgrad: compile without -ffast-math");
    expect_refusal("gcc", "-O2 -fno-signed-zeros -fno-trapping-math -fassociative-math", "without -funsafe-math");
    expect_refusal("gcc", "-O2 -funsafe-math-optimizations", "without -funsafe-math-optimizations");
    expect_refusal("gcc", "-O2 -freciprocal-math", "without -funsafe-math-optimizations");
    expect_refusal("gcc", "-O2 -fno-signed-zeros", "without -funsafe-math-optimizations");
    expect_refusal("gcc", "-O2 -fsingle-precision-constant", "constants are floats");
}

/* clang has no macro for these: the numbers themselves must tell. */
Test(compilers, unsafe_mathematics_of_clang_is_refused)
{
    only_where_long();
    expect_refusal("clang", "-O2 -ffast-math", "stepgrad: compile without -ffast-math");
    expect_refusal("clang", "-O2 -funsafe-math-optimizations", "sums are rearranged");
    expect_refusal("clang", "-O2 -fno-honor-nans", "NaN or infinity is ignored");
    expect_refusal("clang", "-O2 -fno-signed-zeros -fno-trapping-math -fassociative-math", "sums are rearranged");
    expect_refusal("clang", "-O2 -freciprocal-math", "quotients are replaced by products");
    expect_refusal("clang", "-O2 -fno-signed-zeros", "the sign of 0 is ignored");
}

/* As when files that were compiled without any such flag are linked with -Ofast. */
Test(compilers, numbers_that_are_flushed_to_zero_are_refused)
{
#if defined(__x86_64__)
    const char *const program = "#include <xmmintrin.h>\n#include \"graph.h\"\n"
                                "int main(void) { _mm_setcsr(_mm_getcsr() | 0x8040); return graph_new() == NULL; }";
    cr_expect(!runs("${CC:-cc}", "", program, ENGINE), "a graph was made");
    cr_expect_not_null(strstr(said, "flushed to 0"), "%s", said);
    cr_expect_not_null(strstr(said, "p.c:3: graph_new: "), "not at the caller's line: %s", said);
#else
    cr_skip_test("SKIPPED: how to do it is known here for x86-64 only");
#endif
}

Test(compilers, a_tiny_c_compiler_is_refused) { expect_refusal("tcc", "", "stepgrad: use gcc or clang"); }

Test(compilers, harmless_flags_make_a_graph)
{
    only_where_long();
    static const char *const harmless[] = {"-O0 -funsigned-char -fno-trapping-math",
                                           "-O3 -fshort-enums -fno-math-errno", "-O2 -flto"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        cr_expect(runs("${CC:-cc}", harmless[i], making_a_graph, ENGINE), "%s: %s", harmless[i], said);
}

static void expect_overrun(const char *statement)
{
    char program[512];
    snprintf(program, sizeof program, "#include \"memory.h\"\nint main(void) { %s return 0; }", statement);
    cr_expect(!runs("${CC:-cc}", "-g -fsanitize=address", program, "engine/memory.c"), "%s passes", statement);
    cr_expect_not_null(strstr(said, "AddressSanitizer"), "%s: %s", statement, said);
}

Test(compilers, a_sanitizer_sees_what_no_node_has_been_made_of)
{
    only_where_long();
    if (!runs("${CC:-cc}", "-fsanitize=address", "int main(void) { return 0; }", ""))
        cr_skip_test("SKIPPED: no AddressSanitizer here");
    /* All slips in one program, which compiles once: each is made by a child. Just before a label lies what is known of
     * its room, less than 32 bytes. */
    const char *const program =
        "#include \"graph.h\"\n"
        "#include <sys/wait.h>\n"
        "#include <unistd.h>\n"
        "int main(void) {\n"
        "    Graph *g = graph_new();\n"
        "    Value *a = v_label(v_param(g, 1), \"seven..\");\n"
        "    int ended = 0;\n"
        "    for (int slip = 0; slip <= 3; slip++) {\n"
        "        int status = 0;\n"
        "        if (fork() != 0) { wait(&status); ended = 2 * ended + (status != 0); continue; }\n"
        "        if (slip == 1) a[1].data = 2;\n"
        "        if (slip == 2) ((char *)a->label)[-32] = 2;\n"
        "        if (slip == 3) ((char *)a->label)[8] = 2;\n"
        "        _exit(0);\n"
        "    }\n"
        "    graph_free(g);\n"
        "    return ended != 7;\n"
        "}\n";
    cr_expect(
        runs("${CC:-cc}", "-g -fsanitize=address", program, ENGINE " engine/value.c engine/label.c engine/utf8.c"),
        "a slip passes, or the program without one does not: %s", said);
    cr_expect_not_null(strstr(said, "AddressSanitizer"), "%s", said);
}

Test(compilers, a_sanitizer_sees_an_overrun_by_one_byte)
{
    only_where_long();
    if (!runs("${CC:-cc}", "-fsanitize=address", "int main(void) { return 0; }", ""))
        cr_skip_test("SKIPPED: no AddressSanitizer here");
    expect_overrun("char *p = memory_alloc(1); p[40] = 1; memory_free(p);");
    expect_overrun("char *p = memory_alloc(65); p[65] = 1; memory_free(p);");
    expect_overrun("char *p = memory_copy_text(\"seven\"); p[6] = 1; memory_free(p);");
    expect_overrun("char *p = memory_alloc(64); MEMORY_POISON(p + 16, 48); p[16] = 1; memory_free(p);");
    const char *const unpoisoned = "#include \"memory.h\"\nint main(void) { char *p = memory_alloc(64); "
                                   "MEMORY_POISON(p, 64); MEMORY_UNPOISON(p, 64); p[63] = 1; memory_free(p); }";
    cr_expect(runs("${CC:-cc}", "-g -fsanitize=address", unpoisoned, "engine/memory.c"), "%s", said);
}

/* Functions that are compiled for several processors choose before a sanitizer has begun. */
Test(compilers, a_program_starts_below_the_thread_sanitizer)
{
    only_where_long();
    static const char *const compilers[] = {"gcc", "clang"};
    for (int i = 0; i < 2; i++)
        if (has(compilers[i]) && runs(compilers[i], "-fsanitize=thread", "int main(void) { return 0; }", ""))
            cr_expect(runs(compilers[i], "-fsanitize=thread -DSTEPGRAD_VECTORS", making_a_graph,
                           ENGINE " engine/replay_run.c"),
                      "%s: %s", compilers[i], said);
}

/* ---- without replay, and with ops of one's own in it ------------------------------------------------------------- */

static const char *const training = "#include \"stepgrad.h\"\n"
                                    "int main(void) {\n"
                                    "    Graph *g = graph_new();\n"
                                    "    Random random;\n"
                                    "    random_seed(&random, 1);\n"
                                    "    MLP *net = mlp_new(g, (size_t[]){2, 8, 2}, 3, ACTIVATION_TANH);\n"
                                    "    mlp_init(net, INIT_PYTORCH, &random);\n"
                                    "    Optimizer *sgd = sgd_new(net->params, net->param_count, (SGD){.lr = 0.5});\n"
                                    "    Mark mark = graph_mark(g);\n"
                                    "    double loss = 1;\n"
                                    "    for (int step = 0; step < 50; step++) {\n"
                                    "        Value **x = v_inputs(g, ((double[]){0.5, -1, 0, 1}), 4);\n"
                                    "        Value *l = cross_entropy_one_hot(mlp_forward(net, x), x + 2, 2);\n"
                                    "        optimizer_zero_grad(sgd);\n"
                                    "        backward(l);\n"
                                    "        optimizer_step(sgd);\n"
                                    "        loss = l->data;\n"
                                    "        graph_release(g, mark);\n"
                                    "    }\n"
                                    "    optimizer_free(sgd);\n"
                                    "    graph_free(g);\n"
                                    "    return loss > 0.1;\n"
                                    "}\n";

/* The engine in a folder where replay.h, vmath.h and emit.h are errors, and none of their .c files is. */
Test(compilers, an_engine_without_replay_trains)
{
    only_where_long();
    char folder[] = "/tmp/stepgrad-without-XXXXXX", command[512], flags[128], sources[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "cp engine/*.[ch] %s && cd %s && rm -f replay* vmath.h emit* && "
             "for gone in replay.h replay_parts.h vmath.h emit.h; do echo '#error it is gone' >$gone; done",
             folder, folder);
    cr_assert_eq(system(command), 0);
    snprintf(flags, sizeof flags, "-I%s -ffp-contract=off -Wall -Wextra -Wpedantic -Werror", folder);
    snprintf(sources, sizeof sources, "%s/*.c", folder);
    cr_expect(runs("${CC:-cc}", flags, training, sources), "%s", said);
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

/* The losses and the gradients of 40 samples, by hand and replayed: those of lab 10, which the op table has then. */
static const char *const replaying_own_ops =
    "#include \"stepgrad.h\"\n"
    "#include \"replay.h\"\n"
    "static Value *loss(Value *w, Value *c, Value *x) {\n"
    "    Value *s = v_softsign(v_mul(w, x));\n"
    "    return v_norm(s, v_add(c, x));\n"
    "}\n"
    "int main(void) {\n"
    "    Graph *g = graph_new();\n"
    "    Value *w = v_param(g, 0.7), *c = v_param(g, -0.3), *x = v_input(g, 1), *losses[40];\n"
    "    double rows[40], replayed[40];\n"
    "    Program *program = program_record(loss(w, c, x), &x, 1, NULL);\n"
    "    for (int i = 0; i < 40; i++) {\n"
    "        rows[i] = (i - 20) / 7.0;\n"
    "        losses[i] = loss(w, c, v_input(g, rows[i]));\n"
    "    }\n"
    "    backward(mean_loss(losses, 40));\n"
    "    double by_w = w->grad, by_c = c->grad;\n"
    "    w->grad = c->grad = 0;\n"
    "    program_replay(program, rows, 40, 1.0 / 40, replayed);\n"
    "    int wrong = by_w == 0 || w->grad != by_w || c->grad != by_c;\n"
    "    for (int i = 0; i < 40; i++)\n"
    "        wrong += replayed[i] != losses[i]->data;\n"
    "    program_free(program);\n"
    "    graph_free(g);\n"
    "    return wrong;\n"
    "}\n";

/* With the library that the Makefile makes for draw_own. */
Test(compilers, ops_of_one_s_own_are_replayed)
{
    only_where_long();
    cr_expect(runs("${CC:-cc}",
                   "-ffp-contract=off -w -Ilessons/labs -Ilessons/labs/own -DSTEPGRAD_OWN_OPS_FILE=\\\"own_ops.h\\\" "
                   "$LESSON_FLAGS",
                   replaying_own_ops, "\"${BUILD:-build}/tests/own/library.a\" -lpthread -ldl"),
              "%s", said);
}
