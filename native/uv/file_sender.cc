#include "file_sender.h"

#include "stream.h"

#if defined(__linux__)
#include <sys/sendfile.h>
#elif defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#endif

#ifndef _WIN32
#include <unistd.h>

#include <cerrno>
#endif

namespace aionode::uv {

// What the thread pool works on. `socket` and `file` are its own.
struct FileSender::Transfer {
  uv_work_t work;
  Loop* loop;
  FileSender* sender;  // nullptr once that was closed
  uv_file socket = -1;
  uv_file file = -1;
  int64_t offset = 0;
  int64_t left = 0;
  int64_t sent = 0;
  int status = 0;
  bool at_work = false;

  void Send();
  void Destroy();
};

#if defined(_WIN32) || !(defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__))

FileSender* FileSender::Create(Loop*, Stream*, int* status) {
  *status = UV_ENOTSUP;
  return nullptr;
}

int FileSender::Send(uv_file, int64_t, int64_t) { return UV_ENOTSUP; }

void FileSender::Transfer::Send() { status = UV_ENOTSUP; }

void FileSender::Transfer::Destroy() { delete this; }

#else

namespace {

// One call of the pool sends at most this much: a cancel waits for no more, and others get a turn.
constexpr int64_t kMostPerCall = 4 << 20;

// One system call. Returns the bytes sent, 0 at the end of the file, or -1 with errno.
ssize_t SendSome(uv_file socket, uv_file file, int64_t offset, size_t length) {
#if defined(__linux__)
  off_t from = static_cast<off_t>(offset);
  return sendfile(socket, file, &from, length);
#elif defined(__APPLE__)
  off_t sent = static_cast<off_t>(length);
  const int result = sendfile(file, socket, static_cast<off_t>(offset), &sent, nullptr, 0);
  return result == 0 || sent > 0 ? static_cast<ssize_t>(sent) : -1;
#else
  off_t sent = 0;
  const int result = sendfile(file, socket, static_cast<off_t>(offset), length, nullptr, &sent, 0);
  return result == 0 || sent > 0 ? static_cast<ssize_t>(sent) : -1;
#endif
}

}  // namespace

FileSender* FileSender::Create(Loop* loop, Stream* stream, int* status) {
  if (stream->sender() != nullptr) {
    *status = UV_EBUSY;
    return nullptr;
  }
  Transfer* transfer = new Transfer;
  transfer->loop = loop;
  *status = DuplicateDescriptor(stream->Descriptor(), &transfer->socket);
  FileSender* sender = nullptr;
  if (*status == 0) {
    sender = new FileSender(loop);
    *status = uv_poll_init(loop->uv_loop(), sender->poll(), transfer->socket);
    if (*status < 0) {
      sender->Discard();
      sender = nullptr;
    }
  }
  if (sender == nullptr) {
    transfer->Destroy();
    return nullptr;
  }
  transfer->sender = sender;
  sender->transfer_ = transfer;
  sender->stream_ = stream;
  sender->Opened();
  stream->HoldFor(sender);
  return sender;
}

int FileSender::Send(uv_file file, int64_t offset, int64_t count) {
  if (done_ || transfer_->file >= 0) return UV_EINVAL;
  const int status = DuplicateDescriptor(file, &transfer_->file);
  if (status < 0) return status;
  transfer_->offset = offset;
  transfer_->left = count < 0 ? INT64_MAX : count;
  if (stream_ == nullptr || stream_->HasSentAll()) QueueEmptied();
  return 0;
}

// In a thread of the pool, which alone touches the transfer meanwhile.
void FileSender::Transfer::Send() {
  int64_t allowed = left < kMostPerCall ? left : kMostPerCall;
  status = 0;
  while (allowed > 0) {
    const ssize_t count = SendSome(socket, file, offset, static_cast<size_t>(allowed));
    if (count < 0) {
      if (errno == EINTR) continue;
      status = errno == EWOULDBLOCK ? UV_EAGAIN : uv_translate_sys_error(errno);
      return;
    }
    if (count == 0) {
      left = 0;
      return;
    }
    offset += count;
    sent += count;
    left -= count;
    allowed -= count;
  }
}

void FileSender::Transfer::Destroy() {
  if (socket >= 0) close(socket);
  if (file >= 0) close(file);
  delete this;
}

#endif

void FileSender::QueueEmptied() {
  if (begun_ || stopped_ || transfer_->file < 0) return;
  begun_ = true;
  SendMore();
}

int64_t FileSender::sent() const { return transfer_->sent; }

void FileSender::SendMore() {
  transfer_->at_work = true;
  loop()->RequestBegun();
  transfer_->work.data = transfer_;
  const int status = uv_queue_work(
      loop()->uv_loop(), &transfer_->work,
      [](uv_work_t* work) { static_cast<Transfer*>(work->data)->Send(); },
      [](uv_work_t* work, int) {
        Transfer* transfer = static_cast<Transfer*>(work->data);
        Loop* loop = transfer->loop;
        transfer->at_work = false;
        if (transfer->sender == nullptr) {
          transfer->Destroy();
        } else {
          transfer->sender->Finished();
        }
        loop->RequestEnded();
      });
  if (status < 0) {
    transfer_->at_work = false;
    loop()->RequestEnded();
    Done(status);
  }
}

// A call of the pool has ended.
void FileSender::Finished() {
  const int status = transfer_->status;
  if (status < 0 && status != UV_EAGAIN) return Done(status);
  if (transfer_->left == 0) return Done(0);
  if (stopped_) return Done(UV_ECANCELED);
  if (status == 0) return SendMore();
  uv_poll_start(poll(), UV_WRITABLE, [](uv_poll_t* poll, int, int) {
    uv_poll_stop(poll);
    static_cast<FileSender*>(poll->data)->SendMore();
  });
}

void FileSender::Stop() {
  if (stopped_) return;
  stopped_ = true;
  if (transfer_->at_work) return;
  uv_poll_stop(poll());
  Done(UV_ECANCELED);
}

void FileSender::TargetCloses() {
  stream_ = nullptr;
  Stop();
}

void FileSender::Done(int status) {
  if (done_) return;
  done_ = true;
  loop()->Emit(core::kFileSent, slot(), status, 0);
}

void FileSender::AfterClose() {
  transfer_->sender = nullptr;
  if (transfer_->at_work) {
    uv_cancel(reinterpret_cast<uv_req_t*>(&transfer_->work));
  } else {
    transfer_->Destroy();
  }
  if (stream_ != nullptr) stream_->Release();
}

}  // namespace aionode::uv
