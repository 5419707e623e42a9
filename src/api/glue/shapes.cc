#include "api/glue/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>

#include "api/glue/shape_table.h"

namespace skep::glue {
namespace {

using api::Answer;
using api::Json;
using api::Refuse;

using shape_table::Kind;
using shape_table::kMembers;
using shape_table::Member;

// Names and their kin, of 1 to 255 characters, are one line (the model's SingleLineString).
bool IsOneLine(const std::string& text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// The rows of a shape.
std::span<const Member> MembersOf(std::string_view shape) {
  static const std::unordered_map<std::string_view, std::span<const Member>> shapes = [] {
    std::unordered_map<std::string_view, std::span<const Member>> made;
    for (size_t begin = 0, end = 0; begin < kMembers.size(); begin = end) {
      while (end < kMembers.size() && kMembers[end].shape == kMembers[begin].shape) end++;
      made.emplace(kMembers[begin].shape, std::span(kMembers).subspan(begin, end - begin));
    }
    return made;
  }();
  const auto found = shapes.find(shape);
  return found == shapes.end() ? std::span<const Member>() : found->second;
}

std::string Spelled(const std::string& path, std::string_view name) {
  std::string lower(name);
  if (!lower.empty() && lower.front() >= 'A' && lower.front() <= 'Z')
    lower.front() = static_cast<char>(lower.front() + 32);
  return path.empty() ? lower : path + "." + lower;
}

std::unexpected<api::Failure> Invalid(const std::string& value, const std::string& path,
                                      const std::string& constraint) {
  return Refuse(
      "InvalidInputException",
      fmt::format("1 validation error detected: Value {} at '{}' failed to satisfy constraint: {}",
                  value, path, constraint));
}

std::unexpected<api::Failure> WrongType(const std::string& path, std::string_view wanted) {
  return Refuse("SerializationException", fmt::format("The member '{}' must be {}.", path, wanted));
}

// Characters, not bytes.
int64_t Length(const std::string& text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

Answer<void> CheckText(const Json& value, const Member& member, const std::string& path) {
  if (!value.is_string()) return WrongType(path, "a string");
  const auto& text = value.get_ref<const std::string&>();
  const int64_t length = Length(text);
  if (length < member.least) {
    return Invalid(
        "'" + text + "'", path,
        fmt::format("Member must have length greater than or equal to {}", member.least));
  }
  if (length > member.most) {
    return Invalid("'" + text.substr(0, 100) + "...'", path,
                   fmt::format("Member must have length less than or equal to {}", member.most));
  }
  if (member.least == 1 && member.most == 255 && !IsOneLine(text)) {
    return Invalid("'" + text + "'", path,
                   "Member must satisfy regular expression pattern: "
                   "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*");
  }
  return {};
}

Answer<void> CheckWord(const Json& value, const Member& member, const std::string& path) {
  if (!value.is_string()) return WrongType(path, "a string");
  const auto& text = value.get_ref<const std::string&>();
  std::string_view words = member.of;
  while (!words.empty()) {
    const size_t bar = words.find('|');
    if (words.substr(0, bar) == text) return {};
    words.remove_prefix(bar == std::string_view::npos ? words.size() : bar + 1);
  }
  std::string listed;
  for (const char c : member.of) listed += c == '|' ? std::string(", ") : std::string(1, c);
  return Invalid("'" + text.substr(0, 100) + "'", path,
                 fmt::format("Member must satisfy enum value set: [{}]", listed));
}

Answer<Json> ReadStructure(const Json& input, std::string_view shape, const std::string& path);

Answer<Json> ReadMember(const Json& value, const Member& member, const std::string& path) {
  switch (member.kind) {
    case Kind::kText:
      if (auto checked = CheckText(value, member, path); !checked)
        return std::unexpected(checked.error());
      return value;
    case Kind::kWord:
      if (auto checked = CheckWord(value, member, path); !checked)
        return std::unexpected(checked.error());
      return value;
    case Kind::kInteger: {
      if (!value.is_number_integer()) return WrongType(path, "an integer");
      const auto number = value.get<int64_t>();
      if (number < member.least)
        return Invalid(
            fmt::format("'{}'", number), path,
            fmt::format("Member must have value greater than or equal to {}", member.least));
      if (number > member.most)
        return Invalid(fmt::format("'{}'", number), path,
                       fmt::format("Member must have value less than or equal to {}", member.most));
      return value;
    }
    case Kind::kTime:
      if (!value.is_number()) return WrongType(path, "a number of seconds");
      return value;
    case Kind::kNumber:
      if (!value.is_number()) return WrongType(path, "a number");
      return value;
    case Kind::kFlag:
      if (!value.is_boolean()) return WrongType(path, "true or false");
      return value;
    case Kind::kMap:
      if (!value.is_object()) return WrongType(path, "a map of strings");
      for (const auto& [key, element] : value.items()) {
        if (!element.is_string()) return WrongType(path + "." + key, "a string");
        if (Length(key) < member.least || Length(key) > member.most) {
          return Invalid("'" + key.substr(0, 100) + "'", path,
                         fmt::format("Map keys must have length between {} and {}", member.least,
                                     member.most));
        }
      }
      return value;
    case Kind::kTexts:
    case Kind::kWords:
    case Kind::kStructures: {
      if (!value.is_array()) return WrongType(path, "a list");
      if (static_cast<int64_t>(value.size()) > member.most_elements) {
        return Invalid(
            fmt::format("of {} elements", value.size()), path,
            fmt::format("Member must have length less than or equal to {}", member.most_elements));
      }
      Json out = Json::array();
      for (size_t i = 0; i < value.size(); i++) {
        const std::string at = fmt::format("{}.{}.member", path, i + 1);
        if (member.kind != Kind::kStructures) {
          const auto checked = member.kind == Kind::kWords ? CheckWord(value[i], member, at)
                                                           : CheckText(value[i], member, at);
          if (!checked) return std::unexpected(checked.error());
          out.push_back(value[i]);
        } else {
          auto read = ReadStructure(value[i], member.of, at);
          if (!read) return read;
          out.push_back(std::move(*read));
        }
      }
      return out;
    }
    case Kind::kStructure:
      return ReadStructure(value, member.of, path);
    case Kind::kAny:
      return value;
  }
  return value;
}

Answer<Json> ReadStructure(const Json& input, std::string_view shape, const std::string& path) {
  if (!input.is_object()) return WrongType(path, "an object");
  Json out = Json::object();
  for (const Member& member : MembersOf(shape)) {
    const auto found = input.find(member.name);
    const std::string at = Spelled(path, member.name);
    if (found == input.end() || found->is_null()) {
      if (member.required) return Invalid("null", at, "Member must not be null");
      continue;
    }
    auto read = ReadMember(*found, member, at);
    if (!read) return read;
    out[std::string(member.name)] = std::move(*read);
  }
  return out;
}

}  // namespace

Answer<Json> ReadShape(const Json& input, std::string_view shape) {
  return ReadStructure(input, shape, "");
}

}  // namespace skep::glue
