#!/usr/bin/env python3
"""What GET / tells with includeVRAM or includeRuntime, and the figures of /metrics."""
import unittest

from gpu_service import GIB, MIB, STATUS_SECONDS, GpuTest, in_background, until

TOTAL = 24 * GIB
HEADROOM = round(TOTAL * 0.1)
DEVICE_FIELDS = {"id": int, "name": str, "uuid": str, "total_memory_gb": (int, float), "available_memory_gb": (int, float), "total_bytes": int, "free_bytes": int, "reserved_bytes": int,
                 "available_bytes": int, "headroom_bytes": int, "unattributed_bytes": int, "resident": list, "sample_age_ms": int, "state": str}


class Status(GpuTest):
    def test_the_shape_of_runtime_gpu(self):
        self.simulated("sim:24GiB,sim:16GiB")
        app = self.app()
        for query in ("includeVRAM=true", "includeRuntime=true", "includeVRAM=true&pretty=true", "includeVRAM=1"):
            answer = self.assert_ok(app.get("/?" + query)).json
            gpu = answer["runtime"]["gpu"]
            self.assertEqual(list(gpu), ["available", "ledger_scope", "devices"])
            self.assertEqual((gpu["available"], gpu["ledger_scope"]), (True, "host"))
            self.assertEqual([(d["id"], d["name"], d["uuid"], d["total_bytes"]) for d in gpu["devices"]],
                             [(0, "Simulated GPU", "SIM-0-%d" % TOTAL, TOTAL), (1, "Simulated GPU", "SIM-1-%d" % (16 * GIB), 16 * GIB)])
            for device in gpu["devices"]:
                self.assertEqual(list(device), list(DEVICE_FIELDS))
                for name, kind in DEVICE_FIELDS.items():
                    self.assertIsInstance(device[name], kind, name)
                    self.assertNotIsInstance(device[name], bool)
                self.assertEqual(device["total_memory_gb"], round(device["total_bytes"] / GIB, 2))
                self.assertEqual(device["available_memory_gb"], round(device["available_bytes"] / GIB, 2))
                self.assertEqual(device["state"], "ok")
                self.assertLess(device["sample_age_ms"], 5000)
            plain = app.get("/").json
            self.assertNotIn("runtime", plain)
            self.assertEqual({k: v for k, v in answer.items() if k != "runtime"}, plain)

    def test_a_start_logs_the_devices_the_ledger_and_where_profiles_lie(self):
        self.simulated("sim:24GiB,sim:16GiB")
        for more in ([], ["--executor", "isolated"]):
            app = self.app(*more, "--headroom", "2GiB")
            [line] = app.lines("GPU 0 Simulated GPU (24.00 GiB, headroom 2.00 GiB), GPU 1 Simulated GPU (16.00 GiB, headroom 2.00 GiB)")
            self.assertIn("; ledger %s" % self.environment["CLAMS_VRAM_DIR"], line)
            self.assertIn("; what runs need is kept in %s" % self.environment["CLAMS_PROFILE_DIR"], line)
            self.assertIsNone(app.stop())

    def test_without_being_asked_nothing_is_told(self):
        self.simulated()
        app = self.app()
        for query in ("", "?includeVRAM=false", "?includeRuntime=False", "?pretty=true"):
            self.assertNotIn("runtime", app.get("/" + query).json)

    def test_without_a_gpu(self):
        app = self.app()
        gpu = app.runtime()["gpu"]
        self.assertEqual((gpu["available"], gpu["devices"], gpu["reason"]), (False, [], "no_gpu"))
        self.assertEqual(self.app("--gpu", "none").runtime()["gpu"]["reason"], "disabled")

    def test_figures_while_requests_run(self):
        self.simulated()
        app, other = self.app("--threads", "2"), self.app()
        idle = app.device()
        self.assertEqual((idle["free_bytes"], idle["reserved_bytes"], idle["available_bytes"], idle["headroom_bytes"], idle["unattributed_bytes"], idle["resident"]),
                         (TOTAL, 0, TOTAL - HEADROOM, HEADROOM, 0, []))
        app.hold(bytes=4 * GIB, allocate=3 * GIB)
        other.hold(bytes=5 * GIB, allocate=GIB)
        self.assertTrue(until(lambda: all(one.device()["free_bytes"] == TOTAL - 4 * GIB for one in (app, other))), app.device())
        for one in (app.device(), other.device()):
            # Not taken yet: 1 GiB here, 4 GiB there.
            self.assertEqual((one["reserved_bytes"], one["available_bytes"], one["unattributed_bytes"]), (9 * GIB, TOTAL - 9 * GIB - HEADROOM, 0))
        self.end_holds(app)
        self.end_holds(other)

    def test_memory_of_strangers_is_unattributed(self):
        gpu = self.fake()
        gpu.device(others="5GiB")
        app = self.app()
        one = app.device()
        self.assertEqual((one["free_bytes"], one["unattributed_bytes"], one["available_bytes"]), (19 * GIB, 5 * GIB, 19 * GIB - HEADROOM))

    def test_available_is_what_one_request_gets(self):
        gpu = self.fake()
        gpu.device(others="5GiB")
        app = self.app()
        self.assert_ok(app.post(bytes=MIB))  # its context is charged from now on
        room = app.device()["available_bytes"]
        self.assertEqual(app.post(bytes=room + 1).status, 503)
        self.assert_ok(app.post(bytes=room))

    def test_pages_answer_while_every_thread_is_busy(self):
        self.simulated()
        app = self.app("--threads", "1")
        held = app.hold(bytes=GIB)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == GIB))
        queued = in_background(lambda: app.post(bytes=GIB))
        for path in ("/", "/?includeVRAM=true", "/health", "/metrics"):
            self.assertLess(self.assert_ok(app.get(path)).seconds, STATUS_SECONDS)
        self.assertFalse(held.done())
        self.end_holds(app)
        self.assert_ok(queued.result())

    def test_health(self):
        self.simulated()
        app = self.app()
        metadata = app.get("/").json
        self.assertEqual(app.get("/health").json, {"status": "ok", "app": metadata["identifier"], "version": metadata["app_version"]})


class Metrics(GpuTest):
    def test_bytes_and_decisions(self):
        self.simulated()
        app = self.app("--threads", "3")
        uuid = "SIM-0-%d" % TOTAL

        def gauge(kind):
            return app.metrics()['clams_gpu_memory_bytes{device="%s",kind="%s"}' % (uuid, kind)]
        self.assertEqual({kind: gauge(kind) for kind in ("total", "free", "reserved", "resident", "unattributed", "available")},
                         {"total": TOTAL, "free": TOTAL, "reserved": 0, "resident": 0, "unattributed": 0, "available": TOTAL - HEADROOM})
        app.hold(bytes=20 * GIB, allocate=2 * GIB)
        self.assertTrue(until(lambda: gauge("reserved") == 20 * GIB and gauge("free") == 22 * GIB))
        self.assertEqual(gauge("available"), TOTAL - 20 * GIB - HEADROOM)
        self.assertEqual([app.post(bytes=6 * GIB).status, app.post(bytes=60 * GIB).status], [503, 507])
        self.end_holds(app)
        found = app.metrics()
        self.assertEqual({k[len('clams_gpu_decisions_total{outcome="'):-2]: v for k, v in found.items() if k.startswith("clams_gpu_decisions_total")},
                         {"granted": 1, "observed": 0, "unknown": 0, "probe_run": 0, "uncharged": 0, "refused": 1, "impossible": 1, "refused_unknown": 0})
        self.assertEqual([found['clams_requests_total{method="POST",status="%d"}' % status] for status in (200, 503, 507)], [1, 1, 1])
        self.assertEqual(found['clams_gpu_known{device="%s"}' % uuid], 1)

    def test_available_never_promises_what_the_headroom_of_this_server_keeps(self):
        self.simulated()
        app = self.app("--headroom", "50%")
        self.assertEqual(app.metrics()['clams_gpu_memory_bytes{device="SIM-0-%d",kind="available"}' % TOTAL], app.device()["available_bytes"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
