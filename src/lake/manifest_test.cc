#include "lake/manifest.h"

#include <gtest/gtest.h>

namespace skep::lake {
namespace {

TEST(Manifest, ListsObjects) {
  const auto entries = ReadManifest(
      R"({"entries": [{"url": "s3://b/one", "mandatory": true, "meta": {"content_length": 12}},
                      {"url": "s3://b/two"}], "author": {"name": "x"}})",
      "s3://b/m");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].url, "s3://b/one");
  EXPECT_TRUE((*entries)[0].mandatory);
  EXPECT_EQ((*entries)[0].content_length, 12U);
  EXPECT_FALSE((*entries)[1].mandatory);
  EXPECT_FALSE((*entries)[1].content_length);
}

TEST(Manifest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"entries": {}})", R"({"entries": [1]})", R"({"entries": [{}]})",
        R"({"entries": [{"url": 1}]})", R"({"entries": [{"url": "s3://b/k", "mandatory": "yes"}]})",
        R"({"entries": [{"url": "s3://b/k", "meta": {"content_length": -1}}]})"}) {
    const auto entries = ReadManifest(text, "s3://b/m");
    ASSERT_FALSE(entries) << text;
    EXPECT_EQ(entries.error().kind, ErrorKind::kDataException);
    EXPECT_TRUE(entries.error().message.starts_with("s3://b/m is not a manifest: ")) << text;
  }
}

TEST(Manifest, KeepsNothingButItsEntries) {
  constexpr size_t kMany = 200'000;
  const auto repeated = [](std::string_view what, size_t times) {
    std::string text;
    for (size_t i = 0; i < times; i++) text += what;
    return text;
  };
  const std::string deep = repeated("[", kMany) + repeated("]", kMany);
  const std::string wide = "[" + repeated("1,", kMany) + "1]";
  const std::string entry = R"({"url": "s3://b/k", "author": )" + deep + R"(, "meta": {"x": )" +
                            wide + R"(, "content_length": 7}})";
  const auto entries =
      ReadManifest(R"({"noise": )" + wide + R"(, "more": )" + deep + R"(, "entries": [)" + entry +
                       "," + entry + R"(], "end": {"entries": [1]}})",
                   "s3://b/m");
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[1].content_length, 7U);
  EXPECT_FALSE(ReadManifest(deep, "s3://b/m"));
  EXPECT_FALSE(ReadManifest(R"({"entries": )" + deep + "}", "s3://b/m"));
  EXPECT_FALSE(ReadManifest(R"({"entries": )" + wide + "}", "s3://b/m"));
}

}  // namespace
}  // namespace skep::lake
