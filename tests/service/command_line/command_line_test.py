#!/usr/bin/env python3
"""The command line of app programs and of `clams serve`, from outside.

    command_line_test.py        needs CLAMS_BIN (the folder of the built programs)
"""
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import serving  # noqa: E402

BIN = os.path.abspath(os.environ.get("CLAMS_BIN", ""))
PROGRAM = os.path.join(BIN, "..", "tests", "clams_odd_apps")
MMIF = b'{"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []}'


class CommandLine(serving.ServingTest):
    def run_app(self, *words, app="works", stdin=MMIF, **environment):
        command = [PROGRAM, "--app", app, *words]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CLAMS_") and name != "COLUMNS"}
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, cwd=self.path, env=dict(plain, **environment))
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def one_line(self, status, *pieces, words=(), **more):
        got, out, err = self.run_app(*words, **more)
        self.assertEqual((got, out, err.count("\n")), (status, "", 1), err)
        self.assertTrue(err.startswith("clams_odd_apps: "), err)
        for piece in pieces:
            self.assertIn(piece, err)
        return err

    def configuration(self, *words):
        status, out, err = self.run_app(*words, *([] if "-" in words else ["-", "-"]))
        self.assertEqual((status, err), (0, ""))
        return next(view["metadata"]["appConfiguration"] for view in json.loads(out)["views"])

    def test_bad_metadata_is_one_line_with_the_field_whatever_is_asked_for(self):
        cases = {"twice": "parameter 'a' is declared twice", "universal": "parameter 'pretty' has the name of a parameter that every app has",
                 "running-time": "parameter 'runningTime'", "throws": "metadata() threw <class 'RuntimeError'>: no configuration", "throws-a-number": "metadata() threw",
                 "no-name": "a parameter has no name", "blank-name": "parameter 'a b'", "dashed-name": "parameter '-a'", "line-in-name": "parameter 'a?b'",
                 "identifier": "identifier 'my app!'", "no-identifier": "identifier is missing", "url": "url 'example.org'", "default": "parameter 'a' has a default",
                 "choices": "parameter 'a' has the choice 'x' twice", "unmakeable": "the app cannot be made: <class 'RuntimeError'>: there are no weights"}
        for app, words in cases.items():
            for asked in (["--help"], ["--version"], ["--port", "0"], ["-", "-"], ["--executor", "isolated", "--port", "0"]):
                with self.subTest(app=app, asked=asked):
                    self.one_line(78, words, words=asked, app=app)

    def test_a_misspelt_flag_or_parameter_is_named(self):
        for words, pieces in ((["--modelsize", "large", "-", "-"], ["no parameter or flag --modelsize", "did you mean --modelSize?"]),
                              (["-", "-", "--modelsize=large"], ["no parameter or flag --modelsize;"]), (["-modelSize", "large", "-", "-"], ["-modelSize", "--modelSize?"]),
                              (["-", "-", "--xyzzy"], ["no parameter or flag --xyzzy ("]), (["--prot", "1"], ["--prot", "--port?"]),
                              (["-", "-", "--no-strikt"], ["--no-strikt", "--strict=false?"])):
            with self.subTest(words=words):
                self.one_line(2, *pieces, words=words)

    def test_without_an_app_the_apps_are_named_first(self):
        self.one_line(2, "there is no app 'work' in this program; did you mean works?", words=["-", "-", "--modelSize", "large"], app="work")
        done = subprocess.run([PROGRAM, "--modelSize", "large"], capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (2, 1))
        self.assertIn(b"say which app to run: --app NAME", done.stderr)
        for asked in ("--help", "--version"):
            self.assertEqual(subprocess.run([PROGRAM, asked], capture_output=True, timeout=60).returncode, 0)

    def test_a_misspelt_name_given_to_param_is_a_warning_on_standard_error_and_in_the_document(self):
        status, out, err = self.run_app("-", "-", "--param", "modelsize=large")
        self.assertEqual((status, err), (0, 'clams_odd_apps: warning: there is no parameter "modelsize"; did you mean "modelSize"?\n'))
        self.assertIn('An undefined parameter', out)

    def test_warnings_of_the_app_are_on_standard_error_too(self):
        status, _, err = self.run_app("-", "-", "--warn", "the end is missing")
        self.assertEqual((status, err), (0, "clams_odd_apps: warning: the end is missing\nclams_odd_apps: warning: the end is missing, a second one\n"))
        _, _, err = self.run_app("-", "-", "--warn", "the end is missing", "--log-format", "json")
        self.assertEqual([json.loads(line)["level"] for line in err.splitlines()], ["warning", "warning"])

    def test_a_number_that_json_has_not_is_a_warning(self):
        for number, spelt in (("nan", "NaN"), ("-inf", "-Infinity")):
            status, out, err = self.run_app("-", "-", "--number", number)
            self.assertEqual(status, 0)
            self.assertIn('warning: property "number" of v_0:an_1 is or holds %s; JSON has no such number' % spelt, err)
            self.assertEqual([view["metadata"].get("warnings") for view in json.loads(out)["views"]], [None], "the document is that of the Python SDK")
        server = serving.Server("works", [PROGRAM, "--app", "works", *serving.ANY_PORT], os.path.join(self.path, "log"), environment=dict(os.environ))
        self.servers.append(server)
        self.assert_ok(server.post(MMIF, number="nan"))
        self.assertEqual(len(server.lines("JSON has no such number")), 1)

    def test_a_media_file_may_stand_where_an_mmif_is_expected(self):
        kinds = {"talk.wav": ("AudioDocument", "audio/wav"), "Talk 100%.MP4": ("VideoDocument", "video/mp4"), "page.tiff": ("ImageDocument", "image/tiff"),
                 "note.txt": ("TextDocument", "text/plain")}
        for name, (kind, mime) in kinds.items():
            with open(os.path.join(self.path, name), "wb") as f:
                f.write(b"RIFF, or whatever it is")
            status, out, err = self.run_app(name, "-")
            self.assertEqual((status, err), (0, ""))
            [document] = json.loads(out)["documents"]
            self.assertEqual(document["@type"].split("/")[-2], kind)
            self.assertEqual(document["properties"], {"mime": mime, "location": "file://" + os.path.join(os.path.realpath(self.path), name), "id": "d1"})
        with open(os.path.join(self.path, "news.mp4"), "wb") as f:
            f.write(b"\n " + MMIF)
        self.assertEqual(json.loads(self.run_app("news.mp4", "-")[1])["documents"], [])
        status, _, err = self.run_app("missing.wav", "-")
        self.assertEqual((status, err), (1, "clams_odd_apps: cannot open 'missing.wav': No such file or directory\n"))

    def test_several_values_behind_one_flag(self):
        for words, levels in ((["--levels", "word", "line", "--", "-", "-"], ["word", "line"]), (["-", "-", "--levels", "word", "line"], ["word", "line"]),
                              (["--levels", "word", "-", "-"], ["word"]), (["--levels", "a", "--levels", "b", "c", "--", "-", "-"], ["a", "b", "c"])):
            with self.subTest(words=words):
                self.assertEqual(self.configuration(*words)["levels"], levels)
        self.assertEqual(self.configuration("--names", "a:b", "c:d", "--", "-", "-")["names"], {"a": "b", "c": "d"})
        self.one_line(2, "IN and OUT are two words, here stand 3", words=["--modelSize", "small", "large", "--", "-", "-"])

    def test_a_switch_needs_no_value(self):
        for words, strict in ((["--strict"], True), (["--strict", "false"], False), (["--no-strict"], False), (["--strict=OFF"], False), ([], True)):
            self.assertEqual(self.configuration(*words)["strict"], strict, words)
        self.assertEqual(self.run_app("--pretty", "-", "-")[1].split("\n")[0], "{")

    def test_a_parameter_with_the_name_of_a_flag_is_given_by_param(self):
        self.assertEqual(self.configuration("--param", "port=right")["port"], "right")
        self.assertIn("--param port=VALUE", self.run_app("--help")[1])

    def test_version_and_help(self):
        self.assertRegex(self.run_app("--version")[1], r"\AOdd 3\.1\nclams-cpp \d+\.\d+\.\d+ \(MMIF 1\.2\.0\)\n\Z")
        text = self.run_app("--help", COLUMNS="80")[1]
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)
        self.assertIn("[string, one of small, large; default small]", " ".join(text.split()))
        self.assertNotIn("--headroom", text)
        self.assertEqual(text, self.run_app("--help")[1], "80 columns where nobody says otherwise")

    def test_a_failure_is_printed_once(self):
        err = self.one_line(1, "the app failed: <class 'RuntimeError'>: too bad (out.mmif has it as an error view)", words=["in.mmif", "out.mmif", "--fail", "too bad"]) \
            if self.write("in.mmif", MMIF) else ""
        self.assertEqual(err.count("too bad"), 1)
        self.one_line(65, "invalid input data: ", words=["-", "-"], stdin=b"{]")
        self.one_line(1, "cannot write '/nope/out.mmif': No such file or directory", words=["-", "/nope/out.mmif"])
        self.one_line(1, "cannot write '.': Is a directory", words=["-", "."])
        self.one_line(1, "cannot open 'nope.mmif': No such file", words=["nope.mmif", "-"])
        self.one_line(2, "--modelSize must be one of ['small', 'large']", words=["-", "-", "--modelSize", "huge"])

    def write(self, name, content):
        with open(os.path.join(self.path, name), "wb") as f:
            f.write(content)
        return True

    def test_an_app_throws_out_of_memory_with_one_header_alone(self):
        self.one_line(1, "taken by others", words=["-", "out.mmif", "--crash", "memory"])

    def test_sizes_of_gpu_memory_are_not_bare_small_numbers(self):
        for words in (["--headroom", "2"], ["--worker-growth", "8"]):
            self.one_line(2, words[0], "bytes? write", words=words + ["--port", "0"])
        self.one_line(2, "--gpu: ", "8 bytes? write 8GiB", words=["--gpu", "sim:8", "--port", "0"])
        self.one_line(2, "--gpu: '0' does not name devices", "choose real ones by CUDA_VISIBLE_DEVICES", words=["--gpu", "0", "--port", "0"])
        self.one_line(78, "CLAMS_GPU: ", "8 bytes? write 8GiB", words=["--port", "0"], CLAMS_GPU="sim:8")
        self.one_line(78, "CLAMS_HEADROOM: 2 bytes? write 2GiB", words=["--port", "0"], CLAMS_HEADROOM="2")
        self.write("c.toml", b"headroom = 2\n")
        self.one_line(78, "bytes? write 2GiB", words=["--config", "c.toml", "--port", "0"])

    def test_a_crash_leaves_a_line_with_the_request(self):
        for how, killed in (("fault", signal.SIGSEGV), ("overflow", signal.SIGSEGV), ("abort", signal.SIGABRT), ("thread", signal.SIGSEGV)):
            with self.subTest(how=how):
                log = os.path.join(self.path, how + ".log")
                server = serving.Server(how, [PROGRAM, "--app", "works", *serving.ANY_PORT], log, environment=dict(os.environ))
                self.addCleanup(server.kill)
                with self.assertRaises(OSError):
                    server.post(MMIF, crash=how, headers={"X-Request-ID": "the-request"})
                self.assertEqual(server.wait(), -killed)
                [line] = server.lines("crashed by")
                self.assertIn("the-request", line)
                self.assertIn("--executor isolated", line)
                server.ended = True

    def test_a_crash_of_a_single_run_leaves_a_line(self):
        status, out, err = self.run_app("-", "-", "--crash", "fault")
        self.assertEqual((status, out), (-signal.SIGSEGV, ""))
        self.assertEqual(err, "clams_odd_apps: crashed by SIGSEGV (a bad address); nothing was written\n")


class Serve(serving.ServingTest):
    def refused(self, status, *pieces, words):
        done = subprocess.run([os.path.join(BIN, "clams"), "serve", *words], capture_output=True, timeout=60, cwd=self.path)
        err = done.stderr.decode()
        self.assertEqual((done.returncode, err.count("\n")), (status, 1), err)
        for piece in pieces:
            self.assertIn(piece, err)

    def test_an_unknown_flag_is_named_and_where_the_apps_own_stand(self):
        self.refused(2, "no flag --nope", "behind '--'", words=["app.py", "--nope", "3"])
        self.refused(2, "no flag --prot", "did you mean --port?", words=["app.py", "--prot", "3"])
        self.refused(2, "clams serve APP.PY", words=["--port", "3"])
        self.refused(2, "unexpected word 'two'", words=["one.py", "two"])

    def test_a_relative_python_is_that_of_the_folder_where_the_command_was_typed(self):
        os.makedirs(os.path.join(self.path, "apps"))
        open(os.path.join(self.path, "apps", "app.py"), "w").close()
        os.makedirs(os.path.join(self.path, "venv", "bin"))
        python = os.path.join(self.path, "venv", "bin", "python")
        with open(python, "w") as f:
            f.write("#!/bin/sh\necho this is the python >&2\nexit 3\n")
        os.chmod(python, 0o755)
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        for words, more in ((["--python", "venv/bin/python"], {}), (["--python", "venv"], {}), (["--python", "./venv/bin/python"], {}), ([], {"VIRTUAL_ENV": "venv"})):
            with self.subTest(words=words, more=more):
                done = subprocess.run([os.path.join(BIN, "clams"), "serve", "apps/app.py", *words], capture_output=True, timeout=60, cwd=self.path,
                                      env={**environment, **more})
                self.assertIn(b"this is the python", done.stderr)

    def test_the_folder_of_an_environment_is_taken_for_its_python(self):
        open(os.path.join(self.path, "app.py"), "w").close()
        os.makedirs(os.path.join(self.path, "empty"))
        self.refused(78, "--python: 'empty' is a folder without bin/python", words=["app.py", "--python", "empty"])
        os.makedirs(os.path.join(self.path, "venv", "bin"))
        python = os.path.join(self.path, "venv", "bin", "python")
        with open(python, "w") as f:
            f.write("#!/bin/sh\necho started by the environment >&2\nexit 3\n")
        os.chmod(python, 0o755)
        for given in ("venv", "venv/", os.path.join(self.path, "venv")):
            done = subprocess.run([os.path.join(BIN, "clams"), "serve", "app.py", "--python", given, "--port", "0"], capture_output=True, timeout=60, cwd=self.path)
            self.assertEqual(done.returncode, 78)
            self.assertIn(b"started by the environment", done.stderr, given)


if __name__ == "__main__":
    unittest.main(verbosity=2)
