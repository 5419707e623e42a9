#include "base/text.h"

#include <fmt/format.h>

namespace skep {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

void AppendJsonString(std::string& out, std::string_view text) {
  constexpr std::string_view kShort = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetter = "\"\\nrtbf";
  out.push_back('"');
  for (const char c : text) {
    if (const size_t known = kShort.find(c); known != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetter[known]);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace skep
