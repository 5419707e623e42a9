#include "catalog/crawler/plan.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include "base/crypto.h"
#include "base/text.h"

namespace skep::catalog {
namespace {

constexpr size_t kMaxSplitFiles = 500;

// "dt=2024-01-01" as (dt, 2024-01-01).
std::optional<std::pair<std::string, std::string>> HiveSegment(std::string_view segment) {
  const size_t equals = segment.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  const auto value = UriDecode(segment.substr(equals + 1));
  return std::pair{Lower(segment.substr(0, equals)),
                   value ? *value : std::string(segment.substr(equals + 1))};
}

// The last folder of a prefix with trailing slash; the bucket for the whole bucket.
std::string TableName(std::string_view bucket, std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (prefix.empty()) return SanitizeName(bucket);
  return SanitizeName(
      prefix.substr(prefix.rfind('/') == std::string_view::npos ? 0 : prefix.rfind('/') + 1));
}

std::string FileName(std::string_view key) {
  const size_t slash = key.rfind('/');
  return std::string(slash == std::string_view::npos ? key : key.substr(slash + 1));
}

// Where the folder of this level (1 = the bucket) ends in a key; npos without a level, and for keys
// that are not so deep.
size_t LevelEnd(std::string_view key, size_t level) {
  if (level == 0) return std::string::npos;
  size_t end = 0;
  for (size_t i = 1; i < level; i++) {
    const size_t slash = key.find('/', end);
    if (slash == std::string_view::npos) return std::string::npos;
    end = slash + 1;
  }
  return end;
}

struct File {
  lake::ObjectInfo object;
  std::vector<std::string> keys, values;
  std::string folder;
};

bool ClassMatches(std::string_view set, char c) {
  const bool negated = !set.empty() && (set[0] == '!' || set[0] == '^');
  if (negated) set.remove_prefix(1);
  bool in = false;
  for (size_t i = 0; i < set.size(); i++) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      in = in || (c >= set[i] && c <= set[i + 2]);
      i += 2;
    } else {
      in = in || c == set[i];
    }
  }
  return in != negated;
}

// `steps` bounds the work: patterns come from API callers.
bool Glob(std::string_view p, std::string_view t, int& steps) {
  while (!p.empty()) {
    if (--steps < 0) return false;
    if (p.starts_with("**")) {
      for (size_t i = 0; i <= t.size(); i++) {
        if (Glob(p.substr(2), t.substr(i), steps)) return true;
      }
      return false;
    }
    if (p[0] == '*') {
      for (size_t i = 0; i <= t.size(); i++) {
        if (Glob(p.substr(1), t.substr(i), steps)) return true;
        if (i < t.size() && t[i] == '/') break;
      }
      return false;
    }
    if (p[0] == '{') {
      const size_t close = p.find('}');
      if (close == std::string_view::npos) return false;
      std::string_view choices = p.substr(1, close - 1);
      while (true) {
        const size_t comma = choices.find(',');
        if (Glob(std::string(choices.substr(0, comma)) + std::string(p.substr(close + 1)), t,
                 steps))
          return true;
        if (comma == std::string_view::npos) return false;
        choices.remove_prefix(comma + 1);
      }
    }
    if (t.empty()) return false;
    if (p[0] == '[') {
      const size_t close = p.find(']', 2);
      if (close == std::string_view::npos || t[0] == '/' ||
          !ClassMatches(p.substr(1, close - 1), t[0]))
        return false;
      p.remove_prefix(close + 1);
    } else if (p[0] == '?') {
      if (t[0] == '/') return false;
      p.remove_prefix(1);
    } else {
      if (p[0] == '\\' && p.size() > 1) p.remove_prefix(1);
      if (p[0] != t[0]) return false;
      p.remove_prefix(1);
    }
    t.remove_prefix(1);
  }
  return t.empty();
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view text) {
  int steps = 100'000;
  return Glob(pattern, text, steps);
}

uint64_t PlannedTable::objects() const {
  uint64_t n = 0;
  for (const auto& p : partitions) n += p.objects.size();
  return n;
}

uint64_t PlannedTable::bytes() const {
  uint64_t n = 0;
  for (const auto& p : partitions) {
    for (const auto& o : p.objects) n += o.size;
  }
  return n;
}

std::string SanitizeName(std::string_view text) {
  std::string out = Lower(text);
  for (char& c : out) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) c = '_';
  }
  if (out.empty()) out = "table";
  return out;
}

std::vector<PlannedTable> SplitByFile(const PlannedTable& table) {
  std::vector<PlannedTable> out;
  for (const auto& object : table.partitions.front().objects) {
    if (out.size() >= kMaxSplitFiles) break;
    PlannedTable one;
    one.name = SanitizeName(FileName(object.key));
    one.location = object.key;
    one.single_file = true;
    one.kind = ipc::KindOfName(object.key);
    one.partitions.push_back({{}, object.key, {object}});
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<PlannedTable> GroupIntoTables(std::string_view bucket, std::string_view prefix,
                                          const std::vector<lake::ObjectInfo>& objects,
                                          const std::vector<std::string>& exclusions,
                                          size_t table_level) {
  std::map<std::string, std::vector<File>> roots;
  for (const auto& object : objects) {
    if (!object.key.starts_with(prefix)) continue;
    const std::string_view relative = std::string_view(object.key).substr(prefix.size());
    // The include path may name one object itself.
    const bool itself =
        relative.empty() && !prefix.empty() && !prefix.ends_with('/') && object.size > 0;
    if (!itself && lake::IsHiddenObject(relative, object.size)) continue;
    if (std::ranges::any_of(exclusions,
                            [&](const std::string& glob) { return GlobMatches(glob, relative); }))
      continue;
    File file;
    file.object = object;
    size_t at = prefix.size(), root = std::string::npos;
    const size_t fixed = LevelEnd(object.key, table_level);
    if (fixed != std::string::npos && fixed >= prefix.size()) at = root = fixed;
    for (size_t slash; (slash = object.key.find('/', at)) != std::string::npos; at = slash + 1) {
      const auto hive = HiveSegment(std::string_view(object.key).substr(at, slash - at));
      if (!hive && table_level > 0 && root != std::string::npos) {
        file.keys.push_back("partition_" + std::to_string(file.keys.size()));
        file.values.push_back(object.key.substr(at, slash - at));
        continue;
      }
      if (!hive) {
        if (root != std::string::npos) break;  // a plain folder below k=v belongs to that partition
        continue;
      }
      if (root == std::string::npos) root = at;
      file.keys.push_back(hive->first);
      file.values.push_back(hive->second);
    }
    file.folder = object.key.substr(0, at);
    roots[object.key.substr(0, root == std::string::npos ? at : root)].push_back(std::move(file));
  }

  std::vector<PlannedTable> out;
  for (auto& [root, files] : roots) {
    // Files that sit at another depth than most do not belong to the table.
    std::map<std::vector<std::string>, size_t> shapes;
    for (const auto& f : files) shapes[f.keys]++;
    const auto shape =
        std::ranges::max_element(shapes, {}, [](const auto& s) { return s.second; })->first;
    std::map<std::pair<std::string, std::string>, size_t> kinds;
    std::map<std::vector<std::string>, PlannedPartition> partitions;
    PlannedTable table;
    for (auto& f : files) {
      if (f.keys != shape) continue;
      const ipc::FileKind kind = ipc::KindOfName(f.object.key);
      kinds[{kind.format, kind.compression}]++;
      auto& p = partitions[f.values];
      p.values = f.values;
      if (p.prefix.empty()) p.prefix = f.folder;
      p.objects.push_back(std::move(f.object));
    }
    table.name = TableName(bucket, root);
    table.location = root;
    table.keys = shape;
    for (auto& [values, p] : partitions) {
      std::ranges::sort(p.objects, {}, &lake::ObjectInfo::key);
      table.partitions.push_back(std::move(p));
    }
    const auto most =
        std::ranges::max_element(kinds, {}, [](const auto& k) { return k.second; })->first;
    table.kind = {most.first, most.second};
    if (!root.empty() && !root.ends_with('/')) {
      table.single_file = true;
      table.name = SanitizeName(FileName(root));
    }
    if (kinds.size() > 1 && table.keys.empty()) {
      for (auto& one : SplitByFile(table)) out.push_back(std::move(one));
      continue;
    }
    if (kinds.size() > 1) {
      for (auto& p : table.partitions) {
        std::erase_if(p.objects, [&](const lake::ObjectInfo& o) {
          return ipc::KindOfName(o.key) != table.kind;
        });
      }
      std::erase_if(table.partitions, [](const PlannedPartition& p) { return p.objects.empty(); });
    }
    out.push_back(std::move(table));
  }
  return out;
}

namespace {

// Of text; empty: nothing but ASCII was seen, which is the same in all encodings but UTF-16.
std::string EncodingOf(const ipc::InferReply& schema) {
  for (const auto& [name, value] : schema.properties) {
    if (name == "serialization.encoding") return value;
  }
  return {};
}

}  // namespace

bool Compatible(const ipc::InferReply& a, const ipc::InferReply& b) {
  const std::string one = EncodingOf(a), other = EncodingOf(b);
  const bool known = !one.empty() && !other.empty();
  const bool wide = one.starts_with("UTF-16") || other.starts_with("UTF-16");
  if (one != other && (known || wide)) return false;
  return a.format == b.format && a.delimiter == b.delimiter && !a.columns.empty() &&
         !b.columns.empty();
}

bool Similar(const ipc::InferReply& a, const ipc::InferReply& b) {
  if (!Compatible(a, b)) return false;
  std::set<std::string> names;
  for (const auto& c : a.columns) names.insert(Lower(c.name));
  size_t common = 0;
  for (const auto& c : b.columns) common += names.contains(Lower(c.name)) ? 1 : 0;
  return common * 10 >= std::min(a.columns.size(), b.columns.size()) * 7 &&
         common * 10 >= std::max(a.columns.size(), b.columns.size()) * 5;
}

std::string MergeTypes(const std::string& a, const std::string& b) {
  if (a == b) return a;
  const auto rank = [](const std::string& t) {
    static const std::vector<std::string> order = {"tinyint", "smallint", "int",
                                                   "bigint",  "float",    "double"};
    const auto it = std::ranges::find(order, t);
    return it == order.end() ? -1 : static_cast<int>(it - order.begin());
  };
  const int ra = rank(a), rb = rank(b);
  if (ra >= 0 && rb >= 0) {
    // A float cannot hold an int or bigint.
    if (std::min(ra, rb) >= 2 && std::max(ra, rb) == 4) return "double";
    return ra > rb ? a : b;
  }
  if ((a == "date" && b == "timestamp") || (a == "timestamp" && b == "date")) return "timestamp";
  if ((a == "double" && b.starts_with("decimal")) || (b == "double" && a.starts_with("decimal")))
    return "double";
  return "string";
}

ipc::InferReply MergeSchemas(const ipc::InferReply& a, const ipc::InferReply& b) {
  ipc::InferReply out = a;
  for (size_t i = 0; i < b.columns.size(); i++) {
    const auto& column = b.columns[i];
    const auto known = std::ranges::find_if(out.columns, [&](const ipc::InferredColumn& c) {
      return Lower(c.name) == Lower(column.name);
    });
    if (known == out.columns.end()) {
      out.columns.push_back(column);
    } else {
      known->type = MergeTypes(known->type, column.type);
    }
  }
  out.header = a.header && b.header;
  if (out.quote.empty()) out.quote = b.quote;
  if (out.escape.empty()) out.escape = b.escape;
  out.rows = a.rows + b.rows;
  if (const std::string encoding = EncodingOf(b); !encoding.empty() && EncodingOf(a).empty())
    out.properties.emplace_back("serialization.encoding", encoding);
  return out;
}

std::string PartitionKeyType(const std::vector<PlannedPartition>& partitions, size_t key) {
  bool integer = !partitions.empty(), date = integer, any = false;
  for (const auto& p : partitions) {
    const std::string& v = p.values[key];
    if (v == "__HIVE_DEFAULT_PARTITION__") continue;
    any = true;
    const bool digits =
        !v.empty() && v.size() <= 18 && v.find_first_not_of("0123456789") == std::string::npos;
    integer = integer && digits && (v.size() == 1 || v[0] != '0');
    bool is_date = v.size() == 10;
    for (size_t i = 0; is_date && i < v.size(); i++) {
      is_date =
          i == 4 || i == 7 ? v[i] == '-' : std::isdigit(static_cast<unsigned char>(v[i])) != 0;
    }
    if (is_date) {
      const int month = (v[5] - '0') * 10 + v[6] - '0', day = (v[8] - '0') * 10 + v[9] - '0';
      is_date = month >= 1 && month <= 12 && day >= 1 && day <= 31;
    }
    date = date && is_date;
  }
  if (!any) return "string";
  return integer ? "bigint" : date ? "date" : "string";
}

std::vector<PlannedTable> CombineSimilar(std::string_view bucket, std::string_view prefix,
                                         std::vector<PlannedTable> tables, bool compatible) {
  std::erase_if(tables, [](const PlannedTable& t) { return !t.schema; });
  // Parents, deepest first, so that a level joined below can be joined again above.
  const auto parent_of = [&](const PlannedTable& t) -> std::string {
    std::string_view p = t.location;
    while (p.ends_with('/')) p.remove_suffix(1);
    const size_t slash = p.rfind('/');
    p = p.substr(0, slash == std::string_view::npos ? 0 : slash + 1);
    return p.size() < prefix.size() ? std::string() : std::string(p);
  };
  std::set<std::string> visited;
  while (true) {
    std::map<std::string, std::vector<size_t>> children;
    for (size_t i = 0; i < tables.size(); i++) {
      const bool inside = tables[i].location.size() > prefix.size();
      if (inside && !tables[i].single_file) children[parent_of(tables[i])].push_back(i);
    }
    const std::string* parent = nullptr;
    for (const auto& [p, list] : children) {
      if (list.size() >= 2 && !visited.contains(p) && (!parent || p.size() > parent->size()))
        parent = &p;
    }
    if (!parent) return tables;
    visited.insert(*parent);
    const auto& list = children[*parent];
    // Everything below the parent must take part: no file of its own, no table deeper down that
    // stays apart.
    bool alone = true, similar = true;
    for (size_t i = 0; i < tables.size(); i++) {
      if (tables[i].location.starts_with(*parent) && std::ranges::find(list, i) == list.end())
        alone = false;
    }
    const PlannedTable& first = tables[list[0]];
    for (const size_t i : list) {
      similar = similar && tables[i].kind == first.kind && tables[i].keys == first.keys &&
                (compatible ? Compatible(*first.schema, *tables[i].schema)
                            : Similar(*first.schema, *tables[i].schema));
    }
    if (!alone || !similar) continue;

    PlannedTable joined;
    joined.location = *parent;
    joined.name = TableName(bucket, *parent);
    joined.kind = first.kind;
    joined.schema = first.schema;
    joined.keys.push_back("partition_0");
    // Levels joined below count on from here.
    for (const auto& key : first.keys) {
      joined.keys.push_back(
          key.starts_with("partition_") ? "partition_" + std::to_string(joined.keys.size()) : key);
    }
    for (const size_t i : list) {
      std::string_view folder = std::string_view(tables[i].location).substr(parent->size());
      while (folder.ends_with('/')) folder.remove_suffix(1);
      for (auto& p : tables[i].partitions) {
        p.values.insert(p.values.begin(), std::string(folder));
        joined.partitions.push_back(std::move(p));
      }
      if (i != list[0]) joined.schema = MergeSchemas(*joined.schema, *tables[i].schema);
    }
    std::vector<PlannedTable> rest;
    for (size_t i = 0; i < tables.size(); i++) {
      if (std::ranges::find(list, i) == list.end()) rest.push_back(std::move(tables[i]));
    }
    rest.push_back(std::move(joined));
    tables = std::move(rest);
  }
}

}  // namespace skep::catalog
