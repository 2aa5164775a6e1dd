#define _GNU_SOURCE /* setgroups, syscall, O_PATH beside C11 */
#define _DARWIN_C_SOURCE
#include "walls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif
#endif

const char *const wall_names[WALLS] = {"landlock", "seccomp", "another user"};

/* ---- landlock: files --------------------------------------------------------------------------------------------- */

#ifdef LANDLOCK_CREATE_RULESET_VERSION

/* As the newest kernel knows it; an older one is given the parts that it knows, and zeros. */
struct ruleset {
    uint64_t files, network, scoped;
};

enum {
    EVERY_FILE_RIGHT = (1 << 13) - 1, /* of the first version */
    RIGHT_REFER = 1 << 13,            /* since 2: move to another folder */
    RIGHT_TRUNCATE = 1 << 14,         /* since 3 */
    RIGHT_DEVICES = 1 << 15,          /* since 5: ioctl */
    EVERY_NETWORK_RIGHT = 3,          /* since 4: TCP */
    EVERY_SCOPE = 3,                  /* since 6: signals and abstract sockets stay inside */
    READ_RIGHTS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    RIGHTS_OF_A_FILE = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE
};

static struct ruleset everything(long version)
{
    return (struct ruleset){.files = EVERY_FILE_RIGHT | (version >= 2 ? RIGHT_REFER : 0) |
                                     (version >= 3 ? RIGHT_TRUNCATE : 0) | (version >= 5 ? RIGHT_DEVICES : 0),
                            .network = version >= 4 ? EVERY_NETWORK_RIGHT : 0,
                            .scoped = version >= 6 ? EVERY_SCOPE : 0};
}

/* Allow what is below an open file or folder. */
static bool allow(int rules, int fd, uint64_t rights)
{
    struct stat status;
    if (fd < 0)
        return true; /* this system has no such folder: nothing to allow */
    if (fstat(fd, &status) != 0)
        return false;
    if (!S_ISDIR(status.st_mode))
        rights &= RIGHTS_OF_A_FILE;
    const struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static bool allow_path(int rules, const char *path, uint64_t rights)
{
    const int fd = open(path, O_PATH | O_CLOEXEC);
    const bool allowed = allow(rules, fd, rights);
    if (fd >= 0)
        close(fd);
    return allowed;
}

/* Where compilers, headers and libraries are. */
static const char *const of_the_system[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/alternatives", "/etc/ld.so.cache",
                                            NULL};

static bool confine_files(const Confinement *may)
{
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return false;
    const struct ruleset all = everything(version);
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    bool done =
        rules >= 0 && allow_path(rules, "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (int i = 0; done && (may->compiler || may->loads_libraries) && of_the_system[i] != NULL; i++)
        done = allow_path(rules, of_the_system[i], READ_RIGHTS);
    if (done && may->readable != NULL)
        done = allow_path(rules, may->readable, READ_RIGHTS);
    if (done && may->compiler)
        done = allow_path(rules, ".", all.files);
    if (done && !may->compiler)
        done = allow(rules, may->exec_fd, READ_RIGHTS);
    done = done && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (rules >= 0)
        close(rules);
    return done;
}

#else

static bool confine_files(const Confinement *may)
{
    (void)may;
    errno = ENOSYS;
    return false;
}

#endif

/* ---- seccomp: everything else ------------------------------------------------------------------------------------ */

#if defined(__linux__) && defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__linux__) && defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

/* A filter is a program of jumps that a kernel runs at each system call: IF compares what was loaded, and else passes
 * over `skipped` instructions. An argument is seen by its lower half, where these calls have all that counts. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, skipped)
#define IF_NONE_OF(bits, skipped) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), skipped, 0)
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
#define END_IT ANSWER(SECCOMP_RET_KILL_PROCESS)
#define ALLOW(call) IF(SYS_##call, 1), ANSWER(SECCOMP_RET_ALLOW)
#define REFUSE(call, error) IF(SYS_##call, 1), ANSWER(SECCOMP_RET_ERRNO | (error))
#define ALLOW_IF(call, i, value) IF(SYS_##call, 4), LOAD(args[i]), IF(value, 1), ANSWER(SECCOMP_RET_ALLOW), END_IT
#define ALLOW_IF_BOTH(call, i, value, k, other)                                                                        \
    IF(SYS_##call, 6), LOAD(args[i]), IF(value, 3), LOAD(args[k]), IF(other, 1), ANSWER(SECCOMP_RET_ALLOW), END_IT

static const struct sock_filter begin[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    END_IT,
    LOAD(nr),
#ifdef __x86_64__
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
    END_IT, /* calls by another convention, x32 */
#endif
};

/* How a program that is not static finds its libraries. Landlock says which files it may open. */
static const struct sock_filter loading[] = {ALLOW(openat),
                                             ALLOW(close),
                                             ALLOW(pread64),
                                             ALLOW(fstat),
                                             ALLOW(newfstatat),
                                             ALLOW(mmap),
                                             ALLOW(mprotect),
#ifdef SYS_access
                                             ALLOW(access),
#endif
                                             REFUSE(faccessat, ENOENT)};

static void append(struct sock_filter *filter, unsigned short *count, const struct sock_filter *part, size_t bytes)
{
    memcpy(filter + *count, part, bytes);
    *count += (unsigned short)(bytes / sizeof *part);
}

static bool confine_calls(const Confinement *may)
{
    const struct sock_filter computing[] = {
        ALLOW(read), ALLOW(write), ALLOW(writev), ALLOW(exit), ALLOW(exit_group),
        /* memory, but none that is a file's or that holds instructions */
        ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), IF(SYS_mmap, 6), LOAD(args[2]),
        IF_NONE_OF(PROT_EXEC, 3), LOAD(args[3]), IF(MAP_PRIVATE | MAP_ANONYMOUS, 1), ANSWER(SECCOMP_RET_ALLOW), END_IT,
        ALLOW_IF(mprotect, 2, PROT_READ),
        /* what the C library does as it begins and ends */
        ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack), ALLOW(clock_gettime),
        ALLOW(set_tid_address), ALLOW(set_robust_list), ALLOW(rseq), ALLOW(getrandom), ALLOW(futex), ALLOW(getpid),
        ALLOW(gettid),
#ifdef __x86_64__
        ALLOW(arch_prctl), REFUSE(readlink, EPERM),
#endif
        REFUSE(readlinkat, EPERM), REFUSE(ioctl, ENOTTY), REFUSE(fstat, EPERM), REFUSE(newfstatat, EPERM),
        REFUSE(lseek, ESPIPE), REFUSE(uname, EPERM), ALLOW_IF(prlimit64, 2, 0), /* to ask for a limit, not to set one */
        ALLOW_IF_BOTH(tgkill, 0, (uint32_t)getpid(), 2, SIGABRT),               /* abort() */
        ALLOW_IF(execveat, 0, (uint32_t)may->exec_fd),                          /* once: exec closes it */
        END_IT};
    struct sock_filter filter[200];
    unsigned short count = 0;
    append(filter, &count, begin, sizeof begin);
    if (may->loads_libraries)
        append(filter, &count, loading, sizeof loading);
    append(filter, &count, computing, sizeof computing);
    const struct sock_fprog program = {count, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else

static bool confine_calls(const Confinement *may)
{
    (void)may;
    errno = ENOSYS;
    return false;
}

#endif

/* ---- another user ------------------------------------------------------------------------------------------------ */

static bool become_nobody(void)
{
    if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return false;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* run asked for it, and a change of the user takes it back */
#endif
    return true;
}

/* Landlock first: it opens folders that nobody may not. Seccomp last: it forbids the rest of this. */
bool walls_confine(void *confinement)
{
    const Confinement *may = confinement;
    return (!may->walls->up[LANDLOCK] || confine_files(may)) && (!may->walls->up[OTHER_USER] || become_nobody()) &&
           (!may->walls->up[SECCOMP] || may->compiler || confine_calls(may));
}

/* ---- each is tried ----------------------------------------------------------------------------------------------- */

/* Small attacks: each tells whether it came through. */
static bool read_file(const char *program) { return open(program, O_RDONLY) >= 0; }

static bool write_file(const char *program)
{
    (void)program;
    char path[1024];
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/grade-wall-XXXXXX", parent != NULL && *parent != '\0' ? parent : "/tmp");
    const int fd = mkstemp(path);
    if (fd >= 0)
        unlink(path);
    return fd >= 0;
}

static bool signal_us(const char *program)
{
    (void)program;
    return kill(getppid(), 0) == 0;
}

static bool open_socket(const char *program)
{
    (void)program;
    return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}

static bool begin_process(const char *program)
{
    (void)program;
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0;
}

static const struct Attack {
    Wall wall;
    const char *what;
    bool (*comes_through)(const char *program);
} attacks[] = {
    {LANDLOCK, "reads the grader's own program", read_file},
    {LANDLOCK, "writes a file", write_file},
    {SECCOMP, "sends the grader a signal", signal_us},
    {SECCOMP, "opens a socket", open_socket},
    {SECCOMP, "begins a process", begin_process},
    {OTHER_USER, "sends the grader a signal", signal_us},
    {OTHER_USER, "reads the grader's own program (chmod go-rx its folder)", read_file},
};

enum { HELD_OFF, CAME_THROUGH, NO_WALL, NOT_TRIED };

/* Try one attack with its wall alone, in a folder that is empty. */
static int try_attack(const struct Attack *attack, const char *folder, const char *program)
{
    Walls alone = {.up = {false}};
    alone.up[attack->wall] = true;
    Confinement may = {.walls = &alone, .compiler = attack->wall != SECCOMP, .exec_fd = -1};
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) != 0)
            _exit(NOT_TRIED);
        if (!walls_confine(&may))
            _exit(NO_WALL);
        _exit(attack->comes_through(program) ? CAME_THROUGH : HELD_OFF);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return NOT_TRIED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : HELD_OFF; /* or it was ended at the attempt */
}

/* What is known of the walls before any attack. */
static void note_what_is_down(Walls *walls)
{
    for (int wall = 0; wall < WALLS; wall++)
        if (!walls->up[wall])
            snprintf(walls->missing[wall], MISSING_SIZE, "it was taken down");
    if (walls->up[OTHER_USER] && geteuid() != 0) {
        walls->up[OTHER_USER] = false;
        snprintf(walls->missing[OTHER_USER], MISSING_SIZE, "only root can run a program as another user");
    }
}

bool walls_try(Walls *walls, const char *program, Error *error)
{
    char folder[1024];
    const char *parent = getenv("TMPDIR");
    note_what_is_down(walls);
    snprintf(folder, sizeof folder, "%s/grade-walls-XXXXXX", parent != NULL && *parent != '\0' ? parent : "/tmp");
    if (mkdtemp(folder) == NULL)
        return error_set(error, "the walls cannot be tried: no folder %s: %s", folder, strerror(errno));
    bool tried = true;
    for (size_t i = 0; tried && i < sizeof attacks / sizeof attacks[0]; i++) {
        const struct Attack *attack = &attacks[i];
        char *missing = walls->missing[attack->wall];
        if (!walls->up[attack->wall] || missing[0] != '\0')
            continue;
        const int result = try_attack(attack, folder, program);
        if (result == NO_WALL)
            snprintf(missing, MISSING_SIZE, "this system has none");
        else if (result == CAME_THROUGH)
            snprintf(missing, MISSING_SIZE, "a program behind it %s", attack->what);
        walls->up[attack->wall] = result != NO_WALL;
        tried = result != NOT_TRIED || error_set(error, "the walls cannot be tried: no process can be started");
    }
    rmdir(folder);
    return tried;
}

bool walls_are_enough(const Walls *walls)
{
    return walls->missing[LANDLOCK][0] == '\0' || walls->missing[OTHER_USER][0] == '\0';
}

void walls_print(const Walls *walls, FILE *out)
{
    for (int wall = 0; wall < WALLS; wall++)
        if (walls->missing[wall][0] == '\0')
            fprintf(out, "%-13s stands\n", wall_names[wall]);
        else
            fprintf(out, "%-13s missing: %s\n", wall_names[wall], walls->missing[wall]);
    if (!walls_are_enough(walls))
        fprintf(out,
                "A submission might read the reference: no grade given here is final. On Linux 5.13 or later, or as\n"
                "root with the grader in a folder of mode 700, it would be.\n");
}
