"""The production server of the Python SDK (gunicorn) under an app, started as its author starts it: what answers are compared with."""
import contextlib
import http.client
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests" / "support"))

from serving import listening  # noqa: E402

PATIENCE = 120
_ATTEMPTS = 10


@contextlib.contextmanager
def production_server(python, app, log):
    """Gives the port, which the kernel chose."""
    environment = {**os.environ, "CLAMS_APP_VERSION": "1.0.0", "CLAMS_GUNICORN_WORKERS": "1", "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1"}
    with open(log, "ab") as output:
        server = subprocess.Popen([str(python), app.name, "--production", "--port", "0"], cwd=app.parent, env=environment, stdout=output, stderr=output)
    try:
        limit = time.monotonic() + PATIENCE
        while not listening(server.pid):
            if server.poll() is not None or time.monotonic() > limit:
                raise AssertionError("the app's own server did not start: " + pathlib.Path(log).read_text(errors="replace"))
            time.sleep(0.05)
        yield listening(server.pid)[0]
    finally:
        server.terminate()
        server.wait(PATIENCE)


def ask(port, method, target, body, headers):
    """(status, content type, body)."""
    # Its one worker leaves after each request: a connection that arrives meanwhile may be dropped, as its clients know.
    for attempt in range(_ATTEMPTS):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type"), response.read()
        except (ConnectionError, http.client.RemoteDisconnected):
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.2)
        finally:
            connection.close()
