#!/usr/bin/env python3
"""A driver that hangs, fails, loses its device, is old, or is not there: on the fake NVML."""
import os
import time
import unittest

from gpu_service import CORES, DRIVER_WAIT_SECONDS, GIB, HEALTH_SECONDS, PATIENCE, POLICY_SECONDS, STATUS_SECONDS, WELL_SECONDS, GpuTest, FakeGpu, at_once, until

HANG = "hang nvmlDevice* 300000"
SECOND = "GPU-22222222-2222-2222-2222-222222222222"
SLICE = "MIG-33333333-3333-3333-3333-333333333333"


class Trouble(GpuTest):
    def begin_lines(self, app):
        return [line for line in app.lines("warning") if "GPU" in line and "Insufficient" not in line and "again" not in line]

    def check_pages(self, app):
        self.assertLess(self.assert_ok(app.get("/health")).seconds, HEALTH_SECONDS)
        for path in ("/", "/?includeVRAM=true", "/?includeRuntime=true", "/metrics"):
            self.assertLess(self.assert_ok(app.get(path)).seconds, STATUS_SECONDS)

    def check_policy_allow(self, rule):
        """Requests flow from the first moment, nobody waits longer than a second, one line tells the begin and one the end."""
        gpu = self.fake()
        app = self.app()
        self.assert_ok(app.post(bytes=GIB))
        gpu.rule(rule)
        begin, answers = time.monotonic(), []
        # Until the last good sample is too old to stand in, and on.
        while time.monotonic() < begin + 8:
            self.check_pages(app)
            answers.append(self.assert_ok(app.post(bytes=GIB)))
            self.assertLess(answers[-1].seconds, DRIVER_WAIT_SECONDS)
            time.sleep(0.2)
        self.assertEqual(app.device()["state"], "unknown")
        self.assertEqual(app.metrics()['clams_gpu_known{device="%s"}' % gpu.UUID], 0)
        # What would be refused on good figures is let through, charged, and said so.
        self.assert_ok(app.post(bytes=20 * GIB))
        self.assertGreater(app.metrics()['clams_gpu_decisions_total{outcome="unknown"}'], 0)
        told = self.begin_lines(app)
        self.assertEqual(len(told), 1, told)
        self.assertRegex(told[0], "nvml|gpu")
        gpu.device(others="20GiB")
        gpu.rule()
        self.assertTrue(until(lambda: app.device()["state"] == "ok" and app.device()["free_bytes"] == 4 * GIB, WELL_SECONDS), app.device())
        self.assertTrue(until(lambda: app.post(bytes=20 * GIB).status == 503, WELL_SECONDS))
        self.assertEqual(app.metrics()['clams_gpu_known{device="%s"}' % gpu.UUID], 1)
        self.assertEqual(self.begin_lines(app), told)
        self.assertEqual(len(app.lines("can be read again")), 1, app.output())

    def test_a_driver_that_hangs(self):
        self.check_policy_allow(HANG)

    def test_a_driver_that_fails(self):
        self.check_policy_allow("error nvmlDeviceGetMemoryInfo* 999")

    def test_a_device_that_is_lost(self):
        self.check_policy_allow("error nvmlDevice* 15")

    def test_threads_that_stay_stuck_do_not_keep_the_figures_away(self):
        gpu = self.fake()
        app = self.app()
        gpu.rule("hang_fixed nvmlDeviceGetMemoryInfo* 300000")
        self.assertTrue(until(lambda: app.device()["state"] != "ok"))
        gpu.device(others="20GiB")
        gpu.rule()
        self.assertTrue(until(lambda: app.device()["state"] == "ok" and app.device()["free_bytes"] == 4 * GIB, WELL_SECONDS), app.device())
        self.assertEqual(app.post(bytes=10 * GIB).status, 503)

    def test_many_requests_at_once_while_the_driver_hangs(self):
        gpu = self.fake()
        app = self.app("--threads", "4")
        gpu.rule(HANG)
        for answer in at_once([lambda: app.post(bytes=GIB) for _ in range(4)] * 2):
            self.assert_ok(answer)
            self.assertLess(answer.seconds, 2 * DRIVER_WAIT_SECONDS)  # two rounds

    def test_unknown_refuse_refuses_with_the_reason_and_recovers(self):
        gpu = self.fake()
        app = self.app("--unknown", "refuse")
        gpu.rule("error nvmlDeviceGetMemoryInfo* 999")
        answer = until(lambda: (lambda a: a if a.status != 200 else None)(app.post(bytes=GIB)), POLICY_SECONDS)
        self.assertEqual(answer.status, 503, answer)
        body = answer.json
        self.assertEqual((body["code"], body["reason"], body["model"], body["device"]), ("INSUFFICIENT_GPU_MEMORY", "driver", "demo", gpu.UUID))
        self.assertNotIn("available_bytes", body)  # unknown is not zero
        self.assertRegex(body["error"], r"^GPU memory for demo cannot be checked: .*nvmlDeviceGetMemoryInfo.* code 999 .*\. Please retry later\.$")
        self.assertIn(gpu.UUID, body["cause"])
        self.assertEqual(answer.headers["Retry-After"], str(body["retry_after"]))
        self.assertLess(answer.seconds, DRIVER_WAIT_SECONDS)
        self.assertEqual(app.metrics()['clams_gpu_decisions_total{outcome="refused_unknown"}'], 1)
        gpu.rule()
        self.assertTrue(until(lambda: app.post(bytes=GIB).status == 200, WELL_SECONDS))

    def test_a_driver_that_hangs_from_the_start_delays_nothing(self):
        gpu = self.fake()
        gpu.rule("hang nvml* 300000")
        begin = time.monotonic()
        app = self.app()
        self.assertLess(time.monotonic() - begin, PATIENCE)
        self.check_pages(app)
        answer = self.assert_ok(app.post(bytes=GIB))
        self.assertLess(answer.seconds, DRIVER_WAIT_SECONDS)
        self.assertLess(self.assert_ok(app.post(bytes=100 * GIB)).seconds, DRIVER_WAIT_SECONDS)
        gpu.rule()
        self.assertTrue(until(lambda: app.runtime()["gpu"]["devices"], WELL_SECONDS))
        self.assertTrue(until(lambda: app.post(bytes=100 * GIB).status == 507, WELL_SECONDS))
        self.assertLessEqual(len(self.begin_lines(app)), 1, app.output())

    def test_a_driver_that_fails_from_the_start_and_is_well_later(self):
        gpu = self.fake()
        gpu.rule("error nvmlDeviceGetCount_v2 999")
        app = self.app()
        self.assert_ok(app.post(bytes=100 * GIB))
        gpu.rule()
        self.assertTrue(until(lambda: app.post(bytes=100 * GIB).status == 507, WELL_SECONDS))


class Calls(GpuTest):
    def test_pages_never_touch_the_driver(self):
        gpu = self.fake()
        app = self.app()
        for path in ("/", "/health", "/metrics"):
            before, begin = gpu.calls(), time.monotonic()
            for _ in range(60):
                self.assert_ok(app.get(path))
            took, after = time.monotonic() - begin, gpu.calls()
            made = sum(after.values()) - sum(before.values())
            # The background reads a device once in 2 s, with a handful of calls, whoever asks for pages.
            self.assertLessEqual(made, 6 * (1 + took / 2), (path, before, after))
            self.assertLess(made, 60)

    def test_status_reads_the_driver_at_most_ten_times_a_second(self):
        gpu = self.fake()
        app = self.app()
        before, begin = gpu.calls(), time.monotonic()
        for _ in range(200):
            self.assertLessEqual(app.device()["sample_age_ms"], 200)  # 100, and the way to here
        took, after = time.monotonic() - begin, gpu.calls()
        made = sum(count - before.get(name, 0) for name, count in after.items() if "MemoryInfo" in name)
        self.assertLessEqual(made, 12 * (took + 1))

    def test_requests_never_list_processes(self):
        gpu = self.fake()
        gpu.device(others="12GiB", context="300MiB")
        app = self.app()
        for _ in range(25):
            self.assert_ok(app.post(bytes=GIB, allocate=GIB))
            self.assertEqual(app.post(bytes=18 * GIB).status, 503)
            self.assert_ok(app.get("/?includeVRAM=true"))
        self.assertEqual(gpu.listings(), 0, gpu.calls())

    def test_a_server_never_makes_a_context_for_a_request_that_takes_nothing(self):
        gpu = self.fake()
        app = self.app()
        self.assert_ok(app.post(bytes=GIB))
        self.assertEqual([name for name in gpu.calls() if name.startswith("cu")], [])

    def test_a_sample_behind_a_decision_is_fresh(self):
        gpu = self.fake()
        app = self.app()
        for others, status in (("23GiB", 503), ("1GiB", 200)) * 5:
            gpu.device(others=others)
            time.sleep(0.1)
            self.assertEqual(app.post(bytes=10 * GIB).status, status)


class Absent(GpuTest):
    def check_unconstrained(self, app):
        gpu = app.runtime()["gpu"]
        self.assertEqual((gpu["available"], gpu["devices"]), (False, []))
        self.assertNotEqual(gpu["reason"], "driver_error")
        for size in (0, GIB, 10 ** 15):
            result = self.assert_ok(app.post(bytes=size, allocate=size)).result
            self.assertEqual((result["device"], result["source"], result["allocated"], result["bytes"]), ("", "", 0, size))
        self.assertEqual([line for line in app.lines("warning") + app.lines("error") if "CUDA_VISIBLE_DEVICES" not in line], [])
        self.assertFalse(os.path.exists(self.profile_dir))
        self.assertEqual([name for name in app.metrics() if name.startswith("clams_gpu_memory_bytes")], [])

    def test_a_driver_path_that_does_not_exist_means_no_gpu_and_nothing_is_refused(self):
        self.check_unconstrained(self.app())

    def test_gpu_none_means_nothing_is_refused(self):
        self.fake()
        self.check_unconstrained(self.app("--gpu", "none"))

    def test_a_driver_that_is_not_loaded_means_no_gpu(self):
        self.fake()
        self.check_unconstrained(self.app(environment={"FAKE_GPU_STATE": None}))

    def test_no_visible_device_means_no_gpu(self):
        for name, value in (("CUDA_VISIBLE_DEVICES", ""), ("CUDA_VISIBLE_DEVICES", "-1"), ("NVIDIA_VISIBLE_DEVICES", "none")):
            with self.subTest(name=name, value=value):
                self.fake()
                self.check_unconstrained(self.app(environment={name: value}))

    def test_without_a_gpu_more_requests_run_at_once(self):
        app = self.app()
        self.assertIn("%d requests at once" % (2 * CORES + 1), app.output())


class Drivers(GpuTest):
    def check_counts(self, app, uuid, total):
        self.assertEqual([(d["uuid"], d["total_bytes"]) for d in app.runtime()["gpu"]["devices"]], [(uuid, total)])
        self.assertEqual(self.assert_ok(app.post(bytes=GIB)).result["device"], uuid)
        self.assertEqual(app.post(bytes=total).status, 507)

    def test_an_old_driver_without_second_versions_of_its_calls(self):
        gpu = self.fake(nvml="libfake_nvml_old.so")
        gpu.device(others="20GiB")
        app = self.app()
        self.check_counts(app, gpu.UUID, 24 * GIB)
        self.assertEqual(app.post(bytes=10 * GIB).status, 503)
        self.assertNotIn("nvmlDeviceGetMemoryInfo_v2", gpu.calls())

    def test_a_mig_slice_is_a_device_of_its_own(self):
        gpu = self.fake()
        gpu.devices({"uuid": gpu.UUID, "total": "80GiB", "mig": 1}, {"uuid": SLICE, "of": gpu.UUID, "total": "10GiB"})
        self.check_counts(self.app(), SLICE, 10 * GIB)

    def two(self):
        gpu = self.fake()
        gpu.devices({"uuid": gpu.UUID, "total": "24GiB", "pci": "0000:01:00.0"}, {"uuid": SECOND, "total": "16GiB", "pci": "0000:02:00.0"})
        return gpu

    def test_visible_device_variables_choose_devices(self):
        for name, value, uuids in (("CUDA_VISIBLE_DEVICES", "1", [SECOND]), ("CUDA_VISIBLE_DEVICES", SECOND, [SECOND]), ("CUDA_VISIBLE_DEVICES", "0,1", [FakeGpu.UUID, SECOND]),
                                   ("NVIDIA_VISIBLE_DEVICES", "all", [FakeGpu.UUID, SECOND]), ("CUDA_VISIBLE_DEVICES", "GPU-2222", [SECOND])):
            with self.subTest(name=name, value=value):
                self.two()
                devices = self.app(environment={name: value}).runtime()["gpu"]["devices"]
                self.assertEqual(sorted(d["uuid"] for d in devices), sorted(uuids))
                self.assertEqual([d["id"] for d in devices], list(range(len(uuids))))

    def test_of_two_devices_the_one_that_fits_is_taken(self):
        gpu = self.two()
        app = self.app()
        self.assertEqual(self.assert_ok(app.post(bytes=20 * GIB)).result["device"], gpu.UUID)
        gpu.devices({"uuid": gpu.UUID, "total": "24GiB", "pci": "0000:01:00.0", "others": "20GiB"}, {"uuid": SECOND, "total": "16GiB", "pci": "0000:02:00.0"})
        time.sleep(0.1)  # the age of a sample that may stand behind a decision
        self.assertEqual(self.assert_ok(app.post(bytes=10 * GIB, allocate=10 * GIB)).result["device"], SECOND)

    def test_one_of_two_devices_is_lost(self):
        gpu = self.two()
        app = self.app()
        gpu.rule("error nvmlDevice* 15 " + SECOND)
        self.assertTrue(until(lambda: app.device(1)["state"] == "unknown", POLICY_SECONDS))
        self.assertEqual(self.assert_ok(app.post(bytes=10 * GIB, allocate=10 * GIB)).result["device"], gpu.UUID)
        self.check_still_counts(app)

    def check_still_counts(self, app):
        self.assertEqual(app.device(0)["state"], "ok")

    def test_devices_of_the_driver_are_told_by_hwfetch(self):
        self.two()
        view = next(v for v in self.assert_ok(self.app().post(hwFetch="true")).json["views"] if "appProfiling" in v["metadata"])
        self.assertEqual(view["metadata"]["appProfiling"]["hardware"]["cuda"], ["Fake GPU, With 24576 MiB", "Fake GPU, With 16384 MiB"])


class Directory(GpuTest):
    def check_78(self, directory):
        self.simulated()
        app = self.app(environment={"CLAMS_VRAM_DIR": directory}, ready=False)
        self.assertEqual(app.wait(), 78)
        app.ended = True
        lines = app.output().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(directory, lines[0])

    def test_a_ledger_directory_that_is_a_file_is_a_start_error(self):
        path = os.path.join(self.path, "file")
        open(path, "w").close()
        self.check_78(path)

    def test_a_ledger_directory_below_a_file_is_a_start_error(self):
        open(os.path.join(self.path, "file"), "w").close()
        self.check_78(os.path.join(self.path, "file", "vram"))

    def test_a_ledger_directory_in_proc_is_a_start_error(self):
        self.check_78("/proc/vram")

    def test_an_unusable_ledger_directory_is_a_start_error_without_simulated_devices_too(self):
        self.fake()
        app = self.app(environment={"CLAMS_VRAM_DIR": "/proc/vram"}, ready=False)
        self.assertEqual(app.wait(), 78)
        self.assertEqual(len(app.output().splitlines()), 1)
        app.ended = True

    def test_a_ledger_directory_that_does_not_exist_yet_is_made(self):
        self.simulated()
        app = self.app(environment={"CLAMS_VRAM_DIR": os.path.join(self.path, "a", "b")})
        self.assertEqual(app.runtime()["gpu"]["ledger_scope"], "host")
        self.assert_ok(app.post(bytes=GIB))


if __name__ == "__main__":
    unittest.main(verbosity=2)
