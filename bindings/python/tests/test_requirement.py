"""What the app says about a request's memory before it runs."""
import json

from front import Front, protocol
from test_hosting import ODD, do


def ask(front, query="", envelope=None):
    attributes = [("query", query)] + ([("envelope", json.dumps(envelope))] if envelope is not None else [])
    frame, _ = front.ask("requirement", attributes)
    return frame


def test_a_requirement_is_answered_with_the_parameters_cast_as_the_sdk_casts_them(sdk):
    with Front(sdk[1], ODD) as front:
        frame = ask(front, "do=gpu&number=6442450944&words=a&words=b")
        assert frame.type == protocol.RESULT
        assert dict(frame.attributes) == {"size_bytes": "6442450944", "name": "model-gpu"}


def test_none_is_no_requirement(sdk):
    with Front(sdk[1], ODD) as front:
        frame = ask(front)
        assert (frame.type, frame.attributes) == (protocol.RESULT, [])


def test_parameters_of_an_envelope_count_and_the_query_wins(sdk):
    with Front(sdk[1], ODD) as front:
        frame = ask(front, "do=gpu", {"number": 5, "do": "nothing", "words": ["a"]})
        if sdk[0] == "1.3.3":  # knows no envelopes
            assert frame.attributes == []
        else:
            assert dict(frame.attributes) == {"size_bytes": "5", "name": "model-gpu"}


def test_parameters_that_the_app_refuses_and_answers_that_are_none_are_told_apart(newest):
    with Front(newest, ODD) as front:
        frame = ask(front, "number=many")
        assert (frame.type, frame.code) == (protocol.ERROR, protocol.BAD_REQUEST)
        assert "invalid literal" in frame.text
        frame = ask(front, "do=bad-requirement&number=4")
        assert (frame.type, frame.code) == (protocol.ERROR, protocol.APP_FAILED)
        assert "size_bytes" in frame.text
        assert do(front, "nothing")[0].type == protocol.RESULT


def test_an_app_without_the_method_has_no_requirement(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(ODD.read_text().replace("_get_model_requirements", "_something_else"))
    (tmp_path / "note.txt").write_text("n")
    with Front(newest, app) as front:
        assert ask(front, "number=5").attributes == []
