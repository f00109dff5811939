#!/usr/bin/env python3
"""The retry examples of the guide for client authors against a full card: refused first, served when the other process frees.

    examples_test.py RETRY        the built C++ example; needs CLAMS_BIN and CLAMS_SOURCE
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BIN = os.path.abspath(os.environ.get("CLAMS_BIN", ""))
EXAMPLES = os.path.join(os.path.abspath(os.environ.get("CLAMS_SOURCE", "")), "docs", "guides", "examples")
RETRY = os.path.abspath(sys.argv.pop(1))
GIB = 1 << 30
LONG = 120
DOCUMENT = json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.1.0"}, "views": [], "documents": [
    {"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}]})


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="clams-examples.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("CLAMS_", "http_proxy", "HTTP_PROXY"))}
        self.environment.update(CLAMS_VRAM_DIR=os.path.join(self.folder, "vram"), CLAMS_PROFILE_DIR=os.path.join(self.folder, "profiles"), CLAMS_GPU="sim:24GiB")
        self.port = free_port()
        self.start("clams-vram-demo", "--port", str(self.port))
        self.until_healthy()

    def start(self, program, *arguments, **more):
        process = subprocess.Popen([os.path.join(BIN, program), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more)

        def end():
            process.terminate()
            process.communicate(timeout=LONG)

        self.addCleanup(end)
        return process

    def until_healthy(self):
        deadline = time.monotonic() + LONG
        while True:
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=LONG).read()
            except OSError:
                self.assertLess(time.monotonic(), deadline, "the app does not serve")
                time.sleep(0.05)

    def client(self, command):
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def succeeds_after_a_refusal(self, make_command):
        # Five gigabytes fit beside headroom; then another process takes nearly all.
        holder = self.start("clams", "gpu", "simulate", "--", "take", "20GiB")
        self.assertIn("took", holder.stdout.readline())
        client = self.client(make_command(f"?bytes={5 * GIB}&model=large"))
        client.stdin.write(DOCUMENT)
        client.stdin.close()
        client.stdin = None
        line = client.stderr.readline()
        self.assertRegex(line, r"^503: ")
        refusal = json.loads(line[5:])
        self.assertEqual(refusal["code"], "INSUFFICIENT_GPU_MEMORY")
        self.assertRegex(refusal["error"], r"^Insufficient GPU memory for large\. Required: 5\.00GB, Available: 1\.60GB\. ")
        holder.terminate()
        out, err = client.communicate(timeout=LONG)
        self.assertEqual(client.returncode, 0, err)
        self.assertEqual(len(json.loads(out)["views"]), 1)

    def gives_up_on_what_never_fits(self, make_command):
        client = self.client(make_command(f"?bytes={25 * GIB}&model=large"))
        out, err = client.communicate(DOCUMENT, timeout=LONG)
        self.assertNotEqual(client.returncode, 0)
        self.assertEqual(out, "")
        self.assertIn("507", err)

    def url(self, query):
        return f"http://127.0.0.1:{self.port}/{query}"

    def test_python(self):
        make = lambda query: [sys.executable, os.path.join(EXAMPLES, "retry.py"), self.url(query)]
        self.succeeds_after_a_refusal(make)
        self.gives_up_on_what_never_fits(make)

    def test_shell(self):
        make = lambda query: ["sh", os.path.join(EXAMPLES, "retry.sh"), self.url(query)]
        self.succeeds_after_a_refusal(make)
        self.gives_up_on_what_never_fits(make)

    def test_cpp(self):
        make = lambda query: [RETRY, "127.0.0.1", str(self.port), "/" + query]
        self.succeeds_after_a_refusal(make)
        self.gives_up_on_what_never_fits(make)


if __name__ == "__main__":
    unittest.main(verbosity=1)
