// What sends over a stream past its write queue: a file (file_sender.h), another stream
// (splicer.h).
//
// It begins when what was written before has been sent. While it holds back, what is written to the
// stream is kept here, and follows.
//
// The socket is non-blocking; while it takes no more, a uv_poll waits for it. That polls a
// duplicate of the descriptor, since libuv knows a descriptor's only watcher by its number.
#ifndef AIONODE_UV_STREAM_SENDER_H_
#define AIONODE_UV_STREAM_SENDER_H_

#include <uv.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "handle.h"

namespace aionode::uv {

class StreamSender : public Handle {
 public:
  // The stream has sent what was written before.
  virtual void QueueEmptied() = 0;
  // The stream is about to be closed.
  virtual void TargetCloses() = 0;
  // Whether what is written to the stream has to wait.
  virtual bool holds_back() const = 0;
  // Bytes of its own that are on their way to the stream; 1 where nobody knows how many.
  virtual size_t unsent_bytes() const = 0;

  // What was written to the stream meanwhile; copied.
  void HoldBack(const uv_buf_t* buffers, unsigned count);
  void HoldBackShutDown() { holds_shut_down_ = true; }
  bool has_held() const { return !held_.empty() || holds_shut_down_; }
  size_t held_bytes() const { return held_.size(); }
  std::vector<char> TakeHeld() { return std::exchange(held_, {}); }
  bool TakeHeldShutDown() { return std::exchange(holds_shut_down_, false); }

 protected:
  using Handle::Handle;

  uv_handle_t* raw() override { return reinterpret_cast<uv_handle_t*>(&poll_); }

  uv_poll_t* poll() { return &poll_; }
  // Bytes that go before what is held.
  void HoldFirst(const std::vector<char>& bytes);
  void DropHeld() { held_.clear(); }

 private:
  uv_poll_t poll_;
  std::vector<char> held_;
  bool holds_shut_down_ = false;
};

// A duplicate of a descriptor, which is the caller's to close. Returns 0 or a negative error.
int DuplicateDescriptor(uv_file fd, uv_file* duplicate);

}  // namespace aionode::uv

#endif  // AIONODE_UV_STREAM_SENDER_H_
