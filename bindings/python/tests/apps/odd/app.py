"""A CLAMS app that misbehaves as its parameter `do` says. Written as apps in the wild are; runs under clams-python 1.3 to 1.8.

Tests follow it by two files. APP_BEGUN_FILE: it gets a line as soon as the app's code does what a request asks for. APP_RELEASE_FILE: requests that
hold (do=hold) go on once it is there.
"""
import argparse
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time
import warnings
from typing import Union

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif

STARTED_IN = os.getcwd()
NOTE = open("note.txt").read().strip()  # found only in the app's own folder


class Quit(BaseException):
    pass


class Odd(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Odd", description="Misbehaves on request.", app_license="Apache-2.0", identifier="odd",
                               url="https://example.org/odd", analyzer_version="1")
        metadata.add_input(DocumentTypes.TextDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        metadata.add_parameter(name="do", type="string", default="nothing", description="what to do")
        metadata.add_parameter(name="number", type="integer", default=0, description="how much of it")
        metadata.add_parameter(name="words", type="string", default=[], multivalued=True, description="some words")
        return metadata

    def _get_model_requirements(self, do, number, **others):
        if do == "bad-requirement":
            return {"bytes": number}
        return {"size_bytes": number, "name": "model-" + do} if number else None

    def _annotate(self, mmif: Union[str, dict, Mmif], **parameters) -> Mmif:
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        view = mmif.new_view()
        self.sign_view(view, parameters)
        view.new_contain(AnnotationTypes.TimeFrame, timeUnit="milliseconds")
        frame = view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1)
        frame.add_property("label", NOTE)
        self.tell_begun(parameters["do"])
        result = getattr(self, "do_" + parameters["do"].replace("-", "_"))(parameters["number"])
        if result is not None:
            frame.add_property("result", str(result))
        return mmif

    @staticmethod
    def tell_begun(what):
        if "APP_BEGUN_FILE" in os.environ:
            with open(os.environ["APP_BEGUN_FILE"], "a") as f:
                f.write(what + "\n")

    def do_nothing(self, number):
        pass

    def do_where(self, number):
        return os.getcwd() + " " + str(pathlib.Path(sys.modules["__main__"].__file__)) + " " + " ".join(sys.argv[1:]) + " " + sys.path[0]

    def do_print(self, number):
        for _ in range(number):
            print("printed " + "x" * 90)
        print("and an error line", file=sys.stderr)

    def do_warn(self, number):
        warnings.warn("a warning of the app")
        warnings.warn("an old way", DeprecationWarning)

    def do_raise(self, number):
        raise ValueError("raised by the app")

    def do_exit(self, number):
        sys.exit(number)

    def do_quit(self, number):
        raise Quit("out")

    def do_die(self, number):
        os.kill(os.getpid(), signal.SIGKILL)

    def do_chdir(self, number):
        os.chdir("/")

    def do_handler(self, number):
        def handler(*_):
            raise KeyboardInterrupt("from the app's handler")
        signal.signal(signal.SIGUSR1, handler)
        signal.signal(signal.SIGTERM, handler)
        return os.getpid()

    def do_alarm(self, number):
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    def do_fork(self, number):
        # The child comes back from here too, as a careless app's does.
        child = os.fork()
        if child:
            os.waitpid(child, 0)

    def do_fork_exit(self, number):
        child = os.fork()
        if not child:
            sys.exit(5)
        return os.WEXITSTATUS(os.waitpid(child, 0)[1])

    def do_child_descriptors(self, number):
        return subprocess.run(["ls", "/proc/self/fd"], stdout=subprocess.PIPE, check=True).stdout.decode().split()

    def do_forked_descriptors(self, number):
        read, write = os.pipe()
        if not os.fork():
            sockets = [fd for fd in os.listdir("/proc/self/fd") if "socket" in self.link(fd)]
            os.write(write, (str(len(sockets)) + "\n").encode())
            os._exit(0)
        os.wait()
        return os.read(read, 100).decode().strip()

    @staticmethod
    def link(fd):
        try:
            return os.readlink("/proc/self/fd/" + fd)
        except OSError:
            return ""

    def do_hold_the_lock(self, number):
        # Native code that keeps the interpreter lock, as a careless extension does.
        ctypes.PyDLL(None).usleep(number * 1000)

    def do_sleep(self, number):
        time.sleep(number / 1000)

    def do_hold(self, number):
        while not os.path.exists(os.environ["APP_RELEASE_FILE"]):
            time.sleep(0.01)

    def do_redirect(self, number):
        # As mmif-python does while it reads frames.
        saved = os.dup(1), os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        os.write(1, b"unseen")
        os.dup2(saved[0], 1), os.dup2(saved[1], 2)
        for fd in saved + (null,):
            os.close(fd)

    def do_keep(self, number):
        self.kept = getattr(self, "kept", []) + [b"x" * (number << 20)]

    def do_gpu(self, number):
        import torch
        torch.zeros(number << 20)

    def do_gpu_keep(self, number):
        import torch
        self.kept = getattr(self, "kept", []) + [torch.zeros(number << 20)]

    def do_gpu_wrapped(self, number):
        try:
            self.do_gpu(number)
        except Exception as error:
            raise RuntimeError("the model failed") from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="5000")
    parser.add_argument("--production", action="store_true")
    parser.add_argument("--taste", default="none")
    arguments = parser.parse_args()
    http_app = Restifier(Odd(), port=int(arguments.port))
    if arguments.production:
        http_app.serve_production()
    else:
        http_app.run()
