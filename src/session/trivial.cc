#include "session/trivial.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace skep::session {
namespace {

constexpr uint32_t kInt4 = 23;
constexpr uint32_t kText = 25;
constexpr uint32_t kVarchar = 1043;

uint16_t FormatOf(const std::vector<uint16_t>& formats, size_t column) {
  if (formats.empty()) return 0;
  if (formats.size() == 1) return formats[0];
  return column < formats.size() ? formats[column] : 0;
}

// Lower case, blanks folded to one, without a final semicolon; probes are short, anything longer is
// none.
std::optional<std::string> Fold(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (blank) {
      if (!out.empty() && out.back() != ' ') out.push_back(' ');
    } else {
      out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    }
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == ';')) out.pop_back();
  return out;
}

TrivialResult OneValue(std::string name, uint32_t oid, int16_t size, std::string value) {
  TrivialResult result;
  result.columns.push_back({std::move(name), oid, size, -1});
  result.rows.push_back({std::move(value)});
  result.tag = "SELECT 1";
  return result;
}

}  // namespace

std::string VersionText() {
  return "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat "
         "3.4.2-6.fc3), Redshift 1.0.77467";
}

std::optional<TrivialResult> AnswerProbe(std::string_view statement, std::string_view database,
                                         std::string_view user, uint32_t process_id) {
  const auto folded = Fold(statement);
  if (!folded || !folded->starts_with("select ")) return std::nullopt;
  const std::string_view what = std::string_view(*folded).substr(7);
  if (!what.empty() && what.size() <= 9 &&
      std::ranges::all_of(what, [](char c) { return c >= '0' && c <= '9'; }) &&
      (what.size() == 1 || what[0] != '0')) {
    return OneValue("?column?", kInt4, 4, std::string(what));
  }
  if (what == "version()") return OneValue("version", kText, -1, VersionText());
  if (what == "current_database()")
    return OneValue("current_database", kVarchar, -1, std::string(database));
  if (what == "current_user" || what == "user" || what == "session_user") {
    return OneValue(what == "session_user" ? "session_user" : "current_user", kVarchar, -1,
                    std::string(user));
  }
  if (what == "pg_backend_pid()")
    return OneValue("pg_backend_pid", kInt4, 4, std::to_string(process_id));
  return std::nullopt;
}

std::string EncodeRowDescription(const std::vector<ipc::ResultColumn>& columns,
                                 const std::vector<uint16_t>& formats) {
  ByteWriter w;
  w.U8('T').U32Be(0).U16Be(static_cast<uint16_t>(columns.size()));
  for (size_t i = 0; i < columns.size(); i++) {
    const auto& column = columns[i];
    w.CString(column.name)
        .U32Be(0)
        .U16Be(0)
        .U32Be(column.type_oid)
        .U16Be(static_cast<uint16_t>(column.type_size));
    w.U32Be(static_cast<uint32_t>(column.type_modifier)).U16Be(FormatOf(formats, i));
  }
  w.PatchU32Be(1, static_cast<uint32_t>(w.size() - 1));
  return w.Take();
}

std::string EncodeRows(const TrivialResult& result, const std::vector<uint16_t>& formats) {
  std::string out;
  for (const auto& row : result.rows) {
    ByteWriter w;
    w.U8('D').U32Be(0).U16Be(static_cast<uint16_t>(row.size()));
    for (size_t i = 0; i < row.size(); i++) {
      if (!row[i]) {
        w.U32Be(0xffffffffu);
      } else if (FormatOf(formats, i) != 0 && result.columns[i].type_oid == kInt4) {
        int32_t number = 0;
        std::from_chars(row[i]->data(), row[i]->data() + row[i]->size(), number);
        w.U32Be(4).U32Be(static_cast<uint32_t>(number));
      } else {
        w.U32Be(static_cast<uint32_t>(row[i]->size())).Raw(*row[i]);
      }
    }
    w.PatchU32Be(1, static_cast<uint32_t>(w.size() - 1));
    out += w.str();
  }
  return out;
}

}  // namespace skep::session
