#include "worker/external_scan/workbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "base/text.h"
#include "worker/external_scan/xml_events.h"

namespace skep::external_scan {
namespace {

// What programs write is far below these; Excel's own limits are 1,048,576 rows of 16,384 columns.
constexpr size_t kMaxSmallPart = 16u << 20;    // of relations, sheets, formats
constexpr size_t kMaxSharedText = 128u << 20;  // and of its XML four times as much
constexpr size_t kMaxSharedTexts = 16u << 20;
constexpr size_t kMaxCellText = 1u << 20;
constexpr uint64_t kMaxSheetXml = 16ull << 30;
constexpr uint64_t kMaxRows = 1u << 20;
constexpr uint32_t kMaxColumns = 1u << 14;

[[noreturn]] void Refuse(const std::string& why) { throw duckdb::InvalidInputException(why); }

template <class Number>
std::optional<Number> Read(std::string_view text) {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// "BC12": the column from 0 and the row from 1. Nothing for another form.
std::optional<std::pair<uint32_t, uint64_t>> ReadReference(std::string_view text) {
  uint32_t column = 0;
  size_t letters = 0;
  while (letters < text.size() && letters < 3 && text[letters] >= 'A' && text[letters] <= 'Z')
    column = column * 26 + static_cast<uint32_t>(text[letters++] - 'A') + 1;
  const auto row = Read<uint64_t>(text.substr(letters));
  if (letters == 0 || !row || *row == 0) return std::nullopt;
  return std::pair(column - 1, *row);
}

// A document whose elements are looked at, and nothing else.
class Elements final : public XmlEvents {
 public:
  using Look = std::function<void(std::string_view name, const Attributes& attributes)>;
  explicit Elements(Look look) : look_(std::move(look)) {}

 private:
  void Begins(std::string_view name, const Attributes& attributes) override {
    look_(name, attributes);
  }
  void Ends(std::string_view) override {}
  void Text(std::string_view) override {}
  Look look_;
};

void LookAt(const std::string& part, Elements::Look look) {
  Elements elements(std::move(look));
  elements.Feed(part, true);
}

struct Relation {
  std::string id, type, target;
};

// "workbook.xml" of the folder "xl/" is "xl/workbook.xml".
std::string PathOf(std::string_view folder, std::string_view target) {
  if (target.starts_with('/')) return std::string(target.substr(1));
  while (target.starts_with("../") && !folder.empty()) {
    target.remove_prefix(3);
    folder.remove_suffix(1);
    folder = folder.substr(0, folder.rfind('/') + 1);
  }
  return std::string(folder) + std::string(target);
}

std::vector<Relation> RelationsOf(ZipPackage& package, const std::string& part) {
  const size_t name = part.rfind('/') + 1;
  const std::string folder = part.substr(0, name);
  std::vector<Relation> relations;
  if (!package.Open(folder + "_rels/" + part.substr(name) + ".rels")) return relations;
  LookAt(package.Whole(kMaxSmallPart), [&](std::string_view element, const auto& attributes) {
    if (element != "Relationship") return;
    const std::string_view type = attributes.Of("Type");
    relations.push_back({std::string(attributes.Of("Id")),
                         std::string(type.substr(type.rfind('/') + 1)),
                         PathOf(folder, attributes.Of("Target"))});
  });
  return relations;
}

std::string TargetOf(const std::vector<Relation>& relations, std::string_view type) {
  const auto found = std::ranges::find(relations, type, &Relation::type);
  return found == relations.end() ? std::string() : found->target;
}

// The workbook's list of texts. Readings of characters (rPh) are no part of them.
class SharedTexts final : public XmlEvents {
 public:
  std::string_view At(size_t index) const {
    if (index >= ends_.size()) Refuse("a cell names a text that there is not");
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(all_).substr(begin, ends_[index] - begin);
  }

 private:
  void Begins(std::string_view name, const Attributes&) override {
    if (name == "rPh") reading_ = true;
    if (name == "t") in_text_ = !reading_;
  }
  void Ends(std::string_view name) override {
    if (name == "rPh") reading_ = false;
    if (name == "t") in_text_ = false;
    if (name != "si") return;
    if (ends_.size() >= kMaxSharedTexts) Refuse("it has too many texts");
    ends_.push_back(all_.size());
  }
  void Text(std::string_view text) override {
    if (!in_text_) return;
    if (all_.size() + text.size() > kMaxSharedText) Refuse("its texts are too large");
    all_ += text;
  }

  std::string all_;
  std::vector<size_t> ends_;
  bool in_text_ = false, reading_ = false;
};

// Feeds a part of any length, at most `most` bytes of it.
void FeedPart(ZipPackage& package, XmlEvents& events, size_t most) {
  std::string piece;
  size_t fed = 0;
  for (package.More(piece); !piece.empty(); package.More(piece)) {
    fed += piece.size();
    if (fed > most) Refuse("a part is too large");
    events.Feed(piece, false);
  }
  events.Feed({}, true);
}

NumberKind KindOfBuiltIn(uint32_t id) {
  if (id >= 14 && id <= 17) return NumberKind::kDate;
  if (id >= 18 && id <= 21) return NumberKind::kTime;
  if (id == 22) return NumberKind::kTimestamp;
  if (id >= 45 && id <= 47) return NumberKind::kTime;
  // Of East Asian languages.
  if ((id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) || id == 57 || id == 58)
    return NumberKind::kDate;
  if ((id >= 32 && id <= 35) || id == 55 || id == 56) return NumberKind::kTime;
  return NumberKind::kNumber;
}

}  // namespace

NumberKind KindOfFormat(std::string_view code) {
  bool day = false, month = false, clock = false;
  for (size_t i = 0; i < code.size() && code[i] != ';'; i++) {
    const char c = static_cast<char>(code[i] | 0x20);
    if (code[i] == '"') {
      i = std::min(code.find('"', i + 1), code.size() - 1);
    } else if (code[i] == '\\' || code[i] == '_' || code[i] == '*') {
      i++;  // the next character stands for itself
    } else if (code[i] == '[') {
      const size_t end = std::min(code.find(']', i), code.size() - 1);
      const std::string inside = Lower(code.substr(i + 1, end - i - 1));
      clock |= !inside.empty() && inside.find_first_not_of(inside[0]) == std::string::npos &&
               (inside[0] == 'h' || inside[0] == 'm' || inside[0] == 's');
      i = end;
    } else if (Lower(code.substr(i, 7)) == "general") {
      i += 6;
    } else {
      day |= c == 'd' || c == 'y';
      month |= c == 'm';
      clock |= c == 'h' || c == 's';
    }
  }
  day |= month && !clock;
  if (day) return clock ? NumberKind::kTimestamp : NumberKind::kDate;
  return clock ? NumberKind::kTime : NumberKind::kNumber;
}

std::optional<Cell> DateOfSerial(double days, NumberKind kind, bool epoch_1904) {
  constexpr double kMostDays = 2958466;  // 10000-01-01, counted from 1900
  constexpr int64_t kDay = 86'400'000;
  if (!(days >= 0) || days >= kMostDays) return std::nullopt;
  const int64_t ms = std::llround(days * kDay);
  const int64_t of_day = ms % kDay;
  const auto clock = [](int64_t of) {
    std::string text =
        fmt::format("{:02}:{:02}:{:02}", of / 3'600'000, of / 60'000 % 60, of / 1000 % 60);
    if (of % 1000 != 0) text += fmt::format(".{:03}", of % 1000);
    return text;
  };
  Cell cell;
  if (kind == NumberKind::kTime || (days < 1 && !epoch_1904)) {
    cell.kind = Cell::Kind::kTime;
    cell.text = clock(ms);
    return cell;
  }
  using namespace std::chrono;
  const sys_days first = epoch_1904  ? sys_days(1904y / January / 1)
                         : days < 60 ? sys_days(1899y / December / 31)
                                     : sys_days(1899y / December / 30);
  const year_month_day date(first + std::chrono::days(ms / kDay));
  if (int{date.year()} > 9999) return std::nullopt;
  cell.kind = Cell::Kind::kDate;
  cell.text = fmt::format("{:04}-{:02}-{:02}", int{date.year()}, unsigned{date.month()},
                          unsigned{date.day()});
  if (kind == NumberKind::kTimestamp || of_day != 0) {
    cell.kind = Cell::Kind::kTimestamp;
    cell.text += " " + clock(of_day);
  }
  return cell;
}

// What stands beside the sheet.
class Workbook::Parts {
 public:
  Parts(ZipPackage& package, std::string_view sheet) {
    std::string book = TargetOf(RelationsOf(package, ""), "officeDocument");
    if (book.empty()) book = "xl/workbook.xml";
    if (!package.Open(book)) Refuse("it is no workbook");
    ReadBook(package.Whole(kMaxSmallPart));
    const auto relations = RelationsOf(package, book);
    Choose(relations, sheet);
    const std::string styles = TargetOf(relations, "styles");
    if (!styles.empty() && package.Open(styles)) ReadStyles(package.Whole(kMaxSmallPart));
    const std::string texts = TargetOf(relations, "sharedStrings");
    if (!texts.empty() && package.Open(texts)) FeedPart(package, texts_, 4 * kMaxSharedText);
  }

  const std::string& sheet() const { return name_; }
  const std::string& sheet_part() const { return part_; }
  std::string_view TextAt(size_t index) const { return texts_.At(index); }
  NumberKind KindOfStyle(std::string_view style) const {
    const auto index = Read<size_t>(style);
    return index && *index < kinds_.size() ? kinds_[*index] : NumberKind::kNumber;
  }
  bool epoch_1904() const { return epoch_1904_; }

 private:
  struct Sheet {
    std::string name, relation;
    bool hidden;
  };

  void ReadBook(const std::string& part) {
    LookAt(part, [&](std::string_view element, const XmlEvents::Attributes& attributes) {
      if (element == "workbookPr") {
        const std::string_view set = attributes.Of("date1904");
        epoch_1904_ = set == "1" || set == "true" || set == "on";
      } else if (element == "sheet") {
        const std::string_view state = attributes.Of("state");
        sheets_.push_back({std::string(attributes.Of("name")), std::string(attributes.Of("r:id")),
                           !state.empty() && state != "visible"});
      }
    });
  }

  void Choose(const std::vector<Relation>& relations, std::string_view wanted) {
    const auto number = Read<size_t>(wanted);
    const Sheet* chosen = nullptr;
    size_t place = 0;
    for (const Sheet& sheet : sheets_) {
      const auto relation = std::ranges::find(relations, sheet.relation, &Relation::id);
      if (relation == relations.end() || relation->type != "worksheet") continue;  // a chart
      place++;
      const bool takes = wanted.empty()    ? !chosen || (!sheet.hidden && chosen->hidden)
                         : number == place ? !chosen || chosen->name != wanted
                                           : sheet.name == wanted;
      if (!takes) continue;
      chosen = &sheet;
      part_ = relation->target;
    }
    if (!chosen)
      Refuse(wanted.empty() ? "it has no sheet"
                            : fmt::format("it has no sheet \"{}\"", wanted.substr(0, 100)));
    name_ = chosen->name;
  }

  void ReadStyles(const std::string& part) {
    std::map<uint32_t, NumberKind> formats;
    bool cells = false;
    LookAt(part, [&](std::string_view element, const XmlEvents::Attributes& attributes) {
      const auto id = Read<uint32_t>(attributes.Of("numFmtId"));
      if (element == "numFmt" && id) formats[*id] = KindOfFormat(attributes.Of("formatCode"));
      if (element == "cellStyleXfs" || element == "cellStyles" || element == "dxfs") cells = false;
      if (element == "cellXfs") cells = true;
      if (element != "xf" || !cells) return;
      const auto known = formats.find(id.value_or(0));
      kinds_.push_back(known != formats.end() ? known->second : KindOfBuiltIn(id.value_or(0)));
    });
  }

  std::vector<Sheet> sheets_;
  std::string name_, part_;
  std::vector<NumberKind> kinds_;  // by style of cells
  SharedTexts texts_;
  bool epoch_1904_ = false;
};

class Workbook::SheetReader final : public XmlEvents {
 public:
  SheetReader(ZipPackage& package, const Parts& parts) : package_(package), parts_(parts) {
    if (!package.Open(parts.sheet_part())) Refuse("its sheet is missing");
    while (!in_data_ && More()) {
    }
  }

  std::optional<uint64_t> last_row() const { return last_row_; }

  bool Next(SheetRow& row) {
    while (rows_.empty() && More()) {
    }
    if (rows_.empty()) return false;
    row = std::move(rows_.front());
    rows_.pop_front();
    return true;
  }

 private:
  bool More() {
    if (ended_) return false;
    package_.More(piece_);
    fed_ += piece_.size();
    if (fed_ > kMaxSheetXml) Refuse("its sheet is too large");
    ended_ = piece_.empty();
    Feed(piece_, ended_);
    return true;
  }

  void Begins(std::string_view name, const Attributes& attributes) override {
    if (name == "dimension") {
      const std::string_view range = attributes.Of("ref");
      if (const auto last = ReadReference(range.substr(range.rfind(':') + 1)))
        last_row_ = last->second;
    } else if (name == "sheetData") {
      in_data_ = true;
    } else if (name == "row") {
      const auto number = Read<uint64_t>(attributes.Of("r"));
      row_.number = number.value_or(row_.number + 1);
      if (row_.number > kMaxRows) Refuse("its sheet has too many rows");
      row_.cells.clear();
      next_column_ = 0;
    } else if (name == "c") {
      const auto place = ReadReference(attributes.Of("r"));
      column_ = place ? place->first : next_column_;
      if (column_ >= kMaxColumns) Refuse("its sheet has too many columns");
      next_column_ = column_ + 1;
      type_ = attributes.Of("t");
      style_ = attributes.Of("s");
      value_.clear();
    } else if (name == "rPh") {
      reading_ = true;
    } else if (name == "v" || name == "t") {
      in_value_ = !reading_;
    }
  }

  void Ends(std::string_view name) override {
    if (name == "v" || name == "t") in_value_ = false;
    if (name == "rPh") reading_ = false;
    if (name == "c") EndCell();
    if (name == "row" && !row_.cells.empty())
      rows_.push_back(std::exchange(row_, {row_.number, {}}));
  }

  void Text(std::string_view text) override {
    if (!in_value_) return;
    if (value_.size() + text.size() > kMaxCellText) Refuse("a cell has too long a text");
    value_ += text;
  }

  void EndCell() {
    if (value_.empty() || type_ == "e") return;  // an error is no value
    Cell cell;
    if (type_ == "s") {
      const auto index = Read<size_t>(value_);
      if (!index) Refuse("a cell names a text that there is not");
      cell.shared = parts_.TextAt(*index);
      if (cell.shared->empty()) return;
    } else if (type_ == "str" || type_ == "inlineStr") {
      cell.text = std::move(value_);
    } else if (type_ == "b") {
      cell.kind = Cell::Kind::kBoolean;
      cell.text = value_ == "1" || value_ == "true" ? "true" : "false";
    } else if (type_ == "d") {
      cell = DateText();
    } else {
      cell = Number();
    }
    cell.column = column_;
    row_.cells.push_back(std::move(cell));
    value_.clear();
  }

  Cell Number() {
    Cell cell;
    const auto number = Read<double>(value_);
    if (!number || !std::isfinite(*number)) {
      cell.text = value_;
      return cell;
    }
    if (const NumberKind kind = parts_.KindOfStyle(style_); kind != NumberKind::kNumber) {
      if (auto date = DateOfSerial(*number, kind, parts_.epoch_1904())) return *std::move(date);
    }
    constexpr double kExact = 9007199254740992;  // beyond it whole numbers have gaps
    const bool whole = *number == std::floor(*number) && std::fabs(*number) <= kExact;
    cell.kind = whole ? Cell::Kind::kInteger : Cell::Kind::kNumber;
    cell.text =
        whole ? fmt::format("{}", static_cast<int64_t>(*number)) : fmt::format("{}", *number);
    return cell;
  }

  // ISO 8601.
  Cell DateText() {
    Cell cell;
    cell.text = value_;
    if (cell.text.ends_with('Z')) cell.text.pop_back();
    std::ranges::replace(cell.text, 'T', ' ');
    const bool date = cell.text.find('-') != std::string::npos,
               clock = cell.text.find(':') != std::string::npos;
    cell.kind = date && clock ? Cell::Kind::kTimestamp
                : date        ? Cell::Kind::kDate
                : clock       ? Cell::Kind::kTime
                              : Cell::Kind::kText;
    return cell;
  }

  ZipPackage& package_;
  const Parts& parts_;
  std::string piece_;
  uint64_t fed_ = 0;
  bool ended_ = false, in_data_ = false, in_value_ = false, reading_ = false;
  std::optional<uint64_t> last_row_;
  std::deque<SheetRow> rows_;
  SheetRow row_;
  uint32_t column_ = 0, next_column_ = 0;
  std::string type_, style_, value_;
};

Workbook::Workbook(duckdb::FileHandle& file, std::string_view sheet)
    : package_(file),
      parts_(std::make_unique<Parts>(package_, sheet)),
      reader_(std::make_unique<SheetReader>(package_, *parts_)) {}

Workbook::~Workbook() = default;

const std::string& Workbook::sheet() const { return parts_->sheet(); }

std::optional<uint64_t> Workbook::last_row() const { return reader_->last_row(); }

bool Workbook::Next(SheetRow& row) { return reader_->Next(row); }

}  // namespace skep::external_scan
