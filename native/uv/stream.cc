#include "stream.h"

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "address.h"
#include "descriptors.h"
#include "local_address.h"
#include "posix_socket.h"
#include "splicer.h"
#include "stream_sender.h"

namespace aionode::uv {

namespace {

// uv_buf_init() takes an unsigned int, and would cut a length above 4 GiB.
uv_buf_t BufferOf(char* base, size_t length) {
  uv_buf_t buffer;
  buffer.base = base;
  buffer.len = static_cast<decltype(buffer.len)>(length);
  return buffer;
}

}  // namespace

// One allocation for the request and its copy of the bytes; freed in OnWritten.
struct Stream::WriteRequest {
  uv_write_t uv;
  Stream* stream;
  char bytes[1];
};

struct Stream::ConnectRequest {
  uv_connect_t uv;
  Stream* stream;
};

Stream* Stream::CreateTcp(Loop* loop, int* status) {
  Stream* stream = new Stream(loop);
  return Created(stream, status, uv_tcp_init(loop->uv_loop(), &stream->uv_.tcp));
}

Stream* Stream::CreatePipe(Loop* loop, int* status) {
  Stream* stream = new Stream(loop);
  constexpr int kNoHandlePassing = 0;
  return Created(stream, status,
                 uv_pipe_init(loop->uv_loop(), &stream->uv_.pipe, kNoHandlePassing));
}

Stream* Stream::Created(Stream* stream, int* status, int result) {
  *status = result;
  if (result < 0) {
    stream->Discard();
    return nullptr;
  }
  stream->Opened();
  return stream;
}

#ifdef _WIN32
int Stream::BindTo(const sockaddr* address) {
  int status = uv_tcp_bind(&uv_.tcp, address, 0);
  if (status < 0) return status;
  sockaddr_storage bound;
  int length = sizeof(bound);
  status = uv_tcp_getsockname(&uv_.tcp, reinterpret_cast<sockaddr*>(&bound), &length);
  if (status < 0) return status;
  // libuv tells of an address in use when it connects, but another one may be free.
  return PortOf(bound) == 0 ? UV_EADDRINUSE : 0;
}
#else
int Stream::BindTo(const sockaddr* address) {
  // libuv would turn on SO_REUSEADDR, and tell of an address in use when it connects, though
  // another one may be free.
  const int fd = OpenSocket(address->sa_family);
  if (fd < 0) return uv_translate_sys_error(errno);
  const socklen_t length =
      address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  int status = bind(fd, address, length) == 0 ? 0 : uv_translate_sys_error(errno);
  if (status == 0) status = uv_tcp_open(&uv_.tcp, fd);
  if (status < 0) close(fd);
  return status;
}
#endif

int Stream::Connect(const sockaddr* address) {
  NotePeer(address);
  ConnectRequest* request = new ConnectRequest;
  request->stream = this;
  const int status =
      uv_tcp_connect(&request->uv, &uv_.tcp, address, [](uv_connect_t* uv, int result) {
        ConnectRequest* done = reinterpret_cast<ConnectRequest*>(uv);
        Stream* stream = done->stream;
        delete done;
        if (stream->closing()) return;
        if (result == 0) uv_tcp_nodelay(&stream->uv_.tcp, 1);
        stream->loop()->Emit(core::kConnected, stream->slot(), result, 0);
      });
  if (status < 0) delete request;
  return status;
}

#ifdef _WIN32
int Stream::ConnectLocal(const std::string& name) {
  ConnectRequest* request = new ConnectRequest;
  request->stream = this;
  const int status =
      uv_pipe_connect2(&request->uv, &uv_.pipe, name.data(), name.size(), UV_PIPE_NO_TRUNCATE,
                       [](uv_connect_t* uv, int result) {
                         ConnectRequest* done = reinterpret_cast<ConnectRequest*>(uv);
                         Stream* stream = done->stream;
                         delete done;
                         if (!stream->closing())
                           stream->loop()->Emit(core::kConnected, stream->slot(), result, 0);
                       });
  if (status < 0) delete request;
  return status;
}
#else
// Not uv_pipe_connect2(): before libuv 1.47 it fills abstract names up with zeros.
int Stream::ConnectLocal(const std::string& name) {
  const int fd = ConnectToLocal(name);
  if (fd < 0) return fd;
  const int status = Open(fd);
  if (status < 0) close(fd);
  return status;
}
#endif

int Stream::LocalName(bool peer, std::string* name) {
  if (uv_.handle.type != UV_NAMED_PIPE) return UV_ENOTSUP;
  char buffer[1024];
  size_t length = sizeof(buffer);
  const int status = peer ? uv_pipe_getpeername(&uv_.pipe, buffer, &length)
                          : uv_pipe_getsockname(&uv_.pipe, buffer, &length);
  if (status == 0) name->assign(buffer, length);
  return status;
}

int Stream::Open(uv_file fd) {
  const int status = tcp() != nullptr ? uv_tcp_open(&uv_.tcp, fd) : uv_pipe_open(&uv_.pipe, fd);
  if (status == 0) KeepFromChildren(fd);
  return status;
}

int Stream::ReleaseDescriptor() {
#ifdef _WIN32
  return UV_ENOTSUP;
#else
  uv_os_fd_t fd;
  const int status = uv_fileno(raw(), &fd);
  if (status < 0) return status;
  // libuv cannot let go of a descriptor: it closes its own, and the copy keeps the connection.
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return uv_translate_sys_error(errno);
  Close();
  return copy;
#endif
}

void Stream::NotePeer(const sockaddr* address) {
  const size_t length = address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(&peer_, address, length);
}

int Stream::ReadStart(bool announce) {
  announce_ = announce;
  announced_ = false;
  wants_read_ = true;
  const int status = uv_read_start(&uv_.stream, OnAllocate, OnRead);
  return status == UV_EALREADY ? 0 : status;
}

int Stream::ReadStop() {
  wants_read_ = false;
  return uv_read_stop(&uv_.stream);
}

void Stream::HoldReading() { uv_read_stop(&uv_.stream); }

void Stream::ContinueReading() {
  if (!wants_read_ || closing()) return;
  const int status = uv_read_start(&uv_.stream, OnAllocate, OnRead);
  if (status < 0 && status != UV_EALREADY) ReadEnded(status);
}

void Stream::ReadEnded(int status) {
  ReadStop();
  if (status == 0) {
    loop()->Emit(core::kEof, slot(), 0, 0);
  } else {
    loop()->Emit(core::kReadFailed, slot(), status, 0);
  }
}

void Stream::WriteFailed(int status) { loop()->Emit(core::kWriteFailed, slot(), status, 0); }

void Stream::TellQueue() { loop()->Emit(core::kQueued, slot(), reported_queue(), 0); }

int32_t Stream::ReadInto(char* base, size_t length) {
  announced_ = false;
#ifdef _WIN32
  (void)base;
  (void)length;
  return UV_ENOTSUP;
#else
  uv_os_fd_t fd;
  const int status = uv_fileno(&uv_.handle, &fd);
  if (status < 0) return status;
  // More than the system hands over at once, and it fits the result.
  constexpr size_t kMost = 1 << 30;
  ssize_t count;
  do {
    count = read(fd, base, length < kMost ? length : kMost);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? uv_translate_sys_error(errno) : static_cast<int32_t>(count);
#endif
}

void Stream::OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  Stream* self = static_cast<Stream*>(handle->data);
  // Without memory libuv does not read, and calls OnRead() with UV_ENOBUFS.
  if (self->announce_ || self->splicer_ != nullptr) {
    *buffer = uv_buf_init(nullptr, 0);
  } else {
    *buffer = self->loop()->receive_memory().Allocate(&self->read_target_);
  }
}

void Stream::OnRead(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
  Stream* self = static_cast<Stream*>(stream->data);
  Loop* loop = self->loop();
  if (self->splicer_ != nullptr) return self->splicer_->SourceReadable();
  if (self->announce_ && count == UV_ENOBUFS) {
    if (!self->announced_) loop->Emit(core::kReadable, self->slot(), 0, 0);
    self->announced_ = true;
    return;
  }
  ReceiveMemory& memory = loop->receive_memory();
  if (count > 0) {
    const int32_t location = memory.Filled(&self->read_target_, buffer, static_cast<size_t>(count));
    loop->Emit(core::kData, self->slot(), static_cast<int32_t>(count), location);
    if (memory.Exhausted()) loop->DrainNow();
    return;
  }
  memory.TakeBack(&self->read_target_, buffer);
  if (count == 0) return;
  if (count != UV_EOF) return self->ReadEnded(static_cast<int>(count));
  const int32_t end = self->Descriptor() < 0 ? 0 : DescribeEnd(self->Descriptor());
  if (end <= 0) return self->ReadEnded(end);
  self->ContinueReading();
}

int Stream::Write(const uv_buf_t* buffers, unsigned count) {
  if (sender_ != nullptr && sender_->holds_back()) {
    sender_->HoldBack(buffers, count);
    return 0;
  }
  size_t sent = 0;
  if (uv_queue() == 0) {
    const int result = uv_try_write(&uv_.stream, buffers, count);
    if (result < 0 && result != UV_EAGAIN) return result;
    if (result > 0) sent = static_cast<size_t>(result);
  }
  return Queue(buffers, count, sent);
}

int Stream::Queue(const uv_buf_t* buffers, unsigned count, size_t sent) {
  size_t total = 0;
  for (unsigned i = 0; i < count; ++i) total += buffers[i].len;
  if (sent == total) return 0;
  WriteRequest* request =
      static_cast<WriteRequest*>(std::malloc(sizeof(WriteRequest) + (total - sent)));
  if (request == nullptr) return UV_ENOMEM;
  request->stream = this;
  size_t filled = 0;
  size_t skip = sent;
  for (unsigned i = 0; i < count; ++i) {
    const size_t length = buffers[i].len;
    if (skip >= length) {
      skip -= length;
      continue;
    }
    std::memcpy(request->bytes + filled, buffers[i].base + skip, length - skip);
    filled += length - skip;
    skip = 0;
  }
  const uv_buf_t rest = BufferOf(request->bytes, filled);
  const int status = uv_write(&request->uv, &uv_.stream, &rest, 1, OnWritten);
  if (status < 0) std::free(request);
  return status;
}

void Stream::OnWritten(uv_write_t* uv, int status) {
  WriteRequest* request = reinterpret_cast<WriteRequest*>(uv);
  Stream* self = request->stream;
  std::free(request);
  if (self->closing()) return;
  if (status < 0) {
    self->WriteFailed(status);
  } else {
    if (self->sender_ != nullptr && self->uv_queue() == 0) self->sender_->QueueEmptied();
    self->TellQueue();
  }
}

int Stream::ShutDown() {
  if (sender_ != nullptr && sender_->holds_back()) {
    sender_->HoldBackShutDown();
    return 0;
  }
  uv_shutdown_t* request = new uv_shutdown_t;
  // It fails for a connection that is broken, of which reading and writing tell.
  const int status =
      uv_shutdown(request, &uv_.stream, [](uv_shutdown_t* done, int) { delete done; });
  if (status < 0) delete request;
  return status;
}

size_t Stream::queued_bytes() const {
  return uv_queue() + (sender_ == nullptr ? 0 : sender_->unsent_bytes() + sender_->held_bytes());
}

void Stream::Release() {
  StreamSender* sender = sender_;
  sender_ = nullptr;
  SendHeld(sender);
}

void Stream::SendHeld(StreamSender* sender) {
  const std::vector<char> held = sender->TakeHeld();
  const bool shut_down = sender->TakeHeldShutDown();
  const uv_buf_t buffer = BufferOf(const_cast<char*>(held.data()), held.size());
  int status = held.empty() ? 0 : Write(&buffer, 1);
  if (status == 0 && shut_down) status = ShutDown();
  if (status < 0) {
    WriteFailed(status);
  } else {
    TellQueue();
  }
}

void Stream::BeforeClose() {
  if (sender_ != nullptr) sender_->TargetCloses();
  if (splicer_ != nullptr) splicer_->SourceCloses();
}

void Stream::AddToBatch(const char* base, size_t length) {
  if (!batch_.empty() && batch_.back().base + batch_.back().len == base) {
    batch_.back().len += length;
    return;
  }
  batch_.push_back(BufferOf(const_cast<char*>(base), length));
}

int Stream::SendBatch() {
  if (batch_.empty()) return 0;
  const int status = Write(batch_.data(), static_cast<unsigned>(batch_.size()));
  batch_.clear();
  return status;
}

}  // namespace aionode::uv
