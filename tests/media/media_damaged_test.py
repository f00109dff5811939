"""Damaged media and pictures, read by the programs: none crashes or hangs, each answer is valid, and what is lost is named with its times.

ffprobe's own decoding is the truth. CLAMS_TEST_MEDIA: how many files (30), CLAMS_TEST_SEED: of which set. Needs ffmpeg.
"""
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import damage  # noqa: E402
import truth  # noqa: E402

BIN = pathlib.Path(os.environ["CLAMS_BIN"])
MODELS = pathlib.Path(os.environ["CLAMS_BUILD"]) / "apps/whisper/models"
COUNT = int(os.environ.get("CLAMS_TEST_MEDIA", "30"))
SEED = int(os.environ.get("CLAMS_TEST_SEED", "1" if COUNT <= 30 else str(random.SystemRandom().randrange(1 << 31))))
PATIENCE = 300  # a run takes a second or two; what takes this long hangs, also on a busy machine

# The least that counts as a loss here: less is the rounding of containers and the delay of encoders.
LEAST_PICTURES = 1.9 / damage.FPS
LEAST_SOUND = 0.5
ANY_LOSS = re.compile(r"missing|damaged|step back|left out|No image|no sound")
RANGE = re.compile(r"((?:\d+:)+\d+\.\d+) to ((?:\d+:)+\d+\.\d+) \((?:the file ends early|damaged|the time stamps jump)\)")


def seconds(text):
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total


class Answer:
    def __init__(self, done, path):
        self.status, self.errors = done.returncode, done.stderr[-2000:]
        self.mmif = json.loads(path.read_text()) if path.exists() else None
        views = self.mmif["views"] if self.mmif else []
        self.warnings = "\n".join(str(w) for v in views for w in v["metadata"].get("warnings", []))
        self.failed = any("error" in v["metadata"] for v in views)
        self.annotations = [(a["@type"].split("/")[-2], a["properties"]) for v in views for a in v.get("annotations", [])]
        self.gaps = [(seconds(a), seconds(b)) for a, b in RANGE.findall(self.warnings)]

    def named(self, kind):
        return [properties for name, properties in self.annotations if name == kind]

    def __str__(self):
        return "status %s\nwarnings:\n%s\nstandard error:\n%s" % (self.status, self.warnings, self.errors)


def run(program, kind, path, *parameters):
    place = pathlib.Path(tempfile.mkdtemp(dir=path.parent))
    document = {"@type": "http://mmif.clams.ai/vocabulary/%s/v1" % kind, "properties": {"id": "d1", "mime": kind[:5].lower() + "/x", "location": path.as_uri()}}
    (place / "in.mmif").write_text(json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [document], "views": []}))
    environment = {**os.environ, "CLAMS_GPU": "none", "CLAMS_WHISPER_MODELS": str(MODELS), "CLAMS_VRAM_DIR": str(place / "ledger"), "CLAMS_PROFILE_DIR": str(place / "profiles")}
    done = subprocess.run([BIN / program, place / "in.mmif", place / "out.mmif", *parameters], capture_output=True, text=True, errors="replace", timeout=PATIENCE, env=environment)
    return Answer(done, place / "out.mmif")


class DamagedMedia(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="clams_media_"))
        self.bad = []

    def tearDown(self):
        if not self.bad:
            shutil.rmtree(self.folder)

    def test_no_loss_is_silent_and_nothing_is_filed_where_it_was_not(self):
        print("seed %d, %d files (CLAMS_TEST_SEED, CLAMS_TEST_MEDIA)" % (SEED, COUNT), flush=True)
        generator, counted = damage.Generator(self.folder, SEED), 0
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for problems, runs in pool.map(self.check, list(generator.cases(COUNT))):
                self.bad += problems
                counted += runs
        print("%d runs of programs" % counted, flush=True)
        self.assertGreater(counted, COUNT // 4, "hardly any program was there to be run")
        if self.bad:
            self.fail("%d problems, seed %d, files in %s:\n\n%s" % (len(self.bad), SEED, self.folder, "\n\n".join(self.bad)))

    def check(self, case):
        problems, runs = [], 0
        for program, kind, parameters, wanted, judge in (
                ("clams-tesseract", "ImageDocument", ["--levels", "none"], case.image, self.judge_image),
                ("clams-tesseract", "VideoDocument", ["--levels", "none", "--sampleEvery", str(1 / damage.FPS)], case.pictures, self.judge_pictures),
                ("clams-vad", "AudioDocument", [], case.sound, self.judge_sound),
                ("clams-whisper", "AudioDocument", ["--model", "toy", "--language", "en"], case.sound, self.judge_sound)):
            if not wanted or not (BIN / program).exists():
                continue
            runs += 1
            try:
                found = self.judge(run(program, kind, case.path, *parameters), case, judge)
            except subprocess.TimeoutExpired:
                found = ["took longer than %d s" % PATIENCE]
            except ValueError as error:
                found = ["the answer is no JSON: %s" % error]
            problems += ["%s on %s (%s): %s" % (program, case.path.name, case.what, problem) for problem in found]
        return problems, runs

    @staticmethod
    def judge(answer, case, judge):
        if answer.status not in (0, 1):
            return ["ended with status %d\n%s" % (answer.status, answer)]
        if answer.status == 1:
            if case.kind == "none":
                return ["a whole file is refused\n%s" % answer]
            return [] if answer.failed else ["failed without an error view\n%s" % answer]
        if case.kind == "none" and ANY_LOSS.search(answer.warnings):
            return ["nothing is lost, and there is a warning\n%s" % answer]
        return ["%s\n%s" % (problem, answer) for problem in judge(answer, case)]

    @staticmethod
    def holes_not_named(answer, holes):
        """Of the holes, those whose middle lies in no stretch that a warning names."""
        return [hole for hole in holes if not any(begin - 0.1 <= sum(hole) / 2 <= end + 0.1 for begin, end in answer.gaps)]

    def judge_pictures(self, answer, case):
        stream, problems = truth.probe(case.path, "v"), []
        if stream is None or not stream.frames:
            return ["ffprobe decodes no picture, and the program says nothing"]
        slack = 1.1 / damage.FPS
        whole = truth.probe(case.source, "v") if case.kind != "jump" else None
        for hole in self.holes_not_named(answer, stream.holes(LEAST_PICTURES)):
            problems.append("no warning names the missing pictures from %.2f to %.2f s" % hole)
        if stream.steps_back() and "step back" not in answer.warnings:
            problems.append("the time stamps step back, and no warning says so")
        if whole and stream.stated and len(stream.frames) < len(whole.frames) - 1 and not ANY_LOSS.search(answer.warnings):
            problems.append("%d of %d pictures can be decoded, and there is no warning" % (len(stream.frames), len(whole.frames)))
        for point in answer.named("TimePoint"):
            if not stream.shows(point["timePoint"] / 1000, slack):
                problems.append("a text is filed at %d ms, where there is no picture" % point["timePoint"])
        if case.kind in ("none", "jump") and not answer.named("TextDocument"):
            problems.append("no text was read")
        return problems

    def judge_sound(self, answer, case):
        stream, problems = truth.probe(case.path, "a"), []
        if stream is None or not stream.frames:
            return [] if ANY_LOSS.search(answer.warnings) else ["ffprobe decodes no sound, and the program says nothing"]
        for hole in self.holes_not_named(answer, stream.holes(LEAST_SOUND)):
            problems.append("no warning names the missing sound from %.2f to %.2f s" % hole)
        if stream.steps_back() and "step back" not in answer.warnings:
            problems.append("the time stamps step back, and no warning says so")
        # Sound after a step back is timed as if the stamps went on.
        last = sum(end - begin for begin, end in stream.frames) if stream.steps_back() else stream.end
        for frame in answer.named("TimeFrame"):
            if frame["end"] / 1000 > last + LEAST_SOUND:
                problems.append("a TimeFrame ends at %d ms, the sound at %.2f s" % (frame["end"], last))
        return problems

    def judge_image(self, answer, case):
        problems, read = [], {text.get("page", 1) for text in answer.named("TextDocument")}
        for page in range(1, case.pages + 1):
            if page not in case.damaged_pages and page not in read:
                problems.append("page %d is whole, and its text is not there" % page)
            named = re.search(r"pages? [\d, ]*\b%d\b" % page, answer.warnings) or (case.lost_from and "breaks off" in answer.warnings)
            if page not in read and not named and case.pages > 1:
                problems.append("page %d is neither read nor named" % page)
        if case.kind == "cut" and not ANY_LOSS.search(answer.warnings) and "breaks off" not in answer.warnings:
            problems.append("the file was cut, and there is no warning")
        return problems


if __name__ == "__main__":
    unittest.main(verbosity=2)
