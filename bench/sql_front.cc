// How fast the SQL front reads, compares and prints scripts. Run it from build/release/bin.
#include <benchmark/benchmark.h>

#include <string>

#include "sql/ast/visit.h"
#include "sql/parse/script.h"
#include "sql/print/print.h"

namespace {

using namespace skep::sql;

// A script of `bytes`, of the statements that a day's load is made of.
std::string MakeScript(size_t bytes) {
  std::string script;
  script.reserve(bytes + 2000);
  for (size_t i = 0; script.size() < bytes; i++) {
    const std::string n = std::to_string(i);
    switch (i % 8) {
      case 0:
      case 1:
      case 2:
        script +=
            "SELECT o.id, o.total * 1.19 AS gross, date_trunc('day', o.placed_at) AS day, CASE "
            "WHEN "
            "o.state = 'done' THEN 1 ELSE 0 END AS done FROM shop.orders o JOIN shop.buyers b ON "
            "b.id = o.buyer_id LEFT JOIN shop.regions r USING (region_id) WHERE o.placed_at >= "
            "'2024-01-01' AND o.total BETWEEN 10 AND " +
            n + " AND b.country IN ('DE', 'FR', 'AT') GROUP BY 1, 2, 3, 4 HAVING count(*) > 1 " +
            "ORDER BY 3 DESC LIMIT 100;\n";
        break;
      case 3:
      case 4:
        script += "INSERT INTO shop.items (id, name, price, made_at) VALUES ";
        for (int k = 0; k < 10; k++) {
          script += k > 0 ? ", (" : "(";
          script += n + ", 'item " + n + "', 12.50, '2024-02-03 10:00:00')";
        }
        script += ";\n";
        break;
      case 5:
        script +=
            "UPDATE shop.items SET price = price + 1, name = upper(name) WHERE id = " + n + ";\n";
        break;
      case 6:
        script += "CREATE TABLE IF NOT EXISTS shop.copy_" + n +
                  " (id bigint IDENTITY(1,1) NOT NULL ENCODE az64, name varchar(200) ENCODE zstd, "
                  "price decimal(12,2) DEFAULT 0, PRIMARY KEY (id)) DISTSTYLE KEY DISTKEY (id) "
                  "COMPOUND SORTKEY (id, name);\n";
        break;
      default:
        script += "COPY shop.items FROM 's3://bucket/" + n +
                  "/' IAM_ROLE 'arn:aws:iam::123456789012:role/load' FORMAT AS CSV DELIMITER ',' "
                  "IGNOREHEADER 1 GZIP DATEFORMAT 'auto' MAXERROR 10;\n";
    }
  }
  return script;
}

void Parse(benchmark::State& state) {
  const std::string script = MakeScript(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    const ParsedScript parsed = ParseWholeScript(script);
    benchmark::DoNotOptimize(parsed.statements.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * script.size()));
}
BENCHMARK(Parse)->Arg(300)->Arg(20 << 20)->Unit(benchmark::kMillisecond);

void PrintScript(benchmark::State& state) {
  const std::string script = MakeScript(static_cast<size_t>(state.range(0)));
  const ParsedScript parsed = ParseWholeScript(script);
  for (auto _ : state) {
    for (const ParsedStatement& statement : parsed.statements)
      benchmark::DoNotOptimize(Print(*statement.tree));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * script.size()));
}
BENCHMARK(PrintScript)->Arg(4 << 20)->Unit(benchmark::kMillisecond);

void Compare(benchmark::State& state) {
  const std::string script = MakeScript(static_cast<size_t>(state.range(0)));
  const ParsedScript left = ParseWholeScript(script), right = ParseWholeScript(script);
  for (auto _ : state) {
    for (size_t i = 0; i < left.statements.size(); i++)
      benchmark::DoNotOptimize(ast::Equal(*left.statements[i].tree, *right.statements[i].tree));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * script.size()));
}
BENCHMARK(Compare)->Arg(4 << 20)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
