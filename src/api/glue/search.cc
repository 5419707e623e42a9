#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "api/glue/operations.h"
#include "base/text.h"

namespace skep::glue {
namespace {

constexpr size_t kSearchPage = 1000;
constexpr std::array kTimes = {"CreateTime", "UpdateTime", "LastAccessTime", "LastAnalyzedTime"};

// All texts of a table that a search looks at, in lower case: names, comments, parameters.
void Gather(const Json& json, std::vector<std::string>& texts) {
  if (json.is_string()) {
    texts.push_back(Lower(json.get<std::string>()));
  } else if (json.is_object()) {
    for (const auto& [key, value] : json.items()) Gather(value, texts);
  } else if (json.is_array()) {
    for (const Json& value : json) Gather(value, texts);
  }
}

std::vector<std::string> TextsOf(const Json& table) {
  std::vector<std::string> texts;
  for (const char* member : {"Name", "DatabaseName", "Description", "Owner", "TableType",
                             "Parameters", "PartitionKeys"}) {
    if (table.contains(member)) Gather(table[member], texts);
  }
  const Json storage = table.value("StorageDescriptor", Json::object());
  for (const char* member : {"Columns", "Location", "Parameters"}) {
    if (storage.contains(member)) Gather(storage[member], texts);
  }
  return texts;
}

// In quotes: a text that is exactly this. Otherwise every word is somewhere.
bool Holds(const std::vector<std::string>& texts, std::string_view search) {
  const std::string wanted = Lower(search);
  if (wanted.size() > 2 && wanted.front() == '"' && wanted.back() == '"')
    return std::ranges::find(texts, wanted.substr(1, wanted.size() - 2)) != texts.end();
  for (size_t begin = 0; begin < wanted.size();) {
    const size_t end = std::min(wanted.find(' ', begin), wanted.size());
    const std::string word = wanted.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (std::ranges::none_of(
            texts, [&](const std::string& t) { return t.find(word) != std::string::npos; }))
      return false;
  }
  return true;
}

// A member of the table, or one of its parameters.
Json FieldOf(const Json& table, const std::string& name) {
  if (const auto found = table.find(name); found != table.end()) return *found;
  const Json parameters = table.value("Parameters", Json::object());
  const auto found = parameters.find(name);
  return found == parameters.end() ? Json() : *found;
}

// Seconds or milliseconds since the epoch, or a date of ISO 8601 with or without time (UTC).
std::optional<double> ReadTime(const std::string& text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size())
    return number > 1e11 ? number / 1000 : number;
  std::array<int, 6> parts{};
  size_t at = 0;
  constexpr std::array<std::pair<size_t, size_t>, 6> kPlaces = {
      {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
  for (const auto& [from, length] : kPlaces) {
    if (text.size() < from + length) break;
    const char* const begin = text.data() + from;
    if (std::from_chars(begin, begin + length, parts[at]).ptr != begin + length)
      return std::nullopt;
    at++;
  }
  using namespace std::chrono;
  const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                            day(static_cast<unsigned>(parts[2]))};
  if (at < 3 || !date.ok()) return std::nullopt;
  return static_cast<double>(duration_cast<seconds>(sys_days(date).time_since_epoch()).count()) +
         parts[3] * 3600 + parts[4] * 60 + parts[5];
}

Answer<bool> TimePasses(const Json& table, const Json& filter) {
  const auto wanted = ReadTime(Text(filter, "Value"));
  if (!wanted)
    return InvalidInput(
        fmt::format("Value {} of {} is not a time.", Text(filter, "Value"), Text(filter, "Key")));
  const Json value = FieldOf(table, Text(filter, "Key"));
  if (!value.is_number()) return false;
  const double time = value.get<double>();
  const std::string how = Text(filter, "Comparator");
  if (how == "GREATER_THAN") return time > *wanted;
  if (how == "GREATER_THAN_EQUALS") return time >= *wanted;
  if (how == "LESS_THAN") return time < *wanted;
  if (how == "LESS_THAN_EQUALS") return time <= *wanted;
  return time == *wanted;
}

// The whole text, or one of the words between its punctuation.
bool HasToken(const std::string& text, const std::string& wanted) {
  if (text == wanted) return true;
  std::string token;
  for (const char c : text + "-") {
    const bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                      (static_cast<unsigned char>(c) & 0x80) != 0;
    if (part) {
      token += c;
      continue;
    }
    if (token == wanted) return true;
    token.clear();
  }
  return false;
}

Answer<bool> Passes(const Json& table, const Json& filter) {
  const std::string key = Text(filter, "Key");
  if (std::ranges::find(kTimes, key) != kTimes.end()) return TimePasses(table, filter);
  const Json value = FieldOf(table, key);
  return value.is_string() &&
         HasToken(Lower(value.get<std::string>()), Lower(Text(filter, "Value")));
}

// By the one criterion that may be given; equals stay in the order of databases and names.
void Sort(const Json& request, std::vector<Json>& tables) {
  const Json criteria = request.value("SortCriteria", Json::array());
  if (criteria.empty()) return;
  const std::string field = Text(criteria[0], "FieldName");
  const bool descending = Text(criteria[0], "Sort") == "DESC";
  std::ranges::sort(tables, [&](const Json& a, const Json& b) {
    const Json left = FieldOf(a, field), right = FieldOf(b, field);
    if (left != right) return descending ? right < left : left < right;
    return std::pair(Text(a, "DatabaseName"), Text(a, "Name")) <
           std::pair(Text(b, "DatabaseName"), Text(b, "Name"));
  });
}

Answer<Json> SearchTables(const CallState& call) {
  Json out = {{"TableList", Json::array()}};
  const std::string shared = Text(call.request, "ResourceShareType");
  if (shared == "FOREIGN" || shared == "FEDERATED") return out;
  auto token = ReadToken(call.request);
  if (!token) return token;
  size_t begin = 0;
  if (token->is_array()) {
    if (!(*token)[0].is_number_unsigned()) return InvalidInput("Continuation token is not valid.");
    begin = (*token)[0].get<size_t>();
  }
  const auto all = call.Glue().ListAllTables(call.catalog);
  if (!all) return Translated(all.error());
  const std::string search = Text(call.request, "SearchText");
  const Json filters = call.request.value("Filters", Json::array());
  std::vector<Json> found;
  for (const auto& table : *all) {
    Json json = TableOf(table);
    bool passes = search.empty() || Holds(TextsOf(json), search);
    for (const Json& filter : filters) {
      const auto one = Passes(json, filter);
      if (!one) return std::unexpected(one.error());
      passes = passes && *one;
    }
    if (passes) found.push_back(std::move(json));
  }
  Sort(call.request, found);
  const size_t end = std::min(found.size(), begin + PageSize(call.request, kSearchPage));
  for (size_t i = begin; i < end; i++) out["TableList"].push_back(std::move(found[i]));
  if (end < found.size()) out["NextToken"] = MakeToken(Json::array({end}));
  return out;
}

constexpr auto kOperations = std::to_array<Operation>({{"SearchTables", SearchTables}});

}  // namespace

std::span<const Operation> SearchOperations() { return kOperations; }

}  // namespace skep::glue
