/* disk_writer.c - write one file by a function of the library that no program calls: disk_writer WHAT FILE. */
#include <stdio.h>
#include <string.h>

#include "emit.h"
#include "stepgrad.h"

static bool write_dataset(const char *path, Error *error)
{
    Random random;
    Dataset data;
    random_seed(&random, 1);
    const bool ok = dataset_moons(&data, 200, 0.1, &random, error) && dataset_save(&data, path, error);
    dataset_free(&data);
    return ok;
}

static bool write_program(bool compile, Value *loss, const char *path, Error *error)
{
    Program *program = program_record(loss, NULL, 0, error);
    const bool ok = program != NULL && (compile ? program_compile(program, path, "engine", error)
                                                : program_emit(program, path, "f", error));
    program_free(program);
    return ok;
}

static bool write_one(const char *what, const char *path, Error *error)
{
    static Value *params[1000]; /* more than fits the buffer of a stream */
    Graph *graph = graph_new();
    for (size_t i = 0; i < 1000; i++)
        params[i] = v_param(graph, 1.0 / (double)(i + 1));
    const bool ok = strcmp(what, "dataset") == 0 ? write_dataset(path, error)
                    : strcmp(what, "params") == 0
                        ? params_save(params, 1000, path, error)
                        : write_program(strcmp(what, "compile") == 0, v_tanh(v_sum(params, 1000)), path, error);
    graph_free(graph);
    return ok;
}

int main(int count, char **argument)
{
    Error error = {"usage: disk_writer WHAT FILE"};
    const bool ok = count == 3 && write_one(argument[1], argument[2], &error);
    if (!ok)
        fprintf(stderr, "%s\n", error.message);
    return ok ? 0 : 1;
}
