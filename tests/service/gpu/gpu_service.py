"""App programs as processes of their own, on simulated devices or on the fake drivers, for the tests of this folder.

The programs are looked for in $CLAMS_BIN, the fake drivers in $CLAMS_BUILD/lib. Every test gets a directory of its own, which is removed when it has
passed and kept, and named, when it has not.
"""
import json
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

import serving  # noqa: E402
from serving import ANY_PORT, PATIENCE, at_once, in_background, until  # noqa: E402,F401

GIB = 1 << 30
MIB = 1 << 20
BIN = os.environ.get("CLAMS_BIN", "")
LIB = os.path.join(os.environ.get("CLAMS_BUILD", ""), "lib")
CORES = serving.usable_cpus()
HELD_MS = 600_000
# What the promises say, in seconds, ten times over: a sanitizer and a busy machine cost that much. What breaks a promise waits for a driver that hangs for
# 300 s, or for a request that is held for 600.
REFUSAL_SECONDS, STATUS_SECONDS, HEALTH_SECONDS, DEATH_SECONDS, POLICY_SECONDS, WELL_SECONDS, DRIVER_WAIT_SECONDS = 10, 10, 5, 70, 120, 120, 10
DOCUMENT = {"metadata": {"mmif": "http://mmif.clams.ai/1.1.0"},
            "documents": [{"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}],
            "views": []}
BODY = json.dumps(DOCUMENT).encode()


class Answer(serving.Answer):
    @property
    def result(self):
        """Properties of the annotation that the demo adds."""
        found = self.annotation_with("granted_at_ns")
        if found is None:
            raise AssertionError("no result in %s" % self)
        return found


class App(serving.Server):
    """One serving process."""
    Answer = Answer

    def __init__(self, place, program="clams-vram-demo", arguments=(), environment=None, name=None, prefix=(), ready=True):
        name = name or "app%d" % place.number()
        self.release_file = os.path.join(place.path, name + ".release")
        self.holds = []
        place.servers.append(self)
        environment = {k: v for k, v in {**place.environment, "VRAM_DEMO_RELEASE": self.release_file, **(environment or {})}.items() if v is not None}
        super().__init__(name, [*prefix, os.path.join(BIN, program), *ANY_PORT, *arguments], os.path.join(place.path, name + ".log"), environment, ready)

    def post(self, timeout=PATIENCE, body=BODY, **parameters):
        return super().post(body, timeout, **parameters)

    def hold(self, how="hold_ms", **parameters):
        """Posts a request that lasts until `end_holds`; what it has taken until then is seen in the figures of the device."""
        self.holds.append(in_background(lambda: self.post(**parameters, **{how: HELD_MS})))
        return self.holds[-1]

    def end_holds(self):
        """Ends every request that is held; their answers."""
        open(self.release_file, "w").close()
        answers = [held.result() for held in self.holds]
        os.unlink(self.release_file)
        self.holds = []
        return answers

    def stop(self):
        open(self.release_file, "w").close()
        return super().stop()


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


def impossible_message_for(model, required, most):
    return "%s needs %.2fGB; no GPU here can give more than %.2fGB." % (model, required / GIB, most / GIB)


class GpuTest(serving.ServingTest):
    """`self.simulated("sim:24GiB")` or `self.fake()` first, then `self.app()`."""

    def setUp(self):
        super().setUp()
        self.count, self.gpu = 0, None
        self.vram_dir, self.profile_dir = os.path.join(self.path, "vram"), os.path.join(self.path, "profiles")
        keep = ("PATH", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
        self.environment = {k: os.environ[k] for k in keep if k in os.environ}
        self.environment.update(CLAMS_VRAM_DIR=self.vram_dir, CLAMS_PROFILE_DIR=self.profile_dir, CLAMS_APP_VERSION="1.0.0", HOME=self.path,
                                XDG_CACHE_HOME=self.path + "/cache", VRAM_NVML_PATH="/does/not/exist", VRAM_CUDA_PATH="/does/not/exist")

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

    def end_holds(self, app):
        """Ends the requests that are held; all must have succeeded."""
        return [self.assert_ok(answer) for answer in app.end_holds()]

    def profiles(self, app="*"):
        """Documents of the profile files, by file name."""
        found = {}
        for folder, _, files in os.walk(self.profile_dir):
            for name in files:
                if name.startswith("memory_") and name.endswith(".json"):
                    with open(os.path.join(folder, name), encoding="utf-8") as f:
                        found[name] = json.load(f)
        return found
