/* What a program does in a sandbox, one behaviour per name: `probe NAME [ARGUMENT]`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

long amount; /* the argument */

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void burn(long ms)
{
    double end = cpu_ms() + (double)ms;
    while (cpu_ms() < end)
        ;
}

static void *touched(size_t bytes, int flags)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(9);
    for (size_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
    return p;
}

static void forever(void)
{
    for (;;)
        pause();
}

static void *thread_forever(void *unused)
{
    (void)unused;
    forever();
    return NULL;
}

static void do_exit(void) { exit((int)amount); }
static void do_raise(void) { raise((int)amount); }
static void do_burn(void) { burn(amount); }
static void do_sleep(void) { sleep((unsigned)amount); }
static void do_abort(void) { abort(); }
static void do_say(void) { printf("%ld\n", amount); }

static void do_stubborn(void)
{
    for (int s = 1; s < 65; s++)
        signal(s, SIG_IGN);
    burn(1000000);
}

static void do_burn_children(void) /* four spinners, the parent waits */
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            burn(amount);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
}

static void do_burn_unwaited(void) /* nobody waits for the child: the kernel reaps it */
{
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) {
        burn(amount);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
}

static void do_daemon(void) /* an orphan with its own session that goes on */
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            for (;;)
                ;
        _exit(0);
    }
    wait(NULL);
    puts("done");
}

static void do_fork_bomb(void)
{
    for (;;)
        if (fork() == 0)
            setsid();
}

static void do_thread_bomb(void)
{
    pthread_t t;
    while (pthread_create(&t, NULL, thread_forever, NULL) == 0)
        ;
    exit(7);
}

static void do_stop(void)
{
    kill(0, SIGSTOP);
    forever();
}

static void do_kill_all(void)
{
    kill(1, SIGKILL);
    kill(getppid(), SIGSTOP);
    kill(-1, SIGKILL);
    puts("alive");
}

static void do_touch(void) { touched((size_t)amount << 20, MAP_PRIVATE); }
static void do_touch_shared(void)
{
    touched((size_t)amount << 20, MAP_SHARED);
    sleep(1);
}

static void do_reserve(void)
{
    if (mmap(NULL, (size_t)amount << 20, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
        exit(9);
}

static void do_touch_children(void) /* each child less than the limit, all together more */
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            touched((size_t)amount << 20, MAP_PRIVATE);
            forever();
        }
    forever();
}

static void do_map_stdin(void) /* every page of the input in our resident set */
{
    struct stat info;
    unsigned sum = 0;
    fstat(0, &info);
    const char *p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, 0, 0);
    if (p == MAP_FAILED)
        exit(9);
    for (long i = 0; i < info.st_size; i += 4096)
        sum += (unsigned char)p[i];
    burn(20);
    printf("%u\n", sum);
}

static void do_recurse_into(volatile char *above, long left)
{
    volatile char here[4096];
    here[0] = above[0];
    if (left > 0)
        do_recurse_into(here, left - 1);
    above[0] = here[0];
}

static void do_recurse(void) /* MiB of stack */
{
    volatile char top[1] = {0};
    do_recurse_into(top, amount * 250);
}

void flood(int fd)
{
    static char block[65536];
    memset(block, 'x', sizeof block);
    for (long left = amount << 20; left > 0; left -= (long)sizeof block)
        if (write(fd, block, sizeof block) < 0)
            exit(8);
}

static void do_stdout_flood(void) { flood(1); }
static void do_stderr_flood(void)
{
    flood(2);
    puts("done");
}

static void do_self(void) /* what we are and what we hold, one fact per line */
{
    sigset_t mask;
    struct rlimit limit;
    char cwd[256];
    int open_fds = 0, ignored = 0;

    for (int fd = 0; fd < 64; fd++)
        open_fds += fcntl(fd, F_GETFD) >= 0;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    int blocked = 0;
    for (int s = 1; s < 65; s++) {
        struct sigaction old;
        blocked += sigismember(&mask, s) == 1;
        ignored += sigaction(s, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
    }
    mode_t mask_bits = umask(0);
    printf("uid %d %d\ngid %d\ngroups %d\n", getuid(), geteuid(), getgid(), getgroups(0, NULL));
    printf("session %s\numask %o\nfds %d\nblocked %d\nignored %d\ncwd %s\n",
           getsid(0) == getpid() ? "own" : "shared", mask_bits, open_fds, blocked, ignored,
           getcwd(cwd, sizeof cwd));
    printf("nnp %d\ndeathsig ", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    printf("%d\n", death);
    getrlimit(RLIMIT_CORE, &limit);
    printf("core %lld\n", (long long)limit.rlim_max);
    getrlimit(RLIMIT_NOFILE, &limit);
    printf("nofile %lld\n", (long long)limit.rlim_max);
    printf("input %s\n", fcntl(0, F_GETFL) & (O_WRONLY | O_RDWR) ? "writable" : "read-only");
    printf("position %lld\n", (long long)lseek(0, 0, SEEK_CUR));
    printf("write-input %s\n",
           open("/proc/self/fd/0", O_RDWR) >= 0 && ftruncate(open("/dev/stdin", O_RDWR), 0) == 0
               ? "yes" : "no");
}

static void do_reopen(void) /* the standard streams can be opened by name */
{
    char byte;
    int in = open("/dev/stdin", O_RDONLY), out = open("/dev/stdout", O_WRONLY),
        err = open("/dev/stderr", O_WRONLY);
    if (in < 0 || out < 0 || err < 0)
        exit(9);
    if (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1 && write(err, "e", 1) == 1)
        exit(0);
    exit(8);
}

static void do_poke_warden(void) /* PID 1 is closed to us */
{
    static const char *const doors[] = {"/proc/1/mem", "/proc/1/environ", "/proc/1/maps",
                                        "/proc/1/fd/0", "/proc/1/root", "/proc/1/cwd"};
    for (unsigned i = 0; i < sizeof doors / sizeof *doors; i++)
        if (open(doors[i], O_RDONLY) >= 0)
            printf("%s\n", doors[i]);
    if (kill(1, SIGTERM) == 0 || kill(1, SIGCHLD) == 0)
        printf("signal\n");
}

static void do_ping(void) /* a pair's submission: double what comes until 0 */
{
    long n;
    while (scanf("%ld", &n) == 1 && n != 0) {
        printf("%ld\n", 2 * n);
        fflush(stdout);
    }
}

static void do_judge(void) /* a pair's validator: asks, and exits with 42 or 43 */
{
    long n;
    for (long i = 1; i <= 5; i++) {
        printf("%ld\n", i);
        fflush(stdout);
        if (scanf("%ld", &n) != 1 || n != 2 * i)
            exit(43);
    }
    if (amount) {
        printf("0\n");
        fflush(stdout);
    }
    exit(42);
}

static void do_read_all(void)
{
    char buffer[4096];
    while (read(0, buffer, sizeof buffer) > 0)
        ;
    exit((int)amount);
}

static void do_close_and_read(void) /* ends its own side of the talk and listens on */
{
    close(1);
    do_read_all();
}

static void do_hold_pipe(void) /* a child keeps our standard output open after we are gone */
{
    if (fork() == 0)
        forever();
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"exit", do_exit}, {"raise", do_raise}, {"burn", do_burn}, {"sleep", do_sleep},
    {"abort", do_abort}, {"say", do_say}, {"stubborn", do_stubborn},
    {"burn-children", do_burn_children}, {"burn-unwaited", do_burn_unwaited},
    {"daemon", do_daemon}, {"fork-bomb", do_fork_bomb}, {"thread-bomb", do_thread_bomb},
    {"stop", do_stop}, {"kill-all", do_kill_all}, {"touch", do_touch},
    {"touch-shared", do_touch_shared}, {"reserve", do_reserve},
    {"touch-children", do_touch_children}, {"map-stdin", do_map_stdin}, {"recurse", do_recurse},
    {"stdout-flood", do_stdout_flood}, {"stderr-flood", do_stderr_flood},
    {"big-file", do_big_file}, {"many-files", do_many_files}, {"open-files", do_open_files},
    {"nasty-tree", do_nasty_tree}, {"mark-top", do_mark_top}, {"find-mark", do_find_mark},
    {"hide-pipe", do_hide_pipe},
    {"self", do_self}, {"reopen", do_reopen}, {"poke-warden", do_poke_warden},
    {"ping", do_ping}, {"judge", do_judge}, {"read-all", do_read_all},
    {"hold-pipe", do_hold_pipe}, {"close-and-read", do_close_and_read},
};

int main(int argc, char **argv)
{
    amount = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    for (unsigned i = 0; argc > 1 && i < sizeof acts / sizeof *acts; i++)
        if (strcmp(argv[1], acts[i].name) == 0) {
            acts[i].act();
            fflush(stdout);
            return 0;
        }
    return 99;
}
