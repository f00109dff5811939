"""MMIF as our apps write it, for the tests of this folder. Each document is made once for a test program.

Programs lie in $CLAMS_BIN. A program that was not built (the speech apps need whisper.cpp) skips the test that wants it.
"""
import atexit
import functools
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest
import wave

BIN = pathlib.Path(os.environ["CLAMS_BIN"])
SOURCE = pathlib.Path(os.environ["CLAMS_SOURCE"])
MODELS = pathlib.Path(os.environ["CLAMS_BUILD"]) / "apps/whisper/models"
PAGE = SOURCE / "apps/tesseract/sample/page.png"
# What the toy model hears in four passages of five seconds: a low tone, a high tone, silence, a high tone.
SENTENCES = ["low tone heard.", "high tone heard.", "silence.", "high tone heard."]
_FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="clams-neighbours."))
atexit.register(shutil.rmtree, _FOLDER)


def document(kind, path, **properties):
    return {"@type": "http://mmif.clams.ai/vocabulary/%sDocument/v1" % kind, "properties": {"id": "d1", "mime": kind.lower() + "/x", "location": path.as_uri(), **properties}}


def mmif(documents, views=()):
    return {"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": documents, "views": list(views)}


def run(program, asked, *parameters):
    """The path of what the program wrote."""
    if not (BIN / program).exists():
        raise unittest.SkipTest(program + " was not built")
    folder = pathlib.Path(tempfile.mkdtemp(dir=_FOLDER))
    (folder / "in.mmif").write_text(json.dumps(asked))
    environment = {**os.environ, "CLAMS_GPU": "none", "CLAMS_WHISPER_MODELS": str(MODELS), "CLAMS_PROFILE_DIR": str(folder / "profiles"), "CLAMS_VRAM_DIR": str(folder / "ledger")}
    done = subprocess.run([BIN / program, folder / "in.mmif", folder / "out.mmif", *parameters], capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode != 0:
        raise AssertionError("%s ended with %d\n%s" % (program, done.returncode, done.stderr))
    return folder / "out.mmif"


def write_tones(path, passages, rate=16000):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", int(16000 * math.sin(2 * math.pi * hertz * n / rate))) for hertz in passages for n in range(5 * rate)))


def _chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(kind, data):
    return _chunk(b"LIST", kind + data)


def write_video(path, picture, frames, fps):
    """An AVI whose frames are one PNG."""
    png = picture.read_bytes()
    width, height = struct.unpack(">II", png[16:24])
    header = struct.pack("<14I", 1000000 // fps, 0, 0, 0x10, frames, 0, 1, len(png), width, height, 0, 0, 0, 0)
    stream = b"vidsMPNG" + struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, fps, 0, frames, len(png), 0xffffffff, 0, 0, 0, width, height)
    form = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MPNG", width * height * 3, 0, 0, 0, 0)
    movie = b"".join(_chunk(b"00dc", png) for _ in range(frames))
    offset, index = 4, b""
    for _ in range(frames):
        index += struct.pack("<4sIII", b"00dc", 0x10, offset, len(png))
        offset += 8 + len(png) + len(png) % 2
    path.write_bytes(_chunk(b"RIFF", b"AVI " + _list(b"hdrl", _chunk(b"avih", header) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", form)))
                            + _list(b"movi", movie) + _chunk(b"idx1", index)))


@functools.cache
def speech(*parameters):
    """clams-whisper on tones, by the toy model."""
    sound = _FOLDER / "cpb-aacip-1-tones.wav"
    if not sound.exists():
        write_tones(sound, (300, 3500, 0, 3500))
    return run("clams-whisper", mmif([document("Audio", sound)]), "--model", "toy", "--language", "en", *parameters)


@functools.cache
def voice():
    """clams-vad on the recording of the pinned archive ($VAD_RECORDING)."""
    recording = os.environ.get("VAD_RECORDING")
    if not recording:
        raise unittest.SkipTest("the archive of whisper.cpp with its recording is not there")
    return run("clams-vad", mmif([document("Audio", pathlib.Path(recording))]))


def video():
    video = _FOLDER / "cpb-aacip-2-slate.avi"
    if not video.exists():
        write_video(video, PAGE, 4, 2)
    return video


def scenes():
    """What a detector of scenes writes: two TimePoints at which there is text, and a TimeFrame around them."""
    types = "http://mmif.clams.ai/vocabulary/"
    points = [{"@type": types + "TimePoint/v4", "properties": {"id": "v_0:tp_%d" % n, "timePoint": ms, "label": "S"}} for n, ms in ((1, 0), (2, 1000))]
    frame = {"@type": types + "TimeFrame/v5", "properties": {"id": "v_0:tf_1", "label": "slate", "frameType": "slate", "targets": ["v_0:tp_1", "v_0:tp_2"], "representatives": ["v_0:tp_2"]}}
    contains = {types + "TimePoint/v4": {"document": "d1", "timeUnit": "milliseconds"}, types + "TimeFrame/v5": {"document": "d1", "timeUnit": "milliseconds"}}
    return {"id": "v_0", "metadata": {"app": "http://apps.clams.ai/swt-detection/v8.9", "timestamp": "2026-01-01T00:00:00", "contains": contains}, "annotations": [*points, frame]}


@functools.cache
def screens(*parameters):
    """clams-tesseract on a video whose pictures all show the sample page."""
    return run("clams-tesseract", mmif([document("Video", video())], [scenes()]), *parameters)


@functools.cache
def sampled():
    """The same without annotations to go by."""
    return run("clams-tesseract", mmif([document("Video", video())]), "--sampleEvery", "1")


@functools.cache
def page():
    """clams-tesseract on a picture."""
    return run("clams-tesseract", mmif([document("Image", PAGE)]))
