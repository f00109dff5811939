"""An app that does, at the top of its file and in its requests, what a host must bear. Runs under clams-python 1.3 to 1.8."""
import os
import signal
import sys
import time

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, lambda *_: sys.exit(9))
os.chdir("/")
print("hello from the top of the file")
calls = 0


class Careless(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Careless", description="Does what it likes.", app_license="Apache-2.0", identifier="careless", url="https://example.org/careless")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        metadata.add_parameter(name="do", type="string", default="nothing", description="what to do")
        return metadata

    def _annotate(self, mmif, **parameters):
        global calls
        calls += 1
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        view = mmif.new_view()
        self.sign_view(view, parameters)
        result = getattr(self, "do_" + parameters["do"])()
        view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1, result=str(result))
        return mmif

    def do_nothing(self):
        return "{} {}".format(calls, os.getpid())

    def do_megabytes(self):
        for _ in range(200):
            sys.stdout.write("o" * 100000 + "\n")
            os.write(2, b"e" * 100000)
        return "printed"

    def do_grandchildren(self):
        """A child that starts another and leaves it behind, both with whatever they inherited."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            grandchild = os.fork()
            if grandchild == 0:
                os.close(write)
                time.sleep(600)
                os._exit(0)
            os.write(write, str(grandchild).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        return os.read(read, 100).decode()

    def do_close_everything(self):
        sys.stdout.close()
        sys.stderr.close()
        return "closed"

    def do_exit(self):
        sys.exit("enough")

    def do_interrupt(self):
        raise KeyboardInterrupt()

    def do_signal_itself(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)


if __name__ == "__main__":
    Restifier(Careless()).run()
