#!/usr/bin/env python3
"""The retry examples of the guide for client authors against a full card: refused first, served when the other process frees.

    examples_test.py RETRY        the built C++ example; needs CLAMS_BIN and CLAMS_SOURCE
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ.get("CLAMS_SOURCE", ""), "tests", "support"))

import serving  # noqa: E402

BIN = os.path.abspath(os.environ.get("CLAMS_BIN", ""))
EXAMPLES = os.path.join(os.path.abspath(os.environ.get("CLAMS_SOURCE", "")), "docs", "guides", "examples")
RETRY = os.path.abspath(sys.argv.pop(1))
GIB = 1 << 30
LONG = 120
DOCUMENT = json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.1.0"}, "views": [], "documents": [
    {"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}]})


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="clams-examples.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("CLAMS_", "http_proxy", "HTTP_PROXY"))}
        self.environment.update(CLAMS_VRAM_DIR=os.path.join(self.folder, "vram"), CLAMS_PROFILE_DIR=os.path.join(self.folder, "profiles"), CLAMS_GPU="sim:24GiB")
        demo = serving.Server("clams-vram-demo", [os.path.join(BIN, "clams-vram-demo"), *serving.ANY_PORT], os.path.join(self.folder, "demo.log"), self.environment)
        self.addCleanup(demo.kill)
        self.port = demo.port

    def start(self, program, *arguments, **more):
        process = subprocess.Popen([os.path.join(BIN, program), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more)

        def end():
            process.terminate()
            process.communicate(timeout=LONG)

        self.addCleanup(end)
        return process

    def client(self, command):
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def commands(self, query):
        url = f"http://127.0.0.1:{self.port}/{query}"
        return {"retry.py": [sys.executable, os.path.join(EXAMPLES, "retry.py"), url], "retry.sh": ["sh", os.path.join(EXAMPLES, "retry.sh"), url],
                "retry.cpp": [RETRY, "127.0.0.1", str(self.port), "/" + query]}

    def test_refused_first_and_served_when_the_other_process_frees(self):
        holder = self.start("clams", "gpu", "simulate", "--", "take", "20GiB")
        self.assertIn("took", holder.stdout.readline())
        clients = {name: self.client(command) for name, command in self.commands(f"?bytes={5 * GIB}&model=large").items()}
        for name, client in clients.items():
            client.stdin.write(DOCUMENT)
            client.stdin.close()
            client.stdin = None
            line = client.stderr.readline()
            self.assertRegex(line, r"^503: ", name)
            refusal = json.loads(line[5:])
            self.assertEqual(refusal["code"], "INSUFFICIENT_GPU_MEMORY", name)
            self.assertRegex(refusal["error"], r"^Insufficient GPU memory for large\. Required: 5\.00GB, Available: 1\.60GB\. ", name)
        holder.terminate()
        for name, client in clients.items():
            out, err = client.communicate(timeout=LONG)
            self.assertEqual(client.returncode, 0, name + ": " + err)
            self.assertEqual(len(json.loads(out)["views"]), 1, name)

    def test_what_never_fits_is_not_tried_again(self):
        for name, command in self.commands(f"?bytes={25 * GIB}&model=large").items():
            client = self.client(command)
            out, err = client.communicate(DOCUMENT, timeout=LONG)
            self.assertEqual((client.returncode, out), (1, ""), name)
            self.assertIn("507", err, name)


if __name__ == "__main__":
    unittest.main(verbosity=1)
