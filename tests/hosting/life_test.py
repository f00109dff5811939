"""Signals, deaths and hangs of the front and its workers."""
import http.client
import os
import signal
import unittest

from hosted import BODY, PATIENCE, SOURCE, HostingTest, alive, in_background, processes, stat_of, until

ODD = SOURCE / "bindings" / "python" / "tests" / "apps" / "odd" / "app.py"
GONE_SECONDS = 60  # long before what the workers hold would end by itself


def group_of(pid):
    fields = stat_of(pid)
    return int(fields[2]) if fields else None


class Life(HostingTest):
    def odd(self, *flags, **more):
        return self.serve(ODD, "--production", *flags, **more)

    def test_sigterm_lets_a_running_request_finish(self):
        server = self.odd("--workers", "1")
        running = self.begin(server, do="hold")
        self.told_to_stop(server)
        server.release()
        self.assert_ok(running.result(PATIENCE))
        self.assertEqual(server.wait(), 0)
        server.ended = True

    def told_to_stop(self, server):
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: "stopping:" in server.output()), server.output())

    def test_a_second_sigterm_ends_at_once(self):
        server = self.odd("--workers", "1", "--drain-timeout", "10m")
        running = self.begin(server, do="hold")
        workers = server.workers()
        self.told_to_stop(server)
        server.process.send_signal(signal.SIGTERM)
        self.assertIsNotNone(server.wait(), "it still runs")
        server.ended = True
        self.assertTrue(until(lambda: not any(map(alive, workers)), GONE_SECONDS))
        try:
            self.assertGreaterEqual(running.result(PATIENCE).status, 500)
        except (OSError, http.client.HTTPException):
            pass  # who ends it by force may cut its connections

    def test_a_request_that_does_not_end_in_time_is_answered_when_draining_is_over(self):
        server = self.odd("--workers", "1", "--drain-timeout", "1s")
        running = self.begin(server, do="hold")
        self.assertIsNotNone(server.terminate())
        server.ended = True
        answer = running.result(PATIENCE)
        self.assertIn(answer.status, (500, 503), answer)
        self.assertIn("error", answer.json)

    def test_sighup_replaces_the_workers_without_losing_a_request(self):
        server = self.odd("--workers", "1")
        old = server.workers()
        running = self.begin(server, do="hold")
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: len(server.workers()) == 2), "no successor comes: " + server.output())
        waiting = [in_background(server.post) for _ in range(5)]
        server.release()
        for answer in waiting:
            self.assert_ok(answer.result(PATIENCE))
        self.assert_ok(running.result(PATIENCE))
        self.assertTrue(until(lambda: server.workers() and not set(server.workers()) & set(old)), "the old workers stay")
        self.assert_ok(server.post())

    def test_sighup_serves_the_changed_app(self):
        path = self.app_file(ODD.read_text())
        with open(os.path.join(os.path.dirname(path), "note.txt"), "w", encoding="utf-8") as f:
            f.write("before")
        server = self.serve(path, "--workers", "1")
        self.assertIn(b'"before"', self.assert_ok(server.post()).body)
        with open(os.path.join(os.path.dirname(path), "note.txt"), "w", encoding="utf-8") as f:
            f.write("after")
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: b'"after"' in server.post().body))

    def test_workers_and_what_they_forked_are_gone_after_the_front_was_killed(self):
        server = self.odd("--workers", "2")
        # One worker hangs in native code that holds the interpreter's lock.
        self.begin(server, do="hold-the-lock", number=600000)
        self.assert_ok(server.post())
        groups = set(server.workers())
        self.assertEqual(len(groups), 2)
        server.kill()

        def left():
            return [pid for pid in processes() if group_of(pid) in groups and alive(pid)]

        self.assertTrue(until(lambda: not left(), GONE_SECONDS), left())

    def test_a_worker_that_is_killed_gives_a_clear_answer_and_the_next_request_works(self):
        server = self.odd("--workers", "1")
        answer = server.post(do="die")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (500, "application/json"))
        self.assertEqual(answer.json["code"], "WORKER_DIED")
        self.assertIn("signal", answer.json["error"])
        self.assert_ok(server.post())
        self.assertEqual(server.zombies(), [])

    def test_a_request_whose_worker_was_killed_runs_once_more_when_it_may(self):
        server = self.odd("--workers", "1", "--rerun")
        running = self.begin(server, do="hold")
        [worker] = server.workers()
        os.kill(worker, signal.SIGKILL)
        server.release()
        self.assert_ok(running.result(PATIENCE))
        self.assertIn("runs once more", server.output())
        # Once, and no more.
        self.assertEqual(server.post(do="die").json["code"], "WORKER_DIED")

    def test_a_worker_that_grows_is_replaced_after_its_request(self):
        server = self.odd("--workers", "1", "--worker-growth", "64MiB")
        self.assert_ok(server.post(do="keep", number=1))
        first = server.workers()
        self.assert_ok(server.post(do="keep", number=10))
        self.assertEqual(server.workers(), first)
        self.assert_ok(server.post(do="keep", number=100))
        self.assert_ok(server.post(do="keep", number=1))
        self.assertTrue(until(lambda: not set(first) & set(server.workers())), "the old worker stays")
        self.assertIn("its memory grew by", server.output())
        self.assertIn("(limit 64 MiB)", server.output())

    def test_a_worker_killed_from_outside_while_it_works(self):
        server = self.odd("--workers", "2")
        running = self.begin(server, do="hold")
        self.assert_ok(server.post())  # now both are there
        before = server.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        self.assertTrue(until(lambda: not any(map(alive, before)), GONE_SECONDS))
        # Whether or not the front knows of it by now: what no worker has read is no worker's loss.
        self.assert_ok(server.post())
        self.assertEqual(running.result(PATIENCE).json["code"], "WORKER_DIED")
        self.assertFalse(set(before) & set(server.workers()))

    def test_a_request_beyond_its_time_is_answered_and_others_are_served(self):
        server = self.odd("--workers", "2", "--request-timeout", "10s")
        hanging = self.begin(server, do="hold-the-lock", number=600000)
        # The first of them may have to wait for the other worker, which still starts.
        self.assertTrue(until(lambda: server.post().status == 200), server.output())
        for _ in range(3):
            self.assert_ok(server.post())
        answer = hanging.result(PATIENCE)
        self.assertEqual((answer.status, answer.json["code"]), (504, "REQUEST_TIMEOUT"), answer)
        self.assert_ok(server.post())

    def test_a_client_that_leaves_disturbs_nobody(self):
        server = self.odd("--workers", "1")
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        client.request("POST", "/?do=hold", BODY)
        self.assertTrue(until(lambda: server.begun() == 1), server.output())
        client.close()
        server.release()
        self.assert_ok(server.post())
        self.assertEqual(len(server.workers()), 1)

    def test_the_front_answers_while_every_worker_is_busy(self):
        server = self.odd("--workers", "1")
        running = self.begin(server, do="hold")
        for path in ("/", "/?includeVRAM=true", "/health", "/metrics"):
            self.assert_ok(server.get(path))
        self.assertFalse(running.done(), "the worker was not busy at all")
        server.release()
        self.assert_ok(running.result(PATIENCE))

    def test_there_are_as_many_workers_as_wanted_and_at_most_two_more_processes(self):
        server = self.odd("--workers", "3")
        running = [self.begin(server, do="hold") for _ in range(3)]
        self.assertEqual(len(server.workers()), 3)
        server.release()
        for answer in running:
            self.assert_ok(answer.result(PATIENCE))
        self.assertEqual(len(server.workers()), 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
