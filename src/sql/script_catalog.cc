#include "sql/script_catalog.h"

#include "base/text.h"
#include "sql/parse/token.h"
#include "sql/statement.h"

namespace skep::sql {
using namespace ast;

Result<void> ScriptCatalog::Declare(std::string_view script, std::string_view schema) {
  SKEP_TRY_ASSIGN(const auto statements, ParseScript(script));
  for (const sql::Statement& statement : statements) {
    const auto fail = [&](ErrorKind kind, std::string message) {
      Error error{kind, std::move(message)};
      error.position = CharacterPosition(script, static_cast<uint32_t>(statement.offset));
      return std::unexpected(std::move(error));
    };
    const auto* create = As<CreateTable>(statement.tree);
    if (!create || create->temporary)
      return fail(ErrorKind::kFeatureNotSupported, statement.command + " declares no table");
    auto entry = std::make_shared<RelationEntry>();
    entry->schema = create->name.size() > 1 ? Lower(create->name[create->name.size() - 2].text)
                                            : std::string(schema);
    entry->name = Lower(create->name.back().text);
    for (const Node* element : create->elements) {
      if (As<LikeTable>(element))
        return fail(ErrorKind::kFeatureNotSupported, "LIKE declares no columns");
      const auto* column = As<ColumnDefinition>(element);
      if (!column) continue;
      auto type = TypeOf(*column->type);
      if (!type) return fail(type.error().kind, type.error().message);
      type->fold_case = column->collate == "case_insensitive" || column->collate == "ci";
      entry->columns.push_back({Lower(column->name.text), *type});
    }
    tables_[{entry->schema, entry->name}] = std::move(entry);
  }
  return {};
}

Result<std::shared_ptr<const RelationEntry>> ScriptCatalog::Find(std::string_view schema,
                                                                 std::string_view name) {
  const auto found = tables_.find({std::string(schema), std::string(name)});
  if (found == tables_.end()) return nullptr;
  return found->second;
}

}  // namespace skep::sql
