#include "app.hpp"

#include <cstdint>
#include <string>

namespace types = mmif::types;

clams::AppMetadata @APP_CLASS@::metadata() const {
  clams::AppMetadata metadata;
  metadata.name = "@APP_NAME@";
  metadata.description = "Says what it finds in a video. Replace this text.";
  metadata.app_license = "Apache-2.0";
  metadata.identifier = "@APP_IDENTIFIER@";
  metadata.url = "https://example.org/@APP_IDENTIFIER@";
  // The version comes from the environment variable CLAMS_APP_VERSION (see Containerfile).
  metadata.add_input(types::VideoDocument);
  metadata.add_output(types::TimeFrame, {{"timeUnit", "milliseconds"}});
  metadata.add_parameter({.name = "label",
                          .description = "Label of the time frame.",
                          .type = clams::ParameterType::String,
                          .choices = {"bars", "slate", "speech"},
                          .default_value = "speech"});
  return metadata;
}

void @APP_CLASS@::annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) {
  const auto label = parameters.get<std::string>("label");
  mmif::View& view = run.new_view();
  view.new_contain(types::TimeFrame, {{"timeUnit", "milliseconds"}});
  for (const mmif::Annotation* video : mmif.documents(types::VideoDocument)) {
    run.throw_if_cancelled();
    // Here the work is done. video->location_path() is the file, with an error that says why if there is none.
    const std::int64_t start = 0;
    const std::int64_t end = 1000;
    view.new_annotation(types::TimeFrame, {{"document", video->id()}, {"start", start}, {"end", end}, {"label", label}});
  }
}
