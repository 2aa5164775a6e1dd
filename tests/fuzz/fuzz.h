/* fuzz.h - what a fuzz target stands on: numbers from an input of any bytes, and requirements that end the run.
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *     {
 *         FuzzInput in = {data, size};
 *         const double x = fuzz_number(&in);
 *         fuzz_require(!(fabs(tanh(x)) > 1), "tanh(x) is at most 1");
 *         return 0;
 *     }
 *
 * Each tests/fuzz/NAME.c is such a target. tests/prove/fuzz.sh runs them by libFuzzer and AFL++; `make test` replays
 * the inputs that were kept, tests/fuzz/corpus/NAME/, by replay_inputs.c.
 */
#ifndef STEPGRAD_TESTS_FUZZ_H
#define STEPGRAD_TESTS_FUZZ_H

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, and so the input is kept, where the condition does not hold. */
#define fuzz_require(condition, what) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition, what))
static inline void fuzz_fail(const char *file, int line, const char *condition, const char *what)
{
    fprintf(stderr, "%s:%d: this must hold: %s (%s)\n", file, line, what, condition);
    abort();
}

/* Text that a terminal can take: valid UTF-8, and of control characters no other than a line end or a tab. */
static inline void fuzz_require_safe(const char *text, size_t bytes)
{
    uint32_t c;
    for (size_t i = 0, n; i < bytes; i += n) {
        n = utf8_decode(text + i, bytes - i, &c);
        fuzz_require(n > 0 && (c == '\n' || c == '\t' || (c >= ' ' && (c < 0x7F || c > 0x9F))), "it is safe to show");
    }
}

/* What is left of the input. Behind its end all bytes are 0, so a target may ask for as many as it likes; where it
 * builds a list as long as the input is, it asks fuzz_more. */
typedef struct FuzzInput {
    const uint8_t *data;
    size_t size;
} FuzzInput;

static inline bool fuzz_more(const FuzzInput *in) { return in->size > 0; }
static inline uint8_t fuzz_byte(FuzzInput *in) { return in->size == 0 ? 0 : (in->size--, *in->data++); }

/* 0 .. n − 1, for n from 1 to 65536. */
static inline size_t fuzz_below(FuzzInput *in, size_t n)
{
    const size_t low = fuzz_byte(in);
    return (n > 256 ? low + 256 * (size_t)fuzz_byte(in) : low) % n;
}

/* A double: an ordinary one, mostly; one at which formulas go wrong; or any 64 bits at all. */
static inline double fuzz_number(FuzzInput *in)
{
    static const double awkward[] = {
        0,    1,           0.5,     2,      20,     710,   746,     36.7368,  1e16, 1.5707963267948966,
        1e-8, DBL_EPSILON, DBL_MIN, 5e-324, 1e-160, 1e160, DBL_MAX, INFINITY, NAN};
    enum { AWKWARD = 2 * sizeof awkward / sizeof *awkward };
    const uint8_t kind = fuzz_byte(in);
    double x;
    uint64_t bits = 0;
    if (kind < AWKWARD)
        return kind % 2 == 0 ? awkward[kind / 2] : -awkward[kind / 2];
    for (int i = 0; i < (kind < 64 ? 8 : 2); i++)
        bits = bits << 8 | fuzz_byte(in);
    memcpy(&x, &bits, sizeof x);
    return kind < 64 ? x : (double)(int16_t)bits / 4096; /* up to ±8 */
}

/* Runs a statement, and says whether it was refused as misuse (error.h). It is left by longjmp: it must not change a
 * local variable. */
#define fuzz_is_misuse(statement)                                                                                      \
    (misuse_set_handler(fuzz_refuse), fuzz_refused = false,                                                            \
     (void)(setjmp(fuzz_return) == 0 ? (void)(statement) : (void)0), misuse_set_handler(NULL), fuzz_refused)
static jmp_buf fuzz_return;
static bool fuzz_refused;
static inline void fuzz_refuse(Where where, const char *message)
{
    (void)where, (void)message;
    fuzz_refused = true;
    longjmp(fuzz_return, 1);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered" /* as in caught.h */
#endif

#endif
