#include "api/glue/name_pattern.h"

#include <fmt/format.h>

#include <utility>

namespace skep::glue {

namespace {
constexpr int kMaxNesting = 100;
}  // namespace

// Recursive descent over the pattern; emits Thompson's construction.
class PatternCompiler {
 public:
  explicit PatternCompiler(std::string_view pattern) : pattern_(pattern) {
    if (pattern_.starts_with('^')) pattern_.remove_prefix(1);
    if (pattern_.ends_with('$') && !pattern_.ends_with("\\$")) pattern_.remove_suffix(1);
  }

  Result<NamePattern> Run() {
    SKEP_TRY(Alternatives());
    if (at_ < pattern_.size()) return Bad("unmatched )");
    Emit(NamePattern::Op::kEnd);
    return std::move(out_);
  }

 private:
  using Op = NamePattern::Op;

  std::unexpected<Error> Bad(std::string_view why) const {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("The expression '{}' cannot be used: {}", pattern_, why));
  }
  char Peek() const { return at_ < pattern_.size() ? pattern_[at_] : '\0'; }
  bool More() const { return at_ < pattern_.size(); }
  size_t Emit(Op op) {
    out_.steps_.push_back({op, {}, 0, 0});
    return out_.steps_.size() - 1;
  }
  // Makes room for one step before `at`.
  void Insert(size_t at, Op op) {
    out_.steps_.insert(out_.steps_.begin() + static_cast<std::ptrdiff_t>(at), {op, {}, 0, 0});
    for (size_t i = at + 1; i < out_.steps_.size(); i++) {
      if (out_.steps_[i].to >= at) out_.steps_[i].to++;
      if (out_.steps_[i].or_to >= at) out_.steps_[i].or_to++;
    }
  }

  Result<void> Alternatives() {
    if (++nesting_ > kMaxNesting) return Bad("too deeply nested");
    const size_t begin = out_.steps_.size();
    SKEP_TRY(Sequence());
    std::vector<size_t> ends;
    while (Peek() == '|' && More()) {
      at_++;
      Insert(begin, Op::kSplit);
      for (size_t& end : ends) end++;
      ends.push_back(Emit(Op::kJump));
      out_.steps_[begin].to = begin + 1;
      out_.steps_[begin].or_to = out_.steps_.size();
      SKEP_TRY(Sequence());
    }
    for (const size_t end : ends) out_.steps_[end].to = out_.steps_.size();
    nesting_--;
    return {};
  }

  Result<void> Sequence() {
    while (More() && Peek() != '|' && Peek() != ')') {
      const size_t begin = out_.steps_.size();
      SKEP_TRY(Atom());
      while (More() && (Peek() == '*' || Peek() == '+' || Peek() == '?')) {
        Repeat(begin, pattern_[at_++]);
      }
      if (Peek() == '{' && More()) return Bad("counted repetition is not offered");
    }
    return {};
  }

  void Repeat(size_t begin, char how) {
    if (how == '+') {
      const size_t split = Emit(Op::kSplit);
      out_.steps_[split].to = begin;
      out_.steps_[split].or_to = split + 1;
      return;
    }
    Insert(begin, Op::kSplit);
    if (how == '*') out_.steps_[Emit(Op::kJump)].to = begin;
    out_.steps_[begin].to = begin + 1;
    out_.steps_[begin].or_to = out_.steps_.size();
  }

  Result<void> Atom() {
    const char c = pattern_[at_++];
    switch (c) {
      case '(':
        if (Peek() == '?') {
          at_++;
          if (Peek() != ':') return Bad("look-around and named groups are not offered");
          at_++;
        }
        SKEP_TRY(Alternatives());
        if (Peek() != ')' || !More()) return Bad("a ( is not closed");
        at_++;
        return {};
      case '[':
        return Class();
      case '*':
      case '+':
      case '?':
        return Bad("nothing to repeat");
      case '{':
        return Bad("counted repetition is not offered");
      case '^':
      case '$':
        return Bad("an anchor stands inside the pattern");
      case '.': {
        out_.steps_[Emit(Op::kSet)].set.set();
        return {};
      }
      case '\\': {
        SKEP_TRY_ASSIGN(const auto set, Escape());
        out_.steps_[Emit(Op::kSet)].set = set;
        return {};
      }
      default:
        out_.steps_[Emit(Op::kSet)].set.set(static_cast<unsigned char>(c));
        return {};
    }
  }

  Result<std::bitset<256>> Escape() {
    if (!More()) return Bad("it ends with a backslash");
    const char c = pattern_[at_++];
    std::bitset<256> set;
    const auto range = [&set](int from, int to) {
      for (int i = from; i <= to; i++) set.set(static_cast<size_t>(i));
    };
    switch (c) {
      case 'd':
      case 'D':
        range('0', '9');
        break;
      case 'w':
      case 'W':
        range('0', '9');
        range('a', 'z');
        range('A', 'Z');
        set.set('_');
        break;
      case 's':
      case 'S':
        for (const char blank : {' ', '\t', '\n', '\r', '\f', '\v'})
          set.set(static_cast<unsigned char>(blank));
        break;
      default:
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
          return Bad(fmt::format("\\{} is not offered", c));
        set.set(static_cast<unsigned char>(c));
        return set;
    }
    if (c < 'a') set.flip();
    return set;
  }

  Result<void> Class() {
    std::bitset<256> set;
    const bool negated = Peek() == '^';
    if (negated) at_++;
    bool first = true;
    while (More() && (Peek() != ']' || first)) {
      first = false;
      const char c = pattern_[at_++];
      if (c == '\\') {
        SKEP_TRY_ASSIGN(const auto escaped, Escape());
        set |= escaped;
        continue;
      }
      if (Peek() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
        const char to = pattern_[at_ + 1];
        at_ += 2;
        if (static_cast<unsigned char>(to) < static_cast<unsigned char>(c) || to == '\\')
          return Bad("a range in [] runs backwards");
        for (int i = static_cast<unsigned char>(c); i <= static_cast<unsigned char>(to); i++)
          set.set(static_cast<size_t>(i));
        continue;
      }
      set.set(static_cast<unsigned char>(c));
    }
    if (!More()) return Bad("a [ is not closed");
    at_++;
    if (negated) set.flip();
    out_.steps_[Emit(Op::kSet)].set = set;
    return {};
  }

  std::string_view pattern_;
  size_t at_ = 0;
  int nesting_ = 0;
  NamePattern out_;
};

Result<NamePattern> NamePattern::Compile(std::string_view pattern) {
  return PatternCompiler(pattern).Run();
}

void NamePattern::Follow(size_t at, std::vector<size_t>& list, std::vector<bool>& seen) const {
  std::vector<size_t> open = {at};
  while (!open.empty()) {
    at = open.back();
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    const Step& step = steps_[at];
    if (step.op == Op::kJump) open.push_back(step.to);
    if (step.op == Op::kSplit) {
      open.push_back(step.to);
      open.push_back(step.or_to);
    }
    if (step.op == Op::kSet || step.op == Op::kEnd) list.push_back(at);
  }
}

bool NamePattern::Matches(std::string_view name) const {
  std::vector<size_t> now, next;
  std::vector<bool> seen(steps_.size());
  Follow(0, now, seen);
  for (const char c : name) {
    next.clear();
    seen.assign(steps_.size(), false);
    for (const size_t at : now) {
      if (steps_[at].op == Op::kSet && steps_[at].set.test(static_cast<unsigned char>(c)))
        Follow(at + 1, next, seen);
    }
    std::swap(now, next);
  }
  for (const size_t at : now) {
    if (steps_[at].op == Op::kEnd) return true;
  }
  return false;
}

std::string AsExpression(const std::string& pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); i++) {
    const bool repeats =
        i > 0 && (pattern[i - 1] == '.' || pattern[i - 1] == ')' || pattern[i - 1] == ']');
    if (pattern[i] == '*' && !repeats) out += '.';
    out += pattern[i];
  }
  return out;
}

}  // namespace skep::glue
