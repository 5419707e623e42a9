// The parent of all workers: a single-threaded process that has the engine's library mapped and
// forks a worker in milliseconds whenever the gateway asks. Holds no data and no secret; ends with
// the gateway.
#pragma once

namespace skep::worker {

// Serves the gateway on this SEQPACKET socket until it closes. In a forked child it runs the
// worker. Answers the exit code.
int RunForkServer(int socket);

}  // namespace skep::worker
