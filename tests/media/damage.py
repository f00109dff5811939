"""Media and pictures that are damaged as copies, disks and recorders damage them. One seed, one set of files.

`python3 damage.py FOLDER COUNT [SEED]` writes COUNT files and a list of what was done to each.
"""
import dataclasses
import json
import pathlib
import random
import struct
import subprocess
import sys
import zlib

SECONDS = 4
FPS = 5
PAGE = pathlib.Path(__file__).resolve().parents[2] / "apps/tesseract/sample/page.png"

# Name: (name of the file, options of ffmpeg, has pictures, has sound)
FORMATS = {
    "mp4": ("clip.mp4", ["-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart"], True, True),
    "mp4-index-last": ("late.mp4", ["-c:v", "libx264", "-c:a", "aac"], True, True),
    "mkv": ("clip.mkv", ["-c:v", "libx264", "-c:a", "aac"], True, True),
    "mkv-intra": ("intra.mkv", ["-c:v", "mjpeg", "-q:v", "3", "-c:a", "flac"], True, True),
    "ts": ("clip.ts", ["-c:v", "libx264", "-c:a", "aac"], True, True),
    "mpg": ("clip.mpg", ["-c:v", "mpeg2video", "-r", "25", "-q:v", "3", "-c:a", "mp2"], True, True),
    "avi": ("clip.avi", ["-c:v", "mpeg4", "-q:v", "3", "-c:a", "libmp3lame"], True, True),
    "ogg": ("sound.ogg", ["-c:a", "libvorbis"], False, True),
    "mp3": ("sound.mp3", ["-c:a", "libmp3lame"], False, True),
    "flac": ("sound.flac", ["-c:a", "flac"], False, True),
    "wav": ("sound.wav", ["-c:a", "pcm_s16le"], False, True),
    "m4a": ("sound.m4a", ["-c:a", "aac", "-movflags", "+faststart"], False, True),
}
PICTURES = ("jpg", "png", "tif")


@dataclasses.dataclass
class Case:
    path: pathlib.Path
    source: pathlib.Path  # the same before it was damaged
    what: str             # what was done, for people
    kind: str             # none, cut, flip, jump, empty
    pictures: bool = False
    sound: bool = False
    pages: int = 0                 # of an image
    damaged_pages: tuple = ()      # those that were touched; the others are whole
    lost_from: int = 0             # first page that is no longer in the file, 0 if none

    @property
    def image(self):
        return self.pages > 0


def ffmpeg(*arguments):
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError("ffmpeg %s: %s" % (" ".join(map(str, arguments)), done.stderr[-500:]))


def sources_of(pictures, sound, seconds):
    """A line of text above a moving pattern, and a tone that changes every second."""
    inputs, options = [], []
    if pictures:
        graph = ("movie=%s,crop=1160:140:60:120,scale=580:70,format=gray,loop=-1:1,fps=%d,trim=duration=%s,setsar=1[text];"
                 "testsrc2=s=580x50:r=%d:d=%s,format=gray,setsar=1[pattern];[text][pattern]vstack,format=yuv420p[v]" % (PAGE, FPS, seconds, FPS, seconds))
        options += ["-filter_complex", graph, "-map", "[v]", "-g", str(2 * FPS)]
    if sound:
        inputs += ["-f", "lavfi", "-i", "aevalsrc=0.4*sin(2*PI*t*if(lt(mod(t\\,2)\\,1)\\,300\\,3500)):s=16000:d=%s" % seconds]
        options += ["-map", "0:a", "-ac", "1"]
    return inputs + options


def write_media(folder, name, seconds=SECONDS):
    file, options, pictures, sound = FORMATS[name]
    path = folder / file
    ffmpeg(*sources_of(pictures, sound, seconds), *options, path)
    return path


def grey_page(number):
    """Line `number` of the sample page: (width, height, rows of grey bytes)."""
    row = number if number <= 3 else number + 1
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", str(PAGE), "-vf", "crop=1160:64:60:%d" % (204 + 44 * row), "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                          capture_output=True, timeout=60, check=True)
    return 1160, 64, done.stdout


def tiff_of(pages):
    """(bytes, [(begin of data, end of data, end of directory)]): deflated grey pages, each followed by its directory."""
    out, places, link = bytearray(struct.pack("<2sHI", b"II", 42, 0)), [], 4
    for width, height, grey in pages:
        begin, data = len(out), zlib.compress(grey)
        out += data + b"\0" * (len(data) % 2)
        struct.pack_into("<I", out, link, len(out))
        entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, begin), (277, 3, 1), (278, 4, height), (279, 4, len(data))]
        out += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
        link = len(out)
        out += b"\0\0\0\0"
        places.append((begin, begin + len(data), len(out)))
    return bytes(out), places


def packets_of(path):
    done = subprocess.run(["ffprobe", "-v", "quiet", "-show_entries", "packet=pos,size,stream_index", "-of", "json", str(path)], capture_output=True, text=True, timeout=60)
    return [(int(p["pos"]), int(p["size"])) for p in json.loads(done.stdout or "{}").get("packets", []) if int(p.get("pos", -1)) > 0 and int(p["size"]) > 32]


class Generator:
    def __init__(self, folder, seed):
        self.folder, self.random, self.sources, self.count = pathlib.Path(folder), random.Random(seed), {}, 0

    def source(self, name):
        if name not in self.sources:
            whole = self.folder / "whole"
            whole.mkdir(exist_ok=True)
            self.sources[name] = write_media(whole, name)
        return self.sources[name]

    def target(self, name):
        self.count += 1
        return self.folder / ("%03d-%s" % (self.count, name))

    def media(self, name, kind):
        path, source = self.target(FORMATS[name][0]), self.source(name)
        what = getattr(self, "do_" + kind)(name, source, path)
        return Case(path, source, "%s: %s" % (name, what), kind, pictures=FORMATS[name][2], sound=FORMATS[name][3])

    def do_none(self, _name, source, path):
        path.write_bytes(source.read_bytes())
        return "whole"

    def do_cut(self, _name, source, path):
        data, share = source.read_bytes(), self.random.uniform(0.1, 0.95)
        path.write_bytes(data[:int(len(data) * share)])
        return "cut at %.1f %%" % (share * 100)

    def do_flip(self, _name, source, path):
        data = bytearray(source.read_bytes())
        pos, size = self.random.choice(packets_of(source))
        begin = pos + self.random.randrange(0, size // 2)
        length = min(self.random.choice((1, 16, size)), pos + size - begin)
        for at in range(begin, min(begin + length, len(data))):
            data[at] ^= 0xFF
        path.write_bytes(data)
        return "%d bytes flipped at %d, in a packet of %d" % (length, begin, size)

    def do_jump(self, name, _source, path):
        """Two recordings in one file: the stamps of the second begin later than the first ends, or before it."""
        by = self.random.choice((0.0, SECONDS + 3.0))
        _, options, pictures, sound = FORMATS[name]
        parts = []
        for n, offset in enumerate((0.0, by)):
            parts.append(self.folder / ("part-%d-%d.ts" % (self.count, n)))
            streams = ["-c:v", "libx264"] * pictures + ["-c:a", "aac"] * sound
            ffmpeg(*sources_of(pictures, sound, SECONDS), *streams, "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", offset, parts[-1])
        joined = self.folder / ("joined-%d.ts" % self.count)
        joined.write_bytes(b"".join(part.read_bytes() for part in parts))
        if path.suffix == ".ts":
            joined.rename(path)
        else:
            ffmpeg("-copyts", "-i", joined, "-c", "copy", path)
        return "time stamps %s at %d s" % ("step back to 0" if by == 0 else "jump by 3 s", SECONDS)

    def do_empty(self, name, source, path):
        """No byte, a head alone, or a stream of pictures without any."""
        choice = self.random.choice(("bytes", "head", "stream"))
        if choice == "stream" and FORMATS[name][2]:
            try:
                ffmpeg(*sources_of(True, True, SECONDS), *FORMATS[name][1], "-frames:v", "0", path)
                return "a stream of pictures without a picture"
            except RuntimeError:
                choice = "head"
        path.write_bytes(b"" if choice == "bytes" else source.read_bytes()[:300])
        return "no byte" if choice == "bytes" else "the first 300 bytes"

    def image(self, suffix, kind):
        whole, path = self.folder / "whole", self.target("page." + suffix)
        whole.mkdir(exist_ok=True)
        source = whole / ("page." + suffix)
        pages, places = (4, self.tiff(source)) if suffix == "tif" else (1, None)
        if suffix != "tif" and not source.exists():
            ffmpeg("-i", PAGE, "-vf", "crop=1160:600:60:120,format=%s" % ("yuvj420p" if suffix == "jpg" else "gray"), "-frames:v", "1", source)
        data = bytearray(source.read_bytes())
        touched, lost_from, what = (), 0, "whole"
        if kind == "cut":
            at = self.random.randrange(20, len(data) * 95 // 100)
            data, what = data[:at], "cut at byte %d of %d" % (at, len(data))
            touched = (1,)
            if places:
                lost_from = next(n for n, place in enumerate(places, 1) if place[2] > at)
                touched = tuple(range(lost_from, pages + 1))
        if kind == "flip":
            page = self.random.randrange(pages)
            begin, end = places[page][:2] if places else (len(data) // 3, len(data) - 40)
            at = self.random.randrange(begin, end - 32)
            for n in range(at, at + 32):
                data[n] ^= 0xFF
            touched, what = (page + 1,), "32 bytes flipped at %d, in page %d" % (at, page + 1)
        path.write_bytes(data)
        return Case(path, source, "%s: %s" % (suffix, what), kind, pages=pages, damaged_pages=touched, lost_from=lost_from)

    def tiff(self, source):
        data, places = tiff_of([grey_page(n) for n in range(1, 5)])
        source.write_bytes(data)
        return places

    def cases(self, count):
        """First each format as it is, then every kind of damage in turn."""
        made = 0
        for name in FORMATS:
            if made == count // 3:
                break
            yield self.media(name, "none")
            made += 1
        while made < count:
            kind = ("cut", "flip", "image", "cut", "jump", "flip", "empty", "image")[made % 8]
            if kind == "image":
                yield self.image(self.random.choice(PICTURES), self.random.choice(("cut", "flip")))
            elif kind == "jump":
                yield self.media(self.random.choice(("ts", "mkv", "mp4")), kind)
            else:
                yield self.media(self.random.choice(list(FORMATS)), kind)
            made += 1


if __name__ == "__main__":
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for case in Generator(folder, int(sys.argv[3]) if len(sys.argv) > 3 else 1).cases(count):
        print(case.path.name, case.what, sep="\t")
