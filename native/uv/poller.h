// Watches a file descriptor that somebody else owns: uv_poll.
//
// It polls a duplicate of the descriptor. libuv finds its watchers by the descriptor's number: if
// the owner closed a polled number, the next socket with the same number would be dead, or worse,
// would wake the old watcher. The duplicate is ours alone. Before each event the original is
// compared with what it was: when it was closed meanwhile, the poller ends with UV_EBADF instead of
// calling somebody who would read from a stranger's descriptor.
#ifndef AIONODE_UV_POLLER_H_
#define AIONODE_UV_POLLER_H_

#include <uv.h>

#include <cstdint>

#include "handle.h"

namespace aionode::uv {

// What a writer watches to learn that nobody reads any more. epoll reports it by itself; kqueue
// shows it as an end of file to read.
#ifdef __linux__
constexpr int kPollHangUp = UV_DISCONNECT;
#else
constexpr int kPollHangUp = UV_DISCONNECT | UV_READABLE;
#endif

class Poller : public Handle {
 public:
  // nullptr when the descriptor cannot be polled (`status`: UV_EBADF, UV_EPERM for a file, ...).
  // The descriptor stays the caller's, blocking or not as it was.
  static Poller* Create(Loop* loop, uv_file fd, int* status);

  // `events` of uv_poll_event; 0 stops. kPolled follows as long as one of them holds; on an error
  // of the descriptor all of them do.
  int Watch(int events);

  Poller* AsPoller() override { return this; }

 protected:
  uv_handle_t* raw() override { return reinterpret_cast<uv_handle_t*>(&poll_); }
  void AfterClose() override;

 private:
  explicit Poller(Loop* loop) : Handle(loop) {}

  bool StillOpen() const;
  static void OnPoll(uv_poll_t* poll, int status, int events);

  uv_poll_t poll_;
  int events_ = 0;
#ifndef _WIN32
  uv_file original_ = -1;
  uv_file duplicate_ = -1;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
#endif
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_POLLER_H_
