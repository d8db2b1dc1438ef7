"""Commands for the tests: everything a base image has, nothing compiled."""

from typing import Any

from judge.limits import MIB
from judge.sandbox.base import Area, Command, Role, RunLimits, Sandbox
from judge.spool import Spool

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
HOMES = {Role.COMPILE: Area.PROGRAM, Role.RUN: Area.BOX, Role.VALIDATE: Area.VALIDATOR}


def bounds(**changes: int) -> RunLimits:
    usual = {
        "cpu_ms": 5000,
        "wall_ms": 10_000,
        "memory_bytes": 256 * MIB,
        "output_bytes": MIB,
    }
    return RunLimits(**(usual | changes))


def command(*argv: str, role: Role = Role.RUN, **options: Any) -> Command:
    limits = bounds(**{key: options.pop(key) for key in list(options) if key in BOUNDS})
    return Command(argv=argv, role=role, cwd=HOMES[role], env=ENVIRONMENT, limits=limits, **options)


def shell(script: str, **options: Any) -> Command:
    return command("bash", "-c", script, **options)


def python(script: str, **options: Any) -> Command:
    return command("python3", "-c", script, **options)


async def has_one_uid(sandbox: Sandbox) -> bool:
    """Tell whether all roles share a uid, as they must for an ordinary user of bubblewrap."""
    with Spool() as output:
        await sandbox.run(command("stat", "-c", "%u", "/prog", "/box"), output)
        return len(set(output.head(99).split())) == 1


BOUNDS = frozenset(RunLimits.__dataclass_fields__)
