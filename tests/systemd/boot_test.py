"""The units of deploy/systemd in a booted systemd, with the programs of the build, on simulated cards."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import box as boxes
import sdks
from serving import PATIENCE, in_background, until

BIN = pathlib.Path(os.environ["CLAMS_BIN"])
SOURCE = boxes.SOURCE
BODY = json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"},
                   "documents": [{"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}],
                   "views": []}).encode()
GIB = 1 << 30
HELD = 600_000  # milliseconds: until released
BADLY_EXPOSED = 2.0


def ask(port, method="GET", path="/health", body=None, timeout=PATIENCE):
    """(status, body) on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()


def ask_or_none(port, path="/health"):
    try:
        return ask(port, path=path, timeout=5)
    except (OSError, http.client.HTTPException):
        return None


def run(port, **parameters):
    return ask(port, "POST", "/?" + "&".join("%s=%s" % item for item in parameters.items()), BODY)


class BootTest(unittest.TestCase):
    """One box for all tests; each has an instance of its own, which is the program of the demo under another name."""
    box = None
    names = ("served", "restarted", "watched", "delayed", "first", "second", "wrong", "killed", "isolated", "vram-demo")

    @classmethod
    def setUpClass(cls):
        cls.no_python = cls.python = None
        try:
            cls.python = sdks.python_of(sdks.SDKS[-1])  # before the box, which has no network
        except sdks.Unreachable as error:
            cls.no_python = str(error)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="clams-systemd-test."))
        programs = {"clams-" + name: BIN / "clams-vram-demo" for name in cls.names}
        programs["clams-cpp"] = BIN / "clams"
        layer = cls.folder / "layer"
        layer.mkdir()
        shutil.copytree(BIN.parent / "share", layer / "usr/share")
        cls.box = boxes.Box(layer, programs, cls.folder / "console")
        shutil.rmtree(layer)

    @classmethod
    def tearDownClass(cls):
        cls.box.close()
        shutil.rmtree(cls.folder)

    def tearDown(self):
        for unit in self.begun:
            self.box.run("systemctl", "stop", unit, check=False)
        outcome = getattr(self._outcome, "result", None)
        if outcome and any(test is self for test, _ in outcome.failures + outcome.errors):
            for unit in self.begun:
                print("--- %s\n%s\n%s" % (unit, self.box.run("systemctl", "status", "--no-pager", unit, check=False).stdout, self.box.journal(unit)[-6000:]))

    def setUp(self):
        self.begun = []

    def prepare(self, unit, port, with_socket=False, drop_in="", **settings):
        """Settings of an instance, not started yet. Its units."""
        instance = unit.split("@")[1]
        self.release_file = "/var/lib/clams/%s.release" % instance  # ends what the app holds
        settings = {"CLAMS_GPU": "sim:8GiB", "CLAMS_PORT": port, "VRAM_DEMO_RELEASE": self.release_file, "APP_RELEASE_FILE": self.release_file, **settings}
        self.box.write("/etc/clams/%s.env" % instance, "".join("%s=%s\n" % item for item in settings.items()))
        if drop_in:
            self.box.write("/etc/systemd/system/%s.service.d/test.conf" % unit, "[Service]\n" + drop_in)
        if with_socket:
            self.box.write("/etc/systemd/system/%s.socket.d/test.conf" % unit, "[Socket]\nListenStream=\nListenStream=127.0.0.1:%d\n" % port)
        self.box.run("systemctl", "daemon-reload")
        # The socket first: a service that is stopped before it would be started again by the next connection.
        units = [unit + ".socket"] * with_socket + [unit + ".service"]
        self.begun += units
        return units

    def start(self, unit, port, **more):
        self.box.run("systemctl", "enable", "--now", *self.prepare(unit, port, **more))

    def main_pid(self, unit):
        return int(self.box.show(unit, "MainPID"))

    def test_an_app_with_a_socket_serves_and_says_what_it_does(self):
        self.start("clams-app@served", 5001, with_socket=True)
        unit = "clams-app@served.service"
        self.assertEqual(self.box.show(unit, "ActiveState"), "active")
        self.assertEqual(ask(5001, path="/ready"), (200, b'{"ready": true}\n'))
        self.assertEqual(self.box.show(unit, "StatusText"), "0 running, 0 queued, 0.0 GiB promised")
        running = in_background(lambda: run(5001, bytes=3 * GIB, hold_ms=HELD))
        self.assertTrue(until(lambda: self.box.show(unit, "StatusText") == "1 running, 0 queued, 3.0 GiB promised"), self.box.show(unit, "StatusText"))
        self.assertEqual(run(5001, bytes=6 * GIB)[0], 503, "the ledger of the host is used")
        self.release()
        self.assertEqual(running.result(PATIENCE)[0], 200)
        self.assertIn("--host and --port do not count", self.box.journal(unit))
        self.assertEqual(self.box.run("stat", "--format", "%A %U %G", "/run/vram/ledger").stdout.strip(), "-rw-rw---- clams clams")
        self.assertEqual(self.box.run("stat", "--format", "%A %U %G", "/var/cache/clams/memory_profiles").stdout.strip(), "drwxrws--- clams clams")

    def test_both_units_are_hardened_while_requests_run(self):
        self.start("clams-app@served", 5001, with_socket=True)
        self.assertEqual(run(5001, bytes=GIB)[0], 200)
        for unit in ("clams-app@served.service", "clams-serve@any.service"):
            said = self.box.run("systemd-analyze", "security", "--no-pager", unit).stdout
            score = float(said.rsplit("Overall exposure level for", 1)[1].split(":")[1].split()[0])
            self.assertLessEqual(score, BADLY_EXPOSED, said)

    def test_a_restart_under_load_refuses_and_loses_nothing(self):
        self.start("clams-app@restarted", 5002, with_socket=True, CLAMS_GPU="none", CLAMS_THREADS=4)
        unit = "clams-app@restarted.service"
        stop, statuses, problems = threading.Event(), [], []

        def client(reuse):
            connection = http.client.HTTPConnection("127.0.0.1", 5002, timeout=PATIENCE)
            while not stop.is_set():
                try:
                    connection.request("POST", "/?hold_ms=20", BODY)
                    response = connection.getresponse()
                    response.read()
                    statuses.append(response.status)
                    if not reuse:
                        connection.close()
                except (OSError, http.client.HTTPException) as error:
                    problems.append(repr(error))
                    connection.close()
            connection.close()

        def probe(_):
            time.sleep(0.002)
            try:
                return ask(5002, timeout=PATIENCE)[0]
            except (OSError, http.client.HTTPException) as error:
                return repr(error)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(client, reuse) for reuse in (False, False, True, True)]
            before = self.main_pid(unit)
            probes = pool.map(probe, range(400))
            for _ in range(3):
                time.sleep(0.3)
                self.box.run("systemctl", "restart", unit)
            answers = list(probes)
            stop.set()
            for each in clients:
                each.result(PATIENCE)
        self.assertNotEqual(self.main_pid(unit), before)
        # One that is read at the very moment of the signal is answered by the old server, which says so: 503.
        self.assertEqual([answer for answer in answers if answer not in (200, 503)], [], "probes refused")
        self.assertGreater(answers.count(200), 390)
        self.assertEqual(problems, [])
        self.assertEqual([status for status in statuses if status != 200], [], "of %d requests" % len(statuses))
        self.assertGreater(len(statuses), 50)

    def test_a_server_that_hangs_is_killed_and_started_anew(self):
        self.start("clams-app@watched", 5003, with_socket=True, drop_in="WatchdogSec=5\nRestartSec=100ms\n")
        unit = "clams-app@watched.service"
        first = self.main_pid(unit)
        time.sleep(6)
        self.assertEqual(self.main_pid(unit), first, "a loop that turns is left alone")
        self.box.signal(first, signal.SIGSTOP)
        self.assertTrue(until(lambda: self.main_pid(unit) not in (0, first) and self.box.show(unit, "ActiveState") == "active"))
        self.assertEqual(self.box.show(unit, "NRestarts"), "1")
        self.assertIn("Watchdog timeout", self.box.journal(unit))
        self.assertEqual(ask(5003)[0], 200)

    def test_a_server_that_is_killed_is_started_anew(self):
        self.start("clams-app@killed", 5004, with_socket=True, drop_in="RestartSec=100ms\n")
        unit = "clams-app@killed.service"
        first = self.main_pid(unit)
        self.box.signal(first, signal.SIGKILL)
        self.assertEqual(ask(5004)[0], 200, "the client waits for the successor")
        self.assertTrue(until(lambda: self.main_pid(unit) not in (0, first)))

    def test_a_drain_delay_serves_on_while_ready_says_draining(self):
        self.start("clams-app@delayed", 5005, CLAMS_DRAIN_DELAY="6s", drop_in="TimeoutStopSec=1\n")
        unit = "clams-app@delayed.service"
        self.box.run("systemctl", "stop", "--no-block", unit)
        self.assertTrue(until(lambda: ask(5005, path="/ready")[0] == 503))
        self.assertEqual(ask(5005, path="/ready"), (503, b'{"ready": false, "reasons": ["draining"]}\n'))
        self.assertEqual(ask(5005)[0], 200, "it is alive and well")
        self.assertEqual(run(5005, bytes=GIB)[0], 200)
        self.assertEqual(self.box.show(unit, "ActiveState"), "deactivating")
        self.assertTrue(until(lambda: self.box.show(unit, "StatusText").startswith("draining: ")))
        self.assertTrue(until(lambda: self.box.show(unit, "ActiveState") == "inactive"))
        self.assertEqual(self.box.show(unit, "Result"), "success", "the manager was asked for more patience than TimeoutStopSec")
        self.assertIsNone(ask_or_none(5005))

    def test_a_port_in_use_is_not_tried_again(self):
        self.start("clams-app@first", 5006)
        units = self.prepare("clams-app@second", 5006)
        self.assertNotEqual(self.box.run("systemctl", "start", *units, check=False).returncode, 0)
        time.sleep(3)
        self.assertEqual([self.box.show(units[0], name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")], ["failed", "78", "0"])
        self.assertIn("port 5006 on 127.0.0.1 is in use", self.box.journal(units[0]))

    def test_a_socket_of_the_wrong_kind_is_a_configuration_error(self):
        units = self.prepare("clams-app@wrong", 5007, with_socket=True)
        self.box.write("/etc/systemd/system/clams-app@wrong.socket.d/test.conf", "[Socket]\nListenStream=\nListenDatagram=127.0.0.1:5007\n")
        self.box.run("systemctl", "daemon-reload")
        self.assertNotEqual(self.box.run("systemctl", "start", *units, check=False).returncode, 0)
        self.assertEqual(self.box.show(units[1], "ExecMainStatus"), "78")
        self.assertIn("is no stream socket; correct the .socket unit", self.box.journal(units[1]))

    def test_a_request_in_a_worker_process_survives_a_restart(self):
        self.start("clams-app@isolated", 5008, with_socket=True, CLAMS_EXECUTOR="isolated")
        unit = "clams-app@isolated.service"
        running = in_background(lambda: run(5008, hold_ms=HELD))
        self.assertTrue(until(lambda: self.box.show(unit, "StatusText").startswith("1 running")))
        self.restart_while(running, unit)
        self.assertEqual(run(5008)[0], 200)

    def restart_while(self, running, unit):
        """A request that is held ends with its result; the new server is another process."""
        before = self.main_pid(unit)
        restart = in_background(lambda: self.box.run("systemctl", "restart", unit))
        self.assertTrue(until(lambda: self.box.show(unit, "ActiveState") == "deactivating"))
        self.assertFalse(running.done())
        self.release()
        self.assertEqual(running.result(PATIENCE)[0], 200)
        restart.result(PATIENCE)
        self.assertNotIn(self.main_pid(unit), (0, before))

    def release(self):
        self.box.write(self.release_file, "")

    def open_to_the_user_of_the_units(self, *files):
        """What is changed here is changed in the box only."""
        for file in files:
            for folder in {*file.parents, *file.resolve().parents}:
                self.box.run("chmod", "o+rx", str(folder))

    def test_a_hosted_python_app_is_served_reloaded_and_restarted(self):
        if self.no_python:
            self.skipTest(self.no_python)
        app = SOURCE / "tests/hosting/apps/keeper/app.py"
        self.open_to_the_user_of_the_units(self.python, app)
        self.start("clams-serve@hosted", 5009, with_socket=True, APP=app, PYTHON=self.python, ARGS="--workers 1",
                   APP_BEGUN_FILE="/var/lib/clams/begun", CLAMS_APP_VERSION="1.0.0")
        unit = "clams-serve@hosted.service"
        self.assertEqual(ask(5009, path="/ready")[0], 200, "ready means that a worker process is")
        front = self.main_pid(unit)
        worker = self.workers(front)
        self.assertEqual(len(worker), 1)
        self.assertEqual(run(5009, hold_ms=0)[0], 200)
        self.box.run("systemctl", "reload", unit)
        self.assertTrue(until(lambda: self.workers(front) and self.workers(front) != worker and self.box.show(unit, "ActiveState") == "active"))
        self.assertEqual(self.main_pid(unit), front)
        self.assertIn("reloading on SIGHUP", self.box.journal(unit))
        running = in_background(lambda: run(5009, hold_ms=HELD))
        self.assertTrue(until(lambda: self.box.show(unit, "StatusText").startswith("1 running")), self.box.show(unit, "StatusText"))
        self.restart_while(running, unit)

    def workers(self, front):
        return [int(word) for word in self.box.run("pgrep", "--parent", str(front), check=False).stdout.split()]


if __name__ == "__main__":
    reason = boxes.why_not()
    if reason:
        print("skipped: " + reason)
        raise SystemExit(77)
    unittest.main(verbosity=2)
