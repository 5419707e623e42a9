// What the name of an object says of its content. The crawler groups objects by it, the worker
// reads them by it.
#pragma once

#include <string>
#include <string_view>

namespace skep::ipc {

struct FileKind {
  std::string format;  // "parquet", "orc", "avro", "csv", "json", "xlsx", "xml"; empty = the name does not say
  std::string compression;  // "gzip", "zstd", "bzip2", "snappy", "lzop"; empty = none
  bool operator==(const FileKind&) const = default;
};

// "s3://lake/events.json.gz" is JSON in gzip. Letters of either case.
FileKind KindOfName(std::string_view path);

}  // namespace skep::ipc
