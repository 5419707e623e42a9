// COPY ... JOB CREATE and COPY JOB: what the worker keeps of a job, and the queries that show jobs.
// Source: the developer guide's "COPY JOB".
#include <algorithm>

#include "sql/copy_plan.h"
#include "sql/emit/load_options.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

// Folded like other names; no hyphens.
Result<std::string> StatementEmitter::CopyJobName(const Name& name, const Node& at) {
  std::string folded = resolver_.Fold(name);
  if (folded.find('-') != std::string::npos)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "the name of a COPY JOB cannot contain hyphens: \"" + folded + "\"",
                           &at);
  return folded;
}

// `plan` is what a run will do: whatever it cannot do is refused now.
Result<void> StatementEmitter::EmitCreateCopyJob(const Copy& copy, const CopyPlan& plan) {
  constexpr std::string_view kRefused[] = {"manifest",      "maxerror",      "ignoreallerrors",
                                           "noload",        "access_key_id", "secret_access_key",
                                           "session_token", "encrypted"};
  for (const Option* option : copy.options) {
    if (std::ranges::find(kRefused, option->name) != std::end(kRefused))
      return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                             Upper(option->name) + " is not supported with COPY JOB", option);
    if (option->name == "credentials" && plan.roles.empty())
      return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                             "access keys are not supported with COPY JOB", option);
  }
  if (std::ranges::find(plan.roles, "default") != plan.roles.end())
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                           "the default IAM role is not supported with COPY JOB", &copy);
  if (plan.database == "temp")
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                           "a temporary table is not supported with COPY JOB", &copy);
  CopyJobCommand command;
  command.step = CopyJobCommand::Step::kCreate;
  SKEP_TRY_ASSIGN(command.name, CopyJobName(copy.job, copy));
  command.automatic = copy.job_auto != OnOff::kOff;
  command.text = std::string(text_.substr(copy.begin, copy.end - copy.begin));
  command.schema = plan.schema;
  command.table = plan.table;
  command.location = plan.path;
  command.roles = plan.roles;
  out_.copy_job = std::move(command);
  out_.keys.reset();
  out_.master_key = Secret();
  out_.text.clear();
  return {};
}

Result<void> StatementEmitter::EmitCopyJob(const CopyJob& job) {
  if (job.step == JobStep::kList || job.step == JobStep::kShow) {
    const Type text = Type::Of(TypeKind::kVarchar), number = Type::Of(TypeKind::kBigint);
    out_.output = {{"job_id", number},    {"job_name", text},
                   {"job_owner", text},   {"database_name", text},
                   {"schema_name", text}, {"table_name", text},
                   {"data_source", text}, {"iam_role", text},
                   {"is_auto", number},   {"created_at", Type::Of(TypeKind::kTimestamp)}};
    if (job.step == JobStep::kShow) out_.output.push_back({"job_text", text});
    out_.returns_rows = true;
    writer_.Put(
        "select job_id, job_name, job_owner, current_database() as database_name, schema_name, "
        "table_name, data_source, iam_role, is_auto::bigint as is_auto, created_at");
    if (job.step == JobStep::kList) {
      writer_.Put(" from rs_kept('copy_jobs') order by job_name");
      return {};
    }
    SKEP_TRY_ASSIGN(const std::string name, CopyJobName(job.name, job));
    writer_.Put(", job_text from rs_kept('copy_jobs') where job_name = ");
    writer_.PutString(name);
    return {};
  }
  CopyJobCommand command;
  command.step = job.step == JobStep::kAlter  ? CopyJobCommand::Step::kAlter
                 : job.step == JobStep::kDrop ? CopyJobCommand::Step::kDrop
                                              : CopyJobCommand::Step::kRun;
  SKEP_TRY_ASSIGN(command.name, CopyJobName(job.name, job));
  if (job.job_auto != OnOff::kNone) command.automatic = job.job_auto == OnOff::kOn;
  out_.copy_job = std::move(command);
  return {};
}

}  // namespace skep::sql
