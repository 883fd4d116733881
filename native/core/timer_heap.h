// A 4-ary min-heap of timers ordered by deadline, first in first out on equal deadlines (the
// sequence number breaks ties, as start_id does in libuv's src/timer.c).
//
// Cancelling never touches the heap: the owner of the slots raises the slot's generation, and an
// entry whose generation is not the slot's own any more is stale. Stale entries are dropped when
// they reach the top, or all at once by Sweep() when the owner finds that they outnumber the live
// ones. Four children per node halve the depth of a binary heap, and a node's children share cache
// lines.
//
// Owner: the event loop of one thread. No memory of others is kept; the generation table is
// borrowed for the duration of each call.
#ifndef AIONODE_CORE_TIMER_HEAP_H_
#define AIONODE_CORE_TIMER_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aionode::core {

struct Timer {
  double deadline_s;
  uint64_t sequence;
  uint32_t slot;
  uint32_t generation;
};

class TimerHeap {
 public:
  void Push(double deadline_s, uint32_t slot, uint32_t generation) {
    timers_.push_back(Timer{deadline_s, next_sequence_++, slot, generation});
    SiftUp(timers_.size() - 1);
  }

  // Drops stale entries from the top; nullptr when no live timer is left.
  const Timer* PeekLive(const uint32_t* generations, size_t* dropped) {
    while (!timers_.empty() && IsStale(timers_.front(), generations)) {
      Pop();
      ++*dropped;
    }
    return timers_.empty() ? nullptr : &timers_.front();
  }

  // Writes the slots of live timers due at now_s to `out`, at most `capacity` of them, in the order
  // in which they fire, and removes them. Entries found stale on the way are counted in `dropped`.
  size_t CollectDue(double now_s, const uint32_t* generations, int32_t* out, size_t capacity,
                    size_t* dropped) {
    size_t count = 0;
    while (count < capacity) {
      const Timer* top = PeekLive(generations, dropped);
      if (top == nullptr || top->deadline_s > now_s) break;
      out[count++] = static_cast<int32_t>(top->slot);
      Pop();
    }
    return count;
  }

  // Removes every stale entry and rebuilds the heap in linear time. Returns how many were removed.
  size_t Sweep(const uint32_t* generations) {
    size_t kept = 0;
    for (const Timer& timer : timers_) {
      if (!IsStale(timer, generations)) timers_[kept++] = timer;
    }
    const size_t removed = timers_.size() - kept;
    timers_.resize(kept);
    if (kept * 4 < timers_.capacity()) timers_.shrink_to_fit();
    if (kept > 1) {
      for (size_t index = (kept - 2) / kArity + 1; index-- > 0;) SiftDown(index);
    }
    return removed;
  }

  void Clear() { timers_.clear(); }

  size_t size() const { return timers_.size(); }

 private:
  static constexpr size_t kArity = 4;

  static bool IsStale(const Timer& timer, const uint32_t* generations) {
    return generations[timer.slot] != timer.generation;
  }

  static bool Before(const Timer& a, const Timer& b) {
    if (a.deadline_s != b.deadline_s) return a.deadline_s < b.deadline_s;
    return a.sequence < b.sequence;
  }

  void Pop() {
    timers_.front() = timers_.back();
    timers_.pop_back();
    if (!timers_.empty()) SiftDown(0);
  }

  void SiftUp(size_t index) {
    const Timer moving = timers_[index];
    while (index > 0) {
      const size_t parent = (index - 1) / kArity;
      if (!Before(moving, timers_[parent])) break;
      timers_[index] = timers_[parent];
      index = parent;
    }
    timers_[index] = moving;
  }

  void SiftDown(size_t index) {
    const Timer moving = timers_[index];
    const size_t count = timers_.size();
    for (;;) {
      const size_t first = index * kArity + 1;
      if (first >= count) break;
      const size_t end = first + kArity < count ? first + kArity : count;
      size_t least = first;
      for (size_t child = first + 1; child < end; ++child) {
        if (Before(timers_[child], timers_[least])) least = child;
      }
      if (!Before(timers_[least], moving)) break;
      timers_[index] = timers_[least];
      index = least;
    }
    timers_[index] = moving;
  }

  std::vector<Timer> timers_;
  uint64_t next_sequence_ = 0;
};

}  // namespace aionode::core

#endif  // AIONODE_CORE_TIMER_HEAP_H_
