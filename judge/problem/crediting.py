"""Reads who made a problem and where it was used first."""

import re
from types import MappingProxyType

from judge.problem.findings import quoted
from judge.problem.model import Credits, Origin, Person
from judge.problem.yaml_reading import Map, Node, Scalar, Section, Sequence

_PERSON = re.compile(r"\s*(.*?)\s*(?:<([^<>]*)>)?\s*")
_ROLES = ("authors", "contributors", "testers", "packagers", "acknowledgements")


def read_credits(section: Section) -> Credits:
    """Return the credits; a legacy `author` is a list in one text."""
    author = section.text("author")
    authors = tuple(_person(part) for part in re.split(r",|\band\b", author) if part.strip())
    node = section.node("credits")
    if node is None:
        return Credits(authors=authors)
    if isinstance(node, Scalar):
        return Credits(authors=(_person(node.text), *authors))
    below = Section(node, section.file, section.findings, "credits")
    roles = {role: _persons(below, role, below.node(role)) for role in _ROLES}
    roles["authors"] += authors
    translators = below.section("translators")
    by_language = {}
    if translators is not None:
        for language, people in translators.items():
            by_language[language] = _persons(translators, language, people)
    below.finish()
    return Credits(**roles, translators=MappingProxyType(by_language))


def _persons(section: Section, key: str, node: Node | None) -> tuple[Person, ...]:
    match node:
        case None:
            return ()
        case Scalar():
            return (_person(node.text),)
        case Sequence():
            return tuple(each for item in node.items for each in _persons(section, key, item))
        case Map():
            below = Section(node, section.file, section.findings, section.path(key))
            person = Person(
                name=below.text("name"),
                email=below.text("email"),
                orcid=below.text("orcid"),
                kattis=below.text("kattis"),
            )
            below.finish()
            if not person.name:
                below.warn("name", "missing")
            return (person,)


def _person(text: str) -> Person:
    match = _PERSON.fullmatch(text.replace("\n", " "))
    assert match is not None
    return Person(name=match[1], email=match[2] or "")


def read_sources(section: Section) -> tuple[Origin, ...]:
    """Return where the problem comes from; legacy has one text and a `source_url`."""
    url = section.text("source_url")
    found = _origins(section, section.node("source"))
    if url and found and not found[0].url:
        return (Origin(name=found[0].name, url=url), *found[1:])
    if url and not found:
        section.warn("source_url", f"{quoted(url)} is given without 'source'")
    return found


def _origins(section: Section, node: Node | None) -> tuple[Origin, ...]:
    match node:
        case None:
            return ()
        case Scalar():
            return (Origin(name=node.text.strip()),)
        case Sequence():
            return tuple(each for item in node.items for each in _origins(section, item))
        case Map():
            below = Section(node, section.file, section.findings, "source")
            origin = Origin(name=below.text("name"), url=below.text("url"))
            below.finish()
            return (origin,)
