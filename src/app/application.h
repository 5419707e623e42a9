// The composition root of `skep serve`: builds every part in one visible order, runs the I/O loop,
// drains and stops.
#pragma once

#include "app/config.h"

namespace skep::app {

// Runs the gateway until SIGTERM or SIGINT (drain; a second one forces). Answers the exit code: 0
// after a drain, 1 when it could not start (the reason is logged with what to do), 2 when it was
// forced.
int Serve(const Config& config);

}  // namespace skep::app
