/* debug.c - the program for a debugger: it takes the task and the numbers from files that `make debug` has written, so
 * that a debugger need only start it. worker.c is compiled with its main named worker_main. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#undef main
int worker_main(int argc, char **argv);

int main(void)
{
    char id[16] = "", *argv[] = {"lab", id, NULL};
    FILE *task = fopen("build/debug/task", "r");
    if (task == NULL || fscanf(task, "%15s", id) != 1) {
        fprintf(stderr, "Type: make debug T=3.2, in the folder of the labs\n");
        return 1;
    }
    const int numbers = open("build/debug/point", O_RDONLY), results = open("/dev/null", O_WRONLY);
    dup2(numbers, 3);
    dup2(results, 4);
    return worker_main(2, argv);
}
