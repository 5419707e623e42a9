#include "worker/functions/super_value.h"

#include <cstring>
#include <duckdb/common/exception.hpp>

#include "base/text.h"
#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"
#include "worker/functions/unicode.h"

namespace skep::worker {
namespace {

// `at` is at the opening quote.
const char* SkipString(const char* at, const char* end) {
  for (++at;;) {
    at = static_cast<const char*>(std::memchr(at, '"', static_cast<size_t>(end - at)));
    if (at == nullptr) return end;
    const char* escape = at;
    while (escape[-1] == '\\') --escape;
    ++at;
    if ((at - escape) % 2 == 1) return at;
  }
}

const char* SkipContainer(const char* at, const char* end) {
  size_t depth = 0;
  while (at < end) {
    switch (*at) {
      case '"':
        at = SkipString(at, end);
        break;
      case '[':
      case '{':
        depth++;
        at++;
        break;
      case ']':
      case '}':
        at++;
        if (--depth == 0) return at;
        break;
      default:
        at++;
    }
  }
  return end;
}

size_t DepthOf(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    if (*at == '"') {
      at = SkipString(at, end);
      continue;
    }
    if (*at == '[' || *at == '{') deepest = std::max(deepest, ++depth);
    if ((*at == ']' || *at == '}') && depth > 0) depth--;
    at++;
  }
  return deepest;
}

}  // namespace

SuperKind KindOf(std::string_view text) {
  if (text.empty()) return SuperKind::kNull;
  switch (text.front()) {
    case '[':
      return SuperKind::kArray;
    case '{':
      return SuperKind::kObject;
    case '"':
      return SuperKind::kString;
    case 't':
    case 'f':
      return SuperKind::kBoolean;
    case 'n':
      return SuperKind::kNull;
    default:
      return SuperKind::kNumber;
  }
}

const char* SkipSuper(const char* at, const char* end) {
  if (at >= end) return end;
  if (*at == '"') return SkipString(at, end);
  if (*at == '[' || *at == '{') return SkipContainer(at, end);
  while (at < end && *at != ',' && *at != ']' && *at != '}') ++at;
  return at;
}

bool FindAttribute(std::string_view object, std::string_view quoted_key, std::string_view& value) {
  const char* at = object.data() + 1;
  const char* end = object.data() + object.size() - 1;
  while (at < end) {
    // The closing quote is part of the key: equal bytes are the whole key.
    const bool found = static_cast<size_t>(end - at) > quoted_key.size() &&
                       std::memcmp(at, quoted_key.data(), quoted_key.size()) == 0;
    at = SkipSuper(at, end);
    if (at < end) ++at;
    const char* begin = at;
    at = SkipSuper(at, end);
    if (found) {
      value = {begin, static_cast<size_t>(at - begin)};
      return true;
    }
    if (at < end) ++at;
  }
  return false;
}

bool FindElement(std::string_view array, int64_t index, std::string_view& value) {
  if (index < 0) return false;
  ArrayElements elements(array);
  while (elements.Next(value)) {
    if (index-- == 0) return true;
  }
  return false;
}

size_t CountElements(std::string_view array) {
  ArrayElements elements(array);
  std::string_view element;
  size_t count = 0;
  while (elements.Next(element)) count++;
  return count;
}

void AppendQuoted(std::string& out, std::string_view text) { AppendJsonString(out, text); }

void AppendUnquoted(std::string& out, std::string_view quoted) {
  if (quoted.size() < 2) return;
  const char* at = quoted.data() + 1;
  const char* end = quoted.data() + quoted.size() - 1;
  while (at < end) {
    const auto* escape =
        static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    if (escape == nullptr) escape = end;
    out.append(at, static_cast<size_t>(escape - at));
    at = escape + 1;
    if (at >= end) break;
    const char c = *at++;
    switch (c) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u':
        // AppendQuoted writes only control characters so.
        if (end - at < 4) return;
        out.push_back(static_cast<char>(HexDigit(at[2]) * 16 + HexDigit(at[3])));
        at += 4;
        break;
      default:
        out.push_back(c);
    }
  }
}

std::string_view Unquoted(std::string_view quoted, std::string& room) {
  if (quoted.size() < 2) return {};
  if (std::memchr(quoted.data(), '\\', quoted.size()) == nullptr) {
    return quoted.substr(1, quoted.size() - 2);
  }
  room.clear();
  AppendUnquoted(room, quoted);
  return room;
}

void AppendInCase(std::string& out, std::string_view text, bool upper) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = at + text.size();
  while (at < end) {
    if (*at < 0x80) {
      const char c = static_cast<char>(*at++);
      out.push_back(upper ? UpperLetter(c) : LowerLetter(c));
      continue;
    }
    int32_t codepoint = 0;
    const long length = duckdb::utf8proc_iterate(at, end - at, &codepoint);
    if (length <= 0) {
      out.push_back(static_cast<char>(*at++));
      continue;
    }
    at += length;
    codepoint = upper ? duckdb::utf8proc_toupper(codepoint) : duckdb::utf8proc_tolower(codepoint);
    AppendUtf8(out, static_cast<uint32_t>(codepoint));
  }
}

void CheckSuperLimits(std::string_view text) {
  if (text.size() > kMaxSuperBytes) {
    throw duckdb::InvalidInputException("SUPER value exceeds the maximum size of %d bytes",
                                        kMaxSuperBytes);
  }
  // Every level takes two bytes, so that small values need no look.
  if (text.size() > 2 * kMaxSuperDepth && DepthOf(text) > kMaxSuperDepth) {
    throw duckdb::InvalidInputException("SUPER value exceeds the maximum nesting depth of %d",
                                        kMaxSuperDepth);
  }
}

duckdb::string_t AddSuper(duckdb::Vector& result, std::string_view text) {
  CheckSuperLimits(text);
  return duckdb::StringVector::AddStringOrBlob(result, text.data(), text.size());
}

}  // namespace skep::worker
