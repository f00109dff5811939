#!/usr/bin/env python3
"""`clams gpu simulate`: memory that is taken, driver calls that fail and hang, on simulated devices."""
import json
import unittest

from gpu_processes import GIB, LONG, WithDevices, state_of


class Simulate(WithDevices):
    def simulate(self, *words):
        return self.clams("gpu", "simulate", "--", *words)

    def state(self):
        return json.loads(self.simulate("show", "--json")[1])["devices"][0]

    def test_takes_for_a_while(self):
        process, line = self.started_with_line("gpu", "simulate", "--", "take", "4GiB", "--for", "5s")
        self.assertIn("took 4.00 GiB", line)
        state = self.state()
        self.assertEqual((state["used_bytes"], state["processes"]), (4 * GIB, [{"pid": process.pid, "bytes": 4 * GIB}]))
        self.assertEqual(process.wait(LONG), 0)
        self.assertEqual(self.state()["used_bytes"], 0)

    def test_takes_until_it_is_freed_killed_or_told_to_end(self):
        for end in (lambda process: self.simulate("free"), lambda process: process.kill(), lambda process: process.terminate(), lambda process: self.simulate("clear")):
            process, _ = self.started_with_line("gpu", "simulate", "--", "take", "4GiB")
            end(process)
            process.wait(LONG)
            self.assertEqual(self.state()["used_bytes"], 0)

    def test_takes_in_the_background(self):
        code, out, err = self.simulate("take", "4GiB", "--background")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("took 4.00 GiB", out)
        pid = self.state()["processes"][0]["pid"]
        self.simulate("free")
        self.assertEqual(self.state()["used_bytes"], 0)
        self.until(lambda: state_of(pid) in (None, "Z"), "the holder ends")

    def test_more_than_there_is_cannot_be_taken(self):
        for flags in ([], ["--background"]):
            code, out, err = self.simulate("take", "25GiB", *flags)
            self.assertEqual((code, out), (75, ""), err)
            self.assertIn("25.00 GiB", err)

    def test_apps_see_what_was_taken(self):
        process, _ = self.started_with_line("gpu", "simulate", "--", "take", "20GiB")
        self.assertEqual(self.clams("gpu", "run", "--need", "6GiB", "--", "true")[0], 75)
        self.assertEqual(self.simulate("free"), (0, "", ""))
        self.assertEqual(self.clams("gpu", "run", "--need", "6GiB", "--", "true")[0], 0)

    def test_faults_come_and_go(self):
        for fault in ("sample", "lost"):
            self.assertEqual(self.simulate("fail", fault)[0], 0)
            self.assertEqual(self.state()["fault"], fault)
            self.assertEqual(self.device()["state"], "unknown")
        self.simulate("fail", "none")
        self.assertEqual(self.device()["state"], "ok")
        self.simulate("fail", "sample", "--for", "200ms")
        self.until(lambda: self.device()["state"] == "ok", "a fault with a time ends by itself")

    def test_freed_memory_lags(self):
        self.simulate("lag", "600s")
        process, _ = self.started_with_line("gpu", "simulate", "--", "take", "4GiB")
        process.kill()
        process.wait(LONG)
        self.assertEqual(self.state()["used_bytes"], 4 * GIB)
        self.simulate("clear")
        self.until(lambda: self.state()["used_bytes"] == 0, "without the lag it is free")

    def test_show_is_for_people_too(self):
        self.simulate("hang", "60s")
        code, out, _ = self.simulate("show")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?m)^  0  SIM-0-25769803776 +24\.00 +0\.00  none +(59|60|5\d\.?\d*)\w*s? ")

    def test_wrong_use(self):
        for words in ([], ["steal"], ["take"], ["take", "much"], ["take", "1GiB", "2GiB"], ["free", "4GiB"], ["fail", "badly"], ["hang"], ["hang", "-1"],
                      ["take", "1GiB", "--for"], ["take", "1GiB", "--until", "5"], ["show", "--device", "7"]):
            code, out, err = self.simulate(*words)
            self.assertEqual((code, out), (2, ""), words)
            self.assertEqual(err.count("\n"), 1, err)
        self.assertEqual(self.clams("gpu", "simulate", "--gpu", "none", "--", "show")[0], 2)

    def test_other_sizes_are_a_configuration_error_while_somebody_uses_the_first(self):
        self.started_with_line("gpu", "simulate", "--", "take", "4GiB")
        code, _, err = self.clams("gpu", "simulate", "--gpu", "sim:16GiB", "--", "show")
        self.assertEqual(code, 78, err)


if __name__ == "__main__":
    unittest.main(verbosity=1)
