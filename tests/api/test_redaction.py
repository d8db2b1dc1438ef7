"""Canaries in everything hidden, looked for in every byte the policy lets out, for everybody."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from api import redaction
from api.auth import CurrentUser, Role
from api.db.models import CodeProblemVersion, CodeSubmission, Judging, JudgingState
from api.db.models import Run as RunRow
from api.live.following import View, _form, _snapshot
from api.live.history import Position
from api.live.hub import Item
from api.live.updates import Kind, Update
from api.problems import service as problems
from api.redaction import Audience, Phase
from api.wiring import Parts
from judge.results import Difference, Judgement, Run
from judge.verdicts import Verdict
from tests.api.conftest import Client, ClientFor

HIDDEN = "canary-hidden"
SOURCE = "canary-source"
LOG = "canary-log"
SAMPLE = "shown-sample"
OWNER_ID = UUID("00000000-0000-4000-8000-000000000001")

audiences = st.sampled_from(Audience)
phases = st.sampled_from(Phase)
verdicts = st.sampled_from(Verdict)
# Hypothesis knows the names in our sources and would take one of them now and then, of what is
# meant to be told: none of ours begins like this.
keys = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20).map("x_{}".format)
# Keys nobody thought of, with something secret in them, at any depth.
extras = st.dictionaries(
    keys,
    st.recursive(
        st.just(HIDDEN),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=4,
)


@st.composite
def runs(draw: st.DrawFn, *, sample: bool | None = None) -> Run:
    is_sample = draw(st.booleans()) if sample is None else sample
    mark = SAMPLE if is_sample else HIDDEN
    return Run(
        case=f"sample/{mark}" if is_sample else f"secret/{mark}",
        verdict=draw(verdicts),
        cpu_us=draw(st.integers(0, 10**9)),
        memory_bytes=draw(st.integers(0, 10**12)),
        # Not even where a sample is judged: these are the jury's.
        judge_message=HIDDEN,
        reason=HIDDEN,
        warnings=(HIDDEN,),
        team_message=mark,
        difference=Difference(line=1, column=1, expected=mark, found=mark),
    )


def row_of(run: Run, position: int, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as its table has it."""
    return {
        **extra,
        "position": position,
        "case_name": run.case,
        "sample": run.case.startswith("sample/"),
        "verdict": run.verdict,
        "cpu_us": run.cpu_us,
        "wall_us": run.wall_us,
        "memory_bytes": run.memory_bytes,
        "team_message": run.team_message,
        "record": {
            "case": run.case,
            "difference": asdict(run.difference) if run.difference else None,
            **_jury(run),
        },
    }


def _jury(run: Run) -> dict[str, Any]:
    return {"judge_message": run.judge_message, "reason": run.reason, "input": HIDDEN}


@st.composite
def judgements(draw: st.DrawFn) -> tuple[Any, list[Any]]:
    """Draw a judging with its runs, as records or as rows."""
    records = draw(st.lists(runs(), max_size=4))
    verdict = draw(verdicts)
    extra = draw(extras)
    if draw(st.booleans()):
        record = Judgement(
            problem="p",
            verdict=verdict,
            language="cpp",
            score=Fraction(1, 2),
            reason=LOG if verdict is Verdict.CE else HIDDEN,
            compile_log=LOG,
            runs=tuple(records),
            warnings=(HIDDEN,),
            data_hash=HIDDEN,
            host=HIDDEN,
        )
        return record, list(record.runs)
    row = {
        **extra,
        "verdict": verdict,
        "score": 0.5,
        "reason": LOG if verdict is Verdict.CE else HIDDEN,
        "compile_log": LOG,
        "is_current": draw(st.sampled_from([True, False, None])),
        "record": {"data_hash": HIDDEN, "warnings": [HIDDEN], **extra},
    }
    return row, [row_of(each, n, extra) for n, each in enumerate(records, 1)]


def said(*things: Any) -> str:
    """Return every byte of what was let out."""

    def plain(value: Any) -> Any:
        return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)

    return json.dumps(things, default=plain)


@given(judgements(), extras, audiences, phases, verdicts)
def test_no_canary_gets_out(
    judged: tuple[Any, list[Any]],
    extra: dict[str, Any],
    who: Audience,
    phase: Phase,
    verdict: Verdict,
) -> None:
    judging, rows = judged
    submission = {
        **extra,
        "id": uuid4(),
        "user_id": OWNER_ID,
        "language": "cpp",
        "request_hash": HIDDEN,
        "files": {"main.cpp": SOURCE},
    }
    shown = redaction.submission(
        submission, who, phase, judging=judging, runs=rows, files={"main.cpp": SOURCE.encode()}
    )
    data = {**extra, "submission_id": "1", "judging_id": "2", "verdict": verdict, "source": SOURCE}
    live = [redaction.update(kind, data, who, phase) for kind in (*Kind, "unheard-of", HIDDEN)]
    streamed = [
        _form(Item("t", Position("e", 1), Update(kind=kind, data=data)), who, phase).decode()
        for kind in Kind
    ]
    snapshot = _snapshot("t", View(audience=who, phase=phase, state=(data,))).decode()
    out = said(
        shown,
        redaction.judgement(judging, rows, who, phase),
        [redaction.run(row, who) for row in rows],
        redaction.verdict(judging, who, phase),
        redaction.reason(judging, who),
        redaction.compile_log(judging, who),
        live,
        streamed,
        snapshot,
    )
    if who is not Audience.JURY:
        assert HIDDEN not in out
    if who not in {Audience.OWNER, Audience.JURY}:
        assert LOG not in out
        assert SAMPLE not in out
    if not redaction.may_see_source(who, phase):
        assert SOURCE not in out
    if who in {Audience.PUBLIC, Audience.REVIEWER} and not phase.open:
        assert '"verdict"' not in out.replace('"verdict": null', "")


@given(extras, st.sampled_from(["jury", "other"]), phases, st.sampled_from(["public", "hidden"]))
def test_a_problem_shows_nothing_of_its_tests(
    extra: dict[str, Any], who: str, phase: Phase, visibility: str
) -> None:
    row = {**extra, "slug": "p", "title": "P", "visibility": visibility, "owner_id": OWNER_ID}
    secrets = {
        "package_sha256": HIDDEN,
        "data_hash": HIDDEN,
        "findings": [{"message": HIDDEN}],
        "test_cases": [{"input_sha256": HIDDEN}],
        "submissions": HIDDEN,
    }
    version = {**extra, **secrets, "number": 1, "cpu_ms": 1000, "samples": [{"name": SAMPLE}]}
    shown = redaction.problem(row, version, jury=who == "jury", phase=phase)
    if who == "jury":
        assert shown is not None
    elif visibility == "hidden" or phase is Phase.BEFORE:
        assert shown is None
    else:
        assert shown is not None
        assert SAMPLE in said(shown)
        assert HIDDEN not in said(shown)


@given(st.lists(runs(), min_size=1, max_size=4), st.sampled_from(Phase))
def test_owners_see_what_is_theirs_in_every_phase(records: list[Run], phase: Phase) -> None:
    judging = Judgement(
        problem="p",
        verdict=Verdict.WA,
        language="cpp",
        runs=tuple(records),
        compile_log=LOG,
        score=Fraction(3),
        cpu_us=1001,
    )
    shown = redaction.submission(
        {"id": 1, "user_id": OWNER_ID, "source_hash": "h"},
        Audience.OWNER,
        phase,
        judging=judging,
        runs=records,
        files={"a.py": SOURCE},
    )
    assert shown is not None
    assert shown["files"] == {"a.py": SOURCE}
    judged = shown["judgement"]
    assert (judged["verdict"], judged["score"], judged["cpu_ms"]) == (Verdict.WA, 3.0, 2)
    assert judged["compile_log"] == LOG
    assert [each["verdict"] for each in judged["runs"]] == [each.verdict for each in records]
    for record, told in zip(records, judged["runs"], strict=True):
        if record.case.startswith("sample/"):
            assert told["name"] == record.case
            assert told["message"] == SAMPLE
            assert told["difference"]["expected"] == SAMPLE
        else:
            assert {"name", "message", "difference"}.isdisjoint(told)
            assert (told["cpu_ms"] % 50, told["memory_bytes"] % (4 << 20)) == (0, 0)


@given(runs())
def test_the_jury_sees_why(record: Run) -> None:
    shown = redaction.run(record, Audience.JURY)
    assert shown is not None
    assert shown.name == record.case
    assert shown.jury is not None
    assert shown.jury["judge_message"] == HIDDEN


def test_a_row_that_contradicts_itself_is_secret() -> None:
    for name, sample in (("secret/1", True), ("sample/1", False), ("", True)):
        row = {"case_name": name, "sample": sample, "verdict": "WA", "team_message": HIDDEN}
        assert redaction.test_class(row) is redaction.TestClass.SECRET
        assert HIDDEN not in said(redaction.run(row, Audience.OWNER))


def test_a_rejudging_that_is_not_applied_is_the_jurys() -> None:
    data = {"submission_id": "1", "verdict": "WA", "state": "done", "current": False}
    judging = {"verdict": "WA", "is_current": False}
    for who in Audience:
        shown = redaction.update("judged", data, who, Phase.PRACTICE)
        assert (shown is not None) == (who is Audience.JURY)
        assert (redaction.verdict(judging, who, Phase.PRACTICE) is not None) == (
            who is Audience.JURY
        )


def test_who_follows_a_problem_learns_nothing_of_an_event() -> None:
    told = {"submission_id": "s", "user_id": "u", "verdict": "AC", "event_id": "e"}
    for kind in ("queued", "judged"):
        kept = {each for each in Audience if redaction.update(kind, told, each, Phase.RUNNING)}
        assert kept == {Audience.OWNER, Audience.JURY, Audience.NEIGHBOUR}


def test_our_own_failure_is_pending() -> None:
    data = {"submission_id": "1", "verdict": "JE", "state": "failed"}
    for who in set(Audience) - {Audience.JURY}:
        shown = redaction.update("judged", data, who, Phase.PRACTICE)
        assert shown is not None
        assert shown["verdict"] is None


@pytest.mark.parametrize(
    ("roles", "owns", "expected"),
    [
        ((Role.PLAYER,), "submission", Audience.OWNER),
        ((Role.PLAYER,), "nothing", Audience.PUBLIC),
        ((Role.GUILD_MASTER,), "nothing", Audience.PUBLIC),
        ((Role.AUTHOR,), "nothing", Audience.PUBLIC),
        ((Role.AUTHOR,), "problem", Audience.JURY),
        ((Role.PLAYER,), "problem", Audience.PUBLIC),
        ((Role.REVIEWER,), "nothing", Audience.REVIEWER),
        ((Role.REVIEWER,), "submission", Audience.OWNER),
        ((Role.GAME_MASTER,), "nothing", Audience.JURY),
    ],
)
def test_who_is_what(roles: tuple[Role, ...], owns: str, expected: Audience) -> None:
    user = CurrentUser(id=OWNER_ID, roles=frozenset(roles))
    owner = OWNER_ID if owns == "submission" else uuid4()
    author_id = OWNER_ID if owns == "problem" else uuid4()
    assert redaction.audience(user, owner, author_id=author_id) is expected
    assert redaction.audience(None, owner) is Audience.PUBLIC


def test_reviewers_may_be_players_of_a_running_event() -> None:
    allowed = {each for each in Phase if redaction.may_see_source(Audience.REVIEWER, each)}
    assert allowed == {Phase.PRACTICE, Phase.FINAL}
    assert redaction.phase_of(None) is Phase.PRACTICE
    assert redaction.phase_of(uuid4()) is Phase.FROZEN


async def _plant(parts: Parts, submission_id: UUID, event_id: UUID | None) -> None:
    """Judge a submission by hand, with canaries in every column that can hold one."""
    async with parts.sessions() as session:
        judging = (
            await session.scalars(select(Judging).where(Judging.submission_id == submission_id))
        ).one()
        judging.state, judging.verdict = JudgingState.DONE, Verdict.WA
        judging.compile_log, judging.reason = LOG, HIDDEN
        judging.record = {"data_hash": HIDDEN, "warnings": [HIDDEN]}
        judging.extra = {"note": HIDDEN}
        submission = await session.get_one(CodeSubmission, submission_id)
        submission.event_id, submission.request_hash = event_id, HIDDEN
        submission.extra = {"note": HIDDEN}
        version = await session.get_one(CodeProblemVersion, submission.version_id)
        version.data_hash, version.findings = HIDDEN, [{"message": HIDDEN}]
        version.extra = {"note": HIDDEN}
        cases = ((1, "sample", SAMPLE), (2, "secret", HIDDEN))
        for position, group, mark in cases:
            record: dict[str, Any] = {"judge_message": HIDDEN, "reason": HIDDEN, "input": HIDDEN}
            record["difference"] = {"line": 1, "column": 1, "expected": mark, "found": mark}
            session.add(
                RunRow(
                    judging_id=judging.id,
                    position=position,
                    case_name=f"{group}/{mark}",
                    sample=group == "sample",
                    verdict=Verdict.WA,
                    cpu_us=1,
                    wall_us=1,
                    memory_bytes=1,
                    team_message=mark,
                    record=record,
                )
            )
        await session.commit()


@pytest.mark.parametrize("event_id", [None, uuid4()])
async def test_no_canary_over_http(
    client_for: ClientFor,
    anonymous: Client,
    parts: Parts,
    hello: problems.Imported,
    event_id: UUID | None,
) -> None:
    owner_id = uuid4()
    owner = client_for(user_id=owner_id)
    answer = await owner.post(
        "/v1/submissions",
        json={"problem": hello.slug, "language": "python3", "source": f"print('{SOURCE}')"},
    )
    assert answer.status_code == 202
    submission_id = UUID(answer.json()["id"])
    await _plant(parts, submission_id, event_id)
    paths = [
        "/v1/submissions",
        f"/v1/submissions/{submission_id}",
        f"/v1/submissions/{submission_id}/source",
        "/v1/problems",
        f"/v1/problems/{hello.slug}",
        f"/v1/problems/{hello.slug}/samples",
        f"/v1/stream?topic=submission:{uuid4()}",
        "/readyz",
        "/version",
    ]

    async def everything(client: Client) -> str:
        answers = [await client.get(path) for path in paths]
        return "".join(f"{each.headers}{each.text}" for each in answers)

    seen = await everything(owner)
    assert HIDDEN not in seen
    assert all(each in seen for each in (SOURCE, LOG, SAMPLE))
    for stranger in (
        anonymous,
        client_for(),
        client_for(Role.AUTHOR),
        client_for(Role.GUILD_MASTER),
    ):
        seen = await everything(stranger)
        assert not [each for each in (HIDDEN, SOURCE, LOG, SAMPLE) if each in seen]
    seen = await everything(client_for(Role.REVIEWER))
    assert not [each for each in (HIDDEN, LOG, SAMPLE) if each in seen]
    # Somebody who reviews may also play: an event nobody knows to be over keeps its sources.
    assert (SOURCE in seen) == (event_id is None)
