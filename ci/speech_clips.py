#!/usr/bin/env python3
"""Speech with a known text, for the speech demonstration and the benchmark, made from what packages hold:

    speech_clips.py WHISPER-SOURCE.tar.gz FOLDER

kennedy.wav  a sentence of J. F. Kennedy's inaugural address, 1961 (in the source of whisper.cpp)
novel.wav    sentences of "Sense and Sensibility", read by a volunteer of LibriVox (Debian's pocketsphinx-testdata)
news.wav     an invented news item, spoken by a machine (Debian's espeak-ng)

Beside each NAME.wav stands NAME.txt, what is said in it. A clip whose package is missing is left out and named on standard error.
"""
import glob
import os
import subprocess
import sys
import tarfile
import wave

LIBRIVOX = "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-*.wav"
TEXTS = {
    "kennedy": "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.",
    "novel": "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them. "
             "He was not an ill-disposed young man, unless to be rather cold-hearted and rather selfish is to be ill-disposed. "
             "Had he married a more amiable woman, he might have been made still more respectable than he was. "
             "He might even have been made amiable himself.",
    "news": "President Kennedy spoke in Berlin in June 1963. The Boston station WGBH reported that Senator Edward Kennedy of "
            "Massachusetts had come home from Ireland.",
}


class Missing(Exception):
    pass


def kennedy(archive, path):
    with tarfile.open(archive) as source:
        member = next((m for m in source if m.name.endswith("/whisper.cpp/samples/jfk.wav")), None)
        if member is None:
            raise Missing("%s holds no samples/jfk.wav" % archive)
        with open(path, "wb") as out:
            out.write(source.extractfile(member).read())


def novel(_, path):
    clips = sorted(glob.glob(LIBRIVOX))
    if not clips:
        raise Missing("the package pocketsphinx-testdata is not installed")
    with wave.open(path, "wb") as out:
        for number, clip in enumerate(clips):
            with wave.open(clip) as part:
                if number == 0:
                    out.setparams(part.getparams())
                out.writeframes(part.readframes(part.getnframes()))
                out.writeframes(bytes(part.getframerate()))  # half a second of silence


def news(_, path):
    try:
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "-w", path, TEXTS["news"]], check=True)
    except FileNotFoundError:
        raise Missing("the package espeak-ng is not installed") from None


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    archive, folder = arguments
    os.makedirs(folder, exist_ok=True)
    for name, make in (("kennedy", kennedy), ("novel", novel), ("news", news)):
        try:
            make(archive, os.path.join(folder, name + ".wav"))
        except Missing as missing:
            print("speech_clips.py: without %s.wav: %s" % (name, missing), file=sys.stderr)
            continue
        with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as out:
            out.write(TEXTS[name] + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
