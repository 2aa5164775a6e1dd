/* wrong_words.h - a text with the word `end` in place of each of its words and of each run of them; or with none.
 *
 *     expect_wrong_words_are_refused(text, "end", path, load);   load reads the file `path`, and returns whether it did
 *
 * A reader that goes on after what it should refuse finds what it wants next in one of these files.
 */
#ifndef STEPGRAD_TESTS_WRONG_WORDS_H
#define STEPGRAD_TESTS_WRONG_WORDS_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The start of the next word, or the end of the text. */
static inline const char *after_word(const char *at)
{
    at += strcspn(at, " \n");
    return at + strspn(at, " \n");
}

/* The last word of the text stays, or goes with those before it. Spaces make all files equally long: cutting one off
 * takes a disk longer than all the rest. */
static inline void expect_wrong_words_are_refused(const char *text, const char *wrong, const char *path,
                                                  bool (*load)(void))
{
    size_t read = 0;
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out, "cannot prepare %s", path);
    for (const char *from = text; *after_word(from) != '\0'; from = after_word(from))
        for (const char *to = from; *to != '\0';) {
            to = after_word(to);
            rewind(out);
            fprintf(out, "%.*s%s %s\n%*s", (int)(from - text), text, wrong, to, (int)(to - from), "");
            fflush(out);
            if (load() && read++ == 0)
                cr_expect(false, "this was read: %.*s%s %s", (int)(from - text), text, wrong, to);
        }
    fclose(out);
    cr_expect_eq(read, 0, "%zu texts were read", read);
}

#endif
