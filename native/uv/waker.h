// A wake-up for a loop that any thread of the process can give: uv_async, the one libuv handle that
// other threads may touch.
//
// A waker is addressed by an id that is never used again, since the other threads learn of its end
// late. The registry of ids is the only state that environments share; its lock is held while a
// signal is sent, so that a waker cannot be closed in between. Signals that come before the loop
// has woken count as one.
#ifndef AIONODE_UV_WAKER_H_
#define AIONODE_UV_WAKER_H_

#include <uv.h>

#include <cstdint>

#include "handle.h"

namespace aionode::uv {

class Waker : public Handle {
 public:
  static Waker* Create(Loop* loop, int* status);

  // Wakes the loop of waker `id`; false when there is none (any more). From any thread.
  static bool Wake(uint32_t id);

  uint32_t id() const { return id_; }

  Waker* AsWaker() override { return this; }

 protected:
  uv_handle_t* raw() override { return reinterpret_cast<uv_handle_t*>(&async_); }
  void BeforeClose() override;

 private:
  explicit Waker(Loop* loop) : Handle(loop) {}

  static void OnWoken(uv_async_t* async);

  uv_async_t async_;
  uint32_t id_ = 0;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_WAKER_H_
