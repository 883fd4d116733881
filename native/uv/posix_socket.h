// Stream sockets that do not block and are not inherited by other programs.
#ifndef AIONODE_UV_POSIX_SOCKET_H_
#define AIONODE_UV_POSIX_SOCKET_H_

#ifndef _WIN32
#include <sys/socket.h>

namespace aionode::uv {

// A descriptor, or -1 with errno.
int OpenSocket(int family);
int AcceptFrom(int fd, sockaddr* peer, socklen_t* length);

}  // namespace aionode::uv

#endif  // _WIN32
#endif  // AIONODE_UV_POSIX_SOCKET_H_
