"""Finds the example submissions of a package and what they should get."""

from collections.abc import Iterator

from judge.problem.expectations import FILE, SubmissionInfo, expect, read_submissions_yaml
from judge.problem.findings import Findings
from judge.problem.globs import matches
from judge.problem.labels import Tags, read_tags
from judge.problem.model import Metadata, ProblemKind
from judge.problem.programs import ExampleSubmission, SourceFile
from judge.problem.sources import (
    HEADERS,
    built,
    document,
    ending,
    guess_language,
    language_of,
)
from judge.problem.tree import Entry, Tree, shown
from judge.problem.yaml_reading import Section, load

DIRECTORY = "submissions"
_CACHE = "__pycache__"


def read_submissions(
    tree: Tree, metadata: Metadata, findings: Findings
) -> tuple[ExampleSubmission, ...]:
    """Return all example submissions by name."""
    return tuple(_Reader(tree, metadata, findings).read())


class _Reader:
    def __init__(self, tree: Tree, metadata: Metadata, findings: Findings) -> None:
        self.tree = tree
        self.metadata = metadata
        self.findings = findings
        self.infos: tuple[SubmissionInfo, ...] = ()

    def read(self) -> Iterator[ExampleSubmission]:
        directories = []
        for entry in self.tree.entries(DIRECTORY, lenient=True):
            if entry.directory:
                directories.append(entry)
            elif entry.rel == FILE:
                self.infos = self._infos(entry)
            else:
                message = "a file directly in submissions/ is no submission; ignored"
                self.findings.warn(shown(entry.rel), "", message)
        names = []
        for directory in directories:
            for entry in self.tree.entries(directory.rel, lenient=True):
                submission = self._submission(directory.name, entry)
                if submission is not None:
                    names.append(submission.name)
                    yield submission
        for info in self.infos:
            if not any(matches(info.pattern, name) for name in names):
                self.findings.warn(FILE, info.pattern, "matches no submission")

    def _infos(self, entry: Entry) -> tuple[SubmissionInfo, ...]:
        section = Section(load(entry.path, entry.rel, self.findings), entry.rel, self.findings)
        scoring = ProblemKind.SCORING in self.metadata.kinds
        return read_submissions_yaml(section, scoring=scoring)

    def _submission(self, directory: str, entry: Entry) -> ExampleSubmission | None:
        if entry.directory:
            files = tuple(self._kept(entry))
        else:
            file = entry.source(entry.name)
            files = (file,) if self._is_source(entry, file) else ()
        if entry.name == _CACHE or not files:
            if entry.directory and entry.name != _CACHE:
                self.findings.warn(shown(entry.rel), "", "holds no source file; ignored")
            return None
        name = f"{directory}/{entry.name}"
        tags = read_tags(files)
        for problem in tags.problems:
            self.findings.warn(shown(entry.rel), "", problem)
        return self._described(name, directory, files, tags)

    def _described(
        self, name: str, directory: str, files: tuple[SourceFile, ...], tags: Tags
    ) -> ExampleSubmission:
        infos = [info for info in self.infos if matches(info.pattern, name)]
        language = next((info.language for info in reversed(infos) if info.language), None)
        entry_point = next((info.entry_point for info in reversed(infos) if info.entry_point), None)
        guess = guess_language(files, shebang=self.metadata.version.legacy)
        authors = next((info.authors for info in reversed(infos) if info.authors), ())
        return ExampleSubmission(
            name=name,
            directory=directory,
            files=files,
            expectation=expect(name, tags, self.infos, self.metadata),
            language=language,
            language_guess=guess,
            entry_point=entry_point,
            model_solution=any(info.model_solution for info in infos),
            authors=authors,
        )

    def _kept(self, entry: Entry) -> Iterator[SourceFile]:
        for file in self.tree.sources(entry.rel, lenient=True):
            if _CACHE in file.name.split("/")[:-1]:
                continue
            if built(file):
                self.findings.note(shown(f"{entry.rel}/{file.name}"), "", "a built file; ignored")
            else:
                yield file

    def _is_source(self, entry: Entry, file: SourceFile) -> bool:
        if ProblemKind.SUBMIT_ANSWER in self.metadata.kinds or language_of(entry.name) is not None:
            return True
        if built(file):
            self.findings.warn(shown(entry.rel), "", "a built file; ignored")
        elif document(entry.name) or ending(entry.name) in HEADERS:
            self.findings.warn(shown(entry.rel), "", "no source file; ignored")
        else:
            # Judging it says why it cannot be judged, which is more than leaving it out.
            return True
        return False
