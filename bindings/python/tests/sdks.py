"""Virtual environments with real SDKs from PyPI, made once in the build directory and shared by all tests."""
import fcntl
import os
import pathlib
import subprocess
import sys

SDKS = ("1.3.3", "1.7.1", "1.8.0")
_HERE = pathlib.Path(__file__).resolve().parent
_UNREACHABLE = ("NewConnectionError", "Temporary failure in name resolution", "Read timed out", "ProxyError", "Connection refused", "Network is unreachable")


class Unreachable(Exception):
    """The package index cannot be reached; the text says for what."""


def environments():
    return pathlib.Path(os.environ.get("CLAMS_PYTHON_SDKS") or pathlib.Path(os.environ.get("CLAMS_BUILD", _HERE.parents[2] / "build")) / "python-sdks")


def python_of(version):
    """The interpreter of a virtual environment that holds this SDK; made on first use. RuntimeError when pip fails for another reason than Unreachable."""
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
            if any(part in words for part in _UNREACHABLE):
                raise Unreachable("clams-python {} cannot be installed: the package index cannot be reached".format(version))
            raise RuntimeError("pip cannot install clams-python {}:\n{}".format(version, words))
        (folder / ".complete").touch()
        return python
