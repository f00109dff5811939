"""When the front is gone, so is the worker: see docs/formats/worker-protocol.md, "Life line"."""
import fcntl
import os
import select
import signal
import threading


def _target():
    return -os.getpid() if os.getpgrp() == os.getpid() else os.getpid()


def _end():
    os.kill(_target(), signal.SIGKILL)


def _gone(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _watch(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        if any(event & (select.POLLHUP | select.POLLIN) for _, event in poll.poll()):
            _end()


def hold(fd):
    """Arms the life line: the kernel kills this process group when the front's end of the pipe closes.

    That works while native code holds the interpreter lock for minutes. Only where it cannot be set up, a thread waits instead: a second
    thread would make Python 3.12 and newer warn about every fork of the app, and warnings end up in the app's answers.
    """
    os.set_inheritable(fd, False)
    try:
        fcntl.fcntl(fd, fcntl.F_SETOWN, _target())
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        threading.Thread(target=_watch, args=(fd,), name="clams-life-line", daemon=True).start()
    if _gone(fd):
        _end()
