"""Apps that print, exit, fork, change directory and set signal handlers: none of it may disturb other requests."""
import os
import signal
import unittest

from hosted import APPS, SOURCE, HostingTest, alive, descriptors_of, until

ODD = SOURCE / "bindings" / "python" / "tests" / "apps" / "odd" / "app.py"
GONE_SECONDS = 60  # what is left behind would sleep for 600


class CarelessApps(HostingTest):
    def careless(self, *flags):
        return self.serve(APPS / "careless" / "app.py", "--workers", "1", *flags)

    def assert_serves_on(self, server):
        self.assert_ok(server.post())
        self.assertEqual(server.zombies(), [])

    def test_megabytes_of_output_are_cut_and_answers_go_on(self):
        server = self.careless()
        self.assertEqual(self.assert_ok(server.post(do="megabytes")).result, "printed")
        self.assert_serves_on(server)
        self.assertLess(os.path.getsize(server.log), 20_000_000, "of 40 MB nothing was left out")
        self.assertIn("hello from the top of the file", server.output())
        self.assertIn("o" * 1000, server.output())

    def test_closed_outputs(self):
        server = self.careless()
        self.assert_ok(server.post(do="close_everything"))
        self.assert_serves_on(server)

    def test_sys_exit_and_interrupts_are_answers_and_the_worker_stays(self):
        server = self.careless()
        pid = self.assert_ok(server.post()).result.split()[1]
        for do in ("exit", "interrupt", "signal_itself"):
            answer = server.post(do=do)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (500, "application/json"), do)
            self.assertEqual(answer.json["code"], "APP_FAILED", do)
        self.assertEqual(self.assert_ok(server.post()).result.split()[1], pid, "the worker was replaced without need")

    def test_grandchildren_hold_nobody_up_and_go_with_the_worker(self):
        server = self.careless()
        grandchild = int(self.assert_ok(server.post(do="grandchildren")).result)
        self.assertTrue(alive(grandchild))
        self.assertEqual([d for d in descriptors_of(grandchild) if d.startswith("socket:")], [], "it inherited the worker's socket")
        self.assert_serves_on(server)
        [worker] = server.workers()
        os.kill(worker, signal.SIGKILL)
        self.assertTrue(until(lambda: not alive(grandchild), GONE_SECONDS), "what a dead worker forked lives on")
        self.assert_serves_on(server)

    def test_an_ignored_sigterm_keeps_no_worker_alive(self):
        server = self.careless()
        self.assert_ok(server.post())
        [worker] = server.workers()
        self.assertEqual(server.terminate(), 0)
        server.ended = True
        self.assertFalse(alive(worker))

    def test_a_changed_directory_does_not_reach_the_next_request(self):
        server = self.serve(ODD, "--workers", "1")
        home = self.assert_ok(server.post(do="where")).result
        self.assert_ok(server.post(do="chdir"))
        self.assertEqual(self.assert_ok(server.post(do="where")).result, home)

    def test_handlers_and_alarms_of_the_app(self):
        server = self.serve(ODD, "--workers", "1")
        worker = int(self.assert_ok(server.post(do="handler")).result)
        os.kill(worker, signal.SIGUSR1)
        os.kill(worker, signal.SIGTERM)
        self.assert_ok(server.post(do="alarm"))
        self.assertEqual(int(self.assert_ok(server.post(do="handler")).result), worker)

    def test_the_apps_own_arguments_arrive(self):
        server = self.serve(ODD, "--workers", "1", arguments=["--production", "--taste", "sweet and sour"])
        self.assertIn("--production --taste sweet and sour", self.assert_ok(server.post(do="where")).result)

    def test_descriptors_of_the_worker_and_the_front_do_not_grow(self):
        server = self.serve(ODD, "--workers", "1")
        for do in ("nothing", "fork", "child-descriptors"):
            server.post(do=do)
        [worker] = server.workers()
        before = len(descriptors_of(server.pid)), len(descriptors_of(worker))
        for i in range(60):
            server.post(do=("nothing", "fork", "child-descriptors", "raise", "exit")[i % 5])
        self.assertEqual(server.workers(), [worker])
        self.assertTrue(until(lambda: (len(descriptors_of(server.pid)), len(descriptors_of(worker))) <= before),
                        (before, descriptors_of(server.pid), descriptors_of(worker)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
