#include "sql/lexer.h"

#include <algorithm>

namespace skep::sql::thin {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  const auto b = static_cast<unsigned char>(c);
  return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_' || b == '#' || b >= 0x80;
}
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c) || c == '$'; }
bool IsOperatorPart(char c) {
  return std::string_view("+-*/<>=~!@%^&|`?").find(c) != std::string_view::npos;
}

class Lexer {
 public:
  explicit Lexer(std::string_view script) : script_(script) {}

  Result<std::vector<Token>> Run() {
    if (const size_t zero = script_.find('\0'); zero != std::string_view::npos)
      return Bad("a statement holds no zero bytes", zero);
    std::vector<Token> tokens;
    while (true) {
      SKEP_TRY_ASSIGN(const bool spaced, SkipBlanks());
      Token token;
      token.offset = at_;
      token.spaced = spaced;
      if (at_ >= script_.size()) {
        tokens.push_back(token);
        return tokens;
      }
      SKEP_TRY(Next(token));
      token.text = script_.substr(token.offset, at_ - token.offset);
      tokens.push_back(std::move(token));
    }
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < script_.size() ? script_[at_ + ahead] : '\0';
  }
  std::unexpected<Error> Bad(std::string message, size_t offset) const {
    Error error{
        ErrorKind::kSyntaxError, std::move(message), {}, {}, CharacterPosition(script_, offset)};
    return std::unexpected(std::move(error));
  }

  Result<bool> SkipBlanks() {
    const size_t start = at_;
    while (at_ < script_.size()) {
      if (IsBlank(Peek())) {
        at_++;
      } else if (Peek() == '-' && Peek(1) == '-') {
        while (at_ < script_.size() && Peek() != '\n') at_++;
      } else if (Peek() == '/' && Peek(1) == '*') {
        const size_t begin = at_;
        size_t depth = 0;
        do {
          if (at_ >= script_.size()) return Bad("unterminated /* comment", begin);
          if (Peek() == '/' && Peek(1) == '*') {
            depth++;
            at_ += 2;
          } else if (Peek() == '*' && Peek(1) == '/') {
            depth--;
            at_ += 2;
          } else {
            at_++;
          }
        } while (depth > 0);
      } else {
        break;
      }
    }
    return at_ > start;
  }

  Result<void> Next(Token& token) {
    const char c = Peek();
    if (c == '\'') return QuotedString(token, false);
    if ((c == 'E' || c == 'e') && Peek(1) == '\'') {
      at_++;
      return QuotedString(token, true);
    }
    if (c == '"') return QuotedName(token);
    if (c == '$') return Dollar(token);
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(token);
    if (IsWordStart(c)) {
      token.kind = TokenKind::kWord;
      while (at_ < script_.size() && IsWordPart(Peek())) {
        const char w = script_[at_++];
        token.value.push_back(w >= 'A' && w <= 'Z' ? static_cast<char>(w + 32) : w);
      }
      return {};
    }
    token.kind = TokenKind::kOperator;
    if (c == ':' && Peek(1) == ':') {
      token.value = "::";
      at_ += 2;
      return {};
    }
    if (std::string_view("()[]{},;.:").find(c) != std::string_view::npos) {
      token.value = c;
      at_++;
      return {};
    }
    if (IsOperatorPart(c)) {
      while (IsOperatorPart(Peek())) {
        if ((Peek() == '-' && Peek(1) == '-') || (Peek() == '/' && Peek(1) == '*')) break;
        token.value.push_back(script_[at_++]);
        // A sign after another operator belongs to the number behind it: a<-1, a=+1, a*-1.
        if ((Peek() == '-' || Peek() == '+') &&
            std::string_view("~!@%^&|`?").find(token.value.front()) == std::string_view::npos)
          break;
      }
      return {};
    }
    return Bad("syntax error at or near \"" + std::string(1, c) + "\"", at_);
  }

  Result<void> QuotedString(Token& token, bool escapes) {
    const size_t begin = token.offset;
    token.kind = TokenKind::kString;
    at_++;
    while (true) {
      if (at_ >= script_.size()) return Bad("unterminated quoted string", begin);
      const char c = script_[at_++];
      if (c == '\'') {
        if (Peek() == '\'') {
          token.value.push_back('\'');
          at_++;
          continue;
        }
        return {};
      }
      if (c != '\\' || !escapes) {
        token.value.push_back(c);
        continue;
      }
      if (at_ >= script_.size()) return Bad("unterminated quoted string", begin);
      const char e = script_[at_++];
      switch (e) {
        case 'n':
          token.value.push_back('\n');
          break;
        case 't':
          token.value.push_back('\t');
          break;
        case 'r':
          token.value.push_back('\r');
          break;
        case 'b':
          token.value.push_back('\b');
          break;
        case 'f':
          token.value.push_back('\f');
          break;
        case 'x':
        case 'u':
        case 'U':
          return Bad("this escape is not offered: \\" + std::string(1, e), at_ - 2);
        default:
          if (e >= '0' && e <= '7') return Bad("octal escapes are not offered", at_ - 2);
          token.value.push_back(e);
      }
    }
  }

  Result<void> QuotedName(Token& token) {
    const size_t begin = token.offset;
    token.kind = TokenKind::kQuotedName;
    at_++;
    while (true) {
      if (at_ >= script_.size()) return Bad("unterminated quoted identifier", begin);
      const char c = script_[at_++];
      if (c == '"') {
        if (Peek() != '"') break;
        at_++;
      }
      token.value.push_back(c);
    }
    if (token.value.empty()) return Bad("zero-length delimited identifier", begin);
    return {};
  }

  Result<void> Dollar(Token& token) {
    if (IsDigit(Peek(1))) {
      token.kind = TokenKind::kParameter;
      at_++;
      while (IsDigit(Peek())) token.value.push_back(script_[at_++]);
      if (token.value.size() > 5) return Bad("there is no parameter $" + token.value, token.offset);
      return {};
    }
    size_t end = at_ + 1;
    while (end < script_.size() && IsWordPart(script_[end]) && script_[end] != '$') end++;
    if (end >= script_.size() || script_[end] != '$')
      return Bad("syntax error at or near \"$\"", at_);
    const std::string_view tag = script_.substr(at_, end + 1 - at_);
    const size_t close = script_.find(tag, end + 1);
    if (close == std::string_view::npos) return Bad("unterminated dollar-quoted string", at_);
    token.kind = TokenKind::kString;
    token.value = script_.substr(end + 1, close - end - 1);
    at_ = close + tag.size();
    return {};
  }

  Result<void> Number(Token& token) {
    token.kind = TokenKind::kNumber;
    const size_t begin = at_;
    while (IsDigit(Peek())) at_++;
    if (Peek() == '.' && Peek(1) != '.') {
      at_++;
      while (IsDigit(Peek())) at_++;
    }
    if ((Peek() == 'e' || Peek() == 'E') &&
        (IsDigit(Peek(1)) || ((Peek(1) == '+' || Peek(1) == '-') && IsDigit(Peek(2))))) {
      at_ += 2;
      while (IsDigit(Peek())) at_++;
    }
    if (IsWordStart(Peek()))
      return Bad("syntax error at or near \"" + std::string(1, Peek()) + "\"", at_);
    token.value = script_.substr(begin, at_ - begin);
    return {};
  }

  std::string_view script_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<Token>> Tokenize(std::string_view script) { return Lexer(script).Run(); }

uint32_t CharacterPosition(std::string_view text, size_t offset) {
  const auto before = text.substr(0, offset);
  return 1 + static_cast<uint32_t>(std::ranges::count_if(
                 before, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace skep::sql::thin
