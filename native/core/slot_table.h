// Small integers that stand for native objects on the other side of the boundary.
//
// A released slot is quarantined until Recycle(): events about it may still wait in the ring that
// JavaScript has not read, and a new object under the same number would receive them. The loop
// calls Recycle() after JavaScript has consumed the ring.
//
// Owner of the pointers: the caller. The table only maps numbers to them.
#ifndef AIONODE_CORE_SLOT_TABLE_H_
#define AIONODE_CORE_SLOT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aionode::core {

template <typename T>
class SlotTable {
 public:
  uint32_t Acquire(T* object) {
    if (free_.empty()) {
      objects_.push_back(object);
      return static_cast<uint32_t>(objects_.size() - 1);
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    objects_[slot] = object;
    return slot;
  }

  // nullptr for a slot that is free, quarantined or was never given out.
  T* Get(uint32_t slot) const { return slot < objects_.size() ? objects_[slot] : nullptr; }

  void Release(uint32_t slot) {
    objects_[slot] = nullptr;
    quarantined_.push_back(slot);
  }

  void Recycle() {
    free_.insert(free_.end(), quarantined_.begin(), quarantined_.end());
    quarantined_.clear();
  }

  // Calls visit(T*) for every object that is held; visit may not acquire or release slots.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    for (T* object : objects_) {
      if (object != nullptr) visit(object);
    }
  }

  size_t in_use() const { return objects_.size() - free_.size() - quarantined_.size(); }

 private:
  std::vector<T*> objects_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> quarantined_;
};

}  // namespace aionode::core

#endif  // AIONODE_CORE_SLOT_TABLE_H_
