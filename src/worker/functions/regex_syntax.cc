#include "worker/functions/regex_syntax.h"

#include <duckdb.hpp>

#include "worker/functions/ascii.h"
#include "worker/functions/characters.h"

namespace skep::worker {
namespace {

using std::string_view;

[[noreturn]] void Invalid(string_view what, string_view pattern) {
  throw duckdb::InvalidInputException("invalid regular expression: %s: '%s'", std::string(what),
                                      std::string(CutToBytes(pattern, 200)));
}

constexpr string_view kSpecial = "\\^$.[]|()?*+{}";

void AppendLiteral(std::string& out, string_view character) {
  if (character.size() == 1 && kSpecial.find(character[0]) != string_view::npos)
    out.push_back('\\');
  out += character;
}

// The bounds of "{m}", "{m,}" or "{m,n}" at `at`, braces included; empty when it is none of them.
string_view BoundsAt(string_view pattern, size_t at) {
  size_t i = at + 1;
  const auto digits = [&] {
    const size_t from = i;
    while (i < pattern.size() && IsDigit(pattern[i])) i++;
    return i - from;
  };
  const size_t first = digits();
  if (first == 0) return {};
  if (i < pattern.size() && pattern[i] == ',') {
    i++;
    digits();
  }
  if (i >= pattern.size() || pattern[i] != '}') return {};
  return pattern.substr(at, i + 1 - at);
}

// "[:alpha:]", "[.x.]" or "[=x=]" at `at` inside of brackets; empty when it is none of them.
string_view NamedElementAt(string_view pattern, size_t at) {
  if (at + 1 >= pattern.size()) return {};
  const char kind = pattern[at + 1];
  if (kind != ':' && kind != '.' && kind != '=') return {};
  const char close[] = {kind, ']', 0};
  const size_t end = pattern.find(close, at + 2);
  return end == string_view::npos ? string_view() : pattern.substr(at, end + 2 - at);
}

class PosixTranslator {
 public:
  explicit PosixTranslator(string_view pattern) : in_(pattern) {}

  TranslatedRegex Run() {
    while (at_ < in_.size()) Step();
    if (depth_ > 0) Invalid("parentheses () not balanced", in_);
    return std::move(out_);
  }

 private:
  struct Atom {
    size_t begin;  // in the output; a quantifier may have to put it into a group
    bool group;
    bool repeated;  // has a quantifier already
  };

  void Step() {
    const char c = in_[at_];
    switch (c) {
      case '\\':
        return Escape();
      case '[':
        return Brackets();
      case '(':
        return Open();
      case ')':
        return Close();
      case '|':
        out_.pattern.push_back('|');
        out_.ambiguous = true;
        atom_ = false;
        at_++;
        return;
      case '*':
      case '+':
      case '?':
        Quantify(in_.substr(at_, 1));
        return;
      case '{': {
        const string_view bounds = BoundsAt(in_, at_);
        if (!bounds.empty()) return Quantify(bounds);
        return Literal();
      }
      case '^':
      case '$':
        // An anchor is nothing to repeat.
        out_.pattern.push_back(c);
        atom_ = false;
        at_++;
        return;
      case '.':
        Begin(false);
        out_.pattern.push_back('.');
        at_++;
        return;
      default:
        return Literal();
    }
  }

  void Begin(bool group) {
    last_ = {out_.pattern.size(), group, false};
    atom_ = true;
  }

  void Literal() {
    Begin(false);
    const string_view character = in_.substr(at_, FirstLength(in_.substr(at_)));
    AppendLiteral(out_.pattern, character);
    at_ += character.size();
  }

  void Quantify(string_view quantifier) {
    if (!atom_) Invalid("invalid preceding regular expression prior to repetition operator", in_);
    // A second quantifier repeats what the first made; for PCRE2 it would change its greed.
    if (last_.repeated) {
      if (++depth_added_ > kMaxDepth) Invalid("too many quantifiers", in_);
      out_.pattern.insert(last_.begin, "(?:");
      out_.pattern.push_back(')');
      out_.ambiguous = true;
    }
    out_.ambiguous |= last_.group;
    out_.pattern += quantifier;
    last_.repeated = true;
    at_ += quantifier.size();
  }

  void Open() {
    if (at_ + 1 < in_.size() && (in_[at_ + 1] == '?' || in_[at_ + 1] == '*'))
      Invalid("invalid preceding regular expression prior to repetition operator", in_);
    // No deeper than PCRE2's own limit, which would be an error, too.
    if (++depth_ > kMaxDepth) Invalid("parentheses are nested too deeply", in_);
    opened_[depth_ - 1] = out_.pattern.size();
    out_.pattern.push_back('(');
    atom_ = false;
    at_++;
  }

  void Close() {
    if (depth_ == 0) Invalid("parentheses () not balanced", in_);
    out_.pattern.push_back(')');
    last_ = {opened_[--depth_], true, false};
    atom_ = true;
    at_++;
  }

  void Escape() {
    if (at_ + 1 >= in_.size()) Invalid("invalid escape \\ sequence", in_);
    const char c = in_[at_ + 1];
    std::string& out = out_.pattern;
    const auto take = [&](string_view text) {
      out += text;
      at_ += 2;
    };
    const auto atom = [&](string_view text) {
      Begin(false);
      take(text);
    };
    const auto assertion = [&](string_view text) {
      atom_ = false;
      take(text);
    };
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 's':
      case 'S':
      case 'n':
      case 't':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
        return atom(in_.substr(at_, 2));
      case 'v':
        return atom("\\x0b");
      case 'l':
        return atom("[[:lower:]]");
      case 'u':
        return atom("[[:upper:]]");
      case 'L':
        return atom("[^[:lower:]]");
      case 'U':
        return atom("[^[:upper:]]");
      case 'b':
      case 'B':
      case 'A':
      case 'z':
      case 'Z':
        return assertion(in_.substr(at_, 2));
      case '`':
        return assertion("\\A");
      case '\'':
        return assertion("\\z");
      case '<':
        return assertion("\\b(?=\\w)");
      case '>':
        return assertion("\\b(?<=\\w)");
      case 'x':
        if (at_ + 3 < in_.size() && HexDigit(in_[at_ + 2]) >= 0 && HexDigit(in_[at_ + 3]) >= 0) {
          atom(in_.substr(at_, 2));
          out += in_.substr(at_, 2);
          at_ += 2;
          return;
        }
        return atom("x");
      default:
        break;
    }
    if (c >= '1' && c <= '9') {
      out_.back_references = true;
      Begin(false);
      // Braces keep a following digit out of the number.
      out += "\\g{";
      out.push_back(c);
      out.push_back('}');
      at_ += 2;
      return;
    }
    at_++;
    Literal();
  }

  void Brackets() {
    const size_t start = at_++;
    Begin(false);
    std::string& out = out_.pattern;
    out.push_back('[');
    if (at_ < in_.size() && in_[at_] == '^') {
      out.push_back('^');
      at_++;
    }
    for (bool first = true;; first = false) {
      if (at_ >= in_.size()) Invalid("brackets [] not balanced", in_.substr(start));
      const char c = in_[at_];
      if (c == ']' && !first) break;
      if (c == ']') {
        out += "\\]";
        at_++;
      } else if (c == '[') {
        const string_view element = NamedElementAt(in_, at_);
        if (element.empty()) {
          out += "\\[";
          at_++;
        } else {
          if (element[1] == ':') {
            out += element;
          } else {
            const string_view character = element.substr(2, element.size() - 4);
            if (character.empty() || character.size() != FirstLength(character))
              Invalid("invalid collating element", element);
            AppendInBrackets(character);
          }
          at_ += element.size();
        }
      } else if (c == '\\' && at_ + 1 < in_.size()) {
        // POSIX would take the backslash itself; patterns in use mean an escape.
        const string_view rest = in_.substr(at_ + 1);
        const string_view character = rest.substr(0, FirstLength(rest));
        static constexpr string_view kKnown = "dDwWsSntrf";
        if (character.size() == 1 && kKnown.find(character[0]) != string_view::npos) {
          out.push_back('\\');
          out += character;
        } else {
          AppendInBrackets(character);
        }
        at_ += 1 + character.size();
      } else {
        out.push_back(c);
        at_++;
      }
    }
    out.push_back(']');
    at_++;
  }

  void AppendInBrackets(string_view character) {
    static constexpr string_view kOwn = "\\]^[-";
    if (character.size() == 1 && kOwn.find(character[0]) != string_view::npos)
      out_.pattern.push_back('\\');
    out_.pattern += character;
  }

  static constexpr size_t kMaxDepth = 200;

  string_view in_;
  size_t at_ = 0;
  TranslatedRegex out_;
  size_t opened_[kMaxDepth] = {};
  size_t depth_ = 0;
  size_t depth_added_ = 0;
  Atom last_ = {0, false, false};
  bool atom_ = false;  // whether something stands before that a quantifier may follow
};

}  // namespace

TranslatedRegex FromPosix(string_view pattern) { return PosixTranslator(pattern).Run(); }

std::string FromSimilar(string_view pattern, string_view escape) {
  if (!escape.empty() && escape.size() != FirstLength(escape))
    throw duckdb::InvalidInputException("invalid escape string: it must be empty or one character");
  // First into POSIX syntax, where only % and _ and the anchors differ, then as any other.
  const string_view whole = pattern;
  std::string posix;
  bool in_brackets = false;
  while (!pattern.empty()) {
    string_view c = pattern.substr(0, FirstLength(pattern));
    pattern.remove_prefix(c.size());
    if (!escape.empty() && c == escape) {
      if (pattern.empty()) Invalid("it must not end with the escape character", whole);
      c = pattern.substr(0, FirstLength(pattern));
      pattern.remove_prefix(c.size());
      // As PostgreSQL does, so that the classes \d, \s and \w may be written here, too.
      posix.push_back('\\');
      posix += c;
    } else if (in_brackets) {
      if (c == "]") in_brackets = false;
      if (c == "\\") posix.push_back('\\');
      // A class has a bracket of its own.
      if (c == "[") {
        const size_t end = pattern.starts_with(':') ? pattern.find(":]") : string_view::npos;
        if (end != string_view::npos) {
          posix += c;
          posix += pattern.substr(0, end + 2);
          pattern.remove_prefix(end + 2);
          continue;
        }
      }
      posix += c;
    } else if (c == "[") {
      in_brackets = true;
      posix += c;
      if (pattern.starts_with('^')) {
        posix.push_back('^');
        pattern.remove_prefix(1);
      }
      if (pattern.starts_with(']')) {
        posix.push_back(']');
        pattern.remove_prefix(1);
      }
    } else if (c == "%") {
      posix += ".*";
    } else if (c == "_") {
      posix.push_back('.');
    } else if (c == "^" || c == "$" || c == "." || c == "\\") {
      AppendLiteral(posix, c);
    } else {
      posix += c;
    }
  }
  return "\\A(?:" + FromPosix(posix).pattern + ")\\z";
}

}  // namespace skep::worker
