// An app, asked as the server asks it, and what tests look at in its answers.
#pragma once
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "clams/service.hpp"
#include "mmif/mmif.hpp"

namespace app_testing {

struct Reply {
  unsigned status = 0;
  std::string bytes;
  std::unique_ptr<mmif::Mmif> mmif;  // null when the answer is none
};
// `query`: parameters as in a URL.
Reply post(clams::Service& service, const std::string& body, const std::string& query = {}, std::stop_token stop = {});

// A document of MMIF; the path becomes a file URL as it is.
std::string document(std::string_view type, const std::string& mime, const std::string& id, const std::string& path);
std::string image(const std::string& id, const std::string& path);
std::string audio(const std::string& id, const std::string& path);
std::string video(const std::string& id, const std::string& path);
// {"metadata": …, "documents": […], "views": […]}
std::string mmif_with(const std::vector<std::string>& documents, const std::string& views = {});

// Of the last view, where the answer has views.
const mmif::View& last_view(const Reply& reply);
// Message of the error view; says so when there is none.
std::string error_of(const Reply& reply);
// Everything the warnings views say.
std::string warnings_of(const Reply& reply);

}  // namespace app_testing
