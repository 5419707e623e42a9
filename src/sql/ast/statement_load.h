// COPY, its jobs, and UNLOAD. Source of the forms: the developer guide's COPY, COPY JOB and UNLOAD.
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

// Options have the guide's parameter names in lower case. FORMAT AS is left out: csv, json,
// parquet... are options themselves. NULL AS 'x' is "null".
struct Copy : Is<NodeKind::kCopy, Statement> {
  QualifiedName table;
  List<Name> columns;
  Value* source = nullptr;
  List<Option*> options;
  QualifiedName use_template;
  Name job;  // JOB CREATE
  OnOff job_auto = OnOff::kNone;
  static auto Fields(auto& s) {
    return std::tie(s.table, s.columns, s.source, s.options, s.use_template, s.job, s.job_auto);
  }
};

enum class JobStep : uint8_t { kAlter, kRun, kList, kShow, kDrop };

struct CopyJob : Is<NodeKind::kCopyJob, Statement> {
  JobStep step = JobStep::kRun;
  Name name;
  OnOff job_auto = OnOff::kNone;
  static auto Fields(auto& s) { return std::tie(s.step, s.name, s.job_auto); }
};

struct Unload : Is<NodeKind::kUnload, Statement> {
  Value* query = nullptr;  // its text as a literal
  Query* inner = nullptr;  // UNLOAD (SELECT ...) TO, written without quotes
  Value* target = nullptr;
  List<Option*> options;
  static auto Fields(auto& s) { return std::tie(s.query, s.inner, s.target, s.options); }
};

}  // namespace skep::sql::ast
