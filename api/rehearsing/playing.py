"""Playing a rehearsal: a copy of the event, its players, what they hand in, and the checks after.

Everything goes over HTTP with tokens of our own, as from people. Only registering them with a copy
that nobody is to know of, and the last check, that the board equals one made from the log, ask the
database.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from api.auth import CurrentUser, Role, bearer
from api.db.base import new_id
from api.events.enrolment import service as enrolment
from api.events.enrolment.schemas import NewRegistration
from api.leaderboards import mending
from api.rehearsing import scripts
from api.rehearsing.scripts import Planned, Wanted
from api.rehearsing.sheet import Bounds, Sheet
from api.settings import Settings
from api.wiring import opened
from judge.errors import EngineError, UsageError
from judge.verdicts import Verdict

SHORTEST_S = 60
LIFETIME = timedelta(hours=12)
WATCHERS = 3
WATCH_S = 0.5
WAIT_S = 20
TRIES = 20
CONNECTIONS = 500
LATER = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which event is rehearsed where, and how fast."""

    event: str
    url: str
    speed: float
    script: Wanted
    # Told once the copy is there; what follows takes as long as the script.
    begun: Callable[[Sheet], None] = lambda _: None


@dataclass(slots=True, kw_only=True)
class Stage:
    """Where a rehearsal plays: the service, the copy, and what is found out."""

    settings: Settings
    client: httpx.AsyncClient
    waiting: httpx.AsyncClient
    sheet: Sheet
    event_id: str
    speed: float
    players: list[UUID]
    solved: set[tuple[int, str]]

    def as_player(self, number: int) -> dict[str, str]:
        """Return the headers of a player."""
        return headers(self.settings, self.players[number], f"Player {number + 1}")


async def rehearse(settings: Settings, asked: Asked, bounds: Bounds) -> Sheet:
    """Rehearse an event and return the sheet.

    Raises `EngineError` when the service does not answer, `UsageError` when it refuses the copy.
    """
    try:
        # Those who wait for verdicts must not take the connections of those who hand in.
        async with _client(asked.url) as client, _client(asked.url) as waiting:
            return await _rehearse(settings, client, waiting, asked, bounds)
    except httpx.TransportError as error:
        raise EngineError(
            f"{asked.url}: {str(error) or type(error).__name__}; does it run?"
        ) from error


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        timeout=httpx.Timeout(60, pool=None),
        limits=httpx.Limits(max_connections=CONNECTIONS),
    )


def headers(settings: Settings, user_id: UUID, name: str, *roles: Role) -> dict[str, str]:
    """Return the headers of somebody."""
    token = bearer.issue(
        settings, user_id=user_id, name=name, roles=roles or (Role.PLAYER,), lifetime=LIFETIME
    )
    return {"Authorization": f"Bearer {token}"}


async def _rehearse(
    settings: Settings,
    client: httpx.AsyncClient,
    waiting: httpx.AsyncClient,
    asked: Asked,
    bounds: Bounds,
) -> Sheet:
    master = headers(settings, new_id(), "Rehearsal", Role.GAME_MASTER)
    original = await _need(client, "GET", f"/v1/events/{asked.event}", master)
    problems = await _need(client, "GET", f"/v1/events/{asked.event}/problems", master)
    if not problems["items"]:
        raise UsageError("event: it has no problems yet; choose or draw them first")
    plan = scripts.script(
        asked.script, [each["slug"] for each in problems["items"]], original["duration_s"]
    )
    copy = await _copy(client, master, original, problems["items"], asked.speed)
    sheet = Sheet(event=copy["slug"], bounds=bounds, planned=len(plan))
    sheet.players = 1 + max(each.player for each in plan)
    sheet.lasts_s, sheet.speed = plan[-1].at_s / asked.speed, asked.speed
    asked.begun(sheet)
    stage = Stage(
        settings=settings,
        client=client,
        waiting=waiting,
        sheet=sheet,
        event_id=copy["id"],
        speed=asked.speed,
        players=[new_id() for _ in range(sheet.players)],
        solved=set(),
    )
    await _enrol(stage)
    for act in ("assign", "start"):
        await _need(client, "POST", f"/v1/events/{copy['id']}/acts/{act}", master)
    await _play(stage, plan)
    await _need(client, "POST", f"/v1/events/{copy['id']}/acts/finish", master)
    await _check(stage, master, {each["slug"]: each["label"] for each in problems["items"]})
    return sheet


async def _copy(
    client: httpx.AsyncClient,
    master: dict[str, str],
    original: dict[str, Any],
    problems: Sequence[dict[str, Any]],
    speed: float,
) -> dict[str, Any]:
    """Make a copy of an event, shorter by the speed."""
    duration_s = max(SHORTEST_S, math.ceil(original["duration_s"] / speed))
    freeze_s = original["freeze_s"]
    new = {
        "slug": f"{original['slug'][:40]}-rehearsal-{new_id().hex[-8:]}",
        "title": f"Rehearsal of {original['title']}"[:200],
        "format": original["format"],
        "options": original["options"],
        "starts_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "duration_s": duration_s,
        "freeze_s": None if freeze_s is None else min(duration_s, int(freeze_s / speed)),
        "assign_s": 0,
        "lobby_s": 0,
        "room_entries": original["room_entries"],
        # It starts before the event does: whoever knew of it would have the problems.
        "private": True,
    }
    made = await _need(client, "POST", "/v1/events", master, json=new)
    chosen = [
        {name: each[name] for name in ("label", "points", "cpu_ms", "memory_bytes")}
        | {"problem": each["slug"]}
        for each in problems
    ]
    address = f"/v1/events/{made['id']}/problems"
    await _need(client, "PUT", address, master, json={"items": chosen})
    return dict(made)


async def _enrol(stage: Stage) -> None:
    """Register the players, who cannot do it themselves: they do not know of the copy."""
    async with (
        opened(stage.settings, application="codebattle simulate") as parts,
        parts.sessions() as session,
    ):
        for number, user_id in enumerate(stage.players):
            player = CurrentUser(id=user_id, name=f"Player {number + 1}")
            await enrolment.enrol(session, player, UUID(stage.event_id), NewRegistration())
        await session.commit()


async def _play(stage: Stage, plan: Sequence[Planned]) -> None:
    """Hand in what the script says when it says so, and watch the board meanwhile."""
    begin = time.monotonic()
    watching = [asyncio.create_task(_watch(stage, number)) for number in range(WATCHERS)]
    try:
        async with asyncio.TaskGroup() as people:
            for each in plan:
                people.create_task(_hand_in(stage, each, begin + each.at_s / stage.speed))
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def _hand_in(stage: Stage, planned: Planned, moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
    who = stage.as_player(planned.player)
    new = {
        "problem": planned.problem,
        "language": planned.language,
        "source": planned.source,
        "event_id": stage.event_id,
    }
    name = f"player {planned.player} on {planned.problem} at {planned.at_s:.0f} s"
    begin = time.monotonic()
    # With a key it is one submission, however often a broken connection makes us send it.
    keyed = who | {"Idempotency-Key": new_id().hex}
    said = await _patiently(stage.sheet, stage.client, "POST", "/v1/submissions", keyed, json=new)
    if said is None or not said.is_success:
        why = "no answer" if said is None else f"refused, {_reason(said)}"
        stage.sheet.lost.append(f"{name}: {why}")
        return
    taken = time.monotonic()
    stage.sheet.submit_s.append(taken - begin)
    verdict = await _verdict(stage, f"/v1/submissions/{said.json()['id']}", who)
    if verdict is None:
        stage.sheet.lost.append(f"{name}: no verdict")
        return
    stage.sheet.verdict_s.append(time.monotonic() - taken)
    stage.sheet.judged += 1
    if verdict == "AC":
        stage.solved.add((planned.player, planned.problem))
    # Packages write coarse verdicts: out of memory is a run-time error there.
    if planned.verdict not in (None, verdict, Verdict(verdict).big5):
        stage.sheet.unexpected.append(f"{name}: {verdict}, not {planned.verdict}")


async def _verdict(stage: Stage, address: str, who: dict[str, str]) -> str | None:
    deadline = time.monotonic() + max(120.0, 4 * stage.sheet.bounds.verdict_s)
    while time.monotonic() < deadline:
        waiting = f"{address}?wait={WAIT_S}"
        said = await _patiently(stage.sheet, stage.waiting, "GET", waiting, who)
        if said is None or said.status_code != 200:
            return None
        shown = said.json()
        if shown.get("verdict") is not None:
            return str(shown["verdict"])
        # Whoever may not wait that long asks again, not at once.
        await asyncio.sleep(0.1)
    return None


async def _watch(stage: Stage, number: int) -> None:
    """Read the board again and again, as a page that is open does."""
    who = stage.as_player(number % len(stage.players))
    known: dict[str, str] = {}
    while True:
        begin = time.monotonic()
        address = f"/v1/events/{stage.event_id}/leaderboard?limit=100"
        with suppress(httpx.TransportError):
            said = await stage.client.get(address, headers=who | known)
            if said.status_code in {200, 304}:
                stage.sheet.board_s.append(time.monotonic() - begin)
                known = {"If-None-Match": said.headers["etag"]}
        await asyncio.sleep(WATCH_S)


async def _check(stage: Stage, master: dict[str, str], labels: dict[str, str]) -> None:
    """Compare the jury's board with the verdicts players were given, and with a rebuild."""
    address = f"/v1/events/{stage.event_id}/leaderboard.json?view=jury"
    board = await _need(stage.client, "GET", address, master)
    shown = {
        (row["name"], label)
        for row in board["rows"]
        for label, cell in row["cells"].items()
        if cell["solved"]
    }
    given = {(f"Player {number + 1}", labels[slug]) for number, slug in stage.solved}
    stage.sheet.board += [
        f"{who} on {label}: solved on {'the board' if there else 'no board'} only"
        for there, some in ((True, shown - given), (False, given - shown))
        for who, label in sorted(some)
    ]
    if len(board["rows"]) != len(stage.players):
        stage.sheet.board.append(f"{len(board['rows'])} rows for {len(stage.players)} players")
    async with opened(stage.settings, application="codebattle simulate") as parts:
        proof = await mending.prove(parts.sessions, UUID(stage.event_id))
    stage.sheet.board += proof.differences


async def _patiently(
    sheet: Sheet,
    client: httpx.AsyncClient,
    method: str,
    address: str,
    who: dict[str, str],
    **more: Any,
) -> httpx.Response | None:
    """Ask, wait when we are told to or nobody answers; None when nobody ever does."""
    said = None
    for _ in range(TRIES):
        pause_s = 1.0
        try:
            said = await client.request(method, address, headers=who, **more)
        except httpx.TransportError:
            said = None
        else:
            if said.status_code not in LATER:
                return said
            pause_s = min(60.0, float(said.headers.get("Retry-After", "1")))
        sheet.held_back += 1
        await asyncio.sleep(pause_s)
    return said


async def _need(
    client: httpx.AsyncClient, method: str, address: str, who: dict[str, str], **more: Any
) -> dict[str, Any]:
    said = await client.request(method, address, headers=who, **more)
    if not said.is_success:
        # Tokens are ours: that they do not hold says that the secret is another.
        hint = "; is CODEBATTLE_AUTH_SECRET the service's?" if said.status_code == 401 else ""
        raise UsageError(f"{method} {address}: {said.status_code}, {_reason(said)}{hint}")
    return dict(said.json())


def _reason(said: httpx.Response) -> str:
    with suppress(ValueError):
        return str(said.json().get("detail", ""))[:200]
    return said.text[:200]
