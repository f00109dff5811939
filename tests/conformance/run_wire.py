#!/usr/bin/env python3
"""Replays the recorded requests of wire/ against clams-wire-app.

    run_wire.py [--bin DIR] [check.py arguments, for example --only REGEX -v]

Starts the five apps of clams-wire-app on loopback, waits until each answers, runs wire/check.py --decided --firm, and ends them.
DIR is where the programs lie; without it $CLAMS_BIN. Exit status: that of check.py, 1 when an app does not start.
"""
import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
APPS = ("echo", "failing", "gpu", "traps", "shapes")

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

import serving  # noqa: E402


def serve(program, app, directory):
    # Without a GPU, whatever this machine has: the list of cards in an answer may then be empty, which the cases allow.
    environment = dict(os.environ, CLAMS_APP_VERSION="1.0.0", TZ="UTC", XDG_CACHE_HOME=directory, CLAMS_VRAM_DIR=directory + "/vram",
                       CLAMS_PROFILE_DIR=directory + "/profiles", CLAMS_GPU="none")
    return serving.Server(app, [program, "--app", app, *serving.ANY_PORT, "--production"], os.path.join(directory, app + ".log"), environment)


def run(program, arguments):
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="clams-wire."))
        servers = []
        problems = []
        try:
            for app in APPS:
                servers.append(serve(program, app, directory))
            command = [sys.executable, os.path.join(HERE, "wire", "check.py"), "--decided", "--firm"]
            for server in servers:
                command += ["--app", "%s=http://127.0.0.1:%d" % (server.name, server.port)]
            code = subprocess.run(command + arguments).returncode
        except AssertionError as e:
            problems.append(str(e))
            code = 1
        finally:
            for server in servers:
                if problem := server.stop():
                    problems.append(problem + "\n" + server.output()[-4000:])
        for problem in problems:
            print(problem, file=sys.stderr)
            code = code or 1
        return code


def interrupted(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.environ.get("CLAMS_BIN"), metavar="DIR")
    options, rest = parser.parse_known_args()
    if not options.bin:
        parser.error("where are the programs? --bin DIR or CLAMS_BIN")
    program = os.path.join(options.bin, "clams-wire-app")
    if not os.access(program, os.X_OK):
        parser.error("no program %s; build it first" % program)
    signal.signal(signal.SIGTERM, interrupted)
    return run(program, rest)


if __name__ == "__main__":
    sys.exit(main())
