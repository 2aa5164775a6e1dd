/* test_file.c - a file is written whole or not at all. */
#define _DEFAULT_SOURCE /* setrlimit, symlink, mkdtemp beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "no_memory.h"

enum { MUCH = 100000 }; /* bytes: more than any stream's buffer */

/* A folder of the test's own, and the current one, so that names are plain. */
static char folder[] = "/tmp/stepgrad-file-XXXXXX";

static void enter_folder(void) { cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder to work in"); }

static void remove_folder(void)
{
    const char *names[] = {"a.txt", "a.txt.tmp", "a.txt.tmp2", "link.txt", "pipe"};
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
    cr_expect(!exists("a.txt.tmp"), "the unfinished file was left");
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
    cr_expect(!exists("a.txt.tmp"), "the unfinished file was left");
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
    expect_content("a.txt", "old");
    cr_expect(!exists("a.txt.tmp"), "the unfinished file was left");
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

Test(file, a_minus_is_standard_output_and_does_not_close_it)
{
    cr_assert(freopen("a.txt", "w", stdout) != NULL, "cannot redirect standard output");
    cr_expect(write_safely("-", "one ", NULL), "cannot write to -");
    cr_expect(write_safely("/dev/stdout", "two ", NULL), "cannot write to /dev/stdout");
    printf("three");
    fflush(stdout);
    expect_content("a.txt", "one two three");
}

/* ---- out of memory ---- */

Test(file, out_of_memory_is_told_and_leaves_nothing)
{
    for (int successes = 0; successes < 2; successes++) {
        memory_lasts((size_t)successes);
        Error error = {""};
        cr_expect(!write_safely("a.txt", "x", &error), "written with %d of 2 allocations", successes);
        expect_message(&error, "a.txt: cannot write: ");
        cr_expect(!exists("a.txt") && !exists("a.txt.tmp"), "a file was left after %d allocations", successes);
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
