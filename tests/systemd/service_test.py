"""Programs that serve, beside a service manager that this test plays: the sockets it passes, what it is notified of, /ready."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests" / "support"), str(SOURCE / "tests" / "hosting")]

import serving  # noqa: E402
from hosted import APPS, BODY, CLAMS, HostingTest, children_of, descriptors_of, newest  # noqa: E402
from serving import PATIENCE, in_background, until  # noqa: E402

DEMO = os.path.join(os.environ["CLAMS_BIN"], "clams-vram-demo")
CONFIGURATION = 78
HELD = 600_000  # until released
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
# An interpreter that, but for its first run, starts late while a file SLOW is there, and not at all while BROKEN is.
MOODY_PYTHON = """#!/bin/sh
test -e "%(folder)s/RAN" || { touch "%(folder)s/RAN"; exec "%(python)s" "$@"; }
while test -e "%(folder)s/SLOW"; do sleep 0.05; done
test -e "%(folder)s/BROKEN" && { echo "broken on purpose" >&2; exit 1; }
exec "%(python)s" "$@"
"""


class Manager:
    """The end of NOTIFY_SOCKET, and a listening socket."""

    def __init__(self, path):
        self.address = os.path.join(path, "notify")
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox.bind(self.address)
        self.inbox.setblocking(False)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.messages = []

    def close(self):
        self.inbox.close()
        self.door.close()

    def heard(self, beginning):
        """Whether a message that begins so has come by now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.messages.append(self.inbox.recv(4096).decode())
        return any(message.startswith(beginning) for message in self.messages)

    def count(self, beginning):
        self.heard("")
        return sum(message.startswith(beginning) for message in self.messages)


class ServiceTest(HostingTest):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.path)
        self.addCleanup(self.manager.close)

    def passing(self, command, descriptor=None, **variables):
        """The command as a service manager executes it: descriptor 3 is passed, LISTEN_PID is the process itself."""
        descriptor = self.manager.door.fileno() if descriptor is None else descriptor
        os.set_inheritable(descriptor, True)
        script = 'fd=$1; shift; eval "exec 3<&$fd"; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web; exec "$@"'
        return ["bash", "-c", script, "bash", str(descriptor), *command], {"pass_fds": (descriptor,)}

    def demo(self, *flags, sockets=False, environment=None, **more):
        base = {"CLAMS_VRAM_DIR": self.path + "/vram", "XDG_CACHE_HOME": self.path + "/cache", "HOME": self.path, "PATH": os.environ["PATH"],
                "CLAMS_GPU": "sim:8GiB", "NOTIFY_SOCKET": self.manager.address, "TZ": "UTC", "VRAM_DEMO_RELEASE": self.path + "/release"}
        os.makedirs(self.path + "/vram", exist_ok=True)
        command = [DEMO, *([] if sockets else serving.ANY_PORT), *flags]
        if sockets:
            command, keep = self.passing(command)
            more.update(keep)
        server = serving.Server("demo", command, self.path + "/demo%d.log" % len(self.servers), {**base, **(environment or {})}, **more)
        server._port = self.manager.port if sockets else None
        self.servers.append(server)
        return server

    def release(self):
        """Ends what the demo holds."""
        self.mood("release", True)

    def hosted(self, *flags, environment=None, **more):
        """Hosted by an interpreter of moods."""
        python = os.path.join(self.path, "python")
        with open(python, "w", encoding="utf-8") as file:
            file.write(MOODY_PYTHON % {"folder": self.path, "python": newest()})
        os.chmod(python, 0o755)
        environment = {"CLAMS_GPU": "sim:8GiB", "NOTIFY_SOCKET": self.manager.address, **(environment or {})}
        return self.serve(APPS / "keeper", "--workers", "1", *flags, python=python, environment=environment, **more)

    def mood(self, name, on):
        path = os.path.join(self.path, name)
        if on:
            open(path, "w").close()
        else:
            os.unlink(path)

    def assert_heard(self, beginning):
        self.assertTrue(until(lambda: self.manager.heard(beginning)), "%r not in %s" % (beginning, self.manager.messages))

    def test_an_app_in_its_own_process_is_ready_once_it_listens_and_says_when_it_stops(self):
        server = self.demo()
        self.assert_heard("READY=1")
        self.assert_heard("STATUS=0 running, 0 queued, 0.0 GiB promised")
        self.assertEqual(server.get("/ready").body, b'{"ready": true}\n')
        self.assertFalse(self.manager.heard("STOPPING=1"))
        self.assertEqual(server.terminate(), 0)
        self.assert_heard("STOPPING=1")
        self.assertEqual(self.manager.count("READY=1"), 1)
        server.ended = True

    def test_the_status_says_what_runs_and_what_was_promised(self):
        server = self.demo("--threads", "2")
        running = in_background(lambda: server.post(BODY, bytes=3 << 30, hold_ms=HELD))
        self.assert_heard("STATUS=1 running, 0 queued, 3.0 GiB promised")
        self.release()
        self.assertEqual(running.result(PATIENCE).status, 200)

    def test_signs_of_life_come_while_the_loop_turns(self):
        server = self.demo(environment={"WATCHDOG_USEC": "500000"})
        self.assertTrue(until(lambda: self.manager.count("WATCHDOG=1") > 3))
        server.process.send_signal(signal.SIGSTOP)
        self.assertTrue(until(lambda: serving_state(server.pid) == "T"))
        before = self.manager.count("WATCHDOG=1")
        self.assertFalse(until(lambda: self.manager.count("WATCHDOG=1") > before, 1))
        server.process.send_signal(signal.SIGCONT)
        self.assertTrue(until(lambda: self.manager.count("WATCHDOG=1") > before))

    def test_a_reload_begins_and_ends_also_where_there_is_nothing_to_reload(self):
        server = self.demo()
        self.assert_heard("READY=1")
        server.process.send_signal(signal.SIGHUP)
        self.assert_heard("RELOADING=1\nMONOTONIC_USEC=")
        self.assertTrue(until(lambda: self.manager.count("READY=1") == 2))
        self.assertTrue(server.lines("reloading on SIGHUP"))

    def test_a_passed_socket_is_served_and_the_port_flags_do_not_count(self):
        server = self.demo("--port", "1", sockets=True)
        self.assertEqual(server.get("/health").status, 200)
        self.assertTrue(server.lines("the service manager passed 1 listening socket: --host and --port do not count"))
        self.assertTrue(server.lines("listens on http://127.0.0.1:%d " % self.manager.port))

    def test_what_is_passed_must_be_a_listening_stream_socket(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as idle, open("/dev/null", "rb") as file:
            for passed in (datagrams, idle, file):
                command, keep = self.passing([DEMO, "--gpu", "none"], passed.fileno())
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, **keep)
                self.assertEqual(done.returncode, CONFIGURATION, done.stdout)
                self.assertRegex(done.stdout, r"^clams-vram-demo: descriptor 3 \(web\) of LISTEN_FDS is no (stream|listening) socket; correct the \.socket unit .*\n$")

    def test_what_is_meant_for_another_process_is_not_taken(self):
        server = self.demo(environment={"LISTEN_PID": "1", "LISTEN_FDS": "1", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "100000"})
        self.assert_heard("READY=1")
        self.assertEqual(server.get("/health").status, 200)
        self.assertFalse(until(lambda: self.manager.heard("WATCHDOG"), 1))

    def test_workers_inherit_neither_the_variables_nor_the_socket(self):
        server = self.demo("--executor", "isolated", sockets=True, environment={"WATCHDOG_USEC": "10000000"})
        self.assert_heard("READY=1")
        self.assertEqual(server.post(BODY).status, 200)
        workers = [pid for pid, state in children_of(server.pid) if state != "Z"]
        self.assertEqual(len(workers), 1)
        with open("/proc/%d/environ" % workers[0], "rb") as file:
            names = {entry.split(b"=", 1)[0].decode() for entry in file.read().split(b"\0")}
        self.assertEqual(names & set(VARIABLES), set())
        door = "socket:[%d]" % os.stat(self.manager.door.fileno()).st_ino
        self.assertIn(door, descriptors_of(server.pid))
        self.assertNotIn(door, descriptors_of(workers[0]))

    def test_a_successor_answers_what_the_old_server_did_not_accept(self):
        old = self.demo(sockets=True)
        self.assertEqual(old.terminate(), 0)
        old.ended = True
        late = in_background(lambda: old.get("/health"))
        self.demo(sockets=True)
        self.assertEqual(late.result(PATIENCE).status, 200)

    def test_a_drain_delay_serves_on_while_ready_says_draining(self):
        server = self.demo("--drain-delay", "5s")
        self.assertEqual(server.get("/ready").status, 200)
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: server.get("/ready").status == 503))
        self.assertEqual(server.get("/ready").json, {"ready": False, "reasons": ["draining"]})
        self.assertEqual(server.get("/health").json["status"], "ok")
        self.assertEqual(server.post(BODY).status, 200)
        self.assert_heard("STOPPING=1")
        self.assertEqual(server.wait(), 0)
        self.assertTrue(server.lines("stopping in 5s: requests are still taken while /ready says draining"))
        self.assertEqual(len(server.lines("running requests may finish for 30s")), 1)
        server.ended = True

    def test_a_second_signal_ends_a_drain_delay(self):
        server = self.demo("--drain-delay", "1h")
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: server.get("/ready").status == 503))
        self.assertEqual(server.terminate(), 0)
        server.ended = True

    def test_the_delay_may_stand_in_the_environment_and_in_the_file(self):
        self.demo(environment={"CLAMS_DRAIN_DELAY": "1s"})
        with open(self.path + "/settings.toml", "w", encoding="ascii") as file:
            file.write('drain-delay = "1s"\n')
        self.demo("--config", self.path + "/settings.toml")
        for server in self.servers:
            self.assertEqual(server.terminate(), 0)
            self.assertTrue(server.lines("stopping in 1s"))
            server.ended = True

    def test_a_drain_says_so_in_both_pages(self):
        server = self.demo()
        running = in_background(lambda: server.post(BODY, hold_ms=HELD))
        self.assert_heard("STATUS=1 running")
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: server.get("/health").status == 503))
        self.assertEqual(server.get("/health").json["status"], "draining")
        self.assertEqual(server.get("/ready").json, {"ready": False, "reasons": ["draining"]})
        self.release()
        self.assertEqual(running.result(PATIENCE).status, 200)
        self.assertEqual(server.wait(), 0)
        server.ended = True

    def test_a_hosted_app_is_ready_when_the_worker_that_runs_requests_is(self):
        # The first worker process tells the metadata; on a GPU another one, which the ledger knows, takes its place.
        self.mood("SLOW", True)
        server = self.hosted()
        self.assertEqual(server.get("/ready").json, {"ready": False, "reasons": ["no_worker"]})
        self.assertEqual(server.get("/health").json["status"], "ok")
        self.assert_heard("STATUS=the first worker process is starting")
        self.assertFalse(self.manager.heard("READY=1"))
        self.mood("SLOW", False)
        self.assert_heard("READY=1")
        self.assertEqual(server.get("/ready").body, b'{"ready": true}\n')
        self.assertEqual(len(server.workers()), 1)

    def test_a_signal_ends_a_start_that_takes_long(self):
        python = os.path.join(self.path, "python")
        with open(python, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec sleep %d\n" % (10 * PATIENCE))
        os.chmod(python, 0o755)
        server = self.serve(APPS / "keeper", python=python, environment={"NOTIFY_SOCKET": self.manager.address}, ready=False)
        self.assertTrue(until(server.workers))
        self.assert_heard("STATUS=the first worker process is starting")
        self.assertEqual(server.terminate(), 0)
        self.assertTrue(server.lines("stopped before the app was ready"))
        self.assertFalse(self.manager.heard("READY=1"))
        server.ended = True

    def test_without_a_worker_that_can_start_it_is_alive_and_not_ready(self):
        server = self.hosted()
        self.assert_heard("READY=1")
        self.mood("BROKEN", True)
        os.kill(server.workers()[0], signal.SIGKILL)
        self.assertTrue(until(lambda: server.get("/ready").status == 503))
        self.assertEqual(server.get("/ready").json, {"ready": False, "reasons": ["no_worker"]})
        health = server.get("/health")
        self.assertEqual((health.status, health.json["status"]), (200, "degraded"))
        self.assert_heard("STATUS=no worker process can be started, the log says why")
        self.mood("BROKEN", False)
        self.assertTrue(until(lambda: server.get("/ready").status == 200))
        self.assertEqual(server.get("/health").json["status"], "ok")
        self.assertEqual(self.manager.count("READY=1"), 1)

    def test_a_reload_lasts_until_the_new_worker_serves(self):
        server = self.hosted()
        self.assert_heard("READY=1")
        self.mood("SLOW", True)
        server.process.send_signal(signal.SIGHUP)
        self.assert_heard("RELOADING=1")
        self.assertFalse(until(lambda: self.manager.count("READY=1") > 1, 1))
        self.assertEqual(server.get("/ready").status, 200, "the old one serves meanwhile")
        self.mood("SLOW", False)
        self.assertTrue(until(lambda: self.manager.count("READY=1") == 2))


def serving_state(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


if __name__ == "__main__":
    unittest.main(verbosity=2)
