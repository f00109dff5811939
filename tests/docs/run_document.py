#!/usr/bin/env python3
"""Runs the commands of a document as a reader would, and compares what they print with what the document shows.

    run_document.py [--examples DIR] [--install] DOCUMENT

Marks, each on a line of its own before a block:

    <!-- run -->            the block is run by bash; it must succeed
    <!-- run: fails N -->   ... it must end with status N
    <!-- run: server -->    ... in the background, until the end; the next block waits for its GET /health
    <!-- output -->         what the block before printed (standard output and error), line by line; "…" stands for anything within a line, a line
                            that is only "…" for any number of lines

The blocks run in one fresh folder, one after the other; a `cd` holds for the next. Programs of $CLAMS_BIN are on PATH, `build/` holds the
document's own examples (DIR), and ports 5000 to 5009 stand for free ones. Without a mark of ours a block is text. --install: the build
of $CLAMS_BUILD is installed first, for `find_package`. The folder is removed when all went well.
"""
import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

MARK = re.compile(r"<!-- (run|output)(?:: (server|fails (\d+)))? -->\s*$")
FENCE = re.compile(r"^(```+)\s*([a-z]*)\s*$")
ANY_MARK = re.compile(r"<!--.*-->\s*$")
PORT = re.compile(r"\b500\d\b")
PATIENCE = 240  # seconds for one block: the slowest builds an app


class Wrong(Exception):
    pass


class Block:
    def __init__(self, line, kind, how, text):
        self.line, self.kind, self.how, self.text = line, kind, how, text


def marked_blocks(path):
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    found, mark, at = [], None, 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if MARK.match(lines[at]):
            mark = MARK.match(lines[at])
        elif fence:
            end = at + 1
            while end < len(lines) and lines[end].rstrip() != fence.group(1):
                end += 1
            if mark:
                found.append(Block(at + 2, mark.group(1), mark.group(2), "\n".join(lines[at + 1:end])))
            mark, at = None, end
        elif mark and lines[at].strip() and not ANY_MARK.match(lines[at]):
            raise Wrong("line %d: a mark without a block" % (at + 1))
        at += 1
    if not any(block.kind == "run" for block in found):
        raise Wrong("no block is marked to be run")
    return found


def line_matches(shown, printed):
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), printed) is not None


def first_difference(shown, printed):
    """None, or what was shown and not printed. Lines are compared in order; what is printed beyond the end is a difference too."""
    shown, printed = [line.rstrip() for line in shown.rstrip().split("\n")], [line.rstrip() for line in printed.rstrip().split("\n")]
    at, free = 0, False
    for line in shown:
        if line.strip() == "…":
            free = True
            continue
        while free and at < len(printed) and not line_matches(line, printed[at]):
            at += 1
        if at == len(printed) or not line_matches(line, printed[at]):
            return "shown:   %s\nprinted: %s" % (line, printed[at] if at < len(printed) else "(nothing more)")
        at, free = at + 1, False
    if at < len(printed) and not free:
        return "printed beyond what is shown: %s" % printed[at]
    return None


def quiet_port():
    """A free port below those that the kernel gives to whoever asks for any: until a server of the document takes it, nobody else is likely to."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        end = max(20_000, int(f.read().split()[0]))
    while True:
        port = random.randrange(10_000, end)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Reader:
    def __init__(self, folder, examples):
        self.folder, self.cwd = folder, os.path.join(folder, "work")
        os.makedirs(self.cwd)
        if examples:
            os.symlink(os.path.abspath(examples), os.path.join(self.cwd, "build"))
        self.ports, self.servers = {}, []
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("CLAMS_", "VIRTUAL_ENV", "CUDA_"))}
        self.environment.update(PATH=os.path.abspath(os.environ["CLAMS_BIN"]) + ":" + os.environ["PATH"], HOME=os.path.join(folder, "home"), CLAMS_GPU="none",
                                CLAMS_VRAM_DIR=os.path.join(folder, "vram"), XDG_CACHE_HOME=os.path.join(folder, "cache"), LC_ALL="C.UTF-8", TERM="dumb")
        os.makedirs(self.environment["HOME"])

    def port(self, number):
        if number not in self.ports:
            self.ports[number] = str(quiet_port())
        return self.ports[number]

    def script(self, text):
        return PORT.sub(lambda match: self.port(match.group(0)), text)

    def shown_ports(self, text):
        for number, real in self.ports.items():
            text = re.sub(r"\b%s\b" % real, number, text)
        return text

    def run(self, block):
        place = os.path.join(self.folder, "cwd")
        script = "set -euo pipefail\ntrap 'pwd > %s' EXIT\n%s\n" % (place, self.script(block.text))
        child = subprocess.Popen(["bash", "-c", script], cwd=self.cwd, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, errors="replace", start_new_session=True)
        try:
            output, _ = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            raise Wrong("line %d: not done after %d s; printed so far:\n%s" % (block.line, PATIENCE, output))
        with open(place, encoding="utf-8") as f:
            self.cwd = f.read().strip()
        wanted = int(block.how.split()[1]) if block.how else 0
        if child.returncode != wanted:
            raise Wrong("line %d: ended with %d, not %d; printed:\n%s%s" % (block.line, child.returncode, wanted, output, self.logs()))
        return self.shown_ports(output)

    def serve(self, block):
        text = self.script(block.text)
        port = next((real for number, real in self.ports.items() if number in block.text), None) or self.port("5000")
        if "--port" not in block.text:
            text = "export CLAMS_PORT=%s\n%s" % (port, text)
        log = os.path.join(self.folder, "server-%d.log" % len(self.servers))
        with open(log, "w", encoding="utf-8") as out:
            child = subprocess.Popen(["bash", "-c", "set -euo pipefail\n" + text], cwd=self.cwd, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        self.servers.append((child, log))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if child.poll() is not None:
                raise Wrong("line %d: the server ended with %d:%s" % (block.line, child.returncode, self.logs()))
            try:
                with urllib.request.urlopen("http://127.0.0.1:%s/health" % port, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise Wrong("line %d: the server did not answer within a minute:%s" % (block.line, self.logs()))

    def logs(self):
        texts = []
        for _, log in self.servers:
            with open(log, encoding="utf-8", errors="replace") as f:
                texts.append("\n--- %s\n%s" % (os.path.basename(log), f.read()))
        return "".join(texts)

    def close(self):
        for child, _ in self.servers:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
        for child, _ in self.servers:
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def install(folder, environment):
    prefix = os.path.join(folder, "prefix")
    done = subprocess.run(["cmake", "--install", os.environ["CLAMS_BUILD"], "--prefix", prefix], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise Wrong("the build cannot be installed:\n" + done.stdout[-4000:])
    environment["CMAKE_PREFIX_PATH"] = prefix


def follow(document, reader):
    printed = None
    for block in marked_blocks(document):
        if block.kind == "output":
            if printed is None:
                raise Wrong("line %d: no block before this one was run" % block.line)
            difference = first_difference(block.text, printed)
            if difference:
                raise Wrong("line %d: the document shows something else than what was printed\n%s\n--- all of it:\n%s%s" % (block.line, difference, printed, reader.logs()))
        elif block.how == "server":
            reader.serve(block)
            printed = None
        else:
            printed = reader.run(block)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", metavar="DIR")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("document", metavar="DOCUMENT")
    options = parser.parse_args(argv)
    if "CLAMS_BIN" not in os.environ:
        parser.error("CLAMS_BIN must name the folder of the programs")
    folder = tempfile.mkdtemp(prefix="clams-docs.")
    reader = Reader(folder, options.examples)
    try:
        if options.install:
            install(folder, reader.environment)
        follow(options.document, reader)
    except Wrong as error:
        print("%s: %s\n(kept: %s)" % (options.document, error, folder), file=sys.stderr)
        return 1
    finally:
        reader.close()
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
