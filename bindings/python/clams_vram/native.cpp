// The Python module clams_vram._native: the ledger for any Python program. Refusals come back as values; clams_vram/__init__.py
// makes exceptions of them.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/duration.hpp"
#include "host.hpp"

namespace py = pybind11;

namespace {

// The Python exception of an error code, by the one table of the project.
[[noreturn]] void raise(const base::Error& error) {
  const std::string name(base::traits_of(error.code).python_exception);
  const std::size_t dot = name.rfind('.');
  const py::module_ module = py::module_::import(dot == std::string::npos ? "builtins" : name.substr(0, dot).c_str());
  const py::object type = module.attr(name.substr(dot == std::string::npos ? 0 : dot + 1).c_str());
  PyErr_SetString(type.ptr(), error.message.c_str());
  throw py::error_already_set();
}

template <class T>
T value_or_raise(base::Result<T> result) {
  if (!result) raise(result.error());
  return std::move(*result);
}

base::Bytes bytes_of(const py::object& size) {
  if (py::isinstance<py::str>(size)) return value_or_raise(base::parse_memory_size(size.cast<std::string>()));
  if (py::isinstance<py::bool_>(size) || !py::isinstance<py::int_>(size))
    throw py::type_error("a size is a number of bytes or a text such as '6GiB'");
  if (size < py::int_(0)) throw py::value_error("a size cannot be negative");
  return base::Bytes(size.cast<std::uint64_t>());
}

// None: not at all; a number is seconds, negative for ever; else a text such as "5m".
std::chrono::milliseconds wait_of(const py::object& wait) {
  if (wait.is_none()) return std::chrono::milliseconds(0);
  if (py::isinstance<py::str>(wait)) return value_or_raise(base::parse_duration(wait.cast<std::string>()));
  const double seconds = wait.cast<double>();
  if (!(seconds >= 0)) return std::chrono::milliseconds(-1);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(seconds, 1e9) * 1000));
}

std::optional<std::string> device_of(const py::object& device) {
  if (device.is_none()) return std::nullopt;
  return py::str(device).cast<std::string>();
}

py::dict dict_of(const vram::Refusal& refusal) {
  py::dict d;
  d["message"] = refusal.message();
  d["permanent"] = refusal.kind == vram::Refusal::Kind::Permanent;
  d["code"] = std::string(refusal.code());
  d["reason"] = std::string(vram::name_of(refusal.reason));
  d["model"] = refusal.model;
  d["device"] = refusal.device.text();
  d["required_bytes"] = refusal.required.count();
  d["available_bytes"] = refusal.has_available() ? py::object(py::int_(refusal.available.count())) : py::none();
  d["most_bytes"] = refusal.kind == vram::Refusal::Kind::Permanent ? py::object(py::int_(refusal.most.count())) : py::none();
  d["reserved_bytes"] = refusal.reserved.count();
  d["headroom_bytes"] = refusal.headroom.count();
  d["retry_after"] = refusal.retry_after ? py::object(py::int_(refusal.retry_after->count())) : py::none();
  return d;
}

// One charge. Its methods are called with the interpreter's lock held, so by one thread at a time.
class Lease {
 public:
  Lease(std::shared_ptr<clams_vram::Host> host, vram::Lease lease)
      : host_(std::move(host)), lease_(std::move(lease)), bytes_(lease_.bytes()) {}
  std::string device() const { return lease_.device().text(); }
  std::uint64_t bytes() const { return bytes_.count(); }
  bool active() const { return active_; }
  bool enforced() const { return lease_.enforced(); }

  void release() {
    if (!active_) return;
    active_ = false;
    host_->note(lease_, -static_cast<std::int64_t>(noted_));
    lease_.release();
  }
  void note_allocated(const py::object& size) {
    const std::uint64_t more = bytes_of(size).count();
    if (!active_) throw py::value_error("the lease is over");
    host_->note(lease_, static_cast<std::int64_t>(more));
    noted_ += more;
  }
  void note_freed(const py::object& size) {
    const std::uint64_t less = std::min(bytes_of(size).count(), noted_);
    if (!active_) return;
    host_->note(lease_, -static_cast<std::int64_t>(less));
    noted_ -= less;
  }

 private:
  std::shared_ptr<clams_vram::Host> host_;
  vram::Lease lease_;
  base::Bytes bytes_;
  std::uint64_t noted_ = 0;
  bool active_ = true;
};

// A Lease, or a dict that tells the refusal.
py::object reserve(const py::object& need, const std::string& model, const py::object& device, const py::object& wait,
                   const std::string& app) {
  clams_vram::Wish wish;
  wish.bytes = bytes_of(need);
  wish.model = model.empty() ? app : model;
  wish.device = device_of(device);
  const auto patience = wait_of(wait);
  std::shared_ptr<clams_vram::Host> host;
  {
    base::Result<std::shared_ptr<clams_vram::Host>> opened = [&] {
      const py::gil_scoped_release unlocked;
      return clams_vram::Host::of_this_process(app);
    }();
    host = value_or_raise(std::move(opened));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    auto outcome = [&] {
      const py::gil_scoped_release unlocked;
      return host->ask(wish);
    }();
    if (!outcome) raise(outcome.error());
    if (auto* lease = std::get_if<vram::Lease>(&*outcome)) return py::cast(std::make_unique<Lease>(host, std::move(*lease)));
    const auto& refusal = std::get<vram::Refusal>(*outcome);
    const bool over = patience.count() >= 0 && std::chrono::steady_clock::now() - begin >= patience;
    if (over || refusal.kind == vram::Refusal::Kind::Permanent) return dict_of(refusal);
    {
      const py::gil_scoped_release unlocked;
      ::usleep(100'000);
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

py::list devices() {
  auto host = [&] {
    const py::gil_scoped_release unlocked;
    return clams_vram::Host::of_this_process("python");
  }();
  const auto list = [&] {
    const auto opened = value_or_raise(std::move(host));
    const py::gil_scoped_release unlocked;
    return opened->devices();
  }();
  py::list result;
  for (const auto& device : list) {
    py::dict d;
    d["id"] = device.index;
    d["uuid"] = device.uuid;
    d["name"] = device.name;
    d["total_bytes"] = device.total.count();
    d["free_bytes"] = device.free ? py::object(py::int_(device.free->count())) : py::none();
    d["reserved_bytes"] = device.reserved.count();
    d["available_bytes"] = device.available.count();
    result.append(d);
  }
  return result;
}

}  // namespace

PYBIND11_MODULE(_native, m) {
  py::class_<Lease>(m, "Lease")
      .def_property_readonly("device", &Lease::device)
      .def_property_readonly("bytes", &Lease::bytes)
      .def_property_readonly("active", &Lease::active)
      .def_property_readonly("enforced", &Lease::enforced)
      .def("release", &Lease::release)
      .def("note_allocated", &Lease::note_allocated, py::arg("size"))
      .def("note_freed", &Lease::note_freed, py::arg("size"))
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](Lease& self, const py::args&) { self.release(); });
  m.def("reserve", &reserve, py::arg("need"), py::arg("model"), py::arg("device"), py::arg("wait"), py::arg("app"));
  m.def("devices", &devices);
}
