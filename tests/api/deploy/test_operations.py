"""`docs/operations.md`: the units and the proxy's configuration are ones their programs take.

Recovery to a point in time with the settings of that page is in `tests/api/contestapi`.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from judge.images import ROOT

pytestmark = pytest.mark.slow
SAID = (ROOT / "docs" / "operations.md").read_text()


def program(name: str, package: str) -> str:
    """Return a program of this machine."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        why = f"no {name} here: apt-get install {package}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return str(found)


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Every line is one that systemd knows, and nothing is to be said about it."""
    verify = program("systemd-analyze", "systemd")
    command = tmp_path / ".venv" / "bin" / "codebattle"
    command.parent.mkdir(parents=True)
    command.symlink_to("/bin/true")
    units = re.findall(r"```ini\n# /etc/systemd/system/(\S+)\n(.*?)```", SAID, re.DOTALL)
    assert [name for name, _ in units] == ["codebattle-api.service", "codebattle-worker.service"]
    for name, body in units:
        (tmp_path / name).write_text(body.replace("/opt/codebattle", str(tmp_path)))
        # It also speaks of other units of this machine.
        assert name not in run(verify, "verify", str(tmp_path / name))


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    """With a certificate where it names one."""
    nginx = program("nginx", "nginx-light")
    (block,) = re.findall(r"```nginx\n(.*?)```", SAID, re.DOTALL)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(
        *(program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
        *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=judge.example.org"),
    )
    for name, path in (("ssl_certificate", certificate), ("ssl_certificate_key", key)):
        block, count = re.subn(rf"{name} .*;", f"{name} {path};", block)
        assert count == 1
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{block}}}\n"
    )
    said = run(nginx, "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf"))
    assert "warn" not in said
