#include "sql/function_facts.h"

#include <nlohmann/json.hpp>

namespace skep::sql {

FunctionFacts FunctionFacts::Read(std::string_view text) {
  FunctionFacts facts;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return facts;
  for (const auto& type : json.value("arguments", std::vector<std::string>()))
    facts.arguments.push_back(ParseCompactType(type));
  facts.returns = ParseCompactType(json.value("returns", std::string()));
  facts.volatility = json.value("volatility", facts.volatility);
  facts.body = json.value("body", std::string());
  facts.comment = json.value("comment", std::string());
  for (const auto& call : json.value("calls", nlohmann::json::array()))
    facts.calls.push_back({call.value("offset", 0u), call.value("schema", std::string()),
                           call.value("name", std::string()),
                           call.value("engine_name", std::string())});
  return facts;
}

std::string FunctionFacts::Text() const {
  nlohmann::json json = {
      {"returns", CompactType(returns)}, {"volatility", volatility}, {"body", body}};
  json["arguments"] = nlohmann::json::array();
  for (const Type& type : arguments) json["arguments"].push_back(CompactType(type));
  for (const Inner& call : calls)
    json["calls"].push_back({{"offset", call.offset},
                             {"schema", call.schema},
                             {"name", call.name},
                             {"engine_name", call.engine_name}});
  if (!comment.empty()) json["comment"] = comment;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string FunctionEngineName(std::string_view name, const std::vector<Type>& arguments,
                               bool immutable) {
  std::string text = immutable ? "routine " : "volatile routine ";
  text += std::string(name) + "(";
  for (const Type& type : arguments) {
    Type plain = type;
    if (plain.kind == TypeKind::kDecimal || plain.IsText()) plain.length = -1, plain.scale = 0;
    if (plain.IsText()) plain.kind = TypeKind::kVarchar;
    text += (&type == arguments.data() ? "" : ", ") + CompactType(plain);
  }
  return text + ")";
}

std::string SignatureText(std::string_view name, const std::vector<Type>& arguments) {
  std::string text = std::string(name) + "(";
  for (const Type& type : arguments)
    text += (&type == arguments.data() ? "" : ", ") + TypeText(type);
  return text + ")";
}

}  // namespace skep::sql
