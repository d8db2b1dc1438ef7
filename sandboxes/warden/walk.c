/*
 * The tree of processes as /proc shows it: what one side of a pair uses, and everything when no
 * control group can be read. Costs some ten microseconds per process, so it is done at the pace
 * of the samples only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "warden.h"

#define PROCESSES_MAX 8192
#define THREADS_MAX 2048
#define FREEZE_ROUNDS 20

struct process {
    pid_t pid, parent, session;
    uid_t uid;
    uint64_t waited_for_ns; /* CPU time of children it has waited for */
    bool ours;
};

static struct process table[PROCESSES_MAX];
static unsigned count;
static int proc_fd = -1;
static uint64_t tick_ns, page_bytes;

void walk_open(void)
{
    proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Read /proc/<pid>/<name>; returns the owner too, the uid of the process where it is dumpable. */
static bool read_of(pid_t pid, const char *name, char *text, size_t size, uid_t *uid)
{
    char path[64];
    struct stat info;

    snprintf(path, sizeof path, "%d/%s", (int)pid, name);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, size - 1);
    if (uid != NULL)
        *uid = fstat(fd, &info) == 0 ? info.st_uid : 0;
    close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return got > 0;
}

static bool read_process(pid_t pid, struct process *process)
{
    char text[1024];
    int parent, session;
    unsigned long long user, system;

    if (!read_of(pid, "stat", text, sizeof text, &process->uid))
        return false;
    const char *rest = strrchr(text, ')'); /* the name may hold anything, brackets too */
    if (rest == NULL
        || sscanf(rest, ") %*c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %llu %llu", &parent,
                  &session, &user, &system) != 4)
        return false;
    process->pid = pid;
    process->parent = parent;
    process->session = session;
    process->waited_for_ns = (user + system) * tick_ns;
    process->ours = settings.pid1 || parent == getpid();
    return true;
}

/* Call `each` for every number in a directory of /proc. */
static void each_number(int dir, void (*each)(pid_t, void *), void *context)
{
    char buffer[8192] __attribute__((aligned(8)));

    lseek(dir, 0, SEEK_SET);
    for (long got; (got = syscall(SYS_getdents64, dir, buffer, sizeof buffer)) > 0;) {
        for (long at = 0; at < got;) {
            unsigned short length;
            memcpy(&length, buffer + at + 16, sizeof length);
            const char *name = buffer + at + 19;
            if (*name >= '1' && *name <= '9')
                each((pid_t)strtol(name, NULL, 10), context);
            at += length;
        }
    }
}

static void add_process(pid_t pid, void *context)
{
    (void)context;
    if (pid != getpid() && count < PROCESSES_MAX && read_process(pid, &table[count]))
        count++;
}

/* Fill the table and mark our descendants in it. */
static void look(void)
{
    count = 0;
    if (proc_fd < 0)
        return;
    each_number(proc_fd, add_process, NULL);
    for (bool more = !settings.pid1; more;) {
        more = false;
        for (unsigned i = 0; i < count; i++)
            for (unsigned j = 0; j < count && !table[i].ours; j++)
                if (table[j].ours && table[j].pid == table[i].parent)
                    more = table[i].ours = true;
    }
}

static int side_of(const struct process *process, pid_t validator)
{
    if (validator == 0)
        return 0;
    if (process->pid == validator || process->session == validator)
        return 1;
    return !settings.single_uid && process->uid == role_uid(ROLE_VALIDATE) ? 1 : 0;
}

/* The clock of another process; exact, where /proc counts in ticks. */
static uint64_t process_cpu_ns(pid_t pid)
{
    struct timespec used;
    clockid_t clock = (clockid_t)((~(unsigned)pid << 3) | 2u);
    if (clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

static uint64_t kib_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10) * KIB;
}

/* Anonymous and shared memory: quick, but what processes share is counted for each of them. */
static uint64_t process_memory(pid_t pid)
{
    char text[4096];
    if (!read_of(pid, "status", text, sizeof text, NULL))
        return 0;
    return kib_after(text, "RssAnon:") + kib_after(text, "RssShmem:");
}

/* The same, each page divided among those who map it. Needs the rights of the process. */
static uint64_t process_share(const struct process *process, uint64_t otherwise)
{
    char text[4096];
    act_as(process->uid);
    bool got = read_of(process->pid, "smaps_rollup", text, sizeof text, NULL);
    act_as_self();
    if (!got || strstr(text, "Pss_Anon:") == NULL)
        return otherwise;
    return kib_after(text, "Pss_Anon:") + kib_after(text, "Pss_Shmem:");
}

void walk_usage(struct usage usage[2], pid_t validator, uint64_t memory_limit, uint64_t excluded)
{
    memset(usage, 0, 2 * sizeof *usage);
    look();
    for (unsigned i = 0; i < count; i++) {
        if (!table[i].ours)
            continue;
        struct usage *side = &usage[side_of(&table[i], validator)];
        side->cpu_ns += process_cpu_ns(table[i].pid) + table[i].waited_for_ns;
        side->memory_bytes += process_memory(table[i].pid);
        side->processes++;
    }
    for (int side = 0; side < 2; side++) {
        if (usage[side].memory_bytes > memory_limit && usage[side].processes > 1) {
            uint64_t shares = 0;
            for (unsigned i = 0; i < count; i++)
                if (table[i].ours && side_of(&table[i], validator) == side)
                    shares += process_share(&table[i], process_memory(table[i].pid));
            usage[side].memory_bytes = shares;
        }
    }
    /* The input may be mapped: it is not the run's. */
    if (usage[0].memory_bytes > memory_limit)
        usage[0].memory_bytes -=
            excluded < usage[0].memory_bytes ? excluded : usage[0].memory_bytes;
}

struct waiting {
    pid_t pid;
    unsigned threads;
    uint64_t ns;
};

static void add_waiting(pid_t thread, void *context)
{
    struct waiting *waiting = context;
    char name[64], text[128];
    unsigned long long delay = 0;

    if (waiting->threads++ >= THREADS_MAX)
        return;
    snprintf(name, sizeof name, "task/%d/schedstat", (int)thread);
    if (read_of(waiting->pid, name, text, sizeof text, NULL)
        && sscanf(text, "%*u %llu", &delay) == 1)
        waiting->ns += delay;
}

uint64_t walk_waited_ns(void)
{
    struct waiting waiting = {0, 0, 0};

    look();
    for (unsigned i = 0; i < count; i++) {
        char path[64];
        if (!table[i].ours)
            continue;
        snprintf(path, sizeof path, "%d/task", (int)table[i].pid);
        int dir = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            continue;
        waiting.pid = table[i].pid;
        each_number(dir, add_waiting, &waiting);
        close(dir);
    }
    return waiting.ns;
}

struct holding {
    int dir;
    char wanted[64];
    bool found;
};

static void look_at_descriptor(pid_t number, void *context)
{
    struct holding *holding = context;
    char name[32], target[64];

    snprintf(name, sizeof name, "%d", (int)number);
    ssize_t length = readlinkat(holding->dir, name, target, sizeof target - 1);
    if (length <= 0)
        return;
    target[length] = '\0';
    holding->found = holding->found || strcmp(target, holding->wanted) == 0;
}

bool walk_holds(int side, pid_t validator, unsigned long pipe)
{
    struct holding holding = {.found = false};

    snprintf(holding.wanted, sizeof holding.wanted, "pipe:[%lu]", pipe);
    look();
    for (unsigned i = 0; i < count && !holding.found; i++) {
        char path[64];
        if (!table[i].ours || side_of(&table[i], validator) != side)
            continue;
        snprintf(path, sizeof path, "%d/fd", (int)table[i].pid);
        act_as(table[i].uid);
        holding.dir = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (holding.dir >= 0) {
            each_number(holding.dir, look_at_descriptor, &holding);
            /* Number 0 is no process, so each_number() passes over it. */
            look_at_descriptor(0, &holding);
            close(holding.dir);
        }
        act_as_self();
    }
    return holding.found;
}

static unsigned signal_side(int side, pid_t validator, int signal)
{
    unsigned reached = 0;

    look();
    for (unsigned i = 0; i < count; i++)
        if (table[i].ours && (side < 0 || side_of(&table[i], validator) == side)
            && kill(table[i].pid, signal) == 0)
            reached++;
    return reached;
}

unsigned walk_kill(int side, pid_t validator)
{
    /* Frozen processes have no children: once a look finds no more than the last, kill. */
    for (unsigned before = 0, round = 0; round < FREEZE_ROUNDS; round++) {
        unsigned now = signal_side(side, validator, SIGSTOP);
        if (now <= before)
            break;
        before = now;
    }
    return signal_side(side, validator, SIGKILL);
}
