/* trace_blocks.c - for mutation.py: which blocks of the library a test runs. gcc -fsanitize-coverage=trace-pc calls the
 * function below at the start of each block. It sets the byte of its caller in the file BLOCKS_FOLDER/suite/name of the
 * test that is run. Programs that the test starts use the same file, and what crashes has left its mark, too.
 */
#define _POSIX_C_SOURCE 200809L /* setenv */
#define _DARWIN_C_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The beginning of Criterion's struct of a test; NULL outside of tests, and in programs without Criterion. */
extern const struct {
    const char *name, *category;
} * criterion_current_test __attribute__((weak));

extern const char library_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
static unsigned char *blocks;
static size_t blocks_size;

static void open_blocks(const char *path)
{
    const int file = open(path, O_RDWR);
    const off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    void *map = size <= 0 ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (map == MAP_FAILED)
        return;
    blocks = map;
    blocks_size = (size_t)size;
}

static void open_blocks_of_test(void)
{
    static int was_here = 0;
    const char *folder = getenv("BLOCKS_FOLDER");
    char path[4096];
    if (blocks != NULL || was_here++ || folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s/%s", folder, criterion_current_test->category, criterion_current_test->name);
    setenv("BLOCKS_FILE", path, 1);
    open_blocks(path);
}

static void open_blocks_for_child(void)
{
    if (&criterion_current_test != NULL && criterion_current_test != NULL)
        open_blocks_of_test();
}

__attribute__((constructor)) static void open_blocks_of_parent(void)
{
    const char *path = getenv("BLOCKS_FILE");
    if (path != NULL)
        open_blocks(path);
    pthread_atfork(open_blocks_for_child, NULL, NULL);
}

static long long milliseconds(struct timeval time) { return time.tv_sec * 1000LL + time.tv_usec / 1000; }

/* The last bytes of the file are the milliseconds of processor time. */
__attribute__((destructor)) static void note_time(void)
{
    struct rusage own, children;
    if (blocks == NULL || &criterion_current_test == NULL)
        return;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    snprintf((char *)blocks + blocks_size - 16, 16, "%lld",
             milliseconds(own.ru_utime) + milliseconds(own.ru_stime) + milliseconds(children.ru_utime) +
                 milliseconds(children.ru_stime));
}

void __sanitizer_cov_trace_pc(void)
{
    const size_t at = (size_t)((const char *)__builtin_return_address(0) - library_start);
    if (blocks == NULL && &criterion_current_test != NULL && criterion_current_test != NULL)
        open_blocks_of_test();
    if (at < blocks_size)
        blocks[at] = 1;
}
