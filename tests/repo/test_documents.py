"""Documents say what is: links lead somewhere, commands exist, nothing is undocumented."""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from typer import Typer

import api.routes  # noqa: F401 - makes all metrics known
from api.cli import app
from api.metrics import REGISTRY
from api.settings import Settings
from judge.errors import CodebattleError
from judge.languages import languages
from judge.sandbox.backends import BACKENDS
from judge.verdicts import Verdict

from .test_tidy import FILES, ROOT, named, text_of

DOCUMENTS = [path for path in FILES if path.suffix == ".md" and "problems/" not in named(path)]
OURS = [path for path in DOCUMENTS if named(path).startswith("docs/") or path.parent == ROOT]


def _commands(of: Typer, prefix: str = "") -> set[str]:
    """Return the names of an application's commands."""
    return {
        f"{prefix}{command.name or command.callback.__name__}"
        for command in of.registered_commands
        if command.callback
    }


GROUPS = {group.name: group.typer_instance for group in app.registered_groups}
COMMANDS = _commands(app).union(
    *(_commands(group, f"{name} ") for name, group in GROUPS.items() if group)
)


def _doc(name: str) -> str:
    return text_of(ROOT / "docs" / name)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    """Relative links name a file; anchors name one of its headings."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name) if name else path

        assert found.exists(), target
        if anchor:
            assert anchor in _anchors(text_of(found)), target


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", OURS, ids=named)
def test_files_that_are_named_exist(path: Path) -> None:
    """A path in code marks, relative to the top, is there."""
    tops = {each.relative_to(ROOT).parts[0] for each in FILES if each.parent != ROOT}
    for name in re.findall(r"`([\w.-]+/[\w./-]+)`", text_of(path)):
        if name.split("/")[0] in tops - {"problems", "build"}:
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", OURS, ids=named)
def test_commands_that_are_named_exist(path: Path) -> None:
    """`make x` and `codebattle y` do."""
    text = text_of(path)
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    for target in re.findall(r"\bmake ([a-z]+)\b", code):
        assert target in targets, target
    for command in re.findall(
        r"\bcodebattle (?!is up at)((?:images |db |user |leaderboard )?[a-z]+)\b", code
    ):
        assert command in COMMANDS | set(GROUPS), command


@pytest.mark.parametrize("path", OURS, ids=named)
def test_files_that_commands_are_given_exist(path: Path) -> None:
    """Whoever types a command as it stands there, at the top, gets what the document shows."""
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text_of(path), re.DOTALL))
    for line in re.findall(r"\bcodebattle (?!is up at)(.*)", code):
        for word in re.split(r"[\s`'\"]+", line):
            # Those that begin with a slash are of the reader's machine, capitals for them to fill.
            if re.fullmatch(r"[a-z][\w*.-]*(/[\w*./-]+|\.[a-z]\w*)", word):
                assert list(ROOT.glob(word)), word


def test_every_command_and_option_is_documented() -> None:
    """docs/cli.md has a heading for each command."""
    headings = set(
        re.findall(r"^## `codebattle ([a-z ]+?)(?: [A-Z[].*)?`$", _doc("cli.md"), re.MULTILINE)
    )

    assert headings == COMMANDS


def test_every_exit_code_is_documented() -> None:
    """docs/cli.md lists what the exceptions carry."""
    codes = {kind.exit_code for kind in CodebattleError.__subclasses__()}
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", _doc("cli.md"), re.MULTILINE)}

    assert codes | {0, 1, 130} == listed


def test_every_verdict_is_documented() -> None:
    """docs/verdicts.md has a row for each, with its coarse form."""
    rows = dict(
        re.findall(r"^\| `([A-Z]+)` \|.*\| `([A-Z]+)` \|$", _doc("verdicts.md"), re.MULTILINE)
    )

    assert rows == {verdict.value: verdict.big5.value for verdict in Verdict}


def test_every_language_is_documented() -> None:
    """docs/languages.md has a row for each, with its image."""
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]+\| `(\w+)` \|", _doc("languages.md"), re.MULTILINE))

    assert rows == {each.id: each.image for each in languages().values()}


def test_every_backend_is_documented() -> None:
    """docs/cli.md says what `--backend` takes."""
    for backend in BACKENDS:
        assert f"`{backend}`" in _doc("cli.md")


def test_every_shipped_problem_is_documented() -> None:
    """docs/problems.md has a row for each, and each is the format and has a licence."""
    rows = set(re.findall(r"^\| `(\w+)` \|", _doc("problems.md"), re.MULTILINE))
    shipped = {path.parent.name for path in (ROOT / "problems").glob("*/problem.yaml")}

    assert rows == shipped
    for name in shipped:
        said = yaml.safe_load(text_of(ROOT / "problems" / name / "problem.yaml"))
        assert said["problem_format_version"] == "2025-09"
        assert said["license"]


def test_every_decision_is_listed() -> None:
    """docs/decisions/README.md links each page, and pages have the four parts."""
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", _doc("decisions/README.md"))

    assert [page.name for page in pages] == listed
    for page in pages:
        parts = re.findall(r"^## (.+)$", text_of(page), re.MULTILINE)
        assert parts[:4] == ["Context", "Decision", "Consequences", "Alternatives"], page.name


def test_every_metric_is_documented() -> None:
    """docs/metrics.md has a row for each, with its type and labels, and an alarm."""
    rows = re.findall(
        r"^\| `(codebattle_\w+)` \| (\w+) \| ([\w, —]+) \| [^|]+ \| [^|]+ \| [^|]+ \|$",
        _doc("metrics.md"),
        re.MULTILINE,
    )
    registered = {
        each._name + ("_total" if each._type == "counter" else ""): (each._type, each._labelnames)
        for each in set(REGISTRY._names_to_collectors.values())
        if isinstance(each, MetricWrapperBase)
    }

    assert {
        name: (kind, () if labels == "—" else tuple(labels.split(", ")))
        for name, kind, labels in rows
    } == registered


def test_every_document_is_listed() -> None:
    """docs/README.md leads to all of them."""
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", _doc("README.md")))

    assert pages <= listed


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    """Keep a Changelog: what is not released yet comes first."""
    assert re.search(r"^## \[Unreleased\]$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)


def test_the_glossary_knows_the_words_of_the_code() -> None:
    """A word that names a type has a definition."""
    words = {
        *("submission", "judgement", "run", "verdict", "outcome", "slot", "seat", "sandbox"),
        *("warden", "backend", "test case", "test group", "problem package", "area", "role"),
    }
    defined = {
        word.lower() for word in re.findall(r"^\| ([\w ]+) \|", _doc("glossary.md"), re.MULTILINE)
    }

    assert words <= defined


def test_every_setting_is_documented() -> None:
    """A setting nobody can read of does not exist."""
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")

    names = [f"CODEBATTLE_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if f"| `{name}` |" not in text] == []
