"""The CPUs and memory that a server may use, how its requests share them, and what an orchestrator leaves in its environment."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

import serving  # noqa: E402
from serving import ANY_PORT, PATIENCE, at_once  # noqa: E402

APP = os.path.join(os.environ.get("CLAMS_BUILD", ""), "tests", "clams_limits_app")
ALLOWED = sorted(os.sched_getaffinity(0))
BODY = json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.1.0"}, "views": [], "documents": [
    {"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}]}).encode()
# As a pod in a namespace with a Service `clams` has it.
SERVICE = {"CLAMS_PORT": "tcp://10.96.0.7:5000", "CLAMS_SERVICE_HOST": "10.96.0.7", "CLAMS_SERVICE_PORT": "5000", "CLAMS_SERVICE_PORT_HTTP": "5000",
           "CLAMS_PORT_5000_TCP": "tcp://10.96.0.7:5000", "CLAMS_PORT_5000_TCP_PROTO": "tcp", "CLAMS_PORT_5000_TCP_PORT": "5000",
           "CLAMS_PORT_5000_TCP_ADDR": "10.96.0.7"}


class LimitsTest(serving.ServingTest):
    def setUp(self):
        super().setUp()
        keep = ("PATH", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
        self.environment = {k: os.environ[k] for k in keep if k in os.environ}
        self.environment.update(HOME=self.path, CLAMS_VRAM_DIR=self.path + "/vram", CLAMS_PROFILE_DIR=self.path + "/profiles", CLAMS_APP_VERSION="1",
                                CLAMS_GPU="none")

    def app(self, *arguments, environment=None, prefix=(), arguments_first=ANY_PORT, **more):
        server = serving.Server("app%d" % len(self.servers), [*prefix, APP, *arguments_first, *arguments],
                                os.path.join(self.path, "app%d.log" % len(self.servers)), {**self.environment, **(environment or {})}, **more)
        self.servers.append(server)
        return server

    def ask(self, server, **parameters):
        answer = server.post(BODY, **parameters)
        self.assertEqual(answer.status, 200, answer)
        return answer.annotation_with("threads")


class HowManyTest(LimitsTest):
    def test_a_pinned_server_counts_the_cpus_that_it_may_use_and_says_why(self):
        app = self.app(prefix=["taskset", "-c", str(ALLOWED[0])])
        self.assertTrue(app.lines("(3 requests at once)"), app.output())
        if len(ALLOWED) > 1:
            self.assertTrue(app.lines("may use 1 of ", " CPUs (CPU affinity or cpuset)"), app.output())
        self.assertEqual(self.ask(app)["threads"], 1)

    def test_a_pinned_front_hands_its_workers_what_it_may_use_itself(self):
        app = self.app("--executor", "exclusive", prefix=["taskset", "-c", str(ALLOWED[0])])
        self.assertTrue(app.lines("(3 requests at once)"), app.output())
        self.assertEqual(self.ask(app)["threads"], 1)

    def test_a_quota_of_a_real_control_group_counts(self):
        with self.quota(15_000, 10_000) as join:
            app = self.app(preexec_fn=join)
            count = min(2, serving.usable_cpus())
            self.assertTrue(app.lines("(%d requests at once)" % (2 * count + 1)), app.output())
            self.servers[-1].stop()
        with self.quota(9_000, 10_000) as join:
            app = self.app(preexec_fn=join)
            self.assertTrue(app.lines("(3 requests at once)"), app.output())
            if len(ALLOWED) > 1:
                self.assertTrue(app.lines("may use 1 of ", " of the control group /"), app.output())
            self.servers[-1].stop()

    @contextlib.contextmanager
    def quota(self, microseconds, period):
        """A group with this limit, and a function by which a child joins it. Skips where none can be made."""
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            mounts = [line.split() for line in f]
        one = [words[4] for words in mounts if "cgroup" in words and "cpu" in words[-1].split(",")]
        two = [words[4] for words in mounts if "cgroup2" in words]
        try:
            folder = tempfile.mkdtemp(prefix="clams-limits-test.", dir=(one or two or ["/does/not/exist"])[0])
        except OSError as problem:
            self.skipTest("no control group can be made here: %s" % problem)
        try:
            try:
                if one:
                    write(folder + "/cpu.cfs_period_us", period)
                    write(folder + "/cpu.cfs_quota_us", microseconds)
                else:
                    write(folder + "/cpu.max", "%d %d" % (microseconds, period))
            except OSError as problem:
                self.skipTest("this control group takes no limit: %s" % problem)
            yield lambda: write(folder + "/cgroup.procs", os.getpid())
        finally:
            serving.until(lambda: remove(folder), 20)


def write(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(str(value))


def remove(folder):
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return not os.path.exists(folder)


class SharingTest(LimitsTest):
    """n requests on c CPUs: max(1, c / n) each, in every executor."""

    def shares(self, server, requests):
        """What so many requests that run at once may use at one moment; a lone one before them."""
        for patience in (1.5, 6, 30):
            at = int(time.monotonic() * 1000 + patience * 1000)
            answers = at_once([lambda: self.ask(server, at=at, until=at + 500) for _ in range(requests)])
            if all(answer["began"] < at for answer in answers):
                return [answer["threads"] for answer in answers]
        self.fail("the requests never ran at once")

    def check(self, *arguments, requests=3):
        server = self.app(*arguments)
        cpus = self.ask(server)["threads"]
        self.assertEqual(cpus, serving.usable_cpus(), "all for one that runs alone")
        for count in (requests, 2):
            shares = self.shares(server, count)
            self.assertEqual(shares, [max(1, cpus // count)] * count)
            self.assertLessEqual(sum(shares), max(cpus, count))
        self.assertEqual(self.ask(server)["threads"], cpus, "alone again")

    def test_in_one_process(self):
        self.check("--threads", "4")

    def test_in_one_worker_process(self):
        self.check("--executor", "isolated", "--threads", "4")

    def test_over_exclusive_worker_processes(self):
        self.check("--executor", "exclusive", "--workers", "4")

    def test_over_old_and_new_worker_processes_while_they_change(self):
        server = self.app("--executor", "isolated", "--threads", "4")
        cpus = self.ask(server)["threads"]
        at = int(time.monotonic() * 1000 + 4000)
        old = serving.in_background(lambda: self.ask(server, at=at, until=at + 500))
        serving.until(lambda: server.metrics().get("clams_requests_running"))
        server.process.send_signal(1)  # SIGHUP
        self.assertTrue(serving.until(lambda: len(server.lines("takes requests")) == 2), server.output())
        new = self.ask(server, at=at, until=at + 500)
        self.assertLessEqual(new["threads"] + old.result()["threads"], max(cpus, 2))


class EnvironmentTest(LimitsTest):
    def test_a_service_of_our_name_sets_nothing(self):
        app = self.app("--host", "127.0.0.1", "--log-level", "info", environment=SERVICE, arguments_first=("--port", "0"))
        self.assertEqual(len(app.lines("Kubernetes")), 1, app.output())
        self.assertFalse(app.lines("warning"), app.output())
        self.ask(app)

    def test_its_workers_do_not_say_it_again(self):
        app = self.app("--executor", "exclusive", environment={**SERVICE, "CLAMS_PROT": "1"})
        self.ask(app)
        self.assertEqual(len(app.lines("Kubernetes")), 1, app.output())
        self.assertEqual(len(app.lines("CLAMS_PROT")), 1, app.output())

    def test_services_with_longer_names_set_nothing(self):
        more = {}
        for prefix in ("CLAMS_GPU_", "CLAMS_THREADS_", "CLAMS_WHISPER_V2_"):
            more.update({prefix + name[6:]: value for name, value in SERVICE.items()})
        app = self.app(environment=more)
        self.assertEqual(len(app.lines("Kubernetes")), 1, app.output())
        self.assertFalse(app.lines("warning"), app.output())

    def test_unknown_names_are_one_warning(self):
        app = self.app(environment={"CLAMS_PROT": "80", "CLAMS_TRHEADS": "3", "CLAMS_ZEBRA": "x"})
        warnings = app.lines("warning")
        self.assertEqual(len(warnings), 1, app.output())
        for part in ("CLAMS_PROT (did you mean CLAMS_PORT?)", "CLAMS_TRHEADS (did you mean CLAMS_THREADS?)", "CLAMS_ZEBRA"):
            self.assertIn(part, warnings[0])

    def test_a_port_that_is_neither_a_number_nor_a_service_ends_the_start(self):
        for value in ("tcp://", "http://10.96.0.7:80", "five"):
            ended = subprocess.run([APP], env={**self.environment, "CLAMS_PORT": value}, capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(ended.returncode, 78, ended)
            self.assertEqual(len(ended.stderr.splitlines()), 1)
            self.assertIn("CLAMS_PORT", ended.stderr)

    def test_the_command_says_so_too(self):
        command = os.path.join(os.environ.get("CLAMS_BIN", ""), "clams")
        if not os.path.exists(command):
            self.skipTest("the command is not built here")
        ended = subprocess.run([command, "gpu"], env={**self.environment, **SERVICE, "CLAMS_HEADROM": "1"}, capture_output=True, text=True,
                               timeout=PATIENCE, check=False)
        self.assertEqual(ended.returncode, 0, ended)
        self.assertEqual(ended.stderr.count("did you mean CLAMS_HEADROOM?"), 1, ended.stderr)


if __name__ == "__main__":
    unittest.main()
