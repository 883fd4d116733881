// Addresses of local (Unix) sockets: paths, and on Linux abstract names, which begin with a zero
// byte.
#ifndef AIONODE_UV_LOCAL_ADDRESS_H_
#define AIONODE_UV_LOCAL_ADDRESS_H_

#ifndef _WIN32
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace aionode::uv {

// 0, or UV_EINVAL for a name that is empty or too long, or abstract where there is no such thing.
int ParseLocalAddress(const std::string& name, sockaddr_un* address, socklen_t* length);

// The name in an address that the system gave; empty for a socket without one.
std::string LocalName(const sockaddr_un& address, size_t length);

// Binds a socket to a path or name. A socket file that nobody listens on any more is replaced; one
// in use is left alone (UV_EADDRINUSE).
int BindLocal(int socket, const std::string& name);

// A connected socket, or a negative error: UV_EAGAIN when the server's backlog is full. A local
// connection is there at once or not at all.
int ConnectToLocal(const std::string& name);

// The file of a bound socket, which is removed with it, unless another one has taken its place.
class SocketFile {
 public:
  // Takes note of the file of a socket of this name, if it has one.
  void Remember(const std::string& name);
  void Remove();

 private:
  std::string path_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace aionode::uv

#endif  // _WIN32
#endif  // AIONODE_UV_LOCAL_ADDRESS_H_
