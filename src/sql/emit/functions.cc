// Functions that users make: CREATE FUNCTION ... LANGUAGE SQL and DROP FUNCTION. The engine holds a
// body as a macro, named with the types of its arguments so that overloads stand side by side; what
// else there is to know is the macro's comment (docs/adr/0006).
#include <algorithm>

#include "base/text.h"
#include "sql/ast/visit.h"
#include "sql/emit/statement_emitter.h"
#include "sql/parse/token.h"
#include "sql/resolve/user_functions.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr size_t kMaxArguments = 32;  // CREATE FUNCTION, "py_arg_data_type"

}  // namespace

Result<std::vector<Type>> StatementEmitter::ArgumentTypes(const List<Argument*>& arguments) {
  std::vector<Type> types;
  for (const Argument* argument : arguments) {
    if (argument->mode == ArgumentMode::kOut || argument->mode == ArgumentMode::kInOut)
      return Unsupported("an OUT argument of a function", *argument);
    auto type = TypeOf(*argument->type);
    if (!type) return resolver_.Fail1(type.error().kind, type.error().message, argument->type);
    // A text of any length is an argument.
    if (type->IsText()) type->length = -1;
    types.push_back(std::move(*type));
  }
  return types;
}

Result<void> StatementEmitter::EmitCreateFunction(const CreateFunction& create) {
  const std::string language = Lower(create.language.text);
  if (language != "sql") return Unsupported("CREATE FUNCTION ... LANGUAGE " + language, create);
  SKEP_TRY_ASSIGN(const Target target, resolver_.NewObject(create.name, false));
  SKEP_TRY(CheckSchema(target, create));
  if (create.arguments.size() > kMaxArguments)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "functions cannot have more than 32 arguments", &create);
  FunctionEntry made;
  made.schema = target.schema;
  made.name = target.name;
  SKEP_TRY_ASSIGN(made.facts.arguments, ArgumentTypes(create.arguments));
  auto returns = TypeOf(*create.returns);
  if (!returns)
    return resolver_.Fail1(returns.error().kind, returns.error().message, create.returns);
  made.facts.returns = *returns;
  made.facts.volatility = create.volatility == ast::Volatility::kImmutable ? "immutable"
                          : create.volatility == ast::Volatility::kStable  ? "stable"
                                                                           : "volatile";
  made.facts.body = std::string(create.body->text);
  const std::string& body = made.facts.body;
  made.engine_name = FunctionEngineName(made.name, made.facts.arguments,
                                        create.volatility == ast::Volatility::kImmutable);

  // Positions within the body mean nothing to the reader of the statement.
  const auto at_body = [&](Error error) {
    error.position = CharacterPosition(text_, create.body->begin);
    return std::unexpected(std::move(error));
  };
  const ParsedScript parsed = ParseWholeScript(body);
  const auto value = BodyExpression(parsed, body);
  if (!value) return at_body(value.error());
  Resolver inside(context_, body);
  inside.EnterArguments(made.facts.arguments);
  const auto type = inside.ResolveExpression(**value, Clause::kSelect);
  if (!type) return at_body(type.error());
  if (!AreMatched(*type, *returns) && !returns->IsText())
    return at_body({ErrorKind::kDatatypeMismatch,
                    "return type mismatch in function declared to return " + TypeText(*returns),
                    "Actual return type is " + TypeText(*type) + ".",
                    {},
                    0});
  Walk(**value, [&](const Node& node) {
    const auto found = inside.resolved().user_functions.find(&node);
    if (found == inside.resolved().user_functions.end()) return true;
    made.facts.calls.push_back(
        {node.begin, found->second->schema, found->second->name, found->second->engine_name});
    return true;
  });
  FunctionWeights known;
  SKEP_TRY(WeightOf(*context_.catalog, made, known, &made));
  DuckDbWriter inner(context_, inside.resolved(), body);
  inner.Keep();
  inner.WriteFunctionBody(*value, *returns);
  if (inner.error()) return at_body(*inner.error());

  const std::string macro = TargetText({made.schema, made.engine_name});
  for (const auto& entry : context_.catalog->FindFunctions(made.schema, made.name)) {
    const bool same = FunctionEngineName(entry->name, entry->facts.arguments, true) ==
                      FunctionEngineName(made.name, made.facts.arguments, true);
    if (!same) continue;
    if (!create.or_replace)
      return resolver_.Fail1(ErrorKind::kDuplicateFunction,
                             "function " + SignatureText(made.name, made.facts.arguments) +
                                 " already exists with same argument types",
                             &create);
    if (entry->facts.returns.kind != returns->kind)
      return resolver_.Fail1(ErrorKind::kInvalidFunctionDefinition,
                             "cannot change return type of existing function", create.returns,
                             "Use DROP FUNCTION first.");
    out_.before.push_back("drop macro " + TargetText({entry->schema, entry->engine_name}));
  }
  std::string arguments;
  for (size_t i = 1; i <= made.facts.arguments.size(); i++)
    arguments += (i == 1 ? "p" : ", p") + std::to_string(i);
  out_.before.push_back("create macro " + macro + "(" + arguments + ") as (" + inner.text() + ")");
  out_.after.push_back("comment on macro " + macro + " is " + QuoteString(made.facts.Text()));
  return {};
}

Result<void> StatementEmitter::EmitDropFunctions(const Drop& drop) {
  for (const Routine* routine : drop.names) {
    SKEP_TRY_ASSIGN(const auto types, ArgumentTypes(routine->arguments));
    QualifiedName name = routine->name;
    if (name.size() == 3 && resolver_.Fold(name[0]) == context_.database) name = name.subspan(1);
    std::vector<std::string> schemas = context_.search_path;
    if (name.size() == 2) schemas = {resolver_.Fold(name[0])};
    std::shared_ptr<const FunctionEntry> found;
    for (const std::string& schema : schemas) {
      if (found) break;
      for (auto& entry : context_.catalog->FindFunctions(schema, resolver_.Fold(name.back()))) {
        if (FunctionEngineName(entry->name, entry->facts.arguments, true) ==
            FunctionEngineName(entry->name, types, true))
          found = std::move(entry);
      }
    }
    if (!found) {
      if (drop.if_exists) continue;
      return resolver_.Fail1(
          ErrorKind::kUndefinedFunction,
          "function " + SignatureText(resolver_.Dotted(name), types) + " does not exist", routine);
    }
    std::set<std::string> dropped;
    for (const auto& view : context_.catalog->Views()) {
      const auto depends = TableFacts::Read(view->facts).depends;
      if (std::ranges::find(depends, FunctionKey(*found)) == depends.end()) continue;
      if (drop.behavior != Behavior::kCascade) {
        auto failed = resolver_.Fail1(
            ErrorKind::kDependentObjects,
            "cannot drop function " + SignatureText(found->name, found->facts.arguments) +
                " because other objects depend on it",
            routine, "Use DROP ... CASCADE to drop the dependent objects too.");
        failed.error().detail = "view " + view->name + " depends on function " +
                                SignatureText(found->name, found->facts.arguments);
        return failed;
      }
      SKEP_TRY(DropWithDependents(*view, true, dropped, *routine));
    }
    out_.before.push_back("drop macro " + TargetText({found->schema, found->engine_name}));
  }
  return {};
}

}  // namespace skep::sql
