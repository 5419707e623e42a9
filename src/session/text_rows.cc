#include "session/text_rows.h"

namespace skep::session {
namespace {

size_t Number(std::string_view bytes) {
  size_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

Result<void> TextRows::Read(std::string_view messages) {
  const auto malformed = [] { return Fail(ErrorKind::kInternal, "malformed rows"); };
  while (!messages.empty()) {
    if (messages.size() < 5) return malformed();
    const size_t length = Number(messages.substr(1, 4));
    if (length < 4 || length + 1 > messages.size()) return malformed();
    if (messages[0] == 'D' && !Row(messages.substr(5, length - 4))) return malformed();
    messages.remove_prefix(length + 1);
  }
  return {};
}

bool TextRows::Row(std::string_view body) {
  if (body.size() < 2 || rows.size() >= most_rows_) return false;
  std::vector<std::string> row(Number(body.substr(0, 2)));
  body.remove_prefix(2);
  for (std::string& field : row) {
    if (body.size() < 4) return false;
    const size_t length = Number(body.substr(0, 4));
    body.remove_prefix(4);
    if (length == 0xffffffff) continue;
    if (length > body.size()) return false;
    field = body.substr(0, length);
    body.remove_prefix(length);
  }
  rows.push_back(std::move(row));
  return true;
}

}  // namespace skep::session
