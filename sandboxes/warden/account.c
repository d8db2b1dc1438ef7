/*
 * What the kernel says the whole sandbox has used, when its control group can be read.
 *
 * The group covers warden too and lives longer than a run, so everything is a difference to the
 * start of the run, less our own share. Reading costs a microsecond (usage counters) to fifty
 * (memory.stat): the cheap ones decide when the dear one is worth it. Page cache is never
 * charged to a run: anonymous and shared memory count, and of the kernel's memory for the run
 * (page tables, pipes, sockets) what goes beyond an allowance, lest it be used as a hiding place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "warden.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
/* What version 1 shows when there is no limit is just below 2^63. */
#define UNLIMITED (UINT64_C(1) << 60)

static enum accounting mode;
static int cpu_fd = -1, usage_fd = -1, stat_fd = -1, oom_fd = -1;
static int kernel_fd = -1; /* version 1 only, and not in every kernel */

static uint64_t cpu_start, own_start;     /* ns */
static uint64_t usage_start;              /* bytes, page cache included */
static uint64_t stat_rest;                /* anonymous and shared bytes that are there anyway */
static uint64_t stat_start;               /* the same, with this run's input */
static bool stat_known;
static uint64_t kernel_start;             /* memory the kernel itself used at the start */
static uint64_t stat_seen_usage;          /* growth of the usage when memory.stat was last read */
static uint64_t oom_seen;

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t own_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Read a small file from its start, through a descriptor that stays open. */
static size_t read_file(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);
    if (got < 0)
        got = 0;
    text[got] = '\0';
    return (size_t)got;
}

static uint64_t read_number(int fd)
{
    char text[64];
    read_file(fd, text, sizeof text);
    return strtoull(text, NULL, 10);
}

/* The number after `key` at the start of a line; 0 when there is none. */
static uint64_t number_after(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoull(line + length + 1, NULL, 10);
    }
    return 0;
}

static uint64_t read_key(int fd, const char *key)
{
    char text[8192];
    read_file(fd, text, sizeof text);
    return number_after(text, key);
}

/* What honest programs need: threads, descriptors, page tables in proportion. */
static uint64_t kernel_allowance(uint64_t limit)
{
    return 16 * MIB + limit / 16;
}

/* Anonymous and shared memory; what the kernel uses comes separately. */
static uint64_t read_stat(uint64_t *kernel)
{
    char text[8192];
    read_file(stat_fd, text, sizeof text);
    if (mode == ACCOUNT_CGROUP_V1) {
        *kernel = kernel_fd < 0 ? 0 : read_number(kernel_fd);
    } else {
        uint64_t caches = number_after(text, "slab_reclaimable");
        *kernel = number_after(text, "kernel") + number_after(text, "sock");
        *kernel -= *kernel > caches ? caches : *kernel;
    }
    const char *anonymous = mode == ACCOUNT_CGROUP_V1 ? "rss" : "anon";
    return number_after(text, anonymous) + number_after(text, "shmem");
}

static int open_in(const char *root, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/*
 * A group without a memory limit is not one made for a sandbox: it may be the whole machine's.
 * When the caller names the group, it knows.
 */
static bool has_limit(const char *root, const char *name)
{
    char text[64] = "";
    int fd = open_in(root, name);
    if (fd < 0)
        return false;
    read_file(fd, text, sizeof text);
    close(fd);
    return text[0] >= '0' && text[0] <= '9' && strtoull(text, NULL, 10) < UNLIMITED;
}

static bool open_group(const char *root, bool trusted, enum accounting version)
{
    bool one = version == ACCOUNT_CGROUP_V1;

    if (!trusted && !has_limit(root, one ? "memory/memory.limit_in_bytes" : "memory.max"))
        return false;
    cpu_fd = open_in(root, one ? "cpuacct/cpuacct.usage" : "cpu.stat");
    usage_fd = open_in(root, one ? "memory/memory.usage_in_bytes" : "memory.current");
    stat_fd = open_in(root, one ? "memory/memory.stat" : "memory.stat");
    oom_fd = open_in(root, one ? "memory/memory.oom_control" : "memory.events");
    kernel_fd = one ? open_in(root, "memory/memory.kmem.usage_in_bytes") : -1;
    if (cpu_fd >= 0 && usage_fd >= 0 && stat_fd >= 0 && oom_fd >= 0) {
        mode = version;
        return true;
    }
    close_if_open(&cpu_fd);
    close_if_open(&usage_fd);
    close_if_open(&stat_fd);
    close_if_open(&oom_fd);
    close_if_open(&kernel_fd);
    return false;
}

void account_open(void)
{
    bool trusted = settings.cgroup != NULL;
    const char *root = trusted ? settings.cgroup : CGROUP_ROOT;

    mode = ACCOUNT_SAMPLING;
    if (*root == '\0')
        return;
    if (!open_group(root, trusted, ACCOUNT_CGROUP_V1)
        && !open_group(root, trusted, ACCOUNT_CGROUP_V2)) {
        if (trusted)
            die("%s: no control group files there", root);
        return;
    }
    account_oom_kills();
}

enum accounting account_mode(void)
{
    return mode;
}

const char *account_name(void)
{
    static const char *const names[] = {"sampling", "cgroup-v1", "cgroup-v2"};
    return names[mode];
}

void account_forget(void)
{
    stat_known = false;
}

static uint64_t cgroup_cpu_ns(void)
{
    if (mode == ACCOUNT_CGROUP_V1)
        return read_number(cpu_fd);
    return read_key(cpu_fd, "usage_usec") * NS_PER_US;
}

void account_begin(uint64_t stdin_bytes)
{
    if (mode == ACCOUNT_SAMPLING)
        return;
    stdin_bytes = (stdin_bytes + 4095) & ~UINT64_C(4095);
    if (!stat_known) {
        uint64_t now = read_stat(&kernel_start);
        stat_rest = now > stdin_bytes ? now - stdin_bytes : 0;
        stat_known = true;
    }
    if (kernel_fd >= 0)
        kernel_start = read_number(kernel_fd); /* cheap; caches of earlier runs grow it */
    stat_start = stat_rest + stdin_bytes;
    stat_seen_usage = 0;
    usage_start = read_number(usage_fd);
    cpu_start = cgroup_cpu_ns();
    own_start = own_cpu_ns();
}

uint64_t account_cpu_ns(void)
{
    if (mode == ACCOUNT_SAMPLING)
        return 0;
    /* A read that failed is 0: it must not become an endless time of the program's. */
    uint64_t now = cgroup_cpu_ns();
    uint64_t all = now > cpu_start ? now - cpu_start : 0;
    uint64_t own = own_cpu_ns() - own_start;
    return all > own ? all - own : 0;
}

uint64_t account_memory(uint64_t limit, int excluded_fd)
{
    struct stat info;

    if (mode == ACCOUNT_SAMPLING)
        return 0;
    uint64_t now = read_number(usage_fd);
    uint64_t grown = now > usage_start ? now - usage_start : 0;
    /* Worth a look when it may break the limit, or may be a peak an eighth above the last. */
    if (grown < limit / 5 * 4 && grown < stat_seen_usage + stat_seen_usage / 8 + MIB)
        return 0;
    if (grown > stat_seen_usage)
        stat_seen_usage = grown;
    uint64_t kernel;
    uint64_t used = read_stat(&kernel);
    uint64_t free_of_charge = stat_start;
    if (kernel > kernel_start + kernel_allowance(limit))
        used += kernel - kernel_start - kernel_allowance(limit);
    if (excluded_fd >= 0 && fstat(excluded_fd, &info) == 0)
        free_of_charge += (uint64_t)info.st_blocks * 512;
    return used > free_of_charge ? used - free_of_charge : 0;
}

uint64_t account_oom_kills(void)
{
    if (mode == ACCOUNT_SAMPLING)
        return 0;
    uint64_t now = read_key(oom_fd, "oom_kill");
    uint64_t since = now > oom_seen ? now - oom_seen : 0;
    oom_seen = now;
    return since;
}
