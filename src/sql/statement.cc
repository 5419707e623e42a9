#include "sql/statement.h"

#include <utility>

#include "base/text.h"
#include "sql/ast/visit.h"
#include "sql/parse/token.h"

namespace skep::sql {
namespace {

using ast::As;
using ast::NodeKind;

// What this server executes. Everything else is read to its end and refused by name.
bool IsOffered(const ast::Statement& tree) {
  switch (tree.kind) {
    case NodeKind::kQueryStatement:
    case NodeKind::kExplain:
    case NodeKind::kInsert:
    case NodeKind::kUpdate:
    case NodeKind::kDelete:
    case NodeKind::kMerge:
    case NodeKind::kCopy:
    case NodeKind::kCopyJob:
    case NodeKind::kUnload:
    case NodeKind::kTruncate:
    case NodeKind::kCreateTable:
    case NodeKind::kCreateTableAs:
    case NodeKind::kCreateExternalTable:
    case NodeKind::kCreateView:
    case NodeKind::kCreateFunction:
    case NodeKind::kCreateSchema:
    case NodeKind::kCreateExternalSchema:
    case NodeKind::kAlterExternalSchema:
    case NodeKind::kAlterTable:
    case NodeKind::kComment:
    case NodeKind::kBegin:
    case NodeKind::kCommit:
    case NodeKind::kRollback:
    case NodeKind::kSet:
    case NodeKind::kSetTransaction:
    case NodeKind::kReset:
    case NodeKind::kShowSetting:
    case NodeKind::kAnalyze:
    case NodeKind::kVacuum:
    case NodeKind::kDeallocate:
      return true;
    case NodeKind::kShowDefinition:
      return static_cast<const ast::ShowDefinition&>(tree).object ==
             ast::ObjectKind::kExternalTable;
    case NodeKind::kShowObjects: {
      const auto object = static_cast<const ast::ShowObjects&>(tree).object;
      return object == ast::ObjectKind::kDatabase || object == ast::ObjectKind::kSchema ||
             object == ast::ObjectKind::kTable || object == ast::ObjectKind::kColumn;
    }
    case NodeKind::kDiscard:
      return static_cast<const ast::Discard&>(tree).what == "all";
    case NodeKind::kDrop: {
      const auto object = static_cast<const ast::Drop&>(tree).object;
      return object == ast::ObjectKind::kTable || object == ast::ObjectKind::kView ||
             object == ast::ObjectKind::kSchema || object == ast::ObjectKind::kFunction;
    }
    default:
      return false;
  }
}

std::string NameOf(const ast::QualifiedName& name) {
  std::string text;
  for (const ast::Name& part : name) text += (text.empty() ? "" : ".") + std::string(part.text);
  return text;
}

// Words and literals as SHOW would print them, a list joined by ", ".
std::string ValueOf(const ast::Set& set, std::string_view script) {
  std::string out;
  for (const ast::Value* value : set.values) {
    if (!out.empty()) out += ", ";
    if (value->form == ast::ValueForm::kName && value->text == "$user")
      out += "\"$user\"";
    else if (value->form == ast::ValueForm::kWord)
      out += script.substr(value->begin, value->end - value->begin);
    else
      out += value->text;
  }
  return out;
}

// SELECT SET_CONFIG('name', 'value', is_local) by itself is SET; within other queries it would have
// to run where settings are not.
void ReadSetConfig(Statement& statement) {
  const auto* top = As<ast::QueryStatement>(statement.tree);
  const auto* select = top && !top->query->with && top->query->order_by.empty() &&
                               !top->query->limit && !top->query->offset
                           ? As<ast::Select>(top->query->body)
                           : nullptr;
  if (!select || select->items.size() != 1 || !select->from.empty() || select->where ||
      select->having || !select->group_by.empty())
    return;
  const auto* call = As<ast::Call>(select->items[0]->value);
  if (!call || call->name.size() > 2 || call->arguments.size() != 3 ||
      Lower(call->name.back().text) != "set_config")
    return;
  const ast::Literal* arguments[3];
  for (size_t i = 0; i < 3; i++) {
    arguments[i] = As<ast::Literal>(call->arguments[i]);
    if (!arguments[i]) return;
  }
  using enum ast::LiteralKind;
  if (arguments[0]->literal != kString || arguments[1]->literal != kString ||
      (arguments[2]->literal != kTrue && arguments[2]->literal != kFalse))
    return;
  statement.kind = NodeKind::kSet;
  statement.work = WorkClass::kSetting;
  statement.setting_name = Lower(arguments[0]->text);
  statement.setting_value = arguments[1]->text;
  statement.setting_local = arguments[2]->literal == kTrue;
  statement.setting_shown = true;
}

void ReadSetting(Statement& statement, std::string_view script) {
  if (const auto* set = As<ast::Set>(statement.tree)) {
    statement.setting_name = NameOf(set->name);
    statement.setting_local = set->scope == ast::SettingScope::kLocal;
    statement.setting_default = set->to_default;
    if (set->interval)
      statement.refusal = Error{
          ErrorKind::kFeatureNotSupported, "SET TIME ZONE INTERVAL is not supported", {}, {}, 0};
    statement.setting_value = ValueOf(*set, script);
  } else if (const auto* transaction = As<ast::SetTransaction>(statement.tree)) {
    // Every transaction is as isolated as it can be.
    statement.setting_name =
        transaction->characteristics ? "default_transaction_isolation" : "transaction_isolation";
    statement.setting_value = "serializable";
  } else if (const auto* reset = As<ast::Reset>(statement.tree)) {
    statement.setting_name = reset->all                     ? "all"
                             : reset->session_authorization ? "session_authorization"
                                                            : NameOf(reset->name);
  } else if (const auto* show = As<ast::ShowSetting>(statement.tree)) {
    statement.setting_name = show->all ? "all" : NameOf(show->name);
  }
}

bool IsTemporary(const ast::Statement& tree) {
  const auto marked = [](const ast::QualifiedName& name) {
    return !name.empty() && name.back().text.starts_with('#');
  };
  if (const auto* table = As<ast::CreateTable>(&tree))
    return table->temporary || marked(table->name);
  if (const auto* as = As<ast::CreateTableAs>(&tree)) return as->temporary || marked(as->name);
  if (const auto* view = As<ast::CreateView>(&tree)) return view->temporary || marked(view->name);
  if (const auto* query = As<ast::QueryStatement>(&tree)) {
    const ast::Select* into = IntoOf(*query->query);
    return into && (into->into == ast::IntoKind::kTemporary || marked(into->into_name));
  }
  return false;
}

bool ChangesCopyJobs(const ast::Statement& tree) {
  if (const auto* copy = As<ast::Copy>(&tree)) return bool{copy->job};
  const auto* job = As<ast::CopyJob>(&tree);
  return job && (job->step == ast::JobStep::kAlter || job->step == ast::JobStep::kDrop);
}

Result<uint32_t> CountParameters(const ast::Statement& tree, std::string_view script) {
  const ast::Parameter* zero = nullptr;
  ast::Walk(tree, [&](const ast::Node& node) {
    const auto* parameter = As<ast::Parameter>(&node);
    if (parameter && parameter->number == 0 && parameter->name.empty()) zero = parameter;
    return true;
  });
  if (zero)
    return std::unexpected(Error{ErrorKind::kUndefinedParameter,
                                 "there is no parameter $0",
                                 {},
                                 {},
                                 CharacterPosition(script, zero->begin)});
  return ast::HighestParameter(tree);
}

}  // namespace

Result<std::vector<Statement>> ParseScript(std::string_view script) {
  auto parsed = std::make_shared<const ParsedScript>(ParseWholeScript(script, AfterError::kStop));
  std::vector<Statement> statements;
  for (const ParsedStatement& one : parsed->statements) {
    Statement statement;
    statement.text = one.text;
    statement.offset = one.offset;
    statement.tree = one.tree;
    statement.script = parsed;
    if (!one.tree) {
      if (one.error.kind != ErrorKind::kFeatureNotSupported) return std::unexpected(one.error);
      statement.refusal = one.error;
      statement.refusal->position = 0;  // the whole statement is meant
      statements.push_back(std::move(statement));
      continue;
    }
    statement.kind = one.tree->kind;
    statement.work = ClassOf(*one.tree);
    statement.command = TagOf(*one.tree);
    statement.temporary = IsTemporary(*one.tree);
    statement.changes_copy_jobs = ChangesCopyJobs(*one.tree);
    if (!IsOffered(*one.tree)) {
      statement.refusal = Error{
          ErrorKind::kFeatureNotSupported, statement.command + " is not supported", {}, {}, 0};
      statements.push_back(std::move(statement));
      continue;
    }
    SKEP_TRY_ASSIGN(statement.parameter_count, CountParameters(*one.tree, script));
    if (const auto* begin = As<ast::Begin>(one.tree))
      statement.read_only = begin->access == ast::AccessMode::kReadOnly;
    ReadSetting(statement, script);
    ReadSetConfig(statement);
    statements.push_back(std::move(statement));
  }
  return statements;
}

}  // namespace skep::sql
