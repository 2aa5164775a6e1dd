#!/bin/sh
# make.sh - submissions that want points for nothing, or want the grader's end.
#
#     sh make.sh OUT REFERENCE GRADER [NAME...]
#
# Each is a folder of OUT with a lab3.c that answers all tasks wrong and attacks. REFERENCE is the path of the right
# lab3.c and GRADER that of the grader, which some try to read. An attack that has come through says CAME THROUGH, where
# it can tell. None may win a point (but `measures`, which is right). NAMEs: make these alone.
set -eu
out=$1
reference=$2
grader=$3
shift 3
only=" $* "
mkdir -p "$out"

# ---- how they are written --------------------------------------------------------------------------------------------

head='#define _GNU_SOURCE
#include "lab.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#define CAME_THROUGH_IF(true) do { if (true) { puts("CAME" " THROUGH"); fflush(stdout); } } while (0)
static double wrong = 7;'

# All tasks of lab 3, each doing $1 first.
tasks() {
    for op in sub mul div pow max; do
        echo "void ${op}_backward(double a, double b, double y, double g, double grad[2]) { $1; grad[0] = grad[1] = wrong; }"
    done
    for op in tanh relu; do
        echo "double ${op}_backward(double a, double y, double g) { $1; return wrong; }"
    done
}

wanted() { case $only in '  ' | *" $1 "*) ;; *) return 1 ;; esac }
file() { if wanted "$1"; then mkdir "$out/$1" && cat >"$out/$1/lab3.c"; else cat >/dev/null; fi; }
top() { if wanted "$1"; then printf '%s\n' "$head" "$2" "$(tasks ';')" | file "$1"; fi; }
start() { top "$1" "__attribute__((constructor)) static void start(void) { $2 }"; }
task() {
    if wanted "$1"; then
        printf '%s\n' "$head" "static void attack(void) { $2 }" "$(tasks 'attack()')" | file "$1"
    fi
}

# ---- points for nothing ----------------------------------------------------------------------------------------------

start exit_at_start 'exit(0);'
task exit_in_task 'exit(0);'
task quick_exit_in_task '_exit(0);'
start exit_later 'atexit((void (*)(void))abort);'
task aborts 'abort();'
start zeros_everywhere 'static double z[4096]; for (int fd = 0; fd < 256; fd++) if (write(fd, z, sizeof z) < 0) {} _exit(0);'
start ones_everywhere 'double z[10] = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1}; if (write(4, z, sizeof z) < 0) {} _exit(0);'
start constants 'double z[10] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7}; if (write(4, z, sizeof z) < 0) {} for (;;) {}'
start echoes_the_points 'static double z[20]; ssize_t n; while ((n = read(3, z, sizeof z)) > 0) if (write(4, z, n) < 0) {} _exit(0);'
task too_many_numbers 'static double z[4096]; if (write(4, z, sizeof z) < 0) {}'
task one_byte 'if (write(4, "", 1) < 0) {}'
task says_not_written 'if (write(4, "?", 1) < 0) {} _exit(0);'
task says_stack_is_full 'if (write(4, "^", 1) < 0) {} raise(SIGABRT);'
task closes_everything 'for (int fd = 0; fd < 1024; fd++) close(fd);'
task turns_the_pipes_round 'dup2(4, 3); dup2(3, 4);'
task nan_everywhere 'wrong = NAN;'
task infinity_everywhere 'wrong = INFINITY;'
task not_written_and_on 'not_written("3.1");'
task changes_the_points 'for (char *at = (char *)&at; at < (char *)&at + 4096; at += 8) if (*(double *)at == 0.5) *(double *)at = 7;'
top jumps_away 'static jmp_buf there; __attribute__((constructor)) static void start(void) { if (setjmp(there) == 0) return; _exit(0); }
__attribute__((destructor)) static void end(void) { longjmp(there, 1); }'
top prints_at_the_end '__attribute__((destructor)) static void end(void) { puts("Score: 45/45"); }'
start prints_results 'puts("{\"score\": 45, \"tests\": []}\n== 3.1 sub_backward ==  ok 1/1\nScore: 45/45"); fflush(stdout);'
task prints_github 'puts("::error file=lab3.c::HACKED\n::set-output name=x::HACKED\n##[error]HACKED"); fflush(stdout);'
start waits_in_a_call 'int w = 0; struct timespec t = {9, 700000000}; syscall(SYS_futex, &w, 128, 0, &t, 0, 0);'
task prints_terminal_commands 'fputs("\xc2\x9b" "31m \x9b" "31m \xe2\x80\xae", stdout); fflush(stdout);'
task prints_dirt 'fwrite("\\\"\x01\xff\xfe\xed\xa0\x80\x1b[31m\0\r<script>\xe2\x80\xae", 1, 24, stdout); fflush(stdout);'
top own_main 'int main(void) { puts("Score: 45/45"); return 0; }'
top replaces_write 'ssize_t write(int fd, const void *p, size_t n) { return n; }'
top replaces_pow 'double pow(double a, double b) { return 1; }'
top replaces_malloc 'void *malloc(size_t n) { return 0; }'
top replaces_not_written 'void not_written(const char *task) { _exit(0); }'
top replaces_by_asm '__asm__(".globl memcpy\n.type memcpy, @function\nmemcpy: ret");' 
top replaces_by_weak_asm '__asm__(".weak layout_count\n.type layout_count, @function\nlayout_count: ret");'
top replaces_by_label 'double mine(void) __asm__("layout_count"); double mine(void) { return 1; }'
top replaces_by_alias 'static int one(void) { return 1; } int task_find(void) __attribute__((alias("one")));'
top replaces_by_ifunc 'static void *choose(void) { return 0; } double sin(double) __attribute__((ifunc("choose")));'
top replaces_by_common '__asm__(".comm task_count,4,4");'
top replaces_by_version 'void mine_1(void) {} __asm__(".symver mine_1,read@@GLIBC_2.2.5");'
top odd_names '__asm__("\"sub_backward T 0\\nx;$(touch owned)`id`\\\"::error::HACKED\" = 5\n.globl \"sub_backward T 0\\nx;$(touch owned)`id`\\\"::error::HACKED\"");'
top many_names "$(i=0; while [ $i -lt 600 ]; do echo "int name_number_$i;"; i=$((i + 1)); done)"
top warns_while_linking '__asm__(".section .gnu.warning.sub_backward\n.string \"::error::HACKED\"\n.text");'
top before_constructors 'static void start(void) { _exit(0); } __attribute__((section(".preinit_array"), used)) static void (*first)(void) = start;'
top own_interpreter '__attribute__((section(".interp"), used)) static const char interpreter[] = "/bin/sh";'
top no_such_interpreter '__attribute__((section(".interp"), used)) static const char interpreter[] = "/proc/self/exe";'
task preloads 'setenv("LD_PRELOAD", "./lab.o", 1); char *argv[] = {"worker", "3.1", 0}; execve("/proc/self/exe", argv, environ);'

# A derivative that is measured: in double not exact enough, in long double right.
measured() { tasks ';' | sed "s/return wrong/return g * (double)(($1(a + h) - $1(a - h)) \/ (2 * h))/"; }
printf '%s\nstatic const double h = 1e-6;\n%s\n' "$head" "$(measured tanh | sed '/relu/s/return .*;/return wrong;/')" | file nudges_in_double
five_points='(8 * (tanhl(a + h) - tanhl(a - h)) - (tanhl(a + 2 * h) - tanhl(a - 2 * h))) / (12 * h)'
printf '%s\nstatic const long double h = 1e-4L;\n%s\n' "$head" "$(tasks ';' | sed "/tanh/s|return wrong|return g * (double)($five_points)|")" | file measures

# ---- the reference, and other files ----------------------------------------------------------------------------------

printf '#include "%s"\n' "$reference" | file include_reference
printf '#define THE(x) #x\n#define TEXT(x) THE(x)\n#define PATH %s\n#include TEXT(PATH)\n' "$reference" | file include_by_macro
printf '#if __has_include("%s")\n#error CAME THROUGH\n#endif\n' "$reference" | file probe_by_include
top include_passwd '#include "/etc/passwd"'
top include_environment '#include "/proc/self/environ"'
top include_command_line '#include "/proc/self/cmdline"'
top include_zero '#include "/dev/zero"'
top include_stdin '#include "/dev/stdin"'
printf '#include "lab3.c"\n#include "lab3.c"\n' | file include_itself
top incbin "__asm__(\".section .rodata\\nsecret: .incbin \\\"$reference\\\"\\n.byte 0\\n.text\"); extern const char secret[]; __attribute__((constructor)) static void start(void) { CAME_THROUGH_IF(secret[0] != 0); }"
top incbin_grader "__asm__(\".section .rodata\\nsecret: .incbin \\\"$grader\\\"\\n.byte 0\\n.text\"); extern const char secret[]; __attribute__((constructor)) static void start(void) { CAME_THROUGH_IF(secret[0] != 0); }"
top incbin_by_section "__attribute__((section(\".x,\\\"a\\\",@progbits\\nsecret: .incbin \\\"$reference\\\"\\n.byte 0 #\"))) int x = 1;"
task reads_reference "int fd = open(\"$reference\", O_RDONLY); CAME_THROUGH_IF(fd >= 0);"
task reads_grader "int fd = open(\"$grader\", O_RDONLY); CAME_THROUGH_IF(fd >= 0);"
task reads_passwd 'FILE *f = fopen("/etc/passwd", "r"); CAME_THROUGH_IF(f != NULL);'
task reads_parent 'char p[64]; snprintf(p, sizeof p, "/proc/%d/mem", (int)getppid()); CAME_THROUGH_IF(open(p, O_RDWR) >= 0);'
task reads_parent_directly 'char b[8]; struct iovec here = {b, 8}, there = {(void *)0x400000, 8}; CAME_THROUGH_IF(process_vm_readv(getppid(), &here, 1, &there, 1, 0) > 0);'
task writes_file 'FILE *f = fopen("owned", "w"); CAME_THROUGH_IF(f != NULL);'
task writes_results 'FILE *f = fopen("../results.json", "w"); CAME_THROUGH_IF(f != NULL);'
task writes_above 'CAME_THROUGH_IF(mkdir("/tmp/stepgrad-owned", 0700) == 0);'
task fills_the_disk 'char b[4096] = {1}; int fd = open("big", O_CREAT | O_WRONLY, 0600); CAME_THROUGH_IF(fd >= 0); while (write(fd, b, sizeof b) > 0) {}'
task removes_files 'CAME_THROUGH_IF(unlink("kit/lab.h") == 0 || rmdir("kit") == 0);'
task changes_folder 'CAME_THROUGH_IF(chdir("/") == 0);'

# ---- other processes, and the system ---------------------------------------------------------------------------------

task kills_parent 'CAME_THROUGH_IF(kill(getppid(), 0) == 0); kill(getppid(), SIGKILL);'
task kills_group 'kill(0, SIGKILL);'
task stops_parent 'kill(getppid(), SIGSTOP);'
task traces_parent 'CAME_THROUGH_IF(ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0);'
task sleepers 'for (int i = 0; i < 20; i++) if (fork() == 0) { puts("CAME" " THROUGH"); fflush(stdout); sleep(100); _exit(0); }'
task daemon_holds_pipes 'if (fork() == 0) { setsid(); if (fork() == 0) { puts("CAME" " THROUGH"); fflush(stdout); sleep(100); } _exit(0); }'
task forks_again_and_again 'for (int i = 0; i < 200; i++) if (fork() != 0) _exit(0); puts("CAME" " THROUGH"); fflush(stdout); sleep(100);'
top threads 'static void *other(void *p) { puts("CAME" " THROUGH"); fflush(stdout); for (;;) {} } __attribute__((constructor)) static void start(void) { pthread_t t; pthread_create(&t, 0, other, 0); usleep(1000); }'
task runs_shell 'execl("/bin/sh", "sh", "-c", "echo CAME THROUGH", (char *)0);'
task runs_system 'CAME_THROUGH_IF(system("true") == 0);'
task runs_itself 'char *argv[] = {"worker", "3.1", 0}; execve("/proc/self/exe", argv, environ);'
task opens_socket 'CAME_THROUGH_IF(socket(AF_INET, SOCK_STREAM, 0) >= 0);'
task local_socket 'int pair[2]; CAME_THROUGH_IF(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);'
task writes_instructions 'CAME_THROUGH_IF(mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);'
task makes_memory_executable 'static char page[8192]; char *at = page + 4096 - (size_t)page % 4096; CAME_THROUGH_IF(mprotect(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);'
task raises_limits 'struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY}; CAME_THROUGH_IF(setrlimit(RLIMIT_CPU, &r) == 0);'
task old_convention 'long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20)); CAME_THROUGH_IF(r > 0);'
task another_convention 'CAME_THROUGH_IF(syscall(0x40000000 + 39) > 0);'
task becomes_root 'CAME_THROUGH_IF(setuid(0) == 0);'
task memory_file 'CAME_THROUGH_IF(memfd_create("x", 0) >= 0);'

# ---- without end -----------------------------------------------------------------------------------------------------

start endless_at_start 'for (volatile int i = 0;;) i = 1;'
task endless 'for (volatile int i = 0;;) i = 1;'
task endless_output 'for (;;) puts("3.1 ok 1/1");'
task endless_results 'static double z[512]; for (;;) if (write(4, z, sizeof z) < 0) {}'
task ignores_signals 'for (int s = 1; s < 65; s++) signal(s, SIG_IGN); for (volatile int i = 0;;) i = 1;'
task sleeps 'for (;;) sleep(1000);'
task waits_for_a_signal 'for (;;) pause();'
task waits_for_a_lock 'pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_mutex_lock(&m); pthread_mutex_lock(&m);'
task stops_itself 'raise(SIGSTOP);'
task wakes_by_timer 'struct itimerval t = {{0, 1000}, {0, 1000}}; setitimer(ITIMER_REAL, &t, 0); signal(SIGALRM, SIG_IGN); for (;;) pause();'
printf '%s\n' "$head" 'static int deep(int n) { volatile char b[4000]; b[0] = (char)n; return deep(n + 1) + b[0]; }' "$(tasks 'deep(0)')" | file recursion
task eats_memory 'for (;;) { char *p = malloc(1 << 20); if (p != NULL) memset(p, 1, 1 << 20); }'
top large_array 'static char large[1u << 30]; __attribute__((constructor)) static void start(void) { memset(large, 1, sizeof large); }'
top huge_object 'static char large[1u << 31] = {1}; char *volatile use = large;'
{
    echo '#define A0 1+1+1+1+1+1+1+1+1+1'
    for i in 1 2 3 4 5 6 7 8; do
        p=A$((i - 1))
        echo "#define A$i $p+$p+$p+$p+$p+$p+$p+$p+$p+$p"
    done
    echo 'static int x = A8;'
} | file macro_bomb
top endless_assembler '__asm__(".rept 100000000\n.rept 1000\nnop\n.endr\n.endr");'
{ printf 'static int x = ' && head -c 100000 /dev/zero | tr '\0' '(' && echo '1;'; } | file deep_brackets
{ head -c 200000 /dev/zero | tr '\0' '@'; } | file many_errors
{ printf '/* ' && tasks ';'; } | file unfinished_comment

# ---- no lab3.c, or a strange one -------------------------------------------------------------------------------------

mkdir "$out/symlink" && ln -s "$reference" "$out/symlink/lab3.c"
mkdir "$out/link_to_device" && ln -s /dev/zero "$out/link_to_device/lab3.c"
mkdir "$out/pipe" && mkfifo "$out/pipe/lab3.c"
mkdir "$out/folder" "$out/folder/lab3.c"
mkdir "$out/another_lab" && echo '#include "lab.h"' >"$out/another_lab/lab1.c"
ln "$reference" "$out/hard_link.c" 2>/dev/null && mkdir "$out/hard_link" && mv "$out/hard_link.c" "$out/hard_link/lab3.c"
file empty_file </dev/null
head -c 3000000 /dev/zero | tr '\0' ' ' | file huge_file
printf 'int x\0 = 1;\377\376' | file holds_nul
echo 'double tanh_backward(double a, double y, double g) { return 1/a' | file broken
if wanted odd; then only='  '; fi # these names have spaces
start "it's a \"path\" with ; \$(touch owned) and \`id\`" 'exit(0);'
start "two
lines" 'exit(0);'
