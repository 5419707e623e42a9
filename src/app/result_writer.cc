#include "app/result_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace skep::app {
namespace {

// OIDs of PostgreSQL's pg_type.
bool IsNumber(uint32_t type) {
  switch (type) {
    case 20:
    case 21:
    case 23:
    case 26:
    case 700:
    case 701:
    case 1700:
      return true;
    default:
      return false;
  }
}
constexpr uint32_t kBoolean = 16;

// Characters on a terminal: UTF-8 sequences count once.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void Put(std::FILE* out, std::string_view text) { std::fwrite(text.data(), 1, text.size(), out); }

class Table final : public ResultWriter {
 public:
  explicit Table(std::FILE* out) : out_(out) {}
  void Begin(std::vector<ResultColumn> columns) override {
    columns_ = std::move(columns);
    rows_ = 0;
    held_.clear();
    flowing_ = false;
    open_ = true;
  }
  void Row(const ResultRow& row) override {
    ++rows_;
    if (flowing_) return PutRow(row);
    std::vector<std::optional<std::string>> copy;
    for (const auto& value : row)
      copy.emplace_back(value ? std::optional<std::string>(*value) : std::nullopt);
    held_.push_back(std::move(copy));
    if (held_.size() == kHeld) Flow();
  }
  void End(const std::string& tag) override {
    if (!open_) {
      if (!tag.empty()) Put(out_, tag + "\n");
      return;
    }
    if (!flowing_) Flow();
    Put(out_, fmt::format("({} row{})\n", rows_, rows_ == 1 ? "" : "s"));
    open_ = false;
  }

 private:
  // The first rows decide the widths; later ones may overflow them.
  static constexpr size_t kHeld = 1000;

  void Flow() {
    widths_.clear();
    for (const ResultColumn& column : columns_) widths_.push_back(Width(column.name));
    for (const auto& row : held_) {
      for (size_t i = 0; i < row.size(); ++i)
        widths_[i] = std::max(widths_[i], row[i] ? Width(*row[i]) : 0);
    }
    std::string header, rule;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const size_t blank = widths_[i] - Width(columns_[i].name);
      header += (i == 0 ? " " : " | ") + std::string(blank / 2, ' ') + columns_[i].name +
                std::string(blank - blank / 2, ' ');
      rule += (i == 0 ? "" : "+") + std::string(widths_[i] + 2, '-');
    }
    Put(out_, header + " \n" + rule + "\n");
    flowing_ = true;
    for (const auto& row : held_) {
      ResultRow view;
      for (const auto& value : row)
        view.emplace_back(value ? std::optional<std::string_view>(*value) : std::nullopt);
      PutRow(view);
    }
    held_.clear();
  }
  void PutRow(const ResultRow& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string_view text = row[i].value_or("");
      const size_t width = Width(text), blank = widths_[i] > width ? widths_[i] - width : 0;
      line += i == 0 ? " " : " | ";
      if (IsNumber(columns_[i].type))
        line.append(blank, ' ').append(text);
      else {
        line.append(text);
        if (i + 1 < row.size()) line.append(blank, ' ');
      }
    }
    Put(out_, line + "\n");
  }

  std::FILE* out_;
  std::vector<ResultColumn> columns_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::optional<std::string>>> held_;
  bool flowing_ = false, open_ = false;
  uint64_t rows_ = 0;
};

// RFC 4180 with a header; NULL is an empty field, an empty text is "".
class Csv final : public ResultWriter {
 public:
  explicit Csv(std::FILE* out) : out_(out) {}
  void Begin(std::vector<ResultColumn> columns) override {
    std::string line;
    for (size_t i = 0; i < columns.size(); ++i)
      line += (i == 0 ? "" : ",") + Quoted(columns[i].name);
    Put(out_, line + "\n");
  }
  void Row(const ResultRow& row) override {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i != 0) line += ',';
      if (row[i]) line += Quoted(*row[i]);
    }
    Put(out_, line + "\n");
  }
  void End(const std::string&) override {}

 private:
  static std::string Quoted(std::string_view text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos)
      return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    return out + '"';
  }
  std::FILE* out_;
};

// One array of objects per result; numbers and booleans as such, everything else as text. Of two
// columns of one name the later gets a suffix.
class Json final : public ResultWriter {
 public:
  explicit Json(std::FILE* out) : out_(out) {}
  void Begin(std::vector<ResultColumn> columns) override {
    columns_ = std::move(columns);
    names_.clear();
    for (const ResultColumn& column : columns_) {
      std::string name = column.name;
      for (int n = 2; std::ranges::find(names_, name) != names_.end(); ++n)
        name = fmt::format("{}_{}", column.name, n);
      names_.push_back(name);
    }
    Put(out_, "[");
    first_ = open_ = true;
  }
  void Row(const ResultRow& row) override {
    std::string line = first_ ? "\n{" : ",\n{";
    first_ = false;
    for (size_t i = 0; i < row.size(); ++i) {
      line += (i == 0 ? "" : ", ") + Text(names_[i]) + ": ";
      if (!row[i])
        line += "null";
      else if (columns_[i].type == kBoolean)
        line += *row[i] == "t" ? "true" : "false";
      else if (IsNumber(columns_[i].type) && !row[i]->empty() &&
               std::isdigit(static_cast<unsigned char>(row[i]->back())) != 0)
        line += *row[i];
      else
        line += Text(*row[i]);
    }
    Put(out_, line + "}");
  }
  void End(const std::string&) override {
    if (!open_) return;
    Put(out_, first_ ? "]\n" : "\n]\n");
    open_ = false;
  }

 private:
  static std::string Text(std::string_view text) {
    std::string out;
    AppendJsonString(out, text);
    return out;
  }
  std::FILE* out_;
  std::vector<ResultColumn> columns_;
  std::vector<std::string> names_;
  bool first_ = true, open_ = false;
};

}  // namespace

std::unique_ptr<ResultWriter> MakeResultWriter(ResultFormat format, std::FILE* out) {
  switch (format) {
    case ResultFormat::kCsv:
      return std::make_unique<Csv>(out);
    case ResultFormat::kJson:
      return std::make_unique<Json>(out);
    case ResultFormat::kTable:
      break;
  }
  return std::make_unique<Table>(out);
}

}  // namespace skep::app
