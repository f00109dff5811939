"""Servers under measurement: started in a session of their own, measured through /proc, ended by their ids."""
import os
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stat(pid):
    with open("/proc/%s/stat" % pid, encoding="ascii", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()


def kilobytes(pid, file, key):
    with open("/proc/%s/%s" % (pid, file), encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key + ":"))


class Server:
    def __init__(self, name, command, port, log, environment=None):
        self.name, self.port = name, port
        self.log = log
        with open(log, "ab") as output:
            self.started_at = time.perf_counter()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                                            env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def wait_ready(self, path="/", seconds=60):
        """Seconds from before exec until the first answer."""
        request = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode()
        deadline = self.started_at + seconds
        while time.perf_counter() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("%s ended with status %d before it answered; see %s" % (self.name, self.process.returncode, self.log))
            try:
                with socket.create_connection(("127.0.0.1", self.port), 10) as s:
                    s.sendall(request)
                    if s.recv(12).startswith(b"HTTP/1.1 200"):
                        return time.perf_counter() - self.started_at
            except OSError:
                pass
            time.sleep(0.0005)
        raise RuntimeError("%s did not answer within %d s; see %s" % (self.name, seconds, self.log))

    def pids(self):
        """The processes of its session."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if int(stat(entry)[3]) == self.pid:
                        found.append(int(entry))
                except (OSError, IndexError):
                    pass
        return found

    def cpu_seconds(self):
        """User and system time of all its processes, children that ended included. Steps of a tick (10 ms)."""
        total = 0
        for pid in self.pids():
            try:
                fields = stat(pid)
            except OSError:
                continue
            total += sum(map(int, fields[11:15]))  # utime stime cutime cstime
        return total / TICK

    def rss_bytes(self):
        """Resident memory; pages that several processes share count once in all."""
        total = 0
        for pid in self.pids():
            try:
                total += kilobytes(pid, "smaps_rollup", "Pss") * 1024
            except OSError:
                continue
        return total

    def reset_peak(self):
        with open("/proc/%d/clear_refs" % self.pid, "w", encoding="ascii") as f:
            f.write("5")

    def resident_bytes(self):
        return kilobytes(self.pid, "status", "VmRSS") * 1024

    def peak_bytes(self):
        return kilobytes(self.pid, "status", "VmHWM") * 1024

    def stop(self):
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
