"""Start: ``python …/clams_worker --fd N --life-fd M -- app.py args…``."""
import os
import sys


def _import_bootstrap():
    """Imports the package and takes its place off ``sys.path`` again, so that the app sees the path it knows.

    Its bytecode is not kept: pip would leave those files behind when it removes ours. The app's own is, as ever."""
    here = os.path.dirname(os.path.abspath(__file__))
    parent = os.path.dirname(here)
    as_directory = bool(sys.path) and os.path.abspath(sys.path[0]) == here
    sys.path.insert(0, parent)
    keeps_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        from clams_worker import bootstrap
    finally:
        sys.dont_write_bytecode = keeps_none
        sys.path.remove(parent)
        if as_directory:
            del sys.path[0]
    return bootstrap, as_directory


if __name__ == "__main__":
    _bootstrap, _as_directory = _import_bootstrap()
    # With -m the first entry is the working folder, which `python app.py` would not have.
    if not _as_directory and sys.path:
        del sys.path[0]
    _bootstrap.main(sys.argv[1:])
