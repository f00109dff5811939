"""The program clams-cpp, as pip installed it.

    clams-cpp serve app.py              the usual way
    python -m clams_cpp serve app.py    the same with this Python, where the scripts' folder is not on PATH
    clams_cpp.program()                 the path of the program

It serves apps written for clams-python, unchanged, and shows and leases GPU memory: clams-cpp --help.
"""
import os
import sysconfig
from importlib import metadata

__all__ = ["__version__", "program"]
__version__ = "@VERSION@"


def _candidates():
    try:
        for file in metadata.files("clams-cpp") or ():
            if file.name == "clams-cpp" and file.parent.name == "bin":
                yield str(file.locate())
    except metadata.PackageNotFoundError:
        pass  # only its files are here: they may lie beside this one
    # pip --target: beside the packages, which is not where its record says.
    yield os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin", "clams-cpp")
    yield os.path.join(sysconfig.get_path("scripts"), "clams-cpp")
    yield os.path.join(sysconfig.get_path("scripts", os.name + "_user"), "clams-cpp")


def program():
    """The path of the program. FileNotFoundError if the package is not installed as a whole."""
    tried = []
    for path in _candidates():
        path = os.path.normpath(path)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
        tried.append(path)
    raise FileNotFoundError("the program clams-cpp is in none of these places: {}. Install the wheel again: pip install --force-reinstall".format(", ".join(tried)))
