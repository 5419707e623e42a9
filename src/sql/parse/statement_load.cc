// Rules of COPY, COPY JOB and UNLOAD.
#include "sql/parse/statement.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr std::string_view kSwitch = "on|off|true|false";

// Longer words before shorter ones that begin the same.
constexpr OptionRule kCopyOptions[] = {
    // authorization
    {"iam_role", Takes::kScalar},
    {"credentials", Takes::kString, "", true},
    {"with credentials", Takes::kString, "", true, "credentials"},
    {"access_key_id", Takes::kString, "", true},
    {"secret_access_key", Takes::kString, "", true},
    {"session_token", Takes::kString, "", true},
    {"token", Takes::kString, "", true, "session_token"},
    // source
    {"manifest", Takes::kNothing, "verbose"},
    {"encrypted", Takes::kNothing, "auto"},
    {"master_symmetric_key", Takes::kString, "", true},
    {"kms_key_id", Takes::kString},
    {"region", Takes::kScalar},
    {"ssh"},
    {"readratio", Takes::kNumber},
    // format
    {"csv"},
    {"quote", Takes::kString},
    {"delimiter", Takes::kString},
    {"fixedwidth", Takes::kString},
    {"shapefile"},
    {"simplify auto", Takes::kMaybeNumber},
    {"simplify", Takes::kNumber},
    {"avro", Takes::kMaybeString},
    {"json", Takes::kMaybeString},
    {"parquet"},
    {"orc"},
    {"serializetojson"},
    // compression
    {"gzip"},
    {"bzip2"},
    {"lzop"},
    {"zstd"},
    // conversion
    {"acceptanydate"},
    {"acceptinvchars", Takes::kMaybeString},
    {"blanksasnull"},
    {"dateformat", Takes::kScalar},
    {"emptyasnull"},
    {"encoding", Takes::kScalar},
    {"escape"},
    {"explicit_ids"},
    {"fillrecord"},
    {"ignoreblanklines"},
    {"ignoreheader", Takes::kNumber},
    {"null", Takes::kString},
    {"removequotes"},
    {"roundec"},
    {"timeformat", Takes::kScalar},
    {"trimblanks"},
    {"truncatecolumns"},
    // load
    {"comprows", Takes::kNumber},
    {"compupdate", Takes::kNothing, "preset|on|off|true|false"},
    {"ignoreallerrors"},
    {"maxerror", Takes::kNumber},
    {"noload"},
    {"statupdate", Takes::kNothing, kSwitch},
};

constexpr OptionRule kUnloadOptions[] = {
    {"iam_role", Takes::kScalar},
    {"credentials", Takes::kString, "", true},
    {"with credentials", Takes::kString, "", true, "credentials"},
    {"access_key_id", Takes::kString, "", true},
    {"secret_access_key", Takes::kString, "", true},
    {"session_token", Takes::kString, "", true},
    {"token", Takes::kString, "", true, "session_token"},
    {"master_symmetric_key", Takes::kString, "", true},
    {"kms_key_id", Takes::kString},
    {"partition by", Takes::kColumns, "include"},
    {"manifest", Takes::kNothing, "verbose"},
    {"header"},
    {"delimiter", Takes::kString},
    {"fixedwidth", Takes::kString},
    {"encrypted", Takes::kNothing, "auto"},
    {"bzip2"},
    {"gzip"},
    {"zstd"},
    {"csv"},
    {"parquet"},
    {"json"},
    {"addquotes"},
    {"null", Takes::kString},
    {"escape"},
    {"allowoverwrite"},
    {"cleanpath"},
    {"parallel", Takes::kNothing, kSwitch},
    {"maxfilesize", Takes::kNumber, "mb|gb"},
    {"rowgroupsize", Takes::kNumber, "mb|gb"},
    {"region", Takes::kScalar},
    {"extension", Takes::kScalar},
};

constexpr std::string_view kFormats[] = {"csv", "json",      "avro",      "parquet",
                                         "orc", "shapefile", "delimiter", "fixedwidth"};

}  // namespace

std::span<const OptionRule> StatementParser::CopyRules() const { return kCopyOptions; }

namespace {
// FORMAT [AS] before a format is noise.
void TakeFormat(Parser& parser) {
  const size_t here = parser.at();
  if (!parser.Take("format")) parser.Take("as");
  parser.Take("as");
  if (parser.at() == here) return;
  for (const std::string_view format : kFormats) {
    if (parser.At(format)) return;
  }
  parser.Unexpected();
}
}  // namespace

// nullptr when the parser has failed.
Option* StatementParser::ParseLoadOption(std::span<const OptionRule> rules) {
  TakeFormat(p_);
  if (p_.At({"credentials", "iam_role"}) || p_.At({"credentials", "access_key_id"})) p_.Take();
  Option* option = ParseOption(rules);
  if (!option) p_.Unexpected();
  return option;
}

Statement* StatementParser::ParseCopy() {
  if (p_.At({"copy", "job"}) && !p_.Peek(2).Is("from") && !p_.Peek(2).IsOperator("(") &&
      !p_.Peek(2).IsOperator("."))
    return ParseCopyJob();
  auto* copy = Begin<Copy>();
  p_.Expect("copy");
  if (p_.AtOperator("(") && AtQuery()) {
    Refuse("copy of a query");
    return copy;
  }
  copy->table = p_.ParseQualifiedName();
  if (p_.AtOperator("(")) copy->columns = p_.ParseNameList();
  if (p_.At("to")) {
    Refuse("copy to");
    return copy;
  }
  p_.Expect("from");
  if (p_.AtAny({"stdin", "program"})) {
    Refuse(p_.At("stdin") ? "copy from stdin" : "copy from program");
    return copy;
  }
  copy->source = p_.Peek().kind == TokenKind::kParameter ? ParseValue() : ParseString();
  std::vector<Option*> options;
  while (!p_.failed() && !p_.AtEnd()) {
    if (p_.Take({"using", "template"})) {
      copy->use_template = p_.ParseQualifiedName();
      continue;
    }
    if (p_.Take({"job", "create"})) {
      copy->job = p_.ParseName();
      if (p_.Take("auto")) copy->job_auto = ParseSwitch();
      continue;
    }
    if (!options.empty()) p_.TakeOperator(",");
    Option* option = ParseLoadOption(kCopyOptions);
    if (!option) break;
    options.push_back(option);
  }
  copy->options = p_.Copy(options);
  return copy;
}

Statement* StatementParser::ParseCopyJob() {
  auto* job = Begin<CopyJob>();
  p_.Expect({"copy", "job"});
  if (p_.Take("list")) {
    job->step = JobStep::kList;
    return job;
  }
  if (p_.Take("alter")) {
    job->step = JobStep::kAlter;
    job->name = p_.ParseName();
    if (p_.Take("auto")) job->job_auto = ParseSwitch();
    return job;
  }
  if (p_.Take("run"))
    job->step = JobStep::kRun;
  else if (p_.Take("show"))
    job->step = JobStep::kShow;
  else if (p_.Take("drop"))
    job->step = JobStep::kDrop;
  else
    p_.Unexpected();
  job->name = p_.ParseName();
  return job;
}

Statement* StatementParser::ParseUnload() {
  auto* unload = Begin<Unload>();
  p_.Expect("unload");
  p_.ExpectOperator("(");
  if (AtQuery())
    unload->inner = p_.ParseQuery();
  else
    unload->query = ParseString();
  p_.ExpectOperator(")");
  p_.Expect("to");
  unload->target = p_.Peek().kind == TokenKind::kParameter ? ParseValue() : ParseString();
  std::vector<Option*> options;
  while (!p_.failed() && !p_.AtEnd()) {
    if (!options.empty()) p_.TakeOperator(",");
    Option* option = ParseLoadOption(kUnloadOptions);
    if (!option) break;
    options.push_back(option);
  }
  unload->options = p_.Copy(options);
  return unload;
}

}  // namespace skep::sql
