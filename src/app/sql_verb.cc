// `skep sql`: a small client over libpq. Results stream in single-row mode; Ctrl-C cancels the
// statement, not the client's answer to it.
#include <fmt/core.h>
#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/credentials.h"
#include "app/result_writer.h"
#include "app/verbs.h"
#include "sql/statement.h"

namespace skep::app {
namespace {

struct SqlOptions {
  std::vector<std::string> commands;
  std::string file, format = "table", host, port, user, database;
  bool keep_going = false;
};

struct ConnectionClose {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, ConnectionClose>;
struct ResultClear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultSet = std::unique_ptr<PGresult, ResultClear>;

// What SIGINT cancels; PQcancel may be called in a signal handler.
std::atomic<PGcancel*> cancel_target = nullptr;
std::atomic<bool> interrupted = false;
static_assert(std::atomic<PGcancel*>::is_always_lock_free);

void OnInterrupt(int) {
  const int saved = errno;
  interrupted = true;
  char said[256];
  if (PGcancel* target = cancel_target.load())
    PQcancel(target, said, sizeof said);
  else
    _exit(130);
  errno = saved;
}

constexpr int kExitInterrupted = 130;

std::string Field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

// The line of the statement that a 1-based character position points at, with a caret below.
std::string Caret(std::string_view statement, size_t position) {
  size_t byte = 0;
  for (size_t character = 1; byte < statement.size() && character < position; ++character) {
    do ++byte;
    while (byte < statement.size() && (static_cast<unsigned char>(statement[byte]) & 0xc0) == 0x80);
  }
  const size_t before = byte == 0 ? std::string_view::npos : statement.rfind('\n', byte - 1);
  const size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const size_t end = std::min(statement.find('\n', byte), statement.size());
  const auto line =
      std::count(statement.begin(), statement.begin() + static_cast<std::ptrdiff_t>(begin), '\n') +
      1;
  const std::string label = fmt::format("LINE {}: ", line);
  std::string under(label.size(), ' ');
  for (size_t i = begin; i < byte; ++i) {
    if ((static_cast<unsigned char>(statement[i]) & 0xc0) != 0x80)
      under += statement[i] == '\t' ? '\t' : ' ';
  }
  return fmt::format("{}{}\n{}^\n", label, statement.substr(begin, end - begin), under);
}

void PrintMessage(const PGresult* result, std::string_view statement) {
  const std::string state = Field(result, PG_DIAG_SQLSTATE),
                    detail = Field(result, PG_DIAG_MESSAGE_DETAIL),
                    hint = Field(result, PG_DIAG_MESSAGE_HINT);
  fmt::print(stderr, "{}:  {}{}\n", Field(result, PG_DIAG_SEVERITY),
             Field(result, PG_DIAG_MESSAGE_PRIMARY),
             state.empty() ? "" : fmt::format(" (SQLSTATE {})", state));
  const std::string position = Field(result, PG_DIAG_STATEMENT_POSITION);
  if (!position.empty() && !statement.empty())
    fmt::print(stderr, "{}", Caret(statement, std::strtoul(position.c_str(), nullptr, 10)));
  if (!detail.empty()) fmt::print(stderr, "DETAIL:  {}\n", detail);
  if (!hint.empty()) fmt::print(stderr, "HINT:  {}\n", hint);
}

// Runs one text; true when all of it went well.
bool Run(PGconn* connection, const std::string& text, ResultWriter& writer) {
  PGcancel* cancel = PQgetCancel(connection);
  cancel_target = cancel;
  bool good = true, begun = false;
  if (PQsendQuery(connection, text.c_str()) == 0 || PQsetSingleRowMode(connection) == 0) {
    fmt::print(stderr, "{}", PQerrorMessage(connection));
    good = false;
  }
  ResultRow row;
  while (good || PQstatus(connection) == CONNECTION_OK) {
    const ResultSet result(PQgetResult(connection));
    if (!result) break;
    const ExecStatusType status = PQresultStatus(result.get());
    const int columns = PQnfields(result.get());
    if ((status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) && !begun) {
      std::vector<ResultColumn> described;
      for (int i = 0; i < columns; ++i)
        described.push_back({PQfname(result.get(), i), PQftype(result.get(), i)});
      writer.Begin(std::move(described));
      begun = true;
    }
    switch (status) {
      case PGRES_SINGLE_TUPLE:
        row.clear();
        for (int i = 0; i < columns; ++i) {
          if (PQgetisnull(result.get(), 0, i) != 0)
            row.emplace_back(std::nullopt);
          else
            row.emplace_back(
                std::string_view(PQgetvalue(result.get(), 0, i),
                                 static_cast<size_t>(PQgetlength(result.get(), 0, i))));
        }
        writer.Row(row);
        // Nobody reads any more (a closed pipe): stop the server, too.
        if (std::ferror(stdout) != 0 && cancel != nullptr) {
          char said[256];
          PQcancel(cancel, said, sizeof said);
          good = false;
        }
        break;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        writer.End(PQcmdStatus(result.get()));
        begun = false;
        break;
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_COPY_IN:
        PQputCopyEnd(connection, "skep sql does not send COPY data");
        break;
      case PGRES_COPY_OUT: {
        char* line = nullptr;
        for (int n = 0; (n = PQgetCopyData(connection, &line, 0)) > 0;) {
          std::fwrite(line, 1, static_cast<size_t>(n), stdout);
          PQfreemem(line);
        }
        break;
      }
      default:
        if (begun) writer.End("");
        begun = false;
        std::fflush(stdout);
        if (std::ferror(stdout) == 0) PrintMessage(result.get(), text);
        good = false;
    }
  }
  cancel_target = nullptr;
  PQfreeCancel(cancel);
  std::fflush(stdout);
  return good;
}

// A script's statements as texts that can be sent one by one.
Result<std::vector<std::string>> Split(const std::string& script) {
  SKEP_TRY_ASSIGN(const auto statements, sql::ParseScript(script));
  std::vector<std::string> texts;
  for (const auto& statement : statements) {
    texts.emplace_back(statement.text);
  }
  return texts;
}

struct Target {
  std::string host, port, user, database, password;
};

// Flags, then PG… variables, then the running gateway's run.json, then the configuration.
Target FindTarget(const Context& context, const SqlOptions& options, const Config& config) {
  const auto environment = [&](const char* name) {
    const auto found = context.input.environment.find(name);
    return found == context.input.environment.end() ? std::string() : found->second;
  };
  const auto first = [](std::initializer_list<std::string> choices) {
    for (const std::string& choice : choices) {
      if (!choice.empty()) return choice;
    }
    return std::string();
  };
  std::string running_host, running_port;
  if (std::ifstream run(config.RunFile()); run) {
    const nlohmann::json json = nlohmann::json::parse(run, nullptr, false);
    if (json.is_object() && json.contains("pgwire") && json["pgwire"].is_object()) {
      running_host = json["pgwire"].value("host", "");
      if (const int port = json["pgwire"].value("port", 0); port != 0)
        running_port = std::to_string(port);
    }
  }
  const auto admin = ReadAdminCredential(config.AdminCredentialPath());
  Target target;
  target.host = first({options.host, environment("PGHOST"), running_host, config.pgwire.host});
  if (target.host == "0.0.0.0" || target.host == "::") target.host = "127.0.0.1";
  target.port = first(
      {options.port, environment("PGPORT"), running_port, std::to_string(config.pgwire.port)});
  target.user = first({options.user, environment("PGUSER"), admin ? admin->user : "admin"});
  target.database =
      first({options.database, environment("PGDATABASE"), admin ? admin->database : "dev"});
  target.password = first({environment("PGPASSWORD"), environment("SKEP_PASSWORD"),
                           admin && admin->user == target.user ? admin->password.Reveal() : ""});
  return target;
}

Connection Connect(const Target& target) {
  const char* keywords[] = {"host",
                            "port",
                            "user",
                            "dbname",
                            "password",
                            "application_name",
                            "connect_timeout",
                            "client_encoding",
                            nullptr};
  const char* values[] = {target.host.c_str(),
                          target.port.c_str(),
                          target.user.c_str(),
                          target.database.c_str(),
                          target.password.c_str(),
                          "skep sql",
                          "30",
                          "UTF8",
                          nullptr};
  return Connection(PQconnectdbParams(keywords, values, 0));
}

Result<int> Sql(const Context& context, const SqlOptions& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  Target target = FindTarget(context, options, loaded.config);
  // Ctrl-C ends the client until a statement runs.
  struct sigaction action{};
  action.sa_handler = OnInterrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Connection connection = Connect(target);
  if (PQstatus(connection.get()) != CONNECTION_OK &&
      PQconnectionNeedsPassword(connection.get()) != 0 && target.password.empty()) {
    if (auto password = PromptPassword(fmt::format("Password of {}: ", target.user))) {
      target.password = password->Reveal();
      connection = Connect(target);
    }
  }
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    std::string said = PQerrorMessage(connection.get());
    while (said.ends_with('\n')) said.pop_back();
    fmt::print(stderr,
               "skep: {}\nhint: Is the server running (skep serve)? Is user {} right, and its "
               "password (PGPASSWORD)?\n",
               said, target.user);
    return kExitNoConnection;
  }
  PQsetNoticeReceiver(
      connection.get(), [](void*, const PGresult* notice) { PrintMessage(notice, ""); }, nullptr);

  const ResultFormat format = options.format == "csv"    ? ResultFormat::kCsv
                              : options.format == "json" ? ResultFormat::kJson
                                                         : ResultFormat::kTable;
  const auto writer = MakeResultWriter(format, stdout);
  bool good = true;
  const auto run_script = [&](const std::string& script) {
    auto texts = Split(script);
    // What we cannot split, the server shall judge.
    if (!texts) texts = std::vector<std::string>{script};
    for (const std::string& text : *texts) {
      good = Run(connection.get(), text, *writer) && good;
      if (PQstatus(connection.get()) != CONNECTION_OK || std::ferror(stdout) != 0 || interrupted)
        return false;
      if (!good && !options.keep_going) return false;
    }
    return true;
  };

  if (!options.commands.empty()) {
    for (const std::string& command : options.commands) {
      if (!run_script(command)) break;
    }
  } else if (!options.file.empty()) {
    std::ifstream file(options.file, std::ios::binary);
    if (!file) return Fail(ErrorKind::kIoError, fmt::format("Cannot read \"{}\".", options.file));
    run_script(std::string(std::istreambuf_iterator<char>(file), {}));
  } else if (isatty(STDIN_FILENO) == 0) {
    run_script(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  } else {
    fmt::print(
        "skep {} - connected to {} at {}:{} as {}. End a statement with ; and leave with \\q.\n",
        SKEP_VERSION, target.database, target.host, target.port, target.user);
    std::string pending, line;
    while (fmt::print("{}{} ", target.database, pending.empty() ? "=>" : "->"), std::fflush(stdout),
           std::getline(std::cin, line)) {
      if (pending.empty() && (line == "\\q" || line == "quit" || line == "exit")) break;
      pending += line + "\n";
      const size_t last = line.find_last_not_of(" \t");
      if (last == std::string::npos || line[last] != ';') continue;
      interrupted = false;
      good = true;
      run_script(std::exchange(pending, ""));
      if (PQstatus(connection.get()) != CONNECTION_OK) break;
    }
    if (PQstatus(connection.get()) == CONNECTION_OK) return 0;
  }
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    fmt::print(stderr, "skep: the connection was lost\n");
    return kExitNoConnection;
  }
  if (interrupted) return kExitInterrupted;
  return good ? 0 : kExitFailed;
}

}  // namespace

void RegisterSql(CLI::App& root, Context& context) {
  CLI::App* verb = AddVerb(root, "sql", "Run SQL: -c, a file, or standard input");
  auto options = std::make_shared<SqlOptions>();
  verb->add_option("-c,--command", options->commands, "Statements to run (may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("-f,--file", options->file, "Run the statements of a file")
      ->excludes("--command");
  verb->add_option("--format", options->format, "table, csv or json")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->type_name("");
  verb->add_option("-h,--host", options->host,
                   "Server [PGHOST; default: the running gateway of the data directory]");
  verb->add_option("-p,--port", options->port, "Its port [PGPORT]");
  verb->add_option("-U,--user", options->user,
                   "User [PGUSER; default: the administrator made by init]");
  verb->add_option("-d,--database", options->database, "Database [PGDATABASE]");
  verb->add_flag("--keep-going", options->keep_going, "Go on after a failed statement");
  AddConfigFlags(*verb, context, false);
  verb->footer(
      "The password comes from PGPASSWORD, SKEP_PASSWORD, the administrator's file in the data "
      "directory, or the terminal.\n"
      "Exit codes: 0 all went well, 1 a statement failed, 2 wrong usage, 3 no connection, 130 "
      "interrupted.");
  verb->callback([&context, options] {
    context.run = [&context, options] { return Sql(context, *options); };
  });
}

}  // namespace skep::app
