/* moons_mpi.c - two moons on several machines: the network of chapter 19, trained by processes that share each batch.
 *
 *     make moons_mpi                                    build it, and run it as 2 processes; RANKS=4 makes them 4
 *     mpirun -n 4 build/moons_mpi --batch 1000          the same by hand
 *     mpirun --hostfile FILE -n 8 build/moons_mpi       on the machines that FILE names, one a line
 *
 * Each process, a rank, has all rows, the whole network and its program (replay.h). Of each batch it replays a share of
 * the blocks, 32 rows each, and sends the gradient of each block to all others (MPI_Allgatherv). All then take the same
 * step with the same gradients, and so no rank ever needs to send its params.
 * A sum of doubles depends on its order. If each rank sent the sum of its blocks (MPI_Allreduce would, which is less to
 * send), the last digits would depend on how many ranks there are. Here every rank adds all blocks, from the last to
 * the first: 1, 2 or any number of ranks end with the same bits, and so does build/moons --threads 1 --batch 256.
 */
#include <inttypes.h>
#include <mpi.h>
#include <stdlib.h>

#include "draw/options.h"
#include "replay.h"
#include "stepgrad.h"

enum { FEATURES = 2, CLASSES = 2, INPUTS = FEATURES + CLASSES };

static int rank, ranks;
static int *counts, *starts; /* of the doubles of each rank among the gradients of a batch's blocks */

/* An error in one rank ends all. */
static void require(bool ok, const char *message)
{
    if (ok)
        return;
    fprintf(stderr, "moons_mpi: rank %d of %d: %s\n", rank, ranks, message);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

static void *need(void *memory)
{
    require(memory != NULL, "no memory left.");
    return memory;
}

/* The rows as the program takes them: two numbers, and the class as one-hot. */
static double *inputs_of(const Dataset *data)
{
    double *inputs = need(memory_alloc_array(data->count, INPUTS * sizeof *inputs)), *next = inputs;
    for (size_t row = 0; row < data->count; row++) {
        for (size_t i = 0; i < FEATURES; i++)
            *next++ = dataset_row(data, row)[i];
        for (int c = 0; c < CLASSES; c++)
            *next++ = c == data->label[row];
    }
    return inputs;
}

static Program *record(MLP *net, const double *row)
{
    Error error;
    const Mark mark = graph_mark(net->graph);
    Value **x = need(v_inputs(net->graph, row, INPUTS)), **logits = need(mlp_forward(net, x));
    Program *program = program_record(cross_entropy_one_hot(logits, x + FEATURES, CLASSES), x, INPUTS, &error);
    require(program != NULL, error.message);
    graph_release(net->graph, mark);
    return program;
}

/* The first block of a rank's share; that of the rank after the last is the end. */
static size_t share(size_t blocks, int of) { return blocks * (size_t)of / (size_t)ranks; }

/* What program_replay does with threads, done by all ranks: add the gradient of the mean loss of n rows to the params.
 * `gradients` has room for those of all blocks. */
static void replay_together(Program *program, const double *inputs, size_t n, double *gradients)
{
    const size_t params = program_param_count(program), blocks = (n + PROGRAM_BLOCK - 1) / PROGRAM_BLOCK;
    const size_t first = share(blocks, rank) * PROGRAM_BLOCK, end = share(blocks, rank + 1) * PROGRAM_BLOCK;
    for (int r = 0; r < ranks; r++) {
        starts[r] = (int)(params * share(blocks, r));
        counts[r] = (int)(params * share(blocks, r + 1)) - starts[r];
    }
    program_replay_blocks(program, inputs + first * INPUTS, (end < n ? end : n) - first, 1.0 / (double)n, NULL,
                          gradients + starts[rank]);
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DOUBLE, gradients, counts, starts, MPI_DOUBLE, MPI_COMM_WORLD);
    program_add_blocks(program, gradients, blocks);
}

static void train(MLP *net, Program *program, const double *inputs, size_t rows, size_t batch, uint64_t epochs)
{
    const size_t blocks = (batch + PROGRAM_BLOCK - 1) / PROGRAM_BLOCK;
    double *gradients = need(memory_alloc_array(blocks, net->param_count * sizeof *gradients));
    Optimizer *sgd = need(sgd_new(net->params, net->param_count, (SGD){.lr = 0.05}));
    for (uint64_t epoch = 0; epoch < epochs; epoch++)
        for (size_t row = 0; row < rows; row += batch) {
            optimizer_zero_grad(sgd);
            replay_together(program, inputs + row * INPUTS, rows - row < batch ? rows - row : batch, gradients);
            optimizer_step(sgd);
        }
    optimizer_free(sgd);
    memory_free(gradients);
}

/* The loss on all rows, and a hash of the params, which must be that of rank 0: one number for all their bits. */
static void report(const MLP *net, Program *program, const double *inputs, size_t rows, double seconds)
{
    double *losses = need(memory_alloc_array(rows, sizeof *losses));
    uint64_t hash = FNV1A_START;
    program_replay(program, inputs, rows, 0, losses);
    for (size_t i = 0; i < net->param_count; i++)
        hash = fnv1a(hash, (const char *)&net->params[i]->data, sizeof net->params[i]->data);
    uint64_t first = hash;
    MPI_Bcast(&first, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    require(hash == first, "other params than those of rank 0. Do the machines have the same processor and libm?");
    if (rank == 0)
        printf("processes: %d, %.2f s\nloss %.17g, params %016" PRIx64 "\n", ranks, seconds,
               sum_forward(rows, losses, NULL, 1) / (double)rows, hash);
    memory_free(losses);
}

int main(int argc, char **argv)
{
    Error error;
    Dataset data;
    uint64_t batch = 256, epochs = 200;
    Option options[] = {{"--batch", "N", "rows in a batch", .whole = &batch, .least = 1},
                        {"--epochs", "N", "through all rows", .whole = &epochs},
                        {0}};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    require(options_read(options, &argc, argv, &error), error.message);
    require(csv_load("lessons/data/moons/data.csv", &data, &error), error.message);
    MLP *net = mlp_open(need(graph_new()), "lessons/data/moons/init.txt", &error);
    require(net != NULL, error.message);
    counts = need(memory_alloc_array((size_t)ranks, 2 * sizeof *counts));
    starts = counts + ranks;
    double *inputs = inputs_of(&data);
    Program *program = record(net, inputs);
    const double start = MPI_Wtime();
    train(net, program, inputs, data.count, batch < data.count ? (size_t)batch : data.count, epochs);
    report(net, program, inputs, data.count, MPI_Wtime() - start);
    program_free(program);
    memory_free(inputs);
    memory_free(counts);
    dataset_free(&data);
    graph_free(net->graph);
    MPI_Finalize();
    return 0;
}
