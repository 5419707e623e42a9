#include "app/verbs.h"
namespace skep::app {
void RegisterDoctor(CLI::App&, Context&) {}
}  // namespace skep::app
