/* Try a system call by name and print what comes of it: `syscalls NAME`, or all without one. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long clone_with(unsigned long flags)
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return pid;
}

struct try {
    const char *name;
    long number;
    long a, b, c, d;
};

static const struct try tries[] = {
    {"ptrace", SYS_ptrace, 0, 0, 0, 0},
    {"process_vm_readv", SYS_process_vm_readv, 1, 0, 0, 0},
    {"process_vm_writev", SYS_process_vm_writev, 1, 0, 0, 0},
    {"process_madvise", 440, 0, 0, 0, 0},
    {"kcmp", SYS_kcmp, 1, 1, 0, 0},
    {"pidfd_getfd", 438, 0, 0, 0, 0},
    {"shmget", SYS_shmget, 0, 4096, 01600, 0},
    {"semget", SYS_semget, 0, 1, 01600, 0},
    {"msgget", SYS_msgget, 0, 01600, 0, 0},
    {"mq_open", SYS_mq_open, (long)"q", O_CREAT | O_RDWR, 0600, 0},
    {"mq_unlink", SYS_mq_unlink, (long)"q", 0, 0, 0},
    {"add_key", SYS_add_key, (long)"user", (long)"k", (long)"v", 1},
    {"keyctl", SYS_keyctl, 0, -3, 0, 0},
    {"request_key", SYS_request_key, (long)"user", (long)"k", 0, 0},
    {"io_uring_setup", 425, 1, 0, 0, 0},
    {"io_uring_enter", 426, 0, 0, 0, 0},
    {"bpf", SYS_bpf, 0, 0, 0, 0},
    {"perf_event_open", SYS_perf_event_open, 0, 0, 0, 0},
    {"userfaultfd", SYS_userfaultfd, 1, 0, 0, 0},
    {"memfd_secret", 447, 0, 0, 0, 0},
    {"mount", SYS_mount, 0, (long)"/", 0, 0},
    {"umount2", SYS_umount2, (long)"/", 0, 0, 0},
    {"pivot_root", SYS_pivot_root, (long)"/", (long)"/", 0, 0},
    {"chroot", SYS_chroot, (long)"/", 0, 0, 0},
    {"fsopen", 430, (long)"tmpfs", 0, 0, 0},
    {"open_tree", 428, -1, (long)"/", 0, 0},
    {"move_mount", 429, 0, 0, 0, 0},
    {"mount_setattr", 442, 0, 0, 0, 0},
    {"unshare", SYS_unshare, CLONE_NEWUSER, 0, 0, 0},
    {"setns", SYS_setns, 0, 0, 0, 0},
    {"open_by_handle_at", SYS_open_by_handle_at, 0, 0, 0, 0},
    {"name_to_handle_at", SYS_name_to_handle_at, 0, 0, 0, 0},
    {"kexec_load", SYS_kexec_load, 0, 0, 0, 0},
    {"reboot", SYS_reboot, 0, 0, 0, 0},
    {"swapon", SYS_swapon, (long)"/x", 0, 0, 0},
    {"swapoff", SYS_swapoff, (long)"/x", 0, 0, 0},
    {"settimeofday", SYS_settimeofday, 0, 0, 0, 0},
    {"clock_settime", SYS_clock_settime, 0, 0, 0, 0},
    {"adjtimex", SYS_adjtimex, 0, 0, 0, 0},
    {"clock_adjtime", SYS_clock_adjtime, 0, 0, 0, 0},
    {"init_module", SYS_init_module, 0, 0, 0, 0},
    {"finit_module", SYS_finit_module, 0, 0, 0, 0},
    {"delete_module", SYS_delete_module, 0, 0, 0, 0},
    {"acct", SYS_acct, 0, 0, 0, 0},
    {"quotactl", SYS_quotactl, 0, 0, 0, 0},
    {"syslog", SYS_syslog, 0, 0, 0, 0},
    {"vhangup", SYS_vhangup, 0, 0, 0, 0},
    {"sethostname", SYS_sethostname, (long)"h", 1, 0, 0},
    {"personality", SYS_personality, 0x0040000, 0, 0, 0},
    {"fanotify_init", SYS_fanotify_init, 0, 0, 0, 0},
    {"sched_setscheduler", SYS_sched_setscheduler, 0, SCHED_FIFO, 0, 0},
    {"sched_setattr", SYS_sched_setattr, 0, 0, 0, 0},
    {"clone3", 435, 0, 0, 0, 0},
#ifdef __x86_64__
    {"iopl", SYS_iopl, 3, 0, 0, 0},
    {"ioperm", SYS_ioperm, 0x80, 1, 1, 0},
    {"modify_ldt", SYS_modify_ldt, 0, 0, 0, 0},
#endif
    {"tiocsti", SYS_ioctl, 0, TIOCSTI, 0, 0},
    {"af_inet", SYS_socket, AF_INET, SOCK_STREAM, 0, 0},
    {"af_inet6", SYS_socket, AF_INET6, SOCK_DGRAM, 0, 0},
    {"af_netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0},
    {"af_alg", SYS_socket, 38, SOCK_SEQPACKET, 0, 0},
    {"af_vsock", SYS_socket, 40, SOCK_STREAM, 0, 0},
    {"af_packet", SYS_socket, AF_PACKET, SOCK_RAW, 0, 0},
    {"af_unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0},
    {"personality-query", SYS_personality, 0xffffffff, 0, 0, 0},
    {"getpid", SYS_getpid, 0, 0, 0, 0},
    {"no-such-call", -1, 0, 0, 0, 0},
};

static void report(const char *name, long result)
{
    printf("%s %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
}

int main(int argc, char **argv)
{
    static const unsigned long spaces[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET,
                                           CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    if (argc > 1 && strcmp(argv[1], "foreign") == 0) {
#ifdef __x86_64__
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory"); /* getpid, i386 */
        return result < 0 ? 1 : 0;
#else
        raise(SIGSYS);
#endif
    }
    if (argc > 1 && strcmp(argv[1], "x32") == 0) {
#ifdef __x86_64__
        syscall(0x40000000 + SYS_getpid);
        return 0;
#else
        raise(SIGSYS);
#endif
    }
    for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++)
        report(tries[i].name, syscall(tries[i].number, tries[i].a, tries[i].b, tries[i].c,
                                      tries[i].d));
    for (unsigned i = 0; i < sizeof spaces / sizeof *spaces; i++)
        report("clone-new", clone_with(spaces[i]));
    report("clone", clone_with(0));
    return 0;
}
