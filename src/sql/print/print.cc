#include "sql/print/print.h"

#include "sql/ast/dispatch.h"
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

std::string Print(const Node& node, PrintOptions options) {
  Printer printer(options);
  printer.Write(node);
  return printer.Take();
}

void Printer::Write(const Node& node) {
  Dispatch(node, [&](const auto& typed) {
    using T = std::remove_cvref_t<decltype(typed)>;
    if constexpr (std::is_base_of_v<Expr, T>) {
      WriteExpression(typed);
    } else if constexpr (std::is_base_of_v<Relation, T>) {
      WriteRelation(typed);
    } else if constexpr (std::is_same_v<T, Values> || std::is_same_v<T, SetOperation>) {
      WriteBody(typed);
    } else if constexpr (std::is_same_v<T, When>) {
      Word("when");
      WriteChild(typed.condition);
      Word("then");
      WriteChild(typed.result);
    } else if constexpr (std::is_same_v<T, CommonTable>) {
      Write(typed.name);
      if (!typed.columns.empty()) NameList(typed.columns);
      Word("as");
      WriteIn(*typed.query);
    } else {
      Write(typed);
    }
  });
}

// ---------------------------------------------------------------- names, values, parts

void Printer::String(std::string_view text) { Word(WriteString(text)); }

// A word that is none of the grammar's: an encoding, a format.
void Printer::PlainWord(std::string_view word) {
  const bool plain =
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos &&
      !word.empty() && !(word[0] >= '0' && word[0] <= '9');
  Word(plain ? std::string(word) : WriteName(word, true));
}

void Printer::Put(const Name& name) { out_ += WriteName(name.text, name.quoted); }

void Printer::Write(QualifiedName name) {
  Gap();
  for (size_t i = 0; i < name.size(); i++) {
    if (i > 0) out_ += '.';
    Put(name[i]);
  }
}

void Printer::Names(List<Name> names) {
  Commas(names, [&](const Name& name) { Write(name); });
}

void Printer::NameList(List<Name> names) {
  Word("(");
  Names(names);
  Put(")");
}

void Printer::Tables(List<QualifiedName> tables) {
  Commas(tables, [&](QualifiedName table) { Write(table); });
}

void Printer::Write(const Value& value) {
  if (value.secret && options_.redact && value.form != ValueForm::kWord) return Word("'***'");
  switch (value.form) {
    case ValueForm::kString:
      return String(value.text);
    case ValueForm::kNumber:
    case ValueForm::kWord:
      return Word(value.text);
    case ValueForm::kName: {
      const std::string quoted = WriteName(value.text, true);
      return Word(quoted.starts_with('"') ? quoted : '"' + quoted + '"');
    }
    case ValueForm::kParameter:
      Word("$");
      return Put(value.text);
  }
}

void Printer::Write(const Option& option) {
  Word(option.name);
  if (option.form == OptionForm::kList) NameList(option.names);
  if (option.form == OptionForm::kBareList) {
    Put(" ");
    Names(option.names);
  }
  for (const Value* value : option.values) {
    if (option.name == "sagemaker" && value != option.values.front()) Put(":");
    Write(*value);
  }
  if (!option.options.empty())
    Parenthesis(option.options, [&](const Option* inner) { Write(*inner); });
}

void Printer::Write(const Argument& argument) {
  if (argument.name) Write(argument.name);
  static constexpr std::string_view kModes[] = {"", "in", "out", "inout"};
  if (argument.mode != ArgumentMode::kNone) Word(kModes[static_cast<size_t>(argument.mode)]);
  Write(*argument.type);
}

void Printer::Arguments(List<Argument*> arguments) {
  Put("(");
  Commas(arguments, [&](const Argument* argument) { Write(*argument); });
  Put(")");
}

void Printer::Write(const Routine& routine) {
  Write(routine.name);
  if (routine.has_arguments) Arguments(routine.arguments);
}

void Printer::Write(const Grantee& grantee) {
  switch (grantee.grantee) {
    case GranteeKind::kUser:
      Write(grantee.name);
      break;
    case GranteeKind::kRole:
      Word("role");
      Write(grantee.name);
      break;
    case GranteeKind::kGroup:
      Word("group");
      Write(grantee.name);
      break;
    case GranteeKind::kPublic:
      Word("public");
      break;
    case GranteeKind::kIamRole:
      Word("iam_role");
      Write(*grantee.value);
      break;
    case GranteeKind::kMaskingPolicy:
      Word("masking policy");
      Write(grantee.name);
      break;
    case GranteeKind::kRlsPolicy:
      Word("rls policy");
      Write(grantee.name);
      break;
    case GranteeKind::kNamespace:
      Word("namespace");
      Write(*grantee.value);
      break;
    case GranteeKind::kAccount:
      Word("account");
      Write(*grantee.value);
      break;
  }
  WordIf(grantee.via_data_catalog, "via data catalog");
  WordIf(grantee.with_grant_option, "with grant option");
  WordIf(grantee.with_admin_option, "with admin option");
}

void Printer::Grantees(List<Grantee*> grantees) {
  Commas(grantees, [&](const Grantee* grantee) { Write(*grantee); });
}

void Printer::Write(const Property& property) {
  Write(*property.key);
  Put(" =");
  Write(*property.value);
}

void Printer::Properties(List<Property*> properties) {
  Parenthesis(properties, [&](const Property* property) { Write(*property); });
}

void Printer::References(QualifiedName table, List<Name> columns) {
  if (table.empty()) return;
  Word("references");
  Write(table);
  if (!columns.empty()) NameList(columns);
}

void Printer::Write(const ColumnDefinition& column) {
  Write(column.name);
  if (column.type) Write(*column.type);
  // Behind a default it would be the default's.
  if (!column.collate.empty()) {
    Word("collate");
    PlainWord(column.collate);
  }
  if (column.default_value) {
    Word("default");
    // NOT NULL may follow
    Write(column.default_value, Binding::kOther);
  }
  if (column.identity != IdentityKind::kNone) {
    Word(column.identity == IdentityKind::kIdentity ? "identity"
                                                    : "generated by default as identity");
    if (!column.seed.empty()) {
      Put("(");
      Put(column.seed);
      Put(", ");
      Put(column.step);
      Put(")");
    }
  }
  if (!column.encode.empty()) {
    Word("encode");
    PlainWord(column.encode);
  }
  WordIf(column.distkey, "distkey");
  WordIf(column.sortkey, "sortkey");
  if (column.constraint) NamedIf("constraint", column.constraint);
  if (column.null_rule != NullRule::kNone)
    Word(column.null_rule == NullRule::kNull ? "null" : "not null");
  WordIf(column.unique, "unique");
  WordIf(column.primary_key, "primary key");
  References(column.references, column.referenced);
}

void Printer::Columns(List<ColumnDefinition*> columns) {
  Parenthesis(columns, [&](const ColumnDefinition* column) { Write(*column); });
}

void Printer::Switch(OnOff on, std::string_view yes, std::string_view no) {
  if (on != OnOff::kNone) Word(on == OnOff::kOn ? yes : no);
}

void Printer::Write(Behavior behavior) {
  static constexpr std::string_view kWords[] = {"", "cascade", "restrict", "force"};
  if (behavior != Behavior::kNone) Word(kWords[static_cast<size_t>(behavior)]);
}

void Printer::Write(SettingScope scope) {
  static constexpr std::string_view kWords[] = {"", "session", "local"};
  if (scope != SettingScope::kNone) Word(kWords[static_cast<size_t>(scope)]);
}

void Printer::Modes(IsolationLevel isolation, AccessMode access) {
  static constexpr std::string_view kLevels[] = {
      "", "serializable", "snapshot", "repeatable read", "read committed", "read uncommitted"};
  if (isolation != IsolationLevel::kNone) {
    Word("isolation level");
    Word(kLevels[static_cast<size_t>(isolation)]);
  }
  if (access != AccessMode::kNone)
    Word(access == AccessMode::kReadOnly ? "read only" : "read write");
}

void Printer::Write(Volatility volatility) {
  static constexpr std::string_view kWords[] = {"", "volatile", "stable", "immutable"};
  if (volatility != Volatility::kNone) Word(kWords[static_cast<size_t>(volatility)]);
}

}  // namespace skep::sql
