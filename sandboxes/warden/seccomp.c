/*
 * The second seccomp filter, on top of the container's profile, which refuses the same things for
 * everything in the container. Under bubblewrap it is the only one.
 *
 * It is installed once, on warden itself, and inherited: building and compiling it for every run
 * would be the most expensive part of a run. Nothing warden does is refused by it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "warden.h"

#if defined(__x86_64__)
#define ARCH_NATIVE AUDIT_ARCH_X86_64
#define X32_FIRST 0x40000000u
#define X32_END 0x80000000u
#elif defined(__aarch64__)
#define ARCH_NATIVE AUDIT_ARCH_AARCH64
#else
#error "warden knows the system calls of x86_64 and aarch64 only"
#endif

/* Newer than some headers; the same number on every architecture. */
enum {
    NR_io_uring_setup = 425,
    NR_io_uring_enter = 426,
    NR_io_uring_register = 427,
    NR_open_tree = 428,
    NR_move_mount = 429,
    NR_fsopen = 430,
    NR_fsconfig = 431,
    NR_fsmount = 432,
    NR_fspick = 433,
    NR_clone3 = 435,
    NR_pidfd_getfd = 438,
    NR_process_madvise = 440,
    NR_mount_setattr = 442,
    NR_quotactl_fd = 443,
    NR_memfd_secret = 447,
    NR_statmount = 457,
    NR_listmount = 458,
    NR_open_tree_attr = 467,
    NR_listns = 470,
};

/* Refused with EPERM. */
static const unsigned refused[] = {
    /* other processes */
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, NR_process_madvise, SYS_kcmp,
    NR_pidfd_getfd, SYS_migrate_pages, SYS_move_pages,
    /* System V IPC and POSIX queues: they outlive the process */
    SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_semget, SYS_semop, SYS_semctl,
    SYS_semtimedop, SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl, SYS_mq_open, SYS_mq_unlink,
    SYS_mq_timedsend, SYS_mq_timedreceive, SYS_mq_notify, SYS_mq_getsetattr,
    /* keyrings: they belong to the uid, not to the process */
    SYS_add_key, SYS_keyctl, SYS_request_key,
    /* kernel surface no solution needs */
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, NR_memfd_secret, SYS_fanotify_init,
    SYS_fanotify_mark, SYS_lookup_dcookie, SYS_syslog, SYS_acct, SYS_quotactl, NR_quotactl_fd,
    SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_vhangup, SYS_nfsservctl,
    /* mounts and namespaces */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, NR_open_tree, NR_move_mount, NR_fsopen,
    NR_fsconfig, NR_fsmount, NR_fspick, NR_mount_setattr, NR_statmount, NR_listmount,
    NR_open_tree_attr, NR_listns, SYS_unshare, SYS_setns,
    /* the machine */
    SYS_reboot, SYS_swapon, SYS_swapoff, SYS_kexec_load, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_settimeofday, SYS_adjtimex, SYS_clock_settime, SYS_clock_adjtime,
    SYS_sethostname, SYS_setdomainname,
    /* a better place in the run queue */
    SYS_sched_setattr, SYS_sched_setparam,
    /* another CPU: under bubblewrap only affinity keeps a slot to its own */
    SYS_sched_setaffinity,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef __x86_64__
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl,
    SYS_create_module, SYS_get_kernel_syms, SYS_query_module,
#endif
};

/* Refused with ENOSYS: the caller then takes the older way, which the filter can look into. */
static const unsigned unknown[] = {
    NR_clone3, NR_io_uring_setup, NR_io_uring_enter, NR_io_uring_register,
};

#define CLONE_NEW_ANY 0x7E020080u /* every CLONE_NEW* that clone() takes, time namespace too */
#define TIOCSTI_REQUEST 0x5412u
#define TIOCLINUX_REQUEST 0x541Cu
#define PERSONALITY_QUERY 0xffffffffu

#define ARG_LOW(n) (offsetof(struct seccomp_data, args) + (n) * sizeof(uint64_t))
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))
#define PROGRAM_MAX 256

static struct sock_filter program[PROGRAM_MAX];
static unsigned short program_length;

static void add(uint16_t code, uint32_t k, uint8_t jump_true, uint8_t jump_false)
{
    if (program_length == PROGRAM_MAX)
        die("the seccomp filter outgrows its array");
    program[program_length++] = (struct sock_filter){code, jump_true, jump_false, k};
}

static void load(size_t offset)
{
    add(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(uint32_t action)
{
    add(BPF_RET | BPF_K, action, 0, 0);
}

/* If the number is `nr`, answer `action`. */
static void refuse(unsigned nr, uint32_t action)
{
    add(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
    answer(action);
}

/* Begin a block of `length` instructions that only `nr` enters; each block ends in an answer. */
static void only_for(unsigned nr, uint8_t length)
{
    add(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, length);
}

static void socket_block(unsigned nr)
{
    only_for(nr, 4);
    load(ARG_LOW(0));
    add(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(ERRNO(EAFNOSUPPORT));
}

static void clone_block(void)
{
    only_for(SYS_clone, 4);
    load(ARG_LOW(0));
    add(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEW_ANY, 0, 1);
    answer(ERRNO(EPERM));
    answer(SECCOMP_RET_ALLOW);
}

static void ioctl_block(void)
{
    only_for(SYS_ioctl, 5);
    load(ARG_LOW(1));
    add(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI_REQUEST, 1, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX_REQUEST, 0, 1);
    answer(ERRNO(EPERM));
    answer(SECCOMP_RET_ALLOW);
}

static void personality_block(void)
{
    only_for(SYS_personality, 5);
    load(ARG_LOW(0));
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, PERSONALITY_QUERY, 0, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(ERRNO(EPERM));
}

/* Limits of oneself only: with a single uid, warden's and the validator's would be in reach. */
static void prlimit_block(void)
{
    only_for(SYS_prlimit64, 4);
    load(ARG_LOW(0));
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(ERRNO(EPERM));
}

/* The ordinary policy may be asked for anew: Mono does so for every thread. */
static void scheduler_block(void)
{
    only_for(SYS_sched_setscheduler, 4);
    load(ARG_LOW(1));
    add(BPF_JMP | BPF_JEQ | BPF_K, SCHED_OTHER, 0, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(ERRNO(EPERM));
}

void seccomp_install(void)
{
    load(offsetof(struct seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, ARCH_NATIVE, 1, 0);
    answer(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(struct seccomp_data, nr));
#ifdef X32_FIRST
    add(BPF_JMP | BPF_JGE | BPF_K, X32_END, 2, 0); /* -1 and the like are just unknown numbers */
    add(BPF_JMP | BPF_JGE | BPF_K, X32_FIRST, 0, 1);
    answer(SECCOMP_RET_KILL_PROCESS);
#endif
    socket_block(SYS_socket);
    socket_block(SYS_socketpair);
    clone_block();
    ioctl_block();
    personality_block();
    prlimit_block();
    scheduler_block();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        refuse(refused[i], ERRNO(EPERM));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        refuse(unknown[i], ERRNO(ENOSYS));
    answer(SECCOMP_RET_ALLOW);

    struct sock_fprog filter = {.len = program_length, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
        die("cannot install the seccomp filter: %s", strerror(errno));
}
