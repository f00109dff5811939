#include "run_state.hpp"

#include "mmif/json.hpp"
#include "view_signer.hpp"

namespace clams {

std::string warning_record(std::string_view message, std::string_view category, const CodePlace& where) {
  std::string_view file = where.file;
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
  return "{message : " + std::string(category) + "(" + mmif::python_repr(message) + "), category : '" + std::string(category) +
         "', filename : '" + std::string(file) + "', lineno : " + std::to_string(where.line) + ", line : None}";
}

mmif::View& RunState::new_view() {
  mmif::View& view = mmif_.new_view();
  sign(view);
  return view;
}

void RunState::sign(mmif::View& view, const Parameters& parameters) {
  sign_with_parameters(view, metadata_, parameters, std::chrono::system_clock::now());
}

void RunState::warn(std::string_view message, std::string_view category, CodePlace where) {
  std::string record = warning_record(message, category, where);
  if (!seen_.insert(record).second) return;
  warnings_.push_back(std::move(record));
  if (context_.on_warning) context_.on_warning(message);
}

void RunState::progress(double fraction, std::string_view what) const {
  if (context_.progress) context_.progress(fraction, what);
  if (context_.log.enabled(base::LogLevel::Debug)) {
    context_.log.debug("progress " + std::to_string(static_cast<int>(fraction * 100)) + "% " + std::string(what));
  }
}

std::shared_ptr<void> RunState::model_of(const std::string& key, std::type_index type, vram::ModelLoader loader,
                                         std::optional<std::chrono::milliseconds> idle) {
  std::exception_ptr thrown;
  auto held = gpu_.model(key, type, std::move(loader), idle, context_.stop, &thrown);
  if (thrown) std::rethrow_exception(thrown);
  if (held) return std::move(held).value();
  if (held.error().code == base::ErrorCode::Cancelled) throw Cancelled(held.error().message);
  throw RuntimeError(held.error().message);
}

}  // namespace clams
