#include "api/glue/partition_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <utility>

#include "base/text.h"

namespace skep::glue {
namespace {

constexpr size_t kMaxText = 2048;
constexpr int kMaxNesting = 200;
constexpr std::string_view kNullValue = "__HIVE_DEFAULT_PARTITION__";

enum class Comparison : uint8_t { kText, kNumber, kDate, kTimestamp };

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordPart(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::optional<Comparison> ComparisonOf(std::string_view type) {
  std::string base = Lower(type);
  base = base.substr(0, base.find('('));
  while (base.ends_with(' ')) base.pop_back();
  for (const char* text : {"string", "varchar", "char"}) {
    if (base == text) return Comparison::kText;
  }
  for (const char* number :
       {"int", "integer", "bigint", "long", "tinyint", "smallint", "decimal"}) {
    if (base == number) return Comparison::kNumber;
  }
  if (base == "date") return Comparison::kDate;
  if (base == "timestamp") return Comparison::kTimestamp;
  return std::nullopt;
}

// A value in a form whose bytes compare as its type does; numbers are split for CompareNumbers.
std::optional<std::string> Normalize(std::string_view text, Comparison how) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (how == Comparison::kNumber) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const size_t dot = text.find('.');
    std::string whole(text.substr(0, dot)),
        fraction(dot == std::string_view::npos ? "" : text.substr(dot + 1));
    if ((whole.empty() && fraction.empty()) || !std::ranges::all_of(whole, IsDigit) ||
        !std::ranges::all_of(fraction, IsDigit))
      return std::nullopt;
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
    while (fraction.ends_with('0')) fraction.pop_back();
    const bool zero = whole.empty() && fraction.empty();
    return (negative && !zero ? "-" : "+") + whole + "." + fraction;
  }
  std::string_view shape = "0000-00-00";
  std::string out(text);
  if (how == Comparison::kTimestamp) {
    if (out.size() > 10 && out[10] == 'T') out[10] = ' ';
    if (out.ends_with('Z')) out.pop_back();
    if (out.size() == 10) out += " 00:00:00";
    if (const size_t dot = out.find('.'); dot != std::string::npos) {
      if (dot != 19 || !std::ranges::all_of(out.substr(dot + 1), IsDigit)) return std::nullopt;
      while (out.ends_with('0')) out.pop_back();
      if (out.ends_with('.')) out.pop_back();
    }
    shape = "0000-00-00 00:00:00";
    if (out.size() < shape.size()) return std::nullopt;
  } else if (out.size() != shape.size()) {
    return std::nullopt;
  }
  for (size_t i = 0; i < shape.size(); i++) {
    if (shape[i] == '0' ? !IsDigit(out[i]) : out[i] != shape[i]) return std::nullopt;
  }
  return out;
}

// Both as Normalize made them.
std::strong_ordering CompareNumbers(const std::string& a, const std::string& b) {
  if (a.front() != b.front())
    return a.front() == '-' ? std::strong_ordering::less : std::strong_ordering::greater;
  const size_t a_dot = a.find('.'), b_dot = b.find('.');
  std::strong_ordering order = a_dot <=> b_dot;
  if (order == std::strong_ordering::equal) order = a <=> b;
  return a.front() == '-' ? 0 <=> order : order;
}

bool Like(std::string_view text, std::string_view pattern) {
  // Greedy with one point of return: linear in practice, never worse than the product of the
  // lengths.
  size_t t = 0, p = 0, star = std::string_view::npos, star_t = 0;
  while (t < text.size()) {
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    if (p < pattern.size() && !escaped && pattern[p] == '%') {
      star = p++;
      star_t = t;
    } else if (p < pattern.size() &&
               (escaped ? pattern[p + 1] == text[t] : pattern[p] == '_' || pattern[p] == text[t])) {
      p += escaped ? 2 : 1;
      t++;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_t;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') p++;
  return p == pattern.size();
}

enum class TokenKind : uint8_t { kEnd, kWord, kName, kText, kNumber, kSymbol };
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;   // as to be used
  std::string lower;  // words
};

}  // namespace

namespace {

constexpr uint8_t kFalse = 1, kNull = 2, kTrue = 4;

}  // namespace

struct PartitionFilter::Node {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kCompare, kIn, kLike, kIsNull } kind = Kind::kAnd;
  std::vector<std::shared_ptr<const Node>> children;
  size_t column = 0;
  Comparison how = Comparison::kText;
  std::string op;                   // kCompare
  std::vector<std::string> values;  // literals, normalized

  // What the node may be when only the first values are known: a set of kFalse, kNull and kTrue.
  uint8_t Evaluate(std::span<const std::string> partition) const {
    switch (kind) {
      case Kind::kAnd:
      case Kind::kOr: {
        const uint8_t absorbing = kind == Kind::kOr ? kTrue : kFalse;
        uint8_t may = kind == Kind::kOr ? kFalse : kTrue;
        for (const auto& child : children) {
          may = Join(may, child->Evaluate(partition), absorbing);
          if (may == absorbing) return may;
        }
        return may;
      }
      case Kind::kNot: {
        const uint8_t may = children.front()->Evaluate(partition);
        return static_cast<uint8_t>((may & kNull) | ((may & kTrue) != 0 ? kFalse : 0) |
                                    ((may & kFalse) != 0 ? kTrue : 0));
      }
      case Kind::kIsNull:
        if (column >= partition.size()) return kTrue | kFalse;
        return partition[column] == kNullValue ? kTrue : kFalse;
      default:
        break;
    }
    if (column >= partition.size()) return kTrue | kFalse | kNull;
    const std::string& raw = partition[column];
    if (raw == kNullValue) return kNull;
    if (kind == Kind::kLike) return Like(raw, values.front()) ? kTrue : kFalse;
    if (how == Comparison::kText) return Compare(raw) ? kTrue : kFalse;
    const std::optional<std::string> value = Normalize(raw, how);
    if (!value) return kNull;
    return Compare(*value) ? kTrue : kFalse;
  }

 private:
  // AND or OR of two sets; `absorbing` alone decides the outcome.
  static uint8_t Join(uint8_t a, uint8_t b, uint8_t absorbing) {
    const uint8_t neutral = absorbing ^ (kTrue | kFalse);
    uint8_t may = (a | b) & absorbing;
    if ((a & neutral) != 0 && (b & neutral) != 0) may |= neutral;
    if (((a & kNull) != 0 && (b & (neutral | kNull)) != 0) ||
        ((b & kNull) != 0 && (a & (neutral | kNull)) != 0))
      may |= kNull;
    return may;
  }

  bool Compare(const std::string& value) const {
    const auto compare = [&](const std::string& literal) {
      return how == Comparison::kNumber ? CompareNumbers(value, literal) : value <=> literal;
    };
    if (kind == Kind::kIn)
      return std::ranges::any_of(values,
                                 [&](const std::string& literal) { return compare(literal) == 0; });
    const auto order = compare(values.front());
    if (op == "=") return order == 0;
    if (op == "<>") return order != 0;
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    if (op == ">") return order > 0;
    return order >= 0;
  }
};

namespace {

using Node = PartitionFilter::Node;
using NodePointer = std::shared_ptr<const Node>;

class Parser {
 public:
  Parser(std::string_view text, const std::vector<PartitionKey>& keys) : text_(text), keys_(keys) {}

  Result<NodePointer> Run() {
    if (text_.size() > kMaxText)
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("The expression is longer than {} characters.", kMaxText));
    SKEP_TRY(Tokenize());
    SKEP_TRY_ASSIGN(NodePointer root, Or());
    if (Now().kind != TokenKind::kEnd) return Unsupported();
    return root;
  }

 private:
  std::unexpected<Error> Unsupported() const {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("Unsupported expression '{}'{}", text_,
                            Now().kind == TokenKind::kEnd ? ": it ends early"
                                                          : " near '" + Now().text + "'"));
  }
  const Token& Now() const { return tokens_[at_]; }
  bool Take(std::string_view word) {
    const bool is = (Now().kind == TokenKind::kWord && Now().lower == word) ||
                    (Now().kind == TokenKind::kSymbol && Now().text == word);
    if (is) at_++;
    return is;
  }

  Result<void> Tokenize() {
    size_t i = 0;
    const auto quoted = [&](char quote, TokenKind kind) {
      Token token{kind, {}, {}};
      for (i++; i < text_.size(); i++) {
        if (text_[i] != quote) {
          token.text += text_[i];
        } else if (i + 1 < text_.size() && text_[i + 1] == quote) {
          token.text += text_[i++];
        } else {
          i++;
          tokens_.push_back(std::move(token));
          return true;
        }
      }
      return false;
    };
    while (i < text_.size()) {
      const char c = text_[i];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        i++;
      } else if (c == '\'' || c == '"' || c == '`') {
        if (!quoted(c, c == '\'' ? TokenKind::kText : TokenKind::kName)) {
          return Fail(ErrorKind::kInvalidArgument,
                      fmt::format("Unsupported expression '{}': a quote is not closed", text_));
        }
      } else if (IsDigit(c) || ((c == '-' || c == '+' || c == '.') && i + 1 < text_.size() &&
                                (IsDigit(text_[i + 1]) || text_[i + 1] == '.'))) {
        const size_t begin = i++;
        while (i < text_.size() && (IsDigit(text_[i]) || text_[i] == '.')) i++;
        tokens_.push_back({TokenKind::kNumber, std::string(text_.substr(begin, i - begin)), {}});
      } else if (IsWordPart(c)) {
        const size_t begin = i;
        while (i < text_.size() && IsWordPart(text_[i])) i++;
        const std::string_view word = text_.substr(begin, i - begin);
        tokens_.push_back({TokenKind::kWord, std::string(word), Lower(word)});
      } else {
        std::string symbol(1, c);
        const std::string_view two = text_.substr(i, 2);
        if (two == "<>" || two == "!=" || two == "<=" || two == ">=") symbol = two;
        if (std::string_view("()<>=,!").find(c) == std::string_view::npos || symbol == "!") {
          return Fail(
              ErrorKind::kInvalidArgument,
              fmt::format("Unsupported expression '{}' near '{}'", text_, text_.substr(i, 10)));
        }
        i += symbol.size();
        tokens_.push_back({TokenKind::kSymbol, symbol == "!=" ? "<>" : symbol, {}});
      }
    }
    tokens_.emplace_back();
    return {};
  }

  Result<NodePointer> Or() { return Chain(Node::Kind::kOr, "or"); }
  Result<NodePointer> Chain(Node::Kind kind, std::string_view word) {
    const auto operand = [&] {
      return kind == Node::Kind::kOr ? Chain(Node::Kind::kAnd, "and") : Not();
    };
    auto node = std::make_shared<Node>();
    node->kind = kind;
    do {
      SKEP_TRY_ASSIGN(NodePointer child, operand());
      node->children.push_back(std::move(child));
    } while (Take(word));
    return node->children.size() == 1 ? node->children.front() : NodePointer(std::move(node));
  }

  static NodePointer Negate(NodePointer child) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kNot;
    node->children.push_back(std::move(child));
    return node;
  }

  Result<NodePointer> Not() {
    if (++nesting_ > kMaxNesting)
      return Fail(ErrorKind::kInvalidArgument, "The expression is too deeply nested.");
    Result<NodePointer> node = NodePointer();
    if (Take("not")) {
      node = Not();
      if (node) node = Negate(std::move(*node));
    } else if (Take("(")) {
      node = Or();
      if (node && !Take(")")) return Unsupported();
    } else {
      node = Predicate();
    }
    nesting_--;
    return node;
  }

  Result<void> Column(Node& node) {
    if (Now().kind != TokenKind::kWord && Now().kind != TokenKind::kName) return Unsupported();
    const std::string name = Lower(Now().text);
    const auto found = std::ranges::find_if(
        keys_, [&](const PartitionKey& key) { return Lower(key.name) == name; });
    if (found == keys_.end())
      return Fail(ErrorKind::kInvalidArgument, fmt::format("Unknown column '{}'", Now().text));
    const auto how = ComparisonOf(found->type);
    if (!how)
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("Unsupported type '{}' of column '{}'", found->type, found->name));
    node.column = static_cast<size_t>(found - keys_.begin());
    node.how = *how;
    at_++;
    return {};
  }

  bool AtLiteral() const {
    if (Now().kind == TokenKind::kText || Now().kind == TokenKind::kNumber) return true;
    return Now().kind == TokenKind::kWord &&
           (Now().lower == "date" || Now().lower == "timestamp") && at_ + 1 < tokens_.size() &&
           tokens_[at_ + 1].kind == TokenKind::kText;
  }
  Result<std::string> RawLiteral() {
    if (!AtLiteral()) return Unsupported();
    if (Now().kind == TokenKind::kWord) at_++;
    return tokens_[at_++].text;
  }
  Result<void> Literal(Node& node) {
    SKEP_TRY_ASSIGN(std::string text, RawLiteral());
    if (node.how != Comparison::kText) {
      auto value = Normalize(text, node.how);
      if (!value)
        return Fail(ErrorKind::kInvalidArgument,
                    fmt::format("'{}' is not a valid value for column '{}'", text,
                                keys_[node.column].name));
      text = std::move(*value);
    }
    node.values.push_back(std::move(text));
    return {};
  }

  bool Comparator(std::string& op) {
    if (Now().kind != TokenKind::kSymbol) return false;
    for (const char* known : {"=", "<>", "<=", ">=", "<", ">"}) {
      if (Now().text == known) {
        op = known;
        at_++;
        return true;
      }
    }
    return false;
  }

  Result<NodePointer> Predicate() {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kCompare;
    if (AtLiteral()) {  // literal op column
      const size_t literal = at_;
      SKEP_TRY(RawLiteral());
      if (!Comparator(node->op)) return Unsupported();
      SKEP_TRY(Column(*node));
      const size_t after = std::exchange(at_, literal);
      SKEP_TRY(Literal(*node));
      at_ = after;
      if (node->op.front() == '<' && node->op != "<>") {
        node->op.front() = '>';
      } else if (node->op.front() == '>') {
        node->op.front() = '<';
      }
      return node;
    }
    SKEP_TRY(Column(*node));
    if (Comparator(node->op)) {
      SKEP_TRY(Literal(*node));
      return node;
    }
    if (Take("is")) {
      const bool negated = Take("not");
      if (!Take("null")) return Unsupported();
      node->kind = Node::Kind::kIsNull;
      return negated ? Negate(std::move(node)) : NodePointer(std::move(node));
    }
    const bool negated = Take("not");
    NodePointer made;
    if (Take("in")) {
      node->kind = Node::Kind::kIn;
      if (!Take("(")) return Unsupported();
      do {
        SKEP_TRY(Literal(*node));
      } while (Take(","));
      if (!Take(")")) return Unsupported();
      made = std::move(node);
    } else if (Take("between")) {
      SKEP_TRY(Literal(*node));
      auto upper = std::make_shared<Node>(*node);
      upper->values.clear();
      node->op = ">=";
      upper->op = "<=";
      if (!Take("and")) return Unsupported();
      SKEP_TRY(Literal(*upper));
      auto both = std::make_shared<Node>();
      both->kind = Node::Kind::kAnd;
      both->children = {std::move(node), std::move(upper)};
      made = std::move(both);
    } else if (Take("like")) {
      node->kind = Node::Kind::kLike;
      SKEP_TRY_ASSIGN(std::string pattern, RawLiteral());
      node->values.push_back(std::move(pattern));
      made = std::move(node);
    } else {
      return Unsupported();
    }
    return negated ? Negate(std::move(made)) : made;
  }

  std::string_view text_;
  const std::vector<PartitionKey>& keys_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
};

}  // namespace

Result<PartitionFilter> PartitionFilter::Parse(std::string_view text,
                                               const std::vector<PartitionKey>& keys) {
  PartitionFilter filter;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return filter;
  SKEP_TRY_ASSIGN(filter.root_, Parser(text, keys).Run());
  return filter;
}

bool PartitionFilter::Matches(const std::vector<std::string>& values) const {
  return !root_ || root_->Evaluate(values) == kTrue;
}

bool PartitionFilter::MayMatch(std::span<const std::string> first_values) const {
  return !root_ || (root_->Evaluate(first_values) & kTrue) != 0;
}

namespace {

// The values that a comparison leaves to its column, where they are compared as text.
struct TextRange {
  std::optional<std::string> least, most;

  void AtLeast(const std::string& value) {
    if (!least || *least < value) least = value;
  }
  void AtMost(const std::string& value) {
    if (!most || value < *most) most = value;
  }
};

void Narrow(const Node& node, std::vector<TextRange>& ranges) {
  if (node.kind == Node::Kind::kAnd) {
    for (const auto& child : node.children) Narrow(*child, ranges);
  }
  if ((node.kind != Node::Kind::kCompare && node.kind != Node::Kind::kIn) ||
      node.how != Comparison::kText)
    return;
  TextRange& range = ranges[node.column];
  if (node.kind == Node::Kind::kIn) {
    const auto [least, most] = std::ranges::minmax_element(node.values);
    range.AtLeast(*least);
    range.AtMost(*most);
    return;
  }
  const std::string& value = node.values.front();
  if (node.op == "=" || node.op.starts_with('>')) range.AtLeast(value);
  if (node.op == "=" || node.op == "<" || node.op == "<=") range.AtMost(value);
}

}  // namespace

FirstValues PartitionFilter::First(size_t keys) const {
  FirstValues first;
  if (!root_) return first;
  std::vector<TextRange> ranges(keys);
  Narrow(*root_, ranges);
  for (TextRange& range : ranges) {
    if (range.least && range.least == range.most) {
      first.equal.push_back(std::move(*range.least));
      continue;
    }
    first.least = std::move(range.least);
    first.most = std::move(range.most);
    break;
  }
  return first;
}

}  // namespace skep::glue
