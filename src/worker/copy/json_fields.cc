#include "worker/copy/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "worker/functions/json_reader.h"

namespace skep::worker::copy {
namespace {

constexpr FieldFault kInvalidJson = {1216, "Invalid JSON"};
constexpr JsonOptions kRecord{.duplicates = Duplicates::kKeepLast, .truncate_strings = true};

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ','; }

// Past one path's steps: ".name", "['name']", "[0]".
bool ReadPath(std::string_view text, JsonPath& path) {
  if (!text.starts_with('$')) return false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text.starts_with('.')) {
      const size_t end = std::min(text.find_first_of(".[", 1), text.size());
      if (end == 1) return false;
      path.emplace_back(std::string(text.substr(1, end - 1)));
      text.remove_prefix(end);
    } else if (text.starts_with("['") || text.starts_with("[\"")) {
      const size_t end = text.find(std::string(1, text[1]) + "]", 2);
      if (end == std::string_view::npos) return false;
      path.emplace_back(std::string(text.substr(2, end - 2)));
      text.remove_prefix(end + 2);
    } else if (text.starts_with('[')) {
      const size_t end = text.find(']');
      int64_t index = 0;
      if (end == std::string_view::npos) return false;
      const auto read = std::from_chars(text.data() + 1, text.data() + end, index);
      if (read.ec != std::errc() || read.ptr != text.data() + end || index < 0) return false;
      path.emplace_back(index);
      text.remove_prefix(end + 1);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<std::vector<JsonPath>> ReadJsonPaths(std::string_view text, std::string_view name) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto list = json.is_object() ? json.find("jsonpaths") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array())
    return Fail(ErrorKind::kDataException,
                fmt::format("{} is not a jsonpaths file: it has no array \"jsonpaths\"", name));
  std::vector<JsonPath> paths;
  for (const auto& one : *list) {
    JsonPath path;
    if (!one.is_string() || !ReadPath(one.get<std::string>(), path))
      return Fail(ErrorKind::kDataException,
                  fmt::format("{}: JSONPath {} is not valid", name, paths.size() + 1));
    paths.push_back(std::move(path));
  }
  return paths;
}

JsonReader::JsonReader(const sql::CopyPlan& plan, std::vector<JsonPath> paths)
    : plan_(plan), paths_(std::move(paths)) {
  for (const auto& column : plan.columns) AppendQuoted(keys_.emplace_back(), column.name);
}

// The next object of the batch, which ends where its braces close.
bool JsonReader::Cut() {
  size_t at = 0;
  while (at < rest_.size() && IsBlank(rest_[at])) next_line_ += rest_[at++] == '\n' ? 1 : 0;
  rest_.remove_prefix(at);
  line_ = next_line_;
  if (rest_.empty()) return false;
  size_t depth = 0, end = rest_.size();
  bool quoted = false;
  for (size_t i = 0; i < rest_.size(); i++) {
    const char c = rest_[i];
    if (quoted) {
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
      end = i + 1;
      break;
    } else if (c == '\n' && depth == 0) {  // something that is no object
      end = i;
      break;
    }
  }
  record_ = rest_.substr(0, end);
  next_line_ += static_cast<uint64_t>(std::ranges::count(record_, '\n'));
  rest_.remove_prefix(end);
  return true;
}

bool JsonReader::Next() {
  if (!Cut()) return false;
  fields_.clear();
  made_.clear();
  fault_.reset();
  if (Canonical(record_, kRecord, text_) != JsonFault::kNone) {
    fault_ = kInvalidJson;
    return true;
  }
  if (plan_.json == "noshred") {
    fields_.push_back({text_, false, 0});
    return true;
  }
  const SuperKind kind = KindOf(text_);
  if (kind != SuperKind::kObject && !(kind == SuperKind::kArray && !paths_.empty())) {
    fault_ = kInvalidJson;
    return true;
  }
  for (size_t i = 0; i < plan_.columns.size(); i++) Find(i);
  return true;
}

void JsonReader::Find(size_t column) {
  std::string_view value = text_;
  bool found = true;
  if (!paths_.empty()) {
    for (const auto& step : paths_[column]) {
      const SuperKind kind = KindOf(value);
      if (const auto* name = std::get_if<std::string>(&step)) {
        std::string quoted;
        AppendQuoted(quoted, *name);
        found = kind == SuperKind::kObject && FindAttribute(value, quoted, value);
      } else {
        found = kind == SuperKind::kArray && FindElement(value, std::get<int64_t>(step), value);
      }
      if (!found) break;
    }
  } else if (plan_.json == "auto ignorecase") {
    ObjectAttributes attributes(text_);
    std::string_view key, each;
    found = false;
    const std::string wanted = Lower(keys_[column]);
    while (attributes.Next(key, each)) {
      if (Lower(key) != wanted) continue;
      value = each;
      found = true;
    }
  } else {
    found = FindAttribute(text_, keys_[column], value);
  }
  const SuperKind kind = found ? KindOf(value) : SuperKind::kNull;
  const bool super = plan_.columns[column].type.IsSuper();
  if (kind == SuperKind::kNull) {
    fields_.push_back({{}, true, 0});
  } else if (kind == SuperKind::kString && !super) {
    std::string& room = made_.emplace_back();
    const std::string_view text = Unquoted(value, room);
    fields_.push_back({text, text == plan_.null_text, 0});
  } else {
    fields_.push_back({value, false, 0});
  }
}

}  // namespace skep::worker::copy
