"""Builds the sandbox images and knows which are up to date.

An image is built in two steps. `tools` is the toolchain, from `sandboxes/images/<name>/`; `seal`
adds warden, so that a change of warden rebuilds one small layer. Each step's tag is a hash of
all that goes into it, so a tag that exists is up to date. What was really built (digests, package
versions) is locked per machine in the data directory; the versions we tested with are in
`sandboxes/images/manifest.toml`, and a difference is reported, never hidden.
"""

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from judge.errors import EngineError, UsageError

ROOT = Path(__file__).resolve().parent.parent
DEBIAN = "debian:trixie-slim"
LABEL = "io.codebattle.image"
HOST_CERTIFICATES = "host-ca.crt"
CERTIFICATE_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One event of a build: `step` of `steps` of this image has begun, or ended with `done`."""

    image: str
    phase: str
    step: int
    steps: int
    text: str
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStatus:
    """What is known of one image on this machine; `digest` is None when it is not built."""

    name: str
    tag: str
    digest: str | None
    size_bytes: int
    drift: tuple[str, ...]

    @property
    def built(self) -> bool:
        """Tell whether the image of the present inputs exists."""
        return self.digest is not None


def data_directory() -> Path:
    """Return where this machine's state lives; the environment decides, then the checkout."""
    named = os.environ.get("CODEBATTLE_DATA_DIR")
    if named:
        return Path(named)
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / ".codebattle"
    return Path.home() / ".local" / "share" / "codebattle"


class Images:
    """The images of one checkout on one engine."""

    def __init__(
        self,
        *,
        sandboxes: Path = ROOT / "sandboxes",
        data: Path | None = None,
        client: Any = None,
    ) -> None:
        self._directory = sandboxes / "images"
        self._warden = sandboxes / "warden"
        self._lock_path = (data or data_directory()) / "images.lock.json"
        self._client = client

    @cached_property
    def manifest(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the committed manifest: per image its parent and expected versions."""
        path = self._directory / "manifest.toml"
        return tomllib.loads(path.read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Return all image names, parents before children."""
        return list(self.manifest)

    def tag(self, name: str) -> str:
        """Return the tag an up-to-date image has."""
        return f"codebattle/{name}:{self._seal_hash(name)}"

    def digest(self, name: str) -> str:
        """Return the digest of an up-to-date image; raises `EngineError` when there is none."""
        self._check(name)
        image = self._find(self.tag(name))
        if image is None:
            raise EngineError(
                f"image {name!r} is missing or out of date: run `codebattle images build {name}`"
            )
        return str(image.id)

    def status(self) -> list[ImageStatus]:
        """Return the state of every image."""
        lock = self._read_lock()
        found = []
        for name in self.names():
            image = self._find(self.tag(name))
            packages = lock.get(name, {}).get("packages", {})
            found.append(
                ImageStatus(
                    name=name,
                    tag=self.tag(name),
                    digest=str(image.id) if image is not None else None,
                    size_bytes=int(image.attrs["Size"]) if image is not None else 0,
                    drift=self._drift(name, packages) if image is not None else (),
                )
            )
        return found

    def build(
        self,
        names: Iterable[str] = (),
        progress: Callable[[Progress], None] = lambda _: None,
        *,
        force: bool = False,
    ) -> list[ImageStatus]:
        """Build what is missing of `names` (default: all) and return their states.

        Raises `EngineError` with the remedy when there is no engine, no base or no network.
        """
        wanted = list(names) or self.names()
        for name in wanted:
            self._check(name)
        self._require_debian()
        for name in wanted:
            if force or self._find(self.tag(name)) is None:
                self._build_tools(name, progress, force=force)
                self._seal(name, progress)
                self._lock(name)
            self._tag_latest(name)
            progress(Progress(image=name, phase="seal", step=1, steps=1, text="ready", done=True))
        return [status for status in self.status() if status.name in wanted]

    # -- the two steps --------------------------------------------------------------------

    def _build_tools(
        self, name: str, progress: Callable[[Progress], None], *, force: bool = False
    ) -> str:
        tag = self._tools_tag(name)
        if not force and self._find(tag) is not None:
            return tag
        arguments = {}
        for argument, parent in self._parents(name).items():
            arguments[argument] = self._build_tools(parent, progress)
        context = _context({"": self._directory / name}, certificates=True)
        self._run_build(name, "tools", context, tag, arguments, progress, fresh=force)
        return tag

    def _seal(self, name: str, progress: Callable[[Progress], None]) -> None:
        arguments = {
            "COMPILER": self._build_tools("gcc", progress),
            "TOOLS": self._tools_tag(name),
        }
        context = _context({"": self._directory / "seal", "warden": self._warden})
        self._run_build(name, "seal", context, self.tag(name), arguments, progress)

    def _run_build(
        self,
        name: str,
        phase: str,
        context: bytes,
        tag: str,
        arguments: Mapping[str, str],
        progress: Callable[[Progress], None],
        *,
        fresh: bool = False,
    ) -> None:
        # The host's network: its name service and proxy settings are known to work.
        stream = self.engine.api.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            encoding="gzip",
            tag=tag,
            buildargs=dict(arguments),
            network_mode="host",
            labels={LABEL: f"{name}-{phase}"},
            nocache=fresh,
            rm=True,
            forcerm=True,
            decode=True,
        )
        log: list[str] = []
        try:
            for event in stream:
                if "error" in event:
                    raise EngineError(_build_failure(name, log, str(event["error"])))
                text = str(event.get("stream", "")).rstrip()
                if not text:
                    continue
                log.append(text)
                match = _STEP.match(text)
                if match is not None:
                    progress(
                        Progress(
                            image=name,
                            phase=phase,
                            step=int(match[1]),
                            steps=int(match[2]),
                            text=match[3],
                        )
                    )
        except APIError as error:
            raise EngineError(_build_failure(name, log, str(error.explanation))) from error

    # -- hashes ---------------------------------------------------------------------------

    def _tools_tag(self, name: str) -> str:
        return f"codebattle/{name}:tools-{self._tools_hash(name)}"

    def _tools_hash(self, name: str) -> str:
        total = hashlib.sha256(_tree_hash(self._directory / name))
        for parent in self._parents(name).values():
            total.update(self._tools_hash(parent).encode())
        return total.hexdigest()[:16]

    def _seal_hash(self, name: str) -> str:
        total = hashlib.sha256(self._tools_hash(name).encode())
        total.update(self._tools_hash("gcc").encode())
        total.update(_tree_hash(self._directory / "seal"))
        total.update(_tree_hash(self._warden))
        return total.hexdigest()[:16]

    def _parents(self, name: str) -> dict[str, str]:
        """Return the build arguments of an image that name other images."""
        return dict(self.manifest[name].get("parents", {}))

    def _check(self, name: str) -> None:
        if name not in self.manifest:
            raise UsageError(f"unknown image {name!r}; there are {', '.join(self.names())}")

    # -- the engine -----------------------------------------------------------------------

    @cached_property
    def engine(self) -> Any:
        """The engine's client; raises `EngineError` when none answers."""
        if self._client is not None:
            return self._client
        try:
            client = docker.from_env(timeout=600)
            client.ping()
        except DockerException as error:
            raise EngineError(
                "no Docker engine answers: start one (`systemctl start docker`), "
                "or install docker.io, or use `--backend bubblewrap`"
            ) from error
        return client

    def _find(self, tag: str) -> Any:
        try:
            return self.engine.images.get(tag)
        except ImageNotFound:
            return None

    def _require_debian(self) -> None:
        if self._find(DEBIAN) is not None:
            return
        try:
            self.engine.images.pull(DEBIAN)
        except DockerException as error:
            raise EngineError(
                f"the base image {DEBIAN} cannot be pulled; without a registry, make it: "
                f"`mmdebstrap --variant=minbase trixie - | docker import - {DEBIAN}`"
            ) from error

    def _tag_latest(self, name: str) -> None:
        self.engine.images.get(self.tag(name)).tag(f"codebattle/{name}", "latest")

    # -- versions -------------------------------------------------------------------------

    def _lock(self, name: str) -> None:
        image = self.engine.images.get(self.tag(name))
        listing = self.engine.containers.run(
            image.id,
            entrypoint=["dpkg-query", "-W", "-f", "${Package}=${Version}\n"],
            network_mode="none",
            remove=True,
        )
        packages = dict(_pairs(listing.decode()))
        entry = {
            "tag": self.tag(name),
            "digest": image.id,
            "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "packages": packages,
        }
        lock = {**self._read_lock(), name: entry}
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._lock_path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(lock, out, indent=1, sort_keys=True)
        Path(temporary).replace(self._lock_path)

    def _read_lock(self) -> dict[str, Any]:
        try:
            found = json.loads(self._lock_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _drift(self, name: str, packages: Mapping[str, str]) -> tuple[str, ...]:
        if not packages:
            return ("built from another data directory: versions not recorded",)
        return tuple(
            f"{package} is {packages.get(package, 'unknown')}, tested was {expected}"
            for package, expected in self.manifest[name].get("packages", {}).items()
            if packages.get(package) != expected
        )


def _build_failure(name: str, log: list[str], error: str) -> str:
    said = [line for line in log if not line.startswith((" --->", "Step ", "Removing "))]
    tail = " | ".join(" ".join(said[-3:]).split("\n")[-3:])
    # The engine repeats the whole command in front of what matters.
    reason = error.rpartition("returned a non-zero code")[2] or error
    return (
        f"image {name!r} could not be built (exit code{reason}): {tail[-400:] or 'no output'}; "
        "check that the package registries can be reached and try again"
        if reason != error
        else f"image {name!r} could not be built: {error[-400:]}"
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        package, _, version = line.partition("=")
        yield package, version


def _files(directory: Path) -> list[Path]:
    # Prose and editors' leftovers decide nothing.
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file()
        and path.name != HOST_CERTIFICATES
        and not path.name.startswith(".")
        and path.suffix != ".md"
    )


def _tree_hash(directory: Path) -> bytes:
    total = hashlib.sha256()
    for path in _files(directory):
        data = path.read_bytes()
        executable = bool(path.stat().st_mode & 0o100)
        total.update(f"{path.relative_to(directory)}\0{executable}\0{len(data)}\0".encode())
        total.update(data)
    return total.digest()


def _context(directories: Mapping[str, Path], *, certificates: bool = False) -> bytes:
    """Return a build context: directories by their place in it, times and owners left out."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for place, directory in directories.items():
            for path in _files(directory):
                name = str(Path(place) / path.relative_to(directory))
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                _add(tar, name, path.read_bytes(), mode)
        if certificates:
            _add(tar, HOST_CERTIFICATES, _host_certificates(), 0o644)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = mode
    tar.addfile(entry, io.BytesIO(data))


def _host_certificates() -> bytes:
    """Return the certificates this machine trusts: a build behind a proxy needs the proxy's."""
    for name in (os.environ.get("SSL_CERT_FILE", ""), *CERTIFICATE_FILES):
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    return b""
