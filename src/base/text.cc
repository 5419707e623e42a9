#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace skep {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t from = 0; !text.empty() && from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    parts.emplace_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (size_t c = 0; c < plain.size(); c++) plain[c] = c >= 0x20 && c != '"' && c != '\\';
    return plain;
  }();
  constexpr std::string_view kShort = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetter = "\"\\nrtbf";
  out.push_back('"');
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const char* const run = at;
    while (at < end && kPlain[static_cast<unsigned char>(*at)]) ++at;
    out.append(run, static_cast<size_t>(at - run));
    if (at == end) break;
    const char c = *at++;
    if (const size_t known = kShort.find(c); known != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetter[known]);
    } else {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out.push_back('"');
}

}  // namespace skep
