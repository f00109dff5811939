"""Fixtures: interpreters with real SDKs."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import sdks  # noqa: E402

SDKS = sdks.SDKS
collect_ignore = ["vram_test.py", "wheel_test.py"]  # these need the built clams_vram: tests of their own


def python_of(version):
    try:
        return sdks.python_of(version)
    except sdks.Unreachable as error:
        pytest.skip(str(error))


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
