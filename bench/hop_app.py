"""An app whose answer costs Python next to nothing: what is left of a POST is the way from the front to the worker and back."""
from clams import Restifier

from python_echo import Echo

ANSWER = b'{"answered": true, "views": [1]}'

if __name__ == "__main__":
    server = Restifier(Echo(), loopback=True)
    application = server.flask_app

    def answer(environ, start_response):
        if environ["REQUEST_METHOD"] != "POST":
            return application(environ, start_response)
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))])
        return [ANSWER]

    server.flask_app = answer
    server.serve_production()
