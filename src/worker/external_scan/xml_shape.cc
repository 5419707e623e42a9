#include "worker/external_scan/xml_shape.h"

#include <algorithm>
#include <charconv>
#include <duckdb.hpp>
#include <map>
#include <memory>
#include <utility>

#include "base/text.h"
#include "worker/external_scan/xml_events.h"

namespace skep::external_scan {
namespace {

constexpr size_t kMostNodes = 2000;  // different elements and attributes
constexpr size_t kMostText = 256;    // of a value, to tell its type
constexpr size_t kMostColumns = 4096;

constexpr std::string_view kTypes[] = {"boolean", "bigint",    "double",
                                       "date",    "timestamp", "string"};
enum Type : uint8_t { kBoolean, kBigint, kDouble, kDate, kTimestamp, kString };

template <class Number>
bool IsNumber(std::string_view text) {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// "9999-99-99", where a 9 is any digit.
bool HasForm(std::string_view text, std::string_view form) {
  return text.size() >= form.size() &&
         std::ranges::equal(text.substr(0, form.size()), form, [](char c, char f) {
           return f == '9' ? c >= '0' && c <= '9' : c == f;
         });
}

Type TypeOf(std::string_view text) {
  if (text == "true" || text == "false") return kBoolean;
  if (IsNumber<int64_t>(text)) return kBigint;
  if (IsNumber<double>(text) && text.find_first_of("nN") == std::string_view::npos) return kDouble;
  if (!HasForm(text, "9999-99-99")) return kString;
  if (text.size() == 10) return kDate;
  return HasForm(text, "9999-99-99T99:99:99") || HasForm(text, "9999-99-99 99:99:99") ? kTimestamp
                                                                                      : kString;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// An element or an attribute, over all places where it stands.
struct Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> children;
  bool repeated = false;  // within its parent
  bool seen[std::size(kTypes)] = {};
  size_t here = 0;  // within the parent that is open

  // Of the texts.
  std::string_view OwnType() const {
    const auto count = std::ranges::count(seen, true);
    if (count == 1) return kTypes[std::ranges::find(seen, true) - std::begin(seen)];
    if (count == 2 && seen[kBigint] && seen[kDouble]) return kTypes[kDouble];
    if (count == 2 && seen[kDate] && seen[kTimestamp]) return kTypes[kTimestamp];
    return kTypes[kString];
  }
  bool HasText() const { return std::ranges::count(seen, true) > 0; }
};

// A name that a type's text can hold.
std::string FieldName(std::string_view name) {
  std::string out = Lower(name);
  std::ranges::replace_if(
      out, [](char c) { return c == ':' || c == '<' || c == '>' || c == ',' || c == ' '; }, '_');
  return out;
}

std::string GlueType(const Node& node) {
  std::string type;
  if (node.children.empty()) {
    type = node.OwnType();
  } else {
    for (const auto& [name, child] : node.children)
      type += (type.empty() ? "struct<" : ",") + FieldName(name) + ":" + GlueType(*child);
    if (node.HasText()) type += ",_value:" + std::string(node.OwnType());
    type += ">";
  }
  return node.repeated ? "array<" + type + ">" : type;
}

// How often each name stands on each level.
class Levels final : public XmlEvents {
 public:
  std::string RowTag() const {
    for (const auto& level : names_) {
      const auto most =
          std::ranges::max_element(level, {}, [](const auto& entry) { return entry.second.first; });
      if (most != level.end() && most->second.first > 1) return most->first;
    }
    if (names_.size() < 2) return {};
    // The first of those below the root.
    return std::ranges::min_element(names_[1], {},
                                    [](const auto& entry) { return entry.second.second; })
        ->first;
  }

 private:
  void Begins(std::string_view name, const Attributes&) override {
    if (names_.size() <= depth_) names_.resize(depth_ + 1);
    auto& level = names_[depth_++];
    auto& [count, order] = level.try_emplace(std::string(name), 0, level.size()).first->second;
    count++;
    if (level.size() > kMostNodes)
      throw duckdb::InvalidInputException("it has too many different elements");
  }
  void Ends(std::string_view) override { depth_--; }
  void Text(std::string_view) override {}

  std::vector<std::map<std::string, std::pair<size_t, size_t>>> names_;
  size_t depth_ = 0;
};

// The elements below those of the row tag, as a tree.
class Rows final : public XmlEvents {
 public:
  explicit Rows(std::string row_tag) { found_.row_tag = std::move(row_tag); }

  XmlRows Found() {
    for (const auto& [name, child] : root_.children)
      found_.columns.push_back({FieldName(name), GlueType(*child)});
    if (root_.HasText()) found_.columns.push_back({"_value", std::string(root_.OwnType())});
    if (found_.columns.size() > kMostColumns)
      throw duckdb::InvalidInputException("it has more than 4,096 columns");
    return std::move(found_);
  }

 private:
  struct Open {
    Node* node;
    std::string text;
  };

  void Begins(std::string_view name, const Attributes& attributes) override {
    if (open_.empty() && name != found_.row_tag) return;
    Node* node = open_.empty() ? &root_ : Child(*open_.back().node, std::string(name));
    for (const auto& [child_name, child] : node->children) child->here = 0;
    attributes.Each([&](std::string_view attribute, std::string_view value) {
      if (!attribute.starts_with("xmlns")) Vote(*Child(*node, "_" + std::string(attribute)), value);
    });
    open_.push_back({node, {}});
  }
  void Ends(std::string_view) override {
    if (open_.empty()) return;
    Vote(*open_.back().node, open_.back().text);
    open_.pop_back();
    if (open_.empty()) found_.rows++;
  }
  void Text(std::string_view text) override {
    if (open_.empty()) return;
    std::string& into = open_.back().text;
    into += text.substr(0, kMostText - std::min(into.size(), kMostText));
  }

  Node* Child(Node& parent, const std::string& name) {
    auto found = std::ranges::find(
        parent.children, name, [](const auto& entry) -> const std::string& { return entry.first; });
    if (found == parent.children.end()) {
      if (++nodes_ > kMostNodes)
        throw duckdb::InvalidInputException("it has too many different elements");
      parent.children.emplace_back(name, std::make_unique<Node>());
      found = parent.children.end() - 1;
    }
    Node* child = found->second.get();
    if (++child->here > 1) child->repeated = true;
    return child;
  }

  static void Vote(Node& node, std::string_view text) {
    text = Trimmed(text);
    if (!text.empty()) node.seen[TypeOf(text)] = true;
  }

  XmlRows found_;
  Node root_;
  std::vector<Open> open_;
  size_t nodes_ = 0;
};

}  // namespace

XmlRows RowsOfXml(std::string_view sample, bool whole, std::string row_tag) {
  if (row_tag.empty()) {
    Levels levels;
    levels.Feed(sample, whole);
    row_tag = levels.RowTag();
  }
  Rows rows(std::move(row_tag));
  rows.Feed(sample, whole);
  return rows.Found();
}

}  // namespace skep::external_scan
