#include "api/redshift_data/parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "sql/parse/token.h"

namespace skep::redshift_data {
namespace {

bool IsNameCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

uint32_t RewrittenSql::OriginalPosition(uint32_t position) const {
  int64_t by = 0;
  for (const Shift& shift : shifts) {
    if (position < shift.begin) break;
    if (position < shift.after) return static_cast<uint32_t>(shift.begin + by);
    by = shift.by;
  }
  return position == 0 ? 0 : static_cast<uint32_t>(position + by);
}

Result<RewrittenSql> RewriteParameters(std::string_view sql,
                                       const std::vector<std::string>& names) {
  RewrittenSql out;
  out.text = sql;
  if (names.empty()) return out;
  for (size_t i = 0; i < names.size(); i++) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("Duplicate parameter name: {}", names[i]));
    }
  }
  sql::ast::Arena arena;
  const auto tokens = sql::ReadTokens(sql, arena);
  if (!tokens) return out;
  out.text.clear();
  size_t copied = 0;
  uint32_t next_character = 1;  // behind out.text
  const auto append = [&](std::string_view piece) {
    next_character += sql::CharacterPosition(piece, piece.size()) - 1;
    out.text += piece;
  };
  int64_t by = 0;
  for (size_t i = 0; i + 1 < tokens->size(); i++) {
    const sql::Token& colon = (*tokens)[i];
    if (colon.kind == sql::TokenKind::kParameter) {
      return Fail(
          ErrorKind::kInvalidArgument,
          fmt::format("The statement uses ${} and named parameters together.", colon.value));
    }
    if (!colon.IsOperator(":")) continue;
    size_t end = colon.end;
    while (end < sql.size() && IsNameCharacter(sql[end])) end++;
    const std::string_view name = sql.substr(colon.end, end - colon.end);
    if (name.empty()) continue;
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      return Fail(ErrorKind::kInvalidArgument, fmt::format("Cannot find parameter: {}", name));
    const auto index = static_cast<size_t>(found - names.begin());
    auto used = std::ranges::find(out.order, index);
    const auto number = static_cast<size_t>(used - out.order.begin()) + 1;
    if (used == out.order.end()) out.order.push_back(index);
    append(sql.substr(copied, colon.begin - copied));
    const uint32_t begin = next_character;
    const std::string placeholder = fmt::format("${}", number);
    append(placeholder);
    copied = end;
    by += static_cast<int64_t>(1 + name.size()) - static_cast<int64_t>(placeholder.size());
    out.shifts.push_back({begin + static_cast<uint32_t>(placeholder.size()), begin, by});
  }
  out.text += sql.substr(copied);
  for (size_t i = 0; i < names.size(); i++) {
    if (std::ranges::find(out.order, i) == out.order.end()) {
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("Parameters list contains unused parameters. Unused parameters: [{}]",
                              names[i]));
    }
  }
  return out;
}

}  // namespace skep::redshift_data
