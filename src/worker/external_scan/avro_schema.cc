#include "worker/external_scan/avro_schema.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace skep::external_scan {
namespace {

using Json = nlohmann::json;
using Node = std::shared_ptr<AvroNode>;

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxFields = 20'000;

[[noreturn]] void Broken(const std::string& why) {
  throw duckdb::InvalidInputException("its schema %s", why);
}

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

class SchemaParser {
 public:
  Node Parse(const Json& json, const std::string& space, size_t depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxFields) Broken("is too large");
    if (json.is_string()) return Named(json.get<std::string>(), space);
    if (json.is_array()) return Union(json, space, depth);
    if (!json.is_object() || !json.contains("type")) Broken("has an entry without a type");
    const Json& type = json["type"];
    if (!type.is_string()) return Parse(type, space, depth + 1);
    const std::string name = type.get<std::string>();
    if (name == "record" || name == "error") return Record(json, space, depth);
    if (name == "enum") return Enum(json, space);
    if (name == "fixed") return Fixed(json, space);
    if (name == "array" || name == "map") return Container(json, name == "map", space, depth);
    Node node = std::make_shared<AvroNode>(*Named(name, space));
    Refine(*node, json);
    return node;
  }

 private:
  static Node Make(AvroKind kind, duckdb::LogicalType type) {
    auto node = std::make_shared<AvroNode>();
    node->kind = kind;
    node->type = std::move(type);
    return node;
  }

  Node Named(const std::string& name, const std::string& space) {
    using duckdb::LogicalType;
    if (name == "null") return Make(AvroKind::kNull, LogicalType::VARCHAR);
    if (name == "boolean") return Make(AvroKind::kBoolean, LogicalType::BOOLEAN);
    if (name == "int") return Make(AvroKind::kInt, LogicalType::INTEGER);
    if (name == "long") return Make(AvroKind::kLong, LogicalType::BIGINT);
    if (name == "float") return Make(AvroKind::kFloat, LogicalType::FLOAT);
    if (name == "double") return Make(AvroKind::kDouble, LogicalType::DOUBLE);
    if (name == "bytes") return Make(AvroKind::kBytes, LogicalType::BLOB);
    if (name == "string") return Make(AvroKind::kString, LogicalType::VARCHAR);
    for (const std::string& full : {space.empty() ? name : space + "." + name, name}) {
      if (open_.contains(full)) Broken("has a type that holds itself");
      if (const auto found = named_.find(full); found != named_.end()) return found->second;
    }
    Broken("names an unknown type");
  }

  // The full name of what `json` defines; `space` becomes the namespace of what is within.
  static std::string NameOf(const Json& json, std::string& space) {
    const std::string name = TextOf(json, "name");
    if (name.empty()) Broken("has a type without a name");
    if (const size_t dot = name.rfind('.'); dot != std::string::npos) {
      space = name.substr(0, dot);
      return name;
    }
    if (json.contains("namespace")) space = TextOf(json, "namespace");
    return space.empty() ? name : space + "." + name;
  }

  Node Record(const Json& json, std::string space, size_t depth) {
    const std::string name = NameOf(json, space);
    if (!json.contains("fields") || !json["fields"].is_array())
      Broken("has a record without fields");
    Node node = Make(AvroKind::kRecord, duckdb::LogicalType::SQLNULL);
    open_.insert(name);
    duckdb::child_list_t<duckdb::LogicalType> types;
    std::set<std::string> taken;
    for (const Json& field : json["fields"]) {
      if (!field.is_object() || TextOf(field, "name").empty() || !field.contains("type"))
        Broken("has a field without a name or a type");
      node->names.push_back(TextOf(field, "name"));
      if (!taken.insert(duckdb::StringUtil::Lower(node->names.back())).second)
        Broken("has two fields of one name");
      // "type" may hold the logical type beside it.
      node->children.push_back(field["type"].is_string() ? Parse(field, space, depth + 1)
                                                         : Parse(field["type"], space, depth + 1));
      types.emplace_back(node->names.back(), node->children.back()->type);
      if (!node->children.back()->unreadable.empty())
        node->unreadable = node->children.back()->unreadable;
    }
    open_.erase(name);
    if (types.empty()) {
      // The engine has no such type: its value is NULL.
      node->type = duckdb::LogicalType::VARCHAR;
    } else {
      node->type = duckdb::LogicalType::STRUCT(std::move(types));
    }
    named_[name] = node;
    return node;
  }

  Node Enum(const Json& json, std::string space) {
    Node node = Make(AvroKind::kEnum, duckdb::LogicalType::VARCHAR);
    const std::string name = NameOf(json, space);
    if (!json.contains("symbols") || !json["symbols"].is_array()) Broken("has an enum of nothing");
    for (const Json& symbol : json["symbols"]) {
      if (!symbol.is_string()) Broken("has an enum with a symbol that is no text");
      node->names.push_back(symbol.get<std::string>());
    }
    named_[name] = node;
    return node;
  }

  Node Fixed(const Json& json, std::string space) {
    Node node = Make(AvroKind::kFixed, duckdb::LogicalType::BLOB);
    const std::string name = NameOf(json, space);
    if (!json.contains("size") || !json["size"].is_number_unsigned() ||
        json["size"].get<uint64_t>() > (64u << 20))
      Broken("has a fixed of no or too large a size");
    node->size = json["size"].get<size_t>();
    Refine(*node, json);
    named_[name] = node;
    return node;
  }

  Node Container(const Json& json, bool map, const std::string& space, size_t depth) {
    const char* const member = map ? "values" : "items";
    if (!json.contains(member)) Broken("has a container of nothing");
    Node node = Make(map ? AvroKind::kMap : AvroKind::kArray, duckdb::LogicalType::SQLNULL);
    node->children.push_back(Parse(json[member], space, depth + 1));
    const auto& child = *node->children[0];
    node->unreadable = child.unreadable;
    node->type = map ? duckdb::LogicalType::MAP(duckdb::LogicalType::VARCHAR, child.type)
                     : duckdb::LogicalType::LIST(child.type);
    return node;
  }

  Node Union(const Json& json, const std::string& space, size_t depth) {
    Node node = Make(AvroKind::kUnion, duckdb::LogicalType::VARCHAR);
    bool first = true;
    for (const Json& branch : json) {
      node->children.push_back(Parse(branch, space, depth + 1));
      const AvroNode& child = *node->children.back();
      if (!child.unreadable.empty()) node->unreadable = child.unreadable;
      if (child.kind == AvroKind::kNull) continue;
      if (first) {
        node->type = child.type;
        first = false;
      } else {
        Widen(*node, child.type);
      }
    }
    if (node->children.empty()) Broken("has a union of nothing");
    return node;
  }

  static void Widen(AvroNode& node, const duckdb::LogicalType& type) {
    using duckdb::LogicalType;
    if (node.type == type) return;
    const auto is_number = [](const LogicalType& t) {
      return t == LogicalType::INTEGER || t == LogicalType::BIGINT || t == LogicalType::FLOAT ||
             t == LogicalType::DOUBLE;
    };
    if (!is_number(node.type) || !is_number(type)) {
      node.unreadable = "a union of unlike types";
      return;
    }
    const bool whole = (node.type == LogicalType::INTEGER || node.type == LogicalType::BIGINT) &&
                       (type == LogicalType::INTEGER || type == LogicalType::BIGINT);
    node.type = whole ? LogicalType::BIGINT : LogicalType::DOUBLE;
  }

  // An unknown logical type, and one of a type that does not fit, counts as none.
  static void Refine(AvroNode& node, const Json& json) {
    const std::string logical = TextOf(json, "logicalType");
    const auto becomes = [&](AvroLogical kind, duckdb::LogicalType type) {
      node.logical = kind;
      node.type = std::move(type);
    };
    if (logical == "decimal" && (node.kind == AvroKind::kBytes || node.kind == AvroKind::kFixed)) {
      const auto number = [&](const char* name) -> uint64_t {
        return json.contains(name) && json[name].is_number_unsigned() ? json[name].get<uint64_t>()
                                                                      : 0;
      };
      const uint64_t precision = number("precision"), scale = number("scale");
      if (precision == 0 || scale > precision) return;
      if (precision > 38) {
        node.unreadable = "a decimal of more than 38 digits";
        return;
      }
      becomes(AvroLogical::kDecimal, duckdb::LogicalType::DECIMAL(static_cast<uint8_t>(precision),
                                                                  static_cast<uint8_t>(scale)));
    } else if (logical == "date" && node.kind == AvroKind::kInt) {
      becomes(AvroLogical::kDate, duckdb::LogicalType::DATE);
    } else if (logical == "time-millis" && node.kind == AvroKind::kInt) {
      becomes(AvroLogical::kTimeMillis, duckdb::LogicalType::TIME);
    } else if (logical == "time-micros" && node.kind == AvroKind::kLong) {
      becomes(AvroLogical::kTimeMicros, duckdb::LogicalType::TIME);
    } else if (logical == "uuid" && (node.kind == AvroKind::kString ||
                                     (node.kind == AvroKind::kFixed && node.size == 16))) {
      becomes(AvroLogical::kUuid, duckdb::LogicalType::VARCHAR);
    } else if (node.kind == AvroKind::kLong) {
      const std::string unit = logical.starts_with("local-") ? logical.substr(6) : logical;
      if (unit == "timestamp-millis")
        becomes(AvroLogical::kTimestampMillis, duckdb::LogicalType::TIMESTAMP);
      if (unit == "timestamp-micros")
        becomes(AvroLogical::kTimestampMicros, duckdb::LogicalType::TIMESTAMP);
      if (unit == "timestamp-nanos")
        becomes(AvroLogical::kTimestampNanos, duckdb::LogicalType::TIMESTAMP);
    }
  }

  std::map<std::string, Node> named_;
  std::set<std::string> open_;
  size_t nodes_ = 0;
};

}  // namespace

std::shared_ptr<const AvroNode> ParseAvroSchema(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded()) Broken("is no JSON");
  const auto root = SchemaParser().Parse(parsed, "", 0);
  if (root->kind != AvroKind::kRecord) Broken("is not a record's");
  return root;
}

}  // namespace skep::external_scan
