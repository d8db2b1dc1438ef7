"""Commands for the tests: everything a base image has, nothing compiled."""

from typing import Any

from judge.limits import MIB
from judge.sandbox.base import Area, Command, Role, RunLimits

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


BOUNDS = frozenset(RunLimits.__dataclass_fields__)
