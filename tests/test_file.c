/* test_file.c - a file is written whole or not at all. */
#define _GNU_SOURCE /* setrlimit, symlink, mkdtemp, RTLD_NEXT beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "caught.h"
#include "file.h"
#include "memory.h"
#include "no_memory.h"

#define UNFINISHED "a.txt.stepgrad.tmp"

enum { MUCH = 100000 }; /* bytes: more than any stream's buffer */

/* A folder of the test's own, and the current one, so that names are plain. */
static char folder[] = "/tmp/stepgrad-file-XXXXXX";

static void enter_folder(void) { cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder to work in"); }

static void remove_folder(void)
{
    const char *names[] = {"a.txt", "a.txt.tmp", UNFINISHED, UNFINISHED "2", "link.txt", "link2.txt", "pipe"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
    /* Only to clean up: Criterion counts no failure here, so the tests themselves look for what was left. */
    if (chdir("/") != 0 || rmdir(folder) != 0)
        fprintf(stderr, "a file that nobody asked for was left in %s\n", folder);
}

TestSuite(file, .init = enter_folder, .fini = remove_folder);

static void write_plainly(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "cannot prepare %s", path);
}

static void expect_content(const char *path, const char *want)
{
    char got[64] = "";
    FILE *in = fopen(path, "r");
    cr_assert(in != NULL, "%s does not exist, want \"%s\"", path, want);
    got[fread(got, 1, sizeof got - 1, in)] = '\0';
    fclose(in);
    cr_expect_str_eq(got, want, "%s holds \"%s\", want \"%s\"", path, got, want);
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void expect_message(const Error *error, const char *part)
{
    cr_expect(strstr(error->message, part) != NULL, "message \"%s\" should hold \"%s\"", error->message, part);
}

static bool write_safely(const char *path, const char *text, Error *error)
{
    SafeFile safe;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    fputs(text, out);
    return file_commit(&safe, error);
}

Test(file, a_committed_file_holds_all_and_leaves_nothing_beside)
{
    Error error;
    cr_assert(write_safely("a.txt", "new\n", &error), "%s", error.message);
    expect_content("a.txt", "new\n");
    cr_expect(!exists(UNFINISHED), "the unfinished file was left");
}

Test(file, the_old_file_stays_until_the_commit)
{
    write_plainly("a.txt", "old");
    SafeFile safe;
    FILE *out = file_begin(&safe, "a.txt", NULL);
    cr_assert(out != NULL, "file_begin failed");
    fputs("new", out);
    fflush(out);
    expect_content("a.txt", "old");
    cr_assert(file_commit(&safe, NULL), "file_commit failed");
    expect_content("a.txt", "new");
}

Test(file, an_abandoned_file_leaves_the_old_one_and_nothing_beside)
{
    write_plainly("a.txt", "old");
    SafeFile safe;
    fputs("new", file_begin(&safe, "a.txt", NULL));
    file_abandon(&safe);
    file_abandon(&safe); /* nothing under way: nothing happens */
    expect_content("a.txt", "old");
    cr_expect(!exists(UNFINISHED), "the unfinished file was left");
}

Test(file, a_missing_folder_is_told_with_the_path_and_the_remedy)
{
    Error error = {""};
    cr_expect(!write_safely("none/a.txt", "x", &error), "a file was written into a folder that does not exist");
    expect_message(&error, "none/a.txt: cannot write: ");
    expect_message(&error, "Make the folder first");
    cr_expect(!write_safely("none/a.txt", "x", NULL), "without an Error it must fail as well");
}

Test(file, a_folder_or_an_empty_name_is_refused)
{
    Error error = {""};
    cr_expect(!write_safely(".", "x", &error), "a folder was overwritten");
    expect_message(&error, "Give the name of a file in it.");
    cr_expect(!write_safely("", "x", &error), "a file without a name was written");
}

Test(file, a_long_path_does_not_push_the_reason_out_of_the_message)
{
    char path[2000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    Error error = {""};
    cr_expect(!write_safely(path, "x", &error), "a name of 1999 letters was accepted");
    expect_message(&error, "Choose another place");
}

Test(file, a_full_device_is_told)
{
    if (!exists("/dev/full")) {
        cr_log_warn("not tested: there is no /dev/full here");
        return; /* cr_skip would leave the folder behind */
    }
    Error error = {""};
    cr_expect(!write_safely("/dev/full", "x", &error), "a few bytes to a full device were called written");
    expect_message(&error, "/dev/full: cannot write: ");
    SafeFile safe;
    FILE *out = file_begin(&safe, "/dev/full", &error);
    cr_assert(out != NULL, "%s", error.message);
    for (int i = 0; i < MUCH; i++) /* this fails long before the commit */
        fputc('x', out);
    cr_expect(!file_commit(&safe, &error), "many bytes to a full device were called written");
    cr_expect(exists("/dev/full"), "the device was removed");
}

/* The largest size of a file: what exceeds it meets a full disk, as far as the stream can tell. */
static rlim_t set_largest_file(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
    return before;
}

/* Write over a.txt while the disk fills up; there is room again before the commit, or only after it. */
static void fill_the_disk(bool room_before_commit)
{
    write_plainly("a.txt", "old");
    Error error = {""};
    SafeFile safe;
    FILE *out = file_begin(&safe, "a.txt", &error);
    cr_assert(out != NULL, "%s", error.message);
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t before = set_largest_file(MUCH / 2);
    for (int i = 0; i < MUCH; i++)
        fputc('x', out);
    if (room_before_commit)
        set_largest_file(before);
    const bool committed = file_commit(&safe, &error);
    set_largest_file(before);
    cr_expect(!committed, "a file with a hole in it was committed");
    expect_message(&error, "a.txt: cannot write: ");
    expect_message(&error, strerror(EFBIG));
    expect_content("a.txt", "old");
    cr_expect(!exists(UNFINISHED), "the unfinished file was left");
}

Test(file, a_disk_that_fills_up_leaves_the_old_file_and_nothing_beside) { fill_the_disk(false); }

Test(file, a_write_lost_on_the_way_is_not_forgotten_when_there_is_room_again) { fill_the_disk(true); }

Test(file, somebody_elses_unfinished_file_is_not_touched)
{
    write_plainly("a.txt.tmp", "theirs");
    SafeFile safe;
    FILE *out = file_begin(&safe, "a.txt", NULL);
    cr_assert(out != NULL, "file_begin failed");
    fputs("ours", out);
    cr_expect(file_commit(&safe, NULL), "file_commit failed");
    expect_content("a.txt", "ours");
    expect_content("a.txt.tmp", "theirs");
}

Test(file, a_link_stays_a_link_and_its_target_is_replaced)
{
    write_plainly("a.txt", "old");
    cr_assert_eq(symlink("a.txt", "link.txt"), 0, "cannot prepare a link");
    Error error = {""};
    cr_assert(write_safely("link.txt", "new", &error), "%s", error.message);
    struct stat status;
    cr_expect(lstat("link.txt", &status) == 0 && S_ISLNK(status.st_mode), "the link was replaced by a file");
    expect_content("a.txt", "new");
}

static void link_to(const char *target, const char *name)
{
    cr_assert_eq(symlink(target, name), 0, "cannot prepare the link %s", name);
}

/* Two links in a row, one with the folder in it, and at their end no file yet. */
Test(file, a_link_to_a_file_that_does_not_exist_stays_one_and_the_file_is_made)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s/link2.txt", folder);
    link_to(whole, "link.txt");
    link_to("./a.txt", "link2.txt");
    Error error = {""};
    cr_assert(write_safely("link.txt", "new", &error), "%s", error.message);
    struct stat status;
    cr_expect(lstat("link.txt", &status) == 0 && S_ISLNK(status.st_mode), "the first link was replaced by a file");
    cr_expect(lstat("link2.txt", &status) == 0 && S_ISLNK(status.st_mode), "the second link was replaced by a file");
    cr_expect(lstat("a.txt", &status) == 0 && S_ISREG(status.st_mode), "no file was made at the end");
    expect_content("link.txt", "new");
}

Test(file, links_that_lead_nowhere_are_an_error)
{
    link_to("link2.txt", "link.txt");
    link_to("link.txt", "link2.txt");
    Error error = {""};
    cr_expect(!write_safely("link.txt", "new", &error), "a file was written through a ring of links");
    expect_message(&error, "link.txt: cannot write: ");
    remove("link2.txt");
    link_to("none/a.txt", "link2.txt");
    cr_expect(!write_safely("link2.txt", "new", &error), "a file was written into a folder that does not exist");
    expect_message(&error, "Make the folder first");
}

/* A link's text may have PATH_MAX bytes, and the folder before it makes it longer. */
Test(file, a_link_that_is_too_long_is_an_error)
{
    static char text[4000] = "";
    char path[400] = "";
    Error error = {""};
    while (strlen(text) + 10 < sizeof text)
        strcat(text, "./");
    strcat(text, "a.txt");
    link_to(text, "link.txt");
    while (strlen(path) < 300)
        strcat(path, "./");
    strcat(path, "link.txt");
    cr_expect_not(write_safely(path, "new", &error), "written through a path of more than 4096 bytes");
    expect_message(&error, strerror(ENAMETOOLONG));
    cr_assert(write_safely("link.txt", "new", &error), "%s", error.message);
    expect_content("a.txt", "new");
}

Test(file, another_name_of_the_same_file_keeps_the_old_text)
{
    write_plainly("a.txt", "old");
    cr_assert_eq(link("a.txt", "link.txt"), 0, "cannot prepare a hard link");
    Error error = {""};
    cr_assert(write_safely("a.txt", "new", &error), "%s", error.message);
    expect_content("a.txt", "new");
    expect_content("link.txt", "old");
}

/* ---- writers beside each other, and dead ones ---- */

Test(file, two_writers_of_a_file_do_not_mix_and_the_last_one_stays)
{
    SafeFile first, second;
    FILE *out = file_begin(&first, "a.txt", NULL);
    fputs("first", out);
    FILE *other = file_begin(&second, "a.txt", NULL);
    cr_assert(other != NULL && exists(UNFINISHED) && exists(UNFINISHED "2"), "want two files under way");
    fputs("second", other);
    cr_expect(file_commit(&second, NULL), "the second could not be committed");
    expect_content("a.txt", "second");
    cr_expect(file_commit(&first, NULL), "the first could not be committed");
    expect_content("a.txt", "first");
    cr_expect(!exists(UNFINISHED) && !exists(UNFINISHED "2"), "an unfinished file was left");
}

static void remove_and_end(int signal_number)
{
    file_remove_unfinished();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* A program that is ended by `signal_number` in the middle of two writes. */
static void die_in_the_middle(int signal_number)
{
    const pid_t child = fork();
    if (child == 0) {
        SafeFile first, second;
        if (signal_number != SIGKILL)
            signal(signal_number, remove_and_end);
        FILE *out = file_begin(&first, "a.txt", NULL), *other = file_begin(&second, "a.txt", NULL);
        if (out == NULL || other == NULL || !exists(UNFINISHED) || !exists(UNFINISHED "2"))
            _exit(1);
        fputs("half", out);
        raise(signal_number);
        _exit(2);
    }
    int status = 0;
    cr_assert(child > 0 && waitpid(child, &status, 0) == child, "no child");
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal_number, "status %d, want the end by signal %d", status,
              signal_number);
}

Test(file, what_dead_programs_left_is_removed_by_the_next_write)
{
    write_plainly("a.txt", "old");
    die_in_the_middle(SIGKILL);
    cr_assert(exists(UNFINISHED) && exists(UNFINISHED "2"), "nobody can catch SIGKILL");
    expect_content("a.txt", "old");
    SafeFile safe;
    FILE *out = file_begin(&safe, "a.txt", NULL);
    cr_assert_not_null(out, "file_begin failed");
    cr_expect(exists(UNFINISHED) && !exists(UNFINISHED "2"), "of three unfinished files ours should be left");
    fputs("new", out);
    cr_expect(file_commit(&safe, NULL), "file_commit failed");
    expect_content("a.txt", "new");
}

Test(file, a_signal_handler_can_remove_what_is_unfinished)
{
    write_plainly("a.txt", "old");
    die_in_the_middle(SIGTERM);
    cr_expect(!exists(UNFINISHED) && !exists(UNFINISHED "2"), "an unfinished file was left");
    expect_content("a.txt", "old");
    SafeFile safe;
    FILE *out = file_begin(&safe, "a.txt", NULL);
    cr_assert(out != NULL && fputs("new", out) >= 0 && file_commit(&safe, NULL), "cannot write");
    file_remove_unfinished(); /* none is under way */
    expect_content("a.txt", "new");
}

/* A link that somebody else put in the place of the unfinished file must not be followed. */
Test(file, a_link_in_the_place_of_the_unfinished_file_is_not_followed)
{
    write_plainly("link.txt", "theirs");
    link_to("link.txt", UNFINISHED);
    Error error = {""};
    cr_expect(write_safely("a.txt", "new", &error), "%s", error.message);
    expect_content("link.txt", "theirs");
    expect_content("a.txt", "new");
}

Test(file, permissions_stay_and_a_write_protection_counts)
{
    write_plainly("a.txt", "old");
    chmod("a.txt", 0640);
    Error error = {""};
    cr_assert(write_safely("a.txt", "new", &error), "%s", error.message);
    struct stat status;
    cr_assert_eq(stat("a.txt", &status), 0, "the file is gone");
    cr_expect_eq(status.st_mode & 0777, 0640, "permissions %o, want 640", (unsigned)(status.st_mode & 0777));
    if (geteuid() == 0) {
        cr_log_warn("write protection not tested: the superuser may write anything");
        return;
    }
    chmod("a.txt", 0440);
    cr_expect(!write_safely("a.txt", "newer", &error), "a protected file was replaced");
    expect_content("a.txt", "new");
}

Test(file, a_pipe_is_written_directly)
{
    cr_assert_eq(mkfifo("pipe", 0600), 0, "cannot prepare a pipe");
    const int reader = open("pipe", O_RDONLY | O_NONBLOCK);
    Error error = {""};
    cr_assert(write_safely("pipe", "through", &error), "%s", error.message);
    char got[16] = "";
    cr_expect_eq(read(reader, got, sizeof got - 1), 7, "the pipe carried \"%s\", want \"through\"", got);
    cr_expect_str_eq(got, "through", "the pipe carried \"%s\", want \"through\"", got);
    close(reader);
    struct stat status;
    cr_expect(lstat("pipe", &status) == 0 && S_ISFIFO(status.st_mode), "the pipe was replaced by a file");
}

Test(file, a_file_in_the_memory_disk_below_dev_is_replaced_too)
{
    char path[64] = "/dev/shm/stepgrad-file-XXXXXX";
    const int descriptor = mkstemp(path);
    if (descriptor < 0) {
        cr_log_warn("not tested: there is no /dev/shm here");
        return;
    }
    close(descriptor);
    write_plainly(path, "old");
    SafeFile safe;
    FILE *out = file_begin(&safe, path, NULL);
    cr_assert_not_null(out, "file_begin failed");
    fputs("new", out);
    fflush(out);
    expect_content(path, "old");
    cr_expect(file_commit(&safe, NULL), "file_commit failed");
    expect_content(path, "new");
    remove(path);
}

Test(file, a_minus_is_standard_output_and_does_not_close_it)
{
    cr_assert(freopen("a.txt", "w", stdout) != NULL, "cannot redirect standard output");
    cr_expect(write_safely("-", "one ", NULL), "cannot write to -");
    cr_expect(write_safely("/dev/stdout", "two ", NULL), "cannot write to /dev/stdout");
    printf("three");
    fflush(stdout);
    expect_content("a.txt", "one two three");
}

Test(file, what_standard_output_has_lost_is_told_with_the_reason_if_there_is_one)
{
    Error error = {""};
    cr_assert(freopen("a.txt", "w", stdout) != NULL, "cannot redirect standard output");
    cr_expect(printf("x") == 1 && file_flush_output(&error), "%s", error.message);
    if (!exists("/dev/full")) {
        cr_log_warn("not tested: there is no /dev/full here");
        return;
    }
    cr_assert(freopen("/dev/full", "w", stdout) != NULL, "cannot redirect standard output");
    cr_expect(printf("x") == 1 && !file_flush_output(&error), "written to a full device");
    cr_expect_str_eq(error.message, "standard output: what was written is lost: No space left on device");
    cr_expect_not(file_flush_output(&error), "forgotten");
    cr_expect_str_eq(error.message, "standard output: what was written is lost");
}

/* ---- what a power cut would leave ---- */

enum { SYNCS_MOST = 4 };

static struct {
    struct stat status; /* of what was synced */
    char held[8];       /* the text of a.txt at that time, "" when there was none */
} synced[SYNCS_MOST];
static size_t syncs;

/* Takes the place of the system's, in the engine too: nothing here must survive a power cut. */
int fsync(int descriptor)
{
    if (syncs == SYNCS_MOST)
        return 0;
    FILE *in = fopen("a.txt", "r");
    fstat(descriptor, &synced[syncs].status);
    synced[syncs].held[in != NULL ? fread(synced[syncs].held, 1, sizeof synced->held - 1, in) : 0] = '\0';
    if (in != NULL)
        fclose(in);
    syncs++;
    return 0;
}

Test(file, the_text_is_on_the_disk_before_the_name_changes_and_the_folder_after_it)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s/a.txt", folder);
    const char *const paths[] = {"a.txt", "./a.txt", whole};
    struct stat here, file;
    cr_assert_eq(stat(".", &here), 0, "there is no current folder");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        write_plainly("a.txt", "old");
        syncs = 0;
        cr_assert(write_safely(paths[i], "new", NULL), "cannot write %s", paths[i]);
        cr_assert_eq(stat("a.txt", &file), 0, "there is no file");
        cr_assert_eq(syncs, 2, "%s: %zu syncs, want the file and its folder", paths[i], syncs);
        cr_expect(synced[0].status.st_ino == file.st_ino, "%s: the new file is not synced first", paths[i]);
        cr_expect_str_eq(synced[0].held, "old", "%s: the name holds \"%s\" already", paths[i], synced[0].held);
        cr_expect(synced[1].status.st_ino == here.st_ino, "%s: it is not its folder that is synced then", paths[i]);
        cr_expect_str_eq(synced[1].held, "new", "%s: the folder is synced too early", paths[i]);
    }
}

/* ---- a disk that does not answer, signals ---- */

static const char *broken = ""; /* the call that fails */

static bool is_broken(const char *call)
{
    errno = EIO;
    return strcmp(broken, call) == 0;
}

/* These take the places of the system's, in the engine too. */
int fchmod(int descriptor, mode_t mode)
{
    int (*real)(int, mode_t);
    *(void **)&real = dlsym(RTLD_NEXT, "fchmod");
    return is_broken("fchmod") ? -1 : real(descriptor, mode);
}

/* A signal handler ran while it waited. */
int flock(int descriptor, int operation)
{
    int (*real)(int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "flock");
    const bool is_interrupted = is_broken("flock") && operation == LOCK_EX;
    broken = is_interrupted ? "" : broken;
    errno = EINTR;
    return is_interrupted ? -1 : real(descriptor, operation);
}

int lstat(const char *restrict path, struct stat *restrict status)
{
    return is_broken("lstat") ? -1 : fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

ssize_t readlink(const char *restrict path, char *restrict link, size_t size)
{
    return is_broken("readlink") ? -1 : readlinkat(AT_FDCWD, path, link, size);
}

Test(file, a_disk_that_does_not_answer_costs_no_link_and_no_permissions_and_keeps_nothing)
{
    static const char *const calls[] = {"fchmod", "lstat", "readlink"};
    write_plainly("a.txt", "old");
    chmod("a.txt", 0600);
    link_to("a.txt", "link.txt");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct stat status;
        Error error = {""};
        broken = calls[i];
        const bool written = write_safely("link.txt", "new", &error);
        broken = "";
        cr_expect(!written, "%s fails, and the file is called written", calls[i]);
        expect_message(&error, "link.txt: cannot write: ");
        expect_message(&error, strerror(EIO));
        expect_content("a.txt", "old");
        cr_expect(lstat("link.txt", &status) == 0 && S_ISLNK(status.st_mode), "%s: the link is none", calls[i]);
        cr_expect(stat("a.txt", &status) == 0 && (status.st_mode & 0777) == 0600, "%s: other permissions", calls[i]);
        cr_expect(!exists(UNFINISHED) && !exists("link.txt.stepgrad.tmp"), "%s: the unfinished file is left", calls[i]);
    }
}

Test(file, a_signal_while_the_lock_is_waited_for_does_not_leave_it_open)
{
    SafeFile safe;
    broken = "flock";
    cr_assert_not_null(file_begin(&safe, "a.txt", NULL), "file_begin failed");
    cr_assert_str_eq(broken, "", "no lock was asked for");
    const int other = open(UNFINISHED, O_WRONLY);
    cr_expect(other >= 0 && flock(other, LOCK_EX | LOCK_NB) != 0,
              "another program could take the file for a stale one");
    close(other);
    file_abandon(&safe);
}

/* As a disk without permissions does. */
Test(file, permissions_that_cannot_be_set_are_no_reason_to_fail_if_they_are_the_same)
{
    const mode_t mask = umask(022);
    Error error = {""};
    write_plainly("a.txt", "old");
    broken = "fchmod";
    const bool written = write_safely("a.txt", "new", &error);
    broken = "";
    cr_expect(written, "%s", error.message);
    expect_content("a.txt", "new");
    umask(mask);
}

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define HAS_ITS_OWN_FOPENCOOKIE /* which must see what streams write */
#endif
#endif
#if defined(__GLIBC__) && !defined(HAS_ITS_OWN_FOPENCOOKIE)
FILE *fopencookie(void *restrict cookie, const char *restrict mode, cookie_io_functions_t functions)
{
    FILE *(*real)(void *, const char *, cookie_io_functions_t);
    *(void **)&real = dlsym(RTLD_NEXT, "fopencookie");
    return is_broken("fopencookie") ? NULL : real(cookie, mode, functions);
}

Test(file, without_memory_for_a_stream_nothing_is_left_to_undo)
{
    SafeFile safe;
    Error error = {""};
    write_plainly("a.txt", "old");
    broken = "fopencookie";
    FILE *out = file_begin(&safe, "a.txt", &error);
    broken = "";
    cr_expect(out == NULL, "there is a stream");
    expect_message(&error, "a.txt: cannot write: ");
    expect_message(&error, strerror(ENOMEM));
    cr_expect(safe.target == NULL && safe.unfinished == NULL, "the names are not freed");
    cr_expect(!exists(UNFINISHED), "the unfinished file is left");
    expect_content("a.txt", "old");
}
#endif

static void do_nothing(int signal_number) { (void)signal_number; }

/* A signal each millisecond: each interrupts a call that waits. */
static void send_signals(bool on)
{
    const struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    const struct itimerval each = {.it_interval = {.tv_usec = 1000 * on}, .it_value = {.tv_usec = 1000 * on}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
}

static void wait_a_moment(void) { nanosleep(&(struct timespec){.tv_nsec = 30 * 1000 * 1000}, NULL); }

/* A process that comes late to the other end of a pipe, does nothing for a while in the middle, and ends with status 0
 * when it has read or written MUCH bytes. */
static pid_t come_late(int flags)
{
    static char text[MUCH];
    const pid_t child = fork();
    if (child != 0)
        return child;
    memset(text, 'x', sizeof text);
    wait_a_moment();
    const int pipe = open("pipe", flags);
    ssize_t done = 0;
    for (ssize_t got = 1; got > 0 && done < MUCH; done += got) {
        const size_t half = (size_t)(done < MUCH / 2 ? MUCH / 2 - done : MUCH - done);
        got = flags == O_RDONLY ? read(pipe, text, half) : write(pipe, text, half);
        if (done + got == MUCH / 2)
            wait_a_moment();
    }
    _exit(done == MUCH ? 0 : 1);
}

static void expect_success(pid_t child)
{
    int status = -1;
    send_signals(false);
    cr_expect(waitpid(child, &status, 0) == child && status == 0, "the other end saw something else, status %d",
              status);
}

Test(file, signals_do_not_end_a_write_that_waits)
{
    cr_assert_eq(mkfifo("pipe", 0600), 0, "cannot prepare a pipe");
    const pid_t child = come_late(O_RDONLY);
    SafeFile safe;
    Error error = {""};
    send_signals(true);
    FILE *out = file_begin(&safe, "pipe", &error);
    cr_assert_not_null(out, "%s", error.message);
    for (int i = 0; i < MUCH; i++)
        fputc('x', out);
    cr_expect(file_commit(&safe, &error), "%s", error.message);
    expect_success(child);
}

Test(file, signals_do_not_end_a_read_that_waits)
{
    cr_assert_eq(mkfifo("pipe", 0600), 0, "cannot prepare a pipe");
    pid_t child = come_late(O_WRONLY);
    size_t bytes;
    Error error = {""};
    send_signals(true);
    char *text = file_read("pipe", SIZE_MAX, &bytes, &error);
    expect_success(child);
    cr_assert_not_null(text, "%s", error.message);
    cr_expect_eq(bytes, MUCH, "%zu bytes, want %d", bytes, MUCH);
    memory_free(text);

    child = come_late(O_WRONLY);
    send_signals(true);
    FILE *in = file_open("pipe");
    cr_assert_not_null(in, "the pipe was not opened");
    for (bytes = 0; file_next(in) == 'x'; bytes++)
        ;
    expect_success(child);
    cr_expect(bytes == MUCH && feof(in) && !ferror(in), "%zu bytes, want %d", bytes, MUCH);
    fclose(in);
}

/* ---- a real disk that is full, usage errors ---- */

Test(file, a_small_disk_that_is_full_keeps_the_old_file)
{
    cr_assert_eq(mkdir("disk", 0700), 0, "cannot prepare a folder");
    const bool mounted = system("mount -t tmpfs -o size=64k stepgrad disk 2>/dev/null") == 0;
    if (mounted) {
        write_plainly("disk/a.txt", "old");
        SafeFile safe;
        Error error = {""};
        FILE *out = file_begin(&safe, "disk/a.txt", &error);
        cr_expect_not_null(out, "%s", error.message);
        for (int i = 0; out != NULL && i < MUCH; i++)
            fputc('x', out);
        cr_expect(out == NULL || !file_commit(&safe, &error), "100 kB fit on a disk of 64 kB");
        expect_message(&error, "disk/a.txt: cannot write: ");
        expect_message(&error, "Make room there, and run again.");
        expect_content("disk/a.txt", "old");
        cr_expect(!exists("disk/" UNFINISHED), "the unfinished file was left");
        cr_expect_eq(system("umount disk"), 0, "cannot unmount the disk");
    } else {
        cr_log_warn("not tested: a full disk (only the superuser can mount one, and on Linux only)");
    }
    rmdir("disk");
}

Test(file, a_null_is_a_usage_error_in_the_callers_line)
{
    SafeFile safe = {0};
    size_t bytes;
    MUST_BE_MISUSE(file_begin(&safe, NULL, NULL), "file_begin: the path is NULL");
    MUST_BE_MISUSE(file_begin(NULL, "a.txt", NULL), "file_begin: the SafeFile is NULL");
    MUST_BE_MISUSE(file_commit(&safe, NULL), "file_commit: nothing is being written");
    MUST_BE_MISUSE(file_read(NULL, 1, &bytes, NULL), "file_read: the path is NULL");
    cr_expect(!exists(UNFINISHED) && !exists("a.txt"), "a file was made");
}

/* ---- out of memory ---- */

Test(file, out_of_memory_is_told_and_leaves_nothing)
{
    for (int successes = 0; successes < 2; successes++) {
        memory_lasts((size_t)successes);
        Error error = {""};
        cr_expect(!write_safely("a.txt", "x", &error), "written with %d of 2 allocations", successes);
        expect_message(&error, "a.txt: cannot write: ");
        cr_expect(!exists("a.txt") && !exists(UNFINISHED), "a file was left after %d allocations", successes);
    }
    memory_lasts(2);
    cr_expect(write_safely("a.txt", "x", NULL), "2 allocations should be enough");
    memory_restore();
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void expect_read(size_t most, size_t least, size_t limit)
{
    Error error;
    size_t bytes;
    char *text = file_read("a.txt", most, &bytes, &error);
    cr_assert(text != NULL, "%s", error.message);
    cr_expect(bytes >= least && bytes <= limit, "%zu bytes with at most %zu, want %zu to %zu", bytes, most, least,
              limit);
    cr_expect(text[0] == 'x' && text[bytes] == '\0', "the text is another one, or does not end");
    memory_free(text);
}

Test(file, all_of_a_file_is_read_or_up_to_a_limit_or_a_nul)
{
    enum { BYTES = 1000 * 1000, PIECE = 64 * 1024 };
    FILE *out = fopen("a.txt", "w");
    for (int i = 0; i < BYTES; i++)
        fputc('x', out);
    fclose(out);
    expect_read(SIZE_MAX, BYTES, BYTES);
    expect_read(BYTES, BYTES, BYTES);
    expect_read(100, 101, 100 + PIECE);
    out = fopen("a.txt", "r+");
    cr_assert(fseek(out, 10, SEEK_SET) == 0 && fputc('\0', out) == '\0', "cannot prepare a NUL");
    fclose(out);
    expect_read(SIZE_MAX, 11, PIECE);
}

Test(file, what_cannot_be_read_is_an_error_with_its_path)
{
    Error error;
    size_t bytes;
    cr_expect_null(file_read("no/such/file", SIZE_MAX, &bytes, &error));
    cr_expect_str_eq(error.message, "no/such/file: cannot be read: No such file or directory. Check the path.");
    cr_expect_null(file_read("/", SIZE_MAX, &bytes, &error));
    cr_expect(strstr(error.message, "/: cannot be read: ") == error.message, "got: %s", error.message);
    write_plainly("a.txt", "x");
    memory_lasts(0);
    cr_expect_null(file_read("a.txt", SIZE_MAX, &bytes, &error));
    memory_restore();
    cr_expect(strstr(error.message, "no memory") != NULL, "got: %s", error.message);
}

/* Between two pieces of the file there is an allocation. */
static void *change_file(size_t bytes)
{
    FILE *out = fopen("a.txt", "a");
    fputs("more", out);
    fclose(out);
    return malloc(bytes);
}

Test(file, what_another_program_changes_meanwhile_is_an_error)
{
    Error error = {""};
    size_t bytes;
    write_plainly("a.txt", "text");
    memory_set_allocator(change_file);
    char *text = file_read("a.txt", SIZE_MAX, &bytes, &error);
    memory_set_allocator(NULL);
    cr_expect_null(text, "half of the old text and half of the new one was read: \"%s\"", text);
    expect_message(&error, "a.txt: changed while it was read.");
}
