#!/usr/bin/env python3
"""`clams gpu --watch` on a terminal of its own."""
import os
import signal
import termios
import unittest

from gpu_processes import Screen, WithDevices, state_of


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


if __name__ == "__main__":
    unittest.main(verbosity=1)
