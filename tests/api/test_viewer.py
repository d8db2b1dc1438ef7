"""The page at `/docs` needs nothing from elsewhere."""

import re

import httpx

from tests.api.conftest import Client

ADDRESS = re.compile(r"""(?:src|href)\s*=\s*["']([^"']+)|url:\s*["']([^"']+)""")


async def test_all_that_the_page_names_is_served_by_us(anonymous: Client) -> None:
    page = await anonymous.get("/docs")
    assert page.status_code == 200
    assert "//" not in re.sub(r"</?script[^>]*>|<!--.*?-->", "", page.text)
    named = [first or second for first, second in ADDRESS.findall(page.text)]
    assert len(named) == 4, named
    kinds = [(await _answered(anonymous, address)).headers["content-type"] for address in named]
    assert sorted(kind.partition(";")[0] for kind in kinds) == [
        "application/json",
        "image/png",
        "text/css",
        "text/javascript",
    ]
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_nothing_else_of_the_package_is_served(anonymous: Client) -> None:
    for path in ("../main.py", "%2e%2e/main.py", "", "__init__.py/.."):
        assert (await anonymous.get(f"/docs/files/{path}")).status_code in {404, 405}


async def _answered(client: Client, address: str) -> httpx.Response:
    answer = await client.get(address)
    assert answer.status_code == 200, address
    return answer
