// What the options of COPY and UNLOAD are made of.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::sql {

// "a,b" as its parts, without blanks around them.
inline std::vector<std::string> Parts(std::string_view text, char between) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(between, at), text.size());
    std::string_view part = text.substr(at, end - at);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    at = end + 1;
  }
  return parts;
}

inline std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

inline bool ReadNumber(std::string_view text, uint64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// A delimiter as it is written: itself, or an octal or known escape ('\t', '\001').
inline std::optional<std::string> Delimiter(std::string_view text) {
  if (text == "\\t") return "\t";
  if (text.size() == 4 && text[0] == '\\') {
    int code = 0;
    const auto read = std::from_chars(text.data() + 1, text.data() + 4, code, 8);
    if (read.ec == std::errc() && read.ptr == text.data() + 4 && code > 0 && code < 128)
      return std::string(1, static_cast<char>(code));
  }
  if (text.size() != 1 || text[0] == '\n' || text[0] == '\r' || text[0] == '\0' ||
      static_cast<unsigned char>(text[0]) >= 128)
    return std::nullopt;
  return std::string(text);
}

// 'a:3,b:7' as widths; nullopt when it is none.
inline std::optional<std::vector<uint32_t>> Widths(std::string_view text) {
  std::vector<uint32_t> widths;
  for (const std::string& part : Parts(text, ',')) {
    uint64_t width = 0;
    const size_t colon = part.rfind(':');
    if (colon == std::string::npos || !ReadNumber(part.substr(colon + 1), width) || width == 0 ||
        width > 65535)
      return std::nullopt;
    widths.push_back(static_cast<uint32_t>(width));
  }
  if (widths.empty()) return std::nullopt;
  return widths;
}

}  // namespace skep::sql
