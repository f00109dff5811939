#!/usr/bin/env python3
"""`clams gpu`: the table of devices and processes, on simulated devices, on the fake driver and when a driver hangs."""
import json
import os
import pwd
import re
import signal
import struct
import time
import unittest

from gpu_processes import FAKE_NVML, GIB, LONG, WithDevices


class Table(WithDevices):
    def test_no_gpu_is_told_in_one_line(self):
        code, out, err = self.clams("gpu", "--gpu", "none")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^No GPU is used [^\n]*\n$")
        shown = json.loads(self.clams("gpu", "--gpu", "none", "--json")[1])
        self.assertEqual((shown["devices"], shown["processes"], shown["reason"]), ([], [], "disabled"))

    def test_looking_takes_no_slot_and_makes_no_ledger(self):
        self.clams("gpu")
        self.clams("gpu", "--json")
        self.assertNotIn("ledger", os.listdir(self.environment["CLAMS_VRAM_DIR"]))
        self.running("--need", "1GiB")
        self.assertEqual([process["app"] for process in self.status()["processes"]], ["sh"])

    def test_an_idle_device(self):
        device = self.device()
        self.assertLess(device.pop("sample_age_ms"), 10_000)
        self.assertEqual(device, {"id": 0, "name": "Simulated GPU", "uuid": "SIM-0-25769803776", "total_memory_gb": 24.0, "available_memory_gb": 24.0,
                                  "total_bytes": 24 * GIB, "free_bytes": 24 * GIB, "reserved_bytes": 0, "available_bytes": 24 * GIB, "headroom_bytes": 0,
                                  "unattributed_bytes": 0, "resident": [], "state": "ok"})

    def test_promises_and_strangers_are_told_apart(self):
        self.started_with_line("gpu", "simulate", "--", "take", "4GiB")
        process, pid = self.running("--need", "6GiB", "--app", "painter")
        status = self.status()
        self.assertEqual(status["processes"], [{"pid": pid, "app": "painter", "device": "SIM-0-25769803776", "reserved_bytes": 6 * GIB,
                                                "materialised_bytes": 0, "models": [], "requests": 1}])
        device = status["devices"][0]
        self.assertEqual((device["reserved_bytes"], device["unattributed_bytes"], device["free_bytes"]), (6 * GIB, 4 * GIB, 20 * GIB))
        self.assertEqual(device["available_bytes"], 14 * GIB)
        code, out, _ = self.clams("gpu")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?m)^  0  Simulated GPU +24\.00 +20\.00 +6\.00 +4\.00 +0\.00 +14\.00  ok ")
        self.assertRegex(out, r"(?m)^ *%d +painter +0 +6\.00 +- +1$" % pid)
        self.assertRegex(out, r"(?m) not in the ledger$")

    def test_wide_shows_whose_a_process_is_since_when_and_what_it_runs(self):
        _, pid = self.running("--need", "1GiB", "--app", "painter")
        user = pwd.getpwuid(os.geteuid()).pw_name
        for arguments, commands in ((["--wide"], True), ([], False)):
            self.environment["COLUMNS"] = "100"
            out = self.clams("gpu", *arguments)[1]
            self.assertRegex(out, r"(?m)^ *%d +%s +\d+s +painter " % (pid, user))
            self.assertEqual(bool(re.search(r"COMMAND\n.*sleep \d+\n", out)), commands, out)
        del self.environment["COLUMNS"]
        self.assertNotIn("USER", self.clams("gpu")[1])

    def test_headroom_is_a_setting(self):
        code, out, _ = self.clams("gpu", "--json", "--headroom", "25%")
        self.assertEqual(json.loads(out)["devices"][0]["available_bytes"], 18 * GIB)

    def test_no_colours_and_no_control_sequences_but_on_a_terminal(self):
        self.assertNotIn("\x1b", self.clams("gpu")[1])

    def test_wrong_settings_are_wrong_use(self):
        for arguments in (["--gpu", "sim:lots"], ["--headroom", "200%"], ["--interval", "1h", "--watch"], ["--watch"]):
            code, out, err = self.clams("gpu", *arguments)
            self.assertEqual((code, out), (2, ""), err)
            self.assertEqual(err.count("\n"), 1, err)

    def test_an_unusable_directory_is_a_configuration_error(self):
        file = os.path.join(self.folder, "file")
        open(file, "w").close()
        self.environment["CLAMS_VRAM_DIR"] = file
        for arguments in (["gpu"], ["gpu", "run", "--need", "1GiB", "--", "true"]):
            code, out, err = self.clams(*arguments)
            self.assertEqual((code, out), (78, ""), err)
            self.assertIn(file, err)

    def test_json_of_the_live_view_is_one_text_a_line(self):
        process = self.start("gpu", "--watch", "--json", "--interval", "100ms")
        for _ in range(3):
            self.assertEqual(set(json.loads(process.stdout.readline())), {"devices", "processes"})
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        self.assertEqual(process.wait(LONG), 0)


class DriverThatHangs(WithDevices):
    def test_the_table_comes_all_the_same(self):
        process, pid = self.running("--need", "6GiB")
        self.clams("gpu", "simulate", "--", "hang", "300s")
        status = self.status()
        self.assertEqual([(one["pid"], one["reserved_bytes"]) for one in status["processes"]], [(pid, 6 * GIB)])
        self.assertEqual(status["devices"][0]["state"], "unknown")
        self.assertEqual(status["devices"][0]["reserved_bytes"], 6 * GIB)
        self.assertIn("unknown", self.clams("gpu")[1])

    def test_the_policy_for_unknown_decides(self):
        self.clams("gpu", "simulate", "--", "hang", "300s")
        code, out, err = self.clams("gpu", "run", "--need", "6GiB", "--", "echo", "started")
        self.assertEqual((code, out), (0, "started\n"))
        self.assertRegex(err, r"^clams gpu run: gpu: memory cannot be checked[^\n]*\n$")
        code, out, err = self.clams("gpu", "run", "--need", "6GiB", "--unknown", "refuse", "--", "echo", "started")
        self.assertEqual((code, out), (75, ""), err)


class FakeDriver(WithDevices):
    """The real NVML code over a library that we steer."""

    devices = "auto"
    uuid = "GPU-11111111-1111-1111-1111-111111111111"

    def setUp(self):
        super().setUp()
        self.assertTrue(os.path.exists(FAKE_NVML), FAKE_NVML)
        self.state_file = os.path.join(self.folder, "fake")
        self.environment.update(VRAM_NVML_PATH=FAKE_NVML, FAKE_GPU_STATE=self.state_file)
        self.pretend()

    def pretend(self, *rules, others=3 * GIB):
        text = "driver_version 570.124.06\ncuda_version 12080\nrelease_lag_ms 0\n"
        text += f"device {self.uuid} total={24 * GIB} others={others} reserved=0 context=0 pci=0000:01:00.0 name=Fake_GPU mig=0\n"
        with open(self.state_file + ".new", "w") as f:
            f.write(text + "".join(rule + "\n" for rule in rules))
        os.rename(self.state_file + ".new", self.state_file)

    def calls(self, part):
        with open(self.state_file + ".calls", "rb") as f:
            data = f.read()
        records = [data[at:at + 64] for at in range(0, len(data), 64)]
        return sum(struct.unpack("<Q", record[56:])[0] for record in records if part in record[:56].rstrip(b"\0").decode())

    def test_a_command_gets_the_uuid_of_its_device(self):
        code, out, err = self.clams("gpu", "run", "--need", "6GiB", "--", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")
        self.assertEqual((code, out, err), (0, self.uuid + "\n", ""))

    def test_strangers_are_listed_by_the_driver(self):
        self.pretend(f"process {self.uuid} {os.getpid()} {3 * GIB}")
        code, out, _ = self.clams("gpu")
        self.assertRegex(out, r"(?m)^ *%d .* 0 +- +3\.00 +- +not in the ledger$" % os.getpid())
        self.assertEqual(self.device()["unattributed_bytes"], 3 * GIB)

    def test_processes_are_listed_at_most_once_in_two_seconds(self):
        begun = time.monotonic()
        process = self.start("gpu", "--watch", "--json", "--interval", "100ms")
        for _ in range(15):
            process.stdout.readline()
        process.terminate()
        process.stdout.read()
        kinds = 3  # compute, graphics, MPS
        self.assertLessEqual(self.calls("RunningProcesses"), kinds * (1 + (time.monotonic() - begun) / 2))
        self.assertGreater(self.calls("RunningProcesses"), 0)

    def test_a_driver_that_never_answers_does_not_stop_the_table(self):
        process, pid = self.running("--need", "6GiB")
        self.pretend("hang * 300000")
        status = self.status()
        self.assertEqual([(one["state"], one["uuid"], one["reserved_bytes"]) for one in status["devices"]], [("unknown", self.uuid, 6 * GIB)])
        code, out, _ = self.clams("gpu")
        self.assertEqual(code, 0)
        self.assertIn("The GPU driver has not told its devices", out)
        self.assertRegex(out, r"(?m)^ *%d +sh " % pid)


if __name__ == "__main__":
    unittest.main(verbosity=1)
