/* grade.c - the grader: grade [OPTION...] SUBMISSION_FOLDER RESULTS.json
 *
 * It builds each lab of the submission, runs each task in a process of its own, and judges the numbers that come back.
 * Reference, known mistakes and seed are in this process alone. */
#define _DEFAULT_SOURCE /* readlink, CLOCK_MONOTONIC beside C11 */
#define _DARWIN_C_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "build.h"
#include "compute.h"
#include "results.h"
#include "source.h"

enum { ALL_LABS = -1, WRONG_USAGE = 2 };

typedef struct Options {
    const char *submission, *results, *kit;
    Terms terms[MOST_TASKS];
    double submitted; /* NAN: not known */
    uint64_t seed;
    int lab;
    bool github, show_walls;
    bool shared; /* link with shared libraries, also where static ones are */
    Walls walls; /* those that are wanted */
} Options;

/* ---- the command line -------------------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: grade [OPTION...] SUBMISSION_FOLDER RESULTS.json\n"
    "       grade --walls\n"
    "  --lab N           grade lab N alone\n"
    "  --seed N          try the tasks on the same numbers again: the seed stands in the results' extra_data\n"
    "  --terms FILE      points, visibility and deadlines (lessons/labs/terms.txt explains it)\n"
    "  --submitted TIME  when it was handed in, as 2027-03-01T23:59:00+01:00\n"
    "  --github          print failures as GitHub's workflows show them, and nothing that the submission printed\n"
    "  --kit FOLDER      where lab.h and check/ are; lessons/labs, if it is not given\n"
    "  --walls           try what stands between a submission and the grader on this machine\n";

static _Noreturn void complain(const char *what, const char *about)
{
    fprintf(stderr, "grade: %s%s\n%s", what, about, usage);
    exit(WRONG_USAGE);
}

static uint64_t whole_number(const char *text)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        complain("not a whole number: ", text);
    return number;
}

/* Without a seed of the caller's, one that nobody can foresee. */
static uint64_t new_seed(void)
{
    uint64_t seed = 0;
    FILE *random = fopen("/dev/urandom", "rb");
    if (random == NULL || fread(&seed, sizeof seed, 1, random) != 1) {
        fprintf(stderr, "grade: /dev/urandom cannot be read, and a seed must not be foreseen: give one by --seed\n");
        exit(1);
    }
    fclose(random);
    return seed;
}

static void take_wall_down(Options *options, const char *name)
{
    bool known = strcmp(name, "static") == 0;
    options->shared |= known;
    for (int wall = 0; wall < WALLS; wall++)
        if (strcmp(name, wall_names[wall]) == 0) {
            options->walls.up[wall] = false;
            known = true;
        }
    if (!known)
        complain("there is no such wall: ", name);
}

static bool is_lab(int lab)
{
    for (int i = 0; i < task_count; i++)
        if (atoi(tasks[i].id) == lab)
            return true;
    return false;
}

static void read_value(Options *options, const char *name, const char *value)
{
    Error error;
    if (strcmp(name, "--lab") == 0) {
        options->lab = (int)whole_number(value);
        if (!is_lab(options->lab))
            complain("there is no lab ", value);
    } else if (strcmp(name, "--seed") == 0) {
        options->seed = whole_number(value);
    } else if (strcmp(name, "--kit") == 0) {
        options->kit = value;
    } else if (strcmp(name, "--without") == 0) { /* for tests alone: show that a wall is what holds */
        take_wall_down(options, value);
    } else if (strcmp(name, "--submitted") == 0) {
        if (!terms_time(value, &options->submitted))
            complain("not a time with a zone: ", value);
    } else if (strcmp(name, "--terms") != 0) {
        complain("no such option: ", name);
    } else if (!terms_read(value, options->terms, &error)) {
        complain(error.message, "");
    }
}

static void read_options(Options *options, char **argv)
{
    bool has_seed = false;
    *options = (Options){.kit = "lessons/labs", .submitted = NAN, .lab = ALL_LABS, .walls.up = {true, true, true}};
    terms_default(options->terms);
    for (argv++; *argv != NULL && strncmp(*argv, "--", 2) == 0; argv++) {
        if (strcmp(*argv, "--github") == 0) {
            options->github = true;
        } else if (strcmp(*argv, "--walls") == 0) {
            options->show_walls = true;
        } else if (argv[1] == NULL) {
            complain("no such option, or it needs a value: ", *argv);
        } else {
            has_seed |= strcmp(*argv, "--seed") == 0;
            read_value(options, argv[0], argv[1]);
            argv++;
        }
    }
    if (options->show_walls && *argv == NULL)
        return;
    if (argv[0] == NULL || argv[1] == NULL || argv[2] != NULL)
        complain("name the submission's folder and the results' file", "");
    options->submission = argv[0], options->results = argv[1];
    if (!has_seed)
        options->seed = new_seed();
}

/* ---- one task ---------------------------------------------------------------------------------------------------- */

static void give_reason(Outcome *outcome, const char *format, const char *why)
{
    outcome->ending = STOPPED;
    snprintf(outcome->reason, sizeof outcome->reason, format, why);
}

/* Complete the command, which runs the worker for a task. False, and nothing is run, where no patience is left. */
static bool run_worker(const Build *build, Patience *patience, const char *task, Command *command, Ended *ended)
{
    Confinement confinement = {.walls = build->walls, .exec_fd = build->worker, .loads_libraries = build->shared};
    const char *const argv[] = {"worker", task, NULL};
    command->argv = (char *const *)argv;
    command->folder = build->folder;
    command->exec_fd = build->worker;
    command->confine = walls_confine;
    command->about = &confinement;
    return patience_run(patience, command, ended);
}

/* Whether a worker can be run here at all: the one without a lab says that it knows no such task. */
static bool worker_runs(const Build *build, Error *error)
{
    static Answers answers;
    Outcome outcome;
    Command command;
    Ended ended;
    Patience patience = {.cpu_seconds = 2, .wall_seconds = 10};
    answers.task = &tasks[0];
    outcome_command(&answers, &command, &outcome);
    run_worker(build, &patience, "none", &command, &ended);
    if (!ended.started)
        return error_set(error, "a submission's program cannot be started: %s", strerror(ended.error));
    return (WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 2) ||
           error_set(error, "a submission's program cannot run behind the walls (status %d): %.300s", ended.status,
                     ended.text);
}

/* Run and judge it. False, with the reason, where this machine has no room for one more program. */
static bool try_task(const Options *options, const Build *build, Patience *patience, Outcome *outcome, Error *error)
{
    static Answers answers;
    Command command;
    Ended ended;
    answers_compute(&answers, outcome->task, options->seed);
    outcome_command(&answers, &command, outcome);
    if (!run_worker(build, patience, outcome->task->id, &command, &ended)) {
        give_reason(outcome, "%s",
                    "not run: this submission has used up its time, with tasks that had to be stopped\n");
        return true;
    }
    const int reason = ended.error;
    if (!ended.started && (reason == EAGAIN || reason == ENOMEM || reason == EMFILE || reason == ENFILE))
        return error_set(error, "a submission's program cannot be started: %s", strerror(reason));
    outcome_judge(&answers, &command, &ended, outcome);
    return true;
}

static bool grade_task(const Options *options, const Build *build, Patience *patience, Graded *graded, Error *error)
{
    Definition definition = {.line = 0};
    source_find(build->source, graded->outcome.task->function, &definition);
    graded->line = definition.line;
    graded->beyond_double = build->beyond_double;
    memcpy(graded->file, build->file, sizeof graded->file);
    if (build->worker < 0) {
        give_reason(&graded->outcome, "%s\n", build->why);
        outcome_quote(&graded->outcome, &build->said);
    } else if (!try_task(options, build, patience, &graded->outcome, error)) {
        return false;
    }
    if (build->worker >= 0 && !build->defined[graded->outcome.task - tasks])
        give_reason(&graded->outcome, "there is no function %s in this file\n", graded->outcome.task->function);
    const bool right = graded->outcome.ending == RIGHT;
    graded->score = terms_score(&graded->terms, right ? graded->terms.points : 0, options->submitted);
    return true;
}

/* GitHub takes commands from what is printed: nothing that the submission printed may stand in it. */
static void print_task(const Options *options, const Graded *graded)
{
    static Graded shown;
    const Outcome *outcome = &shown.outcome;
    shown = *graded;
    if (options->github)
        shown.outcome.printed[0] = '\0';
    outcome_print(outcome, shown.terms.points, shown.file, shown.line, stdout);
    results_print_remarks(graded, stdout);
    if (options->github && outcome->ending != RIGHT)
        outcome_print_github(outcome->task, shown.file, shown.line,
                             outcome->ending == NOT_WRITTEN ? "not written yet" : outcome->reason, stdout);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;
static void on_interrupt(int number) { interrupted = number; }

static bool grade_all(const Options *options, Build *build, Results *results, Error *error)
{
    Patience patience = PATIENCE;
    int built = -1;
    for (int i = 0; i < task_count; i++) {
        const int lab = atoi(tasks[i].id);
        if (options->lab != ALL_LABS && options->lab != lab)
            continue;
        if (interrupted)
            return error_set(error, "it was interrupted (signal %d)", (int)interrupted);
        if (lab != built && !build_lab(build, options->submission, lab, error))
            return false;
        built = lab;
        Graded *graded = &results->graded[results->count++];
        graded->outcome.task = &tasks[i];
        graded->terms = options->terms[i];
        if (!grade_task(options, build, &patience, graded, error))
            return false;
        print_task(options, graded);
    }
    return true;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Could not grade: say so in the results, too. */
static int give_up(const Options *options, const char *why)
{
    Error error;
    char text[700];
    snprintf(text, sizeof text, "not graded: %s", why);
    fflush(stdout);
    fprintf(stderr, "grade: %s\n", text);
    if (options->results != NULL && !results_write_none(options->results, text, &error))
        fprintf(stderr, "grade: %s\n", error.message);
    return 1;
}

/* A slip in the folder's name, or a submission that is somewhere else, is no reason for 0 points without a word. */
static bool check_submission(const char *path, Error *error)
{
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (folder < 0)
        return error_set(error, "the submission %s cannot be read: %s", path,
                         errno == ELOOP || errno == ENOTDIR ? "it is a link, or not a folder" : strerror(errno));
    bool found = false;
    for (int i = 0; i < task_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "lab%d.c", atoi(tasks[i].id));
        found |= faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    close(folder);
    return found || error_set(error, "there is no file of any lab, such as lab1.c, in %s", path);
}

static bool has_deadline(const Options *options)
{
    for (int i = 0; i < task_count; i++)
        if (!isnan(options->terms[i].due))
            return true;
    return false;
}

static int grade(const Options *options, const Walls *walls)
{
    static Results results;
    static Build build;
    Error error;
    const double begin = now();
    results.seed = options->seed;
    results.walls = walls;
    if (!results_write_none(options->results, "not graded: the grader was stopped before it finished, 0 points",
                            &error)) {
        fprintf(stderr, "grade: %s\n", error.message);
        return 1;
    }
    if (isnan(options->submitted) && has_deadline(options))
        printf("There are deadlines, and it is not known when this was handed in: it is taken to be in time.\n");
    if (!check_submission(options->submission, &error))
        return give_up(options, error.message);
    build.kit = options->kit;
    build.walls = walls;
    build.shared = options->shared;
    const bool graded =
        build_begin(&build, &error) && worker_runs(&build, &error) && grade_all(options, &build, &results, &error);
    build_end(&build);
    if (!graded)
        return give_up(options, error.message);
    results.seconds = now() - begin;
    if (!results_write(&results, options->results, &error)) {
        fprintf(stderr, "grade: %s\n", error.message);
        return 1;
    }
    printf("Score: %g/%g\n", results_score(&results), results_most(&results));
    return 0;
}

/* The path of this program, which holds the reference. */
static const char *own_path(const char *name, char *path, size_t size)
{
#ifdef __linux__
    const ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length > 0) {
        path[length] = '\0';
        return path;
    }
#endif
    (void)path, (void)size;
    return name;
}

int main(int argc, char **argv)
{
    (void)argc;
    static Options options;
    static char path[4096];
    read_options(&options, argv);
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0); /* its memory, with all answers, is nobody's to read */
#endif
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    signal(SIGHUP, on_interrupt);
    static Walls walls;
    Error error;
    walls = options.walls;
    if (!walls_try(&walls, own_path(argv[0], path, sizeof path), &error))
        return give_up(&options, error.message);
    if (options.show_walls || !walls_are_enough(&walls))
        walls_print(&walls, stdout);
    return options.submission == NULL ? 0 : grade(&options, &walls);
}
