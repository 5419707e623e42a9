#include "ipc/file_kind.h"

#include <utility>

#include "base/text.h"

namespace skep::ipc {
namespace {

using Ending = std::pair<std::string_view, std::string_view>;

constexpr Ending kCompressions[] = {{".gz", "gzip"},   {".gzip", "gzip"}, {".zst", "zstd"},
                                    {".zstd", "zstd"}, {".bz2", "bzip2"}, {".snappy", "snappy"},
                                    {".lzo", "lzop"},  {".lz4", "lz4"},   {".zip", "zip"}};
constexpr Ending kFormats[] = {{".parquet", "parquet"}, {".parq", "parquet"}, {".csv", "csv"},
                               {".tsv", "csv"},         {".psv", "csv"},      {".json", "json"},
                               {".orc", "orc"},         {".avro", "avro"},    {".jsonl", "json"},
                               {".ndjson", "json"},     {".xlsx", "xlsx"},    {".xlsm", "xlsx"},
                               {".xml", "xml"}};

}  // namespace

FileKind KindOfName(std::string_view path) {
  std::string name = Lower(path.substr(path.rfind('/') + 1));
  FileKind kind;
  for (const auto& [ending, compression] : kCompressions) {
    if (!name.ends_with(ending)) continue;
    kind.compression = compression;
    name.resize(name.size() - ending.size());
    break;
  }
  for (const auto& [ending, format] : kFormats) {
    if (name.ends_with(ending)) kind.format = format;
  }
  return kind;
}

}  // namespace skep::ipc
