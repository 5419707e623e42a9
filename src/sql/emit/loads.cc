// COPY: its options become a plan, which the worker's loader follows (src/worker/copy).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/client_encryption.h"
#include "base/text.h"
#include "sql/copy_plan.h"
#include "sql/emit/load_options.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr uint64_t kMostErrors = 100'000;

}  // namespace

// Who reads or writes the objects: roles, first assumed first; or, when there are none, keys that
// are put beside the statement.
Result<std::vector<std::string>> StatementEmitter::RolesOf(const List<Option*>& options,
                                                           const std::string& command,
                                                           const Node& at) {
  std::vector<std::string> roles;
  CopyKeys keys;
  const std::pair<std::string_view, std::string CopyKeys::*> kKeys[] = {
      {"access_key_id", &CopyKeys::id},
      {"secret_access_key", &CopyKeys::secret},
      {"session_token", &CopyKeys::session_token}};
  const std::pair<std::string_view, std::string CopyKeys::*> kCredentials[] = {
      {"aws_access_key_id=", &CopyKeys::id},
      {"aws_secret_access_key=", &CopyKeys::secret},
      {"token=", &CopyKeys::session_token}};
  for (const Option* option : options) {
    const std::string_view name = option->name;
    for (const auto& [word, member] : kKeys) {
      if (name == word) keys.*member = std::string(option->text());
    }
    if (name == "iam_role") {
      SKEP_TRY_ASSIGN(roles, RolesOf(*option));
    } else if (name == "credentials") {
      for (const std::string& part : Parts(option->text(), ';')) {
        if (part.starts_with("aws_iam_role=")) roles = Parts(part.substr(13), ',');
        for (const auto& [word, member] : kCredentials) {
          if (part.starts_with(word)) keys.*member = part.substr(word.size());
        }
      }
    }
  }
  if (!roles.empty() && !(keys.id + keys.secret + keys.session_token).empty())
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "an IAM role and access keys cannot be used together", &at);
  if (!roles.empty()) return roles;
  if (keys.id.empty() || keys.secret.empty())
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           command + " needs an IAM_ROLE, or ACCESS_KEY_ID and SECRET_ACCESS_KEY",
                           &at);
  out_.keys = std::move(keys);
  return roles;
}

// Whether ENCRYPTED is there with a key that the client keeps, which is put beside the statement.
Result<bool> StatementEmitter::ReadMasterKeyOf(const List<Option*>& options,
                                               const std::string& command) {
  const Option* given = nullptr;
  const Option* encrypted = FindOption(options, "encrypted");
  std::string text;
  for (const Option* option : options) {
    if (option->name == "master_symmetric_key") {
      given = option;
      text = std::string(option->text());
    } else if (option->name == "credentials") {
      constexpr std::string_view kWord = "master_symmetric_key=";
      for (const std::string& part : Parts(option->text(), ';')) {
        if (!part.starts_with(kWord)) continue;
        given = option;
        text = part.substr(kWord.size());
      }
    }
  }
  if (!given) return false;
  if (FindOption(options, "master_symmetric_key") && FindOption(options, "credentials"))
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "MASTER_SYMMETRIC_KEY and CREDENTIALS cannot be used together", given,
                           "CREDENTIALS takes the key as master_symmetric_key=...");
  if (!encrypted)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "MASTER_SYMMETRIC_KEY needs ENCRYPTED for " + command, given);
  auto key = ReadMasterKey(text);
  OPENSSL_cleanse(text.data(), text.size());
  if (!key) return resolver_.Fail1(key.error().kind, key.error().message, given);
  out_.master_key = std::move(*key);
  return true;
}

// Where the data is and who may read it.
Result<void> StatementEmitter::ReadCopySource(const Copy& copy, CopyPlan& plan) {
  plan.path = std::string(copy.source ? copy.source->text : std::string_view());
  if (!plan.path.starts_with("s3://"))
    return Unsupported("COPY from \"" + plan.path.substr(0, plan.path.find("://")) + "\"", copy);
  SKEP_TRY_ASSIGN(plan.roles, RolesOf(copy.options, "COPY", copy));
  SKEP_TRY_ASSIGN(const bool encrypted, ReadMasterKeyOf(copy.options, "COPY"));
  if (const Option* option = FindOption(copy.options, "encrypted"); option && !encrypted)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "ENCRYPTED needs MASTER_SYMMETRIC_KEY for COPY", option,
                           "Objects that the store encrypts are read without ENCRYPTED.");
  for (const Option* option : copy.options) {
    const std::string_view name = option->name;
    if (name == "manifest")
      plan.manifest = true;
    else if (name == "kms_key_id" || name == "ssh")
      return Unsupported("COPY ... " + Upper(name), *option);
  }
  return {};
}

Result<void> StatementEmitter::ReadCopyFormat(const Copy& copy, CopyPlan& plan) {
  const Option *delimiter = nullptr, *chosen = nullptr;
  for (const Option* option : copy.options) {
    const std::string_view name = option->name;
    const auto choose = [&](CopyFormat format) -> Result<void> {
      if (chosen)
        return resolver_.Fail1(
            ErrorKind::kSyntaxError,
            Upper(chosen->name) + " and " + Upper(name) + " cannot be used together", option);
      chosen = option;
      plan.format = format;
      return {};
    };
    if (name == "csv") {
      SKEP_TRY(choose(CopyFormat::kCsv));
    } else if (name == "json") {
      SKEP_TRY(choose(CopyFormat::kJson));
      if (!option->text().empty()) plan.json = std::string(option->text());
      const bool known = plan.json == "auto" || plan.json == "auto ignorecase" ||
                         plan.json == "noshred" || plan.json.starts_with("s3://");
      if (!known)
        return resolver_.Fail1(
            ErrorKind::kInvalidArgument,
            "JSON takes 'auto', 'auto ignorecase', 'noshred' or the s3:// path of "
            "a jsonpaths file",
            option);
    } else if (name == "fixedwidth") {
      SKEP_TRY(choose(CopyFormat::kFixedWidth));
      auto widths = Widths(option->text());
      if (!widths)
        return resolver_.Fail1(
            ErrorKind::kInvalidArgument,
            "invalid FIXEDWIDTH specification \"" + std::string(option->text()) + "\"", option);
      plan.widths = std::move(*widths);
    } else if (name == "parquet") {
      SKEP_TRY(choose(CopyFormat::kParquet));
    } else if (name == "orc") {
      SKEP_TRY(choose(CopyFormat::kOrc));
    } else if (name == "avro") {
      SKEP_TRY(choose(CopyFormat::kAvro));
      if (!option->text().empty()) plan.json = std::string(option->text());
      if (plan.json != "auto" && plan.json != "auto ignorecase" && !plan.json.starts_with("s3://"))
        return resolver_.Fail1(
            ErrorKind::kInvalidArgument,
            "AVRO takes 'auto', 'auto ignorecase' or the s3:// path of a jsonpaths file", option);
    } else if (name == "shapefile") {
      SKEP_TRY(choose(CopyFormat::kShapefile));
      plan.encoding.clear();
    } else if (name == "delimiter") {
      delimiter = option;
    } else if (name == "quote") {
      if (option->text().size() != 1)
        return resolver_.Fail1(ErrorKind::kInvalidArgument, "QUOTE takes one character", option);
      plan.quote = option->text()[0];
    } else if (name == "gzip" || name == "zstd" || name == "bzip2" || name == "lzop") {
      plan.compression = std::string(name);
    }
  }
  if (plan.format == CopyFormat::kCsv) plan.delimiter = ",";
  if (delimiter) {
    if (chosen && plan.format != CopyFormat::kCsv)
      return resolver_.Fail1(ErrorKind::kSyntaxError,
                             "DELIMITER and " + Upper(chosen->name) + " cannot be used together",
                             delimiter);
    const auto read = Delimiter(delimiter->text());
    if (!read)
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "COPY delimiter must be a single ASCII character", delimiter);
    plan.delimiter = *read;
  }
  return {};
}

// SHAPEFILE [SIMPLIFY [AUTO] [tolerance]]. Source: the developer guide's "Data format parameters".
Result<void> StatementEmitter::ReadShapefileOptions(const Copy& copy, CopyPlan& plan) {
  constexpr std::string_view kRefused[] = {
      "removequotes", "escape", "bzip2", "lzop", "zstd", "ignoreheader", "ignoreblanklines"};
  for (const Option* option : copy.options) {
    const std::string_view name = option->name;
    if (name == "simplify" || name == "simplify auto") {
      if (plan.format != CopyFormat::kShapefile)
        return resolver_.Fail1(ErrorKind::kSyntaxError, "SIMPLIFY can be used with SHAPEFILE only",
                               option);
      plan.simplify = name == "simplify" ? CopySimplify::kAll : CopySimplify::kAuto;
      if (option->values.empty()) continue;
      double tolerance = 0;
      const std::string_view text = option->text();
      const auto read = std::from_chars(text.data(), text.data() + text.size(), tolerance);
      if (read.ec != std::errc() || read.ptr != text.data() + text.size() || tolerance < 0 ||
          !std::isfinite(tolerance))
        return resolver_.Fail1(ErrorKind::kInvalidArgument,
                               "the tolerance of SIMPLIFY must be a number that is not negative",
                               option);
      plan.tolerance = tolerance;
    }
    if (plan.format != CopyFormat::kShapefile) continue;
    if (std::ranges::find(kRefused, name) != std::end(kRefused))
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             Upper(name) + " argument is not supported for SHAPEFILE based COPY",
                             option);
    if (name == "encoding" && Lower(option->text()).starts_with("utf16"))
      return resolver_.Fail1(
          ErrorKind::kInvalidArgument,
          "a shapefile cannot have the encoding \"" + std::string(option->text()) + "\"", option);
  }
  if (plan.format != CopyFormat::kShapefile) return {};
  if (copy.job)
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                           "SHAPEFILE is not supported with COPY JOB", &copy);
  plan.read_srid = !context_.setting ||
                   context_.setting("read_srid_on_shapefile_ingestion").value_or("on") == "on";
  if (plan.columns.empty() || plan.columns.front().type.kind != TypeKind::kGeometry)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "the first column that a shapefile is loaded into must be of type "
                           "GEOMETRY",
                           &copy);
  return {};
}

Result<void> StatementEmitter::ReadCopyOptions(const Copy& copy, CopyPlan& plan) {
  const auto number = [&](const Option& option, uint64_t most) -> Result<uint64_t> {
    uint64_t value = 0;
    if (!ReadNumber(option.text(), value) || value > most)
      return resolver_.Fail1(
          ErrorKind::kInvalidArgument,
          Upper(option.name) + " takes a number from 0 to " + std::to_string(most), &option);
    return value;
  };
  const std::pair<std::string_view, bool CopyPlan::*> switches[] = {
      {"acceptanydate", &CopyPlan::accept_any_date},
      {"blanksasnull", &CopyPlan::blanks_as_null},
      {"emptyasnull", &CopyPlan::empty_as_null},
      {"escape", &CopyPlan::escape},
      {"fillrecord", &CopyPlan::fill_record},
      {"ignoreblanklines", &CopyPlan::ignore_blank_lines},
      {"removequotes", &CopyPlan::remove_quotes},
      {"roundec", &CopyPlan::round_decimals},
      {"trimblanks", &CopyPlan::trim_blanks},
      {"truncatecolumns", &CopyPlan::truncate_columns},
      {"ignoreallerrors", &CopyPlan::ignore_all_errors},
      {"noload", &CopyPlan::no_load},
  };
  for (const Option* option : copy.options) {
    const std::string_view name = option->name;
    for (const auto& [word, member] : switches) {
      if (name == word) plan.*member = true;
    }
    if (name == "ignoreheader") {
      SKEP_TRY_ASSIGN(plan.skip_lines, number(*option, INT32_MAX));
    } else if (name == "maxerror") {
      SKEP_TRY_ASSIGN(plan.max_errors, number(*option, kMostErrors));
      plan.max_errors = std::max<uint64_t>(plan.max_errors, 1);
    } else if (name == "null") {
      plan.null_text = std::string(option->text());
    } else if (name == "acceptinvchars") {
      plan.replacement = option->text().empty() ? "?" : std::string(option->text());
      if (plan.replacement->size() != 1)
        return resolver_.Fail1(ErrorKind::kInvalidArgument,
                               "ACCEPTINVCHARS takes one ASCII character", option);
    } else if (name == "dateformat") {
      if (Lower(option->text()) != "auto") plan.date_format = std::string(option->text());
    } else if (name == "timeformat") {
      plan.time_format = std::string(option->text());
      if (const std::string lower = Lower(plan.time_format);
          lower == "auto" || lower == "epochsecs" || lower == "epochmillisecs")
        plan.time_format = lower;
    } else if (name == "encoding") {
      plan.encoding = Lower(option->text());
      constexpr std::string_view kEncodings[] = {"utf8", "utf16", "utf16le", "utf16be", "iso88591"};
      if (std::ranges::find(kEncodings, plan.encoding) == std::end(kEncodings))
        return resolver_.Fail1(ErrorKind::kInvalidArgument,
                               "encoding \"" + plan.encoding + "\" is not known to COPY", option);
    }
  }
  if (plan.escape && plan.format == CopyFormat::kCsv)
    return resolver_.Fail1(ErrorKind::kSyntaxError, "ESCAPE and CSV cannot be used together",
                           &copy);
  if (plan.remove_quotes && (plan.format != CopyFormat::kDelimited))
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "REMOVEQUOTES can be used with delimited text only", &copy);
  return {};
}

// Typed values; options for text mean nothing there.
Result<void> StatementEmitter::CheckTypedOptions(const Copy& copy, CopyFormat format) const {
  const std::string_view word = format == CopyFormat::kParquet ? "parquet"
                                : format == CopyFormat::kOrc   ? "orc"
                                                               : "avro";
  constexpr std::string_view kAllowed[] = {
      "iam_role",      "credentials",       "manifest",     "region",    "fillrecord",
      "statupdate",    "compupdate",        "comprows",     "readratio", "explicit_ids",
      "access_key_id", "secret_access_key", "session_token"};
  for (const Option* option : copy.options) {
    if (option->name == word) continue;
    if (std::ranges::find(kAllowed, option->name) != std::end(kAllowed)) continue;
    return resolver_.Fail1(
        ErrorKind::kInvalidArgument,
        Upper(option->name) + " argument is not supported for " + Upper(word) + " based COPY",
        option);
  }
  return {};
}

// The files' columns (of Avro: those of the table's names), each checked on its way as a value of
// INSERT is.
void StatementEmitter::WriteTypedSource(const CopyPlan& plan) {
  writer_.Put(") select ");
  for (size_t i = 0; i < plan.columns.size(); i++) {
    if (i > 0) writer_.Put(", ");
    writer_.WriteAssignedText("source.c" + std::to_string(i), plan.columns[i].type);
  }
  writer_.Put(" from rs_copy_typed(");
  writer_.PutString(plan.Text());
  writer_.Put(") as source");
}

Result<void> StatementEmitter::EmitCopy(const Copy& copy) {
  if (!copy.use_template.empty()) return Unsupported("COPY ... USING TEMPLATE", copy);
  SKEP_TRY_ASSIGN(ScopeRelation * target, Changed(copy.table, {}, copy));
  const RelationEntry& entry = *target->entry;
  CopyPlan plan;
  SKEP_TRY(ReadCopySource(copy, plan));
  SKEP_TRY(ReadCopyFormat(copy, plan));
  SKEP_TRY(ReadCopyOptions(copy, plan));
  plan.table = entry.name;
  plan.relation = entry.name;
  const bool temporary = entry.kind == RelationKind::kTemporary;
  plan.database = temporary ? "temp" : context_.database;
  plan.schema = temporary ? "main" : entry.schema;

  const bool explicit_ids = FindOption(copy.options, "explicit_ids") != nullptr;
  SKEP_TRY_ASSIGN(auto columns, TargetColumns(copy.columns, entry, 0, false, copy));
  // An IDENTITY column fills itself; values of its own need EXPLICIT_IDS.
  const auto by_itself = [&](size_t i) {
    const Column& column = entry.columns[i];
    return column.identity && !ColumnFacts::Read(column.facts).by_default && !explicit_ids;
  };
  if (!copy.columns.empty()) {
    for (size_t i = 0; i < columns.size(); i++) {
      if (by_itself(columns[i]))
        return resolver_.FailAt(ErrorKind::kInvalidArgument,
                                "cannot set an identity column to a value without EXPLICIT_IDS",
                                copy.columns[i].begin);
    }
  } else {
    std::erase_if(columns, by_itself);
  }
  if (plan.format == CopyFormat::kFixedWidth && plan.widths.size() != columns.size())
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "FIXEDWIDTH names " + std::to_string(plan.widths.size()) +
                               " columns, the table takes " + std::to_string(columns.size()),
                           &copy);
  if (plan.format == CopyFormat::kJson && plan.json == "noshred" &&
      (columns.size() != 1 || !entry.columns[columns[0]].type.IsSuper()))
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "JSON 'noshred' needs a single SUPER column", &copy);
  for (const size_t i : columns)
    plan.columns.push_back(
        {entry.columns[i].name, entry.columns[i].type, entry.columns[i].not_null});

  SKEP_TRY(ReadShapefileOptions(copy, plan));
  if (IsTyped(plan.format)) SKEP_TRY(CheckTypedOptions(copy, plan.format));
  if (copy.job && !context_.copy_job_load) return EmitCreateCopyJob(copy, plan);
  writer_.Put("insert into " + EntryText(entry) + " (");
  for (const CopyColumn& column : plan.columns) {
    if (&column != plan.columns.data()) writer_.Put(", ");
    writer_.PutName(column.name);
  }
  if (context_.copy_job_load) {
    plan.job = context_.copy_job_load->job;
    plan.files = context_.copy_job_load->files;
  }
  if (IsTyped(plan.format)) {
    WriteTypedSource(plan);
    return {};
  }
  writer_.Put(") select * from rs_copy(");
  writer_.PutString(plan.Text());
  writer_.Put(")");
  return {};
}

}  // namespace skep::sql
