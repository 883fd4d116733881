#include "posix_socket.h"

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace aionode::uv {

#ifdef __linux__
int OpenSocket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int AcceptFrom(int fd, sockaddr* peer, socklen_t* length) {
  return accept4(fd, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#else
namespace {

int Prepared(int fd) {
  if (fd < 0) return fd;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

int OpenSocket(int family) { return Prepared(socket(family, SOCK_STREAM, 0)); }

int AcceptFrom(int fd, sockaddr* peer, socklen_t* length) {
  return Prepared(accept(fd, peer, length));
}
#endif

}  // namespace aionode::uv
#endif  // _WIN32
