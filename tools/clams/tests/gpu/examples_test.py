#!/usr/bin/env python3
"""The retry examples of the guide for client authors: against a full card, and against a server that plays every way to answer.

    examples_test.py RETRY        the built C++ example; needs CLAMS_BIN and CLAMS_SOURCE
"""
import http.server
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
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


PROGRAMS = {"retry.py": [sys.executable, os.path.join(EXAMPLES, "retry.py")], "retry.sh": ["sh", os.path.join(EXAMPLES, "retry.sh")], "retry.cpp": [RETRY]}


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
        return {name: [*command, f"http://127.0.0.1:{self.port}/{query}"] for name, command in PROGRAMS.items()}

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


GOOD = (200, {}, '{"metadata": {}, "documents": [], "views": []}')
DRAINING = '{"error": "draining", "code": "UNAVAILABLE"}'
FAILED = json.dumps({"metadata": {}, "documents": [], "views": [{"id": "v_0", "metadata": {"error": {"message": "<class 'ValueError'>: no \"x\"\nmore", "stackTrace": "a\nb"}}}]}, indent=1)
CUT_OFF, RESET = object(), object()


class Script(http.server.ThreadingHTTPServer):
    """Answers as listed, one after the other: (status, headers, body), RESET or CUT_OFF."""
    daemon_threads = True

    def __init__(self, answers, port=0):
        self.answers, self.asked = list(answers), 0
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        answer = self.server.answers.pop(0)
        if answer is RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        status, headers, body = GOOD if answer is CUT_OFF else answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode()[:10] if answer is CUT_OFF else body.encode())
        self.close_connection = True


class Answers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="clams-examples.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.source = os.path.join(self.folder, "in.mmif")
        with open(self.source, "w", encoding="utf-8") as f:
            f.write(DOCUMENT)

    def target(self, name):
        return os.path.join(self.folder, name + ".out")

    def run_all(self, answers):
        """{name: (status, standard error, times asked)} of each example, with IN and OUT as files. All run at once."""
        servers = {name: Script(answers) for name in PROGRAMS}
        clients = {name: subprocess.Popen([*command, f"http://127.0.0.1:{servers[name].server_address[1]}/?a=b", self.source, self.target(name)],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name, command in PROGRAMS.items()}
        results = {}
        for name, client in clients.items():
            out, err = client.communicate(timeout=LONG)
            self.assertEqual(out, "", name)
            results[name] = (client.returncode, err, servers[name].asked)
            servers[name].end()
        return results

    def assert_served(self, answers):
        for name, (status, err, asked) in self.run_all(answers).items():
            with self.subTest(name):
                self.assertEqual((status, asked), (0, len(answers)), err)
                with open(self.target(name), encoding="utf-8") as f:
                    self.assertEqual(f.read(), GOOD[2])
                self.assertEqual(len(err.splitlines()), len(answers) - 1, err)

    def test_a_server_that_goes_down_is_asked_again_with_and_without_retry_after(self):
        self.assert_served([(503, {}, DRAINING), (503, {"Retry-After": "1"}, DRAINING), (503, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, DRAINING), GOOD])

    def test_the_header_decides_and_not_the_status(self):
        self.assert_served([(500, {"Retry-After": "0"}, '{"error": "full"}'), (429, {"retry-after": "1"}, "busy"), GOOD])

    def test_a_connection_that_is_lost_is_made_again(self):
        self.assert_served([RESET, CUT_OFF, GOOD])

    def test_a_server_that_does_not_listen_yet_is_waited_for(self):
        with socket.socket() as taken:  # a port that nobody listens at, and nobody else gets
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            clients = {name: subprocess.Popen([*command, f"http://127.0.0.1:{port}/", self.source, self.target(name)], stdin=subprocess.DEVNULL,
                                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name, command in PROGRAMS.items()}
            first = {name: client.stderr.readline() for name, client in clients.items()}
        server = Script([GOOD] * len(clients), port)
        self.addCleanup(server.end)
        for name, client in clients.items():
            self.assertRegex(first[name], "efused|Failed to connect", name)
            _, err = client.communicate(timeout=LONG)
            self.assertEqual(client.returncode, 0, name + ": " + err)

    def test_what_would_not_help_is_one_line_and_leaves_no_file(self):
        for status, body, line in ((507, '{"error": "needs 12.00 GiB", "code": "GPU_MEMORY_IMPOSSIBLE"}', "507: needs 12.00 GiB"),
                                   (500, FAILED, "500: <class 'ValueError'>: no \"x\""),
                                   (400, "Invalid input data. See below:\nno views\n", "400: Invalid input data. See below: no views")):
            for name, (ended, err, asked) in self.run_all([(status, {}, body)]).items():
                with self.subTest(name, status=status):
                    self.assertEqual((ended, [line.rstrip() for line in err.splitlines()], asked), (1, [line], 1))
                    self.assertFalse(os.path.exists(self.target(name)))

    def test_wrong_use_and_a_missing_input_are_said(self):
        for name, command in PROGRAMS.items():
            for arguments in ([], ["localhost", "5000"], ["http://h/", "a", "b", "c"]):
                done = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONG)
                self.assertEqual(done.returncode, 2, (name, arguments))
                self.assertRegex(done.stderr, r"retry\S* (URL|http://HOST)", name)
            done = subprocess.run([*command, "http://127.0.0.1:1/", self.folder + "/none"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONG)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn("/none", done.stderr, name)


if __name__ == "__main__":
    unittest.main(verbosity=1)
