#include "worker/functions/object_functions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "worker/functions/rows.h"
#include "worker/functions/super_arguments.h"
#include "worker/functions/super_builder.h"
#include "worker/functions/super_value.h"
#include "worker/functions/super_writer.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

void PutKey(std::string& out, std::string_view quoted_key) {
  if (out.back() != '{') out.push_back(',');
  out += quoted_key;
  out.push_back(':');
}

bool HasDuplicates(std::vector<std::string>& keys) {
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

// ---- OBJECT

duckdb::unique_ptr<duckdb::FunctionData> BindObject(duckdb::ClientContext&,
                                                    duckdb::ScalarFunction& function,
                                                    Arguments& arguments) {
  if (arguments.size() % 2 != 0) {
    throw duckdb::BinderException("OBJECT takes keys and values in pairs");
  }
  for (size_t i = 0; i < arguments.size(); i++) {
    const LogicalType type = arguments[i]->return_type;
    if (i % 2 == 1 && !CanBecomeSuper(type)) RefuseType("OBJECT could not convert", type);
    // A literal's type is no type of an argument.
    const bool literal = type.id() == duckdb::LogicalTypeId::STRING_LITERAL ||
                         type.id() == duckdb::LogicalTypeId::INTEGER_LITERAL;
    if (i % 2 == 0) {
      function.arguments.push_back(LogicalType::VARCHAR);
    } else {
      function.arguments.push_back(literal ? LogicalType(LogicalType::ANY) : type);
    }
  }
  return nullptr;
}

void Object(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  const idx_t count = arguments.AllConstant() ? 1 : arguments.size();
  std::vector<SuperWriter> writers;
  for (size_t i = 1; i < columns.size(); i += 2) writers.emplace_back(arguments.data[i], count);
  std::vector<std::string> keys;
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    keys.clear();
    out.push_back('{');
    for (size_t i = 0; i < writers.size(); i++) {
      if (columns.IsNull(2 * i, row)) {
        throw duckdb::InvalidInputException("OBJECT keys must not be null");
      }
      std::string key;
      AppendQuoted(key, columns.Text(2 * i, row));
      if (i > 0) out.push_back(',');
      out += key;
      out.push_back(':');
      writers[i].Append(out, row);
      keys.push_back(std::move(key));
    }
    out.push_back('}');
    if (HasDuplicates(keys)) {
      throw duckdb::InvalidInputException("Invalid input: SUPER value has duplicate attributes");
    }
    return true;
  });
}

// ---- names of attributes

void NumberOfAttributes(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, int32_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t value, duckdb::ValidityMask& mask, idx_t row) {
        if (KindOf(View(value)) != SuperKind::kObject) {
          mask.SetInvalid(row);
          return 0;
        }
        ObjectAttributes attributes(View(value));
        std::string_view key;
        std::string_view content;
        int32_t count = 0;
        while (attributes.Next(key, content)) count++;
        return count;
      });
}

void AppendRenamed(std::string& out, std::string_view value, bool upper, size_t depth) {
  const SuperKind kind = KindOf(value);
  if (depth > kMaxSuperDepth || (kind != SuperKind::kArray && kind != SuperKind::kObject)) {
    out += value;
    return;
  }
  if (kind == SuperKind::kArray) {
    out.push_back('[');
    ArrayElements elements(value);
    std::string_view element;
    for (bool first = true; elements.Next(element); first = false) {
      if (!first) out.push_back(',');
      AppendRenamed(out, element, upper, depth + 1);
    }
    out.push_back(']');
    return;
  }
  std::vector<std::string> keys;
  std::string room;
  std::string name;
  out.push_back('{');
  ObjectAttributes attributes(value);
  std::string_view key;
  std::string_view content;
  while (attributes.Next(key, content)) {
    name.clear();
    AppendInCase(name, Unquoted(key, room), upper);
    std::string quoted;
    AppendQuoted(quoted, name);
    if (!keys.empty()) out.push_back(',');
    out += quoted;
    out.push_back(':');
    AppendRenamed(out, content, upper, depth + 1);
    keys.push_back(std::move(quoted));
  }
  out.push_back('}');
  if (HasDuplicates(keys)) {
    throw duckdb::InvalidInputException(
        "SUPER value has duplicate attributes after case conversion.");
  }
}

template <bool kUpper>
void Rename(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::UnaryExecutor::Execute<string_t, string_t>(arguments.data[0], result, arguments.size(),
                                                     [&](string_t value) {
                                                       text.clear();
                                                       AppendRenamed(text, View(value), kUpper, 0);
                                                       return AddSuper(result, text);
                                                     });
}

// ---- OBJECT_TRANSFORM

// Keys as they stand in a value.
using Path = std::vector<std::string>;

// "a"."b": names in double quotation marks, doubled inside; bare names too.
Path ReadPath(std::string_view text) {
  const auto fail = [text] {
    throw duckdb::InvalidInputException("OBJECT_TRANSFORM: invalid path %s", std::string(text));
  };
  Path path;
  size_t at = 0;
  for (;;) {
    std::string name;
    if (at < text.size() && text[at] == '"') {
      for (at++;; at++) {
        if (at >= text.size()) fail();
        if (text[at] == '"') {
          at++;
          if (at >= text.size() || text[at] != '"') break;
        }
        name.push_back(text[at]);
      }
    } else {
      while (at < text.size() && text[at] != '.' && text[at] != '"') name.push_back(text[at++]);
      if (name.empty()) fail();
    }
    std::string quoted;
    AppendQuoted(quoted, name);
    path.push_back(std::move(quoted));
    if (at == text.size()) break;
    if (text[at] != '.') fail();
    at++;
  }
  if (path.size() > kMaxSuperDepth) fail();
  return path;
}

struct Assignment {
  Path path;
  std::string_view value;
};

using Kept = std::vector<const Path*>;
using Assigned = std::vector<const Assignment*>;

// One object of the result. `keeps_all` holds below a kept path or without KEEP; `kept` and
// `assigned` are the paths that lead through this object, which is `depth` keys from the root.
class Transform {
 public:
  // Appends the object that `value` becomes; `value` may be no object, then it is taken as empty.
  static void Append(std::string& out, std::string_view value, size_t depth, bool keeps_all,
                     const Kept& kept, const Assigned& assigned) {
    out.push_back('{');
    std::vector<std::string_view> done;
    if (KindOf(value) == SuperKind::kObject) {
      ObjectAttributes attributes(value);
      std::string_view key;
      std::string_view content;
      while (attributes.Next(key, content)) {
        Attribute(out, key, content, depth, keeps_all, kept, assigned);
        done.push_back(key);
      }
    }
    // What is new, in SET's order.
    for (const Assignment* assignment : assigned) {
      const std::string& key = assignment->path[depth];
      if (std::find(done.begin(), done.end(), key) != done.end()) continue;
      done.push_back(key);
      Attribute(out, key, "null", depth, false, {}, assigned);
    }
    out.push_back('}');
  }

 private:
  static void Attribute(std::string& out, std::string_view key, std::string_view content,
                        size_t depth, bool keeps_all, const Kept& kept, const Assigned& assigned) {
    bool keeps = keeps_all;
    Kept kept_below;
    for (const Path* path : kept) {
      if ((*path)[depth] != key) continue;
      if (path->size() == depth + 1) {
        keeps = true;
      } else {
        kept_below.push_back(path);
      }
    }
    Assigned assigned_below;
    const Assignment* whole = nullptr;
    for (const Assignment* assignment : assigned) {
      if (assignment->path[depth] != key) continue;
      if (assignment->path.size() == depth + 1) {
        // Later assignments win over earlier ones to the same place.
        whole = assignment;
        assigned_below.clear();
      } else {
        assigned_below.push_back(assignment);
      }
    }
    if (whole != nullptr) content = whole->value;
    const bool is_object = KindOf(content) == SuperKind::kObject;
    if (!assigned_below.empty() ||
        (!keeps && whole == nullptr && is_object && !kept_below.empty())) {
      PutKey(out, key);
      Append(out, content, depth + 1, keeps || whole != nullptr, kept_below, assigned_below);
    } else if (keeps || whole != nullptr) {
      PutKey(out, key);
      out += content;
    }
  }
};

void ObjectTransform(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  const idx_t count = arguments.AllConstant() ? 1 : arguments.size();
  // KEEP, SET's paths, SET's values: the lists and what is in them.
  duckdb::RecursiveUnifiedVectorFormat lists[3];
  for (size_t i = 0; i < 3; i++) {
    Vector::RecursiveToUnifiedFormat(arguments.data[i + 1], count, lists[i]);
  }
  const auto each = [&](size_t list, idx_t row, auto&& visit) {
    if (columns.IsNull(list + 1, row)) return;
    const auto& entry = columns.At<duckdb::list_entry_t>(list + 1, row);
    const auto& child = lists[list].children[0].unified;
    const auto* texts = duckdb::UnifiedVectorFormat::GetData<string_t>(child);
    for (idx_t i = 0; i < entry.length; i++) {
      const idx_t index = child.sel->get_index(entry.offset + i);
      const bool valid = child.validity.RowIsValid(index);
      visit(valid ? View(texts[index]) : std::string_view("null"));
    }
  };
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    if (columns.IsNull(0, row)) return false;
    const std::string_view object = columns.Text(0, row);
    std::vector<Path> keep_paths;
    std::vector<Assignment> assignments;
    each(0, row, [&](std::string_view path) { keep_paths.push_back(ReadPath(path)); });
    each(1, row, [&](std::string_view path) { assignments.push_back({ReadPath(path), {}}); });
    size_t values = 0;
    each(2, row, [&](std::string_view value) {
      if (values < assignments.size()) assignments[values].value = value;
      values++;
    });
    if (values != assignments.size()) {
      throw duckdb::InvalidInputException("OBJECT_TRANSFORM: SET takes paths and values in pairs");
    }
    if (KindOf(object) != SuperKind::kObject || (keep_paths.empty() && assignments.empty())) {
      out = object;
      return true;
    }
    Kept kept;
    for (const Path& path : keep_paths) kept.push_back(&path);
    Assigned assigned;
    for (const Assignment& assignment : assignments) assigned.push_back(&assignment);
    Transform::Append(out, object, 0, keep_paths.empty(), kept, assigned);
    return true;
  });
}

}  // namespace

void RegisterObjectFunctions(Registrar& registrar) {
  const LogicalType super = SuperType();
  duckdb::ScalarFunction object("rs_object", {}, super, Object, BindObject);
  object.varargs = LogicalType::ANY;
  object.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  object.SetFallible();
  registrar.Add(object);

  registrar.Add(duckdb::ScalarFunction("rs_get_number_attributes", {super}, LogicalType::INTEGER,
                                       NumberOfAttributes));
  for (auto [name, run] : {std::pair{"rs_lower_attribute_names", &Rename<false>},
                           std::pair{"rs_upper_attribute_names", &Rename<true>}}) {
    duckdb::ScalarFunction rename(name, {super}, super, run);
    rename.SetFallible();
    registrar.Add(rename);
  }
  duckdb::ScalarFunction transform(
      "rs_object_transform",
      {super, LogicalType::LIST(LogicalType::VARCHAR), LogicalType::LIST(LogicalType::VARCHAR),
       LogicalType::LIST(super)},
      super, ObjectTransform);
  transform.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  transform.SetFallible();
  registrar.Add(transform);
}

}  // namespace skep::worker
