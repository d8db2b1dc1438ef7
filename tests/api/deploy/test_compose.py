"""`docker-compose.yml`: valid, frugal with rights, and it really starts and judges."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from api.problems.packing import pack
from api.settings import Environment, Settings
from judge.images import CERTIFICATE_FILES, ROOT

SOLUTION = (ROOT / "problems/hello/submissions/accepted/greet.py").read_text()
# Half a minute when the machine is idle; many times that beside other tests.
READY_S = 900.0
VERDICT_S = 60.0
OVER = "tests/api/deploy/debian.yml"
SECRETS = ("POSTGRES_PASSWORD", "SERVICE_PASSWORD", "REDIS_PASSWORD", "CODEBATTLE_AUTH_SECRET")


def tool() -> list[str]:
    """Return the compose tool of this machine, the plugin or the program of old."""
    plugin = ["docker", "compose"]
    if shutil.which("docker") is not None:
        tried = subprocess.run([*plugin, "version"], capture_output=True, check=False)
        if tried.returncode == 0:
            return plugin
    if shutil.which("docker-compose") is None:
        why = "no compose tool here: apt-get install docker-compose"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return ["docker-compose"]


class Stack:
    """A project of the compose tool with settings of its own."""

    def __init__(self, scratch: Path, *files: str, **settings: str) -> None:
        self.name = f"codebattle-test-{uuid4().hex[:8]}"
        self._environment = scratch / "environment"
        self._environment.write_text("".join(f"{name}={text}\n" for name, text in settings.items()))
        self._files = [part for file in files for part in ("--file", file)]

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        named = ["--project-name", self.name, "--env-file", str(self._environment)]
        done = subprocess.run(
            [*tool(), *self._files, *named, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr[-3000:]
        return done


def secrets() -> dict[str, str]:
    """Return what `make env` makes."""
    return {name: uuid4().hex for name in SECRETS}


@pytest.mark.slow
def test_the_file_is_valid_and_asks_for_secrets(tmp_path: Path) -> None:
    """Without any of them nothing starts; there is no default for one."""
    said = yaml.safe_load(Stack(tmp_path, "docker-compose.yml", **secrets()).run("config").stdout)
    assert set(said["services"]) >= {"api", "worker", "migrate", "postgres", "redis"}

    for name in SECRETS:
        others = {key: text for key, text in secrets().items() if key != name}
        refused = Stack(tmp_path, "docker-compose.yml", **others).run("config", check=False)
        assert refused.returncode != 0
        assert "make env" in refused.stderr


def test_what_it_passes_are_settings_and_similarity_keeps_its_index() -> None:
    """A name that no setting has would be passed for nothing; the index lies in a volume."""
    file = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    passed = {name for each in file["services"].values() for name in each.get("environment", {})}
    settings = Settings(data_dir=Path("/var/lib/codebattle"), environment=Environment.DEVELOPMENT)
    similarity = file["services"]["similarity"]

    assert {each.removeprefix("CODEBATTLE_").lower() for each in passed if "BATTLE_" in each} <= {
        *Settings.model_fields,
        "login_password",  # of `codebattle db roles`
    }
    assert {"CODEBATTLE_CHROMA_HOST", "CODEBATTLE_CHROMA_PORT"} <= {*similarity["environment"]}
    assert f"similarity:{settings.similarity_dir}" in similarity["volumes"]


def test_make_env_makes_secrets_once(tmp_path: Path) -> None:
    """Readable by their owner only, all different, and never overwritten."""
    for name in ("Makefile", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    made = subprocess.run(["make", "env"], cwd=tmp_path, capture_output=True, check=False)
    text = (tmp_path / ".env").read_text()
    again = subprocess.run(["make", "env"], cwd=tmp_path, capture_output=True, check=False)
    values = dict(
        line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#")
    )

    assert made.returncode == 0
    assert again.returncode == 2
    assert (tmp_path / ".env").read_text() == text
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert set(values) >= set(SECRETS)
    assert len({each for each in values.values() if len(each) >= 32}) == len(values)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Return a project that is taken down with its volumes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    made = Stack(
        tmp_path,
        "docker-compose.yml",
        OVER,
        **secrets(),
        PUBLISH=address,
        CODEBATTLE_JUDGE_SLOTS="1",
    )
    certificates = ROOT / "deploy" / "host-ca.crt"
    lent = not certificates.exists()
    try:
        if lent:
            known = next((path for path in map(Path, CERTIFICATE_FILES) if path.exists()), None)
            if known is not None:
                shutil.copy(known, certificates)
        made.run("build")
        yield made
    finally:
        made.run("down", "--volumes", "--timeout", "5", check=False)
        if lent:
            certificates.unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.long(180)
@pytest.mark.docker
def test_the_stack_starts_judges_and_survives_a_worker(stack: Stack, tmp_path: Path) -> None:
    """Two workers on a CPU each; one killed, the other judges; no container has more than said."""
    stack.run("up", "--detach", "--scale", "worker=2")
    where = stack.run("port", "api", "8000").stdout.strip()
    token = stack.run(
        *("exec", "-T", "api", "codebattle", "user", "token", str(uuid4()), "--role", "game_master")
    ).stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://{where}", headers=headers, timeout=40) as client:
        workers = ready(client, 2)
        assert len({each["id"] for each in workers}) == 2
        assert [each["slots"] for each in workers] == [1, 1]

        pack(ROOT / "problems/hello", tmp_path / "hello.zip")
        with (tmp_path / "hello.zip").open("rb") as package:
            taken = client.post(
                # Trying all its submissions has tests of its own, and takes minutes.
                "/v1/problems",
                files={"package": package},
                data={"verify": "false"},
            ).raise_for_status()
        job = ended(client, taken.headers["Location"])
        assert job["state"] == "done", job
        assert verdict(client) == "AC"

        one = inspected(stack, "worker")[0]
        subprocess.run(["docker", "kill", one["Id"]], check=True, capture_output=True)
        assert verdict(client) == "AC"

    # Restarted by the engine or not: what it may do is the same.
    for service in ("api", "worker", "postgres", "redis"):
        for each in inspected(stack, service):
            host = each["HostConfig"]
            assert not host["Privileged"]
            assert host["CapDrop"] == ["ALL"]
            assert "no-new-privileges" in host["SecurityOpt"]
            assert host["Memory"] > 0
            assert host["PidsLimit"] > 0
            assert host["ReadonlyRootfs"] == (service != "postgres")
            sockets = [mount for mount in each["Mounts"] if mount["Source"].endswith("docker.sock")]
            assert bool(sockets) == (service == "worker")


def ready(client: httpx.Client, workers: int) -> list[dict[str, Any]]:
    """Wait until so many workers are fit: their sandboxes held against all attacks."""
    deadline = time.monotonic() + READY_S
    seen: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            seen = client.get("/readyz").json()["workers"]
            if sum(each["self_test"] == "passed" for each in seen) >= workers:
                return seen
        time.sleep(0.5)
    pytest.fail(f"not ready: {seen}")


def verdict(client: httpx.Client) -> Any:
    """Submit a right solution; return what comes of it."""
    new = {"problem": "hello", "language": "python3", "source": SOLUTION}
    where = client.post("/v1/submissions", json=new).raise_for_status().headers["Location"]
    return ended(client, where)["verdict"]


def ended(client: httpx.Client, where: str) -> dict[str, Any]:
    """Wait for the end of a submission or a job; return it, whatever it has come to."""
    deadline = time.monotonic() + VERDICT_S
    while True:
        found: dict[str, Any] = client.get(where, params={"wait": 10}).raise_for_status().json()
        if found["state"] in {"done", "failed"} or time.monotonic() > deadline:
            return found


def inspected(stack: Stack, service: str) -> list[dict[str, Any]]:
    """Return what the engine knows of a service's containers."""
    ids = stack.run("ps", "--quiet", service).stdout.split()
    said = subprocess.run(["docker", "inspect", *ids], check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(said.stdout)
    return found
