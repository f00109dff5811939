"""A booted systemd for tests: process 1 of its own namespaces on a copy-on-write view of this machine (box.sh), with the programs of the build and the units of deploy/ in it.

A test program has one box at a time. Its sockets belong to the box's network from `Box()` on, so that clients here reach servers there.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(SOURCE / "tests" / "support"), str(SOURCE / "bindings" / "python" / "tests")]

from serving import until  # noqa: E402

SYSTEMD = "/lib/systemd/systemd"
CLONE_NEWNET = 0x40000000
NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wd")


def why_not():
    """The reason why no box can be had here, or None."""
    if os.geteuid() != 0:
        return "needs root to make namespaces"
    if not os.access(SYSTEMD, os.X_OK):
        return "needs the package systemd"
    missing = [tool for tool in ("unshare", "nsenter", "ip", "systemctl") if shutil.which(tool) is None]
    if missing:
        return "needs " + ", ".join(missing)
    trial = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--net", "sh", "-c",
                            "mount --make-rprivate / && d=/mnt && mount -t tmpfs tmpfs $d && mkdir $d/u $d/w $d/r && "
                            "mount -t overlay overlay -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/r && mount -t cgroup2 cgroup2 $d/r/mnt"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if trial.returncode == 0 else "namespaces, overlays or cgroup2 cannot be had here: " + trial.stdout.strip()


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


class Box:
    """`layer`: an empty folder; `programs`: name in /usr/bin to file."""

    def __init__(self, layer, programs, log):
        self.log, self.layer = str(log), pathlib.Path(layer)
        self._fill(programs)
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen([str(HERE / "box.sh"), str(layer)], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        self.pid = until(self._first_process, 60)
        if not (self.pid and until(self._is_up, 60)):
            self.close()
            raise AssertionError("systemd does not boot: " + self.output())
        with open("/proc/%d/ns/net" % self.pid, encoding="ascii") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def _fill(self, programs):
        (self.layer / "usr/bin").mkdir(parents=True)
        for name, file in programs.items():
            shutil.copy(file, self.layer / "usr/bin" / name)
        lib = self.layer / "usr/lib"
        shutil.copytree(SOURCE / "deploy/systemd", lib / "systemd/system")
        shutil.copytree(SOURCE / "deploy/sysusers.d", lib / "sysusers.d")
        shutil.copytree(SOURCE / "deploy/tmpfiles.d", lib / "tmpfiles.d")
        (self.layer / "etc/clams").mkdir(parents=True)

    def _first_process(self):
        for child in children_of(self.process.pid) if self.process.poll() is None else []:
            with open("/proc/%d/comm" % child, encoding="ascii") as f:
                if f.read().strip() == "systemd":
                    return child
        return None

    def _is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")  # degraded: a unit of the machine itself, which is none of ours

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def run(self, *command, check=True, timeout=120):
        done = subprocess.run(["nsenter", "--target", str(self.pid), *NAMESPACES, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_PAGER=", *command],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError("%s: status %d: %s" % (" ".join(command), done.returncode, done.stdout))
        return done

    def write(self, path, text):
        file = pathlib.Path("/proc/%d/root/%s" % (self.pid, path.lstrip("/")))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "--property", name, unit).stdout.strip()

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "--output", "cat", "--unit", unit).stdout

    def is_alive(self, pid):
        """A process of the box, by its number there."""
        return self.run("test", "-d", "/proc/%d" % pid, check=False).returncode == 0

    def signal(self, pid, number):
        self.run("kill", "-" + signal.Signals(number).name[3:], str(pid))

    def close(self):
        """Ends process 1, and with it all of the box."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        self.pid = None
