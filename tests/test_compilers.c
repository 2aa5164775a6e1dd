/* test_compilers.c - compilers and flags with which the numbers would be wrong are refused, and say why; an overrun by
 * a byte is seen. Each test compiles a program with the engine's own sources; what is not installed is left out, aloud.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, popen */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE "engine/graph.c engine/ops.c engine/memory.c engine/error.c"

static char said[1 << 16];

static bool has(const char *compiler)
{
    char command[256];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", compiler);
    return system(command) == 0;
}

/* Compile `program` with `flags` and the engine's `sources`, run it, and keep in `said` what both say. True when the
 * program was made and ended with 0. */
static bool runs(const char *compiler, const char *flags, const char *program, const char *sources)
{
    char folder[] = "/tmp/stepgrad-compilers-XXXXXX", command[2048];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "exec 2>&1; echo '%s' >%s/p.c && %s -std=c11 %s -Iengine -o %s/p %s/p.c %s -lm && (%s/p); status=$?; "
             "rm -rf %s; exit $status",
             program, folder, compiler, flags, folder, folder, sources, folder, folder);
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
    expect_refusal("clang", "-O2 -ffast-math", "stepgrad: compile without -ffast-math");
    expect_refusal("clang", "-O2 -fno-signed-zeros -fno-trapping-math -fassociative-math", "sums are rearranged");
    expect_refusal("clang", "-O2 -funsafe-math-optimizations", "sums are rearranged");
    expect_refusal("clang", "-O2 -freciprocal-math", "quotients are replaced by products");
    expect_refusal("clang", "-O2 -fno-signed-zeros", "the sign of 0 is ignored");
    expect_refusal("clang", "-O2 -fno-honor-nans", "NaN or infinity is ignored");
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
    static const char *const harmless[] = {
        "-O0", "-O3", "-O2 -flto", "-funsigned-char", "-fshort-enums", "-fno-trapping-math", "-fno-math-errno",
    };
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
    if (!runs("${CC:-cc}", "-fsanitize=address", "int main(void) { return 0; }", ""))
        cr_skip_test("SKIPPED: no AddressSanitizer here");
    const char *const slips[] = {"a[1].data = 2;", "((char *)a->label)[-1] = 2;", "((char *)a->label)[8] = 2;"};
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        char program[512];
        snprintf(program, sizeof program,
                 "#include \"graph.h\"\nint main(void) { Graph *g = graph_new(); "
                 "Value *a = v_label(v_param(g, 1), \"seven..\"); %s graph_free(g); }",
                 slips[i]);
        cr_expect(!runs("${CC:-cc}", "-g -fsanitize=address", program, "engine/*.c"), "%s passes", slips[i]);
        cr_expect_not_null(strstr(said, "AddressSanitizer"), "%s: %s", slips[i], said);
    }
}

Test(compilers, a_sanitizer_sees_an_overrun_by_one_byte)
{
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
