/*
 * From warden to the program: a child that shares our memory until exec (clone with CLONE_VM and
 * CLONE_VFORK), because copying even our small address space costs more than all the rest.
 *
 * Sharing is safe here: we stand still until the child has exec'd or died, it runs on a stack of
 * its own, and it leaves the uids of its role in a process that is not dumpable. Limits that are
 * the same for every run are set on warden itself and inherited, as is the seccomp filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "warden.h"

#define CHILD_STACK (64 * 1024)
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

/* What the child tells us: in shared memory, so that it also works with a copied address space. */
struct failure {
    enum spawn_stage stage;
    int error;
};
static volatile struct failure *failure;

static void limit(int which, uint64_t soft, uint64_t hard)
{
    struct rlimit now, wanted = {soft, hard};
    if (getrlimit((__rlimit_resource_t)which, &now) == 0 && hard > now.rlim_max) {
        wanted.rlim_max = now.rlim_max; /* nobody here may raise a hard limit */
        if (soft > now.rlim_max)
            wanted.rlim_cur = now.rlim_max;
    }
    if (setrlimit((__rlimit_resource_t)which, &wanted) != 0)
        die("cannot set resource limit %d: %s", which, strerror(errno));
}

void spawn_prepare(void)
{
    failure = mmap(NULL, sizeof *failure, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                   0);
    if (failure == MAP_FAILED)
        die("no memory: %s", strerror(errno));
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_NICE, 0, 0);
    limit(RLIMIT_RTPRIO, 0, 0);
    limit(RLIMIT_MSGQUEUE, 0, 0);
    limit(RLIMIT_MEMLOCK, 64 * KIB, 64 * KIB);
    limit(RLIMIT_SIGPENDING, 256, 256);
}

static _Noreturn void give_up(enum spawn_stage stage)
{
    failure->error = errno;
    failure->stage = stage;
    _exit(127);
}

static void check(long result)
{
    if (result < 0)
        give_up(SPAWN_SETUP);
}

static void child_limit(int which, uint64_t soft, uint64_t hard)
{
    struct rlimit wanted = {soft, hard};
    if (syscall(SYS_prlimit64, 0, which, &wanted, NULL) == 0)
        return;
    /* EPERM: above the sandbox's own hard limit, which then is the tighter one. */
    struct rlimit now;
    check(errno == EPERM ? 0 : -1);
    check(syscall(SYS_prlimit64, 0, which, NULL, &now));
    now.rlim_cur = soft < now.rlim_max ? soft : now.rlim_max;
    check(syscall(SYS_prlimit64, 0, which, &now, NULL));
}

static void child_limits(const struct command *command)
{
    uint64_t seconds = command->cpu_ms / 1000 + 2;
    uint64_t file = command->file_bytes;
    uint64_t stack = command->stack_bytes == 0 ? RLIM_INFINITY : command->stack_bytes;

    /* Standard output is a file: it must be able to pass its limit by one byte. */
    if (file <= command->output_bytes)
        file = command->output_bytes + 1;
    child_limit(RLIMIT_FSIZE, file, file);
    child_limit(RLIMIT_NOFILE, command->open_files, command->open_files);
    child_limit(RLIMIT_STACK, stack, stack);
    child_limit(RLIMIT_CPU, seconds, seconds); /* should warden itself be starved */
    child_limit(RLIMIT_NPROC, command->processes, command->processes);
}

/* The kernel's OOM killer should choose a program before warden. */
static void child_volunteers_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* without /proc, or not dumpable without root: nothing to be done */
    ssize_t ignored = write(fd, "1000", 4);
    (void)ignored;
    close(fd);
}

/* Raw system calls: libc's versions would tell threads about it, and there are none. */
static void child_becomes(enum role role)
{
    uid_t uid = role_uid(role);

    if (settings.single_uid) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {{0}, {0}};
        check(syscall(SYS_capset, &header, none));
    } else {
        check(syscall(SYS_setgroups, 0, NULL));
        check(syscall(SYS_setresgid, uid, uid, uid));
        check(syscall(SYS_setresuid, uid, uid, uid)); /* leaves no capability */
    }
    /* Changing uids forgets the death signal, so it comes last. */
    check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

static const char *search_path(char *const envp[])
{
    for (; *envp != NULL; envp++)
        if (strncmp(*envp, "PATH=", 5) == 0)
            return *envp + 5;
    return PATH_DEFAULT;
}

static _Noreturn void child_exec(const struct command *command)
{
    char *const *argv = command->argv;
    size_t length = strlen(argv[0]);
    int error = ENOENT;
    char file[PATH_MAX];

    if (strchr(argv[0], '/') != NULL) {
        execve(argv[0], argv, command->envp);
        give_up(SPAWN_EXEC);
    }
    for (const char *dir = search_path(command->envp), *end; *dir != '\0'; dir = end) {
        end = strchr(dir, ':');
        size_t count = end == NULL ? strlen(dir) : (size_t)(end - dir);
        if (count > 0 && count + length + 2 <= sizeof file) {
            memcpy(file, dir, count);
            file[count] = '/';
            memcpy(file + count + 1, argv[0], length + 1);
            execve(file, argv, command->envp);
            if (errno != ENOENT && errno != ENOTDIR && error == ENOENT)
                error = errno; /* something was there: more telling than "not found" */
        }
        end = dir + count + (end != NULL ? 1 : 0);
    }
    errno = error;
    give_up(SPAWN_EXEC);
}

static int child(void *argument)
{
    const struct spawn *spawn = argument;
    const struct command *command = spawn->command;
    sigset_t none;

    setsid();
    child_volunteers_for_oom();
    check(dup2(spawn->in, STDIN_FILENO));
    check(dup2(spawn->out, STDOUT_FILENO));
    check(dup2(spawn->err, STDERR_FILENO));
    child_limits(command);
    child_becomes(command->role);
    check(fchdir(areas[command->cwd].fd));
    check(syscall(SYS_close_range, 3, ~0U, 0));
    /* Our handlers are reset by exec; ignored signals would not be, and reap_prepare() left none. */
    sigemptyset(&none);
    check(sigprocmask(SIG_SETMASK, &none, NULL));
    child_exec(command);
}

bool spawn_start(struct spawn *spawn)
{
    failure->stage = SPAWN_OK;
#ifdef WARDEN_COPY
    /* Sanitizers do not bear a shared address space: copy it, but wait for exec all the same. */
    spawn->pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    if (spawn->pid == 0)
        _exit(child(spawn));
#else
    static char stack[CHILD_STACK] __attribute__((aligned(16)));
    spawn->pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, spawn);
#endif
    spawn->error = errno;
    if (spawn->pid < 0)
        return false;
    spawn->failed = failure->stage;
    spawn->error = failure->error;
    return true;
}
