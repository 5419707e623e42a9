#include "sql/parse/token.h"

#include <algorithm>
#include <array>
#include <string>

namespace skep::sql {
namespace {

enum Class : uint8_t { kOther, kBlank, kLetter, kDigit, kSymbol };

constexpr auto kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; c++) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v')
      classes[c] = kBlank;
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80)
      classes[c] = kLetter;
    else if (c >= '0' && c <= '9')
      classes[c] = kDigit;
    else if (c > ' ' && c < 0x7f)
      classes[c] = kSymbol;
  }
  return classes;
}();

// Operators of more than one character, longer ones first.
constexpr std::string_view kOperators[] = {"!~~*", "||/", "!~*", "~~*", "!~~", "~~", "::",
                                           "||",   "|/",  "<=",  ">=",  "<>",  "!=", "~*",
                                           "!~",   "<<",  ">>",  "&&",  "=>",  ":=", "!!"};

class Reader {
 public:
  Reader(std::string_view script, ast::Arena& arena) : s_(script), arena_(arena) {}

  Result<std::vector<Token>> Run() {
    if (const size_t zero = s_.find('\0'); zero != std::string_view::npos)
      return Bad("invalid byte sequence for encoding \"UTF8\": 0x00", zero);
    tokens_.reserve(s_.size() / 5 + 8);
    while (true) {
      SKEP_TRY_ASSIGN(const bool spaced, SkipBlanks());
      Token token;
      token.spaced = spaced;
      token.begin = static_cast<uint32_t>(i_);
      if (i_ >= s_.size()) {
        token.end = token.begin;
        tokens_.push_back(token);
        return std::move(tokens_);
      }
      SKEP_TRY(Read(token));
      token.end = static_cast<uint32_t>(i_);
      tokens_.push_back(token);
    }
  }

 private:
  char At(size_t i) const { return i < s_.size() ? s_[i] : '\0'; }
  uint8_t ClassAt(size_t i) const {
    return i < s_.size() ? kClasses[static_cast<unsigned char>(s_[i])] : uint8_t{kOther};
  }
  bool OfWord(size_t i) const {
    const uint8_t c = ClassAt(i);
    return c == kLetter || c == kDigit || At(i) == '$';
  }

  std::unexpected<Error> Bad(std::string message, size_t offset) const {
    Error error;
    error.kind = ErrorKind::kSyntaxError;
    error.message = std::move(message);
    error.position = CharacterPosition(s_, offset);
    return std::unexpected(std::move(error));
  }

  // Answers whether there was anything.
  Result<bool> SkipBlanks() {
    const size_t from = i_;
    while (i_ < s_.size()) {
      if (ClassAt(i_) == kBlank) {
        i_++;
      } else if (s_[i_] == '-' && At(i_ + 1) == '-') {
        i_ = std::min(s_.find_first_of("\r\n", i_), s_.size());
      } else if (s_[i_] == '/' && At(i_ + 1) == '*') {
        const size_t begin = i_;
        size_t depth = 0;
        do {
          if (i_ >= s_.size()) return Bad("unterminated /* comment", begin);
          if (s_[i_] == '/' && At(i_ + 1) == '*') {
            depth++;
            i_ += 2;
          } else if (s_[i_] == '*' && At(i_ + 1) == '/') {
            depth--;
            i_ += 2;
          } else {
            i_++;
          }
        } while (depth > 0);
      } else {
        break;
      }
    }
    return i_ > from;
  }

  Result<void> Read(Token& token) {
    const char c = s_[i_];
    switch (ClassAt(i_)) {
      case kLetter:
        if (At(i_ + 1) == '\'' && token_prefix(c)) return ReadPrefixed(token);
        ReadWord(token);
        return {};
      case kDigit:
        ReadNumber(token);
        return {};
      default:
        break;
    }
    if (c == '\'') return ReadString(token, true);
    if (c == '"') return ReadQuotedName(token);
    if (c == '.' && ClassAt(i_ + 1) == kDigit && !AfterName()) {
      ReadNumber(token);
      return {};
    }
    if (c == '$') {
      if (ClassAt(i_ + 1) == kDigit) {
        const size_t from = ++i_;
        while (ClassAt(i_) == kDigit) i_++;
        token.kind = TokenKind::kParameter;
        token.value = s_.substr(from, i_ - from);
        return {};
      }
      return ReadDollarQuoted(token);
    }
    if (c == '#' && ClassAt(i_ + 1) == kLetter && !(AfterOperand() && !token.spaced)) {
      ReadWord(token);
      return {};
    }
    token.kind = TokenKind::kOperator;
    for (const std::string_view op : kOperators) {
      if (s_.substr(i_, op.size()) == op) {
        i_ += op.size();
        token.value = op;
        return {};
      }
    }
    if (ClassAt(i_) != kSymbol || c == '\\' || c == '`')
      return Bad("syntax error at or near \"" + std::string(1, c) + "\"", i_);
    token.value = s_.substr(i_++, 1);
    return {};
  }

  static bool token_prefix(char c) {
    return c == 'e' || c == 'E' || c == 'n' || c == 'N' || c == 'b' || c == 'B' || c == 'x' ||
           c == 'X';
  }

  bool AfterName() const {
    return !tokens_.empty() && tokens_.back().end == i_ &&
           (tokens_.back().kind == TokenKind::kWord ||
            tokens_.back().kind == TokenKind::kQuotedName || tokens_.back().IsOperator("]"));
  }
  bool AfterOperand() const {
    if (tokens_.empty()) return false;
    const Token& last = tokens_.back();
    return last.kind == TokenKind::kOperator ? last.value == ")" || last.value == "]"
                                             : last.kind != TokenKind::kEnd;
  }

  void ReadWord(Token& token) {
    const size_t from = i_++;
    bool upper = s_[from] >= 'A' && s_[from] <= 'Z';
    for (; OfWord(i_); i_++) upper |= s_[i_] >= 'A' && s_[i_] <= 'Z';
    token.kind = TokenKind::kWord;
    token.value = s_.substr(from, i_ - from);
    if (!upper) return;
    scratch_.assign(token.value);
    for (char& c : scratch_) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    token.value = arena_.Copy(std::string_view(scratch_));
  }

  void ReadNumber(Token& token) {
    const size_t from = i_;
    token.kind = TokenKind::kInteger;
    while (ClassAt(i_) == kDigit) i_++;
    if (At(i_) == '.' && At(i_ + 1) != '.') {
      token.kind = TokenKind::kDecimal;
      i_++;
      while (ClassAt(i_) == kDigit) i_++;
    }
    if (At(i_) == 'e' || At(i_) == 'E') {
      size_t k = i_ + 1;
      if (At(k) == '+' || At(k) == '-') k++;
      if (ClassAt(k) == kDigit) {
        token.kind = TokenKind::kFloat;
        while (ClassAt(k) == kDigit) k++;
        i_ = k;
      }
    }
    token.value = s_.substr(from, i_ - from);
  }

  Result<void> ReadPrefixed(Token& token) {
    const char prefix = s_[i_++];
    if (prefix == 'b' || prefix == 'B' || prefix == 'x' || prefix == 'X') {
      SKEP_TRY(ReadString(token, false));
      token.kind = TokenKind::kBitString;
      return {};
    }
    return ReadString(token, true);
  }

  // Redshift's strings know backslash escapes (dialect.md, Meaning).
  Result<void> ReadString(Token& token, bool escapes) {
    const size_t begin = i_;
    token.kind = TokenKind::kString;
    scratch_.clear();
    bool copied = false;
    while (true) {
      const size_t from = ++i_;
      while (i_ < s_.size() && s_[i_] != '\'' && !(escapes && s_[i_] == '\\')) i_++;
      if (i_ >= s_.size()) return Bad("unterminated quoted string", begin);
      if (s_[i_] == '\'' && At(i_ + 1) != '\'') {
        const std::string_view piece = s_.substr(from, i_ - from);
        i_++;
        if (!copied && !Continues()) {
          token.value = piece;
          return {};
        }
        scratch_ += piece;
        if (!continued_) break;
        continued_ = false;
        copied = true;
        continue;  // i_ stands on the next piece's quote
      }
      copied = true;
      scratch_ += s_.substr(from, i_ - from);
      if (s_[i_] == '\'') {
        scratch_.push_back('\'');
        i_++;
      } else {
        i_++;
        if (i_ >= s_.size()) return Bad("unterminated quoted string", begin);
        SKEP_TRY(ReadEscape());
      }
    }
    token.value = arena_.Copy(std::string_view(scratch_));
    return {};
  }

  // 'a' <newline> 'b' is one string; stands on the second quote then.
  bool Continues() {
    size_t k = i_;
    bool line = false;
    while (ClassAt(k) == kBlank) line |= s_[k++] == '\n';
    if (!line || At(k) != '\'') return false;
    i_ = k;
    continued_ = true;
    return true;
  }

  // At the character behind a backslash; leaves i_ on the last character of the escape.
  Result<void> ReadEscape() {
    const char c = s_[i_];
    const auto is_octal = [&](size_t k) { return At(k) >= '0' && At(k) <= '7'; };
    const auto hex = [&](size_t k) -> int {
      const char h = At(k);
      return h >= '0' && h <= '9'   ? h - '0'
             : h >= 'a' && h <= 'f' ? h - 'a' + 10
             : h >= 'A' && h <= 'F' ? h - 'A' + 10
                                    : -1;
    };
    if (is_octal(i_)) {
      int value = 0;
      size_t k = i_;
      for (; k < i_ + 3 && is_octal(k); k++) value = value * 8 + (s_[k] - '0');
      return PutByte(value, k);
    }
    if (c == 'x' && hex(i_ + 1) >= 0) {
      int value = 0;
      size_t k = i_ + 1;
      for (; k < i_ + 3 && hex(k) >= 0; k++) value = value * 16 + hex(k);
      return PutByte(value, k);
    }
    switch (c) {
      case 'b':
        scratch_.push_back('\b');
        break;
      case 'f':
        scratch_.push_back('\f');
        break;
      case 'n':
        scratch_.push_back('\n');
        break;
      case 'r':
        scratch_.push_back('\r');
        break;
      case 't':
        scratch_.push_back('\t');
        break;
      default:
        scratch_.push_back(c);
    }
    return {};
  }

  Result<void> PutByte(int value, size_t behind) {
    if (value == 0) {  // COPY's NULL AS '\\000': kept as it is written
      scratch_.push_back('\\');
      scratch_ += s_.substr(i_, behind - i_);
      i_ = behind - 1;
      return {};
    }
    if (value > 127) return Bad("invalid byte sequence for encoding \"UTF8\" in an escape", i_);
    scratch_.push_back(static_cast<char>(value));
    i_ = behind - 1;
    return {};
  }

  Result<void> ReadQuotedName(Token& token) {
    const size_t begin = i_;
    token.kind = TokenKind::kQuotedName;
    scratch_.clear();
    bool doubled = false;
    for (size_t from = ++i_;; from = i_) {
      i_ = s_.find('"', i_);
      if (i_ == std::string_view::npos) {
        i_ = begin;
        return Bad("unterminated quoted identifier", begin);
      }
      const std::string_view piece = s_.substr(from, i_ - from);
      if (At(i_ + 1) != '"') {
        i_++;
        if (doubled) {
          scratch_ += piece;
          token.value = arena_.Copy(std::string_view(scratch_));
        } else {
          token.value = piece;
        }
        if (token.value.empty())
          return Bad("zero-length delimited identifier at or near \"\"\"\"", begin);
        return {};
      }
      doubled = true;
      scratch_ += piece;
      scratch_.push_back('"');
      i_ += 2;
    }
  }

  Result<void> ReadDollarQuoted(Token& token) {
    const size_t begin = i_;
    size_t k = i_ + 1;
    while (ClassAt(k) == kLetter || ClassAt(k) == kDigit) k++;
    if (At(k) != '$') return Bad("syntax error at or near \"$\"", begin);
    const std::string_view tag = s_.substr(begin, k + 1 - begin);
    const size_t from = k + 1;
    const size_t to = s_.find(tag, from);
    if (to == std::string_view::npos) return Bad("unterminated dollar-quoted string", begin);
    token.kind = TokenKind::kString;
    token.value = s_.substr(from, to - from);
    i_ = to + tag.size();
    return {};
  }

  std::string_view s_;
  ast::Arena& arena_;
  std::vector<Token> tokens_;
  size_t i_ = 0;
  std::string scratch_;
  bool continued_ = false;
};

}  // namespace

namespace {

uint32_t CountCharacters(std::string_view text) {
  uint32_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

}  // namespace

uint32_t CharacterPosition(std::string_view text, size_t offset) {
  return 1 + CountCharacters(text.substr(0, offset));
}

CharacterPositions::CharacterPositions(std::string_view text) : text_(text) {
  before_.reserve(text.size() / kStride + 1);
  uint32_t count = 0;
  for (size_t i = 0; i <= text.size(); i += kStride) {
    before_.push_back(count);
    count += CountCharacters(text.substr(i, kStride));
  }
}

uint32_t CharacterPositions::At(size_t offset) const {
  offset = std::min(offset, text_.size());
  const size_t from = offset / kStride * kStride;
  return 1 + before_[offset / kStride] + CountCharacters(text_.substr(from, offset - from));
}

Result<std::vector<Token>> ReadTokens(std::string_view script, ast::Arena& arena) {
  return Reader(script, arena).Run();
}

}  // namespace skep::sql
