"""A Docker engine of the test's own, which may be killed: nobody else's containers are in it."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from judge.sandbox.docker import DockerSettings

START_S = 60.0
POLL_S = 0.1


class PrivateEngine:
    """A dockerd with directories and a socket of its own; needs root.

    `data` keeps its images from one life to the next; without it they go with the rest. All
    containers are below a control group of this engine's name, so that whatever is left is found.
    """

    def __init__(self, directory: Path, *, data: Path | None = None) -> None:
        self._directory = directory
        self._data = data or directory / "data"
        self.cgroup = f"codebattle-{directory.name}"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{directory}/docker.sock"
        self.settings = DockerSettings(url=self.url)

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        pidfile = self._directory / "docker.pid"
        # A restart finds neither: a number that has been taken, or a zombie's, would pass for a
        # containerd that is still running, and be waited for in vain.
        pidfile.unlink(missing_ok=True)
        (self._directory / "run" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    # Without a bridge of its own a daemon removes docker0, which is the machine's.
                    *("unshare", "--net", "--"),
                    "dockerd",
                    f"--data-root={self._data}",
                    f"--exec-root={self._directory}/run",
                    f"--pidfile={pidfile}",
                    f"--host={self.url}",
                    f"--cgroup-parent=/{self.cgroup}",
                    "--bridge=none",
                    "--iptables=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while self._docker("info").returncode != 0:
            log_text = (self._directory / "log").read_text(errors="replace")[-2000:]
            assert self._process.poll() is None, log_text
            assert time.monotonic() < deadline, log_text
            time.sleep(POLL_S)

    def kill(self) -> None:
        """End the daemon as a power cut would: no goodbye to its containers."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Return when the daemon has ended."""
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        """End the daemon, its containerd and all containers, and remove its directories."""
        assert self._process is not None
        if self._process.poll() is None:
            self._docker("rm", "--force", *self.containers())
            self._process.terminate()
            self._process.wait(START_S)
        for pid in (*_pids_naming(str(self._directory)), *self.processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for mounted in _mounts_below(self._directory, self._data):
            subprocess.run(["umount", "--lazy", mounted], check=False)
        shutil.rmtree(self._directory, ignore_errors=True)

    def containers(self) -> list[str]:
        """Return the containers there are, running or not."""
        return self._docker("ps", "--all", "--quiet").stdout.split()

    def processes(self) -> dict[int, tuple[int, str]]:
        """Return what runs in containers of this engine, known to it or not: user and name."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self.cgroup in (entry / "cgroup").read_text():
                    name = (entry / "comm").read_text(errors="replace").strip()
                    found[int(entry.name)] = (entry.stat().st_uid, name)
        return found

    def load(self, image: str) -> None:
        """Copy an image from the machine's engine, unless it is here."""
        if self._docker("image", "inspect", image).returncode == 0:
            return
        save = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
        subprocess.run(["docker", "--host", self.url, "load"], stdin=save.stdout, check=True)
        assert save.stdout is not None
        save.stdout.close()
        assert save.wait() == 0, f"{image} is not built: codebattle images build"

    def _docker(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = ["docker", "--host", self.url, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def _pids_naming(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in command and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def _mounts_below(*directories: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [line.split()[1] for line in lines]
    tops = tuple(str(each) for each in directories)
    return sorted((point for point in points if point.startswith(tops)), reverse=True)
