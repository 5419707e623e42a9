// SHOW DATABASES, SCHEMAS, TABLES and COLUMNS: rows of the worker's table functions
// (worker/show_functions.h), filtered and cut here. Source of the columns: the developer guide's
// pages of these commands and of SVV_ALL_SCHEMAS, SVV_ALL_TABLES and SVV_ALL_COLUMNS.
#include <charconv>

#include "base/text.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

namespace {

struct Listing {
  ObjectKind object;
  size_t least_parts, most_parts;  // of the name behind FROM
  std::string_view function, filtered;
  std::string_view columns;  // "name:type,..."
};

constexpr Listing kListings[] = {
    {ObjectKind::kDatabase, 0, 0, "rs_show_databases", "database_name",
     "database_name:varchar(128),database_owner:int,database_type:varchar(32),"
     "database_acl:varchar(128),parameters:varchar(65535),database_isolation_level:varchar(128)"},
    {ObjectKind::kSchema, 1, 1, "rs_show_schemas", "schema_name",
     "database_name:varchar(128),schema_name:varchar(128),schema_owner:int,schema_type:varchar(16),"
     "schema_acl:varchar(128),source_database:varchar(128),schema_option:varchar(4096)"},
    {ObjectKind::kTable, 1, 2, "rs_show_tables", "table_name",
     "database_name:varchar(128),schema_name:varchar(128),table_name:varchar(255),"
     "table_type:varchar(16),table_acl:varchar(128),remarks:varchar(256),owner:varchar(128),"
     "last_altered_time:timestamp,last_modified_time:timestamp,dist_style:varchar(32),"
     "table_subtype:varchar(32)"},
    {ObjectKind::kColumn, 1, 3, "rs_show_columns", "column_name",
     "database_name:varchar(128),schema_name:varchar(128),table_name:varchar(255),"
     "column_name:varchar(255),ordinal_position:int,column_default:varchar(4000),"
     "is_nullable:varchar(3),data_type:varchar(65535),character_maximum_length:int,"
     "numeric_precision:int,numeric_scale:int,remarks:varchar(256),sort_key_type:varchar(16),"
     "sort_key:int,dist_key:int,encoding:varchar(128),collation:varchar(128)"},
};

}  // namespace

Result<std::string> StatementEmitter::ShowText(const Expr* value, LiteralKind kind,
                                               std::string_view what) {
  const auto* literal = As<Literal>(value);
  if (!literal || literal->literal != kind)
    return Unsupported(std::string(what) + " that is not a literal", *value);
  return std::string(literal->text);
}

Result<void> StatementEmitter::EmitShowObjects(const ShowObjects& show) {
  constexpr uint32_t kMostRows = 10'000;
  const auto* listing = std::ranges::find(kListings, show.object, &Listing::object);
  if (listing == std::end(kListings) || show.data_catalog || show.iam_role || show.schema_like ||
      show.table_like || show.column_like)
    return Unsupported("this SHOW", show);
  const size_t parts = show.in.size();
  const bool own_scope =
      (show.object == ObjectKind::kSchema && show.scope == ObjectKind::kDatabase) ||
      (show.object == ObjectKind::kTable && show.scope == ObjectKind::kSchema) ||
      (show.object == ObjectKind::kColumn && show.scope == ObjectKind::kTable) ||
      show.object == ObjectKind::kDatabase;
  if (!own_scope || parts < listing->least_parts || parts > listing->most_parts)
    return resolver_.Fail1(ErrorKind::kSyntaxError, "syntax error in SHOW: what to list from",
                           &show);
  std::vector<std::string> names;
  for (const Name& name : show.in) {
    if (ParameterOf(name) != 0) return Unsupported("a parameter in the place of a name", show);
    names.push_back(resolver_.Fold(name));
  }
  if (show.object == ObjectKind::kColumn && names.size() == 1) {
    // The first schema of the search path that has the table.
    std::string schema = context_.search_path.empty() ? "public" : context_.search_path.front();
    if (context_.catalog) {
      SKEP_TRY_ASSIGN(const auto entry, resolver_.Find(show.in));
      if (entry && !entry->schema.empty()) schema = entry->schema;
    }
    names.insert(names.begin(), std::move(schema));
  }
  if (listing->most_parts > 0 && names.size() < listing->most_parts)
    names.insert(names.begin(), context_.database);
  writer_.Put("select * from " + std::string(listing->function) + "(");
  for (const std::string& name : names) {
    if (&name != &names.front()) writer_.Put(", ");
    writer_.PutString(name);
  }
  writer_.Put(")");
  if (show.like) {
    SKEP_TRY_ASSIGN(const std::string pattern, ShowText(show.like, LiteralKind::kString, "LIKE"));
    writer_.Put(" where " + std::string(listing->filtered) + " like ");
    writer_.PutString(pattern);
    writer_.Put(" escape '\\'");
  }
  writer_.Put(show.object == ObjectKind::kColumn ? " order by ordinal_position"
                                                 : " order by " + std::string(listing->filtered));
  if (show.limit) {
    SKEP_TRY_ASSIGN(const std::string digits, ShowText(show.limit, LiteralKind::kInteger, "LIMIT"));
    uint32_t limit = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), limit);
    if (read.ec != std::errc() || limit > kMostRows)
      return resolver_.Fail1(ErrorKind::kInvalidArgument, "LIMIT must be between 0 and 10000",
                             show.limit);
    writer_.Put(" limit " + std::to_string(limit));
  }
  for (std::string_view rest = listing->columns; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(",", rest.find(':')));
    const size_t colon = one.find(':');
    out_.output.push_back(
        {std::string(one.substr(0, colon)), ParseCompactType(one.substr(colon + 1))});
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  out_.returns_rows = true;
  return {};
}

}  // namespace skep::sql
