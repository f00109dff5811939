#!/usr/bin/env python3
"""`clams gpu` and `clams profiles` from outside, with real processes on simulated devices and on the fake driver.

    gpu_command_test.py        needs CLAMS_BIN (programs) and CLAMS_BUILD (lib/libfake_nvml.so)
"""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAM = os.path.join(os.path.abspath(os.environ.get("CLAMS_BIN", "")), "clams")
FAKE_NVML = os.path.join(os.path.abspath(os.environ.get("CLAMS_BUILD", "")), "lib", "libfake_nvml.so")
GIB = 1 << 30
LONG = 120  # what takes this long hangs


def state_of(pid):
    """R, S, T, Z…; None when there is no such process any more."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None


class WithDevices(unittest.TestCase):
    """A ledger directory of its own, one simulated device of 24 GiB, no headroom: sums are plain."""

    devices = "sim:24GiB"

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="clams-gpu.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.started = []
        self.commands = []  # descriptors of the processes that `clams gpu run` started: they outlive it, and a number may be another's by the end
        self.addCleanup(self.end_all)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("CLAMS_", "CUDA_", "NVIDIA_", "VRAM_"))}
        self.environment.update(CLAMS_VRAM_DIR=os.path.join(self.folder, "vram"), CLAMS_PROFILE_DIR=os.path.join(self.folder, "profiles"),
                                CLAMS_GPU=self.devices, CLAMS_HEADROOM="0%", LANG="C.UTF-8")

    def end_all(self):
        for command in self.commands:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(command, signal.SIGKILL)
            os.close(command)
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def clams(self, *arguments, **more):
        more.setdefault("env", self.environment)
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=LONG, stdin=subprocess.DEVNULL, **more)
        return done.returncode, done.stdout, done.stderr

    def start(self, *arguments, **more):
        more.setdefault("env", self.environment)
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, **more)
        self.started.append(process)
        return process

    def started_with_line(self, *arguments, **more):
        process = self.start(*arguments, **more)
        line = process.stdout.readline()
        self.assertTrue(line, "ended before it said anything")
        return process, line

    def running(self, *flags, script="sleep 600", **more):
        """`clams gpu run` whose command has started; that command's process id."""
        process, line = self.started_with_line("gpu", "run", *flags, "--", "sh", "-c", "echo $$; exec " + script, **more)
        self.commands.append(os.pidfd_open(int(line)))
        return process, int(line)

    def status(self):
        code, out, err = self.clams("gpu", "--json")
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)

    def device(self, index=0):
        return self.status()["devices"][index]

    def until(self, condition, what):
        deadline = time.monotonic() + LONG
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)


class Table(WithDevices):
    def test_no_gpu_is_told_in_one_line(self):
        code, out, err = self.clams("gpu", "--gpu", "none")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^No GPU was found[^\n]*\n$")
        self.assertEqual(json.loads(self.clams("gpu", "--gpu", "none", "--json")[1]), {"devices": [], "processes": []})

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
        self.assertEqual(code, 69, err)
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


class Screen:
    """A program on a terminal of its own."""

    def __init__(self, test, arguments, columns=80, rows=24, environment=None):
        self.test = test
        self.seen = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                os.execve(PROGRAM, [PROGRAM, *arguments], {**test.environment, "TERM": "xterm-256color", **(environment or {})})
            os._exit(127)
        self.resize(columns, rows)
        test.addCleanup(self.close)
        self.status = None

    def resize(self, columns, rows):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def read(self, patience):
        ready, _, _ = select.select([self.terminal], [], [], patience)
        if not ready:
            return False
        try:
            piece = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.seen += piece.decode("utf-8", "replace")
        return bool(piece)

    def until(self, text):
        deadline = time.monotonic() + LONG
        while text not in self.seen:
            self.test.assertLess(time.monotonic(), deadline, f"{text!r} was not seen in {self.seen[-2000:]!r}")
            self.read(0.1)

    def modes(self):
        return termios.tcgetattr(self.terminal)[3] & (termios.ICANON | termios.ECHO)

    def wait(self):
        deadline = time.monotonic() + LONG
        while self.status is None:
            self.test.assertLess(time.monotonic(), deadline, "it does not end")
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        while self.read(0.05):
            pass
        return self.status

    def close(self):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


class LiveView(WithDevices):
    def watch(self, **more):
        return Screen(self, ["gpu", "--watch", "--interval", "100ms"], **more)

    def ends(self, screen, how, status):
        screen.until("q quit")
        self.assertEqual(screen.modes(), 0, "keys are read one by one, without an echo")
        how(screen)
        self.assertEqual(screen.wait(), status)
        self.assertTrue(screen.seen.endswith("\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l"), "the screen is as it was: " + repr(screen.seen[-80:]))
        self.assertEqual(screen.modes(), termios.ICANON | termios.ECHO)

    def test_ends_by_q_ctrl_c_and_signals_and_leaves_the_terminal_as_it_was(self):
        self.ends(self.watch(), lambda screen: screen.type("q"), 0)
        self.ends(self.watch(), lambda screen: screen.type("\x03"), 0)
        self.ends(self.watch(), lambda screen: os.kill(screen.pid, signal.SIGTERM), 128 + signal.SIGTERM)

    def test_draws_anew_when_the_terminal_changes_its_size(self):
        screen = self.watch(columns=80)
        screen.until("Simulated GPU")
        self.assertNotIn("SIM-0-25769803776", screen.seen)
        screen.resize(120, 30)
        screen.until("SIM-0-25769803776")

    def test_shows_what_comes_and_goes(self):
        screen = self.watch()
        screen.until("No process uses a GPU.")
        process, _ = self.running("--need", "6GiB", "--app", "painter")
        screen.until("painter")
        screen.until("promised\x1b[0m 6.00" if "promised\x1b" in screen.seen else "promised 6.00")
        process.terminate()
        before = len(screen.seen)
        self.until(lambda: screen.read(0.1) and "No process uses a GPU." in screen.seen[before:], "it is gone")

    def test_stops_and_goes_on(self):
        screen = self.watch()
        screen.until("q quit")
        screen.type("\x1a")
        screen.until("\x1b[?1049l")
        self.until(lambda: state_of(screen.pid) == "T", "it is stopped")
        self.assertEqual(screen.modes(), termios.ICANON | termios.ECHO)
        before = len(screen.seen)
        os.kill(screen.pid, signal.SIGCONT)
        self.until(lambda: screen.read(0.1) and "q quit" in screen.seen[before:], "it is drawn again")
        screen.type("q")
        self.assertEqual(screen.wait(), 0)

    def test_no_color_is_honoured(self):
        coloured = self.watch()
        coloured.until("q quit")
        self.assertIn("\x1b[3", coloured.seen)
        plain = self.watch(environment={"NO_COLOR": "1"})
        plain.until("q quit")
        self.assertNotRegex(plain.seen, "\x1b\\[[0-9;]+m")

    def test_a_hanging_driver_does_not_stop_it(self):
        screen = self.watch()
        screen.until("ok ")
        self.clams("gpu", "simulate", "--", "hang", "300s")
        screen.until("?????")
        screen.type("q")
        self.assertEqual(screen.wait(), 0)


class Profiles(WithDevices):
    app = "http://apps.clams.ai/whisper-wrapper/v10"

    def setUp(self):
        super().setUp()
        self.root = self.environment["CLAMS_PROFILE_DIR"]

    def profile(self, folder, digest, text):
        os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        path = os.path.join(self.root, folder, f"memory_{digest}.json")
        with open(path, "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def given(self):
        self.profile("http---apps.clams.ai-whisper-wrapper-v10", "00000000000000aa", {"peak_bytes": 5 * GIB, "parameters": {"model": "large"}})
        self.profile("http---apps.clams.ai-whisper-wrapper-v10", "00000000000000bb", {"peak_bytes": 1 * GIB, "parameters": {"model": "tiny"}})
        self.profile("other", "00000000000000cc", {"peak_bytes": 300 << 20, "parameters": {}})

    def test_nothing_learned_yet(self):
        self.assertEqual(self.clams("profiles", "list")[0], 0)
        self.assertEqual(json.loads(self.clams("profiles", "list", "--json")[1]), {"profiles": [], "skipped": []})

    def test_list_has_sizes_for_people(self):
        self.given()
        code, out, err = self.clams("profiles", "list")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^\S+ +00000000000000aa +5\.00 GiB ")
        self.assertIn("300 MiB", out)
        self.assertEqual(out, self.clams("profiles")[1])

    def test_list_as_json_and_of_one_app(self):
        self.given()
        profiles = json.loads(self.clams("profiles", "list", "--json")[1])["profiles"]
        self.assertEqual([(one["hash"][-2:], one["peak_bytes"]) for one in profiles], [("aa", 5 * GIB), ("bb", GIB), ("cc", 300 << 20)])
        self.assertEqual(profiles[0]["parameters"], {"model": "large"})
        for app in ("other", "--json"):
            self.assertEqual([one["hash"][-2:] for one in json.loads(self.clams("profiles", "list", "--json", "--app", "other")[1])["profiles"]], ["cc"])

    def test_show(self):
        self.given()
        code, out, _ = self.clams("profiles", "show", "00000000000000a")
        self.assertEqual(code, 0)
        self.assertIn("5.00 GiB", out)
        self.assertEqual(json.loads(self.clams("profiles", "show", "00000000000000aa", "--json")[1])["peak_bytes"], 5 * GIB)
        self.assertEqual(self.clams("profiles", "show", "0000")[0], 2, "several begin so")
        self.assertEqual(self.clams("profiles", "show", "ffff")[0], 1)

    def test_clear_forgets_one_app_or_all(self):
        self.given()
        code, out, _ = self.clams("profiles", "clear", "--app", "other", "--include-python-sdk")
        self.assertRegex(out, r"^removed 1 file, \d+ B\n$")
        self.assertEqual(len(json.loads(self.clams("profiles", "list", "--json")[1])["profiles"]), 2)
        code, out, _ = self.clams("profiles", "clear", "--json", "--include-python-sdk")
        self.assertEqual(json.loads(out)["files"], 2)
        self.assertEqual(json.loads(self.clams("profiles", "list", "--json")[1])["profiles"], [])

    def test_prune_keeps_the_newest(self):
        self.given()
        code, out, err = self.clams("profiles", "prune", "--max-files", "1", "--include-python-sdk", "--json")
        self.assertEqual((code, json.loads(out)["files"]), (0, 1), err)
        self.assertEqual(self.clams("profiles", "prune", "--max-days", "-3")[0], 2)

    def test_what_cannot_be_used_is_named_and_skipped(self):
        self.given()
        path = self.profile("other", "00000000000000dd", "{not json")
        code, out, err = self.clams("profiles", "list")
        self.assertEqual(code, 0)
        self.assertIn(path, err)
        self.assertIn("00000000000000aa", out)


if __name__ == "__main__":
    unittest.main(verbosity=1)
