"""The loop that stands where the app's web server would: requests come from the front one at a time, on the app's main thread."""
import _signal  # the module under `signal`: without its enums, which cost more than the rest of a small request
import gc
import os
import signal
import sys
import threading
import traceback

from . import protocol, requirement, torch_memory, validation, wsgi


class _Signals:
    """The app's signal handlers act while a request runs. Otherwise what they raise is told and dropped, so that it can neither end the loop nor
    swallow a frame."""

    def __init__(self):
        self._own = {}
        self._usable = threading.current_thread() is threading.main_thread()
        self._numbers = tuple(int(number) for number in signal.valid_signals())

    def take(self):
        """From here on nothing that a handler raises comes through, not even from within this function."""
        while self._usable:
            try:
                # Alarms that a request left behind: with no handler they would kill the worker in the middle of another request.
                _signal.setitimer(_signal.ITIMER_REAL, 0)
                for number in self._numbers:
                    handler = _signal.getsignal(number)
                    if callable(handler) and not isinstance(handler, _Guarded):
                        self._own[number] = handler
                        _signal.signal(number, _Guarded(handler))
                return
            except BaseException as error:
                _say("a signal handler of the app raised {!r} after its request; ignored".format(error))

    def lend(self):
        while self._own:
            number, handler = self._own.popitem()
            _signal.signal(number, handler)


class _Guarded:
    def __init__(self, handler):
        self._handler = handler

    def __call__(self, number, frame):
        try:
            self._handler(number, frame)
        except BaseException as error:
            _say("the app's handler of signal {} raised {!r} while no request ran; ignored".format(number, error))


def _say(text):
    try:
        sys.stderr.write("clams_worker: " + text + "\n")
    except Exception:
        pass  # the app closed its standard error: there is nobody to tell


def _leave_out_own_frames(error):
    """The stack trace of an error view shows the app and its SDK, as without this worker."""
    here = os.path.dirname(os.path.abspath(__file__)) + os.sep
    entry = error.__traceback__ if error is not None else None
    while entry is not None:
        while entry.tb_next is not None and entry.tb_next.tb_frame.f_code.co_filename.startswith(here):
            entry.tb_next = entry.tb_next.tb_next
        entry = entry.tb_next


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # closed or replaced by the app


class Worker:
    def __init__(self, channel, folder, fast_validation):
        self._channel = channel
        self._folder = folder
        self._fast_validation = fast_validation
        self._input_check = None
        self._out_of_memory = False
        self._app = None
        self._wsgi = None
        self._signals = None
        self.pid = os.getpid()

    def serve(self, restifier):
        """Called by the app in place of `Restifier.run()`; does not come back, as a server's call does not."""
        self._leave_if_forked()
        self._app = restifier.cla
        self._wsgi = getattr(restifier, "flask_app", None) or restifier.app
        self._watch_errors()
        self._input_check = validation.install(self._fast_validation)
        self._channel.send(protocol.Frame(protocol.READY, number=1, memory=torch_memory.Recorder(from_start=True).finish(), text=type(self._app).__name__))
        self._signals = _Signals()
        self._signals.take()
        while True:
            received = self._channel.receive()
            if received is None:
                sys.exit(0)
            self._take(*received)

    def _watch_errors(self):
        """Learns of errors that the SDK turns into an error view. `record_error` is called while the error is being handled, so its place in the
        answer's stack trace is untouched."""
        original = self._app.record_error

        def record_error(*args, **kwargs):
            error = sys.exc_info()[1]
            self._out_of_memory = self._out_of_memory or torch_memory.is_out_of_memory(error)
            _leave_out_own_frames(error)
            return original(*args, **kwargs)

        self._app.record_error = record_error

    def _take(self, frame, document):
        if frame.type == protocol.REQUEST:
            self._run(frame, document)
        elif frame.type == protocol.PING:
            self._channel.send(protocol.Frame(protocol.PONG, frame.id))
        elif frame.type == protocol.SHUTDOWN:
            sys.exit(0)
        # Cancel comes too late for a loop that runs one request at a time; models cannot be unloaded from outside the app.

    def _run(self, frame, document):
        self._out_of_memory = False
        memory = torch_memory.Recorder() if frame.kind == "http" else None
        chunks = []
        try:
            self._signals.lend()
            reply, chunks = self._answer(frame, document)
        except BaseException as error:
            self._signals.take()
            self._leave_if_forked(error)
            reply = self._failure(error)
        self._signals.take()
        self._leave_if_forked()
        document.close()
        self._tidy()
        reply.id = frame.id
        reply.memory = memory.finish() if memory else None
        try:
            self._channel.send(reply, chunks)
        except (protocol.ProtocolError, MemoryError) as error:
            self._channel.send(protocol.Frame(protocol.ERROR, frame.id, code=protocol.INTERNAL, text="the answer could not be sent: {}".format(error)[:4000]))

    def _answer(self, frame, document):
        if frame.kind == "http":
            return self._http(frame, document)
        if frame.kind == "requirement":
            return self._requirement(frame), []
        return protocol.Frame(protocol.ERROR, code=protocol.UNSUPPORTED, text="this worker knows no requests of kind '{}'".format(frame.kind)), []

    def _http(self, frame, document):
        if self._input_check is not None:
            self._input_check.begin(self._is_found_valid(frame.attribute("valid")))
        try:
            response = wsgi.call(self._wsgi, wsgi.environ_of(frame, document))
        finally:
            if self._input_check is not None:
                self._input_check.begin(False)
        code = protocol.OUT_OF_MEMORY if self._out_of_memory else protocol.NONE
        return protocol.Frame(protocol.RESULT, attributes=response.attributes(), code=code), response.chunks

    @staticmethod
    def _is_found_valid(told):
        # An SDK that knows no envelopes takes one for a document, and must find it invalid in its own words.
        return told == "document" or told == "envelope" and requirement.knows_envelopes()

    def _requirement(self, frame):
        try:
            answer = requirement.ask(self._app, frame.attribute("query", ""), frame.attribute("envelope", ""))
        except requirement.BadAnswer as error:
            return protocol.Frame(protocol.ERROR, code=protocol.APP_FAILED, text=str(error)[:4000])
        except Exception as error:
            # Parameters that the app refuses: the request itself will say so in the app's own words.
            return protocol.Frame(protocol.ERROR, code=protocol.BAD_REQUEST, text="{}: {}".format(type(error).__name__, error)[:4000])
        attributes = [("size_bytes", str(answer["size_bytes"])), ("name", answer["name"])] if answer else []
        return protocol.Frame(protocol.RESULT, attributes=attributes)

    def _failure(self, error):
        """The app left the request in a way that is no answer: sys.exit, KeyboardInterrupt, its own BaseException, or an error outside the SDK's reach."""
        _say("a request was left by {}: {}\n{}".format(type(error).__name__, error, "".join(traceback.format_tb(error.__traceback__))).rstrip())
        out_of_memory = self._out_of_memory or torch_memory.is_out_of_memory(error)
        self._out_of_memory = out_of_memory
        code = protocol.OUT_OF_MEMORY if out_of_memory else protocol.APP_FAILED
        return protocol.Frame(protocol.ERROR, code=code, text="the app left the request by {}: {}".format(type(error).__name__, error)[:4000])

    def _tidy(self):
        """What one request did must not reach the next."""
        _flush()
        if self._out_of_memory:
            gc.collect()  # tensors hang on the frames of the error
        try:
            moved = os.getcwd() != self._folder
        except OSError:
            moved = True  # the folder the app went to is gone
        if moved:
            os.chdir(self._folder)

    def _leave_if_forked(self, error=None):
        """A child that the app forked must never come into the loop."""
        if os.getpid() == self.pid:
            return
        _flush()
        code = error.code if isinstance(error, SystemExit) else 0 if error is None else 1
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
