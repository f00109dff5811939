"""What catches a host out: each way in which an app can disturb its worker, under each SDK."""
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from front import HERE, PATIENCE, Front, WorkerGone, protocol, status_of

ODD = HERE / "apps" / "odd" / "app.py"
MMIF = b'{"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [], "views": []}'


def do(front, what, number=0, **more):
    return front.http(query="do={}&number={}".format(what, number), body=MMIF, **more)


def result_of(reply):
    frame, body = reply
    assert frame.type == protocol.RESULT, frame.text
    assert status_of(frame) == 200, body
    return json.loads(body)["views"][0]["annotations"][0]["properties"].get("result")


def wait_until(holds, what):
    limit = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < limit, what
        time.sleep(0.01)


def test_the_app_runs_as_main_from_its_own_file_in_its_own_folder_with_its_own_arguments(sdk):
    with Front(sdk[1], ODD, ["--production", "--taste", "sweet"]) as front:
        assert result_of(do(front, "where")) == "{0} {1} --production --taste sweet {0}".format(ODD.parent, ODD)


def test_the_development_start_becomes_a_worker_too(sdk):
    with Front(sdk[1], ODD) as front:
        assert result_of(do(front, "nothing")) is None


def test_prints_and_redirected_descriptors_do_not_disturb_the_protocol_and_reach_the_log(sdk):
    with Front(sdk[1], ODD) as front:
        result_of(do(front, "print", 20000))
        result_of(do(front, "redirect"))
        result_of(do(front, "print", 1))
    assert len([line for line in front.output["out"] if line.startswith("printed")]) == 20001
    assert front.output["err"].count("and an error line") == 2
    assert "unseen" not in "".join(front.output["out"])


def test_a_line_that_the_app_prints_arrives_before_the_answer_is_used(newest):
    with Front(newest, ODD) as front:
        result_of(do(front, "print", 1))
        wait_until(lambda: front.output["out"], "the line is not held back until the worker ends")


@pytest.mark.parametrize("what, words", [("exit", "SystemExit: 3"), ("quit", "Quit: out")])
def test_leaving_a_request_by_a_base_exception_fails_that_request_only(sdk, what, words):
    with Front(sdk[1], ODD) as front:
        frame, _ = do(front, what, 3)
        assert (frame.type, frame.code) == (protocol.ERROR, protocol.APP_FAILED)
        assert words in frame.text
        assert result_of(do(front, "nothing")) is None


def test_the_folder_is_restored_after_a_request_that_changed_it(sdk):
    with Front(sdk[1], ODD) as front:
        do(front, "chdir")
        assert result_of(do(front, "where")).startswith(str(ODD.parent))


def test_signal_handlers_of_the_app_do_not_end_the_loop(sdk):
    with Front(sdk[1], ODD) as front:
        pid = int(result_of(do(front, "handler")))
        for number in (signal.SIGUSR1, signal.SIGTERM):
            os.kill(pid, number)
        assert result_of(do(front, "nothing")) is None
        wait_until(lambda: "while no request ran; ignored" in "\n".join(front.output["err"]), "the log tells of it")


def test_an_alarm_that_a_request_leaves_behind_does_not_kill_the_worker(newest):
    with Front(newest, ODD) as front:
        do(front, "alarm")
        assert result_of(do(front, "sleep", 200)) is None


def test_a_forked_child_never_answers_and_holds_no_socket(sdk):
    with Front(sdk[1], ODD) as front:
        assert result_of(do(front, "fork")) is None
        assert result_of(do(front, "fork-exit")) == "5"
        assert result_of(do(front, "forked-descriptors")) == "0"
        assert result_of(do(front, "child-descriptors")) == "['0', '1', '2', '3']"  # 3 is the folder that ls reads
        assert result_of(do(front, "nothing")) is None


def test_a_killed_worker_shows_as_a_closed_socket(newest):
    with Front(newest, ODD) as front:
        with pytest.raises(WorkerGone):
            do(front, "die")
        assert front.process.returncode == -signal.SIGKILL


def test_the_worker_ends_with_its_front_while_native_code_holds_the_interpreter_lock(sdk, tmp_path):
    begun = tmp_path / "begun"
    front = Front(sdk[1], ODD, env={"APP_BEGUN_FILE": str(begun)}).wait_ready()
    front.channel.send(protocol.Frame(protocol.REQUEST, 1, kind="http", attributes=[("method", "POST"), ("path", "/"),
                                                                                    ("query", "do=hold-the-lock&number=900000")]), [MMIF])
    wait_until(begun.exists, "the app begins the request")
    time.sleep(0.1)  # from there it is a few instructions to the lock
    front.break_life_line()
    front.process.wait(PATIENCE)
    assert front.process.returncode == -signal.SIGKILL
    front.close()


def test_the_worker_ends_when_the_front_closes_the_socket(newest):
    front = Front(newest, ODD).wait_ready()
    front.channel.close()
    assert front.process.wait(PATIENCE) == 0


def test_a_shutdown_runs_what_the_app_registered_for_its_exit(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text("import atexit\natexit.register(lambda: print('good bye'))\n" + ODD.read_text().replace("from typing", "\nfrom typing"))
    (tmp_path / "note.txt").write_text("n")
    front = Front(newest, app).wait_ready()
    front.close()
    assert front.process.returncode == 0
    assert "good bye" in front.output["out"]


def test_ping_is_answered_and_unknown_kinds_are_told(newest):
    with Front(newest, ODD) as front:
        front.channel.send(protocol.Frame(protocol.PING, 7))
        frame, _ = front.receive()
        assert (frame.type, frame.id) == (protocol.PONG, 7)
        frame, _ = front.ask("dance")
        assert (frame.type, frame.code) == (protocol.ERROR, protocol.UNSUPPORTED)


def test_an_app_that_never_serves_says_so(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text("print('done')\n")
    front = Front(newest, app)
    front.receive()
    with pytest.raises(WorkerGone, match="ended without calling Restifier.run"):
        front.receive()
    front.close()


def test_an_app_that_cannot_be_imported_shows_its_own_error(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text("import no_such_module\n")
    front = Front(newest, app)
    front.receive()
    with pytest.raises(WorkerGone, match="No module named 'no_such_module'"):
        front.receive()
    front.close()


def test_the_app_sees_a_clean_path_and_no_trace_of_the_worker_on_it(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text("import sys\nprint([p for p in sys.path if 'bindings' in p or p == ''])\nprint(sys.path[0])\n")
    front = Front(newest, app)
    front.receive()
    with pytest.raises(WorkerGone):
        front.receive()
    front.close()
    assert front.output["out"] == ["[]", str(tmp_path)]


def test_a_large_document_crosses_as_a_memfd_both_ways(sdk):
    document = json.loads(MMIF)
    document["documents"] = [{"@type": "http://mmif.clams.ai/vocabulary/TextDocument/v1", "properties": {"id": "d1", "text": {"@value": "é" * 300000}}}]
    body = json.dumps(document, ensure_ascii=False).encode()
    with Front(sdk[1], ODD) as front:
        frame, answer = front.http(query="do=nothing", body=body)
        assert frame.memfd_bytes == len(answer) > 500000
        assert json.loads(answer)["documents"][0]["properties"]["text"]["@value"] == "é" * 300000


def test_the_module_form_of_the_start_works_as_well(newest):
    done = subprocess.run([str(newest), "-m", "clams_worker", "--help"], cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    assert b"started by the front" in done.stdout


def test_nothing_beyond_the_standard_library_is_imported_before_the_app():
    # Names of modules that the package imports at its top level; the app's own packages only inside functions.
    allowed = {"_signal", "argparse", "array", "builtins", "copy", "fcntl", "gc", "importlib", "inspect", "io", "json", "mmap", "os", "select", "signal", "socket", "struct",
               "sys", "threading", "traceback", "types", "urllib", "resource"}
    for file in (HERE.parent / "clams_worker").glob("*.py"):
        for line in file.read_text().splitlines():
            words = line.split()
            if line.startswith(("import ", "from ")) and not words[1].startswith("."):
                assert words[1].split(".")[0] in allowed, (file.name, line)


def test_every_file_is_valid_for_python_3_8():
    import ast
    for file in pathlib.Path(HERE.parent / "clams_worker").glob("*.py"):
        ast.parse(file.read_text(), feature_version=(3, 8))
