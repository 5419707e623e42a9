// Letters, digits and blanks of ASCII: what names, numbers and dates in text are made of. Nothing
// here depends on a locale, and bytes from 0x80 on are none of them.
#pragma once

#include <cstddef>
#include <string_view>

namespace skep::worker {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// Blanks, tabs and the ends of lines and pages.
constexpr bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr char LowerLetter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char UpperLetter(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
constexpr bool EqualsNoCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (LowerLetter(a[i]) != LowerLetter(b[i])) return false;
  }
  return true;
}

// 0 to 15, or -1 for what is no hexadecimal digit.
constexpr int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Without the characters at both ends that `drop` says true of.
template <class Drop>
constexpr std::string_view Trimmed(std::string_view text, Drop drop) {
  while (!text.empty() && drop(text.front())) text.remove_prefix(1);
  while (!text.empty() && drop(text.back())) text.remove_suffix(1);
  return text;
}
// Blanks are U+0020 alone.
constexpr std::string_view WithoutBlanks(std::string_view text) {
  return Trimmed(text, [](char c) { return c == ' '; });
}
constexpr std::string_view WithoutSpaces(std::string_view text) { return Trimmed(text, IsSpace); }

}  // namespace skep::worker
