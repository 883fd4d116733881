// A listening TCP socket. Accepted connections start to read at once and are announced by
// kAccepted, so that a connection costs no call from JavaScript before its first bytes arrive.
#ifndef AIONODE_UV_LISTENER_H_
#define AIONODE_UV_LISTENER_H_

#include <uv.h>

#include "handle.h"

namespace aionode::uv {

class Listener : public Handle {
 public:
  static Listener* CreateTcp(Loop* loop, int* status);

  int Bind(const sockaddr* address, unsigned flags);
  int Listen(int backlog);

  uv_tcp_t* tcp() { return &uv_.tcp; }
  Listener* AsListener() override { return this; }

 protected:
  uv_handle_t* raw() override { return &uv_.handle; }

 private:
  explicit Listener(Loop* loop) : Handle(loop) {}

  static void OnConnection(uv_stream_t* stream, int status);

  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
  } uv_;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_LISTENER_H_
