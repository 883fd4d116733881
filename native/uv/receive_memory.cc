#include "receive_memory.h"

#include "loop.h"

namespace aionode::uv {

void ReceiveMemory::Lend(int32_t lent_class, int32_t index, char* base) {
  stock_[lent_class].push_back(Lent{base, index});
}

uv_buf_t ReceiveMemory::Allocate(ReadTarget* target) {
  if (target->lent_class >= 0) {
    std::vector<Lent>& stock = stock_[target->lent_class];
    if (!stock.empty()) {
      const Lent lent = stock.back();
      stock.pop_back();
      target->lent_index = lent.index;
      return uv_buf_init(lent.base, static_cast<unsigned>(SizeOf(target->lent_class)));
    }
  }
  target->lent_index = -1;
  const core::SharedState& shared = loop_->shared();
  const size_t used = static_cast<size_t>(shared.state[core::kSlabUsed]);
  const size_t room = shared.receive_slab_size - used;
  return uv_buf_init(shared.receive_slab + used,
                     static_cast<unsigned>(room < kLargestRead ? room : kLargestRead));
}

int32_t ReceiveMemory::Filled(ReadTarget* target, const uv_buf_t* buffer, size_t length) {
  const bool filled = length == buffer->len;
  int32_t location;
  if (target->lent_index >= 0) {
    location = ~target->lent_index;
    if (filled || length < buffer->len / 2) target->lent_class = ClassFor(length, filled);
  } else {
    int32_t& used = loop_->shared().state[core::kSlabUsed];
    location = used;
    used += static_cast<int32_t>(length);
    target->lent_class = ClassFor(length, filled);
  }
  target->lent_index = -1;
  return location;
}

void ReceiveMemory::TakeBack(ReadTarget* target, const uv_buf_t* buffer) {
  if (target->lent_index < 0) return;
  Lend(target->lent_class, target->lent_index, buffer->base);
  target->lent_index = -1;
}

bool ReceiveMemory::Exhausted() const {
  const core::SharedState& shared = loop_->shared();
  return shared.receive_slab_size - static_cast<size_t>(shared.state[core::kSlabUsed]) <
         kSmallestRead;
}

int8_t ReceiveMemory::ClassFor(size_t length, bool filled) {
  if (length < kLentThreshold) return -1;
  int8_t lent_class = 0;
  while (lent_class < kLentClasses - 1 &&
         (SizeOf(lent_class) < length || (filled && SizeOf(lent_class) == length))) {
    ++lent_class;
  }
  return lent_class;
}

}  // namespace aionode::uv
