"""Finds statements and solution texts in all languages, their names and the files they use."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from judge.problem.findings import Findings
from judge.problem.model import Metadata, Statement
from judge.problem.tree import Entry, Tree, shown

TEXT_BYTES_MAX = 1 << 20
DEFAULT_LANGUAGE = "en"

_FILE = re.compile(r"(problem|solution)(?:\.([A-Za-z]{2,3}(?:-[A-Za-z]{2})?))?\.(tex|md|pdf)")
_PLAIN_NAME = re.compile(r"^\s*%%\s*plainproblemname:\s*(.*?)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"(?<!\\)%.*$", re.MULTILINE)
_USED = re.compile(
    r"\\includegraphics\s*(?:\[[^\]]*\])?\s*\{([^{}]+)\}"
    r"|\\illustration\s*\{[^{}]*\}\s*\{([^{}]+)\}"
    r"|\\(?:input|include)\s*\{([^{}]+)\}"
    r"|!\[[^\]]*\]\(\s*<?([^)\s>]+)"
)
_GUESSED = ("", ".pdf", ".png", ".jpg", ".jpeg", ".tex", ".svg")


def read_statements(
    tree: Tree, metadata: Metadata, findings: Findings
) -> tuple[tuple[Statement, ...], dict[str, str]]:
    """Return the statements and the problem's names by language, from all that gives names."""
    new, old = "statement", "problem_statement"
    wanted, other = (old, new) if metadata.version.legacy else (new, old)
    directory = wanted
    if tree.directory(wanted) is None and tree.directory(other) is not None:
        findings.warn(other, "", f"called {wanted} in this version; read as it")
        directory = other
    found = list(_texts(tree, directory, "problem", metadata, findings))
    if not found:
        found = list(_at_top(tree))
    return tuple(found), _names(metadata, found)


def read_solutions(tree: Tree, metadata: Metadata, findings: Findings) -> tuple[Statement, ...]:
    """Return the written solutions in all languages."""
    return tuple(_texts(tree, "solution", "solution", metadata, findings))


def _at_top(tree: Tree) -> Iterator[Statement]:
    entry = tree.get("problem.pdf")
    if entry is not None and not entry.directory:
        yield Statement(
            language=DEFAULT_LANGUAGE, kind="pdf", path=entry.path, file=entry.rel, name=""
        )


def _texts(
    tree: Tree, directory: str, stem: str, metadata: Metadata, findings: Findings
) -> Iterator[Statement]:
    entries = [each for each in tree.entries(directory, lenient=True) if not each.directory]
    matched = [(each, _FILE.fullmatch(each.name)) for each in entries]
    texts = [(each, match) for each, match in matched if match is not None and match[1] == stem]
    names = {each.name for each, _ in texts}
    files = tree.sources(directory, lenient=True) if texts else ()
    assets = tuple(file for file in files if file.name not in names)
    known = {file.name for file in files}
    seen: dict[str, str] = {}
    # Where a language comes twice, LaTeX and Markdown are preferred to PDF.
    for entry, match in sorted(texts, key=lambda pair: (pair[1][3] == "pdf", pair[0].name)):
        language, kind = match[2] or DEFAULT_LANGUAGE, match[3]
        if match[2] is None and not metadata.version.legacy and stem == "problem":
            findings.warn(entry.rel, "", "the name lacks a language code; taken as English")
        if language in seen:
            findings.note(entry.rel, "", f"{seen[language]} is used for this language")
            continue
        seen[language] = entry.rel
        text = _read(entry, findings) if kind != "pdf" else ""
        if text:
            _check_uses(entry, text, known, findings)
        yield Statement(
            language=language,
            kind=kind,
            path=entry.path,
            file=entry.rel,
            name=statement_name(text) if kind == "tex" else "",
            assets=assets,
        )


def _read(entry: Entry, findings: Findings) -> str:
    with entry.path.open("rb") as stream:
        data = stream.read(TEXT_BYTES_MAX + 1)
    if len(data) > TEXT_BYTES_MAX:
        findings.warn(entry.rel, "", "very long; only the beginning is looked at")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.warn(entry.rel, "", "is not UTF-8; read as Latin-1")
        return data.decode("latin-1")


def _check_uses(entry: Entry, text: str, known: set[str], findings: Findings) -> None:
    body = _COMMENT.sub("", text) if entry.name.endswith(".tex") else text
    for match in _USED.finditer(body):
        name = next(group for group in match.groups() if group is not None).strip().strip('"')
        if "://" in name or name.startswith(("data:", "#")) or "\\" in name or "{{" in name:
            continue
        path = str(PurePosixPath(name))
        if ":" not in name and not any(path + ending in known for ending in _GUESSED):
            findings.warn(entry.rel, "", f"uses a file that is not there: {shown(name[:100])}")


def statement_name(text: str) -> str:
    r"""Return the problem's name in a LaTeX statement: `plainproblemname`, else `\problemname`."""
    plain = _PLAIN_NAME.search(text)
    if plain is not None and plain[1]:
        return plain[1]
    start = re.search(r"\\problemname\s*\{", _COMMENT.sub("", text))
    if start is None:
        return ""
    body = _COMMENT.sub("", text)[start.end() :]
    depth = 1
    for at, char in enumerate(body[:1000]):
        depth += (char == "{" and body[at - 1 : at] != "\\") - (
            char == "}" and body[at - 1 : at] != "\\"
        )
        if depth == 0:
            return plain_text(body[:at])
    return ""


def plain_text(latex: str) -> str:
    """Return a LaTeX title without its markup, as well as that can be done simply."""
    text = re.sub(r"\\(?:emph|text\w*|mathrm|mathbf)\s*\{([^{}]*)\}", r"\1", latex)
    text = text.replace("---", "\u2014").replace("--", "\u2013").replace("~", " ")
    text = text.replace("``", "\u201c").replace("''", "\u201d")
    text = re.sub(r"\\([&%$#_{} ])", r"\1", text)
    text = re.sub(r"\\ldots\b(?:\{\})?", "...", text)
    return " ".join(text.replace("$", "").split())


def _names(metadata: Metadata, statements: list[Statement]) -> dict[str, str]:
    names = dict(metadata.names)
    given = names.pop("", "")
    languages = [statement.language for statement in statements]
    if given:
        # A plain legacy name is in one of the statements' languages, it does not say in which.
        by_name = [each.language for each in statements if each.name == given]
        english = [DEFAULT_LANGUAGE] if DEFAULT_LANGUAGE in languages or not languages else []
        names[(by_name + english + languages)[0]] = given
    for statement in statements:
        if statement.name:
            names.setdefault(statement.language, statement.name)
    return names
