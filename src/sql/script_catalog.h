// A catalog of the tables that a script's CREATE TABLE statements declare: for translating without
// a server. What the tables hold, and who may read them, it does not know.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sql/resolve/catalog.h"

namespace skep::sql {

class ScriptCatalog final : public Catalog {
 public:
  // Adds the tables of a script; those without a schema belong to `schema`. Errors: those of
  // parsing; kFeatureNotSupported for a statement that is no plain CREATE TABLE, kUndefinedObject
  // for an unknown type. With the position in the script.
  Result<void> Declare(std::string_view script, std::string_view schema);

  bool IsExternalSchema(std::string_view) const override { return false; }
  Result<std::shared_ptr<const RelationEntry>> Find(std::string_view schema,
                                                    std::string_view name) override;

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const RelationEntry>> tables_;
};

}  // namespace skep::sql
