/*
 * One supervised run: open its files, start it, watch it, end it, and say what happened. A pair
 * is a run with two sides; what is different about it is in pair.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "warden.h"

static int null_fd = -1;

void run_prepare(void)
{
    null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0)
        die("/dev/null: %s", strerror(errno));
}

static void close_fd(int *fd)
{
    if (*fd >= 0 && *fd != null_fd)
        close(*fd);
    *fd = -1;
}

/*
 * Receive standard input into a file that nothing can change any more, opened afresh so that its
 * flags and position say what a redirected file's would. Returns an errno.
 */
static int open_input(const struct command *command, int *fd)
{
    char path[32];

    *fd = null_fd;
    if (command->stdin_size == 0)
        return 0;
    int memory = memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error = memory < 0 ? errno : 0;
    int lost = data_receive(command->request, command->stdin_size, memory);
    if (error == 0)
        error = lost;
    if (error == 0
        && fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
        error = errno;
    if (error == 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        *fd = open(path, O_RDONLY | O_CLOEXEC);
        if (*fd < 0)
            error = errno;
    }
    if (memory >= 0)
        close(memory);
    return error;
}

/* A memory file: the program never has to wait for us to take its output away. */
static bool open_output(struct side *side)
{
    side->output = memfd_create("stdout", MFD_CLOEXEC);
    side->spawn.out = side->output;
    /* Appending: whoever opens /dev/stdout a second time must not overwrite the first. */
    return side->output >= 0 && fcntl(side->output, F_SETFL, O_APPEND) == 0;
}

/* A pipe that warden empties at its leisure: what is over the bound takes no memory. */
static bool open_errors(struct side *side)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    side->errors = ends[0];
    side->spawn.err = ends[1];
    /* Mode: /dev/stderr can be opened by the role's uid. Non-blocking: only our end. */
    return fchmod(ends[0], 0666) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static void side_init(struct side *side, const struct command *command)
{
    memset(side, 0, sizeof *side);
    side->command = command;
    side->spawn.command = command;
    side->spawn.in = side->spawn.out = side->spawn.err = -1;
    side->output = side->errors = side->statm = -1;
}

static void side_close(struct side *side)
{
    close_fd(&side->spawn.in);
    if (side->spawn.out != side->output)
        close_fd(&side->spawn.out);
    close_fd(&side->spawn.err);
    close_fd(&side->output);
    close_fd(&side->errors);
    close_fd(&side->statm);
}

static void note_death(const struct death *death, void *context)
{
    struct run *run = context;
    const struct rusage *usage = &death->usage;
    int index = 0;

    if (run->sides == 2
        && (death->pid == run->side[1].spawn.pid
            || (death->pid != run->side[0].spawn.pid && !settings.single_uid
                && death->uid == role_uid(ROLE_VALIDATE))))
        index = 1;
    struct side *side = &run->side[index];
    side->reaped_ns += (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S
                       + (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * NS_PER_US;
    if ((uint64_t)usage->ru_maxrss * KIB > side->rss_bytes)
        side->rss_bytes = (uint64_t)usage->ru_maxrss * KIB;
    if (death->pid != side->spawn.pid) {
        if (side->ended && death->code != CLD_EXITED && death->status == SIGKILL)
            side->left++;
        return;
    }
    side->ended = true;
    side->wall_ns = clock_ns() - run->start_ns;
    side->code = death->code;
    side->status = death->status;
    if (run->sides == 2)
        pair_side_ended(run, index);
}

static bool is_over(const struct run *run)
{
    return run->side[0].ended && (run->sides == 1 || run->side[1].ended);
}

static void take_input(struct run *run, bool readable)
{
    enum input input = input_glance(readable);
    if (input == INPUT_LATER)
        run->dirty_input = true;
    if (input == INPUT_CANCEL)
        for (int i = 0; i < run->sides; i++)
            side_kill(run, i, CAUSE_CANCELLED);
}

static void supervise(struct run *run)
{
    struct pollfd input = {.fd = STDIN_FILENO};
    struct death death;
    sigset_t none;
    uint64_t now = run->start_ns;
    uint64_t next = limits_next_ns(run, now);

    sigemptyset(&none);
    take_input(run, false);
    while (!is_over(run)) {
        uint64_t left = next > now ? next - now : 0;
        struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
        input.events = run->dirty_input ? POLLRDHUP : POLLIN | POLLRDHUP;
        input.revents = 0;
        int got = ppoll(&input, 1, &timeout, &none);
        if (got < 0 && errno != EINTR)
            die("waiting: %s", strerror(errno));
        if (got > 0 && input.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL))
            leave();
        if (got > 0)
            take_input(run, true);
        while (!is_over(run) && reap_one(&death) > 0)
            note_death(&death, run);
        now = clock_ns();
        if (now >= next && !is_over(run)) {
            limits_check(run);
            now = clock_ns();
            next = limits_next_ns(run, now);
        }
    }
}

/* Start one side; on failure say so, once nothing is left of the run. */
static bool start(struct run *run, int index)
{
    struct side *side = &run->side[index];

    if (!spawn_start(&side->spawn)) {
        int error = side->spawn.error;
        reap_all(NULL, NULL);
        report_error(side->command->request, "cannot make a process: %s", strerror(error));
        return false;
    }
    close_fd(&side->spawn.err); /* or its end would never come */
    if (side->spawn.failed == SPAWN_SETUP) {
        reap_all(NULL, NULL);
        report_error(side->command->request, "cannot set up a process: %s",
                     strerror(side->spawn.error));
        return false;
    }
    return true;
}

static void start_and_report(struct run *run)
{
    account_begin(run->sides == 1 ? run->side[0].command->stdin_size : 0);
    run->start_ns = clock_ns();
    if (!start(run, 0))
        return;
    if (run->sides == 2 && !start(run, 1))
        return;
    supervise(run);
    reap_all(note_death, run);
    limits_settle(run);
    for (int i = 0; i < run->sides; i++) {
        struct side *side = &run->side[i];
        struct stat info;
        stderr_drain(side, i);
        if (side->output >= 0 && fstat(side->output, &info) == 0)
            side->output_bytes = (uint64_t)info.st_size + side->cut_bytes;
        report_side(run, i);
    }
    out_flush();
}

void run_single(const struct command *command)
{
    struct run run = {.sides = 1};
    struct side *side = &run.side[0];

    side_init(side, command);
    int error = open_input(command, &side->spawn.in);
    if (error == 0 && (!open_output(side) || !open_errors(side)))
        error = errno;
    if (error != 0)
        report_error(command->request, "cannot open a run's files: %s", strerror(error));
    else
        start_and_report(&run);
    side_close(side);
}

void run_pair(const struct command *submission, const struct command *validator)
{
    struct run run = {.sides = 2, .first = -1};

    side_init(&run.side[0], submission);
    side_init(&run.side[1], validator);
    if (pair_join(&run) && open_errors(&run.side[0]) && open_errors(&run.side[1]))
        start_and_report(&run);
    else
        report_error(submission->request, "cannot open a pair's pipes: %s", strerror(errno));
    side_close(&run.side[0]);
    side_close(&run.side[1]);
}
