/* words.c - the file is read a character at a time; a word is given the line and the checksum that were reached when it
 * began. */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"

uint64_t fnv1a(uint64_t checksum, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        checksum = (checksum ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return checksum;
}

bool words_open(WordReader *words, const char *path, Error *error)
{
    *words = (WordReader){.path = path, .line = 1, .end_line = 1, .checksum = FNV1A_START, .end_checksum = FNV1A_START};
    words->in = file_open(path);
    if (words->in == NULL)
        return error_set(error, "%s: cannot read: %s. Check the name, or give the path from this folder.", path,
                         strerror(errno));
    return true;
}

void words_close(WordReader *words)
{
    if (words->in != NULL)
        fclose(words->in);
    words->in = NULL;
}

bool words_fail(const WordReader *words, Error *error, const char *format, ...)
{
    char message[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return error_set(error, "%.100s:%zu: %s", words->path, words->line, message);
}

/* The next character, counted into line and checksum. */
static int next_character(WordReader *words)
{
    const int c = file_next(words->in);
    if (c != EOF) {
        const char byte = (char)c;
        words->end_checksum = fnv1a(words->end_checksum, &byte, 1);
        words->end_line += c == '\n';
    }
    return c;
}

/* The first character of the next word; before it, line and checksum are noted. */
static int skip_space_and_comments(WordReader *words)
{
    bool comment = false;
    for (;;) {
        words->line = words->end_line;
        words->checksum = words->end_checksum;
        const int c = next_character(words);
        if (c == EOF)
            return EOF;
        if (c == '#')
            comment = true;
        else if (c == '\n')
            comment = false;
        else if (!comment && !isspace(c))
            return c;
    }
}

bool words_next(WordReader *words, Error *error)
{
    size_t length = 0;
    words->word[0] = '\0';
    for (int c = skip_space_and_comments(words); c != EOF && !isspace(c); c = next_character(words)) {
        if (c == '\0')
            return words_fail(words, error, "a zero byte: this is not a text file, or it is damaged.");
        if (length == WORD_SIZE - 1)
            return words_fail(
                words, error,
                "a word of more than %d characters, \"%.20s...\": this does not look like a file of numbers.",
                WORD_SIZE - 1, words->word);
        words->word[length++] = (char)c;
        words->word[length] = '\0';
    }
    if (ferror(words->in))
        return words_fail(words, error, "cannot read further: %s.", strerror(errno));
    if (length == 0)
        return words_fail(words, error, "the file ends here, too early: it was cut short.");
    return true;
}

bool words_expect(WordReader *words, const char *expected, Error *error)
{
    if (!words_next(words, error))
        return false;
    if (strcmp(words->word, expected) != 0)
        return words_fail(words, error, "expected \"%s\", found \"%s\".", expected, words->word);
    return true;
}

bool words_is_count(const char *word, size_t *count)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(word, &end, 10);
    if (!isdigit((unsigned char)word[0]) || *end != '\0' || errno != 0 || number > SIZE_MAX)
        return false;
    *count = (size_t)number;
    return true;
}

bool words_count(WordReader *words, size_t *count, Error *error)
{
    if (!words_next(words, error))
        return false;
    return words_is_count(words->word, count) ||
           words_fail(words, error, "expected a whole number, found \"%s\".", words->word);
}

bool words_number(WordReader *words, double *number, double *rest, Error *error)
{
    if (!words_next(words, error))
        return false;
    const char *word = words->word, *colon = rest != NULL ? strchr(word, ':') : NULL;
    if (rest != NULL)
        *rest = 0;
    if ((colon != NULL && !number_parse(colon + 1, strlen(colon + 1), rest)) ||
        !number_parse(word, colon != NULL ? (size_t)(colon - word) : strlen(word), number))
        return words_fail(words, error, "expected a number, found \"%s\".", word);
    if (errno == ERANGE && isinf(*number))
        return words_fail(words, error, "%s is too large for a double. Write inf if that is meant.", word);
    return true;
}

/* ---- names in quotes -------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *digit = c != '\0' ? strchr(digits, c) : NULL;
    return digit != NULL ? (int)(digit - digits) : -1;
}

/* The byte at *at, which is moved behind it; 0 when it is damaged. */
static char decode_byte(const char **at)
{
    if (**at != '%')
        return *(*at)++;
    const int high = hex_digit((*at)[1]), low = high >= 0 ? hex_digit((*at)[2]) : -1;
    *at += 3; /* when that is too far, it is damaged, and nothing more is read */
    return low >= 0 ? (char)(16 * high + low) : '\0';
}

char *words_name(WordReader *words, Error *error)
{
    char *name = NULL;
    size_t length = 0, capacity = 0;
    bool ok =
        words_next(words, error) &&
        (words->word[0] == '"' || words_fail(words, error, "expected a name in quotes, found \"%s\".", words->word));
    for (const char *at = words->word + 1; ok;) {
        char *larger = memory_grow(name, length + 1, &capacity, 1);
        if (larger == NULL) {
            error_set(error, "%s: no memory for a name.", words->path);
            break;
        }
        name = larger;
        name[length] = '\0';
        if (*at == '"' && at[1] == '\0')
            return name;
        if (*at == '\0') {
            ok = words_next(words, error);
            at = words->word;
        } else {
            name[length] = *at == '"' ? '\0' : decode_byte(&at);
            ok = name[length++] != '\0' || words_fail(words, error, "a damaged name, \"%s\".", words->word);
        }
    }
    memory_free(name);
    return NULL;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void words_write(WordWriter *writer, const char *format, ...)
{
    char text[128]; /* the longest, a tensor's head with three numbers of 20 digits, has 71 */
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    writer->checksum = fnv1a(writer->checksum, text, (size_t)length);
    fputs(text, writer->out);
}

void words_write_number(WordWriter *writer, double number, char behind)
{
    char text[NUMBER_SIZE];
    words_write(writer, "%s%c", number_text(number, 'a', -1, text), behind);
}

void words_write_numbers(WordWriter *writer, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        words_write_number(writer, numbers[i], i + 1 < count ? ' ' : '\n');
}

static bool is_plain(char c) { return c > ' ' && c < 0x7F && strchr("\"%#", c) == NULL; }

/* A long name is of several words, of which only the last ends with a quote. */
void words_write_name(WordWriter *writer, const char *name)
{
    enum { PIECE = WORD_SIZE - 8 };
    int column = 1;
    words_write(writer, " \"");
    for (; *name != '\0'; name++) {
        if (column > PIECE) {
            words_write(writer, "\n");
            column = 0;
        }
        words_write(writer, is_plain(*name) ? "%c" : "%%%02X", (unsigned char)*name);
        column += is_plain(*name) ? 1 : 3;
    }
    words_write(writer, "\"");
}
