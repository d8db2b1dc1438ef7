"""Becomes another program: run by path with `python -S -E`, so only the standard library is here.

    enter.py [--ordinary] PROGRAM ARGUMENT...

Two things happen before the program takes over. It is sent SIGTERM-like `SIGINT` when its parent
dies, so that a killed service leaves no server behind. With `--ordinary`, root enters a user
namespace in which it is an ordinary user: PostgreSQL refuses to run as root, and files keep their
owner this way. Where the kernel refuses that, the exit code is 125.
"""

import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
ORDINARY_UID = 1000
REFUSED = 125


def main() -> None:
    """Change what we are, then become the program."""
    arguments = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    if arguments[0] == "--ordinary":
        arguments.pop(0)
        uid, gid = os.geteuid(), os.getegid()
        if libc.unshare(CLONE_NEWUSER) != 0:
            print(f"unshare: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
            sys.exit(REFUSED)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{ORDINARY_UID} {uid} 1"),
            ("gid_map", f"{ORDINARY_UID} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - starts quicker
                file.write(text)
    # After the namespace: changing credentials forgets it.
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(REFUSED)
    os.execv(arguments[0], arguments)  # noqa: S606 - our own argv, no shell


if __name__ == "__main__":
    main()
