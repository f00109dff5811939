// Locations of documents, with real files.
#include "location.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.hpp"
#include "samples.hpp"

namespace mmif {
namespace {

class Location : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mmif_location_XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    if (HasFailure()) return;  // kept for a look
    for (const auto& name : *base::list_directory(directory_)) ::unlink((directory_ + "/" + name).c_str());
    ::rmdir(directory_.c_str());
  }
  std::string file(const std::string& name, std::string_view content = "content") {
    EXPECT_TRUE(base::write_file_atomically(directory_ + "/" + name, content));
    return directory_ + "/" + name;
  }
  std::string directory_;
};

std::unique_ptr<Mmif> with_location(const std::string& location) {
  auto mmif = Mmif::create();
  mmif->new_document(types::TextDocument, "d1", {{"location", location}});
  return mmif;
}
std::string path_of(const std::string& location) {
  const auto mmif = with_location(location);
  const auto path = mmif->document("d1")->location_path();
  return path ? *path : path.error().message;
}

TEST_F(Location, APathBecomesAFileUriAndComesBack) {
  for (const char* name : {"plain.txt", "a b.txt", "ü#1?x.txt", "100%.txt", "50%20off.txt", "semi;colon&=+.txt", "'\"<>.txt"}) {
    const std::string path = file(name);
    const auto mmif = with_location(path);
    const Annotation& document = *mmif->document("d1");
    EXPECT_EQ(document.location().substr(0, 7), "file://");
    EXPECT_EQ(document.location().find_first_of(" #?\"<>", 7), std::string_view::npos) << document.location();
    ASSERT_TRUE(document.location_path()) << document.location_path().error().message;
    EXPECT_EQ(*document.location_path(), path);
    EXPECT_EQ(*document.text(), "content");
  }
}

TEST_F(Location, AnEncodedNameIsTakenLiterallyWhenOnlyThatFileIsThere) {
  const std::string literal = file("a%20b.txt", "literal");
  EXPECT_EQ(path_of("file://" + directory_ + "/a%20b.txt"), literal);
  const std::string decoded = file("a b.txt", "decoded");
  EXPECT_EQ(path_of("file://" + directory_ + "/a%20b.txt"), decoded);
}

TEST_F(Location, HostQueryAndFragmentAreNoPartOfThePath) {
  EXPECT_EQ(path_of("file:///a/x#1.mp4"), "/a/x");
  EXPECT_EQ(path_of("file:///a/x?q=1.mp4"), "/a/x");
  EXPECT_EQ(path_of("file://host/a"), "/a");
  EXPECT_EQ(path_of("file:/a/b"), "/a/b");
  EXPECT_EQ(path_of("FILE:///a"), "/a");
}

TEST_F(Location, SchemesOtherThanFileAreUnsupported) {
  for (const char* uri : {"http://example.org/a.mp4", "https://example.org/a.mp4", "s3://bucket/a", "C:/x"}) {
    const auto mmif = with_location(uri);
    const auto path = mmif->document("d1")->location_path();
    ASSERT_FALSE(path) << uri;
    EXPECT_EQ(path.error().code, base::ErrorCode::Unsupported) << uri;
    EXPECT_EQ(mmif->document("d1")->location(), uri) << "kept as it came";
  }
}

TEST_F(Location, ADocumentWithoutOneHasNoPath) {
  const auto mmif = Mmif::create();
  const Annotation& document = mmif->new_document(types::VideoDocument, "d1", {});
  ASSERT_FALSE(document.location_path());
  EXPECT_EQ(document.location_path().error().code, base::ErrorCode::NotFound);
  EXPECT_EQ(document.text().error().code, base::ErrorCode::NotFound);
}

TEST_F(Location, AFileThatIsNotThereIsNotFoundAndNamed) {
  const auto mmif = with_location(directory_ + "/absent.txt");
  const auto text = mmif->document("d1")->text();
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, base::ErrorCode::NotFound);
  EXPECT_NE(text.error().message.find("absent.txt"), std::string::npos);
}

TEST_F(Location, ANulByteEndsNoPath) {
  const std::string path = file("secret");
  const auto mmif = with_location("file://" + path + "%00.txt");
  const auto found = mmif->document("d1")->location_path();
  ASSERT_FALSE(found) << *found;
  EXPECT_EQ(found.error().code, base::ErrorCode::NotFound);
}

TEST_F(Location, TheFileCountsMoreThanTheInlineText) {
  const auto mmif = with_location(file("t.txt", "from the file"));
  mmif->document("d1")->set("text", Object{{"@value", "inline"}, {"@language", "de"}});
  EXPECT_EQ(*mmif->document("d1")->text(), "from the file");
  mmif->document("d1")->set("location", nullptr);
  EXPECT_EQ(*mmif->document("d1")->text(), "inline");
  EXPECT_EQ(mmif->document("d1")->text_language(), "de");
}

TEST_F(Location, OddLocationsOfTheInputHarmNobody) {
  for (const char* location : {"\"\"", "null", "7", "\"relative/path\"", "[]", "\"file:\"", "\"file://\"", "\":\""}) {
    const auto mmif = parsed(mmif_text(
        std::string(R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"id": "d1", "location": )") +
            location + "}}",
        ""));
    const auto path = mmif->document("d1")->location_path();
    EXPECT_TRUE(path || !path.error().message.empty()) << location;
    EXPECT_TRUE(Mmif::parse(mmif->write().to_string())) << location;
  }
}

}  // namespace
}  // namespace mmif
