/*
 * What is different when two programs talk to each other.
 *
 * Each writes into the other's standard input through a plain pipe of which warden keeps no end,
 * so the kernel tells either that the other has gone. Each side has its own limits, and when its
 * main process ends, all that is left of the side is killed: a daemon must not hold a pipe open.
 *
 * When the submission ends, the validator reads end of file and goes on to its own limits. When
 * the validator ends with 42, the submission may finish, up to its limits: it can still fail.
 * With any other status nothing the submission does can matter, and it is cancelled.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "warden.h"

#define ACCEPTED 42

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

void pair_side_ended(struct run *run, int index)
{
    const struct side *side = &run->side[index];

    kill_side(index, role_uid(side->command->role), run->side[1].spawn.pid);
    if (index == 1 && !(side->code == CLD_EXITED && side->status == ACCEPTED))
        side_kill(run, 0, CAUSE_CANCELLED);
}
