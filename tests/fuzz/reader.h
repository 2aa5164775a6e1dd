/* reader.h - for targets that read a file: files of any bytes, and what a message about them must say. */
#ifndef STEPGRAD_TESTS_FUZZ_READER_H
#define STEPGRAD_TESTS_FUZZ_READER_H

#include <unistd.h>

#include "file.h"
#include "fuzz.h"
#include "memory.h"

static char reader_paths[2][256];

static inline void reader_remove_files(void) { unlink(reader_paths[0]), unlink(reader_paths[1]); }

/* A name for file 0 or 1, below $TMPDIR; it is removed when the program ends. */
static inline const char *reader_path(int file)
{
    const char *folder = getenv("TMPDIR");
    if (reader_paths[0][0] == '\0') {
        for (int i = 0; i < 2; i++)
            snprintf(reader_paths[i], sizeof reader_paths[i], "%.200s/stepgrad_fuzz_%ld_%d",
                     folder != NULL ? folder : "/tmp", (long)getpid(), i);
        atexit(reader_remove_files);
    }
    return reader_paths[file];
}

/* File 0 with those bytes; its path. */
static inline const char *reader_file(const uint8_t *data, size_t size)
{
    FILE *out = fopen(reader_path(0), "wb");
    const bool written = out != NULL && fwrite(data, 1, size, out) == size;
    if (!written || fclose(out) != 0)
        perror(reader_path(0)), exit(1);
    return reader_path(0);
}

/* The text of a file that was written, to be freed by memory_free. */
static inline char *reader_text(const char *path)
{
    Error error;
    size_t bytes;
    char *text = file_read(path, 1 << 24, &bytes, &error);
    fuzz_require(text != NULL && strlen(text) == bytes, "what was written is text, and can be read");
    return text;
}

/* With NAME=1000 in the environment, each 1000th text goes through a command, with file 0 as '%s'; it must be silent.
 */
static inline void reader_ask(const char *name, const char *command, const char *text, size_t size)
{
    static unsigned long count;
    const char *every = getenv(name);
    const unsigned long interval = every != NULL ? strtoul(every, NULL, 10) : 0;
    char line[600], complaint[200];
    if (interval == 0 || count++ % interval != 0)
        return;
    snprintf(line, sizeof line, command, reader_file((const uint8_t *)text, size));
    FILE *program = popen(line, "r");
    const size_t said = program != NULL ? fread(complaint, 1, sizeof complaint, program) : 0;
    fwrite(complaint, 1, said, stderr);
    fuzz_require(program != NULL && pclose(program) == 0 && said == 0, "another program reads it without a complaint");
}

/* A message about a text must begin with its name; where a line and a column follow, the text must have them. */
static inline void reader_check_message(const char *message, const char *name, const uint8_t *text, size_t size)
{
    size_t lines = 1, length = 1, longest = 1, line, column;
    for (size_t i = 0; i < size; i++) {
        const bool ends = text[i] == '\n' || text[i] == '\r';
        lines += ends;
        length = ends ? 1 : length + 1;
        longest = length > longest ? length : longest;
    }
    const size_t bytes = strlen(name);
    fuzz_require(strncmp(message, name, bytes) == 0 && message[bytes] == ':', "a message begins with the file's name");
    fuzz_require(strlen(message) > bytes + 8, "a message says something");
    const int found = sscanf(message + bytes, ":%zu:%zu:", &line, &column);
    fuzz_require(found < 1 || (line >= 1 && line <= lines), "the line of a message is in the text");
    fuzz_require(found < 2 || (column >= 1 && column <= longest), "the column of a message is in the text");
}

#endif
