// Moves the bytes of one stream to another without a copy in user space: splice(2), through a pipe.
//
// It takes from the source only when the target has taken all that came before: what is on its way
// is at most what one pipe holds, and a slow target holds the source's peer back. While the target
// takes no more, what is in the pipe counts as unsent, and what others write to the target waits
// for it.
//
// Whatever ends it, no byte is lost: what is in the pipe then joins the target's write queue. An
// end of the source and errors are told as those of the streams themselves (kEof, kReadFailed,
// kWriteFailed); kSpliced tells that the splicer has nothing more to do.
#ifndef AIONODE_UV_SPLICER_H_
#define AIONODE_UV_SPLICER_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>

#include "pipe_pool.h"
#include "stream_sender.h"

namespace aionode::uv {

class Splicer : public StreamSender {
 public:
  // What the source receives is the splicer's from here on. nullptr when that fails (`status`):
  // UV_EBUSY when one of the streams has a splicer or sender already, UV_ENOTSUP where the system
  // has no splice(2).
  static Splicer* Create(Loop* loop, Stream* source, Stream* target, int* status);

  // Moves `count` bytes, or all that come if `count` is negative; once.
  int Begin(int64_t count);
  // Takes no more; what was taken is still given, and kSpliced follows at once.
  void Stop();
  void SourceReadable();
  void SourceCloses();

  // Bytes that were taken from the source.
  int64_t taken() const { return taken_; }

  void QueueEmptied() override;
  void TargetCloses() override;
  bool holds_back() const override { return in_pipe_ > 0; }
  size_t unsent_bytes() const override { return in_pipe_; }
  Splicer* AsSplicer() override { return this; }

 protected:
  void AfterClose() override;

 private:
  explicit Splicer(Loop* loop) : StreamSender(loop) {}

  // One system call each. They return the bytes moved, 0 at the end, or a negative error.
  int64_t Take(size_t length);
  int64_t Give();
  // Gives what is in the pipe to the target, and goes on with the source after that.
  void Push();
  void GoOn();
  // What was on its way is lost with the target.
  void Drop();
  // Leaves what is in the pipe to the target's write queue.
  void KeepRest();
  void Done(int status);

  Stream* source_ = nullptr;                 // nullptr once that is closed
  Stream* target_ = nullptr;                 // nullptr once that is closed
  [[maybe_unused]] uv_file duplicate_ = -1;  // of the target, polled
  PipePair pipe_;                            // open while there is something in it
  size_t in_pipe_ = 0;
  int64_t left_ = 0;
  int64_t taken_ = 0;
  bool told_ = false;  // the target's owner knows of what is in the pipe
  bool begun_ = false;
  bool done_ = false;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_SPLICER_H_
