"""`/v1/problems`: pages, search, detail, samples, uploads; hidden things stay hidden."""

from api.auth import Role
from api.db.models import Visibility
from api.problems.service import Imported
from api.wiring import Parts
from tests.api.conftest import PROBLEMS, Client, ClientFor, imported


async def test_pages_hold_every_problem_once(anonymous: Client, parts: Parts) -> None:
    """Following the cursor gives all, in order, none twice."""
    names = ["banner", "hello", "vault", "wheel"]
    for name in reversed(names):
        await imported(parts, PROBLEMS / name)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await anonymous.get("/v1/problems", params=query)).json()
        seen += [each["slug"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == names


async def test_search_takes_signs_literally(anonymous: Client, hello: Imported) -> None:
    """What a pattern would mean is text here."""
    del hello

    async def found(**query: str) -> list[str]:
        answer = await anonymous.get("/v1/problems", params=query)
        return [each["slug"] for each in answer.json()["items"]]

    assert await found(search="ARENA") == ["hello"]
    assert await found(keyword="warm-up") == ["hello"]
    assert await found(search="%") == []
    assert await found(search="_") == []


async def test_detail_and_samples_show_nothing_secret(anonymous: Client, hello: Imported) -> None:
    """Statement and samples are there; no secret case's data or name is."""
    del hello
    detail = await anonymous.get("/v1/problems/hello")
    samples = await anonymous.get("/v1/problems/hello/samples")
    secret = PROBLEMS / "hello/data/secret"

    assert detail.json()["statements"][0]["text"].startswith("The gate of the arena")
    assert [each["input"]["text"] for each in samples.json()["items"]] == ["Ada\n", "xX_gong_Xx\n"]
    for path in secret.glob("*.in"):
        for answer in (detail, samples):
            assert path.stem not in answer.text
            assert path.read_text().strip() not in answer.text or len(path.read_text()) < 4


async def test_hidden_problems_are_not_there(
    anonymous: Client, client_for: ClientFor, parts: Parts
) -> None:
    """Only the jury finds a hidden problem."""
    await imported(parts, PROBLEMS / "vault", visibility=Visibility.HIDDEN)

    assert (await anonymous.get("/v1/problems")).json()["items"] == []
    assert (await anonymous.get("/v1/problems/vault")).status_code == 404
    assert (await client_for().get("/v1/problems/vault/samples")).status_code == 404
    assert (await client_for(Role.REVIEWER).get("/v1/problems/vault")).status_code == 200
