// When an annotation is, and what text it covers.
#include "mmif/time.hpp"

#include <gtest/gtest.h>

#include "samples.hpp"

namespace mmif {
namespace {

// The table of mmif-python's timeunit_helper.
TEST(TimeUnits, AreReadInTheSpellingsOfThePythonSdk) {
  for (const char* text : {"m", "ms", "msec", "millisecond", "milliseconds"})
    EXPECT_EQ(parse_time_unit(text), TimeUnit::Milliseconds) << text;
  for (const char* text : {"s", "se", "sec", "second", "seconds"}) EXPECT_EQ(parse_time_unit(text), TimeUnit::Seconds) << text;
  for (const char* text : {"f", "fr", "frame", "frames"}) EXPECT_EQ(parse_time_unit(text), TimeUnit::Frames) << text;
  for (const char* text : {"i", "iso", "isoformat"}) EXPECT_EQ(parse_time_unit(text), TimeUnit::IsoFormat) << text;
  for (const char* text : {"", "minutes", "Seconds", " s"}) EXPECT_EQ(parse_time_unit(text), std::nullopt) << text;
  for (const TimeUnit unit : {TimeUnit::Milliseconds, TimeUnit::Seconds, TimeUnit::Frames, TimeUnit::IsoFormat})
    EXPECT_EQ(parse_time_unit(to_string(unit)), unit);
}

TEST(TimeUnits, IsoTimesAreMilliseconds) {
  for (const auto& [text, milliseconds] : std::vector<std::pair<std::string, double>>{{"00:00:03.200", 3200},
                                                                                      {"00:00:03.2", 3200},
                                                                                      {"01:02:03.004", 3'723'004},
                                                                                      {"0:00:00", 0},
                                                                                      {"00:00:01.001", 1001},
                                                                                      {"100:00:00", 360'000'000},
                                                                                      {"T00:01:00", 60'000},
                                                                                      {"00:00:00,5", 500},
                                                                                      {"00:00:00.0004999", 0},
                                                                                      {"00:00:00.123456789", 123},
                                                                                      {"23:59:59.999", 86'399'999}})
    EXPECT_EQ(milliseconds_of_iso(text), milliseconds) << text;
  for (const char* text : {"", "3.2", "00:03", "00:60:00", "00:00:60", "00:00:03.", "00:00:03.2x", "-00:00:03", "a:00:00", "00::03",
                           "00:00:03:04", "00:00:03Z", "T", "00:00:.5", " 00:00:03"})
    EXPECT_EQ(milliseconds_of_iso(text), std::nullopt) << text;
  for (const std::int64_t time : {0, 1, 999, 3200, 3'723'004, 86'399'999, 360'000'000})
    EXPECT_EQ(milliseconds_of_iso(iso_of_milliseconds(time)), static_cast<double>(time));
  EXPECT_EQ(iso_of_milliseconds(3200), "00:00:03.200");
  EXPECT_EQ(iso_of_milliseconds(-3200), "-00:00:03.200");
  EXPECT_EQ(convert_time(1, TimeUnit::IsoFormat, TimeUnit::Seconds), std::nullopt) << "a text is no number";
}

TEST(TimeUnits, ConvertRoundingHalfToEven) {
  using enum TimeUnit;
  EXPECT_EQ(convert_time(1.5, Seconds, Milliseconds), 1500);
  EXPECT_EQ(convert_time(0.0005, Seconds, Milliseconds), 0);
  EXPECT_EQ(convert_time(0.0015, Seconds, Milliseconds), 2);
  EXPECT_EQ(convert_time(0.0025, Seconds, Milliseconds), 2);
  EXPECT_EQ(convert_time(1234, Milliseconds, Seconds), 1.234);
  EXPECT_EQ(convert_time(30, Frames, Milliseconds, 29.97), 1001);
  EXPECT_EQ(convert_time(1001, Milliseconds, Frames, 29.97), 30);
  EXPECT_EQ(convert_time(2, Seconds, Frames, 25.0), 50);
  EXPECT_EQ(convert_time(-1.5, Seconds, Milliseconds), -1500);
  EXPECT_EQ(convert_time(2.5, Frames, Frames), 2.5) << "the same unit needs no fps";
  for (const double fps : {0.0, -25.0}) EXPECT_EQ(convert_time(1, Frames, Seconds, fps), std::nullopt);
  EXPECT_EQ(convert_time(1, Seconds, Frames), std::nullopt);
}

class Extents : public testing::Test {
 protected:
  Extents() : view_(mmif_->new_view()) {
    mmif_->new_document(types::VideoDocument, "d1", {{"fps", 25}});
    mmif_->new_document(types::TextDocument, "td", {{"text", Object{{"@value", "aé😀bc d"}}}});
  }
  Annotation& add(std::string_view type, Object properties, std::string_view id) {
    return view_.new_annotation(type, std::move(properties), id);
  }
  std::string told(const Annotation& annotation) const {
    const auto extent = extent_of(*mmif_, annotation);
    return extent ? "taken" : extent.error().message;
  }
  std::string text(Object properties) {
    const auto result = text_of(*mmif_, view_.new_annotation(types::Span, std::move(properties)));
    return result ? *result : result.error().message;
  }
  std::unique_ptr<Mmif> mmif_ = Mmif::create();
  View& view_;
};

TEST_F(Extents, AreOwnTimesOrThoseOfTargets) {
  const auto& point = add(types::TimePoint, {{"timePoint", 500}}, "p1");
  add(types::TimePoint, {{"timePoint", 100.5}}, "p2");
  const auto& frame = add(types::TimeFrame, {{"start", 10}, {"end", 20}}, "f1");
  const auto& of_targets = add(types::TimeFrame, {{"targets", Array{"v_0:p1", "v_0:p2", "v_0:f1"}}}, "f2");
  const auto& deeper = add(types::TimeFrame, {{"targets", Array{"v_0:p1", "v_0:f2"}}}, "f3");
  EXPECT_EQ(*extent_of(*mmif_, point), (Extent{500, 500}));
  EXPECT_EQ(*extent_of(*mmif_, frame), (Extent{10, 20}));
  EXPECT_EQ(*extent_of(*mmif_, of_targets), (Extent{10, 500}));
  EXPECT_EQ(*extent_of(*mmif_, deeper), (Extent{10, 500}));
}

TEST_F(Extents, TellWhatIsMissing) {
  const auto& lost = add(types::TimeFrame, {{"targets", Array{"v_0:none"}}}, "f1");
  EXPECT_EQ(extent_of(*mmif_, lost).error().code, base::ErrorCode::NotFound);
  EXPECT_EQ(told(lost), "annotation v_0:f1 has the target 'v_0:none', which does not exist");
  const auto& bare = add(types::TimeFrame, {{"start", 1}}, "f2");
  EXPECT_EQ(extent_of(*mmif_, bare).error().code, base::ErrorCode::InvalidDocument);
  EXPECT_EQ(told(add(types::TimeFrame, {{"targets", Array{}}}, "f3")),
            "annotation v_0:f3 has no start and end, no timePoint and no targets");
  EXPECT_NE(told(add(types::TimeFrame, {{"targets", Array{"v_0:f2"}}}, "f4")), "taken");
  EXPECT_NE(told(add(types::TimeFrame, {{"targets", "v_0:f2"}}, "f5")), "taken");
  EXPECT_NE(told(add(types::TimeFrame, {{"targets", Array{7}}}, "f6")), "taken");
  EXPECT_NE(told(add(types::TimeFrame, {{"start", "1"}, {"end", "2"}}, "f7")), "taken");
}

TEST_F(Extents, TargetsThatGoRoundInCirclesEnd) {
  add(types::TimeFrame, {{"targets", Array{"v_0:b"}}}, "a");
  add(types::TimeFrame, {{"targets", Array{"v_0:a"}}}, "b");
  const auto& self = add(types::TimeFrame, {{"targets", Array{"v_0:c", "v_0:c"}}}, "c");
  for (const Annotation* annotation : std::initializer_list<const Annotation*>{view_.find("a"), view_.find("b"), &self}) {
    const auto extent = extent_of(*mmif_, *annotation);
    ASSERT_FALSE(extent);
    EXPECT_EQ(extent.error().code, base::ErrorCode::InvalidDocument);
    EXPECT_NE(extent.error().message.find("circles"), std::string::npos);
    EXPECT_FALSE(text_of(*mmif_, *annotation));
    EXPECT_EQ(document_of(*mmif_, *annotation), nullptr);
    EXPECT_FALSE(extent_ms(*mmif_, *annotation));
  }
}

TEST_F(Extents, TargetsThatShareTargetsAreNotFollowedForEver) {
  add(types::TimeFrame, {{"start", 1}, {"end", 2}, {"text", "x"}}, "n60");
  for (int i = 59; i >= 0; --i) {
    const std::string next = "v_0:n" + std::to_string(i + 1);
    add(types::TimeFrame, {{"targets", Array{next, next}}}, "n" + std::to_string(i));
  }
  EXPECT_EQ(*extent_of(*mmif_, *view_.find("n0")), (Extent{1, 2}));
  const auto endless = text_of(*mmif_, *view_.find("n0"));
  ASSERT_FALSE(endless);
  EXPECT_NE(endless.error().message.find("too many"), std::string::npos);
  EXPECT_EQ(*text_of(*mmif_, *view_.find("n58")), "x x x x");
}

TEST_F(Extents, InMillisecondsGoByTheUnitOfTheAnnotationOrItsTargets) {
  add(types::TimePoint, {{"timePoint", 50}, {"timeUnit", "frames"}, {"document", "d1"}}, "p1");
  EXPECT_EQ(*extent_ms(*mmif_, *view_.find("p1")), (Extent{2000, 2000}));
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimeFrame, {{"targets", Array{"v_0:p1"}}}, "f1")), (Extent{2000, 2000}));
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimeFrame, {{"start", 1}, {"end", 2.5}, {"timeUnit", "seconds"}}, "f2")),
            (Extent{1000, 2500}));
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimeFrame, {{"start", 1}, {"end", 2}}, "f3")), (Extent{1, 2}))
      << "milliseconds unless something says otherwise";
  const auto odd = extent_ms(*mmif_, add(types::TimeFrame, {{"start", 1}, {"end", 2}, {"timeUnit", "fortnight"}}, "f4"));
  EXPECT_EQ(odd.error().message,
            "annotation v_0:f4 has the time unit 'fortnight', which is not known; known are milliseconds, seconds, frames and "
            "isoformat");
  EXPECT_EQ(extent_ms(*mmif_, add(types::TimeFrame, {{"start", 1}, {"end", 2}, {"timeUnit", "frames"}}, "f5")).error().code,
            base::ErrorCode::NotFound);
}

TEST_F(Extents, TargetsOfDifferentUnitsAreEachReadInTheirs) {
  add(types::TimePoint, {{"timePoint", 50}, {"timeUnit", "frames"}, {"document", "d1"}}, "p1");
  add(types::TimePoint, {{"timePoint", 500}, {"timeUnit", "milliseconds"}}, "p2");
  add(types::TimePoint, {{"timePoint", "00:00:03.200"}, {"timeUnit", "isoformat"}}, "p3");
  add(types::TimePoint, {{"timePoint", 4}}, "p4");
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimeFrame, {{"targets", Array{"v_0:p1", "v_0:p2"}}}, "f1")), (Extent{500, 2000}));
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimeFrame, {{"targets", Array{"v_0:p3", "v_0:p1"}}}, "f2")), (Extent{2000, 3200}));
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimeFrame, {{"targets", Array{"v_0:p3", "v_0:p4"}}, {"timeUnit", "seconds"}}, "f3")),
            (Extent{3200, 4000}))
      << "a target without a unit has that of the annotation that points to it";
}

TEST_F(Extents, FramesAreCountedByTheRateOfTheDocumentUnderAnyOfItsNames) {
  for (const char* name : {"fps", "framerate", "frameRate", "frames-per-second", "frame_per_second"}) {
    const std::string id = std::string("d_") + name;
    mmif_->new_document(types::VideoDocument, id, {{name, 10}});
    const auto& point = view_.new_annotation(types::TimePoint, {{"timePoint", 50}, {"timeUnit", "fr"}, {"document", id}});
    EXPECT_EQ(*extent_ms(*mmif_, point), (Extent{5000, 5000})) << name;
  }
  mmif_->new_document(types::VideoDocument, "d_0", {{"fps", 0}});
  const auto unknown = extent_ms(*mmif_, add(types::TimePoint, {{"timePoint", 50}, {"timeUnit", "f"}, {"document", "d_0"}}, "p9"));
  EXPECT_EQ(unknown.error().message, "annotation v_0:p9 counts in f, and the fps of its document is not known");
}

TEST_F(Extents, IsoTextsAreTimes) {
  const auto& frame = add(types::TimeFrame, {{"start", "00:00:03.200"}, {"end", "00:00:04.800"}, {"timeUnit", "isoformat"}}, "f1");
  EXPECT_EQ(*extent_ms(*mmif_, frame), (Extent{3200, 4800}));
  EXPECT_EQ(*extent_of(*mmif_, frame), (Extent{3200, 4800}));
  EXPECT_EQ(*extent_ms(*mmif_, add(types::TimePoint, {{"timePoint", "00:01:00"}}, "p1")), (Extent{60'000, 60'000}))
      << "a text speaks for itself";
  const auto message = [&](Object properties) {
    const auto extent = extent_ms(*mmif_, view_.new_annotation(types::TimeFrame, std::move(properties)));
    return extent ? "taken" : extent.error().message;
  };
  EXPECT_NE(
      message({{"start", "00:00:01.5"}, {"end", "00:00:02"}, {"timeUnit", "seconds"}}).find("'seconds', which is for numbers"),
      std::string::npos);
  EXPECT_NE(message({{"start", 1}, {"end", 2}, {"timeUnit", "iso"}}).find("'iso', which is for texts"), std::string::npos);
  EXPECT_NE(message({{"start", "1 minute"}, {"end", "00:00:02"}, {"timeUnit", "iso"}}).find("has '1 minute' as its start"),
            std::string::npos);
}

TEST_F(Extents, TheDocumentIsTheAnnotationsOwnThatOfContainsOrOfItsFirstTarget) {
  view_.new_contain(types::Token, {{"document", "td"}});
  add(types::Token, {{"start", 0}, {"end", 1}}, "t1");
  add(types::TimePoint, {{"timePoint", 1}, {"document", "d1"}}, "p1");
  EXPECT_EQ(document_of(*mmif_, *view_.find("t1"))->id(), "td");
  EXPECT_EQ(document_of(*mmif_, *view_.find("p1"))->id(), "d1");
  EXPECT_EQ(document_of(*mmif_, add(types::TimeFrame, {{"targets", Array{"v_0:p1", "v_0:t1"}}}, "f1"))->id(), "d1");
  EXPECT_EQ(document_of(*mmif_, add(types::TimeFrame, {{"document", "gone"}}, "f2")), nullptr);
  EXPECT_EQ(document_of(*mmif_, add(types::TimeFrame, {}, "f3")), nullptr);
}

TEST_F(Extents, TextIsCountedInCodePoints) {
  EXPECT_EQ(text({{"document", "td"}, {"start", 0}, {"end", 1}}), "a");
  EXPECT_EQ(text({{"document", "td"}, {"start", 1}, {"end", 3}}), "é😀");
  EXPECT_EQ(text({{"document", "td"}, {"start", 3}, {"end", 7}}), "bc d");
  EXPECT_EQ(text({{"document", "td"}, {"start", 0}, {"end", 7}}), "aé😀bc d");
  EXPECT_EQ(text({{"document", "td"}, {"start", 5}, {"end", 999}}), " d");
  EXPECT_EQ(text({{"document", "td"}, {"start", 3}, {"end", 3}}), "");
  EXPECT_EQ(text({{"document", "td"}, {"start", 5}, {"end", 2}}), "");
  EXPECT_EQ(text({{"document", "td"}, {"start", 100}, {"end", 200}}), "");
  EXPECT_EQ(text({{"document", "td"}, {"start", -1}, {"end", 2}}), "");
}

TEST_F(Extents, TextIsTheOwnOneOrThatOfTargets) {
  add(types::Token, {{"text", "Hello"}}, "t1");
  add(types::Token, {{"document", "td"}, {"start", 1}, {"end", 3}}, "t2");
  EXPECT_EQ(text({{"targets", Array{"v_0:t1", "v_0:t2"}}}), "Hello é😀");
  EXPECT_EQ(text({{"text", "own"}, {"targets", Array{"v_0:t1"}}}), "own");
  EXPECT_EQ(text({{"targets", Array{"v_0:gone"}}}).find("has the target 'v_0:gone', which does not exist"),
            std::string("annotation v_0:sp_3 ").size());
  EXPECT_NE(text({{"start", 1}, {"end", 2}}).find("does not say which document"), std::string::npos);
  EXPECT_NE(text({}).find("has no text"), std::string::npos);
  EXPECT_EQ(*text_of(*mmif_, *mmif_->document("td")), "aé😀bc d");
}

}  // namespace
}  // namespace mmif
