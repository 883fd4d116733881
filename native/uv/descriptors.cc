#include "descriptors.h"

#ifndef _WIN32
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace aionode::uv {

#ifdef _WIN32

int32_t DescribeDescriptor(uv_file fd) {
  constexpr int32_t kBoth = kReadableDescriptor | kWritableDescriptor;
  switch (uv_guess_handle(fd)) {
    case UV_FILE:
      return kRegularFile | kBoth;
    case UV_TTY:
      return kCharacterDevice | kBoth;
    case UV_NAMED_PIPE:
      return kPipe | kBoth;
    default:
      return UV_EBADF;
  }
}

int32_t DescribeEnd(uv_file) { return 0; }

void KeepFromChildren(uv_file) {}

#else

namespace {

int32_t DescribeSocket(uv_file fd) {
  int type = 0;
  socklen_t length = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
    return uv_translate_sys_error(errno);
  }
  sockaddr_storage address{};
  length = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return uv_translate_sys_error(errno);
  }
  int listening = 0;
  length = sizeof(listening);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) listening = 0;
  const int32_t flags = listening != 0 ? kListeningDescriptor : 0;
  const bool is_inet = address.ss_family == AF_INET || address.ss_family == AF_INET6;
  if (type == SOCK_DGRAM && is_inet) return kDatagramSocket | flags;
  if (type != SOCK_STREAM) return kOtherSocket | flags;
  switch (address.ss_family) {
    case AF_INET:
    case AF_INET6:
      return kTcpSocket | flags;
    case AF_UNIX:
      return kLocalSocket | flags;
    default:
      return kOtherSocket | flags;
  }
}

int32_t DescribeMode(uv_file fd, mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFBLK:
      return kRegularFile;
    case S_IFDIR:
      return kDirectory;
    case S_IFCHR:
      return kCharacterDevice;
    case S_IFIFO:
      return kPipe;
    case S_IFSOCK:
      return DescribeSocket(fd);
    default:
      return kOtherDescriptor;
  }
}

}  // namespace

int32_t DescribeDescriptor(uv_file fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return uv_translate_sys_error(errno);
  const int access = fcntl(fd, F_GETFL);
  if (access < 0) return uv_translate_sys_error(errno);
  int32_t kind = DescribeMode(fd, status.st_mode);
  if (kind < 0) return kind;
  if ((access & O_ACCMODE) != O_WRONLY) kind |= kReadableDescriptor;
  if ((access & O_ACCMODE) != O_RDONLY) kind |= kWritableDescriptor;
  return kind;
}

void KeepFromChildren(uv_file fd) {
  if (fd > STDERR_FILENO) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int32_t DescribeEnd(uv_file fd) {
  char byte;
  ssize_t count;
  do {
    count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) return static_cast<int32_t>(count);
  // Pipes and terminals, which nobody resets.
  if (errno == ENOTSOCK || errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  return uv_translate_sys_error(errno);
}

#endif

}  // namespace aionode::uv
