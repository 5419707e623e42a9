#include "worker/external_scan/json_records.h"

#include <gtest/gtest.h>

namespace skep::external_scan {
namespace {

std::string Cut(std::string_view path, std::string_view text, size_t piece) {
  auto records = JsonRecords::Along(path);
  if (!records) return "no path";
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece) {
    if (!records->Append(text.substr(at, piece), false, out)) return "broken";
  }
  return records->Append({}, true, out) ? out : "broken";
}

TEST(JsonRecords, AreWhatThePathLeadsTo) {
  struct {
    const char *path, *text, *records;
  } const kCases[] = {
      {"$.Records[*]", R"({"a":[{"x":0}],"Records":[{"id":1},{"id":2}],"z":{"Records":[{"y":1}]}})",
       "{\"id\":1}\n{\"id\":2}\n"},
      {"$.Records", R"({"Records":[{"id":1}, {"id":2} ]})", "{\"id\":1}\n{\"id\":2}\n"},
      {"$['Re cords'][*]", R"( {"Re cords" : [ {"id" : 1} ] } )", "{\"id\" : 1}\n"},
      {"$.a.b[*]", R"({"a":{"b":[{"c":[1,{"b":[5]}]}],"x":1},"b":[{"d":1}]})",
       "{\"c\":[1,{\"b\":[5]}]}\n"},
      {"$[*].items[*]", R"([{"items":[{"n":1},{"n":2}]},{"other":[{"n":9}]},{"items":[{"n":3}]}])",
       "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"},
      {"$.list[1][*]", R"({"list":[[{"n":1}],[{"n":2}],[{"n":3}]]})", "{\"n\":2}\n"},
      // Document after document, and lines within a record.
      {"$.r[*]", "{\"r\":[{\"n\":\n1}]}\n{\"r\":[{\"n\":2}]}", "{\"n\": 1}\n{\"n\":2}\n"},
      // Brackets, quotes and names within texts are none.
      {"$.r[*]", R"({"x":"\"r\":[{]}","r":[{"t":"}],\\\"{"},{"u":"\\"}]})",
       "{\"t\":\"}],\\\\\\\"{\"}\n{\"u\":\"\\\\\"}\n"},
      {"$.größe[*]", R"({"gr\u00f6\u00dfe":[{"n":1}]})", "{\"n\":1}\n"},
      {"$.r[*]", R"({"r":{"n":1}})", ""},
      {"$.r[*]", R"({"r":[]})", ""},
      {"$.r[*]", R"({"r":[1, "two" ,null,[3]]})", "1\n\"two\"\nnull\n[3]\n"},
      {"$.r[*]", R"({"r":["",{"":""}]})", "\"\"\n{\"\":\"\"}\n"},
      {"$.r[*]", R"({"r":[{"n":1}]}])", "broken"},
      {"$.r[*]", R"({"r":[{"n":1}})", "broken"},
      {"$.r[*]", R"({"r":[{"n":1}])", "broken"},
      {"$.r[*]", R"({"r":[{"n":"1}]})", "broken"},
      {"$.r[*]", R"({r:[{"n":1}]})", "broken"},
      {"r[*]", "{}", "no path"},
      {"$..r", "{}", "no path"},
      {"$.r[", "{}", "no path"},
      {"$.r[-1]", "{}", "no path"}};
  for (const auto& one : kCases) {
    for (const size_t piece : {1u, 2u, 7u, 1000u})
      EXPECT_EQ(Cut(one.path, one.text, piece), one.records) << one.path << " " << one.text;
  }
}

TEST(JsonRecords, DoNotNestWithoutEnd) {
  EXPECT_EQ(Cut("$.r[*]", std::string(100'000, '['), 4096), "broken");
  EXPECT_EQ(Cut("$.r[*]", "{\"" + std::string(1'000'000, 'k'), 4096), "broken");
}

}  // namespace
}  // namespace skep::external_scan
