"""`clams serve` with Python apps as processes of their own, for the tests of this folder, the benchmark of hosting and the soak.

The program is looked for in $CLAMS_BIN. Every test gets a directory of its own, which is removed when it has passed and kept, and named, when it has not.
"""
import json
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
APPS = HERE / "apps"
sys.path[:0] = [str(SOURCE / "tests" / "support"), str(SOURCE / "bindings" / "python" / "tests")]

import sdks  # noqa: E402
import serving  # noqa: E402
from serving import ANY_PORT, PATIENCE, at_once, in_background, until  # noqa: E402,F401

CLAMS = os.path.join(os.environ.get("CLAMS_BIN", ""), "clams")
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


class Answer(serving.Answer):
    @property
    def result(self):
        """The property `result` that the apps of these tests leave behind, or None."""
        return (self.annotation_with("result") or {}).get("result")


class Hosted(serving.Server):
    """One `clams serve`. `environment` adds to (or, with None, takes from) that of the test."""
    Answer = Answer

    def __init__(self, app, python, *flags, arguments=(), directory, environment=None, ready=True, name="serve"):
        self.app = str(app)
        self.begun_file, self.release_file = os.path.join(directory, name + ".begun"), os.path.join(directory, name + ".release")
        base = {"CLAMS_VRAM_DIR": directory + "/vram", "CLAMS_PROFILE_DIR": directory + "/profiles", "CLAMS_GPU": "none", "CLAMS_APP_VERSION": "1.0.0", "TZ": "UTC",
                "XDG_CACHE_HOME": directory + "/cache", "HOME": directory, "PYTHONDONTWRITEBYTECODE": "1",
                "APP_BEGUN_FILE": self.begun_file, "APP_RELEASE_FILE": self.release_file}
        keep = {k: os.environ[k] for k in ("PATH", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if k in os.environ}
        self.environment = {k: v for k, v in {**keep, **base, **(environment or {})}.items() if v is not None}
        command = [CLAMS, "serve", self.app, "--python", str(python), *ANY_PORT, *flags, *(["--", *arguments] if arguments else [])]
        super().__init__(self.app, command, os.path.join(directory, name + ".log"), self.environment, ready, start_new_session=True)

    def post(self, body=BODY, timeout=PATIENCE, headers={}, **parameters):
        return super().post(body, timeout, headers, **parameters)

    def begun(self):
        """How many requests the app's own code has begun to work on, in whichever worker; for apps that write APP_BEGUN_FILE."""
        try:
            with open(self.begun_file, encoding="ascii") as f:
                return f.read().count("\n")
        except FileNotFoundError:
            return 0

    def release(self):
        """Lets every request go on that the app holds, now and as long as the file is there."""
        open(self.release_file, "w").close()

    def workers(self):
        """Pids of living worker processes."""
        return [pid for pid, state in children_of(self.pid) if state != "Z"]

    def zombies(self):
        return [pid for pid, state in children_of(self.pid) if state == "Z"]

    def stop(self):
        workers = [] if self.ended else self.workers()
        problem = super().stop()
        left = [pid for pid in workers if alive(pid)]
        return "%s; its workers %s stay" % (problem or self.name, left) if left else problem


class HostingTest(serving.ServingTest):
    def setUp(self):
        super().setUp()
        self.environment = {}

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

    def end(self, server, *running):
        """Ends what the app holds; the answers, all of which must be good."""
        server.release()
        answers = [self.assert_ok(answer.result(PATIENCE)) for answer in running]
        os.unlink(server.release_file)
        return answers
