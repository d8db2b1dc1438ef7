"""Language files are data, checked strictly."""

import dataclasses
import re

import pytest

from judge import languages
from judge.errors import UsageError
from judge.languages import load
from judge.limits import MIB

_MINIMAL = """
name = "Toy"
image = "toy"
extensions = [".toy"]
[run]
argv = ["toy", "{prog}/{entry}"]
[entry]
rule = "source"
[version]
argv = ["toy", "-v"]
"""


def test_every_language_promised_is_offered() -> None:
    """The first set of languages is there, under Kattis's names."""
    promised = ["c", "cpp", "csharp", "go", "java", "javascript", "kotlin"]
    promised += ["pypy3", "python3", "rust", "typescript"]

    assert promised == sorted(languages.languages())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C++", "cpp"),
        ("cpp", "cpp"),
        ("Python 3", "python3"),
        ("c#", "csharp"),
        ("csharp", "csharp"),
        ("Kotlin", "kotlin"),
        ("JavaScript (Node.js)", "javascript"),
        (" golang ", "go"),
    ],
)
def test_a_language_answers_to_its_aliases(name: str, expected: str) -> None:
    """Ids, names and aliases of other judges find the language, in any case."""
    assert expected == languages.get(name).id


def test_an_unknown_language_names_the_offer() -> None:
    """A caller who asks for a language we do not have learns which ones there are."""
    with pytest.raises(UsageError, match=r"unknown language 'brainfuck'; offered are c, cpp"):
        languages.get("brainfuck")


def test_a_minimal_file_is_enough() -> None:
    """Everything but name, image, extensions, run and version has a default."""
    language = load.parse("toy", _MINIMAL)

    assert language.compile is None
    assert language.enforced_bytes(100 * MIB) == 100 * MIB
    assert language.run_argv(entry="a.toy", memory_bytes=MIB) == ("toy", "/prog/a.toy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name =", "nmae ="), "toy.toml: name: expected str, found None"),
        (('image = "toy"', 'image = "toy"\ncolour = "red"'), "toy.toml: colour: unknown key"),
        (("{prog}", "{porg}"), "toy.toml: run: argv: unknown variable {porg}"),
        (('["toy", "{prog}/{entry}"]', '"toy"'), "toy.toml: run: argv: expected a list of strings"),
        (("[version]\nargv", "[version]\nargs"), "toy.toml: version: argv: missing or empty"),
        (('[".toy"]', '["toy"]'), "toy.toml: extensions: at least one, each starting with a dot"),
        (
            ("[run]", "[run]\nprocesses = true"),
            "toy.toml: run: processes: expected int, found True",
        ),
        (('rule = "source"', 'rule = "guess"'), "'guess' is not a valid EntryRule"),
        (
            ("[run]", '[compile]\nargv = ["toyc", "-x{sources}"]\n[run]'),
            "toy.toml: compile: argv: {sources} must be an argument of its own",
        ),
        (
            ("[version]", "[memory]\noverhead_mib = 1.5\n[version]"),
            "memory: overhead_mib: expected",
        ),
    ],
)
def test_a_mistake_names_file_and_key(change: tuple[str, str], message: str) -> None:
    """A wrong language file is refused with the file and the key."""
    with pytest.raises(ValueError, match=re.escape(message)):
        load.parse("toy", _MINIMAL.replace(*change))


def test_two_languages_may_not_claim_the_same_extension() -> None:
    """An extension belongs to one language, so detection is never a matter of order."""
    toy = load.parse("toy", _MINIMAL)
    other = dataclasses.replace(toy, id="other", name="Other")

    with pytest.raises(ValueError, match=r"toy.toml: '.toy' is claimed by other.toml too"):
        load.check_claims([other, toy])


@pytest.mark.parametrize("identity", sorted(languages.languages()))
def test_every_command_line_can_be_made(identity: str) -> None:
    """No variable of a shipped language is left unfilled."""
    language = languages.get(identity)
    source = f"main{language.extensions[0]}"

    argv = language.run_argv(entry=source, main_class="Main", memory_bytes=256 * MIB)
    argv += tuple(language.run_env(memory_bytes=256 * MIB).values())
    if language.compile is not None:
        argv += language.compile_argv({source: b""}, memory_bytes=2048 * MIB)

    assert not [argument for argument in argv if re.search(r"\{[a-z_]+\}", argument)]
