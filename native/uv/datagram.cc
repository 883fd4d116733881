#include "datagram.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#ifndef _WIN32
#include <sys/socket.h>
#endif

#include "descriptors.h"

namespace aionode::uv {

namespace {

// asyncio's _header_size: what a queued datagram counts beside its bytes, so that empty ones count
// too.
constexpr size_t kOverhead = 8;
// The length field of UDP has 16 bits.
constexpr size_t kLargestDatagram = 65'535;

#ifdef __linux__
// As many as libuv hands to one sendmmsg().
constexpr size_t kMostPerCall = 20;
#endif

}  // namespace

// One allocation for the request and its copy of the bytes; freed in OnSent.
struct Datagram::SendRequest {
  uv_udp_send_t uv;
  Datagram* datagram;
  int32_t words[kAddressWords];
  char bytes[1];
};

Datagram* Datagram::Create(Loop* loop, int family, int* status) {
  return Create(loop, family, family, status);
}

Datagram* Datagram::Create(Loop* loop, int family, int made_family, int* status) {
  Datagram* datagram = new Datagram(loop, family);
  *status = uv_udp_init_ex(loop->uv_loop(), &datagram->uv_.udp,
                           static_cast<unsigned>(made_family) | UV_UDP_RECVMMSG);
  if (*status < 0) {
    datagram->Discard();
    return nullptr;
  }
  datagram->Opened();
  return datagram;
}

#ifdef _WIN32

// A file descriptor of the C runtime is never a socket there.
Datagram* Datagram::Adopt(Loop*, uv_file, int* status) {
  *status = UV_ENOTSUP;
  return nullptr;
}

#else

Datagram* Datagram::Adopt(Loop* loop, uv_file fd, int* status) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  int reused = 0;
  socklen_t reused_length = sizeof(reused);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reused, &reused_length) != 0) {
    *status = uv_translate_sys_error(errno);
    return nullptr;
  }
  Datagram* datagram = Create(loop, address.ss_family, AF_UNSPEC, status);
  if (datagram == nullptr) return nullptr;
  *status = uv_udp_open(&datagram->uv_.udp, fd);
  if (*status == 0) KeepFromChildren(fd);
  if (*status < 0) {
    datagram->Close();
    return nullptr;
  }
  // libuv has turned it on, which would let others bind to the same port.
  if (reused == 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reused, sizeof(reused));
  return datagram;
}

#endif

int Datagram::ReusePort() {
#if defined(SO_REUSEPORT) && !defined(_WIN32)
  uv_os_fd_t fd;
  const int status = uv_fileno(raw(), &fd);
  if (status < 0) return status;
  const int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 ? 0 : -errno;
#else
  return UV_ENOTSUP;
#endif
}

int Datagram::Bind(const sockaddr* address) { return uv_udp_bind(&uv_.udp, address, bind_flags_); }

int Datagram::Connect(const sockaddr* address) { return uv_udp_connect(&uv_.udp, address); }

int Datagram::ReceiveStart() {
  const int status = uv_udp_recv_start(&uv_.udp, OnAllocate, OnReceived);
  return status == UV_EALREADY ? 0 : status;
}

int Datagram::ReceiveStop() { return uv_udp_recv_stop(&uv_.udp); }

void Datagram::OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  Datagram* self = static_cast<Datagram*>(handle->data);
  *buffer =
      self->emptied_ ? uv_buf_init(nullptr, 0) : self->loop()->receive_memory().AllocateDatagrams();
}

void Datagram::OnReceived(uv_udp_t* udp, ssize_t count, const uv_buf_t* buffer,
                          const sockaddr* sender, unsigned flags) {
  Datagram* self = static_cast<Datagram*>(udp->data);
  Loop* loop = self->loop();
  ReceiveMemory& memory = loop->receive_memory();
  if (count == UV_ENOBUFS && self->emptied_) {
    self->emptied_ = false;
    return;
  }
  if (count < 0) return loop->Emit(core::kReadFailed, self->slot(), static_cast<int32_t>(count), 0);
  // An empty datagram has a sender; without one there was nothing to receive.
  if (count > 0 || sender != nullptr) {
    const int32_t location = memory.KeepDatagram(sender, buffer->base, static_cast<size_t>(count));
    loop->Emit(core::kDatagram, self->slot(), static_cast<int32_t>(count), location);
    ++self->received_;
  }
  if ((flags & UV_UDP_MMSG_FREE) != 0) {
    self->emptied_ = self->received_ < buffer->len / kSmallestRead;
    self->received_ = 0;
  }
  // While chunks of one call are left in the memory, nobody else may use it.
  if ((flags & UV_UDP_MMSG_CHUNK) == 0 && memory.Exhausted()) loop->DrainNow();
}

bool Datagram::Unpack(const int32_t* words, sockaddr_storage* address) const {
  return family_ == AF_INET6 ? UnpackAddressAsIpv6(words, address) : UnpackAddress(words, address);
}

int Datagram::Send(const int32_t* words, const char* base, size_t length) {
  // Longer ones than any family knows, which a buffer of libuv's would cut.
  if (length > kLargestDatagram) return UV_EMSGSIZE;
  Outgoing outgoing{words, uv_buf_init(const_cast<char*>(base), static_cast<unsigned>(length))};
  if (queue_is_empty()) {
    const int result = SendSome(&outgoing, 1);
    if (result > 0) return 0;
    if (result != UV_EAGAIN) return result;
  }
  return Queue(outgoing);
}

void Datagram::AddToBatch(const char* base, size_t length) {
  batch_.push_back(Outgoing{reinterpret_cast<const int32_t*>(base),
                            uv_buf_init(const_cast<char*>(base) + kAddressBytes,
                                        static_cast<unsigned>(length - kAddressBytes))});
}

int Datagram::SendBatch() {
  for (size_t next = 0; next < batch_.size();) {
    int result = UV_EAGAIN;
    if (queue_is_empty()) result = SendSome(&batch_[next], batch_.size() - next);
    if (result > 0) {
      next += static_cast<size_t>(result);
      continue;
    }
    const Outgoing& outgoing = batch_[next++];
    if (result == UV_EAGAIN) result = Queue(outgoing);
    if (result < 0) Failed(outgoing.words, result);
  }
  batch_.clear();
  return 0;
}

int Datagram::SendSome(const Outgoing* outgoing, [[maybe_unused]] size_t count) {
#ifdef __linux__
  uv_os_fd_t fd;
  if (count > 1 && uv_fileno(raw(), &fd) == 0) {
    mmsghdr messages[kMostPerCall];
    sockaddr_storage addresses[kMostPerCall];
    iovec parts[kMostPerCall];
    if (count > kMostPerCall) count = kMostPerCall;
    std::memset(messages, 0, sizeof(messages[0]) * count);
    for (size_t i = 0; i < count; ++i) {
      msghdr& header = messages[i].msg_hdr;
      if (Unpack(outgoing[i].words, &addresses[i])) {
        header.msg_name = &addresses[i];
        header.msg_namelen =
            addresses[i].ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
      }
      parts[i].iov_base = outgoing[i].buffer.base;
      parts[i].iov_len = outgoing[i].buffer.len;
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
    }
    int sent;
    do {
      sent = sendmmsg(fd, messages, static_cast<unsigned>(count), 0);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return sent == 0 ? UV_EAGAIN : sent;
    // As libuv: a full queue of the interface passes, as a full socket buffer does.
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? UV_EAGAIN : -errno;
  }
#endif
  sockaddr_storage address;
  const bool addressed = Unpack(outgoing->words, &address);
  const int result =
      uv_udp_try_send(&uv_.udp, &outgoing->buffer, 1, addressed ? AsSockaddr(address) : nullptr);
  return result < 0 ? result : 1;
}

int Datagram::Queue(const Outgoing& outgoing) {
  const size_t length = outgoing.buffer.len;
  SendRequest* request = static_cast<SendRequest*>(std::malloc(sizeof(SendRequest) + length));
  if (request == nullptr) return UV_ENOMEM;
  request->datagram = this;
  std::memcpy(request->words, outgoing.words, kAddressBytes);
  std::memcpy(request->bytes, outgoing.buffer.base, length);
  const uv_buf_t copy = uv_buf_init(request->bytes, static_cast<unsigned>(length));
  sockaddr_storage address;
  const bool addressed = Unpack(outgoing.words, &address);
  const int status = uv_udp_send(&request->uv, &uv_.udp, &copy, 1,
                                 addressed ? AsSockaddr(address) : nullptr, OnSent);
  if (status < 0) std::free(request);
  return status;
}

void Datagram::OnSent(uv_udp_send_t* uv, int status) {
  SendRequest* request = reinterpret_cast<SendRequest*>(uv);
  Datagram* self = request->datagram;
  if (!self->closing()) {
    if (status < 0) self->Failed(request->words, status);
    self->loop()->Emit(core::kQueued, self->slot(), self->reported_queue(), 0);
  }
  std::free(request);
}

void Datagram::Failed(const int32_t* words, int status) {
  Failure failure;
  failure.status = status;
  std::memcpy(failure.words, words, kAddressBytes);
  failures_.push_back(failure);
  loop()->Emit(core::kWriteFailed, slot(), status, 0);
}

int Datagram::TakeFailure(int32_t* words) {
  if (failures_.empty()) return 0;
  const Failure& failure = failures_.front();
  const int status = failure.status;
  std::memcpy(words, failure.words, kAddressBytes);
  failures_.pop_front();
  return status;
}

int32_t Datagram::reported_queue() const {
  const size_t bytes =
      uv_udp_get_send_queue_size(&uv_.udp) + kOverhead * uv_udp_get_send_queue_count(&uv_.udp);
  return bytes > INT32_MAX ? INT32_MAX : static_cast<int32_t>(bytes);
}

}  // namespace aionode::uv
