#!/usr/bin/env python3
"""The program `clams` from outside: exit statuses, what goes to which stream, files, wrong use.

    command_test.py        needs CLAMS_BIN (the folder of the built programs)
"""
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.path.abspath(os.environ.get("CLAMS_BIN", "")), "clams")
HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "..", "..", "..", "tests", "data", "mmif")
SCREENS = os.path.join(SAMPLES, "screens.mmif")
SPEECH = os.path.join(SAMPLES, "speech-small.mmif")
COMMANDS = ["source", "rewind", "describe", "summarize", "text", "subtitles", "envelop", "develop", "completion"]


def clams(*arguments, stdin=b"", **more):
    done = subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, timeout=60, **more)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def views_of(text):
    return [view["id"] for view in json.loads(text)["views"]]


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="clams-command.")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(content)
        return path

    def refused(self, status, message, *arguments, **more):
        got, out, err = clams(*arguments, **more)
        self.assertEqual((got, out), (status, ""), err)
        self.assertIn(message, err)
        self.assertEqual(err.count("\n"), 1, "one line: " + err)
        self.assertTrue(err.startswith("clams"), err)
        self.assertEqual([n for n in os.listdir(self.folder) if n.endswith(".tmp")], [])


class Help(InFolder):
    def test_no_arguments_print_help_on_standard_error(self):
        status, out, err = clams()
        self.assertEqual((status, out), (2, ""))  # wrong use, as the help says
        for command in COMMANDS:
            self.assertIn("\n  " + command + " ", err)

    def test_help_of_every_command_is_as_recorded(self):
        for command in COMMANDS:
            wide = dict(os.environ, COLUMNS="100")
            status, out, err = clams(command, "--help", env=wide)
            self.assertEqual((status, err), (0, ""), command)
            with open(os.path.join(HERE, "data", "expected", "help", command + ".txt"), encoding="utf-8") as f:
                self.assertEqual(out, f.read(), command)
            self.assertTrue(all(len(line) <= 130 for line in out.splitlines()), command)
            self.assertEqual(clams(command, "-h", env=wide)[1], out)

    def test_help_is_as_wide_as_the_terminal_and_cuts_no_word(self):
        def words(text):
            return [word for line in text.split("\n") if not line.startswith("  clams ") for word in line.split()]
        for command in [[], ["source"], ["gpu"], ["gpu", "run"], ["gpu", "simulate"], ["profiles"], ["develop"]]:
            widest = clams(*command, "--help", env=dict(os.environ, COLUMNS="120"))[1]
            for width in (40, 61, 80, 100):
                out = clams(*command, "--help", env=dict(os.environ, COLUMNS=str(width)))[1]
                self.assertEqual(words(out), words(widest), (command, width))
                for line in out.splitlines():
                    fits = len(line) <= width or line.startswith("  ") and (line.strip().startswith(("-", "clams ")) or " " not in line.strip())
                    self.assertTrue(fits or line.startswith("  "), (command, width, line))
        plain = dict((name, value) for name, value in os.environ.items() if name != "COLUMNS")
        self.assertEqual(clams("gpu", "--help", env=plain)[1], clams("gpu", "--help", env=dict(plain, COLUMNS="80"))[1])
        self.assertEqual(clams("gpu", "--help", env=dict(plain, COLUMNS="7"))[1], clams("gpu", "--help", env=dict(plain, COLUMNS="40"))[1])

    def test_help_on_a_terminal_has_its_width(self):
        import fcntl
        import struct
        import termios
        master, terminal = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 63, 0, 0))
        plain = dict((name, value) for name, value in os.environ.items() if name != "COLUMNS")
        done = subprocess.Popen([PROGRAM, "describe", "--help"], stdout=terminal, env=plain)
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        self.assertEqual(done.wait(60), 0)
        self.assertEqual(shown.decode().replace("\r\n", "\n"), clams("describe", "--help", env=dict(plain, COLUMNS="63"))[1])

    def test_help_wins_over_what_is_missing_or_wrong(self):
        self.assertEqual(clams("source", "--help")[0], 0)
        self.assertEqual(clams("source", "--oops", "--help")[0], 0)
        self.assertEqual(clams("rewind", "nope", "-n", "x", "--help")[0], 0)

    def test_version_is_ours_first_and_then_names_the_python_sdk_as_its_command_does(self):
        for flag in ("-v", "--version"):
            status, out, err = clams(flag)
            self.assertEqual((status, err), (0, ""))
            self.assertRegex(out, r"\Aclams-cpp \d+\.\d+\.\d+\nclams-python 1\.8\.0 \(based on MMIF spec: 1\.2\.0\)\n\Z")


class WrongUse(InFolder):
    def test_is_told_in_one_line_with_a_suggestion(self):
        self.refused(2, "no command 'souce'; did you mean 'clams source'?", "souce")
        self.refused(2, "no command 'zzzzzzzz'; see: clams --help", "zzzzzzzz")
        self.refused(2, "unknown flag '--prefx'; did you mean '--prefix'?", "source", "--prefx=/a", "video:b")
        self.refused(2, "unknown flag '-z'; see: clams rewind --help", "rewind", "-z")
        self.refused(2, "unknown flag '--PREFIX'; did you mean '--prefix'?", "source", "--PREFIX", "/a", "video:b")
        self.refused(2, "unknown flag '-Prefix'; did you mean '--prefix'?", "source", "-Prefix", "/a", "video:b")
        self.refused(2, "unknown flag '--versio'; did you mean '--version'?", "--versio")
        self.refused(2, "DOCUMENT is missing", "source")
        self.refused(2, "--name is missing", "develop")
        self.refused(2, "PARAMS_FILE is missing", "envelop")
        self.refused(2, "--output needs a value", "describe", "-o")
        self.refused(2, "unexpected argument 'two'", "describe", "one", "two")
        self.refused(2, "--mode cannot be 'vie'; did you mean 'view'?", "rewind", "-m", "vie", "-n", "1", SCREENS)
        self.refused(2, "--number needs a whole number, not '1.5'", "rewind", "-n", "1.5", SCREENS)
        self.refused(2, "--recipes cannot be 'utl-tf'", "develop", "-n", "x", "-r", "app", "utl-tf", cwd=self.folder)
        self.refused(2, "--help-schema cannot be 'mmif'", "describe", "--help-schema", "mmif")
        self.refused(2, "two outputs", "rewind", SCREENS, self.path("a"), "-o", self.path("b"), "-n", "1")

    def test_values_that_cannot_be(self):
        self.refused(2, "Only can rewind by a positive number of views. Got -1.", "rewind", "-n", "-1", SCREENS)
        self.refused(2, 'prefix must be an absolute path; given "pre".', "source", "-p", "pre", "video:a")
        self.refused(2, "in argument 1 to source", "source", "video:/a", "b")


def speech(app="http://apps.example.org/any-recogniser/v1", documents=1, forward=True, words=True):
    """What a recogniser writes: a view for each sound, two sentences in each; Alignments in either direction."""
    vocabulary = "http://mmif.clams.ai/vocabulary/"
    views = []
    for n in range(1, documents + 1):
        annotations = [{"@type": vocabulary + "TextDocument/v1", "properties": {"id": "td", "text": {"@value": "Good evening. Here is the news."}}},
                       {"@type": vocabulary + "Alignment/v1", "properties": {"id": "a0", "source": "d%d" % n, "target": "td"}}]
        def align(name, target, start, end):
            annotations.append({"@type": vocabulary + "TimeFrame/v5", "properties": {"id": "f" + name, "start": start, "end": end}})
            ends = ("f" + name, target) if forward else (target, "f" + name)
            annotations.append({"@type": vocabulary + "Alignment/v1", "properties": {"id": "a" + name, "source": ends[0], "target": ends[1]}})
        sentences, at = [["Good", "evening."], ["Here", "is", "the", "news."]], 1000
        for s, sentence in enumerate(sentences):
            tokens, start = [], at
            for w, word in enumerate(sentence):
                token = "t%d%d" % (s, w)
                tokens.append(token)
                if words:
                    annotations.append({"@type": vocabulary + "Token/v1", "properties": {"id": token, "text": word}})
                    align("w%d%d" % (s, w), token, at, at + 400)
                at += 400
            properties = {"id": "s%d" % s, "text": " ".join(sentence)}
            if words:
                properties["targets"] = tokens
            annotations.append({"@type": vocabulary + "Sentence/v1", "properties": properties})
            if not words:
                align("s%d" % s, "s%d" % s, start, at)
        views.append({"id": "v_%d" % (n - 1), "metadata": {"app": app, "timestamp": "2026-01-01T00:00:00",
                                                           "contains": {vocabulary + "TimeFrame/v5": {"document": "d%d" % n, "timeUnit": "milliseconds"}}},
                      "annotations": annotations})
    sounds = [{"@type": vocabulary + "AudioDocument/v1", "properties": {"id": "d%d" % n, "mime": "audio/wav", "location": "file:///%d.wav" % n}}
              for n in range(1, documents + 1)]
    return json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": sounds, "views": views})


class Reading(InFolder):
    """clams text, clams subtitles."""
    VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:01.800\nGood evening.\n\n00:00:01.800 --> 00:00:03.400\nHere is the news.\n\n"

    def test_subtitles_come_from_any_recogniser_whatever_it_aligns_and_in_which_direction(self):
        for forward in (True, False):
            for words in (True, False):
                status, out, err = clams("subtitles", self.path("a.mmif", speech(forward=forward, words=words)))
                self.assertEqual((status, out, err), (0, self.VTT, ""), (forward, words))

    def test_subrip_has_numbers_and_commas(self):
        status, out, _ = clams("subtitles", "--format", "srt", self.path("a.mmif", speech()))
        self.assertEqual((status, out.split("\n")[:3]), (0, ["1", "00:00:01,000 --> 00:00:01,800", "Good evening."]))

    def test_the_ending_of_the_output_chooses_the_format(self):
        said = self.path("a.mmif", speech())
        for name, flags, begin in (("a.srt", [], "1\n"), ("a.vtt", [], "WEBVTT\n"), ("b.srt", ["-f", "vtt"], "WEBVTT\n")):
            path = os.path.join(self.folder, name)
            self.assertEqual(clams("subtitles", said, "-o", path, *flags), (0, "", ""))
            with open(path, encoding="utf-8") as f:
                self.assertTrue(f.read().startswith(begin), name)

    def test_without_a_transcript_there_is_no_file(self):
        path = os.path.join(self.folder, "a.srt")
        self.refused(65, "no view has a transcript", "subtitles", SCREENS, "-o", path)
        self.assertFalse(os.path.exists(path))

    def test_of_several_sounds_one_is_named(self):
        two = self.path("two.mmif", speech(documents=2))
        self.refused(2, "transcripts of d1, d2; one file of subtitles is for one of them", "subtitles", two)
        self.assertEqual(clams("subtitles", "--document", "d2", two)[1], self.VTT)
        self.assertEqual(clams("subtitles", "--view", "v_0", two)[1], self.VTT)
        self.refused(1, "no transcript of a document 'd3'; there are some of: d1, d2", "subtitles", "--document", "d3", two)
        self.refused(1, "no view 'v_7'; the file has v_0, v_1", "subtitles", "--view", "v_7", two)

    def test_a_file_without_a_transcript_is_refused(self):
        self.refused(65, "no view has a transcript", "subtitles", self.path("a.mmif", speech(documents=0)))
        self.refused(65, "no view has a text", "text", self.path("a.mmif", speech(documents=0)))
        self.refused(2, "--width is a number of characters from 10 to 200", "subtitles", "--width", "3", self.path("b.mmif", speech()))

    def test_text_is_what_was_said_or_read(self):
        said = self.path("a.mmif", speech(documents=2))
        whole = "Good evening. Here is the news.\n"
        self.assertEqual(clams("text", said)[:2], (0, whole + "\n" + whole))
        self.assertEqual(clams("text", "--lines", "--times", "--document", "d1", said)[1], "[00:00:01] Good evening.\n[00:00:01] Here is the news.\n")
        self.assertIn("[00:01:00] LINE ONE", clams("text", "--times", SCREENS)[1])


class Failures(InFolder):
    def test_a_missing_file_is_named(self):
        for command in (["rewind", "-n", "1"], ["describe"], ["summarize"], ["text"], ["subtitles"]):
            self.refused(1, "Input path does not exist: " + self.path("none"), *command, self.path("none"))
        self.refused(1, "Input path does not exist", "envelop", self.path("none"), SCREENS)
        self.refused(1, "Input path does not exist", "envelop", self.path("p.json", "{}"), self.path("none"))

    def test_a_directory_is_no_file(self):
        self.refused(1, "Is a directory", "summarize", self.folder)
        self.refused(2, "it is a directory", "source", "video:/a", "-o", self.folder)

    def test_a_bad_document_is_status_65(self):
        bad = self.path("bad.mmif", "{]")
        for command in (["rewind", "-n", "1", bad], ["describe", bad], ["summarize", bad], ["text", bad], ["subtitles", bad], ["envelop", self.path("p.json", "{}"), bad]):
            self.refused(65, "", *command)
        self.refused(65, "", "describe", "-", stdin=b"")
        self.refused(65, "", "describe", stdin=b'{"metadata": {}}')
        self.refused(65, "must be a JSON object, got list", "envelop", self.path("q.json", "[1]"), SCREENS)

    def test_a_full_disk_is_told_and_leaves_nothing(self):
        if not os.path.exists("/dev/full"):
            self.fail("/dev/full is missing on this host")
        with open("/dev/full", "w") as full:
            for command in (["source", "video:/a"], ["rewind", "-n", "1", SCREENS], ["describe", SCREENS], ["summarize", SCREENS], ["text", SCREENS], ["subtitles", SPEECH],
                            ["completion", "bash"],
                            ["describe", "--help-schema", "mmif-dir"]):
                done = subprocess.run([PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)
                self.assertEqual(done.returncode, 1, command)
                self.assertEqual(done.stderr.decode(), "clams %s: cannot write 'standard output': No space left on device\n" % command[0])
        self.refused(1, "cannot write '/dev/full': No space left on device", "source", "video:/a", "-o", "/dev/full")

    def test_a_file_that_cannot_be_written_stays_as_it_was(self):
        place = os.path.join(self.folder, "no", "such", "folder")
        self.refused(1, "cannot write '%s': No such file or directory" % place, "source", "video:/a", "-o", place)
        out = self.path("out.mmif", "before")
        self.refused(65, "", "rewind", "-n", "1", self.path("bad.mmif", "{"), "-o", out)
        with open(out) as f:
            self.assertEqual(f.read(), "before")

    def test_one_standard_input_cannot_be_two_things(self):
        self.refused(2, "cannot be both", "envelop", "-", "-", stdin=b"{}")
        self.refused(2, "cannot be both", "envelop", "-", stdin=b"{}")


class Documents(InFolder):
    def test_source_is_pretty_and_without_a_last_line_end(self):
        status, out, err = clams("source", "video:/a.mp4")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, json.dumps(json.loads(out), indent=2))

    def test_output_goes_to_a_file_as_a_whole_and_keeps_its_mode(self):
        out = self.path("out.mmif", "old")
        os.chmod(out, 0o640)
        link = self.path("link.mmif")
        os.symlink("out.mmif", link)
        self.assertEqual(clams("source", "video:/a.mp4", "-o", link), (0, "", ""))
        self.assertTrue(os.path.islink(link))
        self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), 0o640)
        with open(out) as f:
            self.assertEqual(f.read(), clams("source", "video:/a.mp4")[1])
        self.assertEqual(sorted(os.listdir(self.folder)), ["link.mmif", "out.mmif"])

    def test_rewind_reads_and_writes_files_and_streams_alike(self):
        with open(SCREENS, "rb") as f:
            text = f.read()
        expected = clams("rewind", SCREENS, "-n", "1")
        self.assertEqual((expected[0], expected[2]), (0, ""))
        self.assertEqual(views_of(expected[1]), ["v_0"])
        self.assertFalse(expected[1].endswith("\n"))
        view = text[text.index(b'{"id": "v_0"'):text.index(b', {"id": "v_1"')].decode()
        self.assertIn(view, expected[1])
        for arguments in (["-n", "1"], ["-", "-n", "1"], ["-", "-", "-n1"], ["-", "-o", "-", "--number=1", "-m", "view"]):
            self.assertEqual(clams("rewind", *arguments, stdin=text), expected)
        copy = self.path("copy.mmif")
        shutil.copy(SCREENS, copy)
        self.assertEqual(clams("rewind", copy, copy, "-n", "1"), (0, "", ""))
        with open(copy) as f:
            self.assertEqual(f.read(), expected[1])

    def test_rewind_asks_on_standard_error(self):
        status, out, err = clams("rewind", SCREENS, stdin=b"1\n")
        self.assertEqual((status, views_of(out)), (0, ["v_0"]))
        self.assertIn("view-num app-num", err)
        status, out, err = clams("rewind", SCREENS, stdin=b"x\n")
        self.assertEqual((status, out), (2, ""))
        self.assertTrue(err.endswith("clams rewind: 'x' is not a number; nothing was rewound\n"))
        self.assertIn("no number was given", clams("rewind", SCREENS)[2])

    def test_rewind_cannot_ask_when_the_document_came_in_and_there_is_no_terminal(self):
        with open(SCREENS, "rb") as f:
            self.refused(2, "say how far with -n", "rewind", stdin=f.read(), start_new_session=True)

    def test_a_terminal_is_not_waited_for(self):
        parameters = self.path("p.json", "{}")
        for command in (["rewind", "-n", "1"], ["describe"], ["summarize"], ["envelop", parameters]):
            leader, terminal = pty.openpty()
            try:
                done = subprocess.run([PROGRAM, *command], stdin=terminal, capture_output=True, timeout=60)
            finally:
                os.close(leader)
                os.close(terminal)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"No input provided" if command[0] != "envelop" else b"Error: no MMIF input provided (pass a file path or pipe to stdin)", done.stderr)

    def test_json_commands_end_as_the_python_ones(self):
        self.assertTrue(clams("describe", SCREENS)[1].endswith("}\n"))
        self.assertFalse(clams("summarize", SCREENS)[1].endswith("\n"))
        for command in ("describe", "summarize"):
            plain, pretty = clams(command, SCREENS, "--json")[1], clams(command, SCREENS, "-p")[1]
            self.assertEqual(plain.count("\n"), 1 if command == "describe" else 0)
            self.assertEqual(json.loads(plain), json.loads(pretty))
            with open(SCREENS, "rb") as f:
                self.assertEqual(clams(command, stdin=f.read())[1], plain)

    def test_remarks_about_a_document_go_to_standard_error(self):
        text = ('{"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [{"id": "v_0", "metadata": {"app": "http://a", "contains": {}}, "annotations": '
                '[{"@type": "http://clams.ai/vocabulary/type/Alignment/v1", "properties": {"id": "v_0:al_1", "source": "v_0:x", "target": "v_0:y"}}]}]}')
        status, out, err = clams("summarize", self.path("a.mmif", text))
        self.assertEqual(status, 0)
        json.loads(out)
        self.assertEqual(err, "clams summarize: note: alignment v_0:al_1 has an end that does not exist\n")

    def test_schemas_are_json_schemas(self):
        for name in ("mmif-file", "mmif-dir"):
            self.assertEqual(json.loads(clams("describe", "--help-schema", name)[1])["type"], "object")

    def test_envelop_is_one_line(self):
        parameters = self.path("p.json", '{"a": 1.0, "b": ["x"]}')
        status, out, err = clams("envelop", parameters, SCREENS)
        self.assertEqual((status, err, out.count("\n"), out[-1]), (0, "", 1, "\n"))
        with open(SCREENS, encoding="utf-8") as f:
            self.assertEqual(json.loads(out), {"parameters": {"a": 1.0, "b": ["x"]}, "mmif": json.load(f)})
        with open(SCREENS, "rb") as f:
            self.assertEqual(clams("envelop", parameters, stdin=f.read())[1], out)


class Develop(InFolder):
    def test_writes_a_folder_once(self):
        status, out, err = clams("develop", "-n", "My App!", cwd=self.folder)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("My-App/CMakeLists.txt\n", out)
        self.refused(2, "'My-App' already exists", "develop", "-n", "My App!", cwd=self.folder)
        self.refused(2, "is a path, not a name", "develop", "-n", "../x", "-p", self.folder)
        self.assertEqual(os.listdir(self.folder), ["My-App"])

    def test_update_adds_what_is_missing_and_leaves_what_was_changed(self):
        made = json.loads(clams("develop", "-n", "x", "-p", self.folder, "--json")[1])
        self.assertEqual((made["class"], made["identifier"], made["program"]), ("X", "x", "clams-x"))
        os.remove(os.path.join(made["folder"], "main.cpp"))
        with open(os.path.join(made["folder"], "app.cpp"), "w") as f:
            f.write("mine")
        again = json.loads(clams("develop", "-n", "x", "-p", self.folder, "-u", "--json")[1])
        self.assertEqual([os.path.basename(path) for path in again["files"]], ["app.cpp.tmp", "main.cpp"])
        with open(os.path.join(made["folder"], "app.cpp")) as f:
            self.assertEqual(f.read(), "mine")

    def test_a_workflow_comes_when_it_is_asked_for(self):
        made = json.loads(clams("develop", "-n", "x", "-p", self.folder, "-r", "app", "gha", "--json")[1])
        self.assertIn(os.path.join(made["folder"], ".github", "workflows", "build.yml"), made["files"])


class Guide(InFolder):
    def test_its_examples_run_one_after_the_other(self):
        with open(os.path.join(HERE, "..", "..", "..", "docs", "guides", "commands.md"), encoding="utf-8") as f:
            examples = re.findall(r"^```sh\n(.*?)^```$", f.read(), re.S | re.M)
        self.assertGreaterEqual(len(examples), 8)
        path = os.path.dirname(PROGRAM) + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["bash", "-euxc", "".join(examples)], cwd=self.folder, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


class CopiedAlone(InFolder):
    def test_serve_says_what_is_missing(self):
        copy = os.path.join(self.folder, "bin", "clams-cpp")
        os.makedirs(os.path.dirname(copy))
        shutil.copy(PROGRAM, copy)
        done = subprocess.run([copy, "serve", "app.py"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout), (78, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(os.path.join(self.folder, "share", "clams-cpp", "python", "clams_worker"), done.stderr)
        self.assertIn("--python", subprocess.run([copy, "serve", "--help"], capture_output=True, text=True, timeout=60).stdout)


class Completion(InFolder):
    def completed(self, *words):
        script = self.path("completion.bash", clams("completion", "bash")[1])
        ask = 'source "$1"; shift; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _clams; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", ask, "bash", script, "clams", *words], capture_output=True, text=True, timeout=60, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_in_bash_knows_commands_flags_values_and_files(self):
        self.assertLessEqual(set(COMMANDS), set(self.completed("")))
        self.assertEqual(self.completed("so"), ["source"])
        self.assertEqual(self.completed("rewind", "--n"), ["--number"])
        self.assertEqual(self.completed("rewind", "--mode", ""), ["app", "view"])
        self.assertEqual(self.completed("completion", "z"), ["zsh"])
        self.path("news.mmif", "")
        self.assertEqual(self.completed("describe", "ne"), ["news.mmif"])

    def test_scripts_of_other_shells_parse_where_those_are_installed(self):
        for shell in ("zsh", "fish"):
            status, out, err = clams("completion", shell)
            self.assertEqual((status, err), (0, ""))
            if shutil.which(shell):
                script = self.path("completion." + shell, out)
                self.assertEqual(subprocess.run([shell, "-n", script], timeout=60).returncode, 0)


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("command_test.py: CLAMS_BIN must be the folder of the built programs")
    unittest.main()
