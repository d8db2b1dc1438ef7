"""Finds the programs of a package that are not submissions: validators, graders, generators."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from judge.errors import PackageError
from judge.problem.findings import Findings
from judge.problem.programs import ProgramKind, ProgramSource, SourceFile
from judge.problem.sources import (
    HEADERS,
    built,
    document,
    ending,
    guess_language,
    language_of,
    script_entry,
)
from judge.problem.tree import Entry, Tree

_SCRIPTS = ("build", "run")
_OTHER_TOOLS = {".ctd": "checktestdata", ".viva": "viva"}
_CACHES = {"__pycache__"}


class ProgramReader:
    """Reads programs from directories of a package."""

    def __init__(self, tree: Tree, findings: Findings, *, legacy: bool) -> None:
        self.tree = tree
        self.findings = findings
        self.legacy = legacy

    def input_validators(self) -> tuple[ProgramSource, ...]:
        """Return all input validators, those in the deprecated directory too."""
        old = "input_format_validators"
        found = self._several("input_validators", ProgramKind.INPUT_VALIDATOR)
        if self.tree.directory(old) is not None:
            self.findings.warn(old, "", "the old name of input_validators; read as it")
            found = (*found, *self._several(old, ProgramKind.INPUT_VALIDATOR))
        return found

    def output_validators(self, *, custom: bool) -> tuple[ProgramSource, ...]:
        """Return the custom output validators; empty means the default one.

        Legacy asks for them by `custom`; since 2025-09 being there is enough.
        """
        one, many = "output_validator", "output_validators"
        present = [name for name in (one, many) if self.tree.entries(name)]
        if self.legacy and not custom:
            for name in present:
                self.findings.note(name, "", "not used: problem.yaml asks for default validation")
            return ()
        wanted = many if self.legacy else one
        if not present:
            if self.legacy:
                raise PackageError(
                    f"{wanted}: missing, but problem.yaml asks for custom validation"
                )
            return ()
        name = wanted if wanted in present else present[0]
        if len(present) > 1:
            other = next(each for each in present if each != name)
            self.findings.warn(other, "", f"not read beside {name}")
        elif name != wanted:
            self.findings.warn(name, "", f"called {wanted} in this version; read as it")
        kind = ProgramKind.OUTPUT_VALIDATOR
        found = (self._one(name, kind),) if name == one else self._several(name, kind)
        if not found:
            raise PackageError(f"{name}: holds no program")
        for each in found:
            if not each.runnable:
                raise PackageError(f"{each.location}: no language can be told from its files")
        return found

    def only(self, name: str, kind: ProgramKind) -> ProgramSource | None:
        """Return the single program of a directory that is the program (2025-09), or None."""
        return self._one(name, kind) if self.tree.entries(name) else None

    def grader(self) -> ProgramSource | None:
        """Return the legacy custom grader; there may be one."""
        found = self._several("graders", ProgramKind.GRADER)
        if len(found) > 1:
            raise PackageError(f"graders: {len(found)} programs; at most one grader is allowed")
        return found[0] if found else None

    def generators(self) -> tuple[ProgramSource, ...]:
        """Return what looks like a program in `generators/`; nobody runs them."""
        return self._several("generators", ProgramKind.GENERATOR, quiet=True)

    def _several(
        self, rel: str, kind: ProgramKind, *, quiet: bool = False
    ) -> tuple[ProgramSource, ...]:
        entries = [entry for entry in self.tree.entries(rel) if entry.name not in _CACHES]
        if any(entry.name in _SCRIPTS and not entry.directory for entry in entries):
            self.findings.warn(rel, "", "holds build or run itself; read as one program")
            return (self._one(rel, kind),)
        return tuple(self._programs(entries, kind, quiet=quiet))

    def _programs(
        self, entries: list[Entry], kind: ProgramKind, *, quiet: bool
    ) -> Iterator[ProgramSource]:
        loose = [entry for entry in entries if not entry.directory]
        headers = tuple(
            entry.source(entry.name) for entry in loose if ending(entry.name) in HEADERS
        )
        for entry in entries:
            if entry.directory:
                if any(True for _ in self.tree.walk(entry.rel)):
                    yield self._directory(entry, kind, quiet=quiet)
                continue
            other = _OTHER_TOOLS.get(ending(entry.name))
            file = entry.source(entry.name)
            if other is None and language_of(entry.name) is None:
                self._skip(entry, file, quiet=quiet)
                continue
            program = self._program(kind, entry.name, entry.rel, (file,), language=other)
            if program.language in {"c", "cpp"} and headers:
                # Strictly a header here is no part of any program, yet such packages exist.
                program = dataclasses.replace(program, files=(file, *headers))
            yield program

    def _skip(self, entry: Entry, file: SourceFile, *, quiet: bool) -> None:
        if quiet or document(entry.name) or ending(entry.name) in HEADERS:
            return
        what = "a built file" if built(file) else "no source of a language the format knows"
        self.findings.warn(entry.rel, "", f"{what}; ignored")

    def _one(self, rel: str, kind: ProgramKind) -> ProgramSource:
        entry = self.tree.directory(rel)
        if entry is None:
            raise PackageError(f"{rel}: expected a directory")
        return self._directory(entry, kind, quiet=False)

    def _directory(self, entry: Entry, kind: ProgramKind, *, quiet: bool) -> ProgramSource:
        files = tuple(self._clean(entry.rel, self.tree.sources(entry.rel), quiet=quiet))
        return self._program(kind, entry.name, entry.rel, files, language=None)

    def _clean(self, rel: str, files: Iterable[SourceFile], *, quiet: bool) -> Iterator[SourceFile]:
        for file in files:
            if _CACHES & set(PurePosixPath(file.name).parts[:-1]):
                continue
            if built(file):
                if not quiet:
                    self.findings.note(f"{rel}/{file.name}", "", "a built file; ignored")
                continue
            script = file.name in _SCRIPTS
            yield dataclasses.replace(file, executable=True) if script else file

    def _program(
        self,
        kind: ProgramKind,
        name: str,
        location: str,
        files: tuple[SourceFile, ...],
        language: str | None,
    ) -> ProgramSource:
        names = {file.name for file in files}
        if language is None:
            scripted = bool(names & set(_SCRIPTS))
            language = "build" if scripted else guess_language(files, shebang=self.legacy)
        if language is None:
            others = {_OTHER_TOOLS.get(ending(each)) for each in names} - {None}
            language = others.pop() if len(others) == 1 else None
        if language is None and kind is not ProgramKind.GENERATOR:
            self.findings.warn(location, "", "no single language can be told from its files")
        return ProgramSource(
            kind=kind,
            name=name,
            location=location,
            files=files,
            language=language,
            entry_point=script_entry(files, language, name),
        )
