#include "receive_memory.h"

#include <cstring>

#include "loop.h"

namespace aionode::uv {

void ReceiveMemory::Lend(int32_t lent_class, int32_t index, char* base, int32_t count) {
  // The one taken first is the last of the stock.
  for (int32_t i = count - 1; i >= 0; --i) {
    stock_[lent_class].push_back(
        Lent{base + SizeOf(lent_class) * static_cast<size_t>(i), index + i});
  }
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
  Lend(target->lent_class, target->lent_index, buffer->base, 1);
  target->lent_index = -1;
}

uv_buf_t ReceiveMemory::AllocateDatagrams() {
  const core::SharedState& shared = loop_->shared();
  constexpr size_t kMask = alignof(int32_t) - 1;
  next_record_ = (static_cast<size_t>(shared.state[core::kSlabUsed]) + kMask) & ~kMask;
  next_datagram_ = next_record_ + kDatagramRecordsBytes;
  if (next_datagram_ + kSmallestRead > shared.receive_slab_size) return uv_buf_init(nullptr, 0);
  const size_t room = shared.receive_slab_size - next_datagram_;
  constexpr size_t kMost = kMostDatagrams * kSmallestRead;
  return uv_buf_init(shared.receive_slab + next_datagram_,
                     static_cast<unsigned>(room < kMost ? room : kMost));
}

int32_t ReceiveMemory::KeepDatagram(const sockaddr* sender, const char* bytes, size_t length) {
  core::SharedState& shared = loop_->shared();
  char* slab = shared.receive_slab;
  size_t offset = static_cast<size_t>(bytes - slab);
  if (length < kLentThreshold && offset != next_datagram_) {
    offset = next_datagram_;
    std::memmove(slab + offset, bytes, length);
  }
  next_datagram_ = offset + length;
  shared.state[core::kSlabUsed] = static_cast<int32_t>(next_datagram_);
  int32_t* record = reinterpret_cast<int32_t*>(slab + next_record_);
  PackAddress(sender, record);
  record[kAddressWords] = static_cast<int32_t>(offset);
  const int32_t location = static_cast<int32_t>(next_record_);
  next_record_ += kDatagramRecordBytes;
  return location;
}

bool ReceiveMemory::Exhausted() const {
  const core::SharedState& shared = loop_->shared();
  return shared.receive_slab_size - static_cast<size_t>(shared.state[core::kSlabUsed]) <
         kSmallestRead + kDatagramRecordsBytes + alignof(int32_t);
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
