// How long a query takes from its text to the engine's SQL: parsed, resolved, emitted. Prints the
// median, the 95th percentile and the longest over the queries of a script, each the median of its
// runs.
//
// Usage: query_front TABLES.sql QUERIES.sql
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sql/emit.h"
#include "sql/script_catalog.h"

namespace {

using namespace skep::sql;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

constexpr int kRuns = 51;

std::string FileText(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

double At(std::vector<double>& sorted, double part) {
  return sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1))];
}

int Main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: query_front TABLES.sql QUERIES.sql\n");
    return 2;
  }
  ScriptCatalog catalog;
  const std::string tables = FileText(argv[1]), script = FileText(argv[2]);
  if (const auto declared = catalog.Declare(tables, "public"); !declared) {
    fmt::print(stderr, "{}: {}\n", argv[1], declared.error().message);
    return 1;
  }
  EmitContext context;
  context.database = "dev";
  context.search_path = {"public"};
  context.catalog = &catalog;
  const auto statements = ParseScript(script);
  if (!statements) {
    fmt::print(stderr, "{}: {}\n", argv[2], statements.error().message);
    return 1;
  }
  std::vector<double> parse, whole;
  for (const Statement& statement : *statements) {
    const std::string text(statement.text);
    std::vector<double> parse_runs, whole_runs;
    for (int run = 0; run < kRuns; run++) {
      const auto begin = Clock::now();
      const auto parsed = ParseScript(text);
      const auto middle = Clock::now();
      const auto emitted = EmitDuckDb(parsed->front(), text, context);
      const auto end = Clock::now();
      if (!emitted) {
        fmt::print(stderr, "{}\n{}\n", emitted.error().message, text);
        return 1;
      }
      parse_runs.push_back(Micros(middle - begin).count());
      whole_runs.push_back(Micros(end - begin).count());
    }
    std::ranges::sort(parse_runs);
    std::ranges::sort(whole_runs);
    parse.push_back(At(parse_runs, 0.5));
    whole.push_back(At(whole_runs, 0.5));
  }
  std::ranges::sort(parse);
  std::ranges::sort(whole);
  fmt::print(
      "{} queries, microseconds: parse p50 {:.0f}, p95 {:.0f}; whole front p50 {:.0f}, "
      "p95 {:.0f}, longest {:.0f}\n",
      whole.size(), At(parse, 0.5), At(parse, 0.95), At(whole, 0.5), At(whole, 0.95), whole.back());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }
