"""From a directory or an archive to a `Problem`. Start reading here."""

import dataclasses
import os
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path

from judge.errors import PackageError
from judge.problem import archive, limiting, metadata
from judge.problem.check import check
from judge.problem.findings import Findings
from judge.problem.model import Metadata, Problem, TimeLimitSource
from judge.problem.programs import ProgramKind, SourceFile
from judge.problem.statements import read_solutions, read_statements
from judge.problem.submissions import read_submissions
from judge.problem.testdata import read_test_data
from judge.problem.tree import Tree
from judge.problem.validators import ProgramReader
from judge.problem.yaml_reading import load as load_yaml
from judge.results import printable

_INI_BYTES_MAX = 4096
_TOP_LEVEL = {
    *("attachments", "data", "domjudge-problem.ini", "generators", "graders", "include"),
    *("input_format_validators", "input_validators", "input_visualizer", "output_validator"),
    *("output_validators", "output_visualizer", "problem.pdf", "problem.yaml"),
    *("problem_statement", "solution", "statement", "static_validator", "submissions"),
}


def load(path: Path) -> Problem:
    """Read a package from a directory, a `.zip` or a `.kpp`.

    What the format asks and the package lacks is in `Problem.findings`; what makes right judging
    impossible raises `PackageError`. An archive is unpacked into a temporary directory that lives
    as long as the returned problem does.
    """
    try:
        return _open(path)
    except OSError as error:
        raise PackageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise PackageError(f"{path}: nested too deep to be read") from error


def _open(path: Path) -> Problem:
    if path.is_dir():
        # `.` and `..` name a directory too.
        return _load(path, Path(os.path.realpath(path)).name)
    if not path.exists():
        raise PackageError(f"{path}: no such file or directory")
    if path.suffix.lower() not in archive.SUFFIXES:
        raise PackageError(f"{path}: expected a directory, a .zip or a .kpp")
    unpacked = archive.unpack(path)
    try:
        problem = _load(archive.package_root(unpacked), path.stem)
    except BaseException:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise
    weakref.finalize(problem, shutil.rmtree, unpacked, ignore_errors=True)
    return problem


def _load(root: Path, name: str) -> Problem:
    findings = Findings()
    tree = Tree(root, findings)
    said = _metadata(tree, findings)
    legacy = said.version.legacy
    statements, names = read_statements(tree, said, findings)
    said = dataclasses.replace(said, names=names)
    data = read_test_data(tree, said, findings)
    programs = ProgramReader(tree, findings, legacy=legacy)
    validators = programs.output_validators(custom=said.custom_output)
    said = dataclasses.replace(said, custom_output=bool(validators))
    problem = Problem(
        name=printable(name, chars_max=255).replace("\n", "\\n").replace("\t", "\\t"),
        root=tree.root,
        metadata=said,
        data=data.root,
        invalid_input=data.validation["invalid_input"],
        invalid_output=data.validation["invalid_output"],
        valid_output=data.validation["valid_output"],
        samples=data.samples,
        statements=statements,
        solutions=read_solutions(tree, said, findings),
        output_validators=validators,
        input_validators=programs.input_validators(),
        static_validator=programs.only("static_validator", ProgramKind.STATIC_VALIDATOR),
        grader=programs.grader() if data.root.legacy is not None else None,
        generators=programs.generators(),
        include=dict(_include(tree, findings)),
        submissions=read_submissions(tree, said, findings),
        attachments=tree.sources("attachments", lenient=True),
    )
    _note_unknown(tree, findings)
    check(problem, findings)
    return dataclasses.replace(problem, findings=tuple(findings))


def _metadata(tree: Tree, findings: Findings) -> Metadata:
    entry = tree.get(metadata.FILE)
    if entry is None or entry.directory:
        raise PackageError(f"{metadata.FILE}: missing; this is no problem package")
    said = metadata.read_metadata(load_yaml(entry.path, entry.rel, findings), findings)
    limits = limiting.find_time_limit(said.limits, tree, findings)
    said = dataclasses.replace(said, limits=limits)
    ini = tree.dot_file(TimeLimitSource.DOMJUDGE_INI.value, _INI_BYTES_MAX)
    if ini is None:
        return said
    values = limiting.ini_values(ini.decode("utf-8", "replace"))
    names = said.names
    if not names and values.get("name"):
        names = {"" if said.version.legacy else "en": values["name"]}
    label = values.get("short-name", "")
    return dataclasses.replace(said, names=names, color=values.get("color", ""), label=label)


def _include(tree: Tree, findings: Findings) -> Iterator[tuple[str, tuple[SourceFile, ...]]]:
    for entry in tree.entries("include"):
        if not entry.directory:
            findings.warn(entry.rel, "", "include/ holds one directory per language; ignored")
            continue
        files = tree.sources(entry.rel)
        if not files:
            findings.warn(entry.rel, "", "empty")
        yield entry.name, files


def _note_unknown(tree: Tree, findings: Findings) -> None:
    for entry in tree.entries():
        if entry.name not in _TOP_LEVEL:
            what = "directory" if entry.directory else "file"
            findings.note(entry.rel, "", f"a {what} the format does not know; ignored")
