"""The wheel of clams_vram: installed into a fresh environment, it works there."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Wheel(unittest.TestCase):
    def test_a_fresh_environment_can_use_it(self):
        with tempfile.TemporaryDirectory(prefix="clams-wheel-test.") as path:
            made = subprocess.run([sys.executable, str(ROOT / "ci" / "wheel"), "--build", os.environ["CLAMS_BUILD"], "--out", path], stdout=subprocess.PIPE, check=True)
            wheel = made.stdout.decode().strip()
            subprocess.run([sys.executable, "-m", "venv", path + "/venv"], check=True)
            python = path + "/venv/bin/python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel], check=True)
            environment = {**os.environ, "CLAMS_GPU": "sim:8GiB", "CLAMS_VRAM_DIR": path + "/vram"}
            environment.pop("PYTHONPATH", None)
            code = "import clams_vram as v\nwith v.reserve('1GiB') as l: print(l.bytes, l.device)"
            done = subprocess.run([python, "-c", code], env=environment, cwd=path, stdout=subprocess.PIPE, check=True, timeout=60)
            self.assertTrue(done.stdout.decode().startswith("1073741824 SIM-0"), done.stdout)
            listed = subprocess.run([python, "-m", "pip", "check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(listed.returncode, 0, listed.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
