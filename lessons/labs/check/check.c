/* check.c - the student's program: says what to do next, tries tasks, and shows why one is wrong.
 *
 *     build/check next | check [T] | hint [T] | reset T | prepare [T] | debug [T] | draw [T] | grade [--github]
 *     build/check current
 *
 * T is a task, 3.2 or mul_backward, or for `check` a lab, 3. The Makefile calls it, in the folder of the labs. */
#define _DEFAULT_SOURCE /* setenv, execvp beside C11 */
#define _DARWIN_C_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "draw.h"
#include "outcome.h"
#include "source.h"

enum { MOST_LABS = 11, FAILED = 2, PATH_SIZE = 80, MOST_READ = 8 /* numbers that a line can show */ };

static _Noreturn void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    exit(FAILED); /* 1 is: not all is right yet */
}

/* ---- tasks and labs ---------------------------------------------------------------------------------------------- */

typedef struct Lab {
    char file[16];        /* lab3.c */
    uint64_t hash, built; /* of what it is compiled from, as it is now, and when its program was compiled */
} Lab;

static Lab lab_files[MOST_LABS];
static bool solved[MOST_TASKS];
static bool was_solved[MOST_TASKS]; /* before its file was changed */
static const Task *last_asked;

static int lab_of(const Task *task) { return atoi(task->id); }
static Lab *file_of(const Task *task) { return &lab_files[lab_of(task)]; }
static int place_of(const Task *task) { return (int)(task - tasks); }

/* "check/answers/3.2.txt" in path. */
static const char *path_of(const char *folder, const char *id, const char *ending, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s.%s", folder, id, ending);
    return path;
}

/* A teacher may hand out some of the labs only. */
static bool is_here(const Task *task)
{
    char path[PATH_SIZE];
    return access(path_of("check/answers", task->id, "txt", path), R_OK) == 0;
}

static const Task *next_here(const Task *task)
{
    while (++task < tasks + task_count)
        if (is_here(task))
            return task;
    return NULL;
}

static const Task *first_here(void) { return is_here(tasks) ? tasks : next_here(tasks); }

#define FOR_EACH_TASK(task) for (const Task *task = first_here(); task != NULL; task = next_here(task))

static const Task *find_task(const char *id)
{
    const Task *task = task_find(id);
    if (task != NULL && is_here(task))
        return task;
    fprintf(stderr, "There is no task %s. The tasks are", id);
    FOR_EACH_TASK (other)
        fprintf(stderr, " %s", other->id);
    give_up(".\n");
}

/* The line in which a task's function begins, or 0. */
static int line_of(const Task *task)
{
    Definition definition = {0, 0, 0};
    char *text = source_read(file_of(task)->file);
    if (text != NULL)
        source_find(text, task->function, &definition);
    free(text);
    return definition.line;
}

/* ---- what is remembered: build/state, a line per fact ------------------------------------------------------------ */

/* "solved 3.2 HASH", "built 3 HASH", "asked 3.2": a task whose file has another hash by now is tried again. */
static const char state_path[] = "build/state";

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211); /* FNV-1a */
    return hash;
}

static uint64_t hash_of(const char *file)
{
    const char *compile = getenv("COMPILE");
    uint64_t hash = hash_text(UINT64_C(14695981039346656037), compile != NULL ? compile : "");
    const char *const parts[] = {"lab.h", file};
    for (int i = 0; i < 2; i++) {
        char *text = source_read(parts[i]);
        hash = hash_text(hash, text != NULL ? text : "");
        free(text);
    }
    return hash;
}

static void read_state(void)
{
    for (int lab = 0; lab < MOST_LABS; lab++) {
        snprintf(lab_files[lab].file, sizeof lab_files[lab].file, "lab%d.c", lab);
        lab_files[lab].hash = hash_of(lab_files[lab].file);
    }
    FILE *in = fopen(state_path, "r");
    char fact[16], id[16], hash[24];
    while (in != NULL && fscanf(in, "%15s %15s %23s", fact, id, hash) == 3) {
        const Task *task = task_find(id);
        const uint64_t number = strtoull(hash, NULL, 16);
        if (strcmp(fact, "built") == 0 && atoi(id) >= 0 && atoi(id) < MOST_LABS)
            lab_files[atoi(id)].built = number;
        else if (strcmp(fact, "asked") == 0)
            last_asked = task;
        else if (task != NULL && number == file_of(task)->hash)
            solved[place_of(task)] = true;
        else if (task != NULL)
            was_solved[place_of(task)] = true;
    }
    if (in != NULL)
        fclose(in);
}

static void write_state(void)
{
    FILE *out = fopen(state_path, "w");
    if (out == NULL)
        give_up("%s cannot be written: %s\n", state_path, strerror(errno));
    for (int lab = 0; lab < MOST_LABS; lab++)
        fprintf(out, "built %d %llx\n", lab, (unsigned long long)lab_files[lab].built);
    FOR_EACH_TASK (task)
        if (solved[place_of(task)] || was_solved[place_of(task)])
            fprintf(out, "solved %s %llx\n", task->id,
                    (unsigned long long)(solved[place_of(task)] ? file_of(task)->hash : 0));
    if (last_asked != NULL)
        fprintf(out, "asked %s -\n", last_asked->id);
    fclose(out);
}

/* ---- compiling: each lab by itself, so that one that does not compile is in nobody's way ------------------------- */

static void said_path(const Task *task, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "build/lab%d.said", lab_of(task));
}

/* Compile a program of a lab; what the compiler says goes to build/lab3.said. */
static bool compile(const Task *task, const char *options, const char *program)
{
    char command[2000], said[PATH_SIZE];
    said_path(task, said);
    snprintf(command, sizeof command, "$COMPILE %s%s -DLAB=%d -o %s %s check/worker.c build/calls.o -lm >%s 2>&1",
             isatty(1) ? "-fdiagnostics-color=always " : "", options, lab_of(task), program, file_of(task)->file, said);
    return system(command) == 0;
}

static bool build(const Task *task)
{
    Lab *lab = file_of(task);
    char path[PATH_SIZE];
    if (access(lab->file, R_OK) != 0)
        give_up("%s cannot be read: %s. Its skeleton: check/skeleton/%s\n", lab->file, strerror(errno), lab->file);
    snprintf(path, sizeof path, "build/lab%d", lab_of(task));
    if (lab->built == lab->hash && access(path, X_OK) == 0)
        return true;
    const bool compiles = compile(task, "-O1 -g", path);
    lab->built = compiles ? lab->hash : 0;
    return compiles;
}

/* What the compiler said of a lab, as it said it. */
static void show_compiler(const Task *task)
{
    char path[PATH_SIZE];
    said_path(task, path);
    char *text = source_read(path);
    fputs(text != NULL ? text : "", stdout);
    free(text);
}

static void say_it_does_not_compile(const Task *task)
{
    show_compiler(task);
    printf("%s does not compile: see above.\n", file_of(task)->file);
}

/* ---- trying ------------------------------------------------------------------------------------------------------ */

static void read_answers(const Task *task, Answers *answers)
{
    char path[PATH_SIZE];
    const char *why = "";
    FILE *in = fopen(path_of("check/answers", task->id, "txt", path), "r");
    if (in == NULL || !answers_read(answers, task, in, &why))
        give_up("%s cannot be read%s%s. Take it again from the folder that you were given.\n", path,
                *why != '\0' ? ": " : "", why);
    fclose(in);
}

static Answers answers; /* of the task that was tried last, and */
static Outcome outcome; /* what came of it */

/* False where its lab does not compile. */
static bool try(const Task *task)
{
    solved[place_of(task)] = false;
    read_answers(task, &answers);
    if (!build(task))
        return false;
    static Ended ended;
    char worker[PATH_SIZE], id[16];
    snprintf(worker, sizeof worker, "build/lab%d", lab_of(task));
    snprintf(id, sizeof id, "%s", task->id);
    char *argv[] = {worker, id, NULL};
    Command command;
    outcome_command(&answers, &command, &outcome);
    command.argv = argv;
    command.folder = ".";
    run(&command, &ended);
    outcome_judge(&answers, &command, &ended, &outcome);
    was_solved[place_of(task)] = false;
    solved[place_of(task)] = outcome.ending == RIGHT;
    return true;
}

/* The function as it stands in a text, without its place: "" where it is not there. */
static void copy_function(const char *text, const char *function, char *copy, size_t size)
{
    Definition found;
    copy[0] = '\0';
    if (text != NULL && source_find(text, function, &found))
        snprintf(copy, size, "%.*s", (int)(found.end - found.begin), text + found.begin);
}

/* Whether something was written into the function, and the call of not_written was left in. */
static bool is_begun(const Task *task)
{
    char path[PATH_SIZE], mine[5000], skeleton[5000];
    snprintf(path, sizeof path, "check/skeleton/%s", file_of(task)->file);
    char *text = source_read(file_of(task)->file), *handed_out = source_read(path);
    copy_function(text, task->function, mine, sizeof mine);
    copy_function(handed_out, task->function, skeleton, sizeof skeleton);
    free(text);
    free(handed_out);
    return strcmp(mine, skeleton) != 0;
}

static bool is_wrong(void) { return outcome.ending == WRONG || outcome.ending == STOPPED; }

static void print_outcome(const Task *task)
{
    outcome_print(&outcome, task->points, file_of(task)->file, line_of(task), stdout);
    if (outcome.ending == NOT_WRITTEN && is_begun(task))
        printf("   not_written(\"%s\") still stands in it: take that line out when the function is written\n",
               task->id);
    if (!is_wrong())
        return;
    printf("   see: make debug T=%s", task->id);
    if (outcome.ending == WRONG && layout_count(task->in) + layout_count(task->out) > MOST_READ)
        printf(" · make draw T=%s", task->id);
    printf("\n");
}

/* The task that a person is at: the one asked for last, or else the next one that is not solved; NULL: all are. */
static const Task *current_task(void)
{
    const Task *start = last_asked != NULL && is_here(last_asked) ? last_asked : first_here(), *task = start;
    do {
        if (!solved[place_of(task)] && (!try(task) || outcome.ending != RIGHT))
            return task;
        task = next_here(task);
        if (task == NULL)
            task = first_here();
    } while (task != start);
    return NULL;
}

static const Task *task_or_current(const char *which)
{
    const Task *task = *which != '\0' ? find_task(which) : current_task();
    if (task == NULL) {
        printf("All tasks are solved. Say which one you mean, as in T=3.2\n");
        exit(0);
    }
    last_asked = task;
    return task;
}

/* Those that were right before their file was changed are tried again: mostly they still are. */
static void print_solved(void)
{
    int count = 0, all = 0, points = 0, all_points = 0;
    FOR_EACH_TASK (task) {
        if (was_solved[place_of(task)] && !solved[place_of(task)])
            try(task);
        const bool done = solved[place_of(task)];
        count += done, all++;
        points += done ? task->points : 0, all_points += task->points;
    }
    printf("Solved: %d of %d tasks, %d of %d points.\n", count, all, points, all_points);
}

static const char *plural(int points) { return points == 1 ? "point" : "points"; }

/* ---- the commands ------------------------------------------------------------------------------------------------ */

static int say_next(const char *which)
{
    (void)which;
    const Task *task = current_task();
    if (task == NULL) {
        print_solved();
        printf("That was the last one. `make grade` tries all of them once more.\n");
        return 0;
    }
    last_asked = task;
    printf("Next: %s %s (%d %s): %s\n", task->id, task->function, task->points, plural(task->points), task->goal);
    if (file_of(task)->built == 0) {
        say_it_does_not_compile(task);
    } else if (outcome.ending == NOT_WRITTEN) {
        printf("Write it at %s:%d. What it must do stands above it.\n", file_of(task)->file, line_of(task));
    } else {
        print_outcome(task);
    }
    printf("Then type: make check T=%s      For a hint: make hint      All commands: make help\n", task->id);
    print_solved();
    return 0;
}

/* One task, with all that can be said of it. */
static bool check_task(const Task *task)
{
    const bool compiles = try(task);
    show_compiler(task);
    if (compiles)
        print_outcome(task);
    else
        printf("== %s %s ==  %s does not compile: see above\n", task->id, task->function, file_of(task)->file);
    return compiles && outcome.ending == RIGHT;
}

/* All tasks of a lab. What the compiler says is shown where one lab was asked for: it is in nobody else's way. */
static bool check_lab(int lab, bool with_compiler)
{
    bool all_right = true, first = true;
    FOR_EACH_TASK (task) {
        if (lab_of(task) != lab)
            continue;
        const bool compiles = try(task);
        if (first && with_compiler)
            show_compiler(task);
        first = false;
        if (!compiles) {
            printf("== lab %d ==  %s does not compile: ", lab, file_of(task)->file);
            printf(with_compiler ? "see above\n" : "make check T=%d shows why\n", lab);
            return false;
        }
        print_outcome(task);
        all_right &= outcome.ending == RIGHT;
    }
    return all_right;
}

/* The first task of a lab: the next ones are looked for from there on. NULL: no such lab. */
static const Task *first_of(int lab)
{
    FOR_EACH_TASK (task)
        if (lab_of(task) == lab)
            return task;
    return NULL;
}

static int check(const char *which)
{
    bool right = true;
    if (*which == '\0') {
        for (int lab = 0; lab < MOST_LABS; lab++)
            right &= check_lab(lab, false);
    } else if (strspn(which, "0123456789") == strlen(which)) {
        last_asked = first_of(atoi(which));
        if (last_asked == NULL)
            give_up("There is no lab %s here.\n", which);
        right = check_lab(atoi(which), true);
    } else {
        last_asked = find_task(which);
        right = check_task(last_asked);
    }
    print_solved();
    return !right;
}

/* The hints of a task lie in a file, a line each; build/hints holds the id of a task each time one was asked for. */
static int hint(const char *which)
{
    const Task *task = task_or_current(which);
    char path[PATH_SIZE], line[1000];
    int asked = 1, count = 0;
    FILE *log = fopen("build/hints", "a+");
    if (log == NULL)
        give_up("build/hints cannot be written: %s\n", strerror(errno));
    rewind(log);
    while (fgets(line, sizeof line, log) != NULL)
        asked += strncmp(line, task->id, strlen(task->id)) == 0 && line[strlen(task->id)] == '\n';
    fprintf(log, "%s\n", task->id);
    fclose(log);
    FILE *hints = fopen(path_of("check/hints", task->id, "txt", path), "r");
    if (hints == NULL)
        give_up("There are no hints for %s.\n", task->id);
    while (fgets(line, sizeof line, hints) != NULL)
        count++;
    rewind(hints);
    printf("%s %s:\n", task->id, task->function);
    for (int i = 1; i <= count && i <= asked && fgets(line, sizeof line, hints) != NULL; i++)
        printf("  %d. %s", i, line);
    fclose(hints);
    if (asked < count)
        printf("%d more: make hint T=%s\n", count - asked, task->id);
    return 0;
}

/* Put the skeleton of one function back into the student's file; the file as it was is kept under another name. */
static int reset(const char *which)
{
    if (*which == '\0')
        give_up("Which task? make reset T=3.2\n");
    const Task *task = find_task(which);
    const char *file = file_of(task)->file;
    char path[PATH_SIZE], kept[PATH_SIZE];
    snprintf(path, sizeof path, "check/skeleton/%s", file);
    char *mine = source_read(file), *skeleton = source_read(path);
    Definition old, fresh;
    if (skeleton == NULL || !source_find(skeleton, task->function, &fresh))
        give_up("%s has no %s. Take it again from the folder that you were given.\n", path, task->function);
    if (mine == NULL)
        give_up("There is no %s. Its skeleton: %s\n", file, path);
    if (!source_find(mine, task->function, &old))
        give_up("%s has no function %s to put back. Its skeleton is at %s:%d\n", file, task->function, path,
                fresh.line);
    int number = 1;
    do
        snprintf(kept, sizeof kept, "%s.old-%d", file, number++);
    while (access(kept, F_OK) == 0);
    if (rename(file, kept) != 0)
        give_up("%s cannot be kept as %s: %s\n", file, kept, strerror(errno));
    FILE *out = fopen(file, "w");
    if (out != NULL)
        fprintf(out, "%.*s%.*s%s", (int)old.begin, mine, (int)(fresh.end - fresh.begin), skeleton + fresh.begin,
                mine + old.end);
    if (out == NULL || fclose(out) != 0)
        give_up("%s cannot be written: %s. It was kept as %s\n", file, strerror(errno), kept);
    printf("%s of %s is as it was handed out. Your %s as it was is kept: %s\n", task->function, file, file, kept);
    free(mine);
    free(skeleton);
    return 0;
}

static void write_for_debugger(const char *name, const void *content, size_t bytes)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "build/debug/%s", name);
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(content, 1, bytes, out) != bytes || fclose(out) != 0)
        give_up("%s cannot be written: %s\n", path, strerror(errno));
}

/* Compile the program build/debug/lab, which calls one function with the first point at which it goes wrong. */
static int prepare(const char *which)
{
    const Task *task = task_or_current(which);
    if (!try(task) || !compile(task, "-O0 -g3 -Dmain=worker_main check/debug.c", "build/debug/lab")) {
        say_it_does_not_compile(task);
        return 1;
    }
    print_outcome(task);
    char stop[PATH_SIZE];
    snprintf(stop, sizeof stop, "break %s\n", task->function);
    write_for_debugger("stop", stop, strlen(stop));
    write_for_debugger("task", task->id, strlen(task->id));
    const int point = outcome.point < POINTS ? outcome.point : 0;
    write_for_debugger("point", answers.in[point], (size_t)layout_count(task->in) * sizeof(double));
    printf("The debugger stops in %s, called with %s.\n", task->function,
           is_wrong() ? "these numbers" : "the first numbers that it is tried on");
    return 0;
}

static bool is_installed(const char *program)
{
    char command[PATH_SIZE];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0;
}

static int debug(const char *which)
{
    const bool gdb = is_installed("gdb");
    if (!gdb && !is_installed("lldb"))
        give_up("No debugger is installed here: install gdb (or lldb; on macOS: xcode-select --install).\n");
    if (prepare(which) != 0)
        return 1;
    write_state();
    printf("Type: %s · next · print NAME · finish (to the end of the function) · continue · quit\n\n",
           gdb ? "info args" : "frame variable");
    fflush(stdout);
    char stop[PATH_SIZE];
    snprintf(stop, sizeof stop, "breakpoint set --name %s", last_asked->function);
    setenv("DEBUGINFOD_URLS", "", 1); /* or gdb asks whether it may look for sources in the network */
    if (gdb)
        execlp("gdb", "gdb", "-q", "-ex", "set confirm off", "-x", "build/debug/stop", "-ex", "run", "build/debug/lab",
               (char *)NULL);
    else
        execlp("lldb", "lldb", "-o", stop, "-o", "run", "build/debug/lab", (char *)NULL);
    give_up("The debugger cannot be started: %s\n", strerror(errno));
}

/* A picture of the results at the first point that is wrong. */
static int draw(const char *which)
{
    const Task *task = task_or_current(which);
    char path[PATH_SIZE], command[3 * PATH_SIZE];
    if (!try(task)) {
        say_it_does_not_compile(task);
        return 1;
    }
    print_outcome(task);
    if (outcome.ending == NOT_WRITTEN || outcome.ending == STOPPED) {
        printf("There are no results to draw.\n");
        return 1;
    }
    const bool graph = draw_is_graph(task);
    FILE *out = fopen(path_of("build/draw", task->id, graph ? "dot" : "html", path), "w");
    if (out == NULL)
        give_up("%s cannot be written: %s\n", path, strerror(errno));
    if (graph)
        draw_graph(&answers, &outcome, out);
    else
        draw_page(&answers, &outcome, out);
    fclose(out);
    printf("Drawn: %s\n", path);
    if (!graph)
        return 0;
    snprintf(command, sizeof command, "dot -Tsvg -o build/draw/%s.svg %s", task->id, path);
    if (!is_installed("dot"))
        printf("With Graphviz (the program dot) it becomes a picture: dot -Tsvg -O %s\n", path);
    else if (system(command) == 0)
        printf("Drawn: build/draw/%s.svg\n", task->id);
    return 0;
}

/* ---- all of it, with a score ------------------------------------------------------------------------------------- */

/* A failure for GitHub, with what was printed. */
static void print_github(const Task *task, const char *message, const char *printed)
{
    char text[5000];
    snprintf(text, sizeof text, "%s\n%s", message, printed);
    outcome_print_github(task, file_of(task)->file, line_of(task), text, stdout);
}

static int grade(const char *option)
{
    const bool github = strcmp(option, "--github") == 0;
    int points = 0, all_points = 0, failures = 0;
    const Task *next = NULL;
    FOR_EACH_TASK (task) {
        const bool compiles = try(task);
        char path[PATH_SIZE], *said;
        said_path(task, path);
        if (!compiles && github && (said = source_read(path)) != NULL) {
            print_github(task, "It does not compile:", said);
            free(said);
        } else if (!compiles) {
            printf("== %s %s ==  %s does not compile\n", task->id, task->function, file_of(task)->file);
        } else if (github && is_wrong()) {
            print_github(task, outcome.reason, outcome.printed);
        } else {
            print_outcome(task);
        }
        failures += !compiles || is_wrong();
        all_points += task->points;
        points += solved[place_of(task)] ? task->points : 0;
        if (next == NULL && !solved[place_of(task)])
            next = task;
    }
    printf("Score: %d/%d%s%s\n", points, all_points, next != NULL ? "   next: " : "", next != NULL ? next->id : "");
    return github && failures > 0;
}

/* For watch.sh: "3.2 lab3.c", or nothing when all is solved. */
static int current(const char *which)
{
    (void)which;
    const Task *task = current_task();
    if (task != NULL)
        printf("%s %s\n", task->id, file_of(task)->file);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const char *which);
    } commands[] = {{"next", say_next}, {"check", check}, {"hint", hint},   {"reset", reset},    {"prepare", prepare},
                    {"debug", debug},   {"draw", draw},   {"grade", grade}, {"current", current}};
    if (first_here() == NULL)
        give_up("Call make in the folder of the labs: check/answers is not here.\n");
    mkdir("build", 0777);
    mkdir("build/debug", 0777);
    mkdir("build/draw", 0777);
    read_state();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (argc > 1 && strcmp(argv[1], commands[i].name) == 0) {
            const int status = commands[i].run(argc > 2 ? argv[2] : "");
            write_state();
            return status;
        }
    give_up("usage: build/check next | check [T] | hint [T] | reset T | debug [T] | draw [T] | grade [--github]\n");
}
