#!/usr/bin/env python3
"""What an app takes that says nothing about it: seen through the driver, beside the requests."""
import json
import os
import time
import unittest

from gpu_service import GIB, MIB, GpuTest, until

ENGINE = os.path.join(os.environ.get("CLAMS_BUILD", ""), "tests", "clams_gpu_engine")
CONTEXT = 300 * MIB
GUESS = 512 * MIB  # of a context that was never measured


class Silent(GpuTest):
    def setUp(self):
        super().setUp()
        self.fake().device(context="300MiB")

    def engine(self, *arguments, **more):
        return self.app(*arguments, program=ENGINE, **more)

    def stop_and_read(self, app):
        """The profiles that it leaves, by the value of allocateMB."""
        self.identifier = app.get("/").json["identifier"]
        self.assertIsNone(app.stop())
        return {profile["parameters"]["allocateMB"]: profile for profile in self.profiles().values() if profile["app"] == self.identifier}

    def listed(self):
        """Waits until the processes were listed anew: the list that was begun before the newest one has been taken note of."""
        before = self.gpu.listings()
        self.assertTrue(until(lambda: self.gpu.listings() > before + 3), "nobody lists processes")  # three kinds a time

    def facts(self):
        for folder, _, files in os.walk(self.profile_dir):
            if "app.json" in files:
                with open(os.path.join(folder, "app.json"), encoding="utf-8") as f:
                    return json.load(f)
        return {"contexts": []}

    def source(self, answer):
        self.assert_ok(answer)
        return next(a["properties"]["text"]["@value"] for v in answer.json["views"] for a in v.get("annotations", []) if "text" in a["properties"])

    def test_a_long_run_is_measured_by_the_driver_s_list_of_this_process(self):
        app = self.engine()
        self.assertEqual(self.source(app.post(allocateMB=2048, holdMs=4600)), "conservative")
        self.assertEqual(self.source(app.post(allocateMB=2048, holdMs=4600)), "learned")
        profile = self.stop_and_read(app)[2048]
        self.assertEqual(profile["cold"][0]["by"], "process")
        # The context was guessed: charged together the two are what was seen.
        self.assertEqual(profile["peak_bytes"] + GUESS, 2 * GIB + CONTEXT)

    def test_a_short_run_is_measured_by_the_growth_of_the_device(self):
        app = self.engine()
        self.assertEqual(self.source(app.post(allocateMB=2048, holdMs=500)), "conservative")
        self.assertEqual(self.gpu.listings(), 0)
        self.assertEqual(self.source(app.post(allocateMB=2048, holdMs=500)), "learned")
        profile = self.stop_and_read(app)[2048]
        self.assertEqual((profile["cold"][0]["by"], profile["peak_bytes"] + GUESS), ("device", 2 * GIB + CONTEXT))
        # The second run is a warm one: the process had a context.
        self.assertEqual(profile["warm_bytes"], 2 * GIB)

    def test_growth_of_the_device_while_others_move_is_not_taken_for_clean(self):
        app, other = self.engine("--first-share", "50%"), self.app()
        app.hold("holdMs", allocateMB=2048)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] > 0))
        # It fits beside the conservative share.
        other.hold(bytes=256 * MIB, allocate=256 * MIB)
        self.seen_by_the_meter()
        self.end_holds(other)
        self.end_holds(app)
        profile = self.stop_and_read(app)[2048]
        self.assertEqual((profile["peak_bytes"], profile["contended"], profile["runs"]), (0, 1, 0))

    def seen_by_the_meter(self):
        """Waits until the device was read twice anew, so that one reading began after this call and has ended."""
        def read():
            return sum(count for name, count in self.gpu.calls().items() if "GetMemoryInfo" in name)
        before = read()
        self.assertTrue(until(lambda: read() >= before + 3), "nobody reads the device")

    def test_two_runs_at_once_are_not_told_apart(self):
        app = self.engine("--first-share", "20%", "--threads", "2")
        for size in (1024, 1025):
            app.hold("holdMs", allocateMB=size)
        self.assertTrue(until(lambda: app.metrics()["clams_requests_running"] == 2))
        self.seen_by_the_meter()
        self.end_holds(app)
        for profile in self.stop_and_read(app).values():
            self.assertEqual((profile["contended"], profile["runs"]), (1, 0))

    def test_memory_that_others_give_back_meanwhile_is_not_taken_for_clean(self):
        self.gpu.device(context="300MiB", others="1GiB")
        app = self.engine()
        app.hold("holdMs", allocateMB=512)
        self.assertTrue(until(lambda: app.device()["free_bytes"] < 23 * GIB - 512 * MIB))
        self.seen_by_the_meter()
        self.gpu.device(context="300MiB", others="1MiB")
        self.seen_by_the_meter()
        self.end_holds(app)
        profile = self.stop_and_read(app)[512]
        self.assertEqual(profile["runs"], 0)

    def test_what_is_stated_counts_before_what_the_driver_shows(self):
        app = self.engine()
        self.assert_ok(app.post(allocateMB=2048, holdMs=300, tell="true"))
        profile = self.stop_and_read(app)[2048]
        self.assertEqual((profile["cold"][0]["by"], profile["peak_bytes"]), ("allocator", 2 * GIB))

    def test_the_context_is_measured_where_memory_is_stated_and_charged_from_then_on(self):
        app = self.engine()
        app.hold("holdMs", allocateMB=1024, keepMB=1, tell="true")
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] >= GUESS))
        self.listed()
        self.end_holds(app)
        self.assertEqual(app.device()["reserved_bytes"], CONTEXT)
        self.assertIsNone(app.stop())
        [context] = self.facts()["contexts"]
        self.assertEqual((context["device"], context["driver"], context["bytes"]), ("Fake GPU", "nvml 570.124.06", [CONTEXT]))
        # The next process is charged what was learned.
        app = self.engine()
        self.assert_ok(app.post(allocateMB=1, tell="true"))
        self.assertEqual(app.device()["reserved_bytes"], CONTEXT)

    def test_a_context_that_changed_with_the_driver_is_measured_anew(self):
        app = self.engine()
        app.hold("holdMs", allocateMB=1024, tell="true")
        self.listed()
        self.end_holds(app)
        self.assertIsNone(app.stop())
        self.gpu.device_lines.append("driver_version 999.1")
        self.gpu.write()
        app = self.engine()
        self.assert_ok(app.post(allocateMB=1, tell="true"))
        self.assertEqual(app.device()["reserved_bytes"], GUESS)

    def test_what_a_process_holds_by_itself_is_not_counted_twice(self):
        # Nothing fits beside it if its 6 GiB count as used and as promised.
        self.gpu.device(context="300MiB", others="4GiB")
        app, other = self.engine("--first-share", "50%"), self.app()
        held = app.hold("holdMs", allocateMB=6144)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] >= 12 * GIB))
        self.assertTrue(until(lambda: other.post(bytes=4 * GIB, hold_ms=1).status == 200))
        self.assertFalse(held.done())
        self.end_holds(app)

    def test_processes_are_listed_at_most_once_in_two_seconds_and_only_while_requests_run(self):
        app = self.engine()
        begin = time.monotonic()
        self.assert_ok(app.post(allocateMB=64, holdMs=5000, tell="true"))
        took = time.monotonic() - begin
        # Up to three lists (compute, graphics, MPS) a time.
        self.assertTrue(0 < self.gpu.listings() <= 3 * (1 + took / 2), self.gpu.calls())
        before = self.gpu.listings()
        time.sleep(2.5)
        self.assertEqual(self.gpu.listings(), before)

    def test_listings_that_hang_or_fail_disturb_no_request(self):
        for rule in ("hang nvmlDeviceGet*RunningProcesses* 300000", "error nvmlDeviceGet*RunningProcesses* 999", "error nvmlDeviceGetComputeRunningProcesses* 999",
                     "hang nvmlDeviceGetComputeRunningProcesses* 300000"):
            with self.subTest(rule=rule):
                self.gpu.rule(rule)
                app = self.engine()
                self.assert_ok(app.post(allocateMB=1024, holdMs=2600))
                self.assert_ok(app.post(allocateMB=1024, holdMs=0))
                self.gpu.rule()
                self.assertIsNone(app.stop())

    def test_a_driver_that_hangs_in_the_middle_of_a_run_disturbs_no_request(self):
        app = self.engine()
        app.hold("holdMs", allocateMB=1024)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] > 0))
        self.gpu.rule("hang nvmlDevice* 300000")
        time.sleep(0.5)  # some readings are begun and hang
        self.end_holds(app)


if __name__ == "__main__":
    unittest.main(verbosity=2)
