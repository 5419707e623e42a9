#include "app/result_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace skep::app {
namespace {

// Runs a writer over two columns (number, text) and answers what it wrote.
std::string Written(ResultFormat format, const std::vector<ResultRow>& rows,
                    const std::string& tag = "SELECT") {
  char* buffer = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&buffer, &size);
  auto writer = MakeResultWriter(format, out);
  writer->Begin({{"id", 23}, {"name", 1043}});
  for (const ResultRow& row : rows) writer->Row(row);
  writer->End(tag);
  std::fclose(out);
  std::string text(buffer, size);
  std::free(buffer);
  return text;
}

TEST(ResultWriter, AlignsATableByCharactersNotBytes) {
  EXPECT_EQ(Written(ResultFormat::kTable, {{"1", "Zürich"}, {"100", "Rome"}}),
            " id  |  name  \n-----+--------\n   1 | Zürich\n 100 | Rome\n(2 rows)\n");
}

TEST(ResultWriter, StreamsATableBeyondTheRowsThatSetItsWidths) {
  std::vector<ResultRow> rows(1000, ResultRow{"1", "a"});
  rows.push_back({"12345", "wide"});
  const std::string text = Written(ResultFormat::kTable, rows);
  EXPECT_TRUE(text.ends_with(" 12345 | wide\n(1001 rows)\n")) << text.substr(text.size() - 60);
}

TEST(ResultWriter, QuotesCsvAndTellsNullFromEmpty) {
  EXPECT_EQ(
      Written(ResultFormat::kCsv, {{"1", "a,\"b\"\n"}, {std::nullopt, ""}, {"3", std::nullopt}}),
      "id,name\n1,\"a,\"\"b\"\"\n\"\n,\"\"\n3,\n");
}

TEST(ResultWriter, WritesJsonNumbersTextsAndNulls) {
  EXPECT_EQ(
      Written(ResultFormat::kJson, {{"1", "tab\t\"q\""}, {"NaN", std::nullopt}}),
      "[\n{\"id\": 1, \"name\": \"tab\\t\\\"q\\\"\"},\n{\"id\": \"NaN\", \"name\": null}\n]\n");
  EXPECT_EQ(Written(ResultFormat::kJson, {}), "[]\n");
}

}  // namespace
}  // namespace skep::app
