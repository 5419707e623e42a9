// How `skep sql` prints rows: as a table, as CSV or as JSON, one row at a time so that large
// results stream.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::app {

struct ResultColumn {
  std::string name;
  uint32_t type = 0;  // PostgreSQL type OID
};
using ResultRow = std::vector<std::optional<std::string_view>>;  // nullopt = NULL

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual void Begin(std::vector<ResultColumn> columns) = 0;
  virtual void Row(const ResultRow& row) = 0;
  // The statement ended well; `tag` is its command tag. Called for statements without rows, too
  // (then without Begin).
  virtual void End(const std::string& tag) = 0;
};

enum class ResultFormat { kTable, kCsv, kJson };
std::unique_ptr<ResultWriter> MakeResultWriter(ResultFormat format, std::FILE* out);

}  // namespace skep::app
