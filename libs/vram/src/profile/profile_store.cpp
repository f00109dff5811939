#include "vram/profile.hpp"

#include <algorithm>

#include "profile/canonical_json.hpp"
#include "profile/store_core.hpp"

namespace vram {
namespace {

// Names come from drivers; one that is not UTF-8 would make the whole file unreadable.
std::string clean(std::string_view text) {
  std::string result(text.substr(0, 256));
  if (!profile::parse_members("{\"a\":" + profile::json_string(result) + "}", profile::Form::Exact)) {
    std::replace_if(
        result.begin(), result.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  return result;
}

}  // namespace

std::string_view name_of(Instrument instrument) noexcept {
  switch (instrument) {
    case Instrument::Allocator: return "allocator";
    case Instrument::Process: return "process";
    case Instrument::Device: return "device";
  }
  return "device";
}

std::string_view name_of(SampleVerdict verdict) noexcept {
  switch (verdict) {
    case SampleVerdict::Stored: return "stored";
    case SampleVerdict::Contended: return "contended";
    case SampleVerdict::Negative: return "negative";
    case SampleVerdict::BelowNoise: return "below-noise";
    case SampleVerdict::Absent: return "absent";
  }
  return "absent";
}

std::string_view name_of(ProfileOrigin origin) noexcept {
  switch (origin) {
    case ProfileOrigin::Samples: return "samples";
    case ProfileOrigin::Given: return "given";
    case ProfileOrigin::Number: return "number";
    case ProfileOrigin::PythonSdk: return "python-sdk";
  }
  return "given";
}

ProfileStore::ProfileStore(ProfileOptions options) : core_(std::make_shared<Core>(std::move(options))) { core_->start(core_); }

ProfileStore::~ProfileStore() { core_->stop(std::chrono::milliseconds(-1)); }

std::optional<Learned> ProfileStore::lookup(const ProfileKey& key) { return core_->lookup(key); }

SampleVerdict ProfileStore::record(const ProfileKey& key, const Measurement& measurement) {
  Measurement cleaned = measurement;
  cleaned.device = clean(measurement.device);
  cleaned.driver = clean(measurement.driver);
  return core_->record(key, cleaned);
}

Bytes ProfileStore::raise_after_oom(const ProfileKey& key, const OutOfMemoryEvent& event) {
  OutOfMemoryEvent cleaned = event;
  cleaned.device = clean(event.device);
  cleaned.driver = clean(event.driver);
  return core_->raise_after_oom(key, cleaned);
}

std::optional<Bytes> ProfileStore::context_bytes(std::string_view driver, std::string_view device) {
  return core_->facts([key = std::pair(clean(driver), clean(device))](const profile::Facts& facts) -> std::optional<Bytes> {
    const auto at = facts.contexts.find(key);
    if (at == facts.contexts.end() || at->second.bytes.values.empty()) return std::nullopt;
    return Bytes(at->second.bytes.largest());
  });
}

void ProfileStore::record_context(std::string_view driver, std::string_view device, Bytes bytes) {
  profile::Facts facts;
  facts.contexts[{clean(driver), clean(device)}] = {core_->wall_ms(), {{bytes.count()}}};
  core_->record_facts(facts);
}

std::optional<ModelFacts> ProfileStore::model_facts(std::string_view model) {
  return core_->facts([name = clean(model)](const profile::Facts& facts) -> std::optional<ModelFacts> {
    const auto at = facts.models.find(name);
    if (at == facts.models.end()) return std::nullopt;
    const profile::ModelFact& fact = at->second;
    return ModelFacts{Bytes(fact.bytes.largest()), std::chrono::milliseconds(fact.load_ms.median()), fact.loads};
  });
}

void ProfileStore::record_model(std::string_view model, Bytes bytes, std::chrono::milliseconds load_time) {
  profile::Facts facts;
  profile::ModelFact& fact = facts.models[clean(model)];
  fact.at_ms = core_->wall_ms();
  fact.loads = 1;
  if (bytes > Bytes()) fact.bytes.add(bytes.count());
  fact.load_ms.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, load_time.count())));
  core_->record_facts(facts);
}

base::Status ProfileStore::flush(std::chrono::milliseconds deadline) { return core_->flush(deadline); }

const std::string& ProfileStore::directory() const noexcept { return core_->folder(); }

}  // namespace vram
