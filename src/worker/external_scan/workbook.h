// Workbooks of Office Open XML (.xlsx): their sheets, and the rows of one, read from front to back.
// Hostile input: what is kept is bounded. Source: ECMA-376 part 1, sections 18.2 to 18.4 and 18.8.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/external_scan/zip_package.h"

namespace skep::external_scan {

struct Cell {
  // Numbers are what their format says they are.
  enum class Kind : uint8_t { kText, kInteger, kNumber, kBoolean, kDate, kTimestamp, kTime };

  uint32_t column = 0;  // from 0
  Kind kind = Kind::kText;
  // As the engine reads values of that kind: "2026-01-31", "1.5", "true". Of a time a length of
  // time, "27:00:00".
  std::string text;
  // Of the workbook's own list of texts, in place of `text`; it lives as long as the workbook.
  std::optional<std::string_view> shared;

  std::string_view Value() const { return shared ? *shared : std::string_view(text); }
};

// Without empty cells.
struct SheetRow {
  uint64_t number = 0;  // from 1
  std::vector<Cell> cells;
};

// What the format of a number says that the number is.
enum class NumberKind : uint8_t { kNumber, kDate, kTimestamp, kTime };
// Of a format's code ("yyyy-mm-dd", "[h]:mm", "0.00").
NumberKind KindOfFormat(std::string_view code);
// A number of days as text; `epoch_1904`: counted from 1904, not from 1900 (which counts a
// 29 February 1900). Nothing for what lies outside of the years 1900 to 9999.
std::optional<Cell> DateOfSerial(double days, NumberKind kind, bool epoch_1904);

class Workbook {
 public:
  // `sheet` is a name, a number from 1, or empty: the first one that is not hidden. Throws
  // InvalidInputException (no workbook, no such sheet), and what reading throws.
  Workbook(duckdb::FileHandle& file, std::string_view sheet);
  ~Workbook();

  // The sheet's name.
  const std::string& sheet() const;
  // The last row, if the sheet says so.
  std::optional<uint64_t> last_row() const;
  // False at the sheet's end. Rows without cells are left out.
  bool Next(SheetRow& row);

 private:
  class Parts;
  class SheetReader;

  ZipPackage package_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<SheetReader> reader_;
};

}  // namespace skep::external_scan
