/*
 * The five writable places of a sandbox, and on whose behalf warden touches them.
 *
 * Warden is root without CAP_DAC_OVERRIDE, so it can enter a role's area only as its owner. It
 * changes its file system uid alone: the other uids stay root's, and no program, whatever its
 * uid, may send warden a signal meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "warden.h"

struct area areas[AREAS] = {
    [AREA_PROG] = {.name = "/prog", .path = "/prog", .fd = -1, .mode = 0755},
    [AREA_BOX] = {.name = "/box", .path = "/box", .fd = -1, .mode = 0700},
    [AREA_VAL] = {.name = "/val", .path = "/val", .fd = -1, .mode = 0700},
    [AREA_TMP] = {.name = "/tmp", .path = "/tmp", .fd = -1, .mode = 01777},
    [AREA_SHM] = {.name = "/dev/shm", .path = "/dev/shm", .fd = -1, .mode = 01777},
};

uid_t role_uid(enum role role)
{
    return settings.single_uid ? geteuid() : settings.uid_base + (uid_t)role;
}

/* setfsuid() has no error return: asking again with an impossible uid tells what is in force. */
static void act_with(uid_t uid, gid_t gid)
{
    setfsgid(gid);
    setfsuid(uid);
    if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid)
        die("cannot act as uid %u", (unsigned)uid);
}

void act_as(uid_t uid)
{
    if (!settings.single_uid && uid != 0)
        act_with(uid, (gid_t)uid);
}

void act_as_self(void)
{
    if (!settings.single_uid)
        act_with(geteuid(), getegid());
}

/* Give an area to its role; needs CAP_CHOWN unless whoever made the sandbox did it already. */
static void area_open(struct area *area, uid_t owner)
{
    struct stat info;

    if (stat(area->path, &info) != 0)
        die("%s: %s", area->path, strerror(errno));
    act_as(info.st_uid);
    area->fd = open(area->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    act_as_self();
    if (area->fd < 0)
        die("%s: %s", area->path, strerror(error));
    if (info.st_uid != owner && fchown(area->fd, owner, (gid_t)owner) != 0)
        die("%s belongs to uid %u, not to %u, and cannot be given away: %s", area->path,
            (unsigned)info.st_uid, (unsigned)owner, strerror(errno));
    area->owner = owner;
    if ((info.st_mode & 07777) == area->mode)
        return;
    act_as(owner);
    if (fchmod(area->fd, area->mode) != 0)
        die("%s: cannot set its mode: %s", area->path, strerror(errno));
    act_as_self();
}

void areas_open(void)
{
    for (unsigned i = 0; i < AREAS; i++) {
        struct stat info;
        uid_t owner = geteuid();
        if (i <= AREA_VAL)
            owner = role_uid((enum role)i); /* areas and their owners are in the same order */
        else if (stat(areas[i].path, &info) == 0)
            owner = info.st_uid;
        area_open(&areas[i], owner);
    }
}

void areas_renew(void)
{
    /* Everybody may write to these, hence touch them. Where they are the host's, it refuses us. */
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                          "/dev/urandom", "/dev/tty"};

    for (unsigned i = 0; i < AREAS; i++) {
        act_as(areas[i].owner);
        futimens(areas[i].fd, NULL);
        act_as_self();
    }
    for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++)
        utimensat(AT_FDCWD, devices[i], NULL, 0);
}
