/* student_source.c - a fuzz target: any text as a student's file, in which the grader looks for functions (source.h).
 */
#include "source.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const functions[] = {"push", "f", "mul_backward"};
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    const size_t length = strlen(text);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        Definition found;
        if (!source_find(text, functions[i], &found))
            continue;
        fuzz_require(found.begin < found.end && found.end <= length, "a definition is in the text");
        char *name = strstr(text + found.begin, functions[i]);
        fuzz_require(name != NULL && name < text + found.end, "a definition holds the name");
        int lines = 1;
        for (size_t k = 0; k < found.end; k++)
            lines += text[k] == '\n';
        fuzz_require(found.line >= 1 && found.line <= lines, "the line of the name is not behind the definition");
    }
    free(text);
    return 0;
}
