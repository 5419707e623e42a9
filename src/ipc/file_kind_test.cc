#include "ipc/file_kind.h"

#include <gtest/gtest.h>

namespace skep::ipc {
namespace {

TEST(FileKind, ReadsFormatAndCompressionFromTheName) {
  const std::pair<const char*, FileKind> cases[] = {
      {"s3://b/t/a.parquet", {"parquet", ""}},
      {"a.PARQ", {"parquet", ""}},
      {"x/a.csv", {"csv", ""}},
      {"a.tsv.gz", {"csv", "gzip"}},
      {"a.psv.gzip", {"csv", "gzip"}},
      {"a.json.zst", {"json", "zstd"}},
      {"a.JSONL.ZSTD", {"json", "zstd"}},
      {"a.ndjson.bz2", {"json", "bzip2"}},
      {"a.csv.lzo", {"csv", "lzop"}},
      {"a.json.snappy", {"json", "snappy"}},
      {"a.ORC", {"orc", ""}},
      {"x/a.avro", {"avro", ""}},
      {"a.gz", {"", "gzip"}},
      {"folder.csv/part-0", {"", ""}},
      {"", {"", ""}},
      {".gz", {"", "gzip"}},
      {"a.csv.gz.gz", {"", "gzip"}},
      {"csv", {"", ""}},
  };
  for (const auto& [path, kind] : cases) EXPECT_EQ(KindOfName(path), kind) << path;
}

}  // namespace
}  // namespace skep::ipc
