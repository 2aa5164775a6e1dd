/* test_labs_hostile.c - the grader against submissions that want points for nothing, or its end
 * (tests/labs/hostile/make.sh): it survives, none wins a point, results.json stays valid, and nothing is left behind.
 * And each wall is taken down once, to show that it is what holds.
 *
 * All of them take many minutes: HOSTILE=all tries them, as the user who runs the tests and, for root, as nobody too.
 */
#define _DEFAULT_SOURCE /* mkdtemp, setenv, setgroups beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "labs_shell.h"
#include "long.h"
#include "outcome.h"

enum { NOBODY = 65534, PATH_SIZE = PATH_MAX + 64, SECONDS_MOST = 600 };

/* ---- a folder: the grader, the submissions, what comes of them --------------------------------------------------- */

static char results[1 << 18]; /* by the last grader; what it said comes to `said` */

static const char *below(const char *name)
{
    static char paths[4][PATH_SIZE];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], PATH_SIZE, "%s/%s", folder, name);
    return paths[next];
}

/* The grader and its kit are copied, so that nobody can run them wherever the project lies. */
static void enter_folder(void)
{
    make_folder();
    cr_assert(shell("chmod 755 \"$DIR\" && mkdir -m 777 \"$DIR/tmp\" \"$DIR/out\" && cp \"$BUILD/grade\" \"$DIR\" && "
                    "cp -R lessons/labs \"$DIR/labs\" && chmod -R go+rX \"$DIR/labs\"") == 0,
              "%s", said);
    cr_assert(setenv("TMPDIR", below("tmp"), 1) == 0, "no environment");
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that a process that is left behind becomes ours, and is found */
#endif
}

/* Names, or "" for all of them. */
static void make_submissions(const char *names)
{
    cr_assert(shell("rm -rf \"$DIR/hostile\" && "
                    "sh tests/labs/hostile/make.sh \"$DIR/hostile\" \"$DIR/labs/lab3.c\" \"$DIR/grade\" %s",
                    names) == 0,
              "%s", said);
}

TestSuite(labs_hostile, .init = enter_folder, .fini = remove_folder, .timeout = 3600);

/* ---- the grader, run --------------------------------------------------------------------------------------------- */

static void read_text(const char *path, char *text, size_t size)
{
    FILE *in = fopen(path, "rb");
    const size_t length = in != NULL ? fread(text, 1, size - 1, in) : 0;
    text[length] = '\0';
    if (in != NULL)
        fclose(in);
}

static _Noreturn void become_grader(const char *submission, bool as_nobody, const char *const *options)
{
    const char *argv[20] = {below("grade"), "--kit", below("labs"), "--lab", "3", "--seed", "1"};
    int count = 7;
    while (options != NULL && *options != NULL)
        argv[count++] = *options++;
    argv[count++] = submission;
    argv[count++] = below("out/results.json");
    const int out = open(below("said"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(out, 1), dup2(out, 2);
    if (!as_nobody || (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0))
        execv(argv[0], (char *const *)argv);
    _exit(126);
}

/* Returns its exit status, or 128 and its signal. */
static int grade(const char *submission, bool as_nobody, const char *const *options)
{
    char path[PATH_SIZE];
    int status = 0;
    snprintf(path, sizeof path, "%s/hostile/%s", folder, submission);
    remove(below("out/results.json"));
    const time_t begin = time(NULL);
    const pid_t grader = fork();
    if (grader == 0)
        become_grader(path, as_nobody, options);
    waitpid(grader, &status, 0);
    cr_expect(difftime(time(NULL), begin) < SECONDS_MOST, "%s: it took %g s", submission, difftime(time(NULL), begin));
    read_text(below("said"), said, sizeof said);
    read_text(below("out/results.json"), results, sizeof results);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what must be so afterwards ---------------------------------------------------------------------------------- */

/* One value of JSON; returns what stands behind it, or NULL. */
static const char *skip_json(const char *at)
{
    at += strspn(at, " \n");
    if (*at == '"') {
        for (at++; *at != '"'; at++) {
            if ((unsigned char)*at < ' ')
                return NULL;
            at += *at == '\\';
        }
        return at + 1;
    }
    if (*at != '{' && *at != '[') {
        const size_t length = strspn(at, "-+.0123456789eEtrufalsn");
        return length > 0 ? at + length : NULL;
    }
    const bool object = *at++ == '{';
    const char end = object ? '}' : ']';
    for (at += strspn(at, " \n"); *at != end; at += *at == ',') {
        if (object) {
            at += strspn(at, " \n");
            at = *at == '"' ? skip_json(at) : NULL;
            if (at == NULL || *at++ != ':')
                return NULL;
        }
        at = skip_json(at);
        if (at == NULL)
            return NULL;
        at += strspn(at, " \n");
        if (*at != ',' && *at != end)
            return NULL;
    }
    return at + 1;
}

static bool is_json(const char *text)
{
    const char *end = *text != '\0' ? skip_json(text) : NULL;
    return end != NULL && strcmp(end, "\n") == 0;
}

static void expect_only(const char *where, const char *allowed, const char *submission)
{
    DIR *listing = opendir(below(where));
    cr_assert_not_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
        cr_expect(entry->d_name[0] == '.' || strcmp(entry->d_name, allowed) == 0, "%s left %s/%s", submission, where,
                  entry->d_name);
    closedir(listing);
}

static void expect_nothing_left(const char *submission)
{
    expect_only("tmp", "", submission);
    expect_only("out", "results.json", submission);
    cr_expect(access("owned", F_OK) != 0 && access("/tmp/stepgrad-owned", F_OK) != 0, "%s wrote a file", submission);
    cr_expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "%s left a process", submission);
}

static void expect_held_off(const char *submission, bool as_nobody, const char *const *options)
{
    const int status = grade(submission, as_nobody, options);
    cr_expect(status == 0, "%s: the grader ended with %d: %s", submission, status, said);
    cr_expect(strstr(said, "Score: 0/7\n") != NULL, "%s: %s", submission, said);
    cr_expect(strstr(said, "CAME THROUGH") == NULL && strstr(results, "CAME THROUGH") == NULL, "%s: %s", submission,
              said);
    cr_expect(is_json(results) && strstr(results, "\"score\": 0") != NULL, "%s: %s", submission, results);
    expect_nothing_left(submission);
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

Test(labs_hostile, a_sample_is_held_off)
{
    only_where_long();
    static const struct {
        const char *name, *words;
    } sample[] = {{"ones_everywhere", "got "},
                  {"too_many_numbers", "more numbers than were asked for"},
                  {"replaces_write", "defines write, which is not a task of this lab: make it static"},
                  {"odd_names", "which is not a task of this lab"},
                  {"incbin", "does not compile"},
                  {"symlink", "it is a link"},
                  {"pipe", "not a regular file"},
                  {"kills_parent", "asked the system for what no task needs"},
                  {"recursion", "a recursion too deep"},
                  {"it's a \"path\" with ; $(touch owned) and `id`", "called exit (status 0)"}};
    make_submissions("ones_everywhere too_many_numbers replaces_write odd_names incbin symlink pipe kills_parent "
                     "recursion odd");
    for (size_t i = 0; i < sizeof sample / sizeof sample[0]; i++) {
        expect_held_off(sample[i].name, false, NULL);
        cr_expect(strstr(said, sample[i].words) != NULL, "%s is not told '%s': %s", sample[i].name, sample[i].words,
                  said);
    }
}

/* Where the machine cannot grade, the exit status is 1, and the results say why if they can be written. */
Test(labs_hostile, a_machine_that_cannot_grade_is_told)
{
    static const char *const no_kit[] = {"--kit", "/nowhere", NULL}, *const no_time[] = {"--submitted", "now", NULL};
    make_submissions("empty_file");
    cr_expect(grade("empty_file", false, no_kit) == 1 && strstr(said, "/nowhere/lab.h") != NULL, "%s", said);
    cr_expect(is_json(results) && strstr(results, "not graded: ") != NULL, "%s", results);
    cr_expect(grade("empty_file", false, no_time) == 2 && strstr(said, "not a time with a zone: now") != NULL, "%s",
              said);
    cr_expect(grade("nowhere", false, NULL) == 1 && strstr(said, "cannot be read: No such file") != NULL, "%s", said);
    cr_assert(shell("mkdir \"$DIR/hostile/none\" && ln -s empty_file \"$DIR/hostile/link\"") == 0, "%s", said);
    cr_expect(grade("none", false, NULL) == 1 && strstr(said, "there is no file of any lab") != NULL, "%s", said);
    cr_expect(grade("link", false, NULL) == 1 && strstr(said, "it is a link") != NULL, "%s", said);
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    cr_assert(setenv("PATH", below("tmp"), 1) == 0);
    cr_expect(grade("empty_file", false, NULL) == 1 && strstr(said, "the compiler, cc, cannot be started") != NULL,
              "%s", said);
    cr_expect(is_json(results) && strstr(results, "cannot be started") != NULL, "%s", results);
    expect_nothing_left("a machine without a compiler");
    cr_assert(setenv("PATH", path, 1) == 0);
    cr_assert(shell("rm -r \"$DIR/out\"") == 0, "%s", said);
    cr_expect(grade("empty_file", false, NULL) == 1 && strstr(said, "results.json") != NULL, "%s", said);
}

Test(labs_hostile, all_are_held_off)
{
    if (getenv("HOSTILE") == NULL)
        cr_skip_test("SKIPPED: it takes many minutes: HOSTILE=all");
    int tried = 0;
    make_submissions("");
    for (int as_nobody = 0; as_nobody < 2; as_nobody++) {
        if (as_nobody && geteuid() != 0)
            break;
        DIR *listing = opendir(below("hostile"));
        cr_assert_not_null(listing);
        for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
            if (entry->d_name[0] != '.' && strcmp(entry->d_name, "measures") != 0) {
                expect_held_off(entry->d_name, as_nobody, NULL);
                tried++;
            }
        closedir(listing);
    }
    cr_expect(tried >= 60, "only %d were tried", tried);
}

/* What GitHub's workflows read holds nothing that the submission wrote. */
Test(labs_hostile, nothing_of_a_submission_reaches_github)
{
    only_where_long();
    static const char *const options[] = {"--github", NULL};
    make_submissions("prints_github broken");
    expect_held_off("prints_github", false, options);
    cr_expect(strstr(said, "HACKED") == NULL, "%s", said);
    cr_expect(strstr(results, "HACKED") != NULL, "the results do not show what it printed: %s", results);
    expect_held_off("broken", false, options);
    cr_expect(strstr(said, "return 1/a") == NULL &&
                  strstr(said, "::error file=lab3.c,line=1,title=3.6 tanh_backward::") != NULL,
              "%s", said);
}

/* A right result that a nudge gave has its points, and is named to the teacher. */
/* Each byte that is no part of a character becomes a ?, and so does each control character. */
Test(labs_hostile, what_is_printed_is_shown_as_valid_utf8_that_steers_nothing)
{
    static const char *const printed[][2] = {
        {"a\n\tb", "| a\n| \tb\n"},
        {"\xC3\xA4 \xE2\x88\x82 \xF0\x9D\x84\x9E", "| \xC3\xA4 \xE2\x88\x82 \xF0\x9D\x84\x9E\n"},
        {"\033[2J\r\x7F", "| ?[2J??\n"},
        {"\xC2\x9B", "| ??\n"},           /* U+009B, a control sequence begins */
        {"\xE2\x80\xAE", "| ???\n"},      /* U+202E turns a line round */
        {"\xC0\x9B", "| ??\n"},           /* in a form longer than needed: not UTF-8 */
        {"\xE0\x82\x9B", "| ???\n"},      /* the same of three bytes */
        {"\xF0\x80\x82\x9B", "| ????\n"}, /* and of four */
        {"\xED\xA0\x80", "| ???\n"},      /* half of a surrogate pair */
        {"\xF4\x90\x80\x80", "| ????\n"}, /* above U+10FFFF */
        {"\xE2\x88", "| ??\n"},
    };
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        Ended ended = {.said = strlen(printed[i][0])};
        Outcome outcome = {.task = &tasks[0]};
        strcpy(ended.text, printed[i][0]);
        outcome_quote(&outcome, &ended);
        cr_expect_str_eq(outcome.printed, printed[i][1], "text %zu is shown as %s", i, outcome.printed);
    }
}

Test(labs_hostile, a_measured_derivative_is_named)
{
    only_where_long();
    make_submissions("measures");
    cr_expect(grade("measures", false, NULL) == 0 && strstr(said, "ok 1/1\n   right to ") != NULL, "%s", said);
    cr_expect(strstr(results, "\"perhaps_measured\": [\"3.6\"]") != NULL, "%s", results);
    expect_nothing_left("measures");
}

/* With a wall taken down, the attack that it is for comes through; with it, it does not. */
static void expect_wall(const char *wall, const char *submission, const char *sign)
{
    const char *const options[] = {"--without", wall, "--without", "another user", NULL};
    make_submissions(submission);
    expect_held_off(submission, false, NULL);
    grade(submission, false, options);
    cr_expect(strstr(said, sign) != NULL || strstr(results, sign) != NULL, "%s holds without %s, too: %s", submission,
              wall, said);
    cr_expect(is_json(results), "%s", results);
    expect_nothing_left(submission);
}

#ifdef __linux__
static bool stands(const char *wall)
{
    char line[80];
    cr_assert(shell("\"$DIR/grade\" --walls") == 0, "%s", said);
    snprintf(line, sizeof line, "%-13s stands\n", wall);
    return strstr(said, line) != NULL;
}

Test(labs_hostile, landlock_keeps_the_reference)
{
    only_where_long();
    if (!stands("landlock"))
        cr_skip_test("SKIPPED: this kernel has no landlock");
    expect_wall("landlock", "include_reference", "Score: 7/7");
    cr_expect(strstr(results, "\"final\": false") != NULL, "a grade without landlock is called final");
}

Test(labs_hostile, seccomp_keeps_the_processes)
{
    only_where_long();
    if (!stands("seccomp"))
        cr_skip_test("SKIPPED: this kernel has no seccomp");
    expect_wall("seccomp", "sleepers", "CAME THROUGH");
    static const char *const options[] = {"--without", "seccomp", NULL};
    make_submissions("daemon_holds_pipes"); /* in a group and a session of its own: run.c must find it */
    grade("daemon_holds_pipes", false, options);
    expect_nothing_left("daemon_holds_pipes");
}

/* A grader that is killed leaves a file that says so. */
Test(labs_hostile, a_killed_grader_leaves_valid_results)
{
    only_where_long();
    static const char *const options[] = {"--without", "landlock",     "--without", "seccomp",
                                          "--without", "another user", NULL};
    make_submissions("kills_parent");
    cr_assert(grade("kills_parent", false, options) == 128 + SIGKILL, "it survives without all walls: %s", said);
    cr_expect(strcmp(results, "{\"score\": 0, \"stdout_visibility\": \"hidden\", \"output\": "
                              "\"not graded: the grader was stopped before it finished, 0 points\"}\n") == 0,
              "%s", results);
    while (waitpid(-1, NULL, 0) > 0) { /* its worker, which ends with it */
    }
}

/* As nobody, a submission cannot even signal the grader, and it cannot read what is root's. */
Test(labs_hostile, another_user_is_a_wall)
{
    only_where_long();
    if (geteuid() != 0)
        cr_skip_test("SKIPPED: only root can run a program as another user");
    static const char *const alone[] = {"--without", "landlock", "--without", "seccomp", NULL};
    make_submissions("include_reference kills_parent");
    cr_expect(!stands("another user"), "%s", said);
    cr_assert(chmod(below("grade"), 0700) == 0 && chmod(below("labs"), 0700) == 0);
    cr_expect(stands("another user"), "%s", said);
    expect_held_off("include_reference", false, alone);
    expect_held_off("kills_parent", false, alone);
}
#endif
