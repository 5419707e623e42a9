// The attributes of a shapefile: its .dbf, a dBASE table. The bytes are hostile. Source: dBASE III
// Plus and IV, "Structure of a table file"; Esri's technical description of shapefiles.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/copy/code_pages.h"

namespace skep::worker::copy {

struct DbaseField {
  std::string name;
  char type = 'C';
  size_t offset = 0, width = 0;  // within a row, bytes
};

struct DbaseLayout {
  static constexpr size_t kPrefixBytes = 32;  // of the header: where its sizes stand

  std::vector<DbaseField> fields;
  size_t row_bytes = 0;
  uint32_t rows = 0;
  std::optional<CodePage> page;  // that the header names

  // How long the header is that begins with these kPrefixBytes. Error: why it is none.
  static std::expected<size_t, std::string> HeaderBytes(std::string_view prefix);
  // Error: why it is no header.
  static std::expected<DbaseLayout, std::string> Read(std::string_view header);

  static bool IsDeleted(std::string_view row) { return row.starts_with('*'); }
};

// A value as COPY reads text: blanks around numbers and behind text are left out, a date is
// "2026-01-31", a logical is "t" or "f". Nothing: the value is not there (an empty number, date or
// logical; dBASE knows no other NULL). `row` has the layout's row_bytes.
std::optional<std::string> DbaseText(const DbaseField& field, std::string_view row, CodePage page);

}  // namespace skep::worker::copy
