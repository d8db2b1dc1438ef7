"""What everybody who works on a problem was given: it counts as nobody's own.

Starter files (attachments), code that is compiled in (`include`), and code in the statement.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from api.blobs import BlobMissingError
from api.db.models import CodeProblem, CodeProblemVersion
from api.logs import logger
from api.problems.cache import PackageCache
from api.wiring import Parts
from judge.compiling import format_code
from judge.errors import PackageError
from judge.languages import languages
from judge.problem import Problem

SNIPPETS_MAX = 20
TEMPLATE_BYTES_MAX = 64 * 1024
_KEPT = 256
_CODE = re.compile(
    r"^(?:```|~~~)[^\n]*\n(.*?)^(?:```|~~~)"
    r"|\\begin\{(?:verbatim|lstlisting|minted)\}(.*?)\\end\{"
    r"|<pre[^>]*>(.*?)</pre>",
    re.DOTALL | re.MULTILINE,
)
_log = logger(__name__)


class Templates:
    """What was given, by version and language."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        settings = parts.settings
        self._packages = PackageCache(
            settings.cache_dir / "given", parts.blobs, bytes_max=settings.package_cache_bytes_max
        )
        self._known: OrderedDict[tuple[UUID, str], tuple[bytes, ...]] = OrderedDict()

    async def of(self, version_id: UUID, language: str) -> tuple[bytes, ...]:
        """Return what a version gives to everybody who writes in a language."""
        key = (version_id, language)
        if key not in self._known:
            self._known[key] = await self._read(version_id, language)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[key]

    async def _read(self, version_id: UUID, language: str) -> tuple[bytes, ...]:
        async with self._parts.sessions() as session:
            row = (
                await session.execute(
                    select(CodeProblemVersion, CodeProblem.slug)
                    .join(CodeProblem, CodeProblem.id == CodeProblemVersion.problem_id)
                    .where(CodeProblemVersion.id == version_id)
                )
            ).one()
        version, slug = row
        texts = [str(each.get("text") or "") for each in version.statements]
        given = [one.encode() for text in texts for one in snippets(text)][:SNIPPETS_MAX]
        try:
            problem = await self._packages.problem(version.package_sha256, slug)
        except (BlobMissingError, PackageError) as error:
            # Without its package a submission can still be compared, only less well.
            _log.warning("similarity.package", version_id=str(version_id), error=str(error))
        else:
            given += _files(problem, language)
        return tuple(dict.fromkeys(one for one in given if one and len(one) <= TEMPLATE_BYTES_MAX))


def snippets(statement: str) -> Iterator[str]:
    """Yield the code in a statement, in Markdown, LaTeX or HTML."""
    for found in _CODE.finditer(statement):
        yield next(each for each in found.groups() if each is not None)


def _files(problem: Problem, language: str) -> Iterator[bytes]:
    """Yield files of a package that players of a language get."""
    known = languages().get(language)
    if known is not None:
        yield from problem.includes(format_code(known)).values()
        for file in problem.attachments:
            if file.name.endswith(known.extensions) and file.size_bytes <= TEMPLATE_BYTES_MAX:
                yield file.read(problem.metadata.constants)
