#include "../../native/core/timer_heap.h"

#include <iterator>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "harness.h"

namespace {

using aionode::core::Timer;
using aionode::core::TimerHeap;
using aionode::test::Random;

constexpr double kForever = std::numeric_limits<double>::infinity();

// The due slots at `now_s`, and how many stale entries were dropped on the way.
struct Due {
  std::vector<int32_t> slots;
  size_t dropped = 0;
};

Due Collect(TimerHeap& heap, double now_s, const std::vector<uint32_t>& generations,
            size_t capacity) {
  Due due;
  due.slots.resize(capacity);
  const size_t count =
      heap.CollectDue(now_s, generations.data(), due.slots.data(), capacity, &due.dropped);
  CHECK(count <= capacity);
  due.slots.resize(count);
  return due;
}

using Slots = std::vector<int32_t>;

TEST("an empty heap has nothing to peek at, collect or sweep") {
  TimerHeap heap;
  size_t dropped = 0;
  CHECK(heap.PeekLive(nullptr, &dropped) == nullptr);
  CHECK(heap.Sweep(nullptr) == 0);
  CHECK(Collect(heap, kForever, {}, 4).slots.empty());
  CHECK(dropped == 0);
}

TEST("timers fire in the order of their deadlines") {
  TimerHeap heap;
  const std::vector<uint32_t> generations(5, 0);
  const double deadlines[] = {3.0, -1.0, 2.0, kForever, 0.5};
  for (uint32_t slot = 0; slot < 5; ++slot) heap.Push(deadlines[slot], slot, 0);
  CHECK((Collect(heap, kForever, generations, 8).slots == Slots{1, 4, 2, 0, 3}));
  CHECK(heap.size() == 0);
}

TEST("timers with equal deadlines fire in the order in which they were pushed") {
  TimerHeap heap;
  constexpr uint32_t kCount = 1000;
  const std::vector<uint32_t> generations(kCount, 0);
  // Downwards, so that the order of slots cannot pass for the order of pushes.
  for (uint32_t slot = kCount; slot-- > 0;) heap.Push(1.0, slot, 0);
  const Slots fired = Collect(heap, 1.0, generations, kCount).slots;
  CHECK(fired.size() == kCount);
  for (uint32_t index = 0; index < kCount; ++index) {
    CHECK(fired[index] == static_cast<int32_t>(kCount - 1 - index));
  }
}

TEST("a timer is due at its deadline, not before") {
  TimerHeap heap;
  const std::vector<uint32_t> generations(1, 0);
  heap.Push(2.0, 0, 0);
  CHECK(Collect(heap, 1.999, generations, 4).slots.empty());
  CHECK(heap.size() == 1);
  CHECK((Collect(heap, 2.0, generations, 4).slots == Slots{0}));
}

TEST("a full output keeps the rest in the heap, in order") {
  TimerHeap heap;
  const std::vector<uint32_t> generations(3, 0);
  for (uint32_t slot = 0; slot < 3; ++slot) heap.Push(1.0, slot, 0);
  CHECK((Collect(heap, 1.0, generations, 2).slots == Slots{0, 1}));
  CHECK(heap.size() == 1);
  CHECK((Collect(heap, 1.0, generations, 2).slots == Slots{2}));
}

TEST("a cancelled timer never fires, also when its slot has a new timer") {
  TimerHeap heap;
  std::vector<uint32_t> generations(2, 7);
  heap.Push(1.0, 0, 7);
  heap.Push(2.0, 1, 7);
  generations[0] = 8;
  heap.Push(3.0, 0, 8);
  const Due early = Collect(heap, 2.0, generations, 4);
  CHECK((early.slots == Slots{1}));
  CHECK(early.dropped == 1);
  CHECK((Collect(heap, 3.0, generations, 4).slots == Slots{0}));
}

TEST("peeking drops the cancelled timers on top and counts them") {
  TimerHeap heap;
  std::vector<uint32_t> generations(3, 0);
  for (uint32_t slot = 0; slot < 3; ++slot) heap.Push(slot, slot, 0);
  generations[0] = generations[1] = 1;
  size_t dropped = 0;
  const Timer* top = heap.PeekLive(generations.data(), &dropped);
  CHECK(top != nullptr);
  CHECK(top->slot == 2);
  CHECK(dropped == 2);
  CHECK(heap.size() == 1);
}

TEST("generations may wrap around") {
  TimerHeap heap;
  std::vector<uint32_t> generations(1, UINT32_MAX);
  heap.Push(1.0, 0, UINT32_MAX);
  heap.Push(2.0, 0, ++generations[0]);
  CHECK(generations[0] == 0);
  CHECK((Collect(heap, 2.0, generations, 4).slots == Slots{0}));
}

TEST("sweeping removes every cancelled timer and keeps the order of the others") {
  TimerHeap heap;
  constexpr uint32_t kCount = 1000;
  std::vector<uint32_t> generations(kCount, 0);
  for (uint32_t slot = 0; slot < kCount; ++slot) heap.Push(slot % 10, slot, 0);
  for (uint32_t slot = 0; slot < kCount; ++slot) {
    if (slot % 3 != 0) ++generations[slot];
  }
  CHECK(heap.Sweep(generations.data()) == 666);
  CHECK(heap.size() == 334);
  const Due due = Collect(heap, kForever, generations, kCount);
  CHECK(due.dropped == 0);
  CHECK(due.slots.size() == 334);
  for (size_t index = 1; index < due.slots.size(); ++index) {
    const int32_t before = due.slots[index - 1];
    const int32_t after = due.slots[index];
    CHECK(before % 10 < after % 10 || (before % 10 == after % 10 && before < after));
  }
}

TEST("sweeping a heap of cancelled timers leaves it empty and usable") {
  TimerHeap heap;
  std::vector<uint32_t> generations(100, 0);
  for (uint32_t slot = 0; slot < 100; ++slot) heap.Push(1.0, slot, 0);
  for (uint32_t& generation : generations) ++generation;
  CHECK(heap.Sweep(generations.data()) == 100);
  CHECK(heap.size() == 0);
  heap.Push(1.0, 5, 1);
  CHECK((Collect(heap, 1.0, generations, 4).slots == Slots{5}));
}

TEST("clearing forgets every timer") {
  TimerHeap heap;
  const std::vector<uint32_t> generations(1, 0);
  heap.Push(1.0, 0, 0);
  heap.Clear();
  CHECK(heap.size() == 0);
  CHECK(Collect(heap, kForever, generations, 4).slots.empty());
}

// What the heap promises, written with an ordered map: live timers by deadline and order of
// arrival.
class Model {
 public:
  explicit Model(uint32_t seed) : random_(seed) {}

  void Step() {
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
        Push();
        break;
      case 3:
      case 4:
        Cancel();
        break;
      case 5:
        now_s_ += random_.Below(3) * 0.25;
        CollectSome(1 + random_.Below(8));
        break;
      case 6:
        Peek();
        break;
      default:
        // Rare, as in the loop: a sweep hides what PeekLive would have to drop.
        if (random_.Below(20) == 0) Sweep();
        break;
    }
    CHECK(heap_.size() == live_.size() + stale_);
  }

  void Drain() {
    now_s_ = kForever;
    while (!live_.empty()) CollectSome(64);
    CollectSome(64);
    CHECK(heap_.size() == 0);
    CHECK(stale_ == 0);
  }

 private:
  static constexpr uint32_t kSlots = 200;
  using Key = std::pair<double, uint64_t>;

  void Push() {
    const uint32_t slot = random_.Below(kSlots);
    if (key_of_.count(slot) != 0) return;
    // Few distinct deadlines, some of them past: ties are where an order goes wrong.
    const double deadline_s = now_s_ + (random_.Below(12) - 2.0) * 0.25;
    const Key key{deadline_s, sequence_++};
    heap_.Push(deadline_s, slot, generations_[slot]);
    live_[key] = slot;
    key_of_[slot] = key;
  }

  void Cancel() {
    if (key_of_.empty()) return;
    auto victim = key_of_.begin();
    std::advance(victim, random_.Below(static_cast<uint32_t>(key_of_.size())));
    ++generations_[victim->first];
    ++stale_;
    live_.erase(victim->second);
    key_of_.erase(victim);
  }

  void CollectSome(size_t capacity) {
    const Due due = Collect(heap_, now_s_, generations_, capacity);
    CHECK(due.dropped <= stale_);
    stale_ -= due.dropped;
    for (const int32_t slot : due.slots) {
      CHECK(!live_.empty());
      const auto first = live_.begin();
      CHECK(first->first.first <= now_s_);
      CHECK(first->second == static_cast<uint32_t>(slot));
      key_of_.erase(first->second);
      live_.erase(first);
    }
    const bool stopped_early = due.slots.size() < capacity;
    CHECK(!stopped_early || live_.empty() || live_.begin()->first.first > now_s_);
  }

  void Peek() {
    size_t dropped = 0;
    const Timer* top = heap_.PeekLive(generations_.data(), &dropped);
    stale_ -= dropped;
    CHECK((top == nullptr) == live_.empty());
    if (top == nullptr) return;
    CHECK(top->slot == live_.begin()->second);
    CHECK(top->deadline_s == live_.begin()->first.first);
  }

  void Sweep() {
    CHECK(heap_.Sweep(generations_.data()) == stale_);
    stale_ = 0;
  }

  Random random_;
  TimerHeap heap_;
  std::vector<uint32_t> generations_ = std::vector<uint32_t>(kSlots, 0);
  double now_s_ = 0;
  uint64_t sequence_ = 0;
  size_t stale_ = 0;
  std::map<Key, uint32_t> live_;
  std::map<uint32_t, Key> key_of_;
};

TEST("random pushes, cancels, collections and sweeps agree with an ordered map") {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    Model model(seed);
    for (int step = 0; step < 2000; ++step) model.Step();
    model.Drain();
  }
}

}  // namespace
