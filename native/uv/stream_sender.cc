#include "stream_sender.h"

#ifndef _WIN32
#include <fcntl.h>

#include <cerrno>
#endif

namespace aionode::uv {

void StreamSender::HoldBack(const uv_buf_t* buffers, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    held_.insert(held_.end(), buffers[i].base, buffers[i].base + buffers[i].len);
  }
}

void StreamSender::HoldFirst(const std::vector<char>& bytes) {
  held_.insert(held_.begin(), bytes.begin(), bytes.end());
}

#ifdef _WIN32

int DuplicateDescriptor(uv_file, uv_file*) { return UV_ENOTSUP; }

#else

int DuplicateDescriptor(uv_file fd, uv_file* duplicate) {
  *duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return *duplicate < 0 ? uv_translate_sys_error(errno) : 0;
}

#endif

}  // namespace aionode::uv
