#include "pipe_capacity.h"

#ifdef __linux__
#include <fcntl.h>
#endif

namespace aionode::uv {

#ifdef F_SETPIPE_SZ

void GrowPipe(int fd) {
  constexpr int kCapacityBytes = 256 * 1024;
  fcntl(fd, F_SETPIPE_SZ, kCapacityBytes);
}

#else

void GrowPipe(int) {}

#endif

}  // namespace aionode::uv
