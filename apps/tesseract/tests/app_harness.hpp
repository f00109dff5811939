// The app, asked as the server asks it, and what tests look at in its answers.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/reply.hpp"

namespace ocr_app::test {

// One service for all tests of a program: engines are loaded once.
clams::Service& service();

using app_testing::error_of;
using app_testing::image;
using app_testing::last_view;
using app_testing::mmif_with;
using app_testing::Reply;
using app_testing::video;
using app_testing::warnings_of;

// `query`: parameters as in a URL.
Reply post(const std::string& body, const std::string& query = {}, std::stop_token stop = {});

// Texts of a view's text documents, in order.
std::vector<std::string> texts_of(const mmif::View& view);

}  // namespace ocr_app::test
