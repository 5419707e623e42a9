#include "api/query.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"

namespace skep::api {
namespace {

constexpr size_t kMaxParameters = 2000;

std::optional<std::string> Decode(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return UriDecode(spaced);
}

}  // namespace

bool QueryParameters::Add(std::string_view form) {
  while (!form.empty()) {
    const size_t end = form.find('&');
    const std::string_view pair = form.substr(0, end);
    form = end == std::string_view::npos ? std::string_view() : form.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = Decode(pair.substr(0, equals));
    const auto value =
        Decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value || values_.size() >= kMaxParameters) return false;
    if (!values_.emplace(*name, *value).second) return false;
  }
  return true;
}

const std::string* QueryParameters::Find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::string QueryParameters::Text(std::string_view name) const {
  const std::string* found = Find(name);
  return found == nullptr ? std::string() : *found;
}

std::vector<std::string> QueryParameters::List(std::string_view name) const {
  std::vector<std::string> list;
  while (const std::string* one = Find(fmt::format("{}.member.{}", name, list.size() + 1)))
    list.push_back(*one);
  return list;
}

std::vector<std::string> QueryParameters::Members(std::string_view name,
                                                  std::string_view member) const {
  std::vector<std::string> list;
  while (const std::string* one =
             Find(fmt::format("{}.member.{}.{}", name, list.size() + 1, member)))
    list.push_back(*one);
  return list;
}

std::vector<std::pair<std::string, std::string>> QueryParameters::Pairs(
    std::string_view name, std::string_view key, std::string_view value) const {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& one : Members(name, key)) {
    pairs.emplace_back(one, Text(fmt::format("{}.member.{}.{}", name, pairs.size() + 1, value)));
  }
  return pairs;
}

XmlWriter& XmlWriter::Open(std::string_view name) {
  out_ += '<';
  out_ += name;
  out_ += '>';
  return *this;
}
XmlWriter& XmlWriter::Close(std::string_view name) {
  out_ += "</";
  out_ += name;
  out_ += '>';
  return *this;
}
XmlWriter& XmlWriter::Element(std::string_view name, std::string_view text) {
  Open(name);
  for (const char c : text) {
    if (c == '&') {
      out_ += "&amp;";
    } else if (c == '<') {
      out_ += "&lt;";
    } else if (c == '>') {
      out_ += "&gt;";
    } else if (c == '\r') {
      out_ += "&#13;";
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n') {
      out_ += c;
    }
  }
  return Close(name);
}

}  // namespace skep::api
