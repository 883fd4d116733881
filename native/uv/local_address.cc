#include "local_address.h"

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "posix_socket.h"

namespace aionode::uv {

namespace {

const sockaddr* AsSockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Whether nobody listens on a socket file. A datagram socket asks: if there is a stream socket
// behind the file, the system says that the types differ (EPROTOTYPE), and its owner learns
// nothing. A stream socket would be a connection to accept.
bool IsStale(const sockaddr_un& address, socklen_t length) {
  struct stat file;
  if (lstat(address.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (probe < 0) return false;
  // A child that another thread starts meanwhile must not have it.
  fcntl(probe, F_SETFD, FD_CLOEXEC);
  const bool refused = connect(probe, AsSockaddr(address), length) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

}  // namespace

int ParseLocalAddress(const std::string& name, sockaddr_un* address, socklen_t* length) {
  std::memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  const bool abstract = !name.empty() && name[0] == '\0';
#ifndef __linux__
  if (abstract) return UV_EINVAL;
#endif
  // A path needs room for the zero at its end.
  const size_t most = sizeof(address->sun_path) - (abstract ? 0 : 1);
  if (name.empty() || name.size() > most) return UV_EINVAL;
  if (!abstract && name.find('\0') != std::string::npos) return UV_EINVAL;
  std::memcpy(address->sun_path, name.data(), name.size());
  *length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
  return 0;
}

std::string LocalName(const sockaddr_un& address, size_t length) {
  constexpr size_t kPrefix = offsetof(sockaddr_un, sun_path);
  if (length <= kPrefix) return std::string();
  size_t size = length - kPrefix;
  if (address.sun_path[0] != '\0') size = strnlen(address.sun_path, size);
#ifndef __linux__
  if (address.sun_path[0] == '\0') size = 0;
#endif
  return std::string(address.sun_path, size);
}

int BindLocal(int socket, const std::string& name) {
  sockaddr_un address;
  socklen_t length = 0;
  const int status = ParseLocalAddress(name, &address, &length);
  if (status < 0) return status;
  if (bind(socket, AsSockaddr(address), length) == 0) return 0;
  if (errno != EADDRINUSE) return uv_translate_sys_error(errno);
  if (name[0] == '\0' || !IsStale(address, length)) return UV_EADDRINUSE;
  if (unlink(address.sun_path) != 0) return UV_EADDRINUSE;
  return bind(socket, AsSockaddr(address), length) == 0 ? 0 : uv_translate_sys_error(errno);
}

int ConnectToLocal(const std::string& name) {
  sockaddr_un address;
  socklen_t length = 0;
  const int status = ParseLocalAddress(name, &address, &length);
  if (status < 0) return status;
  const int fd = OpenSocket(AF_UNIX);
  if (fd >= 0 && connect(fd, AsSockaddr(address), length) == 0) return fd;
  const int error = uv_translate_sys_error(errno);
  if (fd >= 0) close(fd);
  return error;
}

void SocketFile::Remember(const std::string& name) {
  if (name.empty() || name[0] == '\0') return;
  // The process may have gone to another folder when the file is to be removed.
  char folder[PATH_MAX];
  std::string path = name;
  if (name[0] != '/') {
    if (getcwd(folder, sizeof(folder)) == nullptr) return;
    path = std::string(folder) + "/" + name;
  }
  struct stat file;
  if (lstat(path.c_str(), &file) != 0) return;
  path_ = path;
  device_ = static_cast<uint64_t>(file.st_dev);
  inode_ = static_cast<uint64_t>(file.st_ino);
}

void SocketFile::Remove() {
  struct stat file;
  if (path_.empty() || lstat(path_.c_str(), &file) != 0) return;
  if (static_cast<uint64_t>(file.st_dev) == device_ &&
      static_cast<uint64_t>(file.st_ino) == inode_) {
    unlink(path_.c_str());
  }
  path_.clear();
}

}  // namespace aionode::uv
#endif  // _WIN32
