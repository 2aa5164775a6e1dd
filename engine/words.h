/* words.h - read a text file word by word, so that a message can name the line; and write one. Used by model.c.
 *
 *     WordReader words;
 *     if (!words_open(&words, "init.txt", error))
 *         return false;
 *     bool ok = words_expect(&words, "tensor", error) && words_count(&words, &rows, error) && ...;
 *     words_close(&words);
 *
 * Words are separated by white space; a `#` at the beginning of a word starts a comment, to the end of the line. A
 * function that returns false has put PATH:LINE and the reason into `error`.
 */
#ifndef STEPGRAD_WORDS_H
#define STEPGRAD_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum { WORD_SIZE = 64 };

typedef struct WordReader {
    FILE *in;
    const char *path;
    size_t line;       /* the line of the word last read, from 1 */
    uint64_t checksum; /* FNV-1a, 64 bits, of all bytes before that word */
    size_t end_line;   /* these two: up to where the file has been read */
    uint64_t end_checksum;
    char word[WORD_SIZE]; /* the word last read; "" at the end of the file */
} WordReader;

/* Open the file; the path must stay valid while it is read. Close it with words_close. */
bool words_open(WordReader *words, const char *path, Error *error);
void words_close(WordReader *words);

/* Read the next word into words->word. False at the end of the file too. */
bool words_next(WordReader *words, Error *error);

/* Read a word that must be `expected`. */
bool words_expect(WordReader *words, const char *expected, Error *error);

/* Read a whole number from 0. */
bool words_count(WordReader *words, size_t *count, Error *error);

/* Read a floating-point number, decimal or hexadecimal, inf and nan included. With `rest` not NULL the word may also be
 * "number:rest", a more exact number as the sum of two; *rest is 0 where there is none. The point is a point whatever
 * the locale says; a number too large for a double is an error. */
bool words_number(WordReader *words, double *number, double *rest, Error *error);

/* Read a name that words_write_name wrote, which the caller frees with memory_free; NULL on an error. */
char *words_name(WordReader *words, Error *error);

/* Whether the word is a whole number from 0 that fits into *count: digits and nothing else. */
bool words_is_count(const char *word, size_t *count);

/* Fail with PATH:LINE of the word last read before the printf-style message. Returns false. */
bool words_fail(const WordReader *words, Error *error, const char *format, ...) PRINTF_LIKE(3, 4);

/* A stream, and the checksum of what was written to it: begin with {out, FNV1A_START}. */
typedef struct WordWriter {
    FILE *out;
    uint64_t checksum;
} WordWriter;

/* Write a printf-style text of at most 127 bytes; a number, in hexadecimal so that it is exact, and a character behind
 * it; a line of numbers; a space and a name in quotes, with %XX for the bytes that are not plain characters. */
void words_write(WordWriter *writer, const char *format, ...) PRINTF_LIKE(2, 3);
void words_write_number(WordWriter *writer, double number, char behind);
void words_write_numbers(WordWriter *writer, const double *numbers, size_t count);
void words_write_name(WordWriter *writer, const char *name);

/* FNV-1a over n more bytes; begin with FNV1A_START. Source: Fowler, Noll, Vo; draft-eastlake-fnv. */
#define FNV1A_START UINT64_C(0xcbf29ce484222325)
uint64_t fnv1a(uint64_t checksum, const char *bytes, size_t n);

#endif
