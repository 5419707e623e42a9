#include "base/unique_fd.h"

#include <unistd.h>

namespace skep {

void UniqueFd::Reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace skep
