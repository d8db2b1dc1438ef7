"""Becomes another program, or keeps one: run by path, so only the standard library is here.

    enter.py MODE PARENT PROGRAM ARGUMENT...

Whatever the mode, nothing outlives PARENT, the process that started us, even if it is killed.

    plain          become the program; it gets SIGINT when the parent dies
    ordinary:UID   the same in a user namespace in which we are that user: PostgreSQL refuses to
                   run as root or as somebody without a name, and files keep their owner this
                   way. Exit code 125 where the kernel refuses namespaces
    as:UID:GID     the same as another user, for root where it may have no namespace
    keep:SECONDS:NICE
                   stay as the program's keeper: pass signals on, kill it when it has not ended so
                   long after one, and then kill whatever it left behind, wherever that moved to;
                   its session's share of the CPUs is that of a process so nice, where we may
"""

import ctypes
import os
import signal
import sys
import time

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITIES_VERSION_3 = 0x20080522
REFUSED = 125

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Change what we are, then become the program or keep it."""
    mode, parent, *argv = sys.argv[1:]
    name, *values = mode.split(":")
    if name == "ordinary":
        _enter_namespace(int(values[0]))
    elif name == "as":
        _become(int(values[0]), int(values[1]))
    if name == "keep":
        _share(int(values[1]))
        sys.exit(_keep(argv, int(parent), float(values[0])))
    # After the change of credentials, which forgets it.
    _die_with(int(parent), signal.SIGINT)
    os.execv(argv[0], argv)  # noqa: S606 - our own argv, no shell


def _share(nice: int) -> None:
    """Set the share of the CPUs our session gets beside others; only root may ask for more."""
    try:
        # One write without a buffer: the kernel takes a number, and no second one soon.
        with open("/proc/self/autogroup", "wb", buffering=0) as file:  # noqa: PTH123
            file.write(b"%d" % nice)
    except OSError:
        # Not ours to set, or a kernel that does not group sessions: then all are equal.
        return


def _die_with(parent: int, number: int) -> None:
    """Have the kernel send us a signal when our parent dies; it may have died already."""
    _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(REFUSED)


def _enter_namespace(inside: int) -> None:
    """Enter a user namespace that knows one uid, which is ours outside."""
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER) != 0:
        print(f"unshare: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(REFUSED)
    try:
        for name, text in (
            ("setgroups", b"deny"),
            ("uid_map", b"%d %d 1" % (inside, uid)),
            ("gid_map", b"%d %d 1" % (inside, gid)),
        ):
            # Bytes: whoever we are now may not be able to read Python's codecs.
            descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
            os.write(descriptor, text)
            os.close(descriptor)
    except OSError as error:
        print(f"user namespace: {error}", file=sys.stderr)
        sys.exit(REFUSED)


def _become(uid: int, gid: int) -> None:
    """Become another user, who may still go where root may.

    Our own directories, and the program's, may be below root's home, where others cannot look.
    """
    _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION_3, 0)
    # Effective, permitted and inheritable, of the lower and the upper 32 capabilities.
    sets = (ctypes.c_uint32 * 6)()
    _libc.capget(header, sets)
    kept = sets[1] & 1 << CAP_DAC_OVERRIDE
    _libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0))
    if kept:
        _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def _keep(argv: list[str], parent: int, patience_s: float) -> int:
    """Run the program; return its exit code when neither it nor anything it started is left."""
    awaited = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    # Orphans below us become our children: that is how they are found at the end.
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _die_with(parent, signal.SIGTERM)
    us = os.getpid()
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # The lock that says whether anything of ours is left: our keeper holds it for us.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _die_with(us, signal.SIGKILL)
        os.execv(argv[0], argv)  # noqa: S606 - our own argv, no shell
    deadline: float | None = None
    while (status := _reaped(child)) is None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            os.kill(child, signal.SIGKILL)
            left = None
        told = signal.sigwaitinfo(awaited) if left is None else signal.sigtimedwait(awaited, left)
        if told is not None and told.si_signo != signal.SIGCHLD:
            os.kill(child, told.si_signo)
            if deadline is None:
                deadline = time.monotonic() + patience_s
    _end_orphans()
    return os.waitstatus_to_exitcode(status) & 0xFF


def _reaped(child: int) -> int | None:
    """Collect all that ended; return the program's own status once it did."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == child:
            status = ended


def _end_orphans() -> None:
    """Kill what is left below us until nothing is; what they started becomes ours in turn."""
    us = os.getpid()
    while True:
        for pid in os.listdir("/proc"):  # noqa: PTH208 - starts quicker
            if pid.isdigit() and _parent_of(pid) == us:
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _parent_of(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - starts quicker
            # The name before may hold anything, parentheses and spaces too.
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


if __name__ == "__main__":
    main()
