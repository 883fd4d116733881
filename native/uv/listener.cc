#include "listener.h"

#include "stream.h"

namespace aionode::uv {

Listener* Listener::CreateTcp(Loop* loop, int* status) {
  Listener* listener = new Listener(loop);
  *status = uv_tcp_init(loop->uv_loop(), &listener->uv_.tcp);
  if (*status < 0) {
    listener->Discard();
    return nullptr;
  }
  listener->Opened();
  return listener;
}

int Listener::Bind(const sockaddr* address, unsigned flags) {
  return uv_tcp_bind(&uv_.tcp, address, flags);
}

int Listener::Listen(int backlog) { return uv_listen(&uv_.stream, backlog, OnConnection); }

void Listener::OnConnection(uv_stream_t* stream, int status) {
  Listener* self = static_cast<Listener*>(stream->data);
  Loop* loop = self->loop();
  if (status < 0) return loop->Emit(core::kAcceptFailed, self->slot(), status, 0);
  int error = 0;
  Stream* accepted = Stream::CreateTcp(loop, &error);
  if (accepted == nullptr) return loop->Emit(core::kAcceptFailed, self->slot(), error, 0);
  error = accepted->Accept(stream);
  if (error == 0) {
    uv_tcp_nodelay(accepted->tcp(), 1);
    error = accepted->ReadStart();
  }
  if (error < 0) {
    accepted->Close();
    return loop->Emit(core::kAcceptFailed, self->slot(), error, 0);
  }
  loop->Emit(core::kAccepted, self->slot(), static_cast<int32_t>(accepted->slot()), 0);
}

}  // namespace aionode::uv
