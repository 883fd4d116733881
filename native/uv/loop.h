// The turn driver: it decides when JavaScript runs.
//
// HOW. One uv_check runs right after every poll. If something happened (events in the ring, ready
// entries, due timers), it calls JavaScript once: a *drain*. JavaScript reads the events, then runs
// *turns*: all entries that were ready when the turn began, each followed by a microtask
// checkpoint, and between two turns it calls Turn(), which sends the writes of the turn, moves due
// timers to the due list and reads the clock. A drain goes on for as many turns as fit into
// kDrainBudgetNs, so that a busy task does not pay one system call per step; then Node's own timers
// and I/O have their turn.
//
// A uv_idle is active while ready entries are left over: it keeps the poll from blocking and the
// process alive. One uv_timer is armed for the earliest deadline of the heap. Since libuv 1.45
// timers run after the poll, so the timer's callback drains too instead of waiting for the next
// iteration.
//
// WHY one call per poll: native -> JavaScript costs 140 to 650 ns a call, an event in a shared
// ring 15.
//
// Thread: everything here belongs to the loop's thread.
#ifndef AIONODE_UV_LOOP_H_
#define AIONODE_UV_LOOP_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../core/shared_state.h"
#include "../core/slot_table.h"
#include "../core/timer_heap.h"
#include "pipe_pool.h"
#include "receive_memory.h"

namespace aionode::uv {

class Handle;
class Stream;

class Loop {
 public:
  // Runs JavaScript's side of a drain.
  using DrainCallback = void (*)(void* data);

  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  int Open(uv_loop_t* uv_loop, DrainCallback drain, void* data);

  // Closes every handle of this loop; calls `closed(data)` after the last close callback.
  void Close(void (*closed)(void* data), void* data);

  // An entry became ready outside a drain: the next iteration must not block.
  void Wake();

  // Ends a turn. Returns the number of slots in the due list; sets kBudgetSpent.
  int32_t Turn();

  // Arms a timer; the deadline is in seconds of NowSeconds().
  void TimerAt(uint32_t slot, double deadline_s);
  void SweepTimers();
  // The last live timer was cancelled outside a drain: stop keeping the process alive.
  void StopTimerIfIdle();

  // Sends the write batch: one system call per handle if it can be. What came of it, where that is
  // not all sent, becomes kWriteFailed and kQueued events.
  void FlushWrites();
  // As FlushWrites(), while the step that wrote goes on: what would become an event takes the place
  // of the batch, as records of slot and outcome. Returns their number.
  int32_t FlushWritesNow();
  // Moves the records of one stream from the write batch to the stream itself.
  void TakeBatchOf(Stream* stream);

  // Appends to the event ring; events that find it full wait in order and follow.
  void Emit(core::EventKind kind, uint32_t slot, int32_t a, int32_t b);

  // Lets JavaScript read events now, in the middle of a poll, because memory they refer to runs
  // out.
  void DrainNow() { Drain(); }

  // A request to libuv that no handle waits for: the loop is closed after it has ended.
  void RequestBegun() { ++open_handles_; }
  void RequestEnded() { OnHandleClosed(); }

  static double NowSeconds() { return static_cast<double>(uv_hrtime()) / 1e9; }

  core::SharedState& shared() { return shared_; }
  ReceiveMemory& receive_memory() { return receive_memory_; }
  PipePool& pipe_pool() { return pipe_pool_; }
  uv_loop_t* uv_loop() { return uv_loop_; }
  core::SlotTable<Handle>& handles() { return handles_; }
  bool closing() const { return closing_; }

 private:
  friend class Handle;

  void Drain();
  // Moves events that found the ring full into it; true when it moved any.
  void RefillEvents();
  void ArmTimer();
  void OnHandleClosed();
  void CloseDriver(uv_handle_t* handle);
  bool HasWork() const;
  int32_t* WriteRecord(int32_t index);
  // Hands the write batch to its handles, which are in touched_ then.
  void TakeBatches();

  static void OnCheck(uv_check_t* check);
  static void OnIdle(uv_idle_t* idle);
  static void OnTimer(uv_timer_t* timer);

  struct PendingEvent {
    int32_t fields[core::kEventStride];
  };

  uv_loop_t* uv_loop_ = nullptr;
  DrainCallback drain_ = nullptr;
  void* drain_data_ = nullptr;
  void (*closed_)(void*) = nullptr;
  void* closed_data_ = nullptr;
  core::SharedState shared_;
  core::TimerHeap timers_;
  core::SlotTable<Handle> handles_;
  ReceiveMemory receive_memory_{this};
  PipePool pipe_pool_;
  std::vector<PendingEvent> overflow_;
  std::vector<Handle*> touched_;
  uint64_t drain_started_ns_ = 0;
  uint64_t slept_ns_ = 0;
  // When libuv's timer fires; not a number, which no deadline equals, when it does not.
  static constexpr double kNotArmed = std::numeric_limits<double>::quiet_NaN();
  double armed_deadline_s_ = kNotArmed;
  uint32_t open_handles_ = 0;
  bool closing_ = false;
  bool in_timer_ = false;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_timer_t timer_;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_LOOP_H_
