// `skep demo`: finds the demonstration script and the Python that it needs, and becomes it.
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/verbs.h"

namespace skep::app {
namespace {

namespace fs = std::filesystem;

struct DemoOptions {
  bool stop = false, keep = false;
  std::string directory, data, s3_server, python, pgwire_port, http_port;
};

Result<int> Demo(const Context& context, const DemoOptions& options) {
  const fs::path here = context.input.executable_dir;
  std::error_code ignored;
  fs::path script, tree;
  for (const fs::path& candidate : {here / "../../../tools/demo", here / "../share/skep/demo"}) {
    if (script.empty() && fs::exists(candidate, ignored)) script = candidate.lexically_normal();
  }
  if (script.empty()) {
    return Fail(ErrorKind::kUndefinedObject,
                "The demonstration's script (tools/demo) is not there.", {},
                "Run make demo in a source tree of Skep.");
  }
  tree = script.parent_path().parent_path();
  std::string python = options.python;
  if (python.empty()) {
    python = (tree / ".venv/bin/python").string();
    if (!fs::exists(python, ignored)) python = "python3";
  }
  std::vector<std::string> words = {python,   script.string(), "--skep", (here / "skep").string(),
                                    "--tree", tree.string()};
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  add("--directory", options.directory);
  add("--data", options.data);
  add("--s3-server", options.s3_server);
  add("--pgwire-port", options.pgwire_port);
  add("--http-port", options.http_port);
  if (options.stop) words.emplace_back("--stop");
  if (options.keep) words.emplace_back("--keep");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return Fail(ErrorKind::kIoError,
              fmt::format("Cannot run \"{}\": {}", python, std::strerror(errno)), {},
              "Name a Python with boto3 with --python, or run make demo.");
}

}  // namespace

void RegisterDemo(CLI::App& root, Context& context) {
  CLI::App* verb = AddVerb(
      root, "demo", "Load a sample organization, show the whole path, leave the server running");
  auto options = std::make_shared<DemoOptions>();
  verb->add_flag("--stop", options->stop, "End what an earlier demo left running");
  verb->add_flag("--keep", options->keep,
                 "Keep the data of an earlier demo instead of starting afresh");
  verb->add_option("--directory", options->directory,
                   "Where the demo lives [.demo in the source tree]");
  verb->add_option("--dataset-dir", options->data,
                   "Files of the organization [.deps/demo-data, made by tools/demo_data]");
  verb->add_option("--s3-server", options->s3_server,
                   "The versitygw executable [.deps/bin/versitygw]");
  verb->add_option("--python", options->python, "A Python with boto3 [.venv/bin/python]");
  verb->add_option("--pgwire-port", options->pgwire_port,
                   "Port of SQL clients [5439, or a free one when it is taken]");
  verb->add_option("--http-port", options->http_port,
                   "Port of the AWS APIs [8439, or a free one when it is taken]");
  verb->callback([&context, options] {
    context.run = [&context, options] { return Demo(context, *options); };
  });
}

}  // namespace skep::app
