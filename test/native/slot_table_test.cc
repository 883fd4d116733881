#include "../../native/core/slot_table.h"

#include <iterator>
#include <map>
#include <set>

#include "harness.h"

namespace {

using aionode::core::SlotTable;
using aionode::test::Random;

TEST("a slot finds its object until it is released") {
  SlotTable<int> table;
  int first = 1;
  int second = 2;
  const uint32_t first_slot = table.Acquire(&first);
  const uint32_t second_slot = table.Acquire(&second);
  CHECK(first_slot != second_slot);
  CHECK(table.Get(first_slot) == &first);
  CHECK(table.Get(second_slot) == &second);
  table.Release(first_slot);
  CHECK(table.Get(first_slot) == nullptr);
  CHECK(table.Get(second_slot) == &second);
}

TEST("a number that was never given out finds nothing") {
  const SlotTable<int> table;
  CHECK(table.Get(0) == nullptr);
  CHECK(table.Get(UINT32_MAX) == nullptr);
}

TEST("a released slot is not given out again before Recycle") {
  SlotTable<int> table;
  int object = 0;
  const uint32_t released = table.Acquire(&object);
  table.Release(released);
  CHECK(table.Acquire(&object) != released);
  table.Recycle();
  CHECK(table.Get(released) == nullptr);
  CHECK(table.Acquire(&object) == released);
}

TEST("in_use counts what is held: neither free nor quarantined slots") {
  SlotTable<int> table;
  int object = 0;
  CHECK(table.in_use() == 0);
  const uint32_t slot = table.Acquire(&object);
  table.Acquire(&object);
  CHECK(table.in_use() == 2);
  table.Release(slot);
  CHECK(table.in_use() == 1);
  table.Recycle();
  CHECK(table.in_use() == 1);
}

TEST("random acquires, releases and recycles agree with a model of maps") {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    SlotTable<int> table;
    int objects[16] = {};
    std::map<uint32_t, int*> held;
    std::set<uint32_t> quarantined;
    uint32_t highest_held = 0;

    for (int step = 0; step < 2000; ++step) {
      const uint32_t choice = random.Below(10);
      if (choice < 5) {
        int* object = &objects[random.Below(16)];
        const uint32_t slot = table.Acquire(object);
        CHECK(held.count(slot) == 0);
        CHECK(quarantined.count(slot) == 0);
        held[slot] = object;
        if (slot > highest_held) highest_held = slot;
      } else if (choice < 9 && !held.empty()) {
        auto victim = held.begin();
        std::advance(victim, random.Below(static_cast<uint32_t>(held.size())));
        table.Release(victim->first);
        quarantined.insert(victim->first);
        held.erase(victim);
      } else if (choice == 9) {
        table.Recycle();
        quarantined.clear();
      }

      CHECK(table.in_use() == held.size());
      const uint32_t probe = random.Below(highest_held + 2);
      const auto expected = held.find(probe);
      CHECK(table.Get(probe) == (expected == held.end() ? nullptr : expected->second));
    }

    std::multiset<int*> visited;
    table.ForEach([&visited](int* object) { visited.insert(object); });
    std::multiset<int*> expected;
    for (const auto& [slot, object] : held) expected.insert(object);
    CHECK(visited == expected);
  }
}

TEST("slots are reused: churn does not make the table grow") {
  SlotTable<int> table;
  int object = 0;
  for (int round = 0; round < 10000; ++round) {
    const uint32_t slot = table.Acquire(&object);
    CHECK(slot == 0);
    table.Release(slot);
    table.Recycle();
  }
}

}  // namespace
