#!/usr/bin/env python3
"""Replays the recorded requests of wire/ against clams-wire-app.

    run_wire.py [--bin DIR] [check.py arguments, for example --only REGEX -v]

Starts the five apps of clams-wire-app on loopback, waits until each answers, runs wire/check.py --decided --firm, and ends them.
DIR is where the programs lie; without it $CLAMS_BIN. Exit status: that of check.py, 1 when an app does not start.
"""
import argparse
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
APPS = ("echo", "failing", "gpu", "traps", "shapes")
READY_SECONDS = 30
ADDRESS_IN_USE = 78


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Server:
    """One app in a process of its own; its output goes to a file, shown when something went wrong."""

    def __init__(self, program, app, directory):
        self.app = app
        self.log = os.path.join(directory, app + ".log")
        # Between asking for a free port and taking it, somebody else may take it: then the program says so, and we ask again.
        for _ in range(5):
            self.port = free_port()
            self.process = self._start(program, directory)
            if self._wait():
                return
            if self.process.returncode != ADDRESS_IN_USE:
                break
        raise RuntimeError("%s --app %s did not answer /health (%s)\n%s" % (program, app, self._state(), self.output()))

    def _start(self, program, directory):
        # Without a GPU, whatever this machine has: the list of cards in an answer may then be empty, which the cases allow.
        environment = dict(os.environ, CLAMS_APP_VERSION="1.0.0", TZ="UTC", XDG_CACHE_HOME=directory, CLAMS_VRAM_DIR=directory + "/vram",
                           CLAMS_PROFILE_DIR=directory + "/profiles", CLAMS_GPU="none")
        with open(self.log, "ab") as log:
            return subprocess.Popen([program, "--app", self.app, "--port", str(self.port), "--host", "127.0.0.1", "--production"],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def _wait(self):
        deadline = time.monotonic() + READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if answers(self.port):
                return True
            time.sleep(0.02)
        return False

    def _state(self):
        code = self.process.poll()
        return "still running after %d s" % READY_SECONDS if code is None else "exit status %d" % code

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-4000:]

    def stop(self):
        """Ends the process; what is wrong with how it ended, or None."""
        if self.process.poll() is not None:
            return "%s ended by itself with status %d\n%s" % (self.app, self.process.returncode, self.output())
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "%s did not end within 20 s of SIGTERM\n%s" % (self.app, self.output())
        return None if code == 0 else "%s ended with status %d after SIGTERM\n%s" % (self.app, code, self.output())


def run(program, arguments):
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="clams-wire."))
        servers = []
        problems = []
        try:
            for app in APPS:
                servers.append(Server(program, app, directory))
            command = [sys.executable, os.path.join(HERE, "wire", "check.py"), "--decided", "--firm"]
            for server in servers:
                command += ["--app", "%s=http://127.0.0.1:%d" % (server.app, server.port)]
            code = subprocess.run(command + arguments).returncode
        except RuntimeError as e:
            problems.append(str(e))
            code = 1
        finally:
            for server in servers:
                problems.append(server.stop())
        for problem in filter(None, problems):
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
