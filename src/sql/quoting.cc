#include "sql/quoting.h"

namespace skep::sql {
namespace {

std::string Quote(std::string_view text, char mark) {
  std::string out(1, mark);
  for (const char c : text) {
    out.push_back(c);
    if (c == mark) out.push_back(c);
  }
  out.push_back(mark);
  return out;
}

}  // namespace

std::string QuoteName(std::string_view name) { return Quote(name, '"'); }
std::string QuoteString(std::string_view text) { return Quote(text, '\''); }

}  // namespace skep::sql
