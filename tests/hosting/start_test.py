"""`clams serve` with apps that cannot be served: a clear line, exit status 78, and what the app printed."""
import os
import subprocess
import unittest

from hosted import ADDRESS_IN_USE, CLAMS, PATIENCE, HostingTest, Hosted, newest

CONFIGURATION = 78
HEAD = """
from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif


class Small(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Small", description="small", app_license="MIT", identifier="small", url="https://example.org/small")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        return metadata

    def _annotate(self, mmif, **parameters):
        return mmif if isinstance(mmif, Mmif) else Mmif(mmif)

"""


class AppsThatCannotBeServed(HostingTest):
    def refused(self, app, *flags, python=None, environment=None):
        """What `clams serve` said; it must have ended by itself with the status for a wrong configuration."""
        server = Hosted(app, python or newest(), *flags, directory=self.path, ready=False, environment=environment)
        self.addCleanup(server.kill)
        try:
            status = server.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail("it still runs: " + server.output()[-2000:])
        self.assertEqual(status, CONFIGURATION, server.output())
        return server.output()

    def assert_one_line(self, text, *words):
        self.assertEqual(len(text.splitlines()), 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_a_file_that_does_not_exist(self):
        self.assert_one_line(self.refused(self.path + "/nowhere/app.py", python="python3"), "nowhere/app.py", "No such file")

    def test_a_folder_without_an_app(self):
        os.makedirs(self.path + "/empty")
        self.assert_one_line(self.refused(self.path + "/empty", python="python3"), "app.py", "does not exist")

    def test_a_python_that_does_not_exist(self):
        text = self.refused(self.app_file(HEAD), python=self.path + "/venv/bin/python")
        self.assertIn(self.path + "/venv/bin/python", text)
        self.assertIn("No such file", text)

    def test_a_python_without_the_sdk(self):
        text = self.refused(self.app_file(HEAD), python="/usr/bin/python3")
        self.assertIn("No module named 'clams'", text)
        self.assertIn("the app did not start", text.splitlines()[-1])

    def test_an_import_that_fails(self):
        text = self.refused(self.app_file("import a_module_that_is_not_there\n"))
        self.assertIn("No module named 'a_module_that_is_not_there'", text)
        self.assertIn("the app did not start", text.splitlines()[-1])

    def test_a_syntax_error(self):
        text = self.refused(self.app_file("def broken(:\n"))
        self.assertIn("SyntaxError", text)

    def test_an_app_that_never_starts_a_server(self):
        text = self.refused(self.app_file(HEAD + "Small()\nprint('done here')\n"))
        self.assertIn("done here", text)
        self.assertIn("ended without calling Restifier.run() or serve_production()", text)

    def test_a_constructor_that_raises(self):
        text = self.refused(self.app_file(HEAD + "    def __init__(self):\n        raise RuntimeError('no weights here')\n\nRestifier(Small()).run()\n"))
        self.assertIn("no weights here", text)
        self.assertIn("the app did not start", text.splitlines()[-1])

    def test_an_app_that_ends_the_process_at_once(self):
        text = self.refused(self.app_file("import os\nprint('leaving', flush=True)\nos._exit(3)\n"))
        self.assertIn("leaving", text)
        self.assertIn("the app did not start", text.splitlines()[-1])

    def test_arguments_that_the_app_does_not_know(self):
        server = Hosted(self.app_file(HEAD + "import argparse\nargparse.ArgumentParser().parse_args()\nRestifier(Small()).run()\n"), newest(), directory=self.path,
                        ready=False, arguments=["--no-such-argument"])
        self.addCleanup(server.kill)
        self.assertEqual(server.process.wait(PATIENCE), CONFIGURATION, server.output())
        self.assertIn("--no-such-argument", server.output())

    def test_a_port_in_use(self):
        first = self.serve(self.app_file(HEAD + "Restifier(Small()).run()\n"), "--workers", "1")
        done = subprocess.run([CLAMS, "serve", first.app, "--python", newest(), "--port", str(first.port), "--host", "127.0.0.1"], env=first.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        self.assertEqual(done.returncode, ADDRESS_IN_USE)
        self.assertIn(str(first.port), done.stdout.decode())

    def test_without_an_app(self):
        done = subprocess.run([CLAMS, "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2, done.stdout)

    def test_a_folder_is_served_and_needs_no_flag_of_the_app(self):
        path = self.app_file(HEAD + "if __name__ == '__main__':\n    Restifier(Small()).run()\n")
        server = self.serve(os.path.dirname(path), "--workers", "1")
        self.assert_ok(server.post())


class TheCpusThatItMayUse(HostingTest):
    """Libraries in the workers count the machine's CPUs, which may be many more."""

    def threads(self, environment=None):
        """OMP_NUM_THREADS, PYTHON_CPU_COUNT in the worker of a server on one CPU."""
        app = self.app_file(HEAD + "import os\nprint('limits:', os.environ.get('OMP_NUM_THREADS'), os.environ.get('PYTHON_CPU_COUNT'), flush=True)\n"
                                   "Restifier(Small()).run()\n")
        allowed = os.sched_getaffinity(0)
        if len(allowed) < 2:
            self.skipTest("one CPU: nothing to limit")
        os.sched_setaffinity(0, {min(allowed)})
        try:
            server = self.serve(app, environment=environment)
        finally:
            os.sched_setaffinity(0, allowed)
        self.assertTrue(server.lines("(3 requests at once)"), server.output())
        return server.lines("limits:")[0].split("limits:")[1].split()

    def test_are_told_to_the_libraries_in_its_workers(self):
        self.assertEqual(self.threads(), ["1", "1"])

    def test_unless_somebody_has_decided(self):
        self.assertEqual(self.threads({"OMP_NUM_THREADS": "7"}), ["7", "1"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
