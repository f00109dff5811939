"""Programs that serve HTTP, as processes of their own: what the tests of the service, of hosting and of the apps have in common.

A server gets port 0, and the kernel says which one it took: nobody else can take it in between. Every test gets a directory of its own, which is removed when it
has passed and kept, and named, when it has not.
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

PATIENCE = 120  # what takes this long hangs, also on a busy machine and under a sanitizer
ANY_PORT = ["--host", "127.0.0.1", "--port", "0"]


def usable_cpus():
    """CPUs that this process, and what it starts, may use: affinity and the quotas of its control group and of those above it."""
    cpus = len(os.sched_getaffinity(0))
    mounts = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for words in (line.split() for line in f):
            if "cgroup2" in words or ("cgroup" in words and "cpu" in words[-1].split(",")):
                mounts["2" if "cgroup2" in words else "1"] = (words[3], words[4])
    with open("/proc/self/cgroup", encoding="utf-8") as f:
        for _, controllers, group in (line.rstrip("\n").split(":", 2) for line in f):
            version = "2" if not controllers else "1" if "cpu" in controllers.split(",") else None
            if version not in mounts:
                continue
            top, point = mounts[version]
            rest = group[len(top.rstrip("/")):] if group.startswith(top) else ""
            parts = [part for part in rest.split("/") if part]
            for depth in range(len(parts) + 1):
                limit = quota_in("/".join([point, *parts[:depth]]))
                cpus = min(cpus, limit or cpus)
    return max(1, cpus)


def quota_in(folder):
    """CPUs of a control group, a part of one as a whole; None without a limit."""
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with contextlib.suppress(OSError):
            quota, period = " ".join(open(os.path.join(folder, name), encoding="ascii").read() for name in files).split()
            return None if quota in ("max", "-1") else -(-int(quota) // int(period))
    return None


def until(condition, seconds=PATIENCE, pause=0.02):
    """The first true value of `condition`, or None."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value or None
        time.sleep(pause)


def in_background(call):
    pool = concurrent.futures.ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def at_once(calls):
    """Results of all calls, made in threads of their own."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def listening(pid):
    """TCP ports at which a process listens."""
    sockets, ports = set(), []
    with contextlib.suppress(OSError):
        for entry in os.scandir("/proc/%d/fd" % pid):
            with contextlib.suppress(OSError):
                sockets.add(os.readlink(entry.path))
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open("/proc/net/" + table, encoding="ascii") as f:
            fields = [line.split() for line in f]
            ports += [int(words[1].rsplit(":", 1)[1], 16) for words in fields[1:] if words[3] == "0A" and "socket:[%s]" % words[9] in sockets]
    return ports


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def json(self):
        return json.loads(self.body)

    def annotation_with(self, name):
        """Properties of the first annotation that has this one, or None."""
        annotations = (annotation["properties"] for view in self.json["views"] for annotation in view.get("annotations", []))
        return next((properties for properties in annotations if name in properties), None)

    @property
    def error(self):
        return next((view["metadata"]["error"]["message"] for view in self.json["views"] if "error" in view["metadata"]), None)

    def __repr__(self):
        return "%d %s %r" % (self.status, dict(self.headers), self.body[:800])


class Server:
    """One serving process. `command` holds ANY_PORT; `environment` is the whole of it. `ready` waits until it answers."""
    Answer = Answer

    def __init__(self, name, command, log, environment=None, ready=True, **more):
        self.name, self.log, self.ended = name, str(log), True
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, **more)
        self.pid, self._port, self.ended = self.process.pid, None, False
        if ready and not (until(lambda: self.process.poll() is not None or self._answers()) and self.process.poll() is None):
            self.kill()
            raise AssertionError("%s did not answer: status %s\n%s" % (name, self.process.poll(), self.output()[-4000:]))

    def _answers(self):
        try:
            return self.get("/health", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    @property
    def port(self):
        if self._port is None:
            ports = listening(self.pid)
            if not ports:
                raise ConnectionRefusedError("%s does not listen" % self.name)
            self._port = ports[0]
        return self._port

    def ask(self, method, path="/", body=None, headers={}, timeout=PATIENCE):
        begin = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            return self.Answer(response.status, response.headers, content, time.monotonic() - begin)
        finally:
            connection.close()

    def get(self, path="/", timeout=PATIENCE):
        return self.ask("GET", path, timeout=timeout)

    def post(self, body, timeout=PATIENCE, headers={}, **parameters):
        return self.ask("POST", "/?" + urllib.parse.urlencode(parameters), body, headers, timeout)

    def runtime(self):
        return self.get("/?includeVRAM=true").json["runtime"]

    def device(self, index=0):
        return self.runtime()["gpu"]["devices"][index]

    def metrics(self):
        """Name with labels, in alphabetical order and without `app`, to value."""
        found = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                head, value = line.rsplit(" ", 1)
                name, _, labels = head.partition("{")
                labels = sorted(label for label in labels.rstrip("}").split(",") if label and not label.startswith("app="))
                found[name + ("{%s}" % ",".join(labels) if labels else "")] = float(value)
        return found

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self, *words):
        return [line for line in self.output().splitlines() if all(word in line for word in words)]

    def terminate(self, seconds=PATIENCE):
        """SIGTERM; the exit status, or None when it did not come in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=PATIENCE):
        """The exit status of one that was told to end, or None when it did not come in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        self.ended = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it in good order; what was wrong with that, or None."""
        if self.ended:
            return None
        self.ended = True
        if self.process.poll() is not None:
            return "%s ended by itself with status %d" % (self.name, self.process.returncode)
        code = self.terminate()
        if code is None:
            self.kill()
            return "%s did not end within %d s of SIGTERM" % (self.name, PATIENCE)
        return "%s ended with status %d after SIGTERM" % (self.name, code) if code else None


class ServingTest(unittest.TestCase):
    """A directory in `self.path`; what is put into `self.servers` is stopped, and shown when the test fails."""
    maxDiff = None

    def setUp(self):
        self.path = tempfile.mkdtemp(prefix="clams-serving-test.")
        os.chmod(self.path, 0o755)
        self.servers = []

    def tearDown(self):
        problems = [problem for problem in [server.stop() for server in self.servers] if problem]
        outcome = getattr(self._outcome, "result", None)
        if problems or (outcome and any(getattr(test, "test_case", test) is self for test, _ in outcome.failures + outcome.errors)):
            for server in self.servers:
                print("--- %s %s\n%s" % (server.name, self.id(), server.output()[-4000:]))
            print("kept: " + self.path)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        self.assertEqual(problems, [])

    def assert_ok(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer
