#include <gmock/gmock.h>

#include "app_harness.hpp"

namespace ocr_app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(WithoutVideoSupport, AVideoIsRefusedWithWhatToInstall) {
  const auto reply = test::post(test::mmif_with({test::video("d1", "/a.mp4")}), "sampleEvery=1");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(test::error_of(reply), HasSubstr("video d1"));
  EXPECT_THAT(test::error_of(reply), HasSubstr("built without libav"));
  EXPECT_THAT(test::error_of(reply), HasSubstr("libavformat-dev"));
}

TEST(WithoutVideoSupport, TheMetadataPromisesImagesOnly) {
  const auto answer = test::service().describe("");
  EXPECT_THAT(answer.body.to_string(), HasSubstr("type/ImageDocument/v2"));
  EXPECT_THAT(answer.body.to_string(), Not(HasSubstr("type/VideoDocument")));
  EXPECT_THAT(answer.body.to_string(), Not(HasSubstr("libav")));
}

}  // namespace
}  // namespace ocr_app
