// The C face of libs/vram. Exceptions end here: memory that is not there becomes NULL, everything else a failed answer.
#include "clams_vram.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/duration.hpp"
#include "host.hpp"

struct clams_vram_lease {
  std::shared_ptr<clams_vram::Host> host;
  vram::Lease lease;
  std::uint64_t noted = 0;  // what the owner says it has really taken
};

namespace {

using clams_vram::Host;

// What the callers see, and the texts that its pointers point to.
struct Answer : clams_vram_answer {
  Answer() : clams_vram_answer{} { point(); }
  void point() {
    device = device_text.c_str();
    model = model_text.c_str();
    code = code_text.c_str();
    reason = reason_text.c_str();
    error = error_text.c_str();
    python_exception = python_text.c_str();
    message = message_text.c_str();
  }
  std::string device_text, model_text, code_text, reason_text, error_text, python_text, message_text;
};

struct Devices : clams_vram_devices {
  Devices() : clams_vram_devices{} { point(); }
  void point() {
    count = pointers.size();
    rows = pointers.data();
    error = error_text.c_str();
    python_exception = python_text.c_str();
    message = message_text.c_str();
  }
  std::vector<clams_vram::DeviceRow> names;
  std::vector<clams_vram_device> values;
  std::vector<const clams_vram_device*> pointers;
  std::string error_text, python_text, message_text;
};

template <class Reply>
void fail(Reply& reply, const base::Error& error) {
  const base::ErrorTraits& traits = base::traits_of(error.code);
  reply.outcome = CLAMS_VRAM_FAILED;
  reply.native = error.native;
  reply.error_text = traits.name;
  reply.python_text = traits.python_exception;
  reply.message_text = error.message;
}

void refuse(Answer& answer, const vram::Refusal& refusal) {
  answer.outcome = refusal.kind == vram::Refusal::Kind::Permanent ? CLAMS_VRAM_NEVER : CLAMS_VRAM_NOT_NOW;
  answer.retry_after = refusal.retry_after ? static_cast<std::int32_t>(refusal.retry_after->count()) : -1;
  answer.required_bytes = refusal.required.count();
  answer.available_known = refusal.has_available() ? 1 : 0;
  if (refusal.has_available()) answer.available_bytes = refusal.available.count();
  answer.most_known = refusal.kind == vram::Refusal::Kind::Permanent ? 1 : 0;
  if (answer.most_known != 0) answer.most_bytes = refusal.most.count();
  answer.reserved_bytes = refusal.reserved.count();
  answer.headroom_bytes = refusal.headroom.count();
  answer.device_text = refusal.device.text();
  answer.model_text = refusal.model;
  answer.code_text = refusal.code();
  answer.reason_text = vram::name_of(refusal.reason);
  answer.message_text = refusal.message();
}

void grant(Answer& answer, std::shared_ptr<Host> host, vram::Lease lease) {
  answer.outcome = CLAMS_VRAM_GRANTED;
  answer.lease_bytes = lease.bytes().count();
  answer.lease_enforced = lease.enforced() ? 1 : 0;
  answer.device_text = lease.device().text();
  answer.lease = new clams_vram_lease{std::move(host), std::move(lease)};
}

void decide(Answer& answer, const std::string& app, clams_vram::Wish wish) {
  answer.model_text = wish.model;
  auto host = Host::of_this_process(app);
  if (!host) return fail(answer, host.error());
  auto outcome = (*host)->ask(wish);
  if (!outcome) return fail(answer, outcome.error());
  if (auto* lease = std::get_if<vram::Lease>(&*outcome)) return grant(answer, std::move(*host), std::move(*lease));
  refuse(answer, std::get<vram::Refusal>(*outcome));
}

void list(Devices& devices, const std::string& app) {
  const auto host = Host::of_this_process(app);
  if (!host) return fail(devices, host.error());
  devices.names = (*host)->devices();
  for (const auto& row : devices.names) {
    devices.values.push_back({row.index, row.free ? 1 : 0, row.total.count(), row.free ? row.free->count() : 0,
                              row.reserved.count(), row.available.count(), row.uuid.c_str(), row.name.c_str()});
  }
  for (const auto& value : devices.values) devices.pointers.push_back(&value);
}

// Runs `fill` on a new Reply; NULL when there is no memory for it.
template <class Reply, class Fill>
Reply* reply_of(Fill fill) noexcept {
  try {
    auto reply = std::make_unique<Reply>();
    try {
      fill(*reply);
    } catch (const std::bad_alloc&) { throw; } catch (const std::exception& problem) {
      fail(*reply, {base::ErrorCode::Internal, std::string("a bug of clams-cpp: ") + problem.what()});
    }
    reply->point();
    return reply.release();
  } catch (...) { return nullptr; }
}

std::string text_or(const char* text, const char* fallback) { return text == nullptr || *text == 0 ? fallback : text; }

void note(clams_vram_lease& lease, std::int64_t change) noexcept {
  try {
    lease.host->note(lease.lease, change);
  } catch (const std::exception&) {
    // The figure is one for people: the promise, which counts, is untouched.
  }
}

template <class Parsed, class Value>
int parsed(const Parsed& result, Value* value, Value number, char* problem, std::size_t size) {
  if (result) {
    *value = number;
    return 1;
  }
  if (size > 0) {
    const std::size_t length = std::min(result.error().message.size(), size - 1);
    std::memcpy(problem, result.error().message.data(), length);
    problem[length] = 0;
  }
  return 0;
}

}  // namespace

int clams_vram_abi(void) { return CLAMS_VRAM_ABI; }

const char* clams_vram_version(void) { return CLAMS_CPP_VERSION; }

clams_vram_answer* clams_vram_reserve(const char* app, const char* model, const char* device, uint64_t bytes) {
  return reply_of<Answer>([&](Answer& answer) {
    answer.retry_after = -1;
    const std::string name = text_or(app, "program");
    clams_vram::Wish wish;
    wish.bytes = base::Bytes(bytes);
    wish.model = text_or(model, name.c_str());
    if (device != nullptr) wish.device = device;
    decide(answer, name, std::move(wish));
  });
}

void clams_vram_free_answer(clams_vram_answer* answer) { delete static_cast<Answer*>(answer); }

void clams_vram_note_allocated(clams_vram_lease* lease, uint64_t bytes) {
  note(*lease, static_cast<std::int64_t>(bytes));
  lease->noted += bytes;
}

void clams_vram_note_freed(clams_vram_lease* lease, uint64_t bytes) {
  const std::uint64_t less = std::min(bytes, lease->noted);
  note(*lease, -static_cast<std::int64_t>(less));
  lease->noted -= less;
}

void clams_vram_release(clams_vram_lease* lease) {
  if (lease == nullptr) return;
  clams_vram_note_freed(lease, lease->noted);
  lease->lease.release();
  delete lease;
}

clams_vram_devices* clams_vram_list_devices(const char* app) {
  return reply_of<Devices>([&](Devices& devices) { list(devices, text_or(app, "program")); });
}

void clams_vram_free_devices(clams_vram_devices* devices) { delete static_cast<Devices*>(devices); }

int clams_vram_parse_bytes(const char* text, uint64_t* value, char* problem, size_t size) {
  const auto result = base::parse_memory_size(text);
  return parsed(result, value, result ? result->count() : 0, problem, size);
}

int clams_vram_parse_milliseconds(const char* text, int64_t* value, char* problem, size_t size) {
  const auto result = base::parse_duration(text);
  return parsed(result, value, result ? std::int64_t{result->count()} : 0, problem, size);
}
