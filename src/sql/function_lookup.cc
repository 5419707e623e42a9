#include "sql/function_lookup.h"

#include <algorithm>
#include <unordered_map>

namespace skep::sql {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<Overload> ReadSignatures(std::string_view signatures) {
  std::vector<Overload> overloads;
  while (!signatures.empty()) {
    const size_t bar = signatures.find(" | ");
    std::string_view one = Trimmed(signatures.substr(0, bar));
    signatures = bar == std::string_view::npos ? std::string_view() : signatures.substr(bar + 3);
    const size_t open = one.find('('), close = one.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos) continue;
    Overload overload;
    overload.result = Trimmed(one.substr(close + 1));
    std::string_view inside = one.substr(open + 1, close - open - 1);
    bool optional = false;
    size_t begin = 0;
    const auto add = [&](size_t end) {
      const std::string_view word = Trimmed(inside.substr(begin, end - begin));
      if (!word.empty()) {
        overload.arguments.push_back(word);
        if (word.ends_with("..."))
          overload.variadic = true;
        else if (!optional)
          overload.required++;
      }
      begin = end + 1;
    };
    for (size_t i = 0; i < inside.size(); i++) {
      if (inside[i] == ',' || inside[i] == '[' || inside[i] == ']') {
        add(i);
        if (inside[i] == '[') optional = true;
      }
    }
    add(inside.size());
    overloads.push_back(std::move(overload));
  }
  return overloads;
}

struct Entry {
  const FunctionRow* row;
  std::vector<Overload> overloads;
  size_t least = 0, most = 0;
  size_t date_part = SIZE_MAX;  // index of the argument that is one
};

using Index = std::unordered_map<std::string_view, std::vector<Entry>>;

const Index& TheIndex() {
  static const Index index = [] {
    Index made;
    for (const FunctionRow& row : FunctionRows()) {
      Entry entry{&row, ReadSignatures(row.signatures), SIZE_MAX, 0};
      for (const Overload& overload : entry.overloads) {
        entry.least = std::min(entry.least, overload.required);
        entry.most = std::max(entry.most, overload.variadic ? SIZE_MAX : overload.arguments.size());
      }
      for (const Overload& overload : entry.overloads) {
        const auto part = std::ranges::find(overload.arguments, "datepart");
        if (part != overload.arguments.end())
          entry.date_part = static_cast<size_t>(part - overload.arguments.begin());
      }
      if (entry.overloads.empty()) entry.least = 0;
      made[row.name].push_back(std::move(entry));
    }
    return made;
  }();
  return index;
}

// How well a type suits a word of a signature; negative: not at all.
int Suits(const Type& type, std::string_view word) {
  if (word.ends_with("...")) word.remove_suffix(3);
  if (word == "any" || word == "datepart" || word == "typename") return 1;
  if (type.kind == TypeKind::kUnknown || type.kind == TypeKind::kNull) return 0;
  if (word == "number") return type.IsNumber() ? 2 : type.IsText() ? 0 : -1;
  if (word == "text") return type.IsText() ? 3 : 0;
  if (type.kind == TypeKind::kLiteral) return word == "varchar" || word == "char" ? 2 : 1;
  const Type wanted = SignatureType(word);
  if (wanted.kind == type.kind) return 4;
  if (wanted.IsInteger() && type.IsInteger()) return wanted.kind > type.kind ? 3 : 1;
  if (wanted.IsNumber() && type.IsNumber()) return 2;
  if (wanted.IsText() && type.IsText()) return 3;
  if (wanted.IsDateTime() && type.IsDateTime()) return 2;
  if (wanted.IsInterval() && type.IsInterval()) return 3;
  return wanted.IsText() ? 0 : -1;
}

}  // namespace

namespace {

// By name, as the rows of a name stand together; a handful at most.
const Entry* EntryOf(const FunctionRow& row) {
  const auto found = TheIndex().find(row.name);
  if (found == TheIndex().end()) return nullptr;
  const auto entry = std::ranges::find(found->second, &row, &Entry::row);
  return entry == found->second.end() ? nullptr : &*entry;
}

}  // namespace

const std::vector<Overload>& OverloadsOf(const FunctionRow& row) {
  static const std::vector<Overload> kNone;
  const Entry* entry = EntryOf(row);
  return entry ? entry->overloads : kNone;
}

size_t DatePartOf(const FunctionRow& row) {
  const Entry* entry = EntryOf(row);
  return entry ? entry->date_part : SIZE_MAX;
}

const FunctionRow* FindFunctionRow(std::string_view name, size_t arguments, bool* name_known) {
  const auto found = TheIndex().find(name);
  if (name_known) *name_known = found != TheIndex().end();
  if (found == TheIndex().end()) return nullptr;
  for (const Entry& entry : found->second) {
    if (arguments >= entry.least && arguments <= entry.most) return entry.row;
  }
  return nullptr;
}

namespace {

// The overload that suits these types best, and how well; nullptr and -1 when none does. `alone`:
// none that suits as well has another result.
std::pair<const Overload*, int> BestOverload(const Entry& entry, const std::vector<Type>& types,
                                             bool* alone = nullptr) {
  const Overload* best = nullptr;
  int best_score = -1;
  for (const Overload& overload : entry.overloads) {
    if (types.size() < overload.required ||
        (!overload.variadic && types.size() > overload.arguments.size()))
      continue;
    int score = 0;
    for (size_t i = 0; i < types.size() && score >= 0; i++) {
      const std::string_view word = overload.arguments[std::min(i, overload.arguments.size() - 1)];
      const int one = Suits(types[i], word);
      score = one < 0 ? -1 : score + one;
    }
    if (alone && best && score == best_score) *alone &= overload.result == best->result;
    if (score > best_score) {
      best_score = score;
      best = &overload;
      if (alone) *alone = true;
    }
  }
  return {best, best_score};
}

}  // namespace

const FunctionRow* FindFunctionRow(std::string_view name, const std::vector<Type>& arguments) {
  const auto found = TheIndex().find(name);
  if (found == TheIndex().end()) return nullptr;
  const FunctionRow* best = nullptr;
  int best_score = -2;
  for (const Entry& entry : found->second) {
    if (arguments.size() < entry.least || arguments.size() > entry.most) continue;
    const int score = BestOverload(entry, arguments).second;
    if (score > best_score) {
      best_score = score;
      best = entry.row;
    }
  }
  return best;
}

Type ResultType(const FunctionRow& row, const std::vector<Type>& arguments) {
  const Entry* entry = EntryOf(row);
  bool alone = true;
  const Overload* best = entry ? BestOverload(*entry, arguments, &alone).first : nullptr;
  if (!best) return {};
  const bool open =
      std::ranges::any_of(arguments, [](const Type& t) { return t.kind == TypeKind::kUnknown; });
  if (open && !alone) return {};  // the engine knows the argument's type, and so the result's
  if (best->result == "same") {
    if (arguments.empty()) return {};
    Type type = arguments[0];
    if (type.kind == TypeKind::kLiteral || type.kind == TypeKind::kNull) return {};
    return type;
  }
  return SignatureType(best->result);
}

}  // namespace skep::sql
