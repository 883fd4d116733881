// Listener on Windows: libuv's. See listener.h.
#include "listener.h"

#ifdef _WIN32
#include "stream.h"

namespace aionode::uv {

Listener* Listener::Bind(Loop* loop, const sockaddr* address, size_t, unsigned flags, int* status) {
  if ((flags & kListenReusePort) != 0) {
    *status = UV_ENOTSUP;
    return nullptr;
  }
  Listener* listener = new Listener(loop);
  *status = uv_tcp_init(loop->uv_loop(), &listener->uv_.tcp);
  if (*status < 0) {
    listener->Discard();
    return nullptr;
  }
  listener->Opened();
  const unsigned bind_flags = (flags & kListenIpv6Only) != 0 ? UV_TCP_IPV6ONLY : 0;
  *status = uv_tcp_bind(&listener->uv_.tcp, address, bind_flags);
  if (*status == 0) return listener;
  listener->Close();
  return nullptr;
}

Listener* Listener::BindLocal(Loop* loop, const std::string& name, bool, int* status) {
  Listener* listener = new Listener(loop);
  *status = uv_pipe_init(loop->uv_loop(), &listener->uv_.pipe, 0);
  if (*status < 0) {
    listener->Discard();
    return nullptr;
  }
  listener->Opened();
  *status = uv_pipe_bind2(&listener->uv_.pipe, name.data(), name.size(), UV_PIPE_NO_TRUNCATE);
  if (*status == 0) return listener;
  listener->Close();
  return nullptr;
}

// A file descriptor of the C runtime is never a socket there.
Listener* Listener::Adopt(Loop*, uv_file, bool, int* status) {
  *status = UV_ENOTSUP;
  return nullptr;
}

int Listener::Listen(int backlog) { return uv_listen(&uv_.stream, backlog, OnConnection); }

int Listener::Resume() { return 0; }

void Listener::OnConnection(uv_stream_t* stream, int status) {
  Listener* self = static_cast<Listener*>(stream->data);
  Loop* loop = self->loop();
  if (status < 0) return loop->Emit(core::kAcceptFailed, self->slot(), status, 0);
  int error = 0;
  const bool local = stream->type == UV_NAMED_PIPE;
  Stream* accepted = local ? Stream::CreatePipe(loop, &error) : Stream::CreateTcp(loop, &error);
  if (accepted == nullptr) return loop->Emit(core::kAcceptFailed, self->slot(), error, 0);
  error = uv_accept(stream, accepted->stream());
  if (error < 0) {
    accepted->Close();
    return loop->Emit(core::kAcceptFailed, self->slot(), error, 0);
  }
  if (!local) uv_tcp_nodelay(accepted->tcp(), 1);
  loop->Emit(core::kAccepted, self->slot(), static_cast<int32_t>(accepted->slot()), 0);
}

int Listener::Address(sockaddr* address, int* length) {
  if (uv_.handle.type != UV_TCP) return UV_ENOTSUP;
  return uv_tcp_getsockname(&uv_.tcp, address, length);
}

int Listener::LocalName(std::string* name) {
  if (uv_.handle.type != UV_NAMED_PIPE) return UV_ENOTSUP;
  char buffer[1024];
  size_t length = sizeof(buffer);
  const int status = uv_pipe_getsockname(&uv_.pipe, buffer, &length);
  if (status == 0) name->assign(buffer, length);
  return status;
}

void Listener::BeforeClose() {}

}  // namespace aionode::uv
#endif  // _WIN32
