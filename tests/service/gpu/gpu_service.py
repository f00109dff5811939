"""App programs as processes of their own, on simulated devices or on the fake drivers, for the tests of this folder.

The programs are looked for in $CLAMS_BIN, the fake drivers in $CLAMS_BUILD/lib. Every test gets a directory of its own, which is removed when it has
passed and kept, and named, when it has not.
"""
import concurrent.futures
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.parse

GIB = 1 << 30
MIB = 1 << 20
BIN = os.environ.get("CLAMS_BIN", "")
LIB = os.path.join(os.environ.get("CLAMS_BUILD", ""), "lib")
CORES = os.cpu_count() or 1
READY_SECONDS = 60
ADDRESS_IN_USE = 78
# What the promises say, in seconds.
REFUSAL_SECONDS, STATUS_SECONDS, HEALTH_SECONDS, DEATH_SECONDS, POLICY_SECONDS, WELL_SECONDS, DRIVER_WAIT_SECONDS = 1, 1, 0.5, 7, 30, 15, 1
DOCUMENT = {"metadata": {"mmif": "http://mmif.clams.ai/1.1.0"},
            "documents": [{"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}],
            "views": []}
BODY = json.dumps(DOCUMENT).encode()


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        """Properties of the annotation that the demo adds."""
        for view in self.json["views"]:
            for annotation in view.get("annotations", []):
                if "granted_at_ns" in annotation["properties"]:
                    return annotation["properties"]
        raise AssertionError("no result in %s" % self)

    @property
    def error(self):
        return next((view["metadata"]["error"]["message"] for view in self.json["views"] if "error" in view["metadata"]), None)

    def __repr__(self):
        return "%d %s %r" % (self.status, dict(self.headers), self.body[:600])


class App:
    """One serving process."""

    def __init__(self, place, program="clams-vram-demo", arguments=(), environment=None, name=None, prefix=(), ready=True):
        self.name = name or "app%d" % place.number()
        self.log = os.path.join(place.path, self.name + ".log")
        self.program, self.arguments, self.prefix = program, list(arguments), list(prefix)
        self.environment = {k: v for k, v in {**place.environment, **(environment or {})}.items() if v is not None}
        self.ended = False
        place.apps.append(self)
        for _ in range(5):
            self.port = free_port()
            self._start()
            if not ready or self._wait():
                return
            if self.process.returncode != ADDRESS_IN_USE or "address" not in self.output().lower():
                break
        raise AssertionError("%s did not answer: %s\n%s" % (program, self.process.poll(), self.output()))

    def _start(self):
        with open(self.log, "ab") as log:
            command = self.prefix + [os.path.join(BIN, self.program), "--port", str(self.port), "--host", "127.0.0.1"] + self.arguments
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        self.pid = self.process.pid

    def _wait(self):
        deadline = time.monotonic() + READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if self.get("/health", 5).status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        return False

    def ask(self, method, path, body=None, timeout=120):
        begin = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, response.headers, content, time.monotonic() - begin)
        finally:
            connection.close()

    def get(self, path="/", timeout=30):
        return self.ask("GET", path, timeout=timeout)

    def post(self, timeout=120, body=BODY, **parameters):
        return self.ask("POST", "/?" + urllib.parse.urlencode(parameters), body, timeout)

    def runtime(self):
        return self.get("/?includeVRAM=true").json["runtime"]

    def device(self, index=0):
        return self.runtime()["gpu"]["devices"][index]

    def metrics(self):
        """Name with labels, in alphabetical order and without `app`, to value."""
        found = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith("#") or not line:
                continue
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

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.ended = True

    def stop(self):
        """Ends it in good order; what was wrong with that, or None."""
        if self.ended:
            return None
        self.ended = True
        if self.process.poll() is not None:
            return "%s ended by itself with status %d\n%s" % (self.name, self.process.returncode, self.output()[-3000:])
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "%s did not end within 60 s of SIGTERM\n%s" % (self.name, self.output()[-3000:])
        return None if code == 0 else "%s ended with status %d after SIGTERM\n%s" % (self.name, code, self.output()[-3000:])


class FakeGpu:
    """The state file of the fake drivers (docs/design/fake-driver.md)."""
    UUID = "GPU-11111111-1111-1111-1111-111111111111"

    def __init__(self, path):
        self.path = path
        self.device_lines = ["device %s total=24GiB" % self.UUID]
        self.rules = []
        self.write()

    def write(self):
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            f.write("\n".join(self.device_lines + self.rules) + "\n")
        os.rename(self.path + ".new", self.path)

    def device(self, **fields):
        self.devices({"uuid": self.UUID, "total": "24GiB", **fields})

    def devices(self, *devices):
        self.device_lines = []
        for device in devices:
            kind = "slice" if "of" in device else "device"
            words = " ".join("%s=%s" % (k, v) for k, v in device.items() if k != "uuid")
            self.device_lines.append("%s %s %s" % (kind, device["uuid"], words))
        self.write()

    def rule(self, *lines):
        self.rules = list(lines)
        self.write()

    def calls(self):
        found = {}
        if not os.path.exists(self.path + ".calls"):
            return found
        with open(self.path + ".calls", "rb") as f:
            data = f.read()
        for at in range(0, len(data) - 63, 64):
            name = data[at:at + 56].rstrip(b"\0").decode()
            if not name:
                break
            found[name] = found.get(name, 0) + struct.unpack_from("<Q", data, at + 56)[0]
        return found

    def listings(self):
        return sum(count for name, count in self.calls().items() if "RunningProcesses" in name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, seconds, pause=0.05):
    """The first true value of `condition`, or None."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value or None
        time.sleep(pause)


def at_once(calls):
    """Results of all calls, made in threads of their own."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def in_background(call):
    pool = concurrent.futures.ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def highest_sum(spans):
    """Of (begin, end, amount): the most that was there at one moment."""
    events = sorted([(begin, 1, amount) for begin, end, amount in spans] + [(end, 0, -amount) for begin, end, amount in spans])
    now = most = 0
    for _, _, amount in events:
        now += amount
        most = max(most, now)
    return most


def message_for(model, required, available):
    return ("Insufficient GPU memory for %s. Required: %.2fGB, Available: %.2fGB. GPU may be in use by other processes. Please retry later."
            % (model, required / GIB, available / GIB))


class GpuTest(unittest.TestCase):
    """`self.simulated("sim:24GiB")` or `self.fake()` first, then `self.app()`."""
    maxDiff = None

    def setUp(self):
        self.path = tempfile.mkdtemp(prefix="clams-gpu-test.")
        os.chmod(self.path, 0o755)
        self.apps, self.count, self.gpu = [], 0, None
        self.vram_dir, self.profile_dir = os.path.join(self.path, "vram"), os.path.join(self.path, "profiles")
        keep = ("PATH", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
        self.environment = {k: os.environ[k] for k in keep if k in os.environ}
        self.environment.update(CLAMS_VRAM_DIR=self.vram_dir, CLAMS_PROFILE_DIR=self.profile_dir, CLAMS_APP_VERSION="1.0.0", HOME=self.path,
                                XDG_CACHE_HOME=self.path + "/cache", VRAM_NVML_PATH="/does/not/exist", VRAM_CUDA_PATH="/does/not/exist")

    def tearDown(self):
        problems = [problem for problem in [app.stop() for app in self.apps] if problem]
        outcome = getattr(self._outcome, "result", None)
        failed = problems or (outcome and any(test is self for test, _ in outcome.failures + outcome.errors))
        if failed:
            for app in self.apps:
                print("--- %s %s\n%s" % (app.name, self.id(), app.output()[-3000:]))
            print("kept: " + self.path)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        self.assertEqual(problems, [])

    def number(self):
        self.count += 1
        return self.count

    def simulated(self, devices="sim:24GiB"):
        self.environment["CLAMS_GPU"] = devices

    def fake(self, nvml="libfake_nvml.so"):
        self.gpu = FakeGpu(os.path.join(self.path, "gpu-state"))
        self.environment.update(VRAM_NVML_PATH=os.path.join(LIB, nvml), VRAM_CUDA_PATH=os.path.join(LIB, "libfake_cuda.so"), FAKE_GPU_STATE=self.gpu.path)
        return self.gpu

    def app(self, *arguments, **more):
        return App(self, arguments=arguments, **more)

    def stranger(self, *arguments, **more):
        """An app on the same simulated card that belongs to another ledger: its memory is seen through the card alone."""
        directory = os.path.join(self.path, "stranger")
        os.makedirs(directory, exist_ok=True)
        if not os.path.lexists(directory + "/sim-devices"):
            os.symlink(self.vram_dir + "/sim-devices", directory + "/sim-devices")
        return self.app(*arguments, environment={"CLAMS_VRAM_DIR": directory, "CLAMS_PROFILE_DIR": self.path + "/stranger-profiles"}, **more)

    def assert_ok(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer

    def profiles(self, app="*"):
        """Documents of the profile files, by file name."""
        found = {}
        for folder, _, files in os.walk(self.profile_dir):
            for name in files:
                if name.startswith("memory_") and name.endswith(".json"):
                    with open(os.path.join(folder, name), encoding="utf-8") as f:
                        found[name] = json.load(f)
        return found
