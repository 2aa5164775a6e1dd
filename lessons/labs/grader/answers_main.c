/* answers_main.c - the answers of one task, for the folder that is handed out: answers TASK SEED */
#include <stdio.h>
#include <stdlib.h>

#include "compute.h"
#include "file.h"

int main(int argc, char **argv)
{
    const Task *task = argc == 3 ? task_find(argv[1]) : NULL;
    if (task == NULL) {
        fprintf(stderr, "usage: answers TASK SEED, for example: answers 3.2 1\n");
        return 2;
    }
    Error error;
    static Answers answers;
    answers_compute(&answers, task, strtoull(argv[2], NULL, 10));
    answers_write(&answers, stdout);
    if (!file_flush_output(&error)) {
        fprintf(stderr, "answers: %s\n", error.message);
        return 1;
    }
    return 0;
}
