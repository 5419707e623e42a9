// What statements are made of: values and options, signatures of routines, grantees, columns. Only
// the forms are here; which option goes with which, and what is allowed, is for others to say.
#pragma once

#include "sql/ast/query.h"

namespace skep::sql::ast {

enum class ObjectKind : uint8_t {
  kNone,
  kTable,
  kExternalTable,
  kView,
  kMaterializedView,
  kExternalView,
  kColumn,
  kConstraint,
  kSchema,
  kExternalSchema,
  kDatabase,
  kFunction,
  kProcedure,
  kLanguage,
  kLibrary,
  kModel,
  kTemplate,
  kDatashare,
  kUser,
  kGroup,
  kRole,
  kIdentityProvider,
  kMaskingPolicy,
  kRlsPolicy,
  kCopyJob,
};

// "materialized view", and "materialized views" where a form needs the plural. Lower case.
std::string_view WordsOf(ObjectKind kind);
std::string_view PluralOf(ObjectKind kind);

enum class OnOff : uint8_t { kNone, kOn, kOff };
enum class Behavior : uint8_t { kNone, kCascade, kRestrict, kForce };

enum class ValueForm : uint8_t { kString, kNumber, kWord, kName, kParameter };

// A value of an option or a setting.
struct Value : Is<NodeKind::kValue, Node> {
  ValueForm form = ValueForm::kString;
  // string: escapes resolved; number: as written; word: lower case; name: without quotes;
  // parameter: its digits
  std::string_view text;
  bool secret = false;  // must not reach a log; its place is begin, end
  static auto Fields(auto& s) { return std::tie(s.form, s.text); }
};

enum class OptionForm : uint8_t { kPlain, kList, kBareList };

// NAME [(names) | names] [values] [(options)]
struct Option : Is<NodeKind::kOption, Node> {
  // Canonical: lower case, words divided by one blank, noise words (AS, =) left out: "delimiter",
  // "connection limit", "null".
  std::string_view name;
  OptionForm form = OptionForm::kPlain;  // of names: in parentheses, or bare
  List<Name> names;
  List<Value*> values;
  List<Option*> options;  // SETTINGS (a 'x', b 2)
  static auto Fields(auto& s) { return std::tie(s.name, s.form, s.names, s.values, s.options); }

  // The text of its only or first value; empty when it has none.
  std::string_view text() const {
    return values.empty() ? std::string_view() : values.front()->text;
  }
};

inline const Option* FindOption(List<Option*> options, std::string_view name) {
  for (const Option* option : options) {
    if (option->name == name) return option;
  }
  return nullptr;
}

enum class ArgumentMode : uint8_t { kNone, kIn, kOut, kInOut };

struct Argument : Is<NodeKind::kArgument, Node> {  // [name] [mode] type
  Name name;
  ArgumentMode mode = ArgumentMode::kNone;
  TypeName* type = nullptr;
  static auto Fields(auto& s) { return std::tie(s.name, s.mode, s.type); }
};

// An object's name, with the types of its arguments where it is a function or a procedure.
struct Routine : Is<NodeKind::kRoutine, Node> {
  QualifiedName name;
  bool has_arguments = false;
  List<Argument*> arguments;
  static auto Fields(auto& s) { return std::tie(s.name, s.has_arguments, s.arguments); }
};

enum class GranteeKind : uint8_t {
  kUser,
  kRole,
  kGroup,
  kPublic,
  kIamRole,
  kNamespace,
  kAccount,
  kMaskingPolicy,
  kRlsPolicy,
};

struct Grantee : Is<NodeKind::kGrantee, Node> {
  GranteeKind grantee = GranteeKind::kUser;
  Name name;               // user, role (namespace:role is one name), group
  Value* value = nullptr;  // IAM role, namespace, account
  bool with_grant_option = false;
  bool with_admin_option = false;
  bool via_data_catalog = false;
  static auto Fields(auto& s) {
    return std::tie(s.grantee, s.name, s.value, s.with_grant_option, s.with_admin_option,
                    s.via_data_catalog);
  }
};

struct Property : Is<NodeKind::kProperty, Node> {  // 'key'='value', column=value
  Value* key = nullptr;
  Value* value = nullptr;
  static auto Fields(auto& s) { return std::tie(s.key, s.value); }
};

enum class IdentityKind : uint8_t { kNone, kIdentity, kByDefault };
enum class NullRule : uint8_t { kNone, kNull, kNotNull };

struct ColumnDefinition : Is<NodeKind::kColumnDefinition, Node> {
  Name name;
  TypeName* type = nullptr;  // none where a partition column of CREATE EXTERNAL TABLE AS is named
  Expr* default_value = nullptr;
  IdentityKind identity = IdentityKind::kNone;
  std::string_view seed;  // empty: none was written
  std::string_view step;
  std::string_view encode;  // lower case
  bool distkey = false;
  bool sortkey = false;
  std::string_view collate;  // case_sensitive, cs, case_insensitive, ci
  NullRule null_rule = NullRule::kNone;
  bool unique = false;
  bool primary_key = false;
  Name constraint;  // name given to whatever constraint it has
  QualifiedName references;
  List<Name> referenced;
  static auto Fields(auto& s) {
    return std::tie(s.name, s.type, s.default_value, s.identity, s.seed, s.step, s.encode,
                    s.distkey, s.sortkey, s.collate, s.null_rule, s.constraint, s.unique,
                    s.primary_key, s.references, s.referenced);
  }
};

// SHOW takes parameters where names stand (SHOW TABLES FROM SCHEMA $1.$2): such a part has the text
// "$1" and is not quoted. Answers its number, 0 for a real name.
inline uint32_t ParameterOf(const Name& name) {
  if (name.quoted || name.text.size() < 2 || name.text.front() != '$') return 0;
  uint32_t number = 0;
  for (const char c : name.text.substr(1)) number = number * 10 + static_cast<uint32_t>(c - '0');
  return number;
}

}  // namespace skep::sql::ast
