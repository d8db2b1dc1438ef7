/*
 * What is different when two programs talk to each other.
 *
 * Each writes into the other's standard input through a plain pipe. Warden holds every end too,
 * until the program it belongs to has ended: a dying process closes its files before its parent
 * hears of it, and on one processor the other side may have read end of file and exited in
 * between. So neither can notice the other's end before warden has, and who was first is certain.
 * A validator that closes its end and lives on is looked for when both sides stand still. A
 * submission that does so has not ended: the validator reads end of file once it has.
 *
 * A submission may end before it has read the last answer, and a validator may accept before it
 * has heard the last word. Neither is the other's fault: what is still written is read and thrown
 * away here, up to a bound, so no broken pipe ends the one that goes on.
 *
 * Each side has its own limits, and when its main process ends, all that is left of the side is
 * killed: a daemon must not hold a pipe open.
 *
 * When the submission ends, the validator reads end of file and goes on to its own limits. When
 * the validator ends with 42, the submission may finish, up to its limits: it can still fail.
 * With any other status nothing the submission does can matter, and it is cancelled.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "warden.h"

#define ACCEPTED 42
/* Less than any conversation needs between two looks. */
#define STILL_NS (100 * NS_PER_US)
#define STILL_LOOKS 2
/* Who writes more than this to nobody does not notice that nobody is there. */
#define UNREAD_BYTES_MAX (8 * MIB)

/* Both ends may be opened again by name (/dev/stdin, /dev/stdout), by whichever uid has them. */
static bool open_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0 && fchmod(ends[0], 0666) == 0;
}

bool pair_join(struct run *run)
{
    int forth[2] = {-1, -1}, back[2] = {-1, -1};
    bool joined = open_pipe(forth) && open_pipe(back);

    run->side[0].spawn.out = forth[1];
    run->side[1].spawn.in = forth[0];
    run->side[1].spawn.out = back[1];
    run->side[0].spawn.in = back[0];
    return joined;
}

static void let_go(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool accepted(const struct side *side)
{
    return side->code == CLD_EXITED && side->status == ACCEPTED;
}

/* From now on what is written to this side is read here. */
static void read_for(struct side *side)
{
    side->unread = side->spawn.in >= 0 && fcntl(side->spawn.in, F_SETFL, O_NONBLOCK) == 0;
    if (!side->unread)
        let_go(&side->spawn.in);
}

void pair_side_ended(struct run *run, int index)
{
    struct side *side = &run->side[index];

    kill_side(index, role_uid(side->command->role), run->side[1].spawn.pid);
    if (run->first < 0)
        run->first = index;
    if (index == 0 || accepted(side))
        read_for(side);
    else
        let_go(&side->spawn.in);
    let_go(&side->spawn.out);
    if (index == 1 && !accepted(side))
        side_kill(run, 0, CAUSE_CANCELLED);
}

/* Tell whether nobody of a side holds an end of it any more. */
static bool is_closed(const struct run *run, int index, int fd)
{
    struct stat info;

    return fd >= 0 && fstat(fd, &info) == 0
        && !walk_holds(index, run->side[1].spawn.pid, (unsigned long)info.st_ino);
}

static void throw_away(struct side *side)
{
    static char buffer[64 * KIB];
    ssize_t got;

    while ((got = read(side->spawn.in, buffer, sizeof buffer)) > 0
           && side->unread_bytes <= UNREAD_BYTES_MAX)
        side->unread_bytes += (uint64_t)got;
    side->unread = got < 0 && (errno == EAGAIN || errno == EINTR);
    if (!side->unread)
        let_go(&side->spawn.in);
}

void pair_look(struct run *run)
{
    uint64_t used = run->side[0].cpu_ns + run->side[1].cpu_ns;

    for (int i = 0; i < 2; i++)
        if (run->side[i].unread)
            throw_away(&run->side[i]);
    run->still = used < run->used_ns + STILL_NS ? run->still + 1 : 0;
    run->used_ns = used;
    if (run->still < STILL_LOOKS)
        return;
    run->still = 0;
    for (int i = 0; i < 2; i++)
        if (!run->side[i].unread && is_closed(run, i, run->side[i].spawn.in))
            read_for(&run->side[i]);
    if (is_closed(run, 1, run->side[1].spawn.out))
        let_go(&run->side[1].spawn.out);
}
