"""Runs a WSGI application on one request of the front, as a web server would."""
import sys
from urllib.parse import unquote_to_bytes

from . import protocol

_WITHOUT_PREFIX = {"CONTENT_TYPE", "CONTENT_LENGTH"}


def _latin1(text):
    """WSGI's way to carry bytes in a str."""
    return protocol.to_bytes(text).decode("latin-1")


def environ_of(frame, document):
    path = frame.attribute("path", "/")
    query = frame.attribute("query", "")
    environ = {
        "REQUEST_METHOD": frame.attribute("method", "GET"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(protocol.to_bytes(path)).decode("latin-1"),
        "QUERY_STRING": _latin1(query),
        "RAW_URI": _latin1(path + ("?" + query if query else "")),
        "SERVER_NAME": frame.attribute("server_name", "localhost"),
        "SERVER_PORT": frame.attribute("server_port", "5000"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "clams-cpp",
        "REMOTE_ADDR": frame.attribute("remote", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": document.stream(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for key, value in frame.attributes:
        if not key.startswith("header."):
            continue
        name = key[len("header."):].upper().replace("-", "_")
        name = name if name in _WITHOUT_PREFIX else "HTTP_" + name
        value = _latin1(value)
        environ[name] = environ[name] + "," + value if name in environ else value
    if len(document):
        environ["CONTENT_LENGTH"] = str(len(document))
    return environ


class Response:
    def __init__(self):
        self.status = 0
        self.headers = []
        self.chunks = []

    def attributes(self):
        result = [("status", str(self.status))]
        # Header values are Latin-1 on the wire of HTTP; the frame carries the same bytes.
        result.extend(("header." + name, value.encode("latin-1", "replace")) for name, value in self.headers)
        return result


def call(application, environ):
    """Status, headers and body pieces. What the application raises comes out."""
    response = Response()

    def start_response(status, headers, exc_info=None):
        if exc_info is None and response.status:
            raise AssertionError("start_response was called twice")
        response.status = int(status.split(" ", 1)[0])
        response.headers = list(headers)
        return response.chunks.append

    pieces = application(environ, start_response)
    try:
        response.chunks.extend(piece for piece in pieces if piece)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return response
