// A listening socket. It is bound when it is made and listens later. Accepted connections are
// announced by kAccepted; they do not read before they are told to.
//
// On POSIX the socket is ours, polled with uv_poll, and not a uv_tcp_t: when the process has no
// file descriptor left, libuv accepts what is waiting and closes it at once, so that clients are
// lost without a trace. Here they wait in the system's queue: kAcceptFailed says so, accepting
// stops, and JavaScript resumes it after a while, as asyncio does. On Windows, where descriptors do
// not run out like that, libuv listens.
#ifndef AIONODE_UV_LISTENER_H_
#define AIONODE_UV_LISTENER_H_

#include <uv.h>

#include <string>

#include "handle.h"
#include "local_address.h"

namespace aionode::uv {

// Options of a listening socket, or-ed.
enum ListenFlag : unsigned {
  kListenIpv6Only = 1,
  kListenReuseAddress = 2,
  kListenReusePort = 4,
  kListenKeepAlive = 8,
};

class Listener : public Handle {
 public:
  // A socket bound to `address`. nullptr when that fails (`status`).
  static Listener* Bind(Loop* loop, const sockaddr* address, size_t length, unsigned flags,
                        int* status);

  // A local socket bound to a path or name, which on POSIX replaces a file that nobody listens on.
  // If `removes_file`, the file goes with the listener if it is still this socket's.
  static Listener* BindLocal(Loop* loop, const std::string& name, bool removes_file, int* status);
  // Takes over a stream socket that is bound. On failure it stays the caller's. If `removes_file`,
  // the file of a local one goes with it.
  static Listener* Adopt(Loop* loop, uv_file fd, bool removes_file, int* status);

  int Listen(int backlog);
  // Goes on after a kAcceptFailed that stopped it.
  int Resume();
  // The address that it is bound to.
  int Address(sockaddr* address, int* length);
  // The name of a local one; libuv's error for any other.
  int LocalName(std::string* name);

  Listener* AsListener() override { return this; }

 protected:
  uv_handle_t* raw() override { return &uv_.handle; }
  void BeforeClose() override;

 private:
  explicit Listener(Loop* loop) : Handle(loop) {}

#ifdef _WIN32
  static void OnConnection(uv_stream_t* stream, int status);
#else
  static Listener* Watch(Loop* loop, int fd, int family, int* status);
  // Takes one of the connections that wait; true when there may be another.
  bool AcceptOne();

  int fd_ = -1;
  int family_ = 0;
  int backlog_ = 0;
  SocketFile file_;
#endif

  union {
    uv_handle_t handle;
    uv_poll_t poll;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv_;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_LISTENER_H_
