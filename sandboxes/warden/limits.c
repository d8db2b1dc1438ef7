/*
 * Looking at a run while it lasts, and the last word when it is over.
 *
 * A sample costs a few microseconds and a wake-up, so the pace starts at 1 ms (a young process
 * may grow fast) and slackens to 5 ms; it tightens when a limit is near. The next look is never
 * later than the moment at which every processor we may use could have spent what is left.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "warden.h"

#define PERIOD_MIN_NS NS_PER_MS
#define PERIOD_MAX_NS (5 * NS_PER_MS)
#define PAGE_BYTES ((uint64_t)getpagesize())
#define NEXT_MIN_NS (200 * NS_PER_US)
/* Below this the group's clock and the processes' may differ without anybody having escaped. */
#define CPU_SLACK_NS (2 * NS_PER_MS)
/* What the kernel's page counts may be behind, in either direction. */
#define COUNT_LAG_BYTES (256 * KIB)

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t at_least(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/*
 * File pages in the resident set of the main process. They are not charged, but the peak the
 * kernel keeps includes them; see settle_memory().
 */
static void sample_mapped(struct side *side)
{
    char text[128];
    unsigned long long shared = 0;

    if (side->statm < 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/statm", (int)side->spawn.pid);
        side->statm = open(path, O_RDONLY | O_CLOEXEC);
    }
    ssize_t got = side->statm < 0 ? -1 : pread(side->statm, text, sizeof text - 1, 0);
    if (got <= 0)
        return;
    text[got] = '\0';
    if (sscanf(text, "%*u %*u %llu", &shared) == 1)
        side->mapped_bytes = at_least(side->mapped_bytes, (uint64_t)shared * PAGE_BYTES);
}

static void sample(struct run *run)
{
    struct side *first = &run->side[0], *second = &run->side[1];
    struct usage live[2];

    memset(live, 0, sizeof live);
    if (run->sides == 2 || account_mode() == ACCOUNT_SAMPLING)
        walk_usage(live, run->sides == 2 ? second->spawn.pid : 0, first->command->memory_bytes,
                   first->command->stdin_size);
    for (int i = 0; i < run->sides; i++) {
        run->side[i].cpu_ns = run->side[i].reaped_ns + live[i].cpu_ns;
        run->side[i].memory_bytes = at_least(run->side[i].memory_bytes, live[i].memory_bytes);
        if (!run->side[i].ended)
            sample_mapped(&run->side[i]);
    }
    if (account_mode() == ACCOUNT_SAMPLING)
        return;
    /* What the group used beyond the validator's part is the submission's. */
    uint64_t cpu = account_cpu_ns();
    uint64_t memory = account_memory(first->command->memory_bytes, first->output);
    uint64_t other_cpu = run->sides == 2 ? second->cpu_ns : 0;
    uint64_t other_memory = live[1].memory_bytes;
    if (cpu > other_cpu)
        first->cpu_ns = at_least(first->cpu_ns, cpu - other_cpu);
    if (memory > other_memory)
        first->memory_bytes = at_least(first->memory_bytes, memory - other_memory);
}

static uint64_t wall_limit_ns(const struct run *run, const struct side *side)
{
    uint64_t limit = side->command->wall_ms * NS_PER_MS;
    return limit + at_most(run->wall_extra_ns, 2 * limit);
}

/*
 * Elapsed time is no fault of a tree that stood in the run queue: ask the kernel how long its
 * threads did, and grant that, as far as the tree was not running meanwhile.
 */
static bool wall_is_up(struct run *run, const struct side *side, uint64_t elapsed)
{
    if (elapsed < wall_limit_ns(run, side))
        return false;
    uint64_t used = run->side[0].cpu_ns + (run->sides == 2 ? run->side[1].cpu_ns : 0);
    uint64_t idle = elapsed > used ? elapsed - used : 0;
    run->wall_extra_ns = at_least(run->wall_extra_ns, at_most(walk_waited_ns(), idle));
    return elapsed >= wall_limit_ns(run, side);
}

/*
 * Too much output ends no submission: one that prints for ever is too slow, which counts before.
 * What is beyond the limit is counted and cut off, so it takes no memory.
 */
static bool output_cut(struct side *side)
{
    uint64_t most = side->command->output_bytes;
    struct stat info;

    if (side->output < 0 || fstat(side->output, &info) != 0 || (uint64_t)info.st_size <= most)
        return false;
    side->cut_bytes += (uint64_t)info.st_size - most;
    return ftruncate(side->output, (off_t)most) == 0;
}

static enum cause broken_limit(struct run *run, struct side *side, uint64_t elapsed)
{
    if (side->memory_bytes > side->command->memory_bytes)
        return CAUSE_MEMORY;
    if (side->cpu_ns >= side->command->cpu_ms * NS_PER_MS)
        return CAUSE_CPU;
    if (wall_is_up(run, side, elapsed))
        return CAUSE_WALL;
    return CAUSE_NONE;
}

void side_kill(struct run *run, int index, enum cause cause)
{
    struct side *side = &run->side[index];

    if (side->ended)
        return;
    if (side->killed == CAUSE_NONE)
        side->killed = cause;
    if (run->sides == 1)
        kill_all();
    else
        kill_side(index, role_uid(side->command->role), run->side[1].spawn.pid);
}

void limits_check(struct run *run)
{
    uint64_t elapsed = clock_ns() - run->start_ns;
    bool near = false;

    sample(run);
    if (run->sides == 2)
        pair_look(run);
    for (int i = 0; i < run->sides; i++) {
        struct side *side = &run->side[i];
        if (stderr_drain(side, i))
            near = true;
        if (side->ended)
            continue;
        bool cut = output_cut(side);
        enum cause cause = broken_limit(run, side, elapsed);
        if (cut && cause == CAUSE_NONE && side->command->role != ROLE_RUN)
            cause = CAUSE_OUTPUT;
        if (cause != CAUSE_NONE)
            side_kill(run, i, cause);
        if (cut || side->memory_bytes > side->command->memory_bytes / 2)
            near = true;
    }
    run->period_ns = near ? PERIOD_MIN_NS : at_most(run->period_ns + NS_PER_MS, PERIOD_MAX_NS);
}

uint64_t limits_next_ns(const struct run *run, uint64_t now)
{
    uint64_t next = now + at_least(run->period_ns, PERIOD_MIN_NS);

    for (int i = 0; i < run->sides; i++) {
        const struct side *side = &run->side[i];
        uint64_t limit = side->command->cpu_ms * NS_PER_MS;
        if (side->ended)
            continue;
        uint64_t left = limit > side->cpu_ns ? (limit - side->cpu_ns) / settings.cpus : 0;
        next = at_most(next, now + at_least(left, NEXT_MIN_NS));
        next = at_most(next, at_least(run->start_ns + wall_limit_ns(run, side),
                                      now + NEXT_MIN_NS));
    }
    return next;
}

static void settle_cpu(struct run *run)
{
    uint64_t group = account_cpu_ns();

    for (int i = 0; i < run->sides; i++)
        run->side[i].cpu_ns = run->side[i].reaped_ns;
    /* A child whose parent ignores SIGCHLD is never waited for: only the group has seen it. */
    uint64_t known = run->side[0].reaped_ns + (run->sides == 2 ? run->side[1].reaped_ns : 0);
    if (group > known + CPU_SLACK_NS)
        run->side[0].cpu_ns += group - known;
}

/*
 * The kernel's peak is exact where samples are not, but counts file pages, which are nobody's
 * fault: program text, a mapped input. Where it decides, they are taken off, as far as they are
 * certain: the kernel counts pages per processor and tells the sum late.
 */
static void settle_memory(struct side *side)
{
    uint64_t limit = side->command->memory_bytes;
    uint64_t peak = side->rss_bytes;

    if (peak > limit) {
        uint64_t mapped = side->mapped_bytes > 0 ? side->mapped_bytes : side->command->stdin_size;
        peak -= at_most(peak, mapped - at_most(mapped, COUNT_LAG_BYTES));
    }
    side->memory_bytes = at_least(side->memory_bytes, peak);
}

void limits_settle(struct run *run)
{
    settle_cpu(run);
    for (int i = 0; i < run->sides; i++)
        settle_memory(&run->side[i]);
    run->oom_kills = account_oom_kills();
}
