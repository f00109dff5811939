"""Virtual environments with real SDKs, made once in the build directory."""
import fcntl
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

SDKS = ("1.3.3", "1.7.1", "1.8.0")


def environments():
    return pathlib.Path(os.environ.get("CLAMS_PYTHON_SDKS") or pathlib.Path(os.environ.get("CLAMS_BUILD", HERE.parents[2] / "build")) / "python-sdks")


def python_of(version):
    """The interpreter of a virtual environment that holds this SDK; made on first use."""
    folder = environments() / version
    python = folder / "bin" / "python"
    environments().mkdir(parents=True, exist_ok=True)
    # Test programs run side by side: one makes the environment, the others wait.
    with open(environments() / ("." + version + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / ".complete").exists():
            return python
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        installed = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "clams-python==" + version],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500)
        if installed.returncode != 0:
            words = installed.stdout.decode("utf-8", "replace")
            unreachable = any(part in words for part in ("NewConnectionError", "Temporary failure in name resolution", "Read timed out", "ProxyError",
                                                         "Connection refused", "Network is unreachable"))
            if unreachable:
                pytest.skip("clams-python {} cannot be installed: the package index cannot be reached".format(version))
            pytest.fail("pip cannot install clams-python {}:\n{}".format(version, words))
        (folder / ".complete").touch()
        return python


@pytest.fixture(params=SDKS)
def sdk(request):
    """(version, interpreter) of each SDK in turn."""
    return request.param, python_of(request.param)


@pytest.fixture
def newest():
    return python_of(SDKS[-1])


@pytest.fixture
def oldest():
    return python_of(SDKS[0])
