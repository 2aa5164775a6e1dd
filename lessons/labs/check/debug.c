/* debug.c - the program for a debugger: it takes the task and the numbers from files that `make debug` has written, so
 * that a debugger need only start it. worker.c is compiled with its main named worker_main. */
#define _DEFAULT_SOURCE /* setrlimit beside C11 */
#define _DARWIN_C_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
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
    fclose(task);
    const int numbers = open("build/debug/point", O_RDONLY), results = open("/dev/null", O_WRONLY);
    dup2(numbers, 3);
    dup2(results, 4);
    setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20}); /* as in outcome_command */
    return worker_main(2, argv);
}
