// `skep config`: the configuration in force and where each value comes from.
#include <fmt/core.h>

#include "app/verbs.h"

namespace skep::app {

void RegisterConfig(CLI::App& root, Context& context) {
  CLI::App* verb =
      AddVerb(root, "config", "Show the configuration in force and where each value comes from");
  auto keys = std::make_shared<bool>(false);
  verb->add_flag("--keys", *keys,
                 "Describe all keys, with the names of variables and flags, instead");
  AddConfigFlags(*verb, context, true);
  verb->callback([&context, keys] {
    context.run = [&context, keys]() -> Result<int> {
      if (*keys) {
        for (const ConfigKey& key : ConfigKeys()) {
          fmt::print("{}  {}  {}\n    {}{}{}\n", key.name, EnvironmentName(key.name),
                     FlagName(key.name), key.description,
                     key.choices.empty() ? "" : fmt::format(" One of {}.", key.choices),
                     key.default_text.empty() ? "" : fmt::format(" Default: {}", key.default_text));
        }
        return 0;
      }
      SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
      fmt::print("{}", DescribeConfig(loaded));
      return 0;
    };
  });
}

}  // namespace skep::app
