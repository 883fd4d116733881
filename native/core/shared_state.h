// The memory that JavaScript and native code share, so that the hot paths cross the boundary once
// per turn and not once per event. JavaScript allocates it and owns it; native code keeps it alive
// by one reference and reads and writes it on the loop's thread only: plain loads and stores, no
// atomics.
//
// The indices and sizes below are exported to JavaScript as one frozen object (binding/addon.cc),
// so the two sides cannot drift apart.
#ifndef AIONODE_CORE_SHARED_STATE_H_
#define AIONODE_CORE_SHARED_STATE_H_

#include <cstddef>
#include <cstdint>

namespace aionode::core {

// Fields of the Int32Array `state`.
enum StateField : int32_t {
  kReadyCount,   // ready entries left when JavaScript returns from a drain
  kLiveTimers,   // timers armed and not cancelled; kept by JavaScript
  kStaleTimers,  // cancelled timers still in the heap; raised by JavaScript, lowered by native code
  kEventCount,   // events in the ring; reset by JavaScript once it has read them
  kDueCount,     // slots in the due list, written by turn()
  kBudgetSpent,  // 1 when this drain has used up its share of the loop's time
  kSlabUsed,     // bytes of the receive slab that events which were not read may be about
  kWriteCount,   // records in the write batch; raised by JavaScript, reset by native code
  kDraining,     // 1 while JavaScript runs a drain; set by native code, reset by JavaScript
  kPromiseState,  // written by promiseOutcome(): 0 pending, or one of PromiseState
  kPollSlept,     // 1 when the loop had nothing to do before this drain, and slept
  kStateFields,
};

// As v8::Promise::PromiseState.
enum PromiseState : int32_t { kPending, kFulfilled, kRejected };

// Fields of the Float64Array `clock`.
enum ClockField : int32_t {
  kTimerDeadline,  // deadline of the timer that timerAfter() armed, in seconds
  kClockFields,
};

// An event is four int32: kind, slot, a, b.
constexpr int32_t kEventStride = 4;
constexpr int32_t kEventCapacity = 1024;
constexpr int32_t kDueCapacity = 1024;
// A write record is three int32: slot, offset in the send slab, length in bytes.
constexpr int32_t kWriteStride = 3;
constexpr int32_t kWriteCapacity = 1024;

enum EventKind : int32_t {
  kAccepted,      // slot: listener; a: slot of the new stream
  kAcceptFailed,  // slot: listener; a: negative error number
  kConnected,     // a: 0 or negative error number
  kDatagram,      // a: length in bytes; b: offset of its record in the receive slab
  kData,          // a: length in bytes; b: offset in the receive slab, or ~index of a lent buffer
  kReadable,      // a stream that only announces has something to read, its end included
  kEof,
  kReadFailed,   // a: negative error number
  kQueued,       // a: bytes waiting in the stream's write queue
  kWriteFailed,  // a: negative error number
  kExited,       // a process ended; a: its exit status; b: its signal, or 0; -1: lost
  kWoken,        // another thread has woken the loop
  kFileSent,     // slot: file sender; a: 0 or a negative error number
  kSpliced,      // slot: splicer; a: 0, or the negative error for which it moves nothing more
  kPolled,       // slot: poller; a: events of uv_poll_event, or a negative error number
  kClosed,       // the slot is about to be reused
};

struct SharedState {
  int32_t* state = nullptr;
  double* clock = nullptr;
  int32_t* events = nullptr;
  int32_t* due = nullptr;
  int32_t* writes = nullptr;
  uint32_t* timer_generations = nullptr;
  size_t timer_capacity = 0;
  char* receive_slab = nullptr;
  size_t receive_slab_size = 0;
  const char* send_slab = nullptr;
  size_t send_slab_size = 0;
};

}  // namespace aionode::core

#endif  // AIONODE_CORE_SHARED_STATE_H_
