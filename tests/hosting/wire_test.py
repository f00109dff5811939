"""The recorded requests of tests/conformance/wire against the same five apps written in Python, behind `clams serve --status-codes python`."""
import subprocess
import sys
import unittest

from hosted import APPS, SOURCE, HostingTest

WIRE_APPS = ("echo", "failing", "gpu", "traps", "shapes")


class RecordedRequests(HostingTest):
    def test_every_recorded_request_is_answered_as_decided(self):
        command = [sys.executable, str(SOURCE / "tests" / "conformance" / "wire" / "check.py"), "--decided"]
        for name in WIRE_APPS:
            server = self.serve(APPS / ("wire_" + name) / "app.py", "--production", "--status-codes", "python", "--workers", "1")
            command += ["--app", "%s=http://127.0.0.1:%d" % (name, server.port)]
        checked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        self.assertEqual(checked.returncode, 0, checked.stdout.decode("utf-8", "replace")[-6000:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
