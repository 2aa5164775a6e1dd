/* trace_blocks.c - for mutation.py: which blocks of the library a test runs. gcc -fsanitize-coverage=trace-pc calls the
 * function below at the start of each block. It sets the byte of its caller in the file that BLOCKS_FILE names;
 * processes that the test starts use the same file, and what crashes has left its mark, too.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char library_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
static unsigned char *blocks;
static size_t blocks_size;

__attribute__((constructor)) static void open_blocks(void)
{
    const char *path = getenv("BLOCKS_FILE");
    const int file = path == NULL ? -1 : open(path, O_RDWR);
    const off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    void *map = size <= 0 ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (map == MAP_FAILED)
        return;
    blocks_size = (size_t)size;
    blocks = map;
}

void __sanitizer_cov_trace_pc(void)
{
    const size_t at = (size_t)((const char *)__builtin_return_address(0) - library_start);
    if (at < blocks_size)
        blocks[at] = 1;
}
