// Golden pairs: what a statement of Redshift becomes in the engine's SQL, and below
// golden/postgres/ in PostgreSQL's. They are the readable documentation of the emitters;
// SKEP_REWRITE=1 writes them anew, the diff is reviewed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "sql/emit.h"
#include "sql/emit/postgres.h"
#include "sql/emit/test_catalog.h"

namespace skep::sql {
namespace {

namespace fs = std::filesystem;

using Emit = decltype(&EmitDuckDb);

std::string Emitted1(Emit emit, const std::string& text, const EmitContext& context) {
  const auto statements = ParseScript(text);
  if (!statements) return "error: " + statements.error().message;
  const auto emitted = emit(statements->front(), text, context);
  if (!emitted) {
    return "error " + std::string(CodesOf(emitted.error().kind).sqlstate) + " at " +
           std::to_string(emitted.error().position) + ": " + emitted.error().message;
  }
  return emitted->text;
}

class Golden : public testing::TestWithParam<fs::path> {};

// Blocks parted by blank lines: the statement, a line "->", what is emitted.
TEST_P(Golden, IsWhatTheFileSays) {
  std::ifstream in(GetParam());
  std::stringstream all;
  all << in.rdbuf();
  TestCatalog catalog;
  EmitContext context = TestContext(catalog);
  const Emit emit = GetParam().parent_path().filename() == "postgres" ? &EmitPostgres : &EmitDuckDb;
  std::string rewritten, block, line;
  std::istringstream lines(all.str() + "\n\n");
  while (std::getline(lines, line)) {
    if (!line.empty()) {
      block += line + "\n";
      continue;
    }
    if (block.empty()) continue;
    const size_t arrow = block.find("->\n");
    if (block.starts_with("#") || arrow == std::string::npos) {
      rewritten += block + "\n";
      block.clear();
      continue;
    }
    const std::string statement = block.substr(0, arrow);
    const std::string wanted = block.substr(arrow + 3);
    const std::string got = Emitted1(emit, statement, context) + "\n";
    if (!std::getenv("SKEP_REWRITE")) EXPECT_EQ(got, wanted) << statement;
    rewritten += statement + "->\n" + got + "\n";
    block.clear();
  }
  if (std::getenv("SKEP_REWRITE")) std::ofstream(GetParam()) << rewritten;
}

std::vector<fs::path> Files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(SKEP_GOLDEN_FOLDER)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(Files()), [](const auto& file) {
  const bool inner = file.param.parent_path() != fs::path(SKEP_GOLDEN_FOLDER);
  return (inner ? file.param.parent_path().filename().string() + "_" : std::string()) +
         file.param.stem().string();
});

}  // namespace
}  // namespace skep::sql
