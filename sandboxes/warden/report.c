/*
 * What the peer is told at the end: output, standard error, collected files, and the report.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "warden.h"

#define COLLECT_FILES_MAX 4096
#define PIPE_FLOOD_BYTES (1 << 20)
/* More than this drained at one look means that the program waits for us. */
#define FLOOD_BYTES (32 * KIB)
/* The field's own bound on stderr_bytes. */
#define STDERR_MAX MIB

/* Untouched pages cost nothing; a run's limit bounds how many are touched. */
static char kept[2][STDERR_MAX];
static char dropped[64 * KIB];

bool stderr_drain(struct side *side, int index)
{
    uint64_t before = side->stderr_bytes;

    for (;;) {
        uint64_t room = side->command->stderr_bytes - side->stderr_kept;
        ssize_t got;
        if (room > 0)
            got = read(side->errors, kept[index] + side->stderr_kept, (size_t)room);
        else
            got = read(side->errors, dropped, sizeof dropped);
        if (got <= 0) /* nothing more for now, or for ever */
            break;
        side->stderr_bytes += (uint64_t)got;
        if (room > 0)
            side->stderr_kept += (uint64_t)got;
        if (side->stderr_bytes - before >= 2 * PIPE_FLOOD_BYTES)
            break; /* it writes as fast as we read: other things must be looked at */
    }
    bool flood = side->stderr_bytes - before >= FLOOD_BYTES;
    if (flood && !side->flood) {
        fcntl(side->errors, F_SETPIPE_SZ, PIPE_FLOOD_BYTES);
        side->flood = true;
    }
    return flood;
}

static enum cause final_cause(const struct run *run, const struct side *side)
{
    bool killed_by_kernel = side->killed == CAUSE_NONE && side->code != CLD_EXITED
                            && side->status == SIGKILL;

    if (side->memory_bytes > side->command->memory_bytes)
        return CAUSE_MEMORY;
    if (run->oom_kills > 0 && (run->sides == 1 || killed_by_kernel))
        return CAUSE_MEMORY;
    if (side->cpu_ns > side->command->cpu_ms * NS_PER_MS)
        return CAUSE_CPU;
    if (side->killed == CAUSE_CPU || side->killed == CAUSE_WALL)
        return side->killed;
    if (side->output_bytes > side->command->output_bytes)
        return CAUSE_OUTPUT;
    if (side->killed != CAUSE_NONE)
        return side->killed;
    if (side->spawn.failed == SPAWN_EXEC)
        return CAUSE_EXEC;
    return side->code == CLD_EXITED ? CAUSE_EXITED : CAUSE_SIGNALLED;
}

static bool send_collected(const struct command *command)
{
    struct harvest harvest = {
        .request = command->request,
        .area = command->cwd,
        .bytes_left = command->collect_bytes,
        .files_left = COLLECT_FILES_MAX,
    };
    for (unsigned i = 0; i < command->collectc; i++)
        file_collect(&harvest, command->collect[i]);
    return harvest.full || harvest.odd;
}

void report_side(const struct run *run, int index)
{
    static const char *const names[] = {
        [CAUSE_NONE] = "none",
        [CAUSE_EXITED] = "exited",
        [CAUSE_SIGNALLED] = "signalled",
        [CAUSE_CPU] = "cpu-limit",
        [CAUSE_WALL] = "wall-limit",
        [CAUSE_MEMORY] = "memory-limit",
        [CAUSE_OUTPUT] = "output-limit",
        [CAUSE_CANCELLED] = "cancelled",
        [CAUSE_EXEC] = "exec-failed",
    };
    const struct side *side = &run->side[index];
    const struct command *command = side->command;
    enum cause cause = final_cause(run, side);
    uint64_t output = side->output_bytes;

    if (output > command->output_bytes)
        output = command->output_bytes;
    if (output > 0)
        out_file(FRAME_OUTPUT, command->request, side->output, output);
    out_block(FRAME_STDERR, command->request, kept[index], (size_t)side->stderr_kept);
    bool cut = send_collected(command);

    out_begin(FRAME_REPORT, command->request);
    out_text("cause", names[cause]);
    if (cause == CAUSE_EXITED)
        out_number("exit_code", (uint64_t)side->status);
    if (cause == CAUSE_SIGNALLED)
        out_number("signal", (uint64_t)side->status);
    out_number("cpu_us", side->cpu_ns / NS_PER_US);
    out_number("wall_us", side->wall_ns / NS_PER_US);
    out_number("memory_bytes", side->memory_bytes);
    out_number("output_bytes", side->output_bytes);
    out_number("stderr_bytes", side->stderr_bytes);
    out_number("processes_left", side->left);
    out_number("oom_kills", index == 0 ? run->oom_kills : 0);
    if (run->sides == 2 && run->first == index)
        out_number("first", 1);
    if (cut)
        out_number("collect_cut", 1);
    if (cause == CAUSE_EXEC) {
        char message[MESSAGE_MAX];
        snprintf(message, sizeof message, "%.256s: %s", command->argv[0],
                 strerror(side->spawn.error));
        out_text("message", message);
    }
    out_end();
}

void report_error(uint32_t request, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    out_begin(FRAME_ERROR, request);
    out_text("message", message);
    out_end();
    out_flush();
}
