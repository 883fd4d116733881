// What every native object that JavaScript addresses by a slot has in common: one libuv handle, one
// slot, one way to end.
//
// Life: the constructor takes a slot; the subclass initialises its libuv handle and calls Opened();
// Close() may be called at any time, any number of times; the object deletes itself in libuv's
// close callback, after the event kClosed. JavaScript never holds a pointer, so it cannot hold one
// too long.
#ifndef AIONODE_UV_HANDLE_H_
#define AIONODE_UV_HANDLE_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>

#include "loop.h"

namespace aionode::uv {

class Datagram;
class FileSender;
class Listener;
class Poller;
class Process;
class Splicer;
class Stream;
class Waker;

class Handle {
 public:
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  // A subclass may put the end off until the system lets go.
  virtual void Close();
  // Whether the handle keeps the process alive.
  void SetRef(bool ref);
  // The file descriptor that the handle lives on; -1 where there is none.
  int Descriptor();

  uint32_t slot() const { return slot_; }
  bool closing() const { return closing_; }

  virtual Stream* AsStream() { return nullptr; }
  virtual Listener* AsListener() { return nullptr; }
  virtual Poller* AsPoller() { return nullptr; }
  virtual FileSender* AsFileSender() { return nullptr; }
  virtual Splicer* AsSplicer() { return nullptr; }
  virtual Process* AsProcess() { return nullptr; }
  virtual Waker* AsWaker() { return nullptr; }
  virtual Datagram* AsDatagram() { return nullptr; }

  // The write batch (loop.h): what one turn writes, sent together by SendBatch(); borrowed memory
  // until then. Handles that nothing can be written to leave these as they are.
  virtual void AddToBatch(const char* base, size_t length);
  virtual bool batch_is_empty() const { return true; }
  // 0, or a negative libuv error that ends the stream.
  virtual int SendBatch() { return 0; }
  // Bytes that the system did not take. A field of an event, where negative numbers are errors: it
  // stops at 2 GiB.
  virtual int32_t reported_queue() const { return 0; }

 protected:
  explicit Handle(Loop* loop) : loop_(loop), slot_(loop->handles().Acquire(this)) {}
  virtual ~Handle() = default;

  virtual uv_handle_t* raw() = 0;
  // Runs before uv_close: the last chance to stop what is under way.
  virtual void BeforeClose() {}
  // Runs after uv_close, when libuv does not look at the file descriptor any more.
  virtual void AfterClose() {}

  // The libuv handle is initialised: from now on it has to be closed by libuv.
  void Opened();
  // The libuv handle could not be initialised: gives the slot back and deletes the object.
  void Discard();

  Loop* loop() { return loop_; }

 private:
  static void OnClosed(uv_handle_t* handle);

  Loop* loop_;
  uint32_t slot_;
  bool closing_ = false;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_HANDLE_H_
