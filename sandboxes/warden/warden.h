/*
 * Table of contents of warden: every type and function that crosses a file, grouped by the file
 * that holds it. PROTOCOL.md fixes what travels on the wire; warden.c tells how the parts work
 * together.
 */
#ifndef WARDEN_H
#define WARDEN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define WARDEN_VERSION "1.0.0"

/* Status of a process that ends because the peer sent nonsense, or because warden itself failed. */
#define EXIT_OUR_FAILURE 70

#define FRAME_HEADER 12u
#define FRAME_PAYLOAD_MAX 65536u
#define MESSAGE_MAX 512

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1024) * KIB)
#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* ---- warden.c: start-up, the request loop, the two ways to fail ------------------------------ */

/* What is fixed for the life of the process. */
struct settings {
    bool single_uid;  /* every role is our own uid: no root, or asked for */
    bool pid1;        /* kill(-1) reaches exactly our descendants */
    uid_t uid_base;
    unsigned cpus;    /* processors we may run on: how fast a tree can use up its CPU limit */
    const char *cgroup; /* where to look for cgroup files; NULL: find out; "": do not */
};
extern struct settings settings;

/* Our failure: say it on standard error and end with status 70. Never the program's fault. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The peer broke the protocol: ERROR, then status 70. */
_Noreturn void bad_frame(uint32_t request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The peer has gone: nothing is left to do. */
_Noreturn void leave(void);

/* ---- frames.c: what travels on standard input and output ------------------------------------- */

enum frame_type {
    FRAME_HELLO = 1,
    FRAME_READY,
    FRAME_PUT,
    FRAME_DATA,
    FRAME_RUN,
    FRAME_PAIR,
    FRAME_REPORT,
    FRAME_OUTPUT,
    FRAME_STDERR,
    FRAME_FILE,
    FRAME_GET,
    FRAME_WIPE,
    FRAME_PING,
    FRAME_DONE,
    FRAME_CANCEL,
    FRAME_ERROR,
};

/* A received frame; `payload` points into the read buffer and dies with the next frame_read(). */
struct frame {
    enum frame_type type;
    uint32_t request;
    uint32_t length;
    const char *payload;
};

/* Wait for the next frame; does not come back when the stream has ended. */
void frame_read(struct frame *frame);
/* Parse the frame at the head of the buffer; false when it is not complete yet. */
bool frame_parse(const unsigned char *bytes, size_t count, struct frame *frame);
/* While a program runs: what the peer has sent meanwhile. */
enum input { INPUT_NOTHING, INPUT_CANCEL, INPUT_LATER };
enum input input_glance(bool readable);

/* Receive `size` bytes of DATA frames into `fd`; -1 swallows them. Returns 0 or an errno. */
int data_receive(uint32_t request, uint64_t size, int fd);

void out_begin(enum frame_type type, uint32_t request);
void out_bytes(const void *bytes, size_t count);
void out_text(const char *key, const char *value);
void out_number(const char *key, uint64_t value);
void out_end(void);
void out_flush(void);
/* Send `size` bytes of a file, from its start, as frames of `type`. */
void out_file(enum frame_type type, uint32_t request, int fd, uint64_t size);
/* Send bytes in memory as frames of `type`. */
void out_block(enum frame_type type, uint32_t request, const char *bytes, size_t count);

/* ---- fields.c: the key=value payloads -------------------------------------------------------- */

enum role { ROLE_COMPILE, ROLE_RUN, ROLE_VALIDATE, ROLES };
enum area_id { AREA_PROG, AREA_BOX, AREA_VAL, AREA_TMP, AREA_SHM, AREAS };

#define ARGS_MAX 8192
#define COLLECT_MAX 256

struct command {
    uint32_t request;
    enum role role;
    enum area_id cwd;
    uint64_t cpu_ms, wall_ms, memory_bytes, output_bytes, stderr_bytes, file_bytes;
    uint64_t processes, open_files, stack_bytes, stdin_size, collect_bytes, keep;
    unsigned argc, envc, collectc;
    char *argv[ARGS_MAX + 1];
    char *envp[ARGS_MAX + 1];
    char *collect[COLLECT_MAX];
    char payload[FRAME_PAYLOAD_MAX + 1];
};

struct put {
    enum area_id area;
    uint64_t mode, size;
    char path[PATH_MAX];
};

struct get {
    enum area_id area;
    uint64_t bytes_max;
};

/* Each parses one payload; anything out of order is a bad_frame(). */
void parse_hello(const struct frame *frame);
void parse_nothing(const struct frame *frame);
void parse_command(const struct frame *frame, struct command *command);
void parse_put(const struct frame *frame, struct put *put);
void parse_get(const struct frame *frame, struct get *get);
/* Relative, no empty, `.` or `..` component, nothing longer than a file system takes. */
bool path_is_plain(const char *path);

/* ---- areas.c: the five writable places and on whose behalf we touch them --------------------- */

struct area {
    const char *name; /* as the protocol calls it */
    const char *path; /* where it is */
    int fd;
    uid_t owner;
    mode_t mode;
};
extern struct area areas[AREAS];

uid_t role_uid(enum role role);
void areas_open(void);
/* Forget the times that programs have set on what the next one sees. */
void areas_renew(void);
/* File work from here on is done with that uid's rights, until act_as_self(). */
void act_as(uid_t uid);
void act_as_self(void);

/* ---- files.c: putting files into an area, reading them back ---------------------------------- */

/* Place a file whose bytes follow as DATA; the failure, if any, is left in `message`. */
bool file_put(const struct put *put, uint32_t request, char message[MESSAGE_MAX]);

struct harvest {
    uint32_t request;
    enum area_id area;
    uint64_t bytes_left;
    unsigned files_left;
    bool full; /* something did not fit */
    bool odd;  /* something was not a plain file of the area's owner */
};
/* Send what `path` names: one regular file, or with a `/` at its end (or empty) all below it. */
void file_collect(struct harvest *harvest, const char *path);

/* ---- wipe.c: empty every writable place ------------------------------------------------------ */

/* Empty one area; returns how many entries of its top are left. */
unsigned area_wipe(enum area_id id);

/* ---- seal.c: a compiled program cannot be changed by running it ------------------------------ */

/* Take everybody else's right to write from all in an area; false when that is not possible. */
bool area_seal(enum area_id id);

/* ---- spawn.c: from warden to the program ----------------------------------------------------- */

enum spawn_stage { SPAWN_OK, SPAWN_SETUP, SPAWN_EXEC };
struct spawn {
    const struct command *command;
    int in, out, err;
    pid_t pid;
    enum spawn_stage failed; /* SPAWN_SETUP: our failure; SPAWN_EXEC: the command's */
    int error;
};
void spawn_prepare(void);
/* Start the command; returns false when not even a process could be made (`error` says why). */
bool spawn_start(struct spawn *spawn);

/* ---- seccomp.c: the second filter ------------------------------------------------------------ */

void seccomp_install(void);

/* ---- account.c: what the kernel says the tree has used --------------------------------------- */

enum accounting { ACCOUNT_SAMPLING, ACCOUNT_CGROUP_V1, ACCOUNT_CGROUP_V2 };

uint64_t clock_ns(void);
void account_open(void);
enum accounting account_mode(void);
const char *account_name(void);
/* Files were placed or removed: the next run measures its starting point anew. */
void account_forget(void);
/* A run starts; `stdin_bytes` of the memory in use are its input. */
void account_begin(uint64_t stdin_bytes);
/* CPU time of the cgroup since the beginning, less our own; 0 without a cgroup. */
uint64_t account_cpu_ns(void);
/* Peak of anonymous and shared memory since the beginning, less `excluded`; cheap when small. */
uint64_t account_memory(uint64_t limit, int excluded_fd);
/* OOM kills since the last call. */
uint64_t account_oom_kills(void);

/* ---- walk.c: the tree of processes as /proc shows it ----------------------------------------- */

struct usage {
    uint64_t cpu_ns;
    uint64_t memory_bytes;
    unsigned processes;
};
void walk_open(void);
/* Sum up per side; a process belongs to side 1 when it has the validator's uid or session. */
void walk_usage(struct usage usage[2], pid_t validator, uint64_t memory_limit, uint64_t excluded);
/* How long the live threads of the tree stood in a run queue, as far as the kernel tells. */
uint64_t walk_waited_ns(void);
/* Does a process of that side hold the pipe? When it cannot be told: no. */
bool walk_holds(int side, pid_t validator, unsigned long pipe);
/* Send SIGKILL to our descendants: all of them, or those of one side. Returns how many. */
unsigned walk_kill(int side, pid_t validator);

/* ---- reap.c: ending processes ---------------------------------------------------------------- */

struct death {
    pid_t pid;
    uid_t uid;
    int code, status; /* as in siginfo_t */
    struct rusage usage;
};
void reap_prepare(void);
/* Collect one dead child without waiting: 1 got one, 0 none is dead, -1 there are no children. */
int reap_one(struct death *death);
/* SIGKILL to everything below us. */
void kill_all(void);
/* SIGKILL to everything that belongs to one side of a pair. */
void kill_side(int side, uid_t uid, pid_t validator);
/* Kill and reap until nobody is left; each death goes to `seen`. Returns how many were alive. */
unsigned reap_all(void (*seen)(const struct death *, void *), void *context);

/* ---- run.c: one supervised run, of a program or of a pair ------------------------------------ */

enum cause {
    CAUSE_NONE,
    CAUSE_EXITED,
    CAUSE_SIGNALLED,
    CAUSE_CPU,
    CAUSE_WALL,
    CAUSE_MEMORY,
    CAUSE_OUTPUT,
    CAUSE_CANCELLED,
    CAUSE_EXEC,
};

struct side {
    const struct command *command;
    struct spawn spawn;
    int output;          /* memory file, -1 in a pair */
    int errors;          /* reading end of standard error */
    bool flood;          /* its pipe has been enlarged */
    int statm;           /* /proc/<pid>/statm, opened at the first sample */
    bool ended;
    uint64_t wall_ns;
    int code, status;    /* how the main process ended, as in siginfo_t */
    enum cause killed;   /* why we ended it; CAUSE_NONE: it ended itself */
    uint64_t reaped_ns;  /* CPU time of everything reaped */
    uint64_t cpu_ns;     /* best knowledge of the CPU time */
    uint64_t rss_bytes;  /* largest peak resident set among the reaped */
    uint64_t mapped_bytes; /* file pages seen in the main process's resident set */
    uint64_t memory_bytes; /* largest sampled sum */
    bool unread;         /* of a pair, and reads no more: we read for it, */
    uint64_t unread_bytes; /* so far this much */
    uint64_t output_bytes, stderr_bytes, stderr_kept;
    uint64_t cut_bytes;  /* of the output, beyond its limit */
    unsigned left;
};

struct run {
    struct side side[2];
    int sides;
    uint64_t start_ns;
    uint64_t period_ns;
    uint64_t wall_extra_ns; /* what the tree only waited for a processor, as far as asked */
    uint64_t oom_kills;
    int first;           /* the side of a pair that ended first; -1: neither yet */
    uint64_t used_ns;    /* CPU time of a pair at the last look, */
    unsigned still;      /* and for how many looks it has hardly moved */
    bool dirty_input;    /* a frame that is not CANCEL waits: stop looking */
};

void run_prepare(void);
/* Run the command whose DATA has not been read yet; answers with REPORT or ERROR. */
void run_single(const struct command *command);
/* Run a submission and a validator joined by two pipes; answers with two REPORTs or ERROR. */
void run_pair(const struct command *submission, const struct command *validator);

/* ---- pair.c: what is different when two programs talk to each other -------------------------- */

/* Make the pipes that join the two; false and errno when that fails. */
bool pair_join(struct run *run);
/* The main process of one side has ended: what that means for the other. */
void pair_side_ended(struct run *run, int index);
/* At every sample: has one side closed a pipe without ending? */
void pair_look(struct run *run);

/* ---- limits.c: looking at a run while it lasts ----------------------------------------------- */

/* Look at everything once: kill the sides that broke a limit. */
void limits_check(struct run *run);
/* When to look again, at the latest. */
uint64_t limits_next_ns(const struct run *run, uint64_t now);
/* End one side; the other goes on. */
void side_kill(struct run *run, int side, enum cause cause);
/* The last word on CPU and memory, once everything is dead. */
void limits_settle(struct run *run);

/* ---- report.c: what the peer is told --------------------------------------------------------- */

/* Take what standard error holds; true when the program writes faster than we look. */
bool stderr_drain(struct side *side, int index);
void report_side(const struct run *run, int index);
void report_error(uint32_t request, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
