#include "worker/external_scan/json_records.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace skep::external_scan {
namespace {

constexpr size_t kMaxDepth = 1000;
constexpr size_t kMaxKeyBytes = 64u << 10;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::optional<JsonRecords> JsonRecords::Along(std::string_view path) {
  if (!path.starts_with('$')) return std::nullopt;
  std::string_view rest = path.substr(1);
  std::vector<Step> steps;
  while (!rest.empty()) {
    if (rest.front() == '.') {
      const size_t end = std::min(rest.find_first_of(".[", 1), rest.size());
      if (end == 1) return std::nullopt;
      steps.push_back({false, {}, std::string(rest.substr(1, end - 1))});
      rest.remove_prefix(end);
      continue;
    }
    const size_t end = rest.find(']');
    if (rest.front() != '[' || end == std::string_view::npos || end < 2) return std::nullopt;
    const std::string_view what = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (what == "*") {
      steps.push_back({true});
    } else if (what.size() > 2 && (what[0] == '\'' || what[0] == '"') && what.back() == what[0]) {
      steps.push_back({false, {}, std::string(what.substr(1, what.size() - 2))});
    } else {
      uint64_t place = 0;
      const auto [stop, error] = std::from_chars(what.data(), what.data() + what.size(), place);
      if (error != std::errc{} || stop != what.data() + what.size()) return std::nullopt;
      steps.push_back({true, place});
    }
  }
  if (steps.empty() || !steps.back().array || steps.back().place) steps.push_back({true});
  return JsonRecords(std::move(steps));
}

bool JsonRecords::Append(std::string_view bytes, bool last, std::string& out) {
  for (const char c : bytes) {
    if (!Take(c, out)) return false;
  }
  if (!last) return true;
  if (within_ == Within::kWord) End(out);
  return open_.empty() && within_ == Within::kNothing;
}

bool JsonRecords::Take(char c, std::string& out) {
  if (within_ == Within::kWord && (IsBlank(c) || c == ',' || c == ']' || c == '}')) End(out);
  if (within_ == Within::kNothing && !IsBlank(c) && c != ',' && c != ':' && c != ']' && c != '}' &&
      !Begin(c))
    return false;
  if (kept_) out += c == '\n' || c == '\r' ? ' ' : c;
  switch (within_) {
    case Within::kNothing:
      return TakeBetween(c, out);
    case Within::kWord:
      return true;
    case Within::kKey:
    case Within::kText:
      break;
  }
  const bool first = key_.empty();
  if (within_ == Within::kKey) {
    if (key_.size() >= kMaxKeyBytes) return false;
    key_ += c;
  } else if (first) {
    key_ = "\"";  // the quote that begins a text does not end it
  }
  if (first) return true;
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    if (within_ == Within::kKey)
      Keyed();
    else
      End(out);
    within_ = Within::kNothing;
    key_.clear();
  }
  return true;
}

bool JsonRecords::TakeBetween(char c, std::string& out) {
  if (c == '{' || c == '[') {
    // Begin() opened it.
    return true;
  }
  if (c == ']' || c == '}') return Close(c == ']', out);
  if (c == ',') {
    if (open_.empty()) return false;
    Open& open = open_.back();
    open.place++;
    open.key = !open.array;
    open.leads = false;
    if (open.array) Lead(open);
  }
  return true;
}

// Of a value or a name.
bool JsonRecords::Begin(char c) {
  if (!open_.empty() && open_.back().key) {
    if (c != '"') return false;
    within_ = Within::kKey;
    return true;
  }
  const bool reached = open_.empty() || open_.back().leads;
  const bool along = reached && open_.size() < steps_.size();
  if (reached && open_.size() == steps_.size()) kept_ = true;
  if (c == '{' || c == '[') {
    if (open_.size() >= kMaxDepth) return false;
    Open open{c == '[', along, false, c == '{'};
    open_.push_back(open);
    if (open.array) Lead(open_.back());
    return true;
  }
  within_ = c == '"' ? Within::kText : Within::kWord;
  return true;
}

bool JsonRecords::Close(bool array, std::string& out) {
  if (open_.empty() || open_.back().array != array) return false;
  open_.pop_back();
  End(out);
  return true;
}

// Of a value.
void JsonRecords::End(std::string& out) {
  within_ = Within::kNothing;
  if (!kept_ || open_.size() != steps_.size()) return;
  out += '\n';
  kept_ = false;
}

void JsonRecords::Keyed() {
  Open& open = open_.back();
  open.key = false;
  if (!open.along) return;
  const Step& step = steps_[open_.size() - 1];
  if (key_.find('\\') != std::string::npos) {
    const auto text = nlohmann::json::parse(key_, nullptr, false);
    open.leads = !step.array && text.is_string() && text.get_ref<const std::string&>() == step.name;
  } else {
    open.leads = !step.array && std::string_view(key_).substr(1, key_.size() - 2) == step.name;
  }
}

void JsonRecords::Lead(Open& open) const {
  if (!open.along) return;
  const Step& step = steps_[open_.size() - 1];
  open.leads = step.array && (!step.place || *step.place == open.place);
}

}  // namespace skep::external_scan
