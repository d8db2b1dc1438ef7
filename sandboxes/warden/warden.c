/*
 * warden: the supervisor inside a sandbox.
 *
 * THEORY OF OPERATION
 *
 * Three parties. The *peer* is the engine, outside; it owns the other ends of our standard input
 * and output and speaks the protocol of PROTOCOL.md. *Warden* is PID 1 of the sandbox: root with
 * CAP_SETUID, CAP_SETGID and CAP_KILL and nothing else (or, in single-uid mode, nobody special).
 * A *program* is whatever a request tells us to run: untrusted, under the uid of its role.
 *
 * One request at a time, one thread, no state between requests but the contents of the areas:
 *
 *   frames.c  reads a request        fields.c  makes sense of it
 *   areas.c, files.c, wipe.c, seal.c  files in, out, and away, with the rights of their owner
 *   run.c     opens the descriptors, starts the program (spawn.c, under seccomp.c's filter),
 *             watches (limits.c, fed by account.c and walk.c), ends everything (reap.c),
 *             answers (report.c); pair.c joins two programs
 *
 * What a program can reach of us: the read-only input, the output file and the pipes it was
 * given; signals, which its uid may not send us (in single-uid mode PID 1 has no handler for
 * any); /proc/1, closed because we are not dumpable. Results travel only from the kernel to
 * warden to the peer: nothing the program writes is ever parsed.
 *
 * Failures have two words. die() and bad_frame() are ours and end the process, and with PID 1 the
 * sandbox; ERROR frames are ours as well, but leave the sandbox usable. What a program does is
 * never a failure: it is a REPORT.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "warden.h"

#define UID_BASE_DEFAULT 61000
#define GET_FILES_MAX 16384
/* Larger than the default: fewer wake-ups for large inputs and outputs. */
#define STREAM_PIPE_BYTES (256 * 1024)

struct settings settings = {.uid_base = UID_BASE_DEFAULT};

/* A failed PUT, told at the next request that has an answer. */
static char put_failure[MESSAGE_MAX];
/* Set once something could not be wiped: nothing may run here any more. */
static char dirty[MESSAGE_MAX];

static _Noreturn void finish(int status)
{
    if (!settings.pid1)
        walk_kill(-1, 0); /* as PID 1, our end is everybody's */
    _exit(status);
}

_Noreturn void leave(void)
{
    finish(0);
}

_Noreturn void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("warden: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    finish(EXIT_OUR_FAILURE);
}

_Noreturn void bad_frame(uint32_t request, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    report_error(request, "bad frame: %s", message);
    die("bad frame: %s", message);
}

/* Wipe areas; remember it when something withstands. Returns how many entries do. */
static unsigned wipe(enum area_id first, enum area_id last)
{
    unsigned left = 0;

    for (unsigned id = first; id <= (unsigned)last; id++) {
        unsigned here = area_wipe((enum area_id)id);
        if (here > 0 && dirty[0] == '\0')
            snprintf(dirty, sizeof dirty, "dirty: %u entries left in %s", here, areas[id].name);
        left += here;
    }
    return left;
}

/* True when a request cannot be served; the answer has been given then. */
static bool refused(uint32_t request)
{
    if (dirty[0] != '\0') {
        report_error(request, "%s", dirty);
        return true;
    }
    if (put_failure[0] != '\0') {
        report_error(request, "%s", put_failure);
        put_failure[0] = '\0';
        return true;
    }
    return false;
}

/* Too large for a stack; the second is for the validator of a pair. */
static struct command commands[2];

static void serve_run(const struct frame *frame)
{
    struct command *command = &commands[0];

    parse_command(frame, command);
    if (refused(command->request)) {
        data_receive(command->request, command->stdin_size, -1);
        return;
    }
    run_single(command);
    wipe(AREA_TMP, AREA_SHM);
    if (!command->keep)
        wipe(AREA_BOX, AREA_VAL);
    areas_renew();
    /* A program that resists being closed is not run at all. */
    if (command->role == ROLE_COMPILE && !area_seal(AREA_PROG))
        wipe(AREA_PROG, AREA_PROG);
    if (command->keep || command->role == ROLE_COMPILE)
        account_forget();
}

static void serve_pair(const struct frame *frame)
{
    uint32_t request = frame->request;

    parse_nothing(frame);
    for (int i = 0; i < 2; i++) {
        struct frame part;
        frame_read(&part);
        if (part.type != FRAME_RUN)
            bad_frame(request, "PAIR: two RUN frames must follow");
        parse_command(&part, &commands[i]);
        if (commands[i].stdin_size != 0)
            bad_frame(request, "PAIR: stdin_size must be 0");
        if (commands[i].role != (i == 0 ? ROLE_RUN : ROLE_VALIDATE))
            bad_frame(request, "PAIR: roles are run, then validate");
    }
    if (refused(commands[0].request))
        return;
    run_pair(&commands[0], &commands[1]);
    wipe(AREA_TMP, AREA_SHM);
    for (unsigned i = 0; i < 2; i++) {
        if (!commands[i].keep)
            wipe(AREA_BOX + i, AREA_BOX + i);
        else
            account_forget();
    }
    areas_renew();
}

static void serve_put(const struct frame *frame)
{
    struct put put;
    char message[MESSAGE_MAX];

    parse_put(frame, &put);
    account_forget();
    if (!file_put(&put, frame->request, message) && put_failure[0] == '\0')
        memcpy(put_failure, message, sizeof put_failure);
}

static void send_done(uint32_t request, unsigned left, unsigned killed)
{
    out_begin(FRAME_DONE, request);
    out_number("left", left);
    out_number("killed", killed);
    out_end();
    out_flush();
}

static void serve_get(const struct frame *frame)
{
    struct get get;

    parse_get(frame, &get);
    if (refused(frame->request))
        return;
    struct harvest harvest = {
        .request = frame->request,
        .area = get.area,
        .bytes_left = get.bytes_max,
        .files_left = GET_FILES_MAX,
    };
    file_collect(&harvest, "");
    if (harvest.full) {
        report_error(frame->request, "GET %s: more than %llu bytes or %d files",
                     areas[get.area].name, (unsigned long long)get.bytes_max, GET_FILES_MAX);
        return;
    }
    send_done(frame->request, 0, 0);
}

/* WIPE, and PING, which only shows that we are there. */
static void serve_done(const struct frame *frame)
{
    unsigned left = 0, killed = 0;

    parse_nothing(frame);
    if (frame->type == FRAME_WIPE && put_failure[0] != '\0')
        put_failure[0] = '\0'; /* what could not be placed need not be told of any more */
    if (refused(frame->request))
        return;
    if (frame->type == FRAME_WIPE) {
        killed = reap_all(NULL, NULL);
        left = wipe(AREA_PROG, AREA_SHM);
        areas_renew();
        account_forget();
    }
    send_done(frame->request, left, killed);
}

static void serve(const struct frame *frame)
{
    switch (frame->type) {
    case FRAME_RUN:
        serve_run(frame);
        break;
    case FRAME_PAIR:
        serve_pair(frame);
        break;
    case FRAME_PUT:
        serve_put(frame);
        break;
    case FRAME_GET:
        serve_get(frame);
        break;
    case FRAME_WIPE:
    case FRAME_PING:
        serve_done(frame);
        break;
    case FRAME_CANCEL: /* came too late: nothing runs */
        parse_nothing(frame);
        break;
    case FRAME_HELLO:
    case FRAME_READY:
    case FRAME_DATA:
    case FRAME_REPORT:
    case FRAME_OUTPUT:
    case FRAME_STDERR:
    case FRAME_FILE:
    case FRAME_DONE:
    case FRAME_ERROR:
        bad_frame(frame->request, "frame type %d out of place", (int)frame->type);
    }
}

static void say_hello(void)
{
    struct frame frame;
    char uids[64];

    frame_read(&frame);
    if (frame.type != FRAME_HELLO)
        bad_frame(frame.request, "HELLO comes first");
    parse_hello(&frame);
    snprintf(uids, sizeof uids, "%u,%u,%u", (unsigned)role_uid(ROLE_COMPILE),
             (unsigned)role_uid(ROLE_RUN), (unsigned)role_uid(ROLE_VALIDATE));
    out_begin(FRAME_READY, frame.request);
    out_text("version", "1");
    out_text("warden", WARDEN_VERSION);
    out_text("accounting", account_name());
    out_text("uids", uids);
    out_number("single_uid", settings.single_uid ? 1 : 0);
    if (!settings.pid1)
        out_number("pid1", 0);
    out_end();
    out_flush();
}

static _Noreturn void usage(void)
{
    fputs("usage: warden [--uid-base N] [--single-uid] [--cgroup DIR|none]\n"
          "              [--prog DIR] [--box DIR] [--val DIR] [--tmp DIR] [--shm DIR]\n"
          "Speaks the protocol of sandboxes/warden/PROTOCOL.md on its standard streams.\n",
          stderr);
    exit(EXIT_OUR_FAILURE);
}

static void parse_options(int argc, char **argv)
{
    static const char *const dirs[AREAS] = {"--prog", "--box", "--val", "--tmp", "--shm"};

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool found = false;
        if (strcmp(argv[i], "--single-uid") == 0) {
            settings.single_uid = true;
            continue;
        }
        if (value == NULL)
            usage();
        for (unsigned id = 0; id < AREAS && !found; id++) {
            found = strcmp(argv[i], dirs[id]) == 0;
            if (found)
                areas[id].path = value;
        }
        if (strcmp(argv[i], "--cgroup") == 0) {
            settings.cgroup = strcmp(value, "none") == 0 ? "" : value;
        } else if (strcmp(argv[i], "--uid-base") == 0) {
            char *end;
            unsigned long base = strtoul(value, &end, 10);
            if (*end != '\0' || base == 0 || base > 4000000000UL)
                usage();
            settings.uid_base = (uid_t)base;
        } else if (!found) {
            usage();
        }
        i++;
    }
}

/* Keep what a run needs, give up the rest; the bounding set too, as far as we may. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint32_t wanted = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;

    if (settings.single_uid)
        wanted = 0;
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        if (capability > 31 || !(wanted & 1u << capability))
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (syscall(SYS_capget, &header, data) != 0)
        die("cannot read the capabilities: %s", strerror(errno));
    data[0].permitted &= wanted;
    data[0].effective = data[0].permitted;
    data[0].inheritable = 0;
    data[1].permitted = data[1].effective = data[1].inheritable = 0;
    if (syscall(SYS_capset, &header, data) != 0)
        die("cannot drop capabilities: %s", strerror(errno));
}

static void start_up(void)
{
    cpu_set_t cpus;

    settings.pid1 = getpid() == 1;
    if (geteuid() != 0)
        settings.single_uid = true;
    settings.cpus = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1;
    if (!settings.pid1)
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    umask(022);
    fcntl(STDIN_FILENO, F_SETPIPE_SZ, STREAM_PIPE_BYTES); /* fails where it is no pipe: fine */
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, STREAM_PIPE_BYTES);
    areas_open();
    drop_capabilities();
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        die("cannot become undumpable: %s", strerror(errno));
    account_open();
    walk_open();
    reap_prepare();
    spawn_prepare();
    run_prepare();
    seccomp_install();
}

int main(int argc, char **argv)
{
    struct frame frame;

    parse_options(argc, argv);
    start_up();
    wipe(AREA_TMP, AREA_SHM);
    say_hello();
    for (;;) {
        frame_read(&frame);
        serve(&frame);
    }
}
