// `skep translate`: what Redshift's SQL becomes for another engine. Works without a server; tables
// come from a file of CREATE TABLE statements.
#include <fmt/core.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/verbs.h"
#include "sql/emit/postgres.h"
#include "sql/script_catalog.h"

namespace skep::app {
namespace {

struct TranslateOptions {
  std::vector<std::string> commands;
  std::string file, tables, to = "postgres", format = "text";
};

Result<std::string> FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(ErrorKind::kIoError, fmt::format("Cannot read \"{}\".", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// True when every statement was translated.
Result<bool> TranslateScript(const std::string& script, const TranslateOptions& options,
                             const sql::EmitContext& context) {
  SKEP_TRY_ASSIGN(const auto statements, sql::ParseScript(script));
  const auto emit = options.to == "duckdb" ? &sql::EmitDuckDb : &sql::EmitPostgres;
  bool good = true;
  for (const sql::Statement& statement : statements) {
    const auto emitted = emit(statement, script, context);
    good &= emitted.has_value();
    if (options.format == "json") {
      nlohmann::json line;
      if (emitted) {
        line["sql"] = emitted->text;
      } else {
        line["sqlstate"] = CodesOf(emitted.error().kind).sqlstate;
        line["message"] = emitted.error().message;
        line["position"] = emitted.error().position;
      }
      fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else if (emitted) {
      fmt::print("{};\n", emitted->text);
    } else {
      fmt::print(stderr, "skep: {} ({}) at character {}\n", emitted.error().message,
                 CodesOf(emitted.error().kind).sqlstate, emitted.error().position);
    }
  }
  return good;
}

Result<int> Translate(const TranslateOptions& options) {
  sql::ScriptCatalog catalog;
  if (!options.tables.empty()) {
    SKEP_TRY_ASSIGN(const std::string tables, FileText(options.tables));
    SKEP_TRY(catalog.Declare(tables, "public"));
  }
  sql::EmitContext context;
  context.database = "dev";
  context.user = "admin";
  context.search_path = {"public"};
  context.catalog = &catalog;
  std::vector<std::string> scripts = options.commands;
  if (!options.file.empty()) {
    SKEP_TRY_ASSIGN(scripts.emplace_back(), FileText(options.file));
  } else if (scripts.empty()) {
    scripts.emplace_back(std::istreambuf_iterator<char>(std::cin),
                         std::istreambuf_iterator<char>());
  }
  bool good = true;
  for (const std::string& script : scripts) {
    SKEP_TRY_ASSIGN(const bool all, TranslateScript(script, options, context));
    good &= all;
  }
  return good ? 0 : kExitFailed;
}

}  // namespace

void RegisterTranslate(CLI::App& root, Context& context) {
  CLI::App* verb =
      AddVerb(root, "translate", "Print what SQL becomes for another engine: -c, a file, or input");
  auto options = std::make_shared<TranslateOptions>();
  verb->add_option("-c,--command", options->commands, "Statements to translate (may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("-f,--file", options->file, "Translate the statements of a file")
      ->excludes("--command");
  verb->add_option("--tables", options->tables,
                   "A file of CREATE TABLE statements: the tables that may be named");
  verb->add_option("--to", options->to, "postgres, or duckdb: what Skep's own engine gets")
      ->check(CLI::IsMember({"postgres", "duckdb"}))
      ->type_name("");
  verb->add_option("--format", options->format, "text, or json: an object a line, errors too")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("");
  verb->footer(
      "PostgreSQL gets queries over numbers, dates, timestamps and text; the rest is refused by "
      "name.\nExit codes: 0 all went well, 1 a statement was refused, 2 wrong usage.");
  verb->callback([&context, options] { context.run = [options] { return Translate(*options); }; });
}

}  // namespace skep::app
