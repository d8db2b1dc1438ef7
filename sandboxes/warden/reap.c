/*
 * Ending processes. As PID 1, kill(-1) reaches exactly what a run has left behind, and the kernel
 * makes us the parent of every orphan: when waitid() says there are no children, nobody is left.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "warden.h"

/* A killed process goes at once, unless the kernel is busy tearing down gigabytes. */
#define REAP_ROUND_MS 20
#define REAP_LIMIT_NS (20 * NS_PER_S)

/* Only there so that SIGCHLD, held back except while we wait, ends the waiting. */
static void on_child(int signal)
{
    (void)signal;
}

static void on_term(int signal)
{
    (void)signal;
    _exit(0); /* as PID 1 this ends everything else too */
}

void reap_prepare(void)
{
    struct sigaction child = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    struct sigaction term = {.sa_handler = on_term};
    sigset_t all;

    /* What a shell let us ignore (nohup, `&` in a script) every program would inherit through exec. */
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigaction(SIGCHLD, &child, NULL);
    /* With a uid of its own a program cannot send this; without, it must find no handler. */
    if (!settings.single_uid)
        sigaction(SIGTERM, &term, NULL);
    sigfillset(&all);
    if (!settings.single_uid)
        sigdelset(&all, SIGTERM);
    sigprocmask(SIG_SETMASK, &all, NULL); /* SIGPIPE among them: a write then returns EPIPE */
}

int reap_one(struct death *death)
{
    siginfo_t info;

    info.si_pid = 0;
    /* The system call, unlike libc's function, hands out the resource usage too. */
    if (syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | __WALL, &death->usage) != 0) {
        if (errno == ECHILD)
            return -1;
        die("waitid: %s", strerror(errno));
    }
    if (info.si_pid == 0)
        return 0;
    death->pid = info.si_pid;
    death->uid = info.si_uid;
    death->code = info.si_code;
    death->status = info.si_status;
    return 1;
}

/*
 * kill(-1) reaches everything the kernel lets us signal. That is what we want as PID 1 of a
 * namespace of our own, and a catastrophe anywhere else: outside, only descendants found one by
 * one are ever signalled.
 */
static void kill_namespace(void)
{
    if (getpid() != 1)
        die("refusing to signal everybody outside a PID namespace of our own");
    kill(-1, SIGKILL);
}

/*
 * Signal all processes of a uid. Only the effective uid changes, which takes CAP_KILL out of
 * effect for the moment: the real and saved ones stay root's, so that none of those processes
 * can signal us. (Through the real uid this reaches root's processes too; a sandbox has none.)
 */
static void kill_uid(uid_t uid)
{
    if (syscall(SYS_setresuid, -1, uid, -1) != 0)
        die("cannot act as uid %u: %s", (unsigned)uid, strerror(errno));
    kill_namespace();
    if (syscall(SYS_setresuid, -1, 0, -1) != 0)
        die("cannot become root again: %s", strerror(errno));
}

void kill_all(void)
{
    if (settings.pid1)
        kill_namespace();
    else
        walk_kill(-1, 0);
}

void kill_side(int side, uid_t uid, pid_t validator)
{
    if (settings.pid1 && !settings.single_uid)
        kill_uid(uid);
    else
        walk_kill(side, validator);
}

/* Wait until a child changes state, or for a moment. */
static void wait_for_child(void)
{
    struct timespec round = {0, REAP_ROUND_MS * (long)NS_PER_MS};
    sigset_t none;

    sigemptyset(&none);
    ppoll(NULL, 0, &round, &none);
}

unsigned reap_all(void (*seen)(const struct death *, void *), void *context)
{
    uint64_t start = 0;
    unsigned killed = 0;
    struct death death;

    for (;;) {
        int got = reap_one(&death);
        if (got < 0)
            return killed;
        if (got > 0) {
            if (start != 0)
                killed++;
            if (seen != NULL)
                seen(&death, context);
            continue;
        }
        if (start == 0)
            start = clock_ns();
        else if (clock_ns() - start > REAP_LIMIT_NS)
            die("processes do not die");
        kill_all();
        wait_for_child();
    }
}
