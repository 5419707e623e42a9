#include "catalog/crawler/classifier.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

TEST(ExpandGrok, MakesGroupsOfFieldsInOrder) {
  const auto done = ExpandGrok("%{TICKET:id:int} %{WORD:who} took %{NUMBER:ms:double}ms%{SPACE}",
                               "TICKET T-%{INT}\nUNUSED x\n");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->regex.starts_with("(T-(?:(?:[+-]?(?:[0-9]+)))) (\\b\\w+\\b) took ("));
  EXPECT_TRUE(done->regex.ends_with(")ms(?:\\s*)"));
  ASSERT_EQ(done->fields.size(), 3u);
  EXPECT_EQ(done->fields[0].name + ":" + done->fields[0].type, "id:int");
  EXPECT_EQ(done->fields[2].type, "double");
}

TEST(ExpandGrok, RefusesWhatItCannotExpand) {
  for (const auto& [pattern, custom] : std::vector<std::pair<std::string, std::string>>{
           {"%{NOSUCH:a}", ""},
           {"%{WORD:a:date}", ""},
           {"%{WORD", ""},
           {"%{WORD}", ""},
           {"%{A:a}", "A %{B}\nB %{A}"},
           {"%{A:a}",
            "A %{B}%{B}%{B}%{B}%{B}%{B}%{B}%{B}\nB %{C}%{C}%{C}%{C}%{C}%{C}%{C}%{C}\n"
            "C %{D}%{D}%{D}%{D}%{D}%{D}%{D}%{D}\nD %{URI}%{URI}%{URI}%{URI}%{URI}"}}) {
    const auto done = ExpandGrok(pattern, custom);
    ASSERT_FALSE(done) << pattern;
    EXPECT_EQ(done.error().kind, ErrorKind::kInvalidArgument);
  }
}

TEST(ReadClassifier, SaysWhatIsAskedAndWhyOneCannotBeUsed) {
  const Classifier xml =
      ReadClassifier("x", Json{{"XMLClassifier", {{"Classification", "c"}, {"RowTag", "r"}}}});
  EXPECT_TRUE(xml.problem.empty());
  EXPECT_EQ(xml.options,
            (decltype(xml.options){{"classifier", "xml"}, {"format", "c"}, {"row_tag", "r"}}));
  const auto grok = ReadClassifier("g", Json{{"GrokClassifier", {{"GrokPattern", "%{NOSUCH:a}"}}}});
  EXPECT_TRUE(grok.options.empty());
  EXPECT_NE(grok.problem.find("NOSUCH"), std::string::npos);
  const auto csv =
      ReadClassifier("c", Json{{"CsvClassifier", {{"Delimiter", "|"}, {"Header", {"a", "b"}}}}});
  EXPECT_TRUE(csv.problem.empty());
  EXPECT_EQ(csv.options.back().second,
            "a\x1f"
            "b");
}

}  // namespace
}  // namespace skep::catalog
