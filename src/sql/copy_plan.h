// What a COPY does, worked out from its text: the front writes it, the worker's loader reads it.
// Source: the developer guide's "COPY" and its parameters; sql.md section 7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/types.h"

namespace skep::sql {

// Keys in place of roles. They are kept beside the plan, never in its text, which the engine may
// show in its messages.
struct CopyKeys {
  std::string id, secret, session_token;
};

struct CopyColumn {
  std::string name;
  Type type;
  bool not_null = false;
};

enum class CopyFormat : uint8_t {
  kDelimited,
  kCsv,
  kFixedWidth,
  kJson,
  kParquet,
  kOrc,
  kAvro,
  kShapefile
};

// Values of their own types instead of text.
constexpr bool IsTyped(CopyFormat format) {
  return format == CopyFormat::kParquet || format == CopyFormat::kOrc ||
         format == CopyFormat::kAvro;
}

// Which geometries of a shapefile become simpler: none, all, or those that are too large.
enum class CopySimplify : uint8_t { kNone, kAll, kAuto };

struct CopyPlan {
  std::string table;  // as messages name it
  // Where the engine has it; no schema: a temporary table.
  std::string database, schema, relation;
  std::vector<CopyColumn> columns;  // that are loaded, in the order of the fields

  std::string path;  // s3://bucket/key
  bool manifest = false;
  // Of an auto-copy job: its number, and which of the objects below `path` this load takes.
  int64_t job = 0;
  std::vector<std::string> files;
  // First assumed first; none: the statement's keys are used.
  std::vector<std::string> roles;

  CopyFormat format = CopyFormat::kDelimited;
  std::string delimiter = "|";
  char quote = '"';              // CSV
  std::vector<uint32_t> widths;  // FIXEDWIDTH, in characters
  std::string json = "auto";  // "auto", "auto ignorecase", "noshred", or s3:// of jsonpaths; AVRO
  std::string compression;    // "gzip", "zstd", "bzip2", "lzop"; empty: none
  // "utf16", "utf16le", "utf16be", "iso88591"; empty: what a shapefile says itself
  std::string encoding = "utf8";
  CopySimplify simplify = CopySimplify::kNone;
  std::optional<double> tolerance;  // of kAll; of kAuto at most
  bool read_srid = true;            // from a shapefile's .prj

  std::string null_text = "\\N";                  // NULL AS
  std::string date_format, time_format = "auto";  // empty: "auto"
  std::optional<std::string> replacement;         // ACCEPTINVCHARS
  bool accept_any_date = false, blanks_as_null = false, empty_as_null = false, escape = false,
       fill_record = false, ignore_blank_lines = false, remove_quotes = false,
       round_decimals = false, trim_blanks = false, truncate_columns = false;
  uint64_t skip_lines = 0;  // IGNOREHEADER
  uint64_t max_errors = 1;  // so many fail the load
  bool ignore_all_errors = false;
  bool no_load = false;

  std::string Text() const;
  // Of what Text wrote.
  static CopyPlan Read(std::string_view text);
};

}  // namespace skep::sql
