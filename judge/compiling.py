"""From sources to a program that can be run, in a sandbox, at most once per content.

A compilation that fails is the author's or player's fault and comes back as a log; only a
sandbox that lets us down raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from judge import limits
from judge.artefacts import ArtefactCache, digest
from judge.errors import SourceError, ToolMissingError
from judge.languages import EntryRule, Language
from judge.problem.model import Limits, Problem
from judge.results import printable
from judge.sandbox.base import Area, Cause, Command, File, Outcome, Role, RunLimits, Sandbox
from judge.spool import Spool
from judge.submission import Submission

_PROGRAM_PREFIX = Area.PROGRAM.value + "/"
_COMPILE_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108
_SCRIPT = "run"
_FORMAT_CODES = {"pypy3": "python3"}

_LIMIT_REASONS = {
    Cause.CPU_LIMIT: "the compiler exceeded its CPU time limit",
    Cause.WALL_LIMIT: "the compiler exceeded its elapsed time limit",
    Cause.MEMORY_LIMIT: "the compiler exceeded its memory limit",
    Cause.OUTPUT_LIMIT: "the compiler printed too much",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Something that can be started: the files of /prog and how to begin.

    `language` None means that the program's own `run` script starts it.
    """

    image: str
    files: tuple[File, ...]
    language: Language | None
    entry: str | None = None
    main_class: str | None = None
    sources: frozenset[str] = frozenset()

    def argv(self, memory_bytes: int, prog: str = Area.PROGRAM.value) -> tuple[str, ...]:
        """Return the command line under a memory limit, for a program that lies in `prog`."""
        if self.language is None:
            return (f"{prog}/{_SCRIPT}",)
        return self.language.run_argv(
            entry=self.entry, main_class=self.main_class, memory_bytes=memory_bytes, prog=prog
        )

    def env(self, memory_bytes: int) -> dict[str, str]:
        """Return the environment under a memory limit."""
        if self.language is None:
            return dict(_COMPILE_ENV)
        return _COMPILE_ENV | self.language.run_env(memory_bytes=memory_bytes)

    def enforced_bytes(self, memory_bytes: int) -> int:
        """Return the bound on the whole process tree that gives the program `memory_bytes`."""
        return memory_bytes if self.language is None else self.language.enforced_bytes(memory_bytes)

    @property
    def processes(self) -> int:
        """Return how many processes and threads the program may have."""
        return limits.PROCESSES_DEFAULT if self.language is None else self.language.run.processes

    @property
    def stack_bytes(self) -> int:
        """Return the stack limit; 0 leaves the memory limit as the only bound."""
        return 0 if self.language is None else self.language.run.stack_bytes

    @property
    def portable(self) -> bool:
        """Tell whether the program runs in any image: a static binary, Python or a script."""
        if self.language is None:
            return True
        return self.language.static_binary or self.language.id == "python3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What came of compiling: a program, or the log that says why not.

    `unchecked`: the program was only put in place; compile it before it is blamed for anything.
    """

    program: Program | None
    log: str = ""
    reason: str = ""
    cached: bool = False
    unchecked: bool = False


async def compile_sources(
    sandbox: Sandbox,
    language: Language,
    files: Mapping[str, bytes],
    *,
    bounds: Limits,
    entry: str | None = None,
    cache: ArtefactCache | None = None,
    trusting: bool = False,
) -> Compilation:
    """Compile in an empty sandbox of the language's image; the program stays in its /prog.

    `trusting` leaves out a compilation that only checks a single source: running it tells as much
    about one that is right, and an interpreter's start is what such a check costs.
    Raises `SourceError` when the files hold no source of the language.
    """
    first = entry if entry in files else language.entry_source(files)
    unchecked = trusting and len(files) == 1 and _only_checks(language)
    if language.compile is None or unchecked:
        placed = [_file(name, data) for name, data in files.items()]
        program = _program(language, placed, first, frozenset(files))
        await sandbox.put(Area.PROGRAM, program.files)
        return Compilation(program=program, unchecked=unchecked)
    memory_bytes = max(bounds.compilation_memory_bytes, language.compile.memory_bytes)
    command = _command(
        language.compile_argv(files, entry=first, memory_bytes=memory_bytes),
        {**_COMPILE_ENV, **language.compile.env},
        files,
        cpu_ms=max(bounds.compilation_time_ms, language.compile.cpu_ms),
        memory_bytes=memory_bytes,
        processes=language.compile.processes,
    )
    return await _build(sandbox, command, language, first, cache)


async def compile_submission(
    sandbox: Sandbox,
    language: Language,
    problem: Problem,
    submission: Submission,
    *,
    cache: ArtefactCache | None = None,
    trusting: bool = False,
) -> Compilation:
    """Compile a submission with the files its problem adds; see `compile_sources`."""
    included = problem.includes(format_code(language))
    try:
        return await compile_sources(
            sandbox,
            language,
            {**submission.files, **included},
            bounds=problem.limits,
            entry=language.entry_with(submission.files, included, submission.entry_point),
            cache=cache,
            trusting=trusting,
        )
    except SourceError as error:
        return Compilation(program=None, reason=str(error))


def format_code(language: Language) -> str:
    """Return the code the package format has for a language: it does not tell Pythons apart."""
    return _FORMAT_CODES.get(language.id, language.id)


def _only_checks(language: Language) -> bool:
    return language.compile is not None and language.compile.only_checks


async def build_script(
    sandbox: Sandbox,
    files: Mapping[str, tuple[bytes, bool]],
    *,
    image: str,
    bounds: Limits,
    cache: ArtefactCache | None = None,
) -> Compilation:
    """Build a program that brings its own `build` (optional) and `run`; path → content, mode."""
    placed = [_file(name, data, executable=mode) for name, (data, mode) in files.items()]
    if "build" not in files:
        await sandbox.put(Area.PROGRAM, placed)
        return Compilation(program=Program(image=image, files=tuple(placed), language=None))
    command = Command(
        argv=("./build",),
        role=Role.COMPILE,
        cwd=Area.PROGRAM,
        env=_COMPILE_ENV,
        files=tuple(placed),
        limits=_limits(
            bounds.compilation_time_ms, bounds.compilation_memory_bytes, limits.COMPILE_PROCESSES
        ),
    )
    return await _build(sandbox, command, None, None, cache, image=image)


def version_command(language: Language) -> Command:
    """Return the command that prints a language's version."""
    return Command(
        argv=language.version_argv,
        role=Role.RUN,
        env=_COMPILE_ENV,
        limits=RunLimits(
            cpu_ms=20_000,
            wall_ms=60_000,
            memory_bytes=limits.COMPILE_MEMORY_BYTES_DEFAULT,
            output_bytes=limits.FRAME_BYTES_MAX,
            processes=limits.COMPILE_PROCESSES,
        ),
    )


def _command(
    argv: tuple[str, ...],
    env: Mapping[str, str],
    files: Mapping[str, bytes],
    *,
    cpu_ms: int,
    memory_bytes: int,
    processes: int,
) -> Command:
    return Command(
        argv=argv,
        role=Role.COMPILE,
        cwd=Area.PROGRAM,
        env=env,
        files=tuple(_file(name, data) for name, data in files.items()),
        limits=_limits(cpu_ms, memory_bytes, processes),
    )


def _limits(cpu_ms: int, memory_bytes: int, processes: int) -> RunLimits:
    return RunLimits(
        cpu_ms=cpu_ms,
        wall_ms=cpu_ms * limits.WALL_FACTOR,
        memory_bytes=memory_bytes,
        output_bytes=limits.FEEDBACK_BYTES_MAX,
        file_bytes=limits.ARTEFACT_BYTES_MAX,
        processes=processes,
        open_files=1024,
        stderr_bytes=limits.COMPILE_LOG_BYTES_MAX,
    )


async def _build(
    sandbox: Sandbox,
    command: Command,
    language: Language | None,
    entry: str | None,
    cache: ArtefactCache | None,
    *,
    image: str = "",
) -> Compilation:
    image = language.image if language is not None else image
    sources = frozenset(file.path for file in command.files)
    key = _key(sandbox, command)
    stored = cache.load(key) if cache is not None else None
    if stored is not None:
        await sandbox.put(Area.PROGRAM, stored)
        program = _program(language, stored, entry, sources, image)
        return Compilation(program=program, cached=True)
    with Spool() as stdout:
        outcome = await sandbox.run(command, stdout)
        log = _log(outcome, stdout)
    if outcome.cause is Cause.EXEC_FAILED:
        if language is None:
            return Compilation(program=None, reason=f"cannot be started: {outcome.message}")
        raise ToolMissingError(
            f"{language.name}: cannot start {command.argv[0]} ({outcome.message}); "
            "`codebattle doctor` tells which tools are missing"
        )
    if not outcome.ok:
        return Compilation(program=None, log=log, reason=_reason(outcome))
    built = await sandbox.get(Area.PROGRAM, bytes_max=limits.ARTEFACT_BYTES_MAX)
    try:
        program = _program(language, built, entry, sources, image)
    except SourceError as error:
        return Compilation(program=None, log=log, reason=str(error))
    if cache is not None:
        cache.store(key, built)
    return Compilation(program=program, log=log)


def _program(
    language: Language | None,
    files: list[File],
    entry: str | None,
    sources: frozenset[str],
    image: str = "",
) -> Program:
    main_class = None
    if language is not None:
        image = language.image
        if language.entry.rule is EntryRule.CLASS:
            outputs = {file.path: _bytes(file) for file in files if file.path.endswith(".class")}
            main_class = language.main_class(language.sources(file.path for file in files), outputs)
    return Program(
        image=image,
        files=tuple(files),
        language=language,
        entry=entry,
        main_class=main_class,
        sources=sources,
    )


def _key(sandbox: Sandbox, command: Command) -> str:
    parts: list[bytes | str] = [sandbox.info.image_digest, *command.argv, "", *command.env.values()]
    for file in sorted(command.files, key=lambda each: each.path):
        parts += [file.path, str(int(file.executable)), _bytes(file)]
    return digest(parts)


def _log(outcome: Outcome, stdout: Spool) -> str:
    """Return what the compiler printed, without our paths, bounded and harmless."""
    text = outcome.stderr
    room = limits.COMPILE_LOG_BYTES_MAX - len(text)
    if room > 0 and stdout.size:
        text = stdout.head(room) + text
    text = text.replace(_PROGRAM_PREFIX.encode(), b"")
    return printable(text, chars_max=limits.COMPILE_LOG_BYTES_MAX)


def _reason(outcome: Outcome) -> str:
    if outcome.cause in _LIMIT_REASONS:
        return _LIMIT_REASONS[outcome.cause]
    if outcome.cause is Cause.SIGNALLED:
        return f"the compiler was killed by signal {outcome.signal}"
    return f"the compiler ended with exit code {outcome.exit_code}"


def _file(name: str, data: bytes, *, executable: bool = False) -> File:
    return File(path=name, data=data, executable=executable)


def _bytes(file: File) -> bytes:
    return file.data if isinstance(file.data, bytes) else file.data.read_bytes()
