"""What a language is: frozen data, and the few rules that turn it into commands."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from judge import limits
from judge.errors import SourceError
from judge.languages.classfile import main_classes


class EntryRule(StrEnum):
    """How the thing to start is found."""

    PROGRAM = "program"
    SOURCE = "source"
    CLASS = "class"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileStep:
    """How sources become a program; limits of 0 mean the package's own.

    `only_checks`: nothing is made, and a program the check refuses cannot end well either.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    only_checks: bool = False
    cpu_ms: int = 0
    memory_bytes: int = 0
    processes: int = limits.COMPILE_PROCESSES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """How the program is started; a stack of 0 is bounded by the memory limit only."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    processes: int = limits.PROCESSES_DEFAULT
    stack_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRule:
    """How a memory limit becomes a heap size and a bound on the whole process tree."""

    heap_factor: float = 1.0
    limit_factor: float = 1.0
    overhead_bytes: int = 0
    exit_codes: tuple[int, ...] = ()
    marks: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Which file or class is started; see README.md."""

    rule: EntryRule = EntryRule.PROGRAM
    names: tuple[str, ...] = ()
    mark: re.Pattern[bytes] | None = None
    module: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language we offer."""

    id: str
    name: str
    image: str
    run: RunStep
    version_argv: tuple[str, ...]
    extensions: tuple[str, ...]
    headers: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    absorbs: tuple[str, ...] = ()
    by_name_only: bool = False
    needs: tuple[str, ...] = ()
    static_binary: bool = False
    time_factor: float = 1.0
    compile: CompileStep | None = None
    memory: MemoryRule = MemoryRule()
    entry: Entry = Entry()

    def sources(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the paths that are sources of this language, sorted."""
        return tuple(sorted(path for path in paths if suffix(path) in self.extensions))

    def entry_source(self, files: Mapping[str, bytes]) -> str:
        """Return the source file to start or to hand to the compiler first.

        Raises `SourceError` when no file is a source of this language.
        """
        sources = self.sources(files)
        if not sources:
            raise SourceError(
                f"no {self.name} source among the files given; expected {_words(self.extensions)}"
            )
        for name in self.entry.names:
            for path in sources:
                if fnmatchcase(PurePosixPath(path).name, name):
                    return path
        if len(sources) == 1:
            return sources[0]
        if self.entry.mark is not None:
            marked = [path for path in sources if self.entry.mark.search(files[path])]
            if len(marked) == 1:
                return marked[0]
        if self.entry.module:
            free = [path for path in sources if not _imported(path, sources, files)]
            if len(free) == 1:
                return free[0]
        return sources[0]

    def entry_with(
        self, submitted: Mapping[str, bytes], included: Mapping[str, bytes], entry: str | None
    ) -> str | None:
        """Return what to start when a package adds files; None leaves it to `entry_source`.

        A driver among the added files is known by its name, or by using the submission; other
        added files are libraries, and never started.
        """
        files = {**submitted, **included}
        added = self.sources(included)
        own = tuple(path for path in self.sources(submitted) if path not in included)
        if not added or not own or self.entry.rule is not EntryRule.SOURCE:
            return entry if entry in files and not added else None
        named = any(
            fnmatchcase(PurePosixPath(path).name, name)
            for path in added
            for name in self.entry.names
        )
        using = (
            any(_imported(path, (path, *added), files) for path in own)
            and self.entry_source(files) in added
        )
        if named or using:
            return None
        if self.entry.mark is not None and any(
            self.entry.mark.search(files[path]) for path in added
        ):
            return None
        return entry if entry in own else self.entry_source({path: files[path] for path in own})

    def main_class(self, sources: Iterable[str], outputs: Mapping[str, bytes]) -> str:
        """Return the class to start among the compiler's outputs (path → content).

        Raises `SourceError` when none has a main method.
        """
        found = main_classes(outputs)
        if not found:
            raise SourceError("no class has a method `public static void main(String[])`")
        stems = {PurePosixPath(path).stem for path in sources}

        def order(name: str) -> tuple[bool, bool, str]:
            simple = name.rpartition(".")[2]
            return (simple not in {"Main", "MainKt"}, simple.removesuffix("Kt") not in stems, name)

        return min(found, key=order)

    def compile_argv(
        self, files: Mapping[str, bytes], *, entry: str | None = None, memory_bytes: int
    ) -> tuple[str, ...]:
        """Return the compiler's command line, the entry point first among the sources."""
        assert self.compile is not None
        first = entry if entry in files else self.entry_source(files)
        assert first is not None
        rest = [path for path in self.sources(files) if path != first]
        # A path could look like an option (`-o.c`); with ./ in front it cannot.
        sources = tuple(f"./{path}" for path in [first, *rest])
        values = {**_paths(f"./{first}"), "prog": "/prog", "memory_mib": _mib(memory_bytes)}
        return _expand(self.compile.argv, values, sources)

    def run_argv(
        self,
        *,
        entry: str | None = None,
        main_class: str | None = None,
        memory_bytes: int,
        prog: str = "/prog",
    ) -> tuple[str, ...]:
        """Return the command line of one run under a memory limit; the program is in `prog`."""
        heap = int(memory_bytes * self.memory.heap_factor)
        stack = self.run.stack_bytes
        values = {
            **(_paths(entry) if entry is not None else {}),
            "prog": prog,
            "memory_mib": _mib(memory_bytes),
            "heap_mib": _mib(heap),
            "heap_kib": str(heap // limits.KIB),
            "young_kib": str(max(1024, memory_bytes // 8 // limits.KIB)),
            "stack_mib": _mib(stack),
            "stack_kib": str(stack // limits.KIB),
        }
        if main_class is not None:
            values["main_class"] = main_class
        return _expand(self.run.argv, values, ())

    def run_env(self, *, memory_bytes: int) -> dict[str, str]:
        """Return the environment of one run under a memory limit."""
        heap = int(memory_bytes * self.memory.heap_factor)
        values = {"memory_mib": _mib(memory_bytes), "heap_mib": _mib(heap)}
        return {name: value.format(**values) for name, value in self.run.env.items()}

    def enforced_bytes(self, memory_bytes: int) -> int:
        """Return what the sandbox enforces so that the program itself gets `memory_bytes`."""
        return int(memory_bytes * self.memory.limit_factor) + self.memory.overhead_bytes

    def ran_out_of_memory(self, exit_code: int | None, stderr: bytes) -> bool:
        """Tell whether the runtime itself says that it ended for want of memory."""
        rule = self.memory
        if not rule.exit_codes and not rule.marks:
            return False
        code = not rule.exit_codes or (exit_code in rule.exit_codes)
        return code and (not rule.marks or any(mark in stderr for mark in rule.marks))


def suffix(path: str) -> str:
    """Return the extension of a path, in its own case (`.C` is C++, `.c` is C)."""
    return PurePosixPath(path).suffix


def _paths(entry: str) -> dict[str, str]:
    return {"entry": entry, "entry_stem": entry.removesuffix(suffix(entry))}


def _mib(size: int) -> str:
    return str(max(1, size // limits.MIB))


def _expand(
    template: tuple[str, ...], values: Mapping[str, str], sources: tuple[str, ...]
) -> tuple[str, ...]:
    argv: list[str] = []
    for argument in template:
        if argument == "{sources}":
            argv.extend(sources)
        else:
            # Not str.format: a program text among the arguments may hold braces of its own.
            argv.append(re.sub(r"\{([a-z_]+)\}", lambda match: values[match[1]], argument))
    return tuple(argv)


def _imported(path: str, sources: tuple[str, ...], files: Mapping[str, bytes]) -> bool:
    stem = re.escape(PurePosixPath(path).stem.encode())
    statement = re.compile(
        rb"(?:^|;)\s*(?:from|import)\s[^\n]*\b" + stem + rb"\b"
        rb"|(?:require|import|from)\s*\(?\s*['\"][./\w-]*\b" + stem + rb"(?:\.[cm]?[jt]s)?['\"]",
        re.MULTILINE,
    )
    return any(statement.search(files[other]) for other in sources if other != path)


def _words(items: tuple[str, ...]) -> str:
    return " or ".join(items)
