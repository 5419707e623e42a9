// Characters of UTF-8 text: counting, offsets, cuts at a character's border, validity. Everything
// takes any bytes: text that is not valid UTF-8 gives some answer, never a read beyond the end.
// Source: RFC 3629.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace skep::worker {

// The longest text that our functions make; what would grow beyond it is an error.
inline constexpr size_t kMaxTextBytes = 16'777'216;

inline bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

inline bool IsAscii(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof word);
    if (word & 0x8080808080808080u) return false;
  }
  for (; i < text.size(); i++) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

// Bytes of the character that begins with this byte.
inline size_t LengthByLead(char lead) {
  const auto c = static_cast<unsigned char>(lead);
  if (c < 0xC0) return 1;
  if (c < 0xE0) return 2;
  return c < 0xF0 ? 3 : 4;
}

// Bytes of the first character of a text that is not empty.
inline size_t FirstLength(std::string_view text) {
  return std::min(LengthByLead(text[0]), text.size());
}

inline int64_t CountCharacters(std::string_view text) {
  size_t continuations = 0, i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof word);
    // The highest bit of a byte is set and the next is not.
    continuations +=
        static_cast<size_t>(std::popcount(word >> 7 & ~(word >> 6) & 0x0101010101010101u));
  }
  for (; i < text.size(); i++) continuations += IsContinuation(text[i]) ? 1 : 0;
  return static_cast<int64_t>(text.size() - continuations);
}

// Byte offset behind the first `characters` characters; the whole size when there are fewer.
inline size_t OffsetOfCharacter(std::string_view text, uint64_t characters) {
  size_t at = 0;
  while (characters > 0 && at < text.size()) {
    at += LengthByLead(text[at]);
    characters--;
  }
  return std::min(at, text.size());
}

// Byte offset of the last `characters` characters; 0 when there are fewer.
inline size_t OffsetFromEnd(std::string_view text, uint64_t characters) {
  size_t at = text.size();
  while (characters > 0 && at > 0) {
    at--;
    while (at > 0 && IsContinuation(text[at])) at--;
    characters--;
  }
  return at;
}

// The longest beginning of at most `bytes` bytes that does not split a character.
inline std::string_view CutToBytes(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && IsContinuation(text[bytes])) bytes--;
  return text.substr(0, bytes);
}

inline std::string_view WithoutTrailingBlanks(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && text[end - 1] == ' ') end--;
  return text.substr(0, end);
}

// The code point of the first character of a text that is not empty.
inline int32_t FirstCodePoint(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<int32_t>(static_cast<unsigned char>(text[i])) : 0x80;
  };
  switch (LengthByLead(text[0])) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3:
      return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
             (byte(3) & 0x3F);
  }
}

// `code_point` is a character's: at most U+10FFFF.
inline void AppendUtf8(std::string& out, uint32_t code_point) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto rest = [&](unsigned shift) { put(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xE0 | code_point >> 12);
    } else {
      put(0xF0 | code_point >> 18);
      rest(12);
    }
    rest(6);
  }
  rest(0);
}

// No overlong forms, no surrogates, nothing above U+10FFFF.
inline bool IsValidUtf8(std::string_view text) {
  if (IsAscii(text)) return true;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      i++;
      continue;
    }
    if (lead < 0xC2 || lead > 0xF4) return false;
    const size_t length = LengthByLead(text[i]);
    if (i + length > text.size()) return false;
    for (size_t k = 1; k < length; k++) {
      if (!IsContinuation(text[i + k])) return false;
    }
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90))
      return false;
    i += length;
  }
  return true;
}

}  // namespace skep::worker
