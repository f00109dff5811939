#!/usr/bin/env python3
"""`clams gpu run` and `clams gpu reserve`: memory for a command, for as long as it lives."""
import json
import os
import signal
import sys
import time
import unittest

from gpu_processes import GIB, LONG, PROGRAM, Screen, WithDevices, state_of


class Run(WithDevices):
    def test_passes_output_and_exit_status_on(self):
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", "sh", "-c", "echo out; echo err >&2; exit 42"), (42, "out\n", "err\n"))

    def test_arguments_reach_the_command_as_they_are(self):
        words = ["[a, b]", "", "--need", "--", "-x", "ü"]
        code, out, _ = self.clams("gpu", "run", "--need", "1GiB", "--", sys.executable, "-c", "import sys, json; print(json.dumps(sys.argv[1:]))", *words)
        self.assertEqual((code, json.loads(out)), (0, words))
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "echo", "--need", "x")[1], "--need x\n", "the first word that is no flag begins the command")

    def test_sets_the_granted_device(self):
        self.environment["CUDA_VISIBLE_DEVICES"] = "7"
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")[1], "SIM-0-25769803776\n")

    def test_tells_what_cannot_be_started_as_a_shell_does(self):
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", "no-such-program-here")[0], 127)
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", self.folder)[0], 126)
        script = os.path.join(self.folder, "script")
        with open(script, "w") as f:
            f.write("echo from a script without an interpreter line\n")
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", script)[0], 126)
        os.chmod(script, 0o755)
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", script)[:2], (0, "from a script without an interpreter line\n"))
        self.assertEqual(self.device()["reserved_bytes"], 0)

    def test_a_signal_that_ends_the_command_is_128_and_its_number(self):
        self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--", "sh", "-c", "kill -SEGV $$")[0], 128 + signal.SIGSEGV)

    def test_forwards_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            process, line = self.started_with_line("gpu", "run", "--need", "1GiB", "--", sys.executable, "-u", "-c",
                                                   "import signal, sys\n"
                                                   f"signal.signal({int(number)}, lambda *_: sys.exit(33))\n"
                                                   "print('ready')\nwhile True: signal.pause()")
            process.send_signal(number)
            self.assertEqual(process.wait(LONG), 33, number)

    def test_a_key_at_the_terminal_reaches_the_command_once(self):
        code = ("import os, signal\n"
                "reading, writing = os.pipe()\n"
                "os.set_blocking(writing, False)\n"
                "signal.signal(signal.SIGINT, lambda *_: None)\n"
                "signal.set_wakeup_fd(writing)\n"
                "print('ready', flush=True)\n"
                "for i in range(1, 100): os.read(reading, 1); print(f'got {i}.', flush=True)")
        screen = Screen(self, ["gpu", "run", "--need", "1GiB", "--", sys.executable, "-c", code])
        screen.until("ready")
        # `clams` is held up, or the kernel might make one of the two signals that a forwarded one would add up to.
        os.kill(screen.pid, signal.SIGSTOP)
        self.until(lambda: state_of(screen.pid) == "T", "it is stopped")
        screen.type("\x03")
        screen.until("got 1.")
        os.kill(screen.pid, signal.SIGCONT)
        while screen.read(0.5):
            pass
        self.assertNotIn("got 2.", screen.seen)
        os.kill(screen.pid, signal.SIGINT)
        screen.until("got 2.")

    def test_refusals_say_why_and_start_nothing(self):
        self.running("--need", "20GiB")
        marker = os.path.join(self.folder, "started")
        code, out, err = self.clams("gpu", "run", "--need", "6GiB", "--model", "large", "--", "touch", marker)
        self.assertEqual((code, out), (75, ""))
        self.assertEqual(err, "clams gpu run: Insufficient GPU memory for large. Required: 6.00GB, Available: 4.00GB. "
                              "GPU may be in use by other processes. Please retry later.\n")
        code, _, err = self.clams("gpu", "run", "--need", "25GiB", "--wait", "60", "--", "touch", marker)
        self.assertEqual((code, err), (69, "clams gpu run: touch needs 25.00GB; no GPU here can give more than 24.00GB.\n"))
        code, _, err = self.clams("gpu", "reserve", "--need", "25GiB", "--model", "large")
        self.assertEqual((code, err), (69, "clams gpu reserve: large needs 25.00GB; no GPU here can give more than 24.00GB.\n"))
        self.assertFalse(os.path.exists(marker))

    def test_waits_until_the_memory_is_there(self):
        first, pid = self.running("--need", "20GiB")
        second = self.start("gpu", "run", "--need", "6GiB", "--wait", "600", "--", "echo", "started")
        self.assertIsNone(second.poll())
        first.terminate()
        self.assertEqual(second.communicate(timeout=LONG), ("started\n", ""))
        self.assertEqual(second.returncode, 0)

    def test_waiting_ends_with_a_refusal_or_a_signal(self):
        self.running("--need", "20GiB")
        self.assertEqual(self.clams("gpu", "run", "--need", "6GiB", "--wait", "300ms", "--", "true")[0], 75)
        waiting = self.start("gpu", "run", "--need", "6GiB", "--wait", "-1", "--", "true")
        self.until(lambda: any(process["pid"] == waiting.pid for process in self.status()["processes"]), "it waits")
        waiting.terminate()
        self.assertEqual(waiting.wait(LONG), 128 + signal.SIGTERM)

    def test_the_lease_ends_with_the_command(self):
        process, pid = self.running("--need", "20GiB")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(process.wait(LONG), 128 + signal.SIGKILL)
        self.assertEqual(self.device()["available_bytes"], 24 * GIB)

    def test_the_lease_lives_on_when_clams_is_killed_and_the_command_runs(self):
        process, pid = self.running("--need", "20GiB")
        process.kill()
        process.wait(LONG)
        time.sleep(0.1)
        status = self.status()
        self.assertEqual([(one["pid"], one["reserved_bytes"]) for one in status["processes"]], [(pid, 20 * GIB)])
        self.assertEqual(self.clams("gpu", "run", "--need", "6GiB", "--", "true")[0], 75)
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: self.device()["available_bytes"] == 24 * GIB, "its bytes come back")
        self.assertEqual(self.clams("gpu", "run", "--need", "24GiB", "--", "true")[0], 0)

    def test_both_killed_at_once_lose_nothing(self):
        process, pid = self.running("--need", "20GiB")
        os.kill(process.pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.clams("gpu", "run", "--need", "24GiB", "--wait", "120", "--", "true")[0], 0)

    def test_what_the_command_holds_is_seen(self):
        take = f"{PROGRAM} gpu simulate -- take 5GiB"
        process, pid = self.running("--need", "6GiB", script=take)
        self.until(lambda: self.status()["processes"][0]["materialised_bytes"] == 5 * GIB, "the driver's list says what it holds")
        self.assertEqual(self.device()["available_bytes"], 18 * GIB, "held bytes are not counted twice")

    def test_without_a_gpu_the_command_just_runs(self):
        self.environment["CUDA_VISIBLE_DEVICES"] = "5"
        code, out, err = self.clams("gpu", "run", "--gpu", "none", "--need", "900GiB", "--", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES; exit 3")
        self.assertEqual((code, out), (3, "5\n"))
        self.assertRegex(err, r"^clams gpu run: no GPU was found[^\n]*\n$")

    def test_wrong_use(self):
        for arguments, words in ((["--", "true"], "--need"), (["--need", "0", "--", "true"], "--need"), (["--need", "x", "--", "true"], "'x' is not a size"),
                                 (["--need", "8", "--", "true"], "--need: 8 bytes? write 8GiB"), (["--headroom", "2", "--need", "1GiB", "--", "true"], "--headroom: 2 bytes? write 2GiB"),
                                 (["--gpu", "sim:8", "--need", "1GiB", "--", "true"], "8 bytes? write 8GiB"),
                                 (["--need", "1GiB"], "COMMAND"), (["--need", "1GiB", "--"], "COMMAND"), (["--need", "1GiB", "--weit", "5", "--", "true"], "--weit"),
                                 (["--need", "1GiB", "--device", "3", "--", "true"], "there is no GPU '3'"), (["--need", "1GiB", "--wait", "soon", "--", "true"], "--wait")):
            code, out, err = self.clams("gpu", "run", *arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn(words, err)

    def test_the_choice_of_devices_may_stand_before_the_subcommand(self):
        del self.environment["CLAMS_GPU"]
        self.assertEqual(self.clams("gpu", "--gpu", "sim:24GiB", "run", "--need", "1GiB", "--", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")[1], "SIM-0-25769803776\n")

    def test_a_parent_that_ignores_its_children_changes_nothing(self):
        done = self.start("gpu", "run", "--need", "1GiB", "--", "sh", "-c", "exit 5", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(done.wait(LONG), 5)


class TwoDevices(WithDevices):
    devices = "sim:24GiB,sim:16GiB"

    def test_a_device_can_be_chosen_by_number_and_by_uuid(self):
        for device in ("1", "SIM-1-17179869184"):
            self.assertEqual(self.clams("gpu", "run", "--need", "1GiB", "--device", device, "--", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")[1], "SIM-1-17179869184\n")
        self.assertEqual(self.clams("gpu", "run", "--need", "20GiB", "--device", "1", "--", "true")[0], 69)

    def test_what_does_not_fit_on_one_goes_to_the_other(self):
        self.running("--need", "20GiB", "--device", "0")
        self.assertEqual(self.clams("gpu", "run", "--need", "10GiB", "--", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")[1], "SIM-1-17179869184\n")

    def test_taking_and_failing_by_device(self):
        self.started_with_line("gpu", "simulate", "--", "take", "4GiB", "--device", "1")
        self.assertEqual([device["free_bytes"] // GIB for device in self.status()["devices"]], [24, 12])
        self.clams("gpu", "simulate", "--", "fail", "lost", "--device=1")
        self.until(lambda: [device["state"] for device in self.status()["devices"]] == ["ok", "unknown"], "one of them is lost")


class Reserve(WithDevices):
    def test_holds_until_the_time_is_over(self):
        process, line = self.started_with_line("gpu", "reserve", "--need", "6GiB", "--for", "5s")
        self.assertEqual(line, "reserved 6.00 GiB on GPU 0 (SIM-0-25769803776) for 5s\n")
        self.assertEqual(self.device()["reserved_bytes"], 6 * GIB)
        self.assertEqual(process.wait(LONG), 0)
        self.assertEqual(self.device()["available_bytes"], 24 * GIB)

    def test_holds_until_it_is_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process, _ = self.started_with_line("gpu", "reserve", "--need", "6GiB", "--app", "me")
            self.assertEqual([one["app"] for one in self.status()["processes"]], ["me"])
            process.send_signal(number)
            self.assertEqual(process.wait(LONG), 0)

    def test_tells_json(self):
        process, line = self.started_with_line("gpu", "reserve", "--need", "6GiB", "--json")
        self.assertEqual(json.loads(line), {"reserved_bytes": 6 * GIB, "device": "SIM-0-25769803776", "id": 0, "pid": process.pid, "pass": "granted"})

    def test_of_many_at_once_exactly_as_many_as_fit_are_granted(self):
        processes = [self.start("gpu", "reserve", "--need", "5GiB", "--for", "600s") for _ in range(12)]
        granted = []
        for process in processes:
            line = process.stdout.readline()
            if line:
                granted.append(process)
            else:
                self.assertEqual(process.wait(LONG), 75)
        self.assertEqual(len(granted), 4)
        device = self.device()
        self.assertEqual((device["reserved_bytes"], device["available_bytes"]), (20 * GIB, 4 * GIB))

    def test_without_a_gpu_there_is_nothing_to_reserve(self):
        code, out, err = self.clams("gpu", "reserve", "--gpu", "none", "--need", "6GiB")
        self.assertEqual((code, out, err.count("\n")), (0, "", 1))


if __name__ == "__main__":
    unittest.main(verbosity=1)
