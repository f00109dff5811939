#include "clams/answers.hpp"

#include "mmif/json.hpp"

namespace clams {

Answer refusal_answer(const vram::Refusal& refusal, unsigned temporary_status) {
  const bool permanent = refusal.kind == vram::Refusal::Kind::Permanent;
  mmif::Object body{{"error", refusal.message()}, {"code", refusal.code()},          {"reason", vram::name_of(refusal.reason)},
                    {"model", refusal.model},     {"device", refusal.device.text()}, {"required_bytes", refusal.required.count()}};
  if (refusal.has_available()) body.set("available_bytes", refusal.available.count());
  if (permanent) body.set("most_bytes", refusal.most.count());
  if (refusal.reason == vram::Refusal::Reason::Allocation) body.set("granted_bytes", refusal.granted.count());
  body.set("reserved_bytes", refusal.reserved.count());
  body.set("headroom_bytes", refusal.headroom.count());
  body.set("source", vram::to_string(refusal.source));
  if (refusal.retry_after) body.set("retry_after", refusal.retry_after->count());
  mmif::Array alternatives;
  for (const auto& other : refusal.alternatives)
    alternatives.emplace_back(mmif::Object{{"name", other.name}, {"bytes", other.bytes.count()}});
  body.set("alternatives", std::move(alternatives));
  if (!refusal.cause.empty()) body.set("cause", refusal.cause);
  Answer answer = Answer::text(permanent ? 507 : temporary_status, "application/json", mmif::to_plain_text(body) + "\n");
  if (refusal.retry_after) answer.headers.emplace_back("Retry-After", std::to_string(refusal.retry_after->count()));
  return answer;
}

}  // namespace clams
