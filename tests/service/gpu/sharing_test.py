#!/usr/bin/env python3
"""Several apps on one card: nobody disturbs anybody, together they never hold more than the headroom leaves, and the dead give back."""
import os
import random
import shutil
import signal
import time
import unittest

from gpu_service import BIN, CORES, DEATH_SECONDS, GIB, MIB, REFUSAL_SECONDS, App, GpuTest, at_once, highest_sum, in_background, until

TOTAL = 24 * GIB


class SideBySide(GpuTest):
    def check_undisturbed(self, end_other):
        one, other = self.app(name="one"), self.app(name="other")
        mine = one.hold(bytes=8 * GIB, allocate=8 * GIB, model="mine")
        other.hold(bytes=8 * GIB, allocate=8 * GIB, model="theirs")
        self.assertTrue(until(lambda: one.device()["reserved_bytes"] >= 16 * GIB and one.device()["free_bytes"] <= 8 * GIB), one.device())
        end_other(other)
        self.assertTrue(until(lambda: one.device()["reserved_bytes"] < 16 * GIB, DEATH_SECONDS), one.device())
        during = one.device()
        self.assertFalse(mine.done())
        self.assertGreaterEqual(during["reserved_bytes"], 8 * GIB)
        self.assertLessEqual(during["free_bytes"], TOTAL - 8 * GIB)
        [answer] = self.end_holds(one)
        self.assertEqual(answer.result["allocated"], 8 * GIB)
        self.assertTrue(until(lambda: one.device()["free_bytes"] == TOTAL, DEATH_SECONDS))

    def test_cleanup_of_one_app_leaves_the_memory_of_the_other_alone_on_simulated_devices(self):
        self.simulated()
        self.check_undisturbed(self.end_holds)

    def test_cleanup_of_one_app_leaves_the_memory_of_the_other_alone_on_the_fake_driver(self):
        self.fake().device(context="300MiB")
        self.check_undisturbed(self.end_holds)

    def test_sigkill_of_one_app_leaves_the_memory_of_the_other_alone_on_simulated_devices(self):
        self.simulated()
        self.check_undisturbed(App.kill)

    def test_sigkill_of_one_app_leaves_the_memory_of_the_other_alone_on_the_fake_driver(self):
        self.fake().device(context="300MiB")
        self.check_undisturbed(App.kill)

    def test_an_app_that_stops_in_good_order_leaves_nothing_behind(self):
        self.simulated()
        one, other = self.app(), self.app()
        self.assert_ok(other.post(bytes=4 * GIB, allocate=4 * GIB))
        self.assertIsNone(other.stop())
        self.assertEqual(one.device()["reserved_bytes"], 0)
        self.assert_ok(one.post(bytes=21 * GIB, allocate=21 * GIB))


class Capacity(GpuTest):
    def test_as_many_requests_as_cores_but_at_most_four_run_at_once_on_a_gpu(self):
        self.simulated()
        self.check_at_once(self.app(), 10, min(4, CORES))

    def check_at_once(self, app, requests, wanted):
        """So many run at once, and no more however long they last."""
        for _ in range(requests):
            app.hold(bytes=GIB)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == wanted * GIB), app.device())
        self.assertTrue(until(lambda: app.metrics()["clams_requests_queued"] == requests - wanted), app.metrics())
        self.assertEqual(app.device()["reserved_bytes"], wanted * GIB)
        spans = [(a.result["granted_at_ns"], a.result["released_at_ns"], 1) for a in self.end_holds(app)]
        self.assertEqual(highest_sum(spans), wanted)

    def test_more_run_at_once_when_threads_says_so(self):
        self.simulated()
        self.check_at_once(self.app("--threads", "6"), 6, 6)

    def check_sum(self, servers, contexts):
        room = TOTAL - TOTAL // 10
        draw = random.Random(4)
        sizes = [draw.choice((1, 2, 3, 5, 7, 9)) * GIB + draw.randrange(MIB) for _ in range(30)]

        def insist(app, size):
            while True:
                answer = app.post(bytes=size, allocate=size, hold_ms=150)
                if answer.status != 503:
                    return answer
                self.assertEqual(answer.json["code"], "INSUFFICIENT_GPU_MEMORY")
                time.sleep(0.05)
        answers = at_once([lambda i=i, s=s: insist(servers[i % len(servers)], s) for i, s in enumerate(sizes)])
        spans = [(r["granted_at_ns"], r["released_at_ns"], r["bytes"]) for r in (self.assert_ok(a).result for a in answers)]
        self.assertEqual(sorted(amount for _, _, amount in spans), sorted(sizes))
        self.assertLessEqual(highest_sum(spans), room - contexts)
        # That nothing was refused for ever is no proof: they did run beside each other.
        self.assertGreater(highest_sum(spans), max(sizes))
        for app in servers:
            self.assertEqual(app.lines("ran out of GPU memory"), [])

    def test_requests_of_several_processes_never_exceed_what_the_headroom_leaves_on_simulated_devices(self):
        self.simulated()
        self.check_sum([self.app() for _ in range(3)], 0)

    def test_requests_of_several_processes_never_exceed_what_the_headroom_leaves_on_the_fake_driver(self):
        self.fake().device(context="300MiB")
        self.check_sum([self.app() for _ in range(3)], 0)

    def test_the_largest_headroom_of_the_living_counts_for_everyone(self):
        self.simulated()
        modest, careful = self.app("--headroom", "1GiB"), self.app("--headroom", "50%")
        self.assert_ok(careful.post(bytes=GIB))
        refused = modest.post(bytes=13 * GIB)
        self.assertEqual(refused.status, 503 if refused.json["code"] == "INSUFFICIENT_GPU_MEMORY" else 507, refused)
        self.assertEqual(refused.json["headroom_bytes"], 12 * GIB)
        self.assertIsNone(careful.stop())
        self.assertTrue(until(lambda: modest.post(bytes=13 * GIB).status == 200, DEATH_SECONDS))


class Deaths(GpuTest):
    def check_return(self):
        one, other = self.app(), self.app()
        other.hold(bytes=20 * GIB, allocate=20 * GIB)
        self.assertTrue(until(lambda: one.device()["free_bytes"] <= 4 * GIB))
        self.assertEqual(one.post(bytes=10 * GIB).status, 503)
        other.kill()
        self.assertTrue(until(lambda: one.post(bytes=10 * GIB, allocate=10 * GIB).status == 200, DEATH_SECONDS))
        self.assertTrue(until(lambda: one.device()["reserved_bytes"] <= 512 * MIB, DEATH_SECONDS), one.device())

    def test_the_bytes_of_a_killed_server_are_back_in_time_on_simulated_devices(self):
        self.simulated()
        self.check_return()

    def test_the_bytes_of_a_killed_server_are_back_in_time_on_the_fake_driver(self):
        self.fake().device(context="300MiB")
        self.check_return()

    def test_the_bytes_of_a_killed_server_that_never_allocated_are_back_in_time(self):
        self.simulated()
        one, other = self.app(), self.app()
        other.hold(bytes=20 * GIB)
        self.assertTrue(until(lambda: one.device()["reserved_bytes"] == 20 * GIB))
        other.kill()
        self.assertTrue(until(lambda: one.post(bytes=10 * GIB).status == 200, DEATH_SECONDS))

    def test_a_stopped_process_blocks_nobody(self):
        self.simulated()
        one, other = self.app(), self.app()
        other.hold(bytes=8 * GIB, allocate=8 * GIB)
        self.assertTrue(until(lambda: one.device()["free_bytes"] <= 16 * GIB))
        os.kill(other.pid, signal.SIGSTOP)
        for _ in range(5):
            self.assertLess(self.assert_ok(one.post(bytes=4 * GIB, allocate=4 * GIB)).seconds, REFUSAL_SECONDS)
        refused = one.post(bytes=20 * GIB)
        self.assertEqual(refused.status, 503)
        self.assertLess(refused.seconds, REFUSAL_SECONDS)
        self.assertEqual(one.device()["reserved_bytes"], 8 * GIB)
        os.kill(other.pid, signal.SIGCONT)
        self.end_holds(other)
        self.assertTrue(until(lambda: one.device()["reserved_bytes"] == 0, DEATH_SECONDS))

    def test_a_process_stopped_at_any_moment_of_deciding_blocks_nobody(self):
        self.simulated()
        one, other = self.app(), self.app()
        flow = in_background(lambda: [other.post(bytes=GIB).status for _ in range(200)])
        for _ in range(12):
            os.kill(other.pid, signal.SIGSTOP)
            self.assertLess(self.assert_ok(one.post(bytes=GIB)).seconds, REFUSAL_SECONDS)
            os.kill(other.pid, signal.SIGCONT)
            time.sleep(0.005)
        self.assertEqual(set(flow.result()), {200})
        self.assertEqual(one.device()["reserved_bytes"], 0)


class Users(GpuTest):
    def test_two_users_share_one_directory(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            print("not possible here: only root with setpriv can start an app as another user")
            return
        self.simulated()
        # As deploy/ makes /run/vram: a directory of a group that both users have.
        group = 65534
        os.mkdir(self.vram_dir)
        os.chown(self.vram_dir, 0, group)
        os.chmod(self.vram_dir, 0o2770)
        programs = os.path.join(self.path, "bin")
        os.mkdir(programs)
        shutil.copy(os.path.join(BIN, "clams-vram-demo"), programs)
        for first, second in ((None, "65534"), ("65534", None)):
            with self.subTest(first=first):
                apps = []
                for user in (first, second):
                    prefix = ["setpriv", "--reuid", user, "--regid", str(group), "--clear-groups", "--"] if user else []
                    profiles = os.path.join(self.path, "profiles-of-%s-%d" % (user, self.number()))
                    apps.append(self.app(prefix=prefix, program=os.path.join(programs, "clams-vram-demo"), environment={"CLAMS_PROFILE_DIR": profiles}))
                apps[0].hold(bytes=15 * GIB, allocate=15 * GIB)
                self.assertTrue(until(lambda: apps[1].device()["reserved_bytes"] == 15 * GIB), apps[1].runtime())
                refused = apps[1].post(bytes=10 * GIB)
                self.assertEqual(refused.status, 503, refused)
                self.assertEqual(refused.json["reserved_bytes"], 15 * GIB)
                self.end_holds(apps[0])
                self.assert_ok(apps[1].post(bytes=10 * GIB, allocate=10 * GIB))
                self.assertEqual([app.device()["state"] for app in apps], ["ok", "ok"])
                self.assertEqual([app.stop() for app in apps], [None, None])
                for name in os.listdir(self.vram_dir):
                    os.unlink(os.path.join(self.vram_dir, name))


if __name__ == "__main__":
    unittest.main(verbosity=2)
