"""`clams serve` with Python apps as processes of their own, for the tests of this folder, the benchmark of hosting and the soak.

The program is looked for in $CLAMS_BIN. Every test gets a directory of its own, which is removed when it has passed and kept, and named, when it has not.
"""
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
APPS = HERE / "apps"
sys.path.insert(0, str(SOURCE / "bindings" / "python" / "tests"))

import sdks  # noqa: E402

CLAMS = os.path.join(os.environ.get("CLAMS_BIN", ""), "clams")
READY_SECONDS, PATIENCE = 120, 120
# A sanitizer keeps what was freed, so the memory of what is built with one says nothing.
MEMORY_TELLS = not os.environ.get("CLAMS_TEST_SANITIZER")
ADDRESS_IN_USE = 78
DOCUMENT = {"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"},
            "documents": [{"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}],
            "views": []}
BODY = json.dumps(DOCUMENT).encode()


def python_of(version):
    """Interpreter of an environment with that SDK; the test is left out, with the reason, when the package index cannot be reached."""
    try:
        return str(sdks.python_of(version))
    except sdks.Unreachable as error:
        raise unittest.SkipTest(str(error))


def newest():
    return python_of(sdks.SDKS[-1])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


# --- what /proc says

def stat_of(pid):
    """Fields after the name: state, parent, group, …; None when there is no such process."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def alive(pid):
    fields = stat_of(pid)
    return fields is not None and fields[0] != "Z"


def processes():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def children_of(pid):
    """(pid, state) of each child, zombies included."""
    found = []
    for child in processes():
        fields = stat_of(child)
        if fields is not None and int(fields[1]) == pid:
            found.append((child, fields[0]))
    return found


def descriptors_of(pid):
    """What each open descriptor is, in sorted order."""
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            found.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except OSError:
            pass
    return sorted(found)


def status_bytes(pid, key):
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key + ":"))


def threads_of(pid):
    return len(os.listdir("/proc/%d/task" % pid))


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        """The property `result` that the app `odd` leaves behind, or None."""
        for view in self.json["views"]:
            for annotation in view.get("annotations", []):
                if "result" in annotation["properties"]:
                    return annotation["properties"]["result"]
        return None

    @property
    def error(self):
        return next((view["metadata"]["error"]["message"] for view in self.json["views"] if "error" in view["metadata"]), None)

    def __repr__(self):
        return "%d %s %r" % (self.status, dict(self.headers), self.body[:800])


class Hosted:
    """One `clams serve`. `environment` adds to (or, with None, takes from) that of the test."""

    def __init__(self, app, python, *flags, arguments=(), directory, environment=None, ready=True, name="serve"):
        self.app, self.flags, self.arguments, self.python = str(app), list(flags), list(arguments), str(python)
        self.log = os.path.join(directory, name + ".log")
        self.begun_file, self.release_file = os.path.join(directory, name + ".begun"), os.path.join(directory, name + ".release")
        base = {"CLAMS_VRAM_DIR": directory + "/vram", "CLAMS_PROFILE_DIR": directory + "/profiles", "CLAMS_GPU": "none", "CLAMS_APP_VERSION": "1.0.0", "TZ": "UTC",
                "XDG_CACHE_HOME": directory + "/cache", "HOME": directory, "PYTHONDONTWRITEBYTECODE": "1",
                "APP_BEGUN_FILE": self.begun_file, "APP_RELEASE_FILE": self.release_file}
        keep = {k: os.environ[k] for k in ("PATH", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if k in os.environ}
        self.environment = {k: v for k, v in {**keep, **base, **(environment or {})}.items() if v is not None}
        self.ended = False
        # Between asking for a free port and taking it, somebody else may take it: then the program says so, and we ask again.
        for _ in range(5):
            self.port = free_port()
            self._start()
            if not ready or self._wait():
                return
            if self.process.poll() != ADDRESS_IN_USE or "ddress" not in self.output():
                break
        self.kill()
        raise AssertionError("%s did not answer: status %s\n%s" % (self.app, self.process.poll(), self.output()[-4000:]))

    def _start(self):
        command = [CLAMS, "serve", self.app, "--python", self.python, "--port", str(self.port), "--host", "127.0.0.1", *self.flags]
        command += ["--", *self.arguments] if self.arguments else []
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, start_new_session=True)
        self.pid = self.process.pid

    def _wait(self):
        deadline = time.monotonic() + READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if self.get("/health", timeout=5).status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        return False

    def ask(self, method, path="/", body=None, headers={}, timeout=PATIENCE):
        begin = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, response.headers, content, time.monotonic() - begin)
        finally:
            connection.close()

    def get(self, path="/", timeout=PATIENCE):
        return self.ask("GET", path, timeout=timeout)

    def post(self, body=BODY, timeout=PATIENCE, headers={}, **parameters):
        return self.ask("POST", "/?" + urllib.parse.urlencode(parameters), body, headers, timeout)

    def begun(self):
        """How many requests the app's own code has begun to work on, in whichever worker; for apps that write APP_BEGUN_FILE."""
        try:
            with open(self.begun_file, encoding="ascii") as f:
                return f.read().count("\n")
        except FileNotFoundError:
            return 0

    def release(self):
        """Lets every request go on that the app holds, now and later."""
        open(self.release_file, "w").close()

    def device(self, index=0):
        return self.get("/?includeVRAM=true").json["runtime"]["gpu"]["devices"][index]

    def metrics(self):
        """Name with labels (without `app`) to value."""
        found = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                head, value = line.rsplit(" ", 1)
                name, _, labels = head.partition("{")
                labels = sorted(label for label in labels.rstrip("}").split(",") if label and not label.startswith("app="))
                found[name + ("{%s}" % ",".join(labels) if labels else "")] = float(value)
        return found

    def workers(self):
        """Pids of living worker processes."""
        return [pid for pid, state in children_of(self.pid) if state != "Z"]

    def zombies(self):
        return [pid for pid, state in children_of(self.pid) if state == "Z"]

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def terminate(self, seconds=60):
        """SIGTERM; the exit status, or None when it did not come in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=60):
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
            return "%s ended by itself with status %d" % (self.app, self.process.returncode)
        workers = self.workers()
        code = self.terminate()
        if code is None:
            self.kill()
            return "%s did not end within 60 s of SIGTERM" % self.app
        left = [pid for pid in workers if alive(pid)]
        return "%s ended with status %d after SIGTERM, its workers %s stay" % (self.app, code, left) if code or left else None


class HostingTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.path = tempfile.mkdtemp(prefix="clams-hosting-test.")
        self.servers = []
        self.environment = {}

    def tearDown(self):
        problems = [problem for problem in [server.stop() for server in self.servers] if problem]
        outcome = getattr(self._outcome, "result", None)
        failed = problems or (outcome and any(test is self for test, _ in outcome.failures + outcome.errors))
        if failed:
            for server in self.servers:
                print("--- %s %s\n%s" % (server.app, self.id(), server.output()[-4000:]))
            print("kept: " + self.path)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        self.assertEqual(problems, [])

    def serve(self, app, *flags, python=None, environment=None, **more):
        server = Hosted(app, python or newest(), *flags, directory=self.path, environment={**self.environment, **(environment or {})},
                        name="serve%d" % len(self.servers), **more)
        self.servers.append(server)
        return server

    def app_file(self, text, name="app.py", folder="app"):
        directory = os.path.join(self.path, folder)
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def begin(self, server, **parameters):
        """Posts a request and waits until the app's code works on it in a worker: what the front counts as running may not have been read by anybody.

        No other request may begin meanwhile. Gives the answer to come.
        """
        before = server.begun()
        answer = in_background(lambda: server.post(**parameters))
        self.assertTrue(until(lambda: server.begun() > before or answer.done()), "no worker begins it: " + server.output()[-4000:])
        if server.begun() == before:
            self.fail("it ended before the app began it: %r" % answer.result())
        return answer

    def assert_ok(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer
