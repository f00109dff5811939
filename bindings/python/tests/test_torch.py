"""Device memory by the counters of (a stand-in for) PyTorch."""
import json

from front import HERE, Front, protocol, status_of
from test_hosting import MMIF, ODD, do, result_of

MIB = 1 << 20
MOCK = str(HERE / "data" / "mock_torch")


def hosted(python, devices="1073741824"):
    return Front(python, ODD, env={"PYTHONPATH": MOCK, "MOCK_TORCH_DEVICES": devices})


def only_device(frame):
    (device,) = frame.memory.devices
    return device


def test_without_torch_the_report_has_no_device(sdk):
    with Front(sdk[1], ODD) as front:
        frame, _ = do(front, "nothing")
        assert frame.memory.devices == []
        assert frame.memory.host_resident > 10 * MIB


def test_peaks_of_a_request_and_what_is_held_before_and_after_it(sdk):
    with hosted(sdk[1]) as front:
        first = only_device(do(front, "gpu-keep", 100)[0])
        assert (first.held_before, first.peak_allocated, first.held_after, first.materialised) == (0, 100 * MIB, 100 * MIB, 100 * MIB)
        second = only_device(do(front, "gpu", 300)[0])
        assert (second.held_before, second.peak_allocated, second.peak_reserved) == (100 * MIB, 400 * MIB, 400 * MIB)
        assert second.held_after == 100 * MIB, "the allocator's cache was emptied"
        third = only_device(do(front, "nothing")[0])
        assert (third.held_before, third.peak_allocated) == (100 * MIB, 100 * MIB), "peaks begin anew with each request"
        assert third.name == "GPU-00000000-mock"


def test_every_device_is_reported(sdk, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(ODD.read_text().replace("        torch.zeros(number << 20)\n", "        return len([torch.zeros(number << 20, index) for index in (0, 1)])\n"))
    (tmp_path / "note.txt").write_text("n")
    with Front(sdk[1], app, env={"PYTHONPATH": MOCK, "MOCK_TORCH_DEVICES": "1073741824,2147483648"}) as front:
        frame, _ = do(front, "gpu", 10)
        assert [(device.name, device.peak_allocated) for device in frame.memory.devices] == [("GPU-00000000-mock", 10 * MIB), ("GPU-00000001-mock", 10 * MIB)]


def test_cuda_is_never_initialised_from_outside_the_app(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(ODD.read_text().replace("        pass\n", "        import torch\n        return torch.cuda.is_initialized()\n", 1))
    (tmp_path / "note.txt").write_text("n")
    with Front(newest, app, env={"PYTHONPATH": MOCK}) as front:
        frame, _ = do(front, "nothing")
        frame, body = do(front, "nothing")
        assert json.loads(body)["views"][0]["annotations"][0]["properties"]["result"] == "False"
        assert frame.memory.devices == []


def test_out_of_memory_is_known_by_its_type_although_the_sdk_made_an_error_view_of_it(sdk):
    with hosted(sdk[1]) as front:
        frame, body = do(front, "gpu", 2000)
        assert (frame.type, status_of(frame), frame.code) == (protocol.RESULT, 500, protocol.OUT_OF_MEMORY)
        assert "OutOfMemoryError" in json.loads(body)["views"][0]["metadata"]["error"]["message"]
        assert do(front, "nothing")[0].code == protocol.NONE


def test_out_of_memory_is_known_inside_another_error(sdk):
    with hosted(sdk[1]) as front:
        frame, body = do(front, "gpu-wrapped", 2000)
        assert frame.code == protocol.OUT_OF_MEMORY
        assert "the model failed" in json.loads(body)["views"][0]["metadata"]["error"]["message"]


def test_other_errors_are_not_taken_for_it_whatever_their_words(newest, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(ODD.read_text().replace("raised by the app", "CUDA out of memory"))
    (tmp_path / "note.txt").write_text("n")
    with Front(newest, app) as front:
        assert do(front, "raise")[0].code == protocol.NONE


def test_memory_of_a_failed_request_is_given_back(sdk):
    with hosted(sdk[1]) as front:
        do(front, "gpu", 500)
        do(front, "gpu-wrapped", 2000)
        assert do(front, "gpu", 900)[0].code == protocol.NONE
        assert result_of(do(front, "nothing")) is None


def test_the_documents_of_the_gpu_requests_are_what_the_sdk_makes(sdk):
    with hosted(sdk[1]) as front:
        frame, body = front.http(query="do=gpu&number=10&hwFetch=true", body=MMIF)
        assert status_of(frame) == 200
        assert json.loads(body)["views"][0]["annotations"]
