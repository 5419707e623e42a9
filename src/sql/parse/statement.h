// Rules of statements: dispatch by the first words, then one rule a command, all on the Parser's
// cursor. Words that PostgreSQL has and Redshift has not become kFeatureNotSupported with the
// command's name; whatever nobody knows is a syntax error at its place.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "sql/ast/statement.h"
#include "sql/parse/parser.h"

namespace skep::sql {

// How deep a tree may be. Chains (a + b + c, joins, unions) are as deep as they are long.
inline constexpr size_t kMaxTreeDepth = 2500;

// The statement at the cursor, up to its semicolon or the end. nullptr or a half-made tree when the
// parser has failed.
ast::Statement* ParseStatement(Parser& parser);

// What follows an option's words.
enum class Takes : uint8_t {
  kNothing,
  kString,
  kMaybeString,
  kNumber,
  kMaybeNumber,
  kScalar,    // a string, number, word, name or parameter
  kNames,     // a, b
  kColumns,   // (a, b)
  kSettings,  // (key value, ...)
};

struct OptionRule {
  std::string_view words;  // "connection limit"
  Takes takes = Takes::kNothing;
  std::string_view trailing = {};  // words of which one may follow: "on|off"
  bool secret = false;
  std::string_view name = {};  // canonical name, where it is not the words
};

// Words that name a kind of object: one, or two with a blank between.
struct KindRule {
  std::string_view words;
  ast::ObjectKind kind;
};

class StatementParser {
 public:
  explicit StatementParser(Parser& parser) : p_(parser) {}

  ast::Statement* Parse();

 private:
  template <class T>
  T* Begin() {
    return p_.Make<T>(first_);
  }

  // ---- parse/statement.cc: dispatch, and pieces that many rules use
  ast::Statement* ParseKnown();
  ast::Statement* ParseCreate();
  ast::Statement* ParseAlter();
  bool RefuseForeign();
  void Refuse(std::string_view command);
  ast::Name ParseIdentity();
  ast::List<ast::Name> ParseIdentities();
  ast::Name ParseNameOrParameter();
  ast::QualifiedName ParsePath();  // names or parameters, divided by dots
  ast::Routine* ParseRoutine(ast::ObjectKind kind);
  ast::List<ast::Argument*> ParseArguments();
  ast::Argument* ParseArgument();
  ast::List<ast::TypeName*> ParseTypes();
  ast::ColumnDefinition* ParseColumn(bool attributes);
  void ParseColumnAttributes(ast::ColumnDefinition* column);
  ast::List<ast::ColumnDefinition*> ParseColumns(bool attributes);
  ast::List<ast::Name> ParseKeyColumns();
  void ParseReferences(ast::QualifiedName& table, ast::List<ast::Name>& columns);
  ast::Behavior ParseBehavior();
  ast::Value* ParseString(bool secret = false);
  ast::Value* ParseValue(bool secret = false);
  ast::List<ast::Property*> ParseProperties();
  ast::OnOff ParseSwitch();
  bool TakeIfExists();
  bool TakeIfNotExists();
  bool AtQuery(size_t ahead = 0) const;
  bool AtValue() const;
  ast::Volatility ParseVolatility();
  ast::ObjectKind TakeKind(std::span<const KindRule> rules);  // kNone when no rule fits
  // ---- parse/statement_option.cc
  ast::Option* ParseOption(std::span<const OptionRule> rules);
  ast::List<ast::Option*> ParseOptions(std::span<const OptionRule> rules);
  ast::List<ast::Option*> ParseSettings();
  // ---- parse/statement_dml.cc
  ast::Statement* ParseQueryStatement();
  ast::Statement* ParseWithStatement();
  ast::Statement* ParseInsert(ast::WithClause* with);
  ast::Statement* ParseUpdate(ast::WithClause* with);
  ast::Statement* ParseDelete(ast::WithClause* with);
  ast::Statement* ParseMerge();
  ast::List<ast::Assignment*> ParseAssignments();
  ast::NamedTable* ParseTarget();
  ast::Statement* ParseTruncate();
  ast::Statement* ParseCall();
  ast::Statement* ParseDeclare();
  ast::Statement* ParseFetch();
  ast::Statement* ParseClose();
  ast::Statement* ParsePrepare();
  ast::Statement* ParseExecute();
  ast::Statement* ParseDeallocate();
  ast::Statement* ParseExplain();
  // ---- parse/statement_session.cc
  ast::Statement* ParseBegin();
  ast::Statement* ParseEnd(bool commit);
  ast::Statement* ParseLock();
  ast::Statement* ParseSet();
  ast::Set* ParseSetting(ast::SettingScope scope, size_t first);
  ast::Statement* ParseReset();
  ast::Statement* ParseCancel();
  void ParseTransactionModes(ast::IsolationLevel& isolation, ast::AccessMode& access);
  // ---- parse/statement_table.cc
  ast::Statement* ParseCreateTable(bool temporary);
  ast::Statement* ParseCreateExternalTable();
  ast::Statement* ParseCreateView(bool or_replace, bool temporary);
  ast::Statement* ParseCreateMaterializedView();
  ast::Statement* ParseCreateExternalView();
  ast::Query* ParseDefinition();  // AS query
  bool ParseTableAttribute(ast::TableAttributes& attributes);
  bool ParseTableFormat(ast::TableFormat& format);
  ast::TableConstraint* ParseTableConstraint();
  ast::Statement* ParseAlterTable(bool view);
  ast::AlterAction* ParseAlterAction();
  bool ParseRowLevelSecurity(ast::AlterAction* action);
  ast::PartitionValues* ParsePartition(bool location);
  ast::Statement* ParseAlterMaterializedView();
  ast::Statement* ParseAlterExternalView();
  ast::Statement* ParseRefresh();
  ast::Statement* ParseAnalyze();
  ast::Statement* ParseVacuum();
  // ---- parse/statement_object.cc
  ast::Statement* ParseDrop();
  ast::Statement* ParseComment();
  ast::Statement* ParseCreateSchema();
  ast::Statement* ParseAlterSchema();
  ast::Statement* ParseCreateExternalSchema();
  ast::Statement* ParseAlterExternalSchema();
  ast::Statement* ParseCreateDatabase();
  ast::Statement* ParseAlterDatabase();
  ast::Statement* ParseAlterIntegration(ast::Name database);
  ast::Statement* ParseCreateFunction(bool or_replace);
  ast::Statement* ParseCreateProcedure(bool or_replace);
  ast::Statement* ParseCreateExternalFunction(bool or_replace);
  ast::Statement* ParseAlterRoutine(ast::ObjectKind kind);
  ast::Statement* ParseCreateLibrary(bool or_replace);
  ast::Statement* ParseCreateModel(bool external);
  ast::Statement* ParseCreateTemplate(bool or_replace);
  ast::Statement* ParseAlterTemplate();
  ast::Statement* ParseCreateDatashare();
  ast::Statement* ParseAlterDatashare();
  ast::Statement* ParseAlterSystem();
  // ---- parse/statement_access.cc
  ast::Statement* ParseGrant();
  ast::Statement* ParseRevoke();
  template <class T>
  ast::Statement* ParseGrantOrRevoke(T* grant, std::string_view to, bool of_defaults);
  ast::Privilege* ParsePrivilege();
  ast::Grantee* ParseGrantee();
  ast::List<ast::Grantee*> ParseGrantees();
  ast::Statement* ParseAlterDefaultPrivileges();
  ast::Statement* ParseCreateUser();
  ast::Statement* ParseAlterUser();
  ast::Statement* ParseCreateGroup();
  ast::Statement* ParseAlterGroup();
  ast::Statement* ParseCreateRole();
  ast::Statement* ParseAlterRole();
  ast::Statement* ParseCreateIdentityProvider();
  ast::Statement* ParseAlterIdentityProvider();
  ast::Statement* ParseCreatePolicy(bool masking, bool or_replace);
  ast::Statement* ParseAlterPolicy(bool masking);
  ast::Statement* ParseAttachPolicy();
  ast::Statement* ParseDetachPolicy();
  template <class T>
  void ParsePolicyOnTables(T* policy);
  ast::List<ast::Expr*> ParseUsing();
  // ---- parse/statement_load.cc
  ast::Statement* ParseCopy();
  ast::Statement* ParseCopyJob();
  ast::Statement* ParseUnload();
  std::span<const OptionRule> CopyRules() const;
  ast::Option* ParseLoadOption(std::span<const OptionRule> rules);
  // ---- parse/statement_show.cc
  ast::Statement* ParseShow();
  ast::Statement* ParseShowObjects(ast::ObjectKind kind);
  ast::Statement* ParseShowConstraints();
  ast::Statement* ParseShowGrants(bool columns);
  ast::Statement* ParseShowParameters();
  ast::Statement* ParseShowPolicies(bool masking);
  ast::Statement* ParseDescribe();
  ast::Expr* ParsePattern();

  Parser& p_;
  size_t first_ = 0;  // the statement's first token
};

}  // namespace skep::sql
