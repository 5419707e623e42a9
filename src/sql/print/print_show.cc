// SHOW and DESCRIBE.
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

void Printer::Show(std::string_view words, const Expr* value) {
  if (!value) return;
  Word(words);
  WriteChild(value);
}

void Printer::Write(const ShowSetting& show) {
  Word(show.all ? "show all" : "show");
  if (!show.all) Write(show.name);
}

void Printer::Write(const ShowObjects& show) {
  Word("show");
  Word(PluralOf(show.object));
  WordIf(show.data_catalog, "from data catalog");
  if (!show.accounts.empty()) {
    Word("account");
    Commas(show.accounts, [&](const Value* account) { Write(*account); });
  }
  if (show.scope != ObjectKind::kNone) {
    Word("from");
    Word(WordsOf(show.scope));
    Write(show.in);
  }
  Show("schema_name like", show.schema_like);
  Show("table_name like", show.table_like);
  Show("column_name like", show.column_like);
  Show("like", show.like);
  if (show.iam_role) Write(*show.iam_role);
  Show("limit", show.limit);
}

void Printer::Write(const ShowConstraints& show) {
  Word(show.foreign ? "show constraints foreign keys" : "show constraints primary keys");
  WordIf(show.exported, "exported");
  Word("from table");
  Write(show.table);
  Show("limit", show.limit);
}

void Printer::Write(const ShowGrants& show) {
  Word(show.columns ? "show column grants" : "show grants");
  if (show.of_all) {
    Word("on");
    Word(PluralOf(show.object));
  } else if (show.on) {
    Word("on");
    WordIf(show.object != ObjectKind::kNone, WordsOf(show.object));
    Write(*show.on);
  }
  if (show.grantee) {
    Word("for");
    Write(*show.grantee);
  }
  NamedIf("from database", show.database);
  Show("schema_name like", show.schema_like);
  Show("table_name like", show.table_like);
  Show("like", show.like);
  Show("limit", show.limit);
}

void Printer::Write(const ShowParameters& show) {
  Word("show parameters of");
  Word(WordsOf(show.object));
  Write(*show.routine);
  Show("like", show.like);
  Show("limit", show.limit);
}

void Printer::Write(const ShowPolicies& show) {
  Word(show.masking ? "show masking policies" : "show rls policies");
  NamedIf("on", show.on);
  if (show.grantee) {
    Word("for");
    Write(*show.grantee);
  }
  NamedIf("from database", show.database);
  Show("limit", show.limit);
}

void Printer::Write(const ShowDefinition& show) {
  Word("show");
  Word(WordsOf(show.object));
  if (!show.name) return Word("all");
  Write(*show.name);
  WordIf(show.partition, "partition");
}

void Printer::Write(const Describe& describe) {
  Word("desc");
  Word(WordsOf(describe.object));
  Write(describe.name);
  WordIf(describe.account || describe.namespace_id, "of");
  ValueIf("account", describe.account);
  ValueIf("namespace", describe.namespace_id);
}

}  // namespace skep::sql
