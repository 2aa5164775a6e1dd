/* replay_inputs.c - runs a fuzz target over files, and over all files in folders: what libFuzzer's main does with them,
 * for compilers that have none. */
#define _DEFAULT_SOURCE /* scandir beside C11 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of exactly its size, so that a sanitizer sees what reads behind it. */
static bool replay(const char *path)
{
    static uint8_t buffer[1 << 20];
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    const size_t size = fread(buffer, 1, sizeof buffer, in);
    const bool read = ferror(in) == 0;
    fclose(in);
    uint8_t *data = read ? malloc(size > 0 ? size : 1) : NULL;
    if (data == NULL)
        return false;
    memcpy(data, buffer, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return true;
}

/* The number of inputs in a file or a folder; 0, and errno, where it cannot be read. */
static size_t replay_all(const char *path)
{
    struct dirent **entries;
    size_t count = 0;
    const int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        return errno == ENOTDIR && replay(path);
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        count += entries[i]->d_name[0] != '.' && replay(file);
        free(entries[i]);
    }
    free(entries);
    return count;
}

int main(int argc, char **argv)
{
    size_t total = 0;
    for (int i = 1; i < argc; i++) {
        const size_t count = replay_all(argv[i]);
        if (count == 0) {
            fprintf(stderr, "%s: no input could be read: %s\n", argv[i], strerror(errno));
            return 1;
        }
        total += count;
    }
    printf("%zu inputs\n", total);
    return 0;
}
