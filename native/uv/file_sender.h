// Sends a file over a socket without a copy in user space: sendfile(2).
//
// The calls run on libuv's thread pool, since reading a file may block; the socket is non-blocking,
// and while it takes no more a uv_poll waits for it, not a thread. (uv_fs_sendfile() would hold a
// thread of the pool until a slow peer has read, and falls back to copying.)
//
// It belongs to a stream: it begins when what was written before has been sent, and until it is
// closed the stream holds back what is written after it.
//
// Both descriptors are duplicates: while a call is under way in the pool, the originals may be
// closed and their numbers given to others. The transfer, which the pool works on, owns them and
// outlives the sender if need be.
#ifndef AIONODE_UV_FILE_SENDER_H_
#define AIONODE_UV_FILE_SENDER_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "handle.h"

namespace aionode::uv {

class FileSender : public Handle {
 public:
  // nullptr when that fails (`status`): UV_EBUSY when the stream has a sender, UV_ENOTSUP where the
  // system has no sendfile(2).
  static FileSender* Create(Loop* loop, Stream* stream, int* status);

  // Sends `count` bytes of `file` from `offset` on, or all that follow if `count` is negative;
  // once. kFileSent follows.
  int Send(uv_file file, int64_t offset, int64_t count);
  // The stream has sent what was written before.
  void Begin();
  // The stream is about to be closed.
  void StreamCloses();
  // Stops after the call that is under way; kFileSent follows with UV_ECANCELED.
  void Stop();
  // What was written to the stream meanwhile; copied.
  void HoldBack(const uv_buf_t* buffers, unsigned count);
  void HoldBackShutDown() { holds_shut_down_ = true; }
  size_t held_bytes() const { return held_.size(); }
  bool holds_shut_down() const { return holds_shut_down_; }
  std::vector<char> TakeHeld() { return std::move(held_); }

  // Bytes that the socket has taken so far.
  int64_t sent() const;

  FileSender* AsFileSender() override { return this; }

 protected:
  uv_handle_t* raw() override { return reinterpret_cast<uv_handle_t*>(&poll_); }
  void AfterClose() override;

 private:
  struct Transfer;

  explicit FileSender(Loop* loop) : Handle(loop) {}

  void SendMore();
  void Finished();
  void Done(int status);

  uv_poll_t poll_;
  Stream* stream_ = nullptr;  // nullptr once that is closed
  Transfer* transfer_ = nullptr;
  std::vector<char> held_;
  bool holds_shut_down_ = false;
  bool begun_ = false;
  bool stopped_ = false;
  bool done_ = false;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_FILE_SENDER_H_
