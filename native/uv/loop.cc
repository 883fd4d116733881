#include "loop.h"

#include <algorithm>
#include <cmath>

#include "handle.h"
#include "stream.h"

namespace aionode::uv {

namespace {

// A drain runs turns for this long before it lets Node poll: some forty steps of a coroutine, and
// far below the millisecond in which Node's own timers count. A poll costs about as much as five
// steps.
constexpr uint64_t kDrainBudgetNs = 50'000;

// A drain reads at least the ring, unless it throws.
constexpr int kMostRounds = 1000;

// A poll that finds something takes a microsecond; one that sleeps at least as long as it takes to
// wake up.
constexpr uint64_t kSleepNs = 4'000;

template <typename T>
uv_handle_t* AsHandle(T* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

// Sends a handle's batch. Returns the bytes that the system did not take, or a negative error.
int32_t OutcomeOfSending(Handle* handle) {
  const int status = handle->SendBatch();
  return status < 0 ? status : handle->reported_queue();
}

}  // namespace

int Loop::Open(uv_loop_t* uv_loop, DrainCallback drain, void* data) {
  uv_loop_ = uv_loop;
  drain_ = drain;
  drain_data_ = data;
  uv_check_init(uv_loop, &check_);
  uv_idle_init(uv_loop, &idle_);
  uv_timer_init(uv_loop, &timer_);
  check_.data = idle_.data = timer_.data = this;
  open_handles_ = 3;
  const int status = uv_check_start(&check_, OnCheck);
  uv_unref(AsHandle(&check_));
  return status;
}

void Loop::Close(void (*closed)(void* data), void* data) {
  closing_ = true;
  closed_ = closed;
  closed_data_ = data;
  timers_.Clear();
  std::vector<Handle*> open;
  handles_.ForEach([&open](Handle* handle) { open.push_back(handle); });
  for (Handle* handle : open) handle->Close();
  CloseDriver(AsHandle(&check_));
  CloseDriver(AsHandle(&idle_));
  CloseDriver(AsHandle(&timer_));
}

void Loop::CloseDriver(uv_handle_t* handle) {
  uv_close(handle, [](uv_handle_t* closed) { static_cast<Loop*>(closed->data)->OnHandleClosed(); });
}

void Loop::OnHandleClosed() {
  if (--open_handles_ == 0 && closing_) closed_(closed_data_);
}

void Loop::Wake() {
  if (!closing_) uv_idle_start(&idle_, OnIdle);
}

bool Loop::HasWork() const {
  return shared_.state[core::kEventCount] > 0 || shared_.state[core::kReadyCount] > 0;
}

void Loop::OnCheck(uv_check_t* check) {
  Loop* loop = static_cast<Loop*>(check->data);
  // Loaded, but the library has not attached its memory yet.
  if (loop->shared_.state == nullptr) return;
  if (loop->HasWork() || uv_is_active(AsHandle(&loop->idle_))) loop->Drain();
}

void Loop::OnIdle(uv_idle_t*) {}

void Loop::OnTimer(uv_timer_t* timer) {
  Loop* loop = static_cast<Loop*>(timer->data);
  loop->armed_deadline_s_ = kNotArmed;
  loop->in_timer_ = true;
  loop->Drain();
  loop->in_timer_ = false;
}

void Loop::Drain() {
  if (closing_) return;
  int32_t* state = shared_.state;
  const uint64_t slept_ns = uv_metrics_idle_time(uv_loop_);
  state[core::kPollSlept] = slept_ns - slept_ns_ > kSleepNs;
  slept_ns_ = slept_ns;
  int rounds = 0;
  do {
    drain_started_ns_ = uv_hrtime();
    state[core::kDraining] = 1;
    state[core::kBudgetSpent] = 0;
    drain_(drain_data_);
    if (closing_) return;
    RefillEvents();
  } while (state[core::kEventCount] > 0 && ++rounds < kMostRounds);
  // What events that were not read are about must neither be written over nor be somebody else.
  if (state[core::kEventCount] == 0) {
    state[core::kSlabUsed] = 0;
    handles_.Recycle();
  }
  if (HasWork()) {
    uv_idle_start(&idle_, OnIdle);
  } else {
    uv_idle_stop(&idle_);
  }
  ArmTimer();
}

int32_t Loop::Turn() {
  int32_t* state = shared_.state;
  if (state[core::kWriteCount] > 0) FlushWrites();
  if (state[core::kEventCount] == 0) RefillEvents();
  const uint64_t now_ns = uv_hrtime();
  state[core::kBudgetSpent] = now_ns - drain_started_ns_ > kDrainBudgetNs;
  size_t dropped = 0;
  const size_t due =
      timers_.size() == 0
          ? 0
          : timers_.CollectDue(static_cast<double>(now_ns) / 1e9, shared_.timer_generations,
                               shared_.due, core::kDueCapacity, &dropped);
  state[core::kStaleTimers] -= static_cast<int32_t>(dropped);
  state[core::kDueCount] = static_cast<int32_t>(due);
  return static_cast<int32_t>(due);
}

void Loop::TimerAt(uint32_t slot, double deadline_s) {
  // JavaScript's own methods can be called with objects of any kind for `this`.
  if (slot >= shared_.timer_capacity) return;
  timers_.Push(deadline_s, slot, shared_.timer_generations[slot]);
  const bool armed_before = armed_deadline_s_ <= deadline_s;
  if (!shared_.state[core::kDraining] && !armed_before) ArmTimer();
}

void Loop::SweepTimers() {
  const size_t removed = timers_.Sweep(shared_.timer_generations);
  shared_.state[core::kStaleTimers] -= static_cast<int32_t>(removed);
}

void Loop::StopTimerIfIdle() {
  if (closing_ || shared_.state[core::kLiveTimers] > 0) return;
  uv_timer_stop(&timer_);
  armed_deadline_s_ = kNotArmed;
}

void Loop::ArmTimer() {
  if (closing_) return;
  if (shared_.state[core::kLiveTimers] <= 0) return StopTimerIfIdle();
  size_t dropped = 0;
  const core::Timer* next = timers_.PeekLive(shared_.timer_generations, &dropped);
  shared_.state[core::kStaleTimers] -= static_cast<int32_t>(dropped);
  if (next == nullptr) return;
  if (armed_deadline_s_ == next->deadline_s) return;
  armed_deadline_s_ = next->deadline_s;
  // libuv counts in whole milliseconds of the same clock: rounding the deadline up never fires
  // early.
  uv_update_time(uv_loop_);
  const double deadline_ms = std::ceil(next->deadline_s * 1e3);
  const double delay_ms = deadline_ms - static_cast<double>(uv_now(uv_loop_));
  // A day at most, as asyncio's longest select; the callback finds nothing due and arms it again.
  constexpr double kLongestMs = 86'400'000;
  // A timer of 0 ms that is started in its own callback fires again before anything else, in Node
  // 20: a thread that is being terminated, where no drain takes what is due, would never end.
  const double least_ms = in_timer_ ? 1 : 0;
  const double bounded_ms = std::clamp(delay_ms, least_ms, kLongestMs);
  uv_timer_start(&timer_, OnTimer, static_cast<uint64_t>(bounded_ms), 0);
}

void Loop::Emit(core::EventKind kind, uint32_t slot, int32_t a, int32_t b) {
  if (closing_) return;
  int32_t& count = shared_.state[core::kEventCount];
  const PendingEvent event{{kind, static_cast<int32_t>(slot), a, b}};
  if (count >= core::kEventCapacity || !overflow_.empty()) {
    overflow_.push_back(event);
    return;
  }
  // libuv runs some callbacks (a connect or write that failed or was done at once) before the poll,
  // which must not block then.
  if (count == 0 && !shared_.state[core::kDraining]) uv_idle_start(&idle_, OnIdle);
  int32_t* target = shared_.events + static_cast<size_t>(count) * core::kEventStride;
  for (int32_t i = 0; i < core::kEventStride; ++i) target[i] = event.fields[i];
  ++count;
}

void Loop::RefillEvents() {
  if (overflow_.empty()) return;
  std::vector<PendingEvent> waiting;
  waiting.swap(overflow_);
  size_t index = 0;
  int32_t& count = shared_.state[core::kEventCount];
  for (; index < waiting.size() && count < core::kEventCapacity; ++index, ++count) {
    int32_t* target = shared_.events + static_cast<size_t>(count) * core::kEventStride;
    for (int32_t i = 0; i < core::kEventStride; ++i) target[i] = waiting[index].fields[i];
  }
  overflow_.assign(waiting.begin() + static_cast<ptrdiff_t>(index), waiting.end());
}

int32_t* Loop::WriteRecord(int32_t index) {
  return shared_.writes + static_cast<size_t>(index) * core::kWriteStride;
}

void Loop::TakeBatches() {
  const int32_t count = shared_.state[core::kWriteCount];
  shared_.state[core::kWriteCount] = 0;
  touched_.clear();
  for (int32_t i = 0; i < count; ++i) {
    const int32_t* record = WriteRecord(i);
    Handle* handle = handles_.Get(static_cast<uint32_t>(record[0]));
    if (handle == nullptr || handle->closing()) continue;
    if (handle->batch_is_empty()) touched_.push_back(handle);
    handle->AddToBatch(shared_.send_slab + record[1], static_cast<size_t>(record[2]));
  }
}

void Loop::FlushWrites() {
  TakeBatches();
  for (Handle* handle : touched_) {
    const int32_t outcome = OutcomeOfSending(handle);
    if (outcome < 0) {
      Emit(core::kWriteFailed, handle->slot(), outcome, 0);
    } else if (outcome > 0) {
      Emit(core::kQueued, handle->slot(), outcome, 0);
    }
  }
}

int32_t Loop::FlushWritesNow() {
  TakeBatches();
  int32_t count = 0;
  for (Handle* handle : touched_) {
    const int32_t outcome = OutcomeOfSending(handle);
    if (outcome == 0) continue;
    int32_t* record = WriteRecord(count++);
    record[0] = static_cast<int32_t>(handle->slot());
    record[1] = outcome;
  }
  return count;
}

void Loop::TakeBatchOf(Stream* stream) {
  const int32_t count = shared_.state[core::kWriteCount];
  int32_t kept = 0;
  for (int32_t i = 0; i < count; ++i) {
    int32_t* record = WriteRecord(i);
    if (static_cast<uint32_t>(record[0]) == stream->slot()) {
      stream->AddToBatch(shared_.send_slab + record[1], static_cast<size_t>(record[2]));
      continue;
    }
    int32_t* target = WriteRecord(kept++);
    for (int32_t field = 0; field < core::kWriteStride; ++field) target[field] = record[field];
  }
  shared_.state[core::kWriteCount] = kept;
}

}  // namespace aionode::uv
