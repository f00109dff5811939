"""What the tests of `clams gpu` and `clams profiles` have in common: real processes on simulated devices, and terminals.

The programs are looked for in $CLAMS_BIN, the fake driver in $CLAMS_BUILD/lib.
"""
import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

PROGRAM = os.path.join(os.path.abspath(os.environ.get("CLAMS_BIN", "")), "clams")
FAKE_NVML = os.path.join(os.path.abspath(os.environ.get("CLAMS_BUILD", "")), "lib", "libfake_nvml.so")
GIB = 1 << 30
LONG = 120  # what takes this long hangs


def state_of(pid):
    """R, S, T, Z…; None when there is no such process any more."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None


class WithDevices(unittest.TestCase):
    """A ledger directory of its own, one simulated device of 24 GiB, no headroom: sums are plain."""

    devices = "sim:24GiB"

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="clams-gpu.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.started = []
        self.commands = []  # descriptors of the processes that `clams gpu run` started: they outlive it, and a number may be another's by the end
        self.addCleanup(self.end_all)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("CLAMS_", "CUDA_", "NVIDIA_", "VRAM_"))}
        self.environment.update(CLAMS_VRAM_DIR=os.path.join(self.folder, "vram"), CLAMS_PROFILE_DIR=os.path.join(self.folder, "profiles"),
                                CLAMS_GPU=self.devices, CLAMS_HEADROOM="0%", LANG="C.UTF-8")

    def end_all(self):
        for command in self.commands:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(command, signal.SIGKILL)
            os.close(command)
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def clams(self, *arguments, **more):
        more.setdefault("env", self.environment)
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=LONG, stdin=subprocess.DEVNULL, **more)
        return done.returncode, done.stdout, done.stderr

    def start(self, *arguments, **more):
        more.setdefault("env", self.environment)
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, **more)
        self.started.append(process)
        return process

    def started_with_line(self, *arguments, **more):
        process = self.start(*arguments, **more)
        line = process.stdout.readline()
        self.assertTrue(line, "ended before it said anything")
        return process, line

    def running(self, *flags, script="sleep 600", **more):
        """`clams gpu run` whose command has started and holds the lease; that command's process id."""
        process, line = self.started_with_line("gpu", "run", *flags, "--", "sh", "-c", "echo $$; exec " + script, **more)
        pid = int(line)
        self.commands.append(os.pidfd_open(pid))
        # The command may say its first word before `clams` has written whose lease it is.
        self.until(lambda: pid in [one["pid"] for one in self.status()["processes"]], "the lease is the command's")
        return process, pid

    def status(self):
        code, out, err = self.clams("gpu", "--json")
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)

    def device(self, index=0):
        return self.status()["devices"][index]

    def until(self, condition, what):
        deadline = time.monotonic() + LONG
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)


class Screen:
    """A program on a terminal of its own."""

    def __init__(self, test, arguments, columns=80, rows=24, environment=None):
        self.test = test
        self.seen = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                os.execve(PROGRAM, [PROGRAM, *arguments], {**test.environment, "TERM": "xterm-256color", **(environment or {})})
            os._exit(127)
        self.resize(columns, rows)
        test.addCleanup(self.close)
        self.status = None

    def resize(self, columns, rows):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def read(self, patience):
        ready, _, _ = select.select([self.terminal], [], [], patience)
        if not ready:
            return False
        try:
            piece = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.seen += piece.decode("utf-8", "replace")
        return bool(piece)

    def until(self, text):
        deadline = time.monotonic() + LONG
        while text not in self.seen:
            self.test.assertLess(time.monotonic(), deadline, f"{text!r} was not seen in {self.seen[-2000:]!r}")
            self.read(0.1)

    def modes(self):
        return termios.tcgetattr(self.terminal)[3] & (termios.ICANON | termios.ECHO)

    def wait(self):
        deadline = time.monotonic() + LONG
        while self.status is None:
            self.test.assertLess(time.monotonic(), deadline, "it does not end")
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        while self.read(0.05):
            pass
        return self.status

    def close(self):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)
