#define _DEFAULT_SOURCE /* waitpid's macros beside C11 */
#define _DARWIN_C_SOURCE
#include "outcome.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

/* Add a printf-style piece to a text; what does not fit is cut off. */
static void add(char *text, size_t size, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

/* ---- what to run ------------------------------------------------------------------------------------------------- */

void outcome_command(const Answers *answers, Command *command, Outcome *outcome)
{
    static double in[POINTS * MOST_IN];
    const Task *task = answers->task;
    const size_t in_count = (size_t)layout_count(task->in), out_count = (size_t)layout_count(task->out);
    for (size_t i = 0; i < POINTS; i++)
        memcpy(in + i * in_count, answers->in[i], in_count * sizeof *in);
    *outcome = (Outcome){.task = task};
    *command = (Command){.exec_fd = -1,
                         .in = in,
                         .in_bytes = POINTS * in_count * sizeof *in,
                         .out = outcome->got, /* without gaps; outcome_judge moves them into place */
                         .out_bytes = POINTS * out_count * sizeof(double),
                         .cpu_seconds = strcmp(task->id, "8.1") == 0 ? 10 : 2,
                         .memory = (size_t)256 << 20,
                         .stack = (size_t)1 << 20};
    command->wall_seconds = 5 * command->cpu_seconds;
}

/* ---- how it ended ------------------------------------------------------------------------------------------------ */

static const char *signal_words(int number)
{
    switch (number) {
    case SIGSEGV:
    case SIGBUS:
        return "it used memory that is not its own: an index out of range, a pointer that leads nowhere, or malloc "
               "returned NULL (SIGSEGV)";
    case SIGFPE: return "an integer was divided by zero (SIGFPE)";
    case SIGABRT: return "it was aborted: an assert that failed, or memory written behind its end (SIGABRT)";
    case SIGILL: return "it came to an instruction that does not exist (SIGILL)";
    default: return NULL;
    }
}

/* One byte behind whole numbers is a sign of worker.c's; '\0' where there is none. */
static char sign_of(const Ended *ended, const Command *command)
{
    const bool is_there = command->out != NULL && ended->answered % sizeof(double) == 1;
    return is_there ? ((const char *)command->out)[ended->answered - 1] : '\0';
}

static const char *sign_words(char sign)
{
    switch (sign) {
    case '!': return "it calls the function of another task of this lab, which is not written yet";
    case '>': return "it wrote behind the end of its result: an index is too large";
    case '<': return "it changed the numbers that it was given";
    default: return NULL;
    }
}

void outcome_stopped(const Ended *ended, const Command *limits, char *words, size_t size)
{
    const int number = WIFSIGNALED(ended->status) ? WTERMSIG(ended->status) : 0;
    const bool computed = ended->cpu_seconds > limits->cpu_seconds - 0.5;
    words[0] = '\0';
    if (!ended->started)
        add(words, size, "it could not be started: %s", strerror(ended->error));
    else if (ended->answered > limits->out_bytes)
        add(words, size, "it gave more numbers than were asked for");
    else if (ended->flooded)
        add(words, size, "it printed more than 1 MB and was stopped: a printf in an endless loop?");
    else if (number == SIGXCPU || (number == SIGKILL && computed))
        add(words, size, "it computed for %.0f s and was stopped: an endless loop?", fmax(1, ended->cpu_seconds));
    else if (ended->late)
        add(words, size, "it had no result after %.0f s and was stopped: does it wait for something?",
            ended->wall_seconds);
#ifdef SIGSYS
    else if (number == SIGSYS)
        add(words, size, "it asked the system for what no task needs (files, processes, the network), and was stopped");
#endif
    else if (number == SIGSEGV && sign_of(ended, limits) == '^')
        add(words, size, "the stack of %zu kB is full: a recursion too deep, or a large array in a function",
            limits->stack >> 10);
    else if (number == 0 && sign_words(sign_of(ended, limits)) != NULL)
        add(words, size, "%s", sign_words(sign_of(ended, limits)));
    else if (number != 0 && signal_words(number) != NULL)
        add(words, size, "it crashed: %s", signal_words(number));
    else if (number != 0)
        add(words, size, "it was ended by signal %d", number);
    else
        add(words, size, "it called exit (status %d) before it gave its result", WEXITSTATUS(ended->status));
}

/* How many bytes of a text are one character that may be shown; 0: none. Control characters, those of the second kind
 * too (U+0080 to U+009F), could steer a terminal, and those of U+202A to U+202E and U+2066 to U+2069 turn a line round.
 */
static int shown_bytes(const unsigned char *text)
{
    const int bytes = *text < 0x80 ? 1 : *text < 0xC2 ? 0 : *text < 0xE0 ? 2 : *text < 0xF0 ? 3 : *text < 0xF5 ? 4 : 0;
    for (int i = 1; i < bytes; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xF0 && text[1] < 0x90)) /* it has a shorter form */
        return 0;
    if ((text[0] == 0xED && text[1] >= 0xA0) || (text[0] == 0xF4 && text[1] >= 0x90)) /* surrogates; above U+10FFFF */
        return 0;
    if (bytes == 1)
        return (*text >= ' ' && *text != 0x7F) || *text == '\n' || *text == '\t';
    const bool steers = (text[0] == 0xC2 && text[1] < 0xA0) ||
                        (text[0] == 0xE2 && text[1] == 0x80 && text[2] >= 0xAA && text[2] <= 0xAE) ||
                        (text[0] == 0xE2 && text[1] == 0x81 && text[2] >= 0xA6 && text[2] <= 0xA9);
    return steers ? 0 : bytes;
}

void outcome_quote(Outcome *outcome, const Ended *ended)
{
    static const char more[] = "\n| ...\n";
    enum { MOST_LINES = 12, LONGEST_STEP = 2 + 4 /* a bar, and a character */ };
    int lines = 0;
    const char *text = ended->text;
    char *to = outcome->printed;
    const char *const end = to + sizeof outcome->printed - LONGEST_STEP - sizeof more;
    bool begins = true;
    while (*text != '\0' && to < end && lines < MOST_LINES) {
        if (begins)
            *to++ = '|', *to++ = ' ';
        const int bytes = shown_bytes((const unsigned char *)text);
        begins = *text == '\n';
        lines += begins;
        if (bytes == 0)
            *to++ = '?', text++;
        for (int i = 0; i < bytes; i++)
            *to++ = *text++;
    }
    if (to > outcome->printed && to[-1] != '\n')
        *to++ = '\n';
    const bool all = *text == '\0' && ended->said <= SAID_MOST;
    strcpy(to, all ? "" : more + 1);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static void add_number(char *text, size_t size, double x, int digits)
{
    if (isnan(x))
        add(text, size, "nan"); /* without its sign, which says nothing; as that of 0 */
    else
        add(text, size, "%.*g", digits, x == 0 ? 0 : x);
}

/* The numbers that went in, where a person can take them in: "a = 2, z = {1, 2, 3}". */
static void add_inputs(char *text, size_t size, const char *layout, const double *in)
{
    enum { MOST_SHOWN = 24 };
    const int count = layout_count(layout);
    if (count > MOST_SHOWN) {
        add(text, size, strncmp(layout, "node[", 5) == 0 ? "(a graph goes in)" : "(%d numbers go in)", count);
        return;
    }
    size_t last_length = 0;
    char last[NAME_SIZE] = "";
    for (int i = 0; i < count; i++) {
        char name[NAME_SIZE];
        layout_name(layout, i, name);
        const size_t length = strcspn(name, "[");
        const bool same = last_length == length && strncmp(name, last, length) == 0;
        const char *second = strchr(name + length, ']');
        const bool new_row = same && second != NULL && strcmp(second, "][0]") == 0;
        if (!same)
            add(text, size, "%s%s%.*s = %s", strchr(last, '[') != NULL ? "}" : "", i > 0 ? ", " : "", (int)length, name,
                name[length] == '[' ? "{" : "");
        else
            add(text, size, new_row ? " | " : ", ");
        add_number(text, size, in[i], 6);
        last_length = length;
        memcpy(last, name, sizeof last);
    }
    add(text, size, strchr(last, '[') != NULL ? "}" : "");
}

/* Got and want with as many digits as it takes to see that they differ. */
static void add_difference(Outcome *outcome, const Answers *answers)
{
    const int point = outcome->verdict.point, index = outcome->verdict.index;
    const double got = outcome->got[point][index], want = answers->want[point][index];
    char *reason = outcome->reason, name[NAME_SIZE];
    char got_text[40] = "", want_text[40] = "";
    for (int digits = 6; digits <= 17 && strcmp(got_text, want_text) == 0; digits++) {
        got_text[0] = want_text[0] = '\0';
        add_number(got_text, sizeof got_text, got, digits);
        add_number(want_text, sizeof want_text, want, digits);
    }
    const char *space = strlen(reason) <= 60 ? "      " : "\n"; /* behind many numbers it would not be seen */
    add(reason, sizeof outcome->reason, "%s%s: got %s, want %s", space, layout_name(outcome->task->out, index, name),
        got_text, want_text);
    if (got == DIRTY(index))
        add(reason, sizeof outcome->reason, " (nothing was written there)");
    else if (fabs(got - want - DIRTY(index)) < TOLERANCE)
        add(reason, sizeof outcome->reason, " (it was added to what stood there before)");
    const double nudged = answers->has_nudged ? answers->nudged[point][index] : NAN;
    if (!isnan(nudged))
        add(reason, sizeof outcome->reason, "     nudged: %.6g", nudged);
}

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

/* From one after the other to a row for each point; the last goes first, so that none is overwritten. */
static void spread(Outcome *outcome)
{
    const size_t count = (size_t)layout_count(outcome->task->out);
    double *got = (double *)outcome->got;
    for (size_t point = POINTS; point-- > 0;)
        memmove(outcome->got[point], got + point * count, count * sizeof *got);
}

static void judge_numbers(const Answers *answers, Outcome *outcome)
{
    spread(outcome);
    outcome->verdict = judge(answers, (const double(*)[MOST_OUT])outcome->got);
    outcome->ending = outcome->verdict.right ? RIGHT : WRONG;
    if (outcome->verdict.right)
        return;
    outcome->point = outcome->verdict.point;
    add_inputs(outcome->reason, sizeof outcome->reason, outcome->task->in, answers->in[outcome->point]);
    if (outcome->verdict.index >= 0)
        add_difference(outcome, answers);
    add(outcome->reason, sizeof outcome->reason, "\n");
    if (outcome->verdict.why[0] != '\0')
        add(outcome->reason, sizeof outcome->reason, "%s\n", outcome->verdict.why);
}

void outcome_judge(const Answers *answers, const Command *command, const Ended *ended, Outcome *outcome)
{
    outcome_quote(outcome, ended);
    if (ended->answered == command->out_bytes) {
        judge_numbers(answers, outcome);
        return;
    }
    if (sign_of(ended, command) == '?' && ended->status == 0) {
        outcome->ending = NOT_WRITTEN;
        return;
    }
    outcome->ending = STOPPED;
    outcome->point = (int)(ended->answered / (command->out_bytes / POINTS));
    if (outcome->point < POINTS) {
        add_inputs(outcome->reason, sizeof outcome->reason, outcome->task->in, answers->in[outcome->point]);
        add(outcome->reason, sizeof outcome->reason, "\n");
    }
    char words[300];
    outcome_stopped(ended, command, words, sizeof words);
    add(outcome->reason, sizeof outcome->reason, "%s\n", words);
}

/* ---- the block --------------------------------------------------------------------------------------------------- */

static void print_indented(const char *lines, FILE *out)
{
    while (*lines != '\0') {
        const int length = (int)strcspn(lines, "\n");
        fprintf(out, "   %.*s\n", length, lines);
        lines += length + (lines[length] == '\n');
    }
}

void outcome_print(const Outcome *outcome, double points, const char *file, int line, FILE *out)
{
    fprintf(out, "== %s %s ==  ", outcome->task->id, outcome->task->function);
    if (outcome->ending == RIGHT)
        fprintf(out, "ok %g/%g\n", points, points);
    else if (outcome->ending == NOT_WRITTEN)
        fprintf(out, "not written yet   %s:%d\n", file, line);
    else if (line > 0)
        fprintf(out, "FAIL 0/%g   %s:%d\n", points, file, line);
    else
        fprintf(out, "FAIL 0/%g   %s\n", points, file);
    print_indented(outcome->reason, out);
    if (outcome->printed[0] != '\0' && outcome->ending != RIGHT) {
        fprintf(out, "   output:\n");
        print_indented(outcome->printed, out);
    }
}

void outcome_print_github(const Task *task, const char *file, int line, const char *message, FILE *out)
{
    fprintf(out, "::error file=%s,line=%d,title=%s %s::", file, line > 0 ? line : 1, task->id, task->function);
    for (; *message != '\0' && strcmp(message, "\n") != 0; message++) /* the last newline is no part of it */
        if (strchr("%\r\n", *message) != NULL)
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*message);
        else
            fputc(*message, out);
    fputc('\n', out);
}
