// UNLOAD: its options become a plan, which the worker's writer follows (src/worker/unload). Source:
// the developer guide's "UNLOAD" and its usage notes.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "sql/emit/load_options.h"
#include "sql/emit/statement_emitter.h"
#include "sql/statement.h"
#include "sql/unload_plan.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr uint64_t kMegabyte = 1u << 20;
constexpr double kMostFileMegabytes = 6.2 * 1024;

// Whether a column may name folders.
bool NamesFolders(TypeKind kind) {
  using enum TypeKind;
  switch (kind) {
    case kUnknown:
    case kLiteral:
    case kBoolean:
    case kSmallint:
    case kInt:
    case kBigint:
    case kDecimal:
    case kReal:
    case kDouble:
    case kChar:
    case kVarchar:
    case kName:
    case kDate:
    case kTimestamp:
      return true;
    default:
      return false;
  }
}

// What Parquet has of a value: no zones, and decimals of a declared width.
std::string ParquetValue(const std::string& value, const Type& type) {
  if (type.kind == TypeKind::kTimestampTz) return "timezone('UTC', " + value + ")";
  if (type.kind == TypeKind::kDecimal && type.length > 0)
    return "cast(" + value + " as decimal(" + std::to_string(type.length) + ", " +
           std::to_string(type.scale) + "))";
  return value;
}

// A size with its unit in megabytes; the unit is MB when none is given.
double Megabytes(const Option& option) {
  const double size = std::strtod(std::string(option.text()).c_str(), nullptr);
  const bool giga = option.values.size() > 1 && Lower(option.values[1]->text) == "gb";
  return giga ? size * 1024 : size;
}

}  // namespace

Result<void> StatementEmitter::ReadUnloadFormat(const Unload& unload, UnloadPlan& plan) const {
  const Option *delimiter = nullptr, *chosen = nullptr;
  for (const Option* option : unload.options) {
    const std::string_view name = option->name;
    const auto choose = [&](UnloadFormat format) -> Result<void> {
      if (chosen)
        return resolver_.Fail1(
            ErrorKind::kSyntaxError,
            Upper(chosen->name) + " and " + Upper(name) + " cannot be used together", option);
      chosen = option;
      plan.format = format;
      return {};
    };
    if (name == "csv") {
      SKEP_TRY(choose(UnloadFormat::kCsv));
    } else if (name == "json") {
      SKEP_TRY(choose(UnloadFormat::kJson));
    } else if (name == "parquet") {
      SKEP_TRY(choose(UnloadFormat::kParquet));
    } else if (name == "fixedwidth") {
      SKEP_TRY(choose(UnloadFormat::kFixedWidth));
      auto widths = Widths(option->text());
      if (!widths)
        return resolver_.Fail1(
            ErrorKind::kInvalidArgument,
            "invalid FIXEDWIDTH specification \"" + std::string(option->text()) + "\"", option);
      plan.widths = std::move(*widths);
    } else if (name == "delimiter") {
      delimiter = option;
    } else if (name == "null") {
      plan.null_text = std::string(option->text());
    } else if (name == "addquotes") {
      plan.add_quotes = true;
    } else if (name == "escape") {
      plan.escape = true;
    } else if (name == "header") {
      plan.header = true;
    } else if (name == "gzip" || name == "zstd" || name == "bzip2") {
      if (!plan.compression.empty() && plan.compression != name)
        return resolver_.Fail1(
            ErrorKind::kSyntaxError,
            Upper(plan.compression) + " and " + Upper(name) + " cannot be used together", option);
      plan.compression = std::string(name);
    }
  }
  if (plan.format == UnloadFormat::kCsv) plan.delimiter = ",";
  if (delimiter && plan.format != UnloadFormat::kParquet && plan.format != UnloadFormat::kJson) {
    const auto read = Delimiter(delimiter->text());
    if (!read)
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "UNLOAD delimiter must be a single ASCII character", delimiter);
    plan.delimiter = *read;
  }
  return {};
}

// Which options go with which format.
Result<void> StatementEmitter::CheckUnloadOptions(const Unload& unload,
                                                  const UnloadPlan& plan) const {
  using enum UnloadFormat;
  const auto refuse = [&](std::initializer_list<std::string_view> names,
                          const std::string& format) -> Result<void> {
    for (const std::string_view name : names) {
      if (const Option* option = FindOption(unload.options, name))
        return resolver_.Fail1(ErrorKind::kInvalidArgument,
                               (name == "null" ? "NULL AS" : Upper(name)) +
                                   " argument is not supported for " + format + " based UNLOAD",
                               option);
    }
    return {};
  };
  switch (plan.format) {
    case kParquet:
      return refuse({"delimiter", "fixedwidth", "addquotes", "escape", "null", "header", "gzip",
                     "bzip2", "zstd"},
                    "PARQUET");
    case kJson:
      SKEP_TRY(
          refuse({"delimiter", "header", "fixedwidth", "addquotes", "escape", "null"}, "JSON"));
      break;
    case kCsv:
      SKEP_TRY(refuse({"fixedwidth", "addquotes", "escape"}, "CSV"));
      break;
    case kFixedWidth:
      SKEP_TRY(refuse({"delimiter", "header", "addquotes", "escape"}, "FIXEDWIDTH"));
      break;
    case kDelimited:
      break;
  }
  if (const Option* size = FindOption(unload.options, "rowgroupsize"))
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "ROWGROUPSIZE argument is supported for PARQUET based UNLOAD only",
                           size);
  return {};
}

// Where the files go and what becomes of those that are there.
Result<void> StatementEmitter::ReadUnloadTarget(const Unload& unload, UnloadPlan& plan) {
  plan.path = std::string(unload.target ? unload.target->text : std::string_view());
  if (!plan.path.starts_with("s3://") || plan.path.size() == 5)
    return resolver_.Fail1(ErrorKind::kInvalidArgument, "UNLOAD destination must be an s3:// path",
                           unload.target);
  bool overwrite = false, encrypted = false, automatic = false;
  for (const Option* option : unload.options) {
    const std::string_view name = option->name;
    if (name == "allowoverwrite") {
      overwrite = true;
      plan.existing = "keep";
    } else if (name == "cleanpath") {
      plan.existing = "clean";
    } else if (name == "parallel") {
      plan.parallel = option->text() != "off" && option->text() != "false";
    } else if (name == "manifest") {
      plan.manifest = true;
      plan.verbose = option->text() == "verbose";
    } else if (name == "encrypted") {
      encrypted = true;
      automatic = option->text() == "auto";
    } else if (name == "kms_key_id") {
      plan.kms_key_id = std::string(option->text());
      plan.kms = true;
    } else if (name == "extension") {
      plan.extension = std::string(option->text());
      if (plan.extension.find_first_of("/\\") != std::string::npos || plan.extension.size() > 64)
        return resolver_.Fail1(ErrorKind::kInvalidArgument, "EXTENSION is no ending of a file name",
                               option);
      if (!plan.extension.empty() && plan.extension[0] != '.') plan.extension.insert(0, 1, '.');
    }
  }
  if (overwrite && FindOption(unload.options, "cleanpath"))
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "CLEANPATH and ALLOWOVERWRITE cannot be used together", &unload);
  if (plan.kms && !encrypted)
    return resolver_.Fail1(ErrorKind::kInvalidArgument, "KMS_KEY_ID needs ENCRYPTED", &unload);
  if (plan.kms && automatic)
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "ENCRYPTED AUTO and KMS_KEY_ID cannot be used together", &unload);
  SKEP_TRY_ASSIGN(const bool own_key, ReadMasterKeyOf(unload.options, "UNLOAD"));
  if (own_key && (plan.kms || automatic))
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           std::string("MASTER_SYMMETRIC_KEY and ") +
                               (plan.kms ? "KMS_KEY_ID" : "ENCRYPTED AUTO") +
                               " cannot be used together",
                           &unload);
  if (own_key && plan.format == UnloadFormat::kParquet)
    return resolver_.Fail1(
        ErrorKind::kInvalidArgument,
        "MASTER_SYMMETRIC_KEY argument is not supported for PARQUET based UNLOAD", &unload);
  if (encrypted && !automatic && !plan.kms && !own_key)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "ENCRYPTED needs KMS_KEY_ID, MASTER_SYMMETRIC_KEY or AUTO", &unload);
  if (plan.extension.empty()) {
    if (plan.format == UnloadFormat::kParquet) plan.extension = ".parquet";
    if (plan.format == UnloadFormat::kJson) plan.extension = ".json";
    if (plan.compression == "gzip") plan.extension += ".gz";
    if (plan.compression == "zstd") plan.extension += ".zst";
    if (plan.compression == "bzip2") plan.extension += ".bz2";
  }
  SKEP_TRY_ASSIGN(plan.roles, RolesOf(unload.options, "UNLOAD", unload));
  return {};
}

Result<void> StatementEmitter::ReadUnloadSizes(const Unload& unload, UnloadPlan& plan) const {
  double file = kMostFileMegabytes, group = 32;
  if (const Option* option = FindOption(unload.options, "maxfilesize")) {
    file = Megabytes(*option);
    if (!(file >= 5 && file <= kMostFileMegabytes))
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "MAXFILESIZE must be between 5 MB and 6.2 GB", option);
  }
  if (const Option* option = FindOption(unload.options, "rowgroupsize")) {
    group = Megabytes(*option);
    if (!(group >= 32 && group <= 128) || group != std::floor(group))
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "ROWGROUPSIZE must be between 32 MB and 128 MB", option);
  }
  plan.max_file_bytes = static_cast<uint64_t>(file * kMegabyte);
  plan.row_group_bytes = static_cast<uint64_t>(group) * kMegabyte;
  return {};
}

Result<void> StatementEmitter::ReadPartition(const List<Name>& names, const Node& at,
                                             UnloadPlan& plan) const {
  for (const Name& name : names) {
    const std::string folded = resolver_.Fold(name);
    const auto column = std::ranges::find(plan.columns, folded, &UnloadColumn::name);
    if (column == plan.columns.end())
      return resolver_.FailAt(ErrorKind::kUndefinedColumn,
                              "column \"" + folded + "\" does not exist in the unloaded query",
                              name.begin);
    if (!NamesFolders(column->type.kind))
      return resolver_.FailAt(ErrorKind::kFeatureNotSupported,
                              "column \"" + folded + "\" of type " + TypeText(column->type) +
                                  " cannot be a partition column",
                              name.begin);
    const auto number = static_cast<uint32_t>(column - plan.columns.begin());
    if (std::ranges::find(plan.partition, number) != plan.partition.end())
      return resolver_.FailAt(ErrorKind::kDuplicateColumn,
                              "column \"" + folded + "\" specified more than once", name.begin);
    plan.partition.push_back(number);
  }
  if (plan.partition.size() >= plan.columns.size())
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "at least one column must not be a partition column", &at);
  return {};
}

Result<void> StatementEmitter::CheckRows(const Query& query, const Node& at) const {
  const auto* select = As<Select>(query.body);
  if (query.limit || query.limit_all || query.offset || (select && select->top))
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported, "Limit clause is not supported", &at,
                           "Put the LIMIT into a subquery.");
  if (IntoOf(query)) return Unsupported("SELECT INTO here", at);
  return {};
}

Result<Emitted> StatementEmitter::EmitRows(const Query& query, std::string_view text,
                                           const Node& at) const {
  SKEP_TRY(CheckRows(query, at));
  StatementEmitter inner(text, context_);
  SKEP_TRY(inner.EmitQuery(query));
  if (inner.writer_.error()) return std::unexpected(*inner.writer_.error());
  if (!inner.resolver_.resolved().parameters->empty())
    return resolver_.Fail1(ErrorKind::kUndefinedParameter, out_.tag + " takes no parameters", &at);
  inner.out_.text = std::move(inner.writer_.text());
  return std::move(inner.out_);
}

// The query, read by itself when it is a literal.
Result<Emitted> StatementEmitter::EmitUnloaded(const Unload& unload) const {
  // Places in the literal's text are none in the statement's.
  const auto without_place = [](Error error) {
    error.position = 0;
    return std::unexpected(std::move(error));
  };
  if (unload.inner) return EmitRows(*unload.inner, text_, unload);
  if (unload.query == nullptr || unload.query->form != ValueForm::kString)
    return resolver_.Fail1(ErrorKind::kSyntaxError, "UNLOAD needs a query", &unload);
  const std::string text(unload.query->text);
  auto script = ParseScript(text);
  if (!script) return without_place(script.error());
  if (script->size() != 1)
    return resolver_.Fail1(ErrorKind::kSyntaxError, "UNLOAD needs exactly one query", unload.query);
  const sql::Statement& statement = script->front();
  if (statement.refusal) return without_place(*statement.refusal);
  const auto* query = As<QueryStatement>(statement.tree);
  if (!query)
    return resolver_.Fail1(ErrorKind::kSyntaxError, "UNLOAD takes a SELECT query only",
                           unload.query);
  auto emitted = EmitRows(*query->query, text, *unload.query);
  if (!emitted) return without_place(emitted.error());
  return emitted;
}

void StatementEmitter::PutUnload(const std::string& query, const UnloadPlan& plan, bool assigned) {
  const auto source = [](size_t i) { return "c" + std::to_string(i); };
  std::vector<std::string> values;
  bool as_it_is = plan.partition.empty() && !assigned;
  for (size_t i = 0; i < plan.columns.size(); i++) {
    values.push_back(plan.format == UnloadFormat::kParquet && !assigned
                         ? ParquetValue(source(i), plan.columns[i].type)
                         : source(i));
    as_it_is = as_it_is && values[i] == source(i);
  }
  writer_.Put("copy (");
  if (as_it_is) {
    writer_.Put(query);
  } else {
    std::string names;
    writer_.Put("select ");
    for (size_t i = 0; i < plan.columns.size(); i++) {
      const Type& type = plan.columns[i].type;
      if (i > 0) writer_.Put(", ");
      if (assigned) {
        writer_.Put("cast(");
        writer_.WriteAssignedText(values[i], type);
        writer_.Put(" as " + DuckDbWriter::TypeName(type) + ")");
      } else {
        writer_.Put(values[i]);
      }
      writer_.Put(" as " + QuoteName(plan.columns[i].name));
      names += (i > 0 ? ", " : "") + source(i);
    }
    writer_.Put(" from (" + query + ") as source(" + names + ")");
    // A folder's rows one behind the other, so that few files are open at a time.
    for (size_t i = 0; i < plan.partition.size(); i++)
      writer_.Put((i > 0 ? ", " : " order by ") + std::to_string(plan.partition[i] + 1));
  }
  writer_.Put(std::string(") to 's3://' (format rs_unload, preserve_order ") +
              (plan.parallel ? "false" : "true") + ", plan ");
  writer_.PutString(plan.Text());
  writer_.Put(")");
}

// Types that are unloaded as text and CSV only.
Result<void> StatementEmitter::CheckUnloadTypes(const Unload& unload,
                                                const UnloadPlan& plan) const {
  if (plan.format == UnloadFormat::kDelimited || plan.format == UnloadFormat::kCsv) return {};
  for (const UnloadColumn& column : plan.columns) {
    using enum TypeKind;
    const TypeKind kind = column.type.kind;
    if (kind == kVarbyte || kind == kGeometry || kind == kGeography || kind == kHllSketch)
      return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                             "column \"" + column.name + "\" of type " + TypeText(column.type) +
                                 " can be unloaded to text or CSV only",
                             &unload);
  }
  return {};
}

Result<void> StatementEmitter::EmitUnload(const Unload& unload) {
  UnloadPlan plan;
  SKEP_TRY(ReadUnloadFormat(unload, plan));
  SKEP_TRY(CheckUnloadOptions(unload, plan));
  SKEP_TRY(ReadUnloadTarget(unload, plan));
  SKEP_TRY(ReadUnloadSizes(unload, plan));
  SKEP_TRY_ASSIGN(const Emitted query, EmitUnloaded(unload));
  for (const Column& column : query.output) plan.columns.push_back({column.name, column.type});
  if (const Option* partition = FindOption(unload.options, "partition by")) {
    plan.include = partition->text() == "include";
    SKEP_TRY(ReadPartition(partition->names, *partition, plan));
    if (!plan.path.ends_with('/')) plan.path += '/';
  }
  SKEP_TRY(CheckUnloadTypes(unload, plan));
  const size_t written = plan.columns.size() - (plan.include ? 0 : plan.partition.size());
  if (plan.format == UnloadFormat::kFixedWidth && plan.widths.size() != written)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "FIXEDWIDTH names " + std::to_string(plan.widths.size()) +
                               " columns, the query has " + std::to_string(written),
                           &unload);
  if (plan.format == UnloadFormat::kJson) {
    std::set<std::string> seen;
    for (const UnloadColumn& column : plan.columns) {
      if (!seen.insert(column.name).second)
        return resolver_.Fail1(ErrorKind::kDuplicateColumn,
                               "column \"" + column.name +
                                   "\" specified more than once; UNLOAD to JSON needs unique names",
                               &unload);
    }
  }
  PutUnload(query.text, plan);
  return {};
}

}  // namespace skep::sql
