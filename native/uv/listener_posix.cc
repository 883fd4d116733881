// Listener on POSIX: a socket of our own under uv_poll. See listener.h.
#include "listener.h"

#ifndef _WIN32
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "descriptors.h"
#include "posix_socket.h"
#include "stream.h"

namespace aionode::uv {

namespace {

int LastError() { return uv_translate_sys_error(errno); }

bool TurnOn(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

// SO_REUSEPORT balances connections between sockets on Linux, SO_REUSEPORT_LB on FreeBSD.
#ifdef SO_REUSEPORT_LB
constexpr int kReusePortOption = SO_REUSEPORT_LB;
#else
constexpr int kReusePortOption = SO_REUSEPORT;
#endif

// 0, or a negative error.
int SetOptions(int fd, int family, unsigned flags) {
  const bool internet = family == AF_INET || family == AF_INET6;
  if ((flags & kListenReuseAddress) != 0 && !TurnOn(fd, SOL_SOCKET, SO_REUSEADDR)) {
    return LastError();
  }
  if ((flags & kListenReusePort) != 0 && internet && !TurnOn(fd, SOL_SOCKET, kReusePortOption)) {
    return LastError();
  }
  // Accepted sockets inherit it.
  if ((flags & kListenKeepAlive) != 0 && !TurnOn(fd, SOL_SOCKET, SO_KEEPALIVE)) return LastError();
  if ((flags & kListenIpv6Only) != 0 && !TurnOn(fd, IPPROTO_IPV6, IPV6_V6ONLY)) return LastError();
  return 0;
}

bool OutOfResources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

// On failure `fd` stays the caller's.
Listener* Listener::Watch(Loop* loop, int fd, int family, int* status) {
  Listener* listener = new Listener(loop);
  *status = uv_poll_init(loop->uv_loop(), &listener->uv_.poll, fd);
  if (*status < 0) {
    listener->Discard();
    return nullptr;
  }
  listener->fd_ = fd;
  listener->family_ = family;
  listener->Opened();
  return listener;
}

Listener* Listener::Bind(Loop* loop, const sockaddr* address, size_t length, unsigned flags,
                         int* status) {
  const int family = address->sa_family;
  const int fd = OpenSocket(family);
  *status = fd < 0 ? LastError() : SetOptions(fd, family, flags);
  if (*status == 0 && bind(fd, address, static_cast<socklen_t>(length)) != 0) *status = LastError();
  Listener* listener = *status == 0 ? Watch(loop, fd, family, status) : nullptr;
  if (listener == nullptr && fd >= 0) close(fd);
  return listener;
}

Listener* Listener::BindLocal(Loop* loop, const std::string& name, bool removes_file, int* status) {
  const int fd = OpenSocket(AF_UNIX);
  *status = fd < 0 ? LastError() : uv::BindLocal(fd, name);
  Listener* listener = *status == 0 ? Watch(loop, fd, AF_UNIX, status) : nullptr;
  if (listener == nullptr) {
    if (fd >= 0) close(fd);
    return nullptr;
  }
  if (removes_file) listener->file_.Remember(name);
  return listener;
}

Listener* Listener::Adopt(Loop* loop, uv_file fd, bool removes_file, int* status) {
  sockaddr_storage address;
  socklen_t length = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    *status = LastError();
    return nullptr;
  }
  Listener* listener = Watch(loop, fd, address.ss_family, status);
  if (listener != nullptr) KeepFromChildren(fd);
  if (listener != nullptr && removes_file && address.ss_family == AF_UNIX) {
    listener->file_.Remember(uv::LocalName(reinterpret_cast<sockaddr_un&>(address), length));
  }
  return listener;
}

int Listener::Listen(int backlog) {
  if (listen(fd_, backlog) != 0) return LastError();
  backlog_ = backlog;
  return Resume();
}

int Listener::Resume() {
  return uv_poll_start(&uv_.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    Listener* self = static_cast<Listener*>(poll->data);
    // As many as can be waiting; the rest in the next round, so that open connections have a turn.
    for (int left = self->backlog_; left >= 0; --left) {
      if (self->closing() || !self->AcceptOne()) return;
    }
  });
}

bool Listener::AcceptOne() {
  sockaddr_storage peer;
  socklen_t length = sizeof(peer);
  const int fd = AcceptFrom(fd_, reinterpret_cast<sockaddr*>(&peer), &length);
  if (fd < 0) {
    const int error = errno;
    if (error == ECONNABORTED || error == EINTR) return true;
    if (error == EAGAIN || error == EWOULDBLOCK) return false;
    if (OutOfResources(error)) uv_poll_stop(&uv_.poll);
    loop()->Emit(core::kAcceptFailed, slot(), uv_translate_sys_error(error), 0);
    return false;
  }
  int status = 0;
  const bool local = family_ == AF_UNIX;
  Stream* accepted =
      local ? Stream::CreatePipe(loop(), &status) : Stream::CreateTcp(loop(), &status);
  if (accepted != nullptr) {
    if (!local) uv_tcp_nodelay(accepted->tcp(), 1);
    status = accepted->Open(fd);
  }
  if (accepted == nullptr || status < 0) {
    close(fd);
    if (accepted != nullptr) accepted->Close();
    loop()->Emit(core::kAcceptFailed, slot(), status, 0);
    return true;
  }
  if (!local) accepted->NotePeer(reinterpret_cast<const sockaddr*>(&peer));
  loop()->Emit(core::kAccepted, slot(), static_cast<int32_t>(accepted->slot()), 0);
  return true;
}

int Listener::Address(sockaddr* address, int* length) {
  socklen_t size = static_cast<socklen_t>(*length);
  if (getsockname(fd_, address, &size) != 0) return LastError();
  *length = static_cast<int>(size);
  return 0;
}

int Listener::LocalName(std::string* name) {
  sockaddr_un address;
  socklen_t length = sizeof(address);
  if (family_ != AF_UNIX) return UV_ENOTSUP;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) return LastError();
  *name = uv::LocalName(address, length);
  return 0;
}

void Listener::BeforeClose() {
  uv_poll_stop(&uv_.poll);
  file_.Remove();
  close(fd_);
}

}  // namespace aionode::uv
#endif  // _WIN32
