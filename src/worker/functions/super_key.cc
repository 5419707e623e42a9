#include "worker/functions/super_key.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "worker/functions/characters.h"
#include "worker/functions/super_number.h"
#include "worker/functions/super_value.h"

namespace skep::worker {
namespace {

// First bytes of keys. Below all of them: the end of an array or object.
constexpr char kEnd = '\x01';
constexpr char kFalse = '\x10';
constexpr char kTrue = '\x11';
constexpr char kNumber = '\x20';
constexpr char kString = '\x30';
constexpr char kArray = '\x40';
constexpr char kObject = '\x50';
constexpr char kNull = '\x60';

// Two bytes end a text; a zero inside of it is followed by a higher one.
void AppendText(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\x02');
  }
  out.push_back('\0');
  out.push_back('\x01');
}

void AppendStringKey(std::string& out, std::string_view quoted) {
  std::string room;
  const std::string_view text = WithoutTrailingBlanks(Unquoted(quoted, room));
  std::string folded;
  AppendInCase(folded, text, false);
  AppendText(out, folded);
  // Only what differs in case needs more to be told apart.
  AppendText(out, folded == text ? std::string_view() : text);
}

void Append(std::string& out, std::string_view value, size_t depth) {
  // Values are never deeper; bytes that are not ours might be.
  if (depth > kMaxSuperDepth) return;
  switch (KindOf(value)) {
    case SuperKind::kNull:
      out.push_back(kNull);
      return;
    case SuperKind::kBoolean:
      out.push_back(value.front() == 't' ? kTrue : kFalse);
      return;
    case SuperKind::kNumber:
      out.push_back(kNumber);
      AppendNumberKey(out, value);
      return;
    case SuperKind::kString:
      out.push_back(kString);
      AppendStringKey(out, value);
      return;
    case SuperKind::kArray: {
      out.push_back(kArray);
      ArrayElements elements(value);
      std::string_view element;
      while (elements.Next(element)) Append(out, element, depth + 1);
      out.push_back(kEnd);
      return;
    }
    case SuperKind::kObject: {
      out.push_back(kObject);
      std::vector<std::pair<std::string_view, std::string_view>> sorted;
      ObjectAttributes attributes(value);
      std::pair<std::string_view, std::string_view> attribute;
      while (attributes.Next(attribute.first, attribute.second)) sorted.push_back(attribute);
      std::sort(sorted.begin(), sorted.end());
      for (const auto& [name, content] : sorted) {
        out.push_back(kString);
        AppendText(out, name);
        Append(out, content, depth + 1);
      }
      out.push_back(kEnd);
      return;
    }
  }
}

}  // namespace

void AppendSortKey(std::string& out, std::string_view value) { Append(out, value, 0); }

bool CompareScalars(std::string_view a, std::string_view b, int& order) {
  const SuperKind kind = KindOf(a);
  if (kind != KindOf(b)) return false;
  switch (kind) {
    case SuperKind::kBoolean:
      order = static_cast<int>(a.front() == 't') - static_cast<int>(b.front() == 't');
      return true;
    case SuperKind::kNumber:
      order = CompareNumbers(a, b);
      return true;
    case SuperKind::kString: {
      std::string room_a;
      std::string room_b;
      order = WithoutTrailingBlanks(Unquoted(a, room_a))
                  .compare(WithoutTrailingBlanks(Unquoted(b, room_b)));
      return true;
    }
    default:
      return false;
  }
}

}  // namespace skep::worker
