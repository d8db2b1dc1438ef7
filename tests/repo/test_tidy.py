"""House rules that a linter does not know, over every file that is committed."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
FILE_BYTES_MAX = 1 << 20

# Test data, attacks and generated files follow rules of their own.
ARTEFACTS = (
    "problems/",
    "judge/attacks/",
    "tests/hostile/programs/",
    "tests/images/programs/",
    "api/db/migrations/versions/",
)


def committed() -> list[Path]:
    """Return what git has, or would take."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        # A checkout without git, as in an archive of the sources.
        made = {".venv", ".codebattle", "build", "__pycache__", ".git"}
        found = (path for path in ROOT.rglob("*") if not made & set(path.parts))
        return sorted(path for path in found if path.is_file())
    names = done.stdout.decode().split("\0")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


FILES = committed()


def ours(*suffixes: str) -> Iterator[Path]:
    """Yield our own sources with one of these endings."""
    for path in FILES:
        name = str(path.relative_to(ROOT))
        if path.suffix in suffixes and not name.startswith(ARTEFACTS):
            yield path


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def test_files_are_short() -> None:
    """A file that outgrows the bound holds two things."""
    long = {named(path): len(text_of(path).splitlines()) for path in ours(".py", ".c", ".h")}

    assert {name: size for name, size in long.items() if size > FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    """So does a function."""
    long = {}
    for path in ours(".py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION_LINES_MAX:
                    long[f"{named(path)}:{node.name}"] = size

    assert long == {}


def test_nothing_is_left_to_do_in_the_sources() -> None:
    """What is not done is an issue, not a comment."""
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{named(path)}:{number}"
        for path in ours(".py", ".c", ".h", ".toml", ".yaml", ".yml", ".sh", ".md")
        if path != Path(__file__)
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if mark.search(line)
    ]

    assert found == []


def test_no_path_of_one_machine() -> None:
    """Nobody else has our directories."""
    home = re.compile(r"(?<![\w./-])/(?:work/(?:main|shared|scratch)|home/\w+|Users/\w+|root/\w)")
    found = [
        f"{named(path)}: {match[0]}"
        for path in FILES
        if path.suffix in {".py", ".c", ".h", ".md", ".toml", ".yml", ".txt", ".json", ""}
        and path != Path(__file__)
        and not named(path).startswith(ARTEFACTS)
        for match in home.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []


def test_locked_requirements_name_no_host() -> None:
    """Everything is pinned and hashed, and comes from wherever this machine gets packages."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = text_of(path)
        pinned = re.findall(r"^[a-z0-9][\w.\[\]-]*==", text, re.MULTILINE)

        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|@ file", text), path
        # The model is one package, installed without what it asks for.
        assert len(pinned) > 20 or (path.name, len(pinned)) == ("model.txt", 1), path
        assert text.count("--hash=sha256:") >= len(pinned), path


def test_no_large_file() -> None:
    """Only the data of problems may be large: a problem of big input and output has both."""
    large = {
        named(path): path.stat().st_size
        for path in FILES
        if not re.fullmatch(r"problems/\w+/data/.*\.(in|ans)", named(path))
    }

    assert {name: size for name, size in large.items() if size > FILE_BYTES_MAX} == {}


def test_no_binary_file() -> None:
    """What cannot be read cannot be reviewed; problems may have what they need."""
    binary = [
        named(path)
        for path in FILES
        if b"\0" in path.read_bytes()[:4096] and not named(path).startswith(ARTEFACTS)
    ]

    assert binary == []


def test_every_module_says_what_lives_in_it() -> None:
    """The first words of a file say why it is one."""
    silent = [
        named(path)
        for path in ours(".py")
        if text_of(path).strip() and not ast.get_docstring(tree_of(path))
    ]

    assert silent == []


def test_names_that_say_nothing() -> None:
    """`utils` is where things go to be lost."""
    empty = {"utils", "util", "helper", "helpers", "manager", "common", "misc"}

    assert [named(path) for path in ours(".py", ".c", ".h") if path.stem in empty] == []


@pytest.mark.parametrize("broad", ["Exception", "BaseException"])
def test_nothing_swallows_bugs(broad: str) -> None:
    """An expected failure has a name; whoever catches all must raise it again."""
    found = []
    for path in ours(".py"):
        if not named(path).startswith("judge/"):
            continue
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = isinstance(node.type, ast.Name) and node.type.id == broad
            raises = any(isinstance(each, ast.Raise) for each in ast.walk(node))
            if (caught or node.type is None) and not raises:
                found.append(f"{named(path)}:{node.lineno}")

    assert found == []


def test_compose_starts_what_the_repository_has() -> None:
    """The file that `docker compose` reads names a recipe and mounts that exist."""
    found = yaml.safe_load(text_of(ROOT / "docker-compose.yml"))
    judge = found["services"]["judge"]

    assert (ROOT / judge["build"]["dockerfile"]).is_file()
    assert "privileged" not in judge
    assert judge["network_mode"] == "none"
    for mount in judge["volumes"]:
        source = mount.split(":")[0]
        assert source in found["volumes"] or source.startswith("$") or (ROOT / source).exists()


def test_the_engine_image_gets_all_it_needs() -> None:
    """What the recipe copies is not kept from it by .dockerignore."""
    copied = re.findall(r"^COPY (.+) \S+$", text_of(ROOT / "deploy/Dockerfile"), re.MULTILINE)
    kept = {line[1:] for line in text_of(ROOT / ".dockerignore").splitlines() if line[:1] == "!"}

    assert copied
    for name in (name for line in copied for name in line.split()):
        assert (ROOT / name).exists()
        assert name in kept


def test_distribution_and_command_have_the_name() -> None:
    """`codebattle`, from Python 3.11 on."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]

    assert project["name"] == "codebattle"
    assert project["scripts"] == {"codebattle": "api.cli:main"}
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "MIT"
    assert text_of(ROOT / "LICENSE").startswith("MIT License")
