#!/usr/bin/env python3
"""/metrics: the names and types that the guide lists, forms that Prometheus likes, and figures that are what their names say."""
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from gpu_service import GIB, GpuTest, until

TOTAL = 24 * GIB
HEADROOM = round(TOTAL * 0.1)
GUIDE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "guides" / "production.md"
MODELS = os.path.join(os.environ.get("CLAMS_BUILD", ""), "tests", "clams_gpu_models")
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")
UNITS_THAT_ARE_NO_BASE_UNITS = ("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "kilobytes", "megabytes", "gigabytes", "mib", "gib", "percent", "ms", "us", "ns", "kb", "mb", "gb")


def families(text):
    """Name to (type, help, samples as (name, labels, value))."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            found[name] = [None, words, []]
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            found[name][0] = kind
        elif line:
            name, labels, value = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)', line).groups()
            family = next((name[:-len(end)] for end in HISTOGRAM_PARTS if name.endswith(end) and name[:-len(end)] in found), name)
            found[family][2].append((name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")), float(value)))
    return found


def complaints(found):
    """What `promtool check metrics` says, in this project's own words: its rules, so that they hold where promtool is not there too."""
    said = []
    for name, (kind, words, samples) in found.items():
        said += [name + ": no help"] if not words else []
        said += [name + ": a counter does not end in _total"] if kind == "counter" and not name.endswith("_total") else []
        said += [name + ": no counter, and ends in _total"] if kind != "counter" and name.endswith("_total") else []
        said += [name + ": ends like a part of a histogram"] if kind not in ("histogram", "summary") and name.endswith(HISTOGRAM_PARTS) else []
        said += [name + ": upper case"] if name != name.lower() or ":" in name else []
        said += [name + ": its type is in its name"] if set(name.split("_")) & {"gauge", "counter", "histogram", "summary"} else []
        said += ["%s: unit %s" % (name, word) for word in name.split("_") if word in UNITS_THAT_ARE_NO_BASE_UNITS]
        for sample, labels, _ in samples:
            said += [sample + ": reserved label"] if kind not in ("histogram", "summary") and set(labels) & {"le", "quantile"} else []
            said += [sample + ": label " + label for label in labels if label != label.lower() or label.startswith("__")]
        kinds = {tuple(sorted(labels)) for sample, labels, _ in samples if not sample.endswith("_bucket")}
        said += [name + ": series with different labels"] if len(kinds) > 1 else []
        keys = [(sample, tuple(sorted(labels.items()))) for sample, labels, _ in samples]
        said += [name + ": a series twice"] if len(set(keys)) != len(keys) else []
    return said


class Form(GpuTest):
    def text(self, app):
        answer = self.assert_ok(app.get("/metrics"))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return answer.body.decode()

    def all_metrics(self):
        """With a GPU, a loaded model, and each outcome of a request."""
        self.fake().device(context="300MiB")
        app = self.app(program=MODELS)
        self.assert_ok(app.post(model="small"))
        self.assertEqual(app.post(body=b"{").status, 400)
        return app, self.text(app)

    def test_the_rules_of_promtool_hold(self):
        _, text = self.all_metrics()
        self.assertEqual(complaints(families(text)), [])

    def test_the_rules_find_what_is_wrong(self):
        bad = "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n# HELP b x\n# TYPE b counter\nb 1\n# HELP c_milliseconds x\n# TYPE c_milliseconds gauge\nc_milliseconds{a=\"1\"} 1\nc_milliseconds{b=\"1\"} 1\n"
        self.assertEqual(len(complaints(families(bad))), 4)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed; its rules are checked above")
    def test_promtool_is_silent(self):
        _, text = self.all_metrics()
        done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_the_guide_lists_every_metric_with_its_type_and_labels(self):
        _, text = self.all_metrics()
        listed = {}
        for line in GUIDE.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == 4 and re.fullmatch(r"`(clams|process)_\w+`", cells[0]):
                listed[cells[0].strip("`")] = (cells[1], tuple(sorted(re.findall(r"`(\w+)`", cells[2]))))
        found = {name: (kind, tuple(sorted({label for _, labels, _ in samples for label in labels} - {"le"}))) for name, (kind, _, samples) in families(text).items()}
        self.assertEqual(found, listed)

    def test_a_deprecated_metric_says_what_to_use(self):
        _, text = self.all_metrics()
        found = families(text)
        [(name, words)] = [(name, words) for name, (_, words, _) in found.items() if "eprecated" in words]
        self.assertEqual(name, "clams_gpu_memory_bytes")
        self.assertIn("clams_gpu_device_bytes", words)


class Truth(GpuTest):
    def labelled(self, app, name):
        return [(labels, value) for _, labels, value in families(self.assert_ok(app.get("/metrics")).body.decode())[name][2]]

    def test_what_an_app_holds_stands_apart_from_what_the_device_has(self):
        self.simulated()
        one, other = self.app(), self.app()
        uuid = "SIM-0-%d" % TOTAL
        one.hold(bytes=10 * GIB, allocate=4 * GIB)
        self.assertTrue(until(lambda: one.device()["free_bytes"] == TOTAL - 4 * GIB))
        for app, held, taken in ((one, 10 * GIB, 4 * GIB), (other, 0, 0)):
            # A monitor reads the device every two seconds.
            self.assertTrue(until(lambda a=app: a.metrics()['clams_gpu_device_bytes{device="%s",kind="free"}' % uuid] == TOTAL - 4 * GIB))
            device = {labels["kind"]: value for labels, value in self.labelled(app, "clams_gpu_device_bytes")}
            self.assertEqual(device, {"total": TOTAL, "free": TOTAL - 4 * GIB, "reserved": 10 * GIB, "resident": 0, "unattributed": 0, "headroom": HEADROOM,
                                      "available": TOTAL - 10 * GIB - HEADROOM})
            self.assertTrue(all("app" not in labels for labels, _ in self.labelled(app, "clams_gpu_device_bytes")))
            own = {labels["kind"]: value for labels, value in self.labelled(app, "clams_gpu_app_bytes")}
            self.assertEqual(own, {"reserved": held, "resident": 0, "materialised": taken})
            self.assertTrue(all(labels["app"] and labels["device"] == uuid for labels, _ in self.labelled(app, "clams_gpu_app_bytes")))
        # Summed over all servers: what is reserved, once.
        self.assertEqual(sum(value for app in (one, other) for labels, value in self.labelled(app, "clams_gpu_app_bytes") if labels["kind"] == "reserved"), 10 * GIB)
        self.end_holds(one)
        self.assertEqual({value for _, value in self.labelled(one, "clams_gpu_app_bytes")}, {0})

    def test_models_that_are_loaded_and_go(self):
        for arguments in ((), ("--executor", "isolated")):
            with self.subTest(arguments=arguments):
                self.fake().device(context="300MiB")
                app = self.app(*arguments, "--model-idle", "300s", program=MODELS)
                self.assertNotIn("clams_model_bytes", self.assert_ok(app.get("/metrics")).body.decode())
                self.assert_ok(app.post(model="small"))
                self.assertTrue(until(lambda a=app: "clams_model_bytes" in a.get("/metrics").body.decode()))
                [(labels, value)] = self.labelled(app, "clams_model_bytes")
                self.assertGreater(value, 0)
                self.assertIn("small", labels["model"])
                resident = [value for labels, value in self.labelled(app, "clams_gpu_app_bytes") if labels["kind"] == "resident"]
                self.assertEqual(resident, [value])
                self.assertIsNone(app.stop())

    def outcomes(self, app):
        return {labels["outcome"]: value for name, labels, value in families(app.get("/metrics").body.decode())["clams_request_seconds"][2] if name.endswith("_count")}

    def test_requests_by_outcome(self):
        self.simulated()
        app = self.app("--request-timeout", "1s")
        self.assertEqual(set(self.outcomes(app).values()), {0})
        self.assert_ok(app.post(bytes=GIB))
        for expected, parameters in ((500, {"fail": "throw"}), (507, {"bytes": 60 * GIB}), (503, {"fail": "oom", "bytes": GIB}), (504, {"fail": "hang"})):
            self.assertEqual(app.post(**parameters).status, expected)
        self.assertEqual(app.post(body=b"no").status, 400)
        self.assert_ok(app.get("/"))
        self.assert_ok(app.get("/health"))
        self.assertEqual(self.outcomes(app), {"ok": 1, "failed": 1, "impossible": 1, "refused": 1, "timeout": 1, "rejected": 1, "gone": 0})
        refusals = {(labels["code"], labels["reason"]): value for labels, value in self.labelled(app, "clams_gpu_refusals_total")}
        self.assertEqual({key: value for key, value in refusals.items() if value}, {("GPU_MEMORY_IMPOSSIBLE", "memory"): 1, ("INSUFFICIENT_GPU_MEMORY", "allocation"): 1})

    def test_a_refusal_with_another_status_is_a_refusal(self):
        self.simulated()
        app = self.app("--vram-error-status", "500")
        self.assertEqual(app.post(fail="oom", bytes=GIB).status, 500)
        self.assertEqual((self.outcomes(app)["refused"], self.outcomes(app)["failed"]), (1, 0))

    def test_the_build_and_the_process(self):
        app = self.app()
        found = app.metrics()
        [(labels, value)] = self.labelled(app, "clams_build_info")
        self.assertEqual((value, labels["app_version"]), (1, "1.0.0"))
        self.assertRegex(labels["version"], r"^\d+\.\d+\.\d+$")
        with open("/proc/%d/status" % app.pid, encoding="utf-8") as f:
            resident = 1024 * int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        self.assertAlmostEqual(found["process_resident_memory_bytes"], resident, delta=resident / 2)
        self.assertAlmostEqual(found["process_open_fds"], len(os.listdir("/proc/%d/fd" % app.pid)), delta=5)
        self.assertAlmostEqual(found["process_start_time_seconds"], time.time(), delta=60)
        self.assertGreater(found["process_max_fds"], found["process_open_fds"])
        self.assertGreater(found["process_virtual_memory_bytes"], found["process_resident_memory_bytes"])
        before = found["process_cpu_seconds_total"]
        self.assertTrue(until(lambda: app.metrics()["process_cpu_seconds_total"] > before))

    def test_probes_are_not_in_the_log_unless_it_is_for_debugging(self):
        for level, there in (("info", False), ("debug", True)):
            with self.subTest(level=level):
                app = self.app("--log-level", level)
                for path in ("/health", "/metrics"):
                    self.assert_ok(app.get(path))
                self.assert_ok(app.get("/"))
                self.assertTrue(until(lambda a=app: a.lines("\"GET /\"")))
                for path in ("/health", "/metrics"):
                    self.assertEqual(bool(app.lines("GET %s" % path)), there, app.output())
                self.assertEqual(app.get("/health/x").status, 404)
                self.assertTrue(until(lambda a=app: a.lines("/health/x")))

    def test_a_probe_that_fails_is_in_the_log(self):
        self.simulated()
        app = self.app("--drain-timeout", "2s")
        app.hold(bytes=GIB)
        self.assertTrue(until(lambda: app.metrics()["clams_requests_running"] == 1))
        app.process.terminate()
        self.assertTrue(until(lambda: app.get("/health").status == 503))
        self.assertTrue(until(lambda: app.lines("GET /health", " 503 ")))
        self.assertEqual(app.wait(), 0)
        app.ended = True


if __name__ == "__main__":
    unittest.main(verbosity=2)
