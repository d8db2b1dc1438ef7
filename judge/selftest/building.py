"""Turn a source of the corpus into something to run; the same source is compiled once."""

from dataclasses import dataclass, field
from pathlib import Path

from judge import limits
from judge.errors import EngineError
from judge.sandbox.base import Area, Command, File, Role, RunLimits, Sandbox, Slot
from judge.selftest.corpus import ROOT

COMPILE_LIMITS = RunLimits(
    cpu_ms=limits.COMPILE_CPU_MS_DEFAULT,
    wall_ms=2 * limits.COMPILE_CPU_MS_DEFAULT,
    memory_bytes=limits.COMPILE_MEMORY_BYTES_DEFAULT,
    output_bytes=limits.MIB,
    processes=limits.COMPILE_PROCESSES,
)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108
GCC = ("gcc", "-O1", "-w", "-static", "-pthread", "-I/prog", "-o", "/prog/main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Files for the program's area and the command that starts them."""

    files: tuple[File, ...]
    argv: tuple[str, ...]


@dataclass(slots=True)
class Builder:
    """Compiles in the sandbox, as the compile role, and keeps the executables."""

    _built: dict[Path, Program] = field(default_factory=dict)

    async def build(self, slot: Slot, source: Path) -> Program:
        """Return the program of a source; raises `EngineError` when it does not compile."""
        if source not in self._built:
            self._built[source] = await self._compile(slot, source)
        return self._built[source]

    async def _compile(self, slot: Slot, source: Path) -> Program:
        match source.suffix:
            case ".c":
                return await _compile_c(await slot.sandbox("gcc"), source)
            case ".java":
                return await _compile_java(await slot.sandbox("java"), source)
            case ".js":
                return _as_is(source, "main.js", "node")
            case ".py":
                return _as_is(source, "main.py", "python3")
            case other:
                raise EngineError(f"{source}: the self-test has no compiler for {other}")


def headers() -> tuple[File, ...]:
    """Return the headers every C source of the corpus may include."""
    return tuple(File(path=p.name, data=p.read_bytes()) for p in sorted(ROOT.glob("*.h")))


def compile_command(name: str, run_limits: RunLimits = COMPILE_LIMITS) -> Command:
    """Return the command that compiles one C or C++ file of the program's area."""
    return Command(
        argv=(*GCC, f"./{name}"),
        role=Role.COMPILE,
        cwd=Area.PROGRAM,
        env=ENVIRONMENT,
        limits=run_limits,
        collect=("main",),
        collect_bytes=limits.ARTEFACT_BYTES_MAX,
    )


async def _compile_c(sandbox: Sandbox, source: Path) -> Program:
    await sandbox.wipe()
    await sandbox.put(Area.PROGRAM, (*headers(), _file(source, "main.c")))
    outcome = await sandbox.run(compile_command("main.c"))
    if not outcome.ok or not outcome.files:
        log = outcome.stderr.decode("utf-8", "replace")[-500:]
        raise EngineError(f"{source.name} did not compile ({outcome.cause}): {log}")
    main = File(path="main", data=outcome.files[0].data, executable=True)
    return Program(files=(main,), argv=("/prog/main",))


async def _compile_java(sandbox: Sandbox, source: Path) -> Program:
    await sandbox.wipe()
    await sandbox.put(Area.PROGRAM, [_file(source, source.name)])
    command = Command(
        argv=("javac", "-proc:none", "-d", "/prog", source.name),
        role=Role.COMPILE,
        cwd=Area.PROGRAM,
        env=ENVIRONMENT,
        limits=COMPILE_LIMITS,
        collect=(f"{source.stem}.class",),
    )
    outcome = await sandbox.run(command)
    if not outcome.ok or not outcome.files:
        log = outcome.stderr.decode("utf-8", "replace")[-500:]
        raise EngineError(f"{source.name} did not compile ({outcome.cause}): {log}")
    argv = ("java", "-Xss1m", "-XX:+UseSerialGC", "-cp", "/prog", source.stem)
    return Program(files=outcome.files, argv=argv)


def _as_is(source: Path, name: str, interpreter: str) -> Program:
    return Program(files=(_file(source, name),), argv=(interpreter, f"/prog/{name}"))


def _file(source: Path, name: str) -> File:
    return File(path=name, data=source.read_bytes())
