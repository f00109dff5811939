"""From the command line to a running app."""
import argparse
import builtins
import importlib.machinery
import os
import sys
import types

from . import life_line, protocol, restifier_hook, serving
from .channel import Channel


def _arguments(argv):
    parser = argparse.ArgumentParser(prog="clams_worker", description="Worker side of clams-cpp; started by the front, not by hand.")
    parser.add_argument("--fd", type=int, default=3, help="the socket to the front")
    parser.add_argument("--life-fd", type=int, default=4, help="read end of the pipe that breaks when the front ends")
    parser.add_argument("--plain-validation", action="store_true", help="leave the JSON schema checks of the app's SDK exactly as they are")
    parser.add_argument("app", help="the app's file")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="the app's own arguments")
    if "--" in argv:
        cut = argv.index("--")
        options = parser.parse_args(argv[:cut] + argv[cut + 1:cut + 2])
        options.args = argv[cut + 2:]
        return options
    return parser.parse_args(argv)


def _close_in_forked_children(channel, life_fd):
    """A child that the app forks must hold neither the socket nor the life line. `exec` is seen to by close-on-exec."""

    def close():
        # The socket by its object, which would otherwise close that number a second time when the child has long reused it.
        channel.close()
        os.close(life_fd)

    os.register_at_fork(after_in_child=close)


def _line_buffered():
    # Standard output is a pipe here: without this, prints would reach the log minutes later.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)


def run_as_main(path, args):
    """Runs a file as `python path args…` does: as `__main__`, from its own file. Both matter: deprecation warnings show only in `__main__`,
    and an app's version is found beside `__main__`'s file."""
    path = os.path.abspath(path)
    main = types.ModuleType("__main__")
    main.__file__ = path
    main.__builtins__ = builtins
    main.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    main.__dict__["__cached__"] = None
    main.__dict__["__annotations__"] = {}
    sys.modules["__main__"] = main
    sys.argv[:] = [path] + args
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    exec(code, main.__dict__)


def main(argv):
    options = _arguments(argv)
    channel = Channel(options.fd)
    life_line.hold(options.life_fd)
    _close_in_forked_children(channel, options.life_fd)
    _line_buffered()
    version = "{}.{}.{}".format(*sys.version_info[:3])
    channel.send(protocol.Frame(protocol.HELLO, kind="clams_worker on Python " + version, pid=os.getpid(), versions=(protocol.VERSION, protocol.VERSION)))
    path = os.path.abspath(options.app)
    os.chdir(os.path.dirname(path))
    worker = serving.Worker(channel, os.getcwd(), fast_validation=not options.plain_validation)
    restifier_hook.install(worker.serve)
    run_as_main(path, options.args)
    if os.getpid() == worker.pid:
        sys.stderr.write("{} ended without calling Restifier.run() or serve_production(): it is no server\n".format(path))
        sys.exit(1)
