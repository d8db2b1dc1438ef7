"""Reads and checks the language files. A mistake in one is our bug: it raises at first use."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from judge import limits
from judge.errors import UsageError
from judge.languages.model import CompileStep, Entry, EntryRule, Language, MemoryRule, RunStep

DIRECTORY = Path(__file__).parent
UNSUPPORTED = "unsupported.toml"

_ENTRY_VARIABLES = {"entry", "entry_stem"}
_COMPILE_VARIABLES = {"sources", "prog", "memory_mib"} | _ENTRY_VARIABLES
_RUN_VARIABLES = {
    *("prog", "main_class", "memory_mib", "heap_mib", "heap_kib", "young_kib"),
    *("stack_mib", "stack_kib"),
} | _ENTRY_VARIABLES
_ENV_VARIABLES = {"memory_mib", "heap_mib"}

_T = TypeVar("_T")


@cache
def languages() -> Mapping[str, Language]:
    """Return every language by id."""
    paths = sorted(DIRECTORY.glob("*.toml"))
    found = {
        path.stem: parse(path.stem, path.read_text(encoding="utf-8"))
        for path in paths
        if path.name != UNSUPPORTED
    }
    check_claims(found.values())
    return MappingProxyType(found)


def get(name: str) -> Language:
    """Return the language of an id or alias; raises `UsageError` for anything else."""
    language = find(name)
    if language is None:
        offered = ", ".join(sorted(languages()))
        raise UsageError(f"unknown language {name!r}; offered are {offered}")
    return language


def find(name: str) -> Language | None:
    """Return the language of an id, name or alias, in any case, or None."""
    wanted = name.strip().casefold()
    for language in languages().values():
        if wanted in {language.id, language.name.casefold(), *language.aliases}:
            return language
    return None


def parse(identity: str, text: str) -> Language:
    """Return the language described by a TOML text; raises `ValueError` naming file and key."""
    where = f"{identity}.toml"
    reader = _Table(where, tomllib.loads(text))
    compile_table = reader.optional("compile")
    language = Language(
        id=identity,
        name=reader.take("name", str),
        image=reader.take("image", str),
        aliases=tuple(alias.casefold() for alias in reader.strings("aliases")),
        extensions=reader.strings("extensions"),
        headers=reader.strings("headers"),
        absorbs=reader.strings("absorbs"),
        by_name_only=reader.take("by_name_only", bool, default=False),
        needs=reader.strings("needs"),
        static_binary=reader.take("static_binary", bool, default=False),
        time_factor=reader.number("time_factor", 1.0),
        compile=_compile(compile_table) if compile_table is not None else None,
        run=_run(reader.required("run")),
        memory=_memory(reader.optional("memory") or _Table(where, {})),
        entry=_entry(reader.optional("entry") or _Table(where, {})),
        version_argv=_version(reader.required("version")),
    )
    reader.finish()
    if not language.extensions or not all(item.startswith(".") for item in language.extensions):
        raise ValueError(f"{where}: extensions: at least one, each starting with a dot")
    return language


class _Table:
    """A TOML table whose keys are taken one by one, so that what is left over is unknown."""

    def __init__(self, where: str, data: Mapping[str, Any]) -> None:
        self.where = where
        self.left = dict(data)

    def take(self, key: str, kind: type[_T], default: _T | None = None) -> _T:
        value = self.left.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{self.where}: {key}: expected {kind.__name__}, found {value!r}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.left.pop(key, default)
        if type(value) not in {int, float} or value <= 0:
            raise ValueError(f"{self.where}: {key}: expected a positive number, found {value!r}")
        return float(value)

    def strings(self, key: str) -> tuple[str, ...]:
        value = self.left.pop(key, [])
        if type(value) is not list or not all(type(item) is str for item in value):
            raise ValueError(f"{self.where}: {key}: expected a list of strings, found {value!r}")
        return tuple(value)

    def integers(self, key: str) -> tuple[int, ...]:
        value = self.left.pop(key, [])
        if type(value) is not list or not all(type(item) is int for item in value):
            raise ValueError(f"{self.where}: {key}: expected a list of integers, found {value!r}")
        return tuple(value)

    def optional(self, key: str) -> "_Table | None":
        value = self.left.pop(key, None)
        if value is None:
            return None
        if type(value) is not dict:
            raise ValueError(f"{self.where}: {key}: expected a table, found {value!r}")
        return _Table(f"{self.where}: {key}", value)

    def required(self, key: str) -> "_Table":
        found = self.optional(key)
        if found is None:
            raise ValueError(f"{self.where}: {key}: missing")
        return found

    def argv(self, known: set[str]) -> tuple[str, ...]:
        argv = self.strings("argv")
        if not argv:
            raise ValueError(f"{self.where}: argv: missing or empty")
        for argument in argv:
            _check_variables(f"{self.where}: argv", argument, known)
            if "{sources}" in argument and argument != "{sources}":
                raise ValueError(f"{self.where}: argv: {{sources}} must be an argument of its own")
        return argv

    def env(self, known: set[str]) -> Mapping[str, str]:
        table = self.optional("env")
        values: dict[str, str] = {}
        while table is not None and table.left:
            key = next(iter(table.left))
            values[key] = table.take(key, str)
            _check_variables(f"{table.where}: {key}", values[key], known)
        return MappingProxyType(values)

    def finish(self) -> None:
        for key in self.left:
            raise ValueError(f"{self.where}: {key}: unknown key")


def _check_variables(where: str, text: str, known: set[str]) -> None:
    for name in re.findall(r"\{([a-z_]+)\}", text):
        if name not in known:
            raise ValueError(f"{where}: unknown variable {{{name}}}")


def _compile(table: _Table) -> CompileStep:
    step = CompileStep(
        argv=table.argv(_COMPILE_VARIABLES),
        env=table.env(set()),
        only_checks=table.take("only_checks", bool, default=False),
        cpu_ms=table.take("cpu_ms", int, default=0),
        memory_bytes=table.take("memory_mib", int, default=0) * limits.MIB,
        processes=table.take("processes", int, default=limits.COMPILE_PROCESSES),
    )
    table.finish()
    return step


def _run(table: _Table) -> RunStep:
    step = RunStep(
        argv=table.argv(_RUN_VARIABLES),
        env=table.env(_ENV_VARIABLES),
        processes=table.take("processes", int, default=limits.PROCESSES_DEFAULT),
        stack_bytes=table.take("stack_mib", int, default=0) * limits.MIB,
    )
    table.finish()
    return step


def _memory(table: _Table) -> MemoryRule:
    rule = MemoryRule(
        heap_factor=table.number("heap_factor", 1.0),
        limit_factor=table.number("limit_factor", 1.0),
        overhead_bytes=table.take("overhead_mib", int, default=0) * limits.MIB,
        exit_codes=table.integers("exit_codes"),
        marks=tuple(mark.encode() for mark in table.strings("marks")),
    )
    table.finish()
    return rule


def _entry(table: _Table) -> Entry:
    mark = table.take("mark", str, default="")
    entry = Entry(
        rule=EntryRule(table.take("rule", str, default=EntryRule.PROGRAM.value)),
        names=table.strings("names"),
        mark=re.compile(mark.encode(), re.MULTILINE) if mark else None,
        module=table.take("module", bool, default=False),
    )
    table.finish()
    return entry


def _version(table: _Table) -> tuple[str, ...]:
    argv = table.argv(set())
    table.finish()
    return argv


def check_claims(found: Iterable[Language]) -> None:
    """Raise `ValueError` when two languages claim the same name or extension."""
    owners: dict[str, str] = {}
    for language in found:
        claims = {language.id, language.name.casefold(), *language.aliases}
        if not language.by_name_only:
            claims |= set(language.extensions)
        for claim in sorted(claims):
            other = owners.setdefault(claim, language.id)
            if other != language.id:
                raise ValueError(f"{language.id}.toml: {claim!r} is claimed by {other}.toml too")
