"""What a worker does with a trial: the package, the sandbox, and what may be told of it."""

from uuid import UUID

from sqlalchemy import select

from api import redaction
from api.db.models import CodeProblem, CodeProblemVersion
from api.errors import ApiError, InvalidError, NotFoundError
from api.jobs.running import OUR_FAULT, Finished, Work
from api.logs import logger
from api.problems.cache import PackageCache
from api.trials import service
from api.wiring import Parts
from judge.errors import PackageError, SourceError
from judge.judging import Judge, Options
from judge.submission import Submission
from judge.trying import attempt

_log = logger(__name__)


class Trials:
    """Handles jobs of the kind `trial`."""

    def __init__(self, parts: Parts, judge: Judge, packages: PackageCache) -> None:
        self._parts = parts
        self._judge = judge
        self._packages = packages

    async def __call__(self, work: Work) -> Finished:
        """Try a program out; what fails by our fault is tried again by whoever called."""
        told = work.payload
        async with self._parts.sessions() as session:
            found = (
                await session.execute(
                    select(
                        CodeProblemVersion.package_sha256,
                        CodeProblemVersion.cpu_ms,
                        CodeProblem.slug,
                    )
                    .join(CodeProblem, CodeProblem.id == CodeProblemVersion.problem_id)
                    .where(CodeProblemVersion.id == UUID(told["version_id"]))
                )
            ).first()
        if found is None:
            raise NotFoundError("there is no such problem any more", slug="problem-not-found")
        problem = await self._packages.problem(found.package_sha256, found.slug)
        submission = Submission(
            files=service.files(told["files"]),
            language=told["language"],
            entry_point=told["entry_point"],
        )

        def progress(done: int, total: int) -> None:
            message = f"run {done} of {total}" if done else "compiling"
            work.progress(100 * done // max(1, total), message)

        try:
            tried = await attempt(
                self._judge,
                problem,
                submission,
                inputs=service.inputs(told["inputs"]),
                options=Options(cpu_ms=found.cpu_ms),
                progress=progress,
            )
        except SourceError as error:
            raise InvalidError(str(error), slug="source-invalid") from error
        except PackageError as error:
            # Trying again does not repair a package.
            _log.error("trial.package", error=str(error))
            raise ApiError(OUR_FAULT) from error
        return Finished(result=redaction.trial(tried))
