// The app, asked as the server asks it, and what tests look at in its answers.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "clams/service.hpp"
#include "mmif/mmif.hpp"

namespace ocr_app::test {

// One service for all tests of a program: engines are loaded once.
clams::Service& service();

struct Reply {
  unsigned status = 0;
  std::string bytes;
  std::unique_ptr<mmif::Mmif> mmif;  // null when the answer is none
};
// `query`: parameters as in a URL.
Reply post(const std::string& body, const std::string& query = {}, std::stop_token stop = {});

// {"metadata": …, "documents": […], "views": []}
std::string mmif_with(const std::vector<std::string>& documents, const std::string& views = {});
std::string image(const std::string& id, const std::string& path);
std::string video(const std::string& id, const std::string& path);

// Texts of a view's text documents, in order.
std::vector<std::string> texts_of(const mmif::View& view);
// Of the last view, where the answer has views.
const mmif::View& last_view(const Reply& reply);
// Message of the error view; fails the test when there is none.
std::string error_of(const Reply& reply);
// Everything the warnings views say.
std::string warnings_of(const Reply& reply);

}  // namespace ocr_app::test
