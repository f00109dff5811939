"""The socket to the front: frames, and documents as sealed memfds."""
import array
import fcntl
import mmap
import os
import socket

from . import protocol

# fcntl names these since Python 3.9 only.
_F_ADD_SEALS, _F_GET_SEALS = 1033, 1034
_SEALS = 0x2 | 0x4 | 0x8  # shrink, grow, write


class Document:
    """Bytes of a request: inline, or mapped from a memfd and so never copied as a whole unless somebody asks for `bytes`."""

    def __init__(self, data=b"", fd=None, size=0):
        self._data = data
        self._map = None
        if fd is not None:
            try:
                if fcntl.fcntl(fd, _F_GET_SEALS) & _SEALS != _SEALS or os.fstat(fd).st_size != size:
                    raise protocol.ProtocolError("a document that is not sealed, or of another size than announced")
                if size:
                    self._map = mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
            finally:
                os.close(fd)

    def __len__(self):
        return len(self._map) if self._map is not None else len(self._data)

    def bytes(self):
        return self._map[:] if self._map is not None else self._data

    def stream(self):
        """A binary file over the bytes."""
        if self._map is None:
            import io
            return io.BytesIO(self._data)
        self._map.seek(0)
        return _MapStream(self._map)

    def close(self):
        if self._map is not None:
            self._map.close()
            self._map = None
        self._data = b""


class _MapStream:
    """What a WSGI application needs of `wsgi.input`."""

    def __init__(self, mapped):
        self._map = mapped

    def read(self, size=-1):
        return self._map.read(None if size is None or size < 0 else size)

    def readline(self, size=-1):
        line = self._map.readline()
        if 0 <= (size if size is not None else -1) < len(line):
            self._map.seek(size - len(line), os.SEEK_CUR)
            line = line[:size]
        return line

    def readlines(self, hint=-1):
        return list(self)

    def __iter__(self):
        return iter(self._map.readline, b"")

    def close(self):
        pass


def sealed_memfd(chunks):
    """(descriptor, size) of a memfd that holds the chunks and can change no more."""
    fd = os.memfd_create("clams-document", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        size = 0
        for chunk in chunks:
            view = memoryview(chunk)
            while len(view):
                put = os.write(fd, view)
                size += put
                view = view[put:]
        fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd, size


class Channel:
    def __init__(self, fd):
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        if self._socket.type != socket.SOCK_SEQPACKET:
            raise protocol.ProtocolError("descriptor {} is not the socket of a worker".format(fd))
        self._socket.setblocking(True)

    def receive(self):
        """The next (frame, document), or None when the front has closed."""
        raw, ancillary, flags, _ = self._socket.recvmsg(protocol.MAX_FRAME, socket.CMSG_SPACE(4 * 4), socket.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        try:
            if not raw and not fds:
                return None
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise protocol.ProtocolError("a packet larger than a frame may be")
            frame = protocol.decode(raw)
            if len(fds) != (frame.memfd_bytes is not None):
                raise protocol.ProtocolError("a frame came with {} descriptors".format(len(fds)))
            if frame.memfd_bytes is None:
                return frame, Document(frame.body)
            return frame, Document(fd=fds.pop(), size=frame.memfd_bytes)
        finally:
            for fd in fds:
                os.close(fd)

    def send(self, frame, chunks=()):
        """Sends one frame; the chunks are its document, inline if they are small."""
        size = sum(map(len, chunks))
        if size <= protocol.MAX_INLINE_BODY:
            frame.body = b"".join(chunks)
            self._socket.sendmsg([protocol.encode(frame)])
            return
        fd, frame.memfd_bytes = sealed_memfd(chunks)
        try:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
            self._socket.sendmsg([protocol.encode(frame)], rights)
        finally:
            os.close(fd)

    def close(self):
        self._socket.close()
