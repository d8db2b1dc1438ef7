"""Reads `data/`: cases, groups, validation cases, and what of the samples people may see."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from judge.errors import PackageError
from judge.problem.findings import Findings
from judge.problem.grouping import LEGACY_FILE, MODERN_FILE, GroupConfig, GroupReader
from judge.problem.model import Metadata, SampleView, TestCase, TestGroup
from judge.problem.sampling import sample_view
from judge.problem.tree import Entry, Tree
from judge.problem.yaml_reading import Section, load

HINT_BYTES_MAX = 1 << 16

_IMAGES = (".png", ".jpg", ".jpeg", ".svg")
# Longer endings first: `1.in.statement` is no part of a case called `1.in`.
_SUFFIXES = (
    *(".in.statement", ".ans.statement", ".in.download", ".ans.download", ".interaction"),
    *(".in", ".ans", ".out", ".hint", ".desc", ".yaml"),
    *_IMAGES,
)
_VALIDATION = ("invalid_input", "invalid_output", "valid_output")
_DIRECTORIES = {"sample", "secret", *_VALIDATION}
_NAMED_MAX = 3

Parts = dict[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestData:
    """All that `data/` holds."""

    __test__ = False

    root: TestGroup
    samples: tuple[SampleView, ...]
    validation: dict[str, tuple[TestCase, ...]] = field(default_factory=dict)


def read_test_data(tree: Tree, metadata: Metadata, findings: Findings) -> TestData:
    """Return the test data of a package."""
    return _Reader(tree, metadata, findings).read()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """One directory below `data/`: the parts of its cases by base name, and its directories."""

    parts: dict[str, Parts]
    directories: tuple[Entry, ...]


class _Reader:
    def __init__(self, tree: Tree, metadata: Metadata, findings: Findings) -> None:
        self.tree = tree
        self.metadata = metadata
        self.findings = findings
        self.groups = GroupReader(tree, metadata, findings)
        self.views: list[SampleView] = []

    def read(self) -> TestData:
        above = self.groups.root()
        for entry in self.tree.entries("data"):
            if entry.name in _DIRECTORIES or entry.name in {LEGACY_FILE, MODERN_FILE}:
                continue
            what = "directory" if entry.directory else "file"
            self.findings.note(entry.rel, "", f"a {what} the format does not know; ignored")
        children = tuple(
            self._group(f"data/{name}", above)
            for name in ("sample", "secret")
            if self.tree.directory(f"data/{name}") is not None
        )
        root = TestGroup(name="", groups=children, legacy=above.legacy, scoring=above.scoring)
        validation = {
            name: tuple(self._flat(f"data/{name}", self.groups.below(above, f"data/{name}")))
            for name in _VALIDATION
        }
        return TestData(root=root, samples=tuple(self.views), validation=validation)

    def _group(self, rel: str, above: GroupConfig) -> TestGroup:
        config = self.groups.below(above, rel)
        name = rel.removeprefix("data/")
        if self.groups.legacy:
            listing = self._list(rel)
            cases = tuple(self._cases(rel, listing, config))
            inner = tuple(self._group(each.rel, config) for each in listing.directories)
        else:
            inner = self._modern_groups(rel, config) if name == "secret" else ()
            taken = {f"data/{group.name}" for group in inner}
            cases = tuple(self._flat(rel, config, taken))
            if inner and cases:
                self._mixed(rel, "holds test cases beside test data groups")
        return TestGroup(
            name=name, cases=cases, groups=inner, legacy=config.legacy, scoring=config.scoring
        )

    def _modern_groups(self, rel: str, above: GroupConfig) -> tuple[TestGroup, ...]:
        directories = [
            entry
            for entry in self.tree.entries(rel)
            if entry.directory and not entry.name.endswith(".files")
        ]
        configs = [(entry, self.groups.below(above, entry.rel)) for entry in directories]
        if not any(config.declared for _, config in configs):
            return ()
        groups = []
        for entry, config in configs:
            if not config.declared:
                self._mixed(entry.rel, f"a directory without {MODERN_FILE} beside groups")
            groups.append(
                TestGroup(
                    name=entry.rel.removeprefix("data/"),
                    cases=tuple(self._flat(entry.rel, config)),
                    scoring=config.scoring,
                )
            )
        return tuple(groups)

    def _mixed(self, rel: str, message: str) -> None:
        # Without scores order is all that counts, and that is clear; scores would be a guess.
        if self.groups.scoring:
            raise PackageError(f"{rel}: {message}")
        self.findings.warn(rel, "", message)

    def _flat(
        self, rel: str, config: GroupConfig, without: Iterable[str] = ()
    ) -> Iterator[TestCase]:
        """Yield the cases of a directory and of those below it that are no groups."""
        if self.tree.directory(rel) is None:
            return
        listing = self._list(rel)
        yield from self._cases(rel, listing, config)
        for entry in listing.directories:
            if entry.rel in without:
                continue
            inner = self.groups.below(config, entry.rel)
            if inner.declared and rel.count("/") > 1:
                self.findings.warn(entry.rel, "", "groups do not nest; judged with the one above")
            yield from self._flat(entry.rel, inner)

    def _list(self, rel: str) -> _Listing:
        parts: dict[str, Parts] = {}
        directories = []
        strays = []
        for entry in self.tree.entries(rel):
            if entry.directory:
                if entry.name.endswith(".files"):
                    parts.setdefault(entry.name.removesuffix(".files"), {})[".files"] = entry
                else:
                    directories.append(entry)
                continue
            if entry.name in {LEGACY_FILE, MODERN_FILE}:
                continue
            suffix = next((each for each in _SUFFIXES if entry.name.endswith(each)), None)
            if suffix is None or entry.name == suffix:
                strays.append(entry.name)
            else:
                parts.setdefault(entry.name.removesuffix(suffix), {})[suffix] = entry
        for base in [base for base, found in parts.items() if not _declares(found)]:
            strays += [entry.name for entry in parts.pop(base).values()]
        if strays:
            self._strays(rel, sorted(strays))
        for entry in directories:
            if entry.name in parts:
                self.findings.warn(entry.rel, "", "has the name of a test case beside it")
        return _Listing(parts=parts, directories=tuple(directories))

    def _strays(self, rel: str, names: list[str]) -> None:
        shown = ", ".join(names[:_NAMED_MAX]) + (", …" if len(names) > _NAMED_MAX else "")
        text = "1 file belongs" if len(names) == 1 else f"{len(names)} files belong"
        text += " to no test case"
        self.findings.warn(rel, "", f"{text}; ignored: {shown}")

    def _cases(self, rel: str, listing: _Listing, config: GroupConfig) -> Iterator[TestCase]:
        for base in sorted(listing.parts, key=str.encode):
            parts = listing.parts[base]
            case = self._case(f"{rel}/{base}", parts, config) if ".in" in parts else None
            if rel == "data/sample" or rel.startswith("data/sample/"):
                name = f"{rel}/{base}".removeprefix("data/")
                self.views.append(sample_view(name, case, parts, self.metadata, self.findings))
            elif case is None:
                self.findings.warn(f"{rel}/{base}.in", "", "missing; the case is not judged")
            if case is not None:
                yield case

    def _case(self, rel: str, parts: Parts, config: GroupConfig) -> TestCase:
        defaults = config.cases
        hint, description = self._text(parts, ".hint"), self._text(parts, ".desc")
        if ".yaml" in parts:
            entry = parts[".yaml"]
            if self.metadata.version.legacy:
                self.findings.warn(entry.rel, "", "not a file of the legacy format; taken anyway")
            section = Section(load(entry.path, entry.rel, self.findings), entry.rel, self.findings)
            defaults = self.groups.case_defaults(section, defaults)
            hint = section.text("hint", hint)
            description = section.text("description", description)
            section.finish()
        images = [parts[suffix] for suffix in _IMAGES if suffix in parts]
        if len(images) > 1:
            self.findings.warn(images[1].rel, "", "a second illustration of the same case; ignored")
        answer, output = parts.get(".ans"), parts.get(".out")
        return TestCase(
            name=rel.removeprefix("data/"),
            input=parts[".in"].path,
            input_bytes=parts[".in"].size_bytes,
            answer=answer.path if answer is not None else None,
            answer_bytes=answer.size_bytes if answer is not None else 0,
            output=output.path if output is not None else None,
            args=defaults.args,
            files=self.tree.sources(parts[".files"].rel) if ".files" in parts else (),
            input_validator_args=defaults.input_validator_args,
            output_validator_args=defaults.output_validator_args,
            full_feedback=defaults.full_feedback,
            hint=hint,
            description=description,
            image=images[0].path if images else None,
        )

    def _text(self, parts: Parts, suffix: str) -> str:
        if suffix not in parts:
            return ""
        with parts[suffix].path.open("rb") as stream:
            return stream.read(HINT_BYTES_MAX).decode("utf-8", "replace").strip()


def _declares(parts: Parts) -> bool:
    return any(suffix in parts for suffix in (".in", ".interaction", ".in.statement"))
