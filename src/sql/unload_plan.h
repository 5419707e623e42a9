// What an UNLOAD or a write to an external table does, worked out from its text: the front writes
// it, the worker's writer reads it (src/worker/unload). Source: the developer guide's "UNLOAD".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/types.h"

namespace skep::sql {

struct UnloadColumn {
  std::string name;
  Type type;
};

enum class UnloadFormat : uint8_t { kDelimited, kCsv, kFixedWidth, kJson, kParquet };

struct UnloadPlan {
  std::string path;                // s3://bucket/prefix
  std::vector<std::string> roles;  // first assumed first
  // Instead of both: an external table, in whose location the files get names of their own.
  std::string schema, table;
  // The table is new: JSON of its creation (emit/external.cc); `path` is its location then.
  std::string creation;
  // Of a new table of Iceberg: JSON of its fields, partition and properties.
  std::string iceberg;
  bool if_not_exists = false;  // of the new table: when it exists, nothing is written

  std::vector<UnloadColumn> columns;  // of the query, in order
  std::vector<uint32_t> partition;    // indexes of the columns that name folders
  bool include = false;               // they stay in the files

  UnloadFormat format = UnloadFormat::kDelimited;
  std::string delimiter = "|";
  std::vector<uint32_t> widths;  // FIXEDWIDTH, in characters
  std::string null_text;         // NULL AS
  bool add_quotes = false, escape = false, header = false;
  std::string compression;  // "gzip", "zstd"; empty: none
  std::string extension;    // of the files' names, with its period

  bool parallel = true;
  uint64_t max_file_bytes = uint64_t{6348} << 20;  // 6.2 GB
  uint64_t row_group_bytes = uint64_t{32} << 20;   // Parquet
  bool manifest = false, verbose = false;
  std::string existing = "fail";  // "keep", "clean" (lake/lake_write.h)
  bool kms = false;
  std::string kms_key_id;

  std::string Text() const;
  // Of what Text wrote.
  static UnloadPlan Read(std::string_view text);
};

}  // namespace skep::sql
