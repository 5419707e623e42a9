#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

std::string_view WordsOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kNone:
      return "";
    case ObjectKind::kTable:
      return "table";
    case ObjectKind::kExternalTable:
      return "external table";
    case ObjectKind::kView:
      return "view";
    case ObjectKind::kMaterializedView:
      return "materialized view";
    case ObjectKind::kExternalView:
      return "external view";
    case ObjectKind::kColumn:
      return "column";
    case ObjectKind::kConstraint:
      return "constraint";
    case ObjectKind::kSchema:
      return "schema";
    case ObjectKind::kExternalSchema:
      return "external schema";
    case ObjectKind::kDatabase:
      return "database";
    case ObjectKind::kFunction:
      return "function";
    case ObjectKind::kProcedure:
      return "procedure";
    case ObjectKind::kLanguage:
      return "language";
    case ObjectKind::kLibrary:
      return "library";
    case ObjectKind::kModel:
      return "model";
    case ObjectKind::kTemplate:
      return "template";
    case ObjectKind::kDatashare:
      return "datashare";
    case ObjectKind::kUser:
      return "user";
    case ObjectKind::kGroup:
      return "group";
    case ObjectKind::kRole:
      return "role";
    case ObjectKind::kIdentityProvider:
      return "identity provider";
    case ObjectKind::kMaskingPolicy:
      return "masking policy";
    case ObjectKind::kRlsPolicy:
      return "rls policy";
    case ObjectKind::kCopyJob:
      return "copy job";
  }
  return "";
}

std::string_view PluralOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable:
      return "tables";
    case ObjectKind::kColumn:
      return "columns";
    case ObjectKind::kSchema:
      return "schemas";
    case ObjectKind::kDatabase:
      return "databases";
    case ObjectKind::kFunction:
      return "functions";
    case ObjectKind::kProcedure:
      return "procedures";
    case ObjectKind::kLanguage:
      return "languages";
    case ObjectKind::kModel:
      return "models";
    case ObjectKind::kTemplate:
      return "templates";
    case ObjectKind::kDatashare:
      return "datashares";
    case ObjectKind::kCopyJob:
      return "copy jobs";
    default:
      return WordsOf(kind);
  }
}

}  // namespace skep::sql::ast
