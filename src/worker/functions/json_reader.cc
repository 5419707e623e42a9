#include "worker/functions/json_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"
#include "worker/functions/super_number.h"

namespace skep::worker {
namespace {

// Where an attribute stands in the output. Its key is also in the input if it is the same there,
// else `key` is null.
struct Attribute {
  size_t begin = 0;
  size_t end = 0;
  const char* key = nullptr;
  size_t key_size = 0;
};

struct Scratch {
  std::string text;
  std::vector<Attribute> attributes;
  std::vector<std::string_view> keys;
};

// The first byte that is not simply part of a string: a quote, a backslash, a control character.
const char* SkipPlain(const char* at, const char* end) {
  constexpr uint64_t kOnes = 0x0101010101010101U;
  constexpr uint64_t kHigh = 0x8080808080808080U;
  const auto zeros = [](uint64_t x) { return (x - kOnes) & ~x & kHigh; };
  while (end - at >= 8) {
    uint64_t block = 0;
    std::memcpy(&block, at, sizeof block);
    const uint64_t special = ((block - kOnes * 0x20) & ~block & kHigh) |
                             zeros(block ^ (kOnes * '"')) | zeros(block ^ (kOnes * '\\'));
    if (special != 0) return at + __builtin_ctzll(special) / 8;
    at += 8;
  }
  while (at < end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\') ++at;
  return at;
}

class Reader {
 public:
  Reader(std::string_view json, const JsonOptions& options, std::string& out)
      : at_(json.data()),
        end_(json.data() + json.size()),
        same_(at_),
        options_(options),
        out_(out) {}

  JsonFault Read() {
    if (!Value(0)) return fault_;
    SkipBlanks();
    if (at_ != end_) return JsonFault::kSyntax;
    Flush(at_);
    return JsonFault::kNone;
  }

 private:
  bool Fail(JsonFault fault) {
    fault_ = fault;
    return false;
  }

  // Most of the input is the output: from same_ on it only waits to be copied.
  void Flush(const char* until) {
    out_.append(same_, static_cast<size_t>(until - same_));
    same_ = at_;
  }
  size_t Written() const { return out_.size() + static_cast<size_t>(at_ - same_); }

  void SkipBlanks() {
    if (at_ == end_ || static_cast<unsigned char>(*at_) > ' ') return;
    const char* blanks = at_;
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    Flush(blanks);
  }
  bool Take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool Value(size_t depth) {
    SkipBlanks();
    if (at_ == end_) return Fail(JsonFault::kSyntax);
    switch (*at_) {
      case '{':
        return depth < kMaxSuperDepth ? Object(depth) : Fail(JsonFault::kTooDeep);
      case '[':
        return depth < kMaxSuperDepth ? Array(depth) : Fail(JsonFault::kTooDeep);
      case '"':
        return String(true);
      case 't':
        return Word("true");
      case 'f':
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number();
    }
  }

  bool Word(std::string_view word) {
    if (static_cast<size_t>(end_ - at_) < word.size() ||
        std::memcmp(at_, word.data(), word.size()) != 0) {
      return Fail(JsonFault::kSyntax);
    }
    at_ += word.size();
    return true;
  }

  bool Array(size_t depth) {
    ++at_;
    SkipBlanks();
    if (Take(']')) return true;
    for (;;) {
      if (!Value(depth + 1)) return false;
      SkipBlanks();
      if (Take(']')) return true;
      if (!Take(',')) return Fail(JsonFault::kSyntax);
    }
  }

  bool Object(size_t depth) {
    ++at_;
    SkipBlanks();
    if (Take('}')) return true;
    const size_t first = attributes_.size();
    for (;;) {
      SkipBlanks();
      if (at_ == end_ || *at_ != '"') return Fail(JsonFault::kSyntax);
      Attribute attribute;
      attribute.begin = Written();
      const char* key = at_;
      if (!String(false)) return false;
      attribute.key_size = Written() - attribute.begin;
      // A key that was written anew has left nothing to copy.
      if (same_ != at_) attribute.key = key;
      SkipBlanks();
      if (!Take(':')) return Fail(JsonFault::kSyntax);
      if (!Value(depth + 1)) return false;
      attribute.end = Written();
      if (options_.duplicates != Duplicates::kKeepAll) attributes_.push_back(attribute);
      SkipBlanks();
      if (Take('}')) break;
      if (!Take(',')) return Fail(JsonFault::kSyntax);
    }
    if (!CheckDuplicates(first)) return false;
    attributes_.resize(first);
    return true;
  }

  std::string_view KeyOf(const Attribute& attribute) const {
    return {attribute.key != nullptr ? attribute.key : out_.data() + attribute.begin,
            attribute.key_size};
  }

  bool CheckDuplicates(size_t first) {
    const size_t count = attributes_.size() - first;
    if (count < 2) return true;
    bool found = false;
    if (count <= 8) {
      for (size_t i = first + 1; i < attributes_.size() && !found; i++) {
        for (size_t j = first; j < i && !found; j++) {
          found = KeyOf(attributes_[i]) == KeyOf(attributes_[j]);
        }
      }
    } else {
      keys_.clear();
      for (size_t i = first; i < attributes_.size(); i++) keys_.push_back(KeyOf(attributes_[i]));
      std::sort(keys_.begin(), keys_.end());
      found = std::adjacent_find(keys_.begin(), keys_.end()) != keys_.end();
    }
    if (!found) return true;
    if (options_.duplicates == Duplicates::kRefuse) return Fail(JsonFault::kDuplicate);
    KeepLast(first);
    return true;
  }

  // Writes the attributes from `first` on again, each at its last place.
  void KeepLast(size_t first) {
    Flush(at_);
    std::vector<size_t> order(attributes_.size() - first);
    std::iota(order.begin(), order.end(), first);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::pair(KeyOf(attributes_[a]), a) < std::pair(KeyOf(attributes_[b]), b);
    });
    std::vector<size_t> kept;
    for (size_t i = 0; i < order.size(); i++) {
      const bool last =
          i + 1 == order.size() || KeyOf(attributes_[order[i]]) != KeyOf(attributes_[order[i + 1]]);
      if (last) kept.push_back(order[i]);
    }
    std::sort(kept.begin(), kept.end());
    std::string rest;
    for (const size_t i : kept) {
      if (!rest.empty()) rest.push_back(',');
      rest.append(out_, attributes_[i].begin, attributes_[i].end - attributes_[i].begin);
    }
    out_.replace(attributes_[first].begin, std::string::npos, rest + "}");
  }

  bool HexQuad(uint32_t& value) {
    if (end_ - at_ < 4) return Fail(JsonFault::kSyntax);
    value = 0;
    for (int i = 0; i < 4; i++) {
      const int digit = HexDigit(*at_++);
      if (digit < 0) return Fail(JsonFault::kSyntax);
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  // After "\u". Zero has no place in SQL text, half of a pair none in UTF-8.
  bool Codepoint(std::string& out) {
    uint32_t c = 0;
    if (!HexQuad(c)) return false;
    if (c == 0) return Fail(JsonFault::kSyntax);
    if (c >= 0xD800 && c < 0xDC00) {
      uint32_t low = 0;
      if (!Take('\\') || !Take('u')) return Fail(JsonFault::kSyntax);
      if (!HexQuad(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return Fail(JsonFault::kSyntax);
      c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
    } else if (c >= 0xDC00 && c <= 0xDFFF) {
      return Fail(JsonFault::kSyntax);
    }
    AppendUtf8(out, c);
    return true;
  }

  bool String(bool is_value) {
    const char* quote = at_++;
    at_ = SkipPlain(at_, end_);
    if (at_ < end_ && *at_ == '"' && static_cast<size_t>(at_ - quote) <= kMaxSuperStringBytes) {
      ++at_;
      return true;
    }
    text_.assign(quote + 1, at_);
    if (!Escapes()) return false;
    if (text_.size() > kMaxSuperStringBytes) {
      if (!is_value || !options_.truncate_strings) return Fail(JsonFault::kStringTooLong);
      size_t length = kMaxSuperStringBytes;
      while ((static_cast<unsigned char>(text_[length]) & 0xC0U) == 0x80U) length--;
      text_.resize(length);
    }
    Flush(quote);
    AppendQuoted(out_, text_);
    return true;
  }

  // The rest of a string, from its first escape on, into text_.
  bool Escapes() {
    for (;;) {
      if (at_ == end_) return Fail(JsonFault::kSyntax);
      const char c = *at_++;
      if (c == '"') return true;
      if (c != '\\' || at_ == end_) return Fail(JsonFault::kSyntax);
      switch (*at_++) {
        case '"':
          text_.push_back('"');
          break;
        case '\\':
          text_.push_back('\\');
          break;
        case '/':
          text_.push_back('/');
          break;
        case 'b':
          text_.push_back('\b');
          break;
        case 'f':
          text_.push_back('\f');
          break;
        case 'n':
          text_.push_back('\n');
          break;
        case 'r':
          text_.push_back('\r');
          break;
        case 't':
          text_.push_back('\t');
          break;
        case 'u':
          if (!Codepoint(text_)) return false;
          break;
        default:
          return Fail(JsonFault::kSyntax);
      }
      const char* plain = at_;
      at_ = SkipPlain(at_, end_);
      text_.append(plain, at_);
    }
  }

  bool Digits() {
    const char* begin = at_;
    while (at_ < end_ && IsDigit(*at_)) ++at_;
    return at_ > begin;
  }

  bool Number() {
    const char* begin = at_;
    bool is_float = false;
    Take('-');
    if (!Take('0') && !Digits()) return Fail(JsonFault::kSyntax);
    if (Take('.') && !Digits()) return Fail(JsonFault::kSyntax);
    if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      is_float = true;
      if (!Take('+')) Take('-');
      if (!Digits()) return Fail(JsonFault::kSyntax);
    }
    const std::string_view number(begin, static_cast<size_t>(at_ - begin));
    if (options_.keep_numbers) return true;
    if (is_float || number.size() > kMaxDecimalDigits) {
      if (is_float || DecimalPrecision(number) > kMaxDecimalDigits) {
        const double value = ReadDouble(Lowered(number));
        if (!std::isfinite(value)) return Fail(JsonFault::kSyntax);
        Flush(begin);
        AppendFloat(out_, value);
        return true;
      }
    }
    // There is no negative zero among decimals.
    const bool negative_zero =
        number[0] == '-' && number.find_first_of("123456789") == std::string_view::npos;
    if (negative_zero) {
      Flush(begin);
      out_ += number.substr(1);
    }
    return true;
  }

  std::string_view Lowered(std::string_view number) {
    text_ = number;
    for (char& c : text_) c = c == 'E' ? 'e' : c;
    return text_;
  }

  const char* at_;
  const char* end_;
  const char* same_;
  const JsonOptions& options_;
  std::string& out_;
  JsonFault fault_ = JsonFault::kSyntax;
  // Kept from value to value: most objects are small, and making these would cost more than
  // reading.
  static Scratch& Kept() {
    static thread_local Scratch kept;
    kept.attributes.clear();
    return kept;
  }
  Scratch& scratch_ = Kept();
  std::string& text_ = scratch_.text;
  std::vector<Attribute>& attributes_ = scratch_.attributes;
  std::vector<std::string_view>& keys_ = scratch_.keys;
};

}  // namespace

const char* MessageOf(JsonFault fault) {
  switch (fault) {
    case JsonFault::kDuplicate:
      return "Invalid input: SUPER value has duplicate attributes";
    case JsonFault::kTooDeep:
      return "Invalid input: JSON exceeds the maximum nesting depth of a SUPER value";
    case JsonFault::kStringTooLong:
      return "Invalid input: JSON string exceeds the maximum length inside a SUPER value";
    default:
      return "JSON parsing error";
  }
}

JsonFault Canonical(std::string_view json, const JsonOptions& options, std::string& out) {
  out.clear();
  out.reserve(json.size());
  return Reader(json, options, out).Read();
}

}  // namespace skep::worker
