// Sends a file over a socket without a copy in user space: sendfile(2).
//
// The calls run on libuv's thread pool, since reading a file may block; a socket that takes no more
// holds no thread. (uv_fs_sendfile() would hold a thread of the pool until a slow peer has read,
// and falls back to copying.)
//
// What is written to the stream is held back until the sender is closed.
//
// Both descriptors are duplicates: while a call is under way in the pool, the originals may be
// closed and their numbers given to others. The transfer, which the pool works on, owns them and
// outlives the sender if need be.
#ifndef AIONODE_UV_FILE_SENDER_H_
#define AIONODE_UV_FILE_SENDER_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>

#include "stream_sender.h"

namespace aionode::uv {

class FileSender : public StreamSender {
 public:
  // nullptr when that fails (`status`): UV_EBUSY when the stream has a sender, UV_ENOTSUP where the
  // system has no sendfile(2).
  static FileSender* Create(Loop* loop, Stream* stream, int* status);

  // Sends `count` bytes of `file` from `offset` on, or all that follow if `count` is negative;
  // once. kFileSent follows.
  int Send(uv_file file, int64_t offset, int64_t count);
  // Stops after the call that is under way; kFileSent follows with UV_ECANCELED.
  void Stop();
  // Bytes that the socket has taken so far.
  int64_t sent() const;

  void QueueEmptied() override;
  void TargetCloses() override;
  bool holds_back() const override { return true; }
  size_t unsent_bytes() const override { return 1; }
  FileSender* AsFileSender() override { return this; }

 protected:
  void AfterClose() override;

 private:
  struct Transfer;

  explicit FileSender(Loop* loop) : StreamSender(loop) {}

  void SendMore();
  void Finished();
  void Done(int status);

  Stream* stream_ = nullptr;  // nullptr once that is closed
  Transfer* transfer_ = nullptr;
  bool begun_ = false;
  bool stopped_ = false;
  bool done_ = false;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_FILE_SENDER_H_
