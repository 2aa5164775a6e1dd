/* test_mpi.c - lessons/moons_mpi.c, where MPI is: any number of processes ends with the same bits, and build/moons with
 * threads does too. */
#define _POSIX_C_SOURCE 200809L /* popen */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "long.h"
#include "stepgrad.h"

static char said[1 << 16];

/* A command of the shell, with $BUILD; what it says is kept. As root and with more processes than processors, Open MPI
 * runs only where that is allowed; of what MPI itself leaves behind, a sanitizer is to say nothing. */
static bool succeeds(const char *command)
{
    setenv("BUILD", "build", 0);
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);                  /* Open MPI up to 4 */
    setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 1); /* and from 5 on */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    FILE *in = popen(command, "r");
    cr_assert_not_null(in, "popen");
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    return pclose(in) == 0;
}

/* The line of loss and params, from what was said; "" if there is none. */
static void take_result(char result[256])
{
    const char *line = strstr(said, "\nloss ");
    snprintf(result, 256, "%.*s", line == NULL ? 0 : (int)strcspn(line + 1, "\n"), line == NULL ? "" : line + 1);
}

static void expect_result(const char *command, const char *want)
{
    char got[256];
    cr_expect(succeeds(command), "%s: %s", command, said);
    take_result(got);
    cr_expect_str_eq(got, want, "%s says %s", command, said);
}

/* The params that threads lead to have the hash that is printed. */
static void expect_params_of_threads(const char *result)
{
    Error error;
    char path[256], hash[32];
    snprintf(path, sizeof path, "%s/tests/mpi.out/model.txt", getenv("BUILD"));
    cr_assert(succeeds("$BUILD/moons --threads 1 --batch 256 --quiet --out $BUILD/tests/mpi.out 2>&1"), "%s", said);
    Graph *graph = graph_new();
    const MLP *net = mlp_open(graph, path, &error);
    cr_assert_not_null(net, "%s", error.message);
    uint64_t bits = FNV1A_START;
    for (size_t i = 0; i < net->param_count; i++)
        bits = fnv1a(bits, (const char *)&net->params[i]->data, sizeof net->params[i]->data);
    snprintf(hash, sizeof hash, "params %016" PRIx64, bits);
    cr_expect_not_null(strstr(result, hash), "%s with threads, and %s", hash, result);
    graph_free(graph);
}

Test(mpi, any_number_of_processes_ends_with_the_bits_of_threads, .timeout = 1800)
{
    only_where_long();
    char result[256];
    if (!succeeds("command -v mpirun && echo '#include <mpi.h>' | mpicc -c -fsyntax-only -xc /dev/stdin 2>&1"))
        cr_skip_test("SKIPPED: no mpicc or no mpirun here");
    cr_assert(succeeds("${MAKE:-make} --no-print-directory BUILD=$BUILD moons_mpi 2>&1"), "%s", said);
    cr_expect_not_null(strstr(said, "processes: 2, "), "%s", said);
    take_result(result);
    cr_assert(strncmp(result, "loss 0.2766", 11) == 0, "after 200 epochs: %s", said);
    expect_params_of_threads(result);
    cr_assert(succeeds("mpirun -n 1 $BUILD/moons_mpi --epochs 20 2>&1"), "%s", said);
    take_result(result);
    expect_result("mpirun -n 2 $BUILD/moons_mpi --epochs 20 2>&1", result);
    expect_result("mpirun -n 3 $BUILD/moons_mpi --epochs 20 2>&1", result);
    expect_result("mpirun -n 4 $BUILD/moons_mpi --epochs 20 2>&1", result);
    cr_assert(succeeds("mpirun -n 1 $BUILD/moons_mpi --batch 50 --epochs 2 2>&1"), "%s", said);
    take_result(result);
    expect_result("mpirun -n 4 $BUILD/moons_mpi --batch 50 --epochs 2 2>&1", result); /* two blocks for four */
    cr_expect(!succeeds("mpirun -n 2 $BUILD/moons_mpi --batch 0 2>&1"), "--batch 0: %s", said);
    cr_expect_not_null(strstr(said, " of 2: --batch 0: expected a whole number from 1 up"), "%s", said);
}
