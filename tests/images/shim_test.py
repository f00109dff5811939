"""The `python` of images of programs, with a program that shows how it was started."""
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# Shows its name, arguments and address; with --sleep it becomes a process that waits, with --fail it fails.
PROGRAM = """#!/bin/sh
for word; do [ "$word" != --fail ] || exit 69; [ "$word" != --sleep ] || exec sleep 60; done
printf '%s\\n' "${0##*/}" "host=${CLAMS_HOST-unset}" "$@"
"""


class Shim(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="clams-shim-test."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.app = self.folder / "app"
        for part in ("bin", "app", "programs"):
            (self.folder / part).mkdir()
        program = self.folder / "programs" / "clams-sample"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        (self.app / "program").symlink_to(program)
        for name in ("python", "python3"):
            (self.folder / "bin" / name).symlink_to(SOURCE / "deploy/images/python")

    def run_python(self, *words, name="python", folder=None, stdin=subprocess.DEVNULL, **variables):
        environment = {key: value for key, value in os.environ.items() if key != "CLAMS_HOST"}
        return subprocess.run([self.folder / "bin" / name, *map(str, words)], cwd=folder or self.app, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=30, env={**environment, **variables})

    def started(self, *words, **more):
        """Arguments of the program, which was started under its own name."""
        done = self.run_python(*words, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        name, host, *arguments = done.stdout.splitlines()
        self.assertEqual(name, "clams-sample")
        self.host = host
        return arguments

    # --- python cli.py

    def test_a_run_as_clams_kitchen_starts_it(self):
        words = ["--model", "tiny.en", "--language=en", "--", "/mmif/in.mmif", "/mmif/out.mmif"]
        self.assertEqual(self.started("cli.py", *words), words)
        self.assertEqual(self.host, "host=unset")

    def test_arguments_stay_whole(self):
        words = ["--query", "two words", "--empty", "", "--star=*", "--", "a b.mmif", "$out"]
        self.assertEqual(self.started("cli.py", *words), words)

    def test_without_in_and_out_a_run_reads_standard_input_and_writes_standard_output(self):
        for words in ([], ["--model", "tiny"], ["--model=tiny"], ["--a=1", "--b", "2"]):
            self.assertEqual(self.started("cli.py", *words), words + ["-", "-"], words)
        self.assertEqual(self.started("cli.py", "--model", "tiny", "--"), ["--model", "tiny", "--", "-", "-"])

    def test_without_out_a_run_writes_standard_output(self):
        for words in (["in.mmif"], ["-"], ["--model=tiny", "in.mmif"], ["--model", "tiny", "--", "in.mmif"], ["--many", "a", "b", "--", "in.mmif"]):
            self.assertEqual(self.started("cli.py", *words), words + ["-"], words)

    def test_files_that_are_named_are_left_alone(self):
        for words in (["in", "out"], ["-", "-"], ["--model=tiny", "in", "out"], ["--model", "tiny", "in", "out"], ["--many", "a", "b", "--", "in", "out"],
                      ["--switch", "in", "out"]):  # a switch of the program without a value, which looks like an option with one
            self.assertEqual(self.started("cli.py", *words), words, words)

    def test_help_is_that_of_the_program(self):
        self.assertEqual(self.started("cli.py", "--help"), ["--help"])
        self.assertEqual(self.started("cli.py", "-h"), ["-h"])

    def test_a_run_without_input_on_a_terminal_shows_help_and_fails(self):
        controller, terminal = pty.openpty()
        try:
            done = self.run_python("cli.py", stdin=terminal)
        finally:
            os.close(terminal)
            os.close(controller)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[2:], ["--help"])

    def test_the_status_is_that_of_the_program(self):
        self.assertEqual(self.run_python("cli.py", "--fail=1", "--fail", "--", "in", "out").returncode, 69)

    # --- python app.py

    def test_a_server_as_published_deployments_start_it(self):
        self.assertEqual(self.started("app.py", "--production", "--port", "5001"), ["--production", "--port", "5001"])
        self.assertEqual(self.started("app.py", "--production", name="python3"), ["--production"])

    def test_a_server_listens_on_all_addresses_unless_it_is_told_another(self):
        self.started("app.py")
        self.assertEqual(self.host, "host=0.0.0.0")
        self.started("app.py", CLAMS_HOST="10.0.0.7")
        self.assertEqual(self.host, "host=10.0.0.7")
        self.assertEqual(self.started("app.py", "--host", "::1"), ["--host", "::1"])  # a flag of the program; it comes before variables

    def test_signals_reach_the_program(self):
        process = subprocess.Popen([self.folder / "bin/python", "app.py", "--sleep"], cwd=self.app, stdin=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 30
        while pathlib.Path("/proc/%d/comm" % process.pid).read_text() != "sleep\n":  # the process itself has become the program
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=10), -signal.SIGTERM)

    # --- what a Python is given

    def test_switches_of_python_are_skipped(self):
        for switches in (["-u"], ["-uB"], ["-W", "ignore"], ["-Wignore"], ["-X", "utf8", "-u"], ["-OO", "-s"]):
            self.assertEqual(self.started(*switches, "app.py", "--production"), ["--production"], switches)

    def test_scripts_are_found_by_their_folder(self):
        self.assertEqual(self.started(self.app / "cli.py", "in", "out", folder="/"), ["in", "out"])
        self.assertEqual(self.started("app/app.py", folder=self.folder), [])
        self.assertEqual(self.started("./app.py"), [])

    def test_anything_else_is_refused_in_one_line(self):
        for words in ([], ["-c", "print(1)"], ["-m", "clams"], ["-um", "clams"], ["--version"], ["-"], ["setup.py"], ["/app/metadata.py"], ["-u"], ["-X"], ["-i", "-V"]):
            done = self.run_python(*words, name="python3")
            self.assertEqual((done.returncode, done.stdout), (127, ""), words)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertIn("python3: this image holds no Python", done.stderr)

    def test_a_folder_without_an_app_is_named(self):
        done = self.run_python("cli.py", "in", "out", folder="/")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("can't open file 'cli.py'", done.stderr)
        (self.app / "program").unlink()
        (self.app / "program").symlink_to(self.folder / "absent")
        self.assertEqual(self.run_python("app.py").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
