// `skep serve`: runs the gateway.
#include "app/application.h"
#include "app/verbs.h"

namespace skep::app {

void RegisterServe(CLI::App& root, Context& context) {
  CLI::App* verb =
      AddVerb(root, "serve", "Run the gateway until SIGTERM (drains; a second one forces)");
  AddConfigFlags(*verb, context, true);
  verb->callback([&context] {
    context.run = [&context]() -> Result<int> {
#ifdef SKEP_HAVE_GATEWAY
      SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
      return Serve(loaded.config);
#else
      (void)context;
      return Fail(ErrorKind::kFeatureNotSupported, "This skep was built without its gateway.", {},
                  "Build all folders (see CONTRIBUTING.md).");
#endif
    };
  });
}

}  // namespace skep::app
