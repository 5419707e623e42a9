#include "worker/external_scan/sheet_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace skep::external_scan {
namespace {

using Kind = Cell::Kind;

constexpr size_t kMostTitles = 20;  // rows before the header
constexpr size_t kLookedAt = 100;   // rows that tell how wide the table is

bool IsAllText(const SheetRow& row) {
  return std::ranges::all_of(row.cells, [](const Cell& cell) { return cell.kind == Kind::kText; });
}

const Cell* At(const SheetRow& row, uint32_t column) {
  const auto found = std::ranges::find(row.cells, column, &Cell::column);
  return found == row.cells.end() ? nullptr : &*found;
}

bool IsDistinct(const SheetRow& row) {
  std::set<std::string> seen;
  return std::ranges::all_of(
      row.cells, [&](const Cell& cell) { return seen.insert(Lower(cell.Value())).second; });
}

// Trimmed, on one line.
std::string NameOf(std::string_view text) {
  std::string name(text);
  std::ranges::replace_if(name, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

std::string TypeOf(const std::set<Kind>& kinds) {
  const auto only = [&](std::initializer_list<Kind> allowed) {
    return std::ranges::all_of(kinds,
                               [&](Kind kind) { return std::ranges::count(allowed, kind) > 0; });
  };
  if (kinds.empty()) return "string";
  if (only({Kind::kInteger})) return "bigint";
  if (only({Kind::kInteger, Kind::kNumber})) return "double";
  if (only({Kind::kBoolean})) return "boolean";
  if (only({Kind::kDate})) return "date";
  if (only({Kind::kDate, Kind::kTimestamp})) return "timestamp";
  return "string";
}

class Shaping {
 public:
  explicit Shaping(const std::vector<SheetRow>& sample) : sample_(sample) {}

  SheetShape Run() {
    SheetShape shape;
    const size_t first = FirstWideRow();
    size_t data = first;
    if (first + 1 < sample_.size() && IsAllText(sample_[first]) && IsDistinct(sample_[first])) {
      shape.header = true;
      for (const Cell& cell : sample_[first].cells) names_[cell.column] = NameOf(cell.Value());
      data = first + 1;
      if (first + 2 < sample_.size() && Completes(sample_[first], sample_[data])) data++;
    }
    shape.skip = data == first && first == 0 ? 0 : sample_[data].number - 1;
    std::map<uint32_t, std::set<Kind>> kinds;
    for (size_t i = data; i < sample_.size(); i++) {
      for (const Cell& cell : sample_[i].cells) kinds[cell.column].insert(cell.kind);
    }
    uint32_t width = names_.empty() ? 0 : names_.rbegin()->first + 1;
    if (!kinds.empty()) width = std::max(width, kinds.rbegin()->first + 1);
    for (uint32_t column = 0; column < width; column++) {
      std::string name = names_[column];
      if (name.empty()) name = fmt::format("col{}", column);
      shape.columns.push_back({std::move(name), TypeOf(kinds[column])});
    }
    return shape;
  }

 private:
  // Behind titles, which have few cells.
  size_t FirstWideRow() const {
    size_t widest = 0;
    for (size_t i = 0; i < std::min(sample_.size(), kLookedAt); i++)
      widest = std::max(widest, sample_[i].cells.size());
    for (size_t i = 0; i < std::min(sample_.size(), kMostTitles); i++) {
      if (sample_[i].cells.size() * 2 >= widest) return i;
    }
    return 0;
  }

  // Whether `lower` is the second row of a header with merged cells; then names are made of both.
  bool Completes(const SheetRow& upper, const SheetRow& lower) {
    if (lower.number != upper.number + 1 || !IsAllText(lower)) return false;
    bool gaps = false, typed = false;
    for (const Cell& cell : lower.cells) {
      gaps |= At(upper, cell.column) == nullptr;
      for (size_t i = 0; i < sample_.size() && !typed; i++) {
        const Cell* below =
            sample_[i].number > lower.number ? At(sample_[i], cell.column) : nullptr;
        typed = below && below->kind != Kind::kText;
      }
    }
    if (!gaps || !typed) return false;
    std::string over;
    const uint32_t width = std::max(upper.cells.back().column, lower.cells.back().column) + 1;
    for (uint32_t column = 0; column < width; column++) {
      if (const Cell* cell = At(upper, column)) over = NameOf(cell->Value());
      if (const Cell* cell = At(lower, column))
        names_[column] = over.empty() ? NameOf(cell->Value()) : over + "_" + NameOf(cell->Value());
    }
    return true;
  }

  const std::vector<SheetRow>& sample_;
  std::map<uint32_t, std::string> names_;
};

}  // namespace

SheetShape ShapeOf(const std::vector<SheetRow>& sample) {
  return sample.empty() ? SheetShape{} : Shaping(sample).Run();
}

}  // namespace skep::external_scan
