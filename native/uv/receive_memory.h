// The memory that sockets read into.
//
// Small messages land in one slab that is used again for every poll: it stays in the cache, and
// JavaScript copies out what it keeps before the next poll. A stream whose reads are large reads
// into a *lent* buffer instead: a piece of an ArrayBuffer that JavaScript made and then hands to
// the user without a copy, so that it is the user's for good. Which of the two serves a stream is
// decided by the size of its last read. Buffers come in a few sizes; when none of the right size is
// in stock the slab serves, and JavaScript refills the stock after the drain.
//
// Owner of all the memory: JavaScript. A lent buffer is borrowed from Lend() until its index went
// back in a kData event or TakeBack().
#ifndef AIONODE_UV_RECEIVE_MEMORY_H_
#define AIONODE_UV_RECEIVE_MEMORY_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "address.h"

namespace aionode::uv {

class Loop;

// One read at most: what asyncio and uvloop use, and the most that Linux hands over at once by
// default.
constexpr size_t kLargestRead = 256 * 1024;
// Below this much free slab a poll would cut reads short, so JavaScript is made to empty it first.
// It is also the room that libuv wants for one datagram.
constexpr size_t kSmallestRead = 64 * 1024;
// Sizes of lent buffers: kSmallestLent << 0 .. kSmallestLent << (kLentClasses - 1).
constexpr size_t kSmallestLent = 16 * 1024;
constexpr int32_t kLentClasses = 5;
// A stream whose reads are smaller than this reads into the slab: half of the smallest lent buffer.
constexpr size_t kLentThreshold = kSmallestLent / 2;

// The receiving side of one stream: where its next read goes.
struct ReadTarget {
  int8_t lent_class = -1;   // -1: the slab
  int32_t lent_index = -1;  // of the buffer given to libuv for the read under way; -1: the slab
};

// A datagram begins with a record: its sender (address.h), then the offset of its bytes.
constexpr size_t kDatagramRecordBytes = kAddressBytes + sizeof(int32_t);
// Datagrams that one system call may bring: as many as the slab has room for.
constexpr size_t kMostDatagrams = 8;
constexpr size_t kDatagramRecordsBytes = kMostDatagrams * kDatagramRecordBytes;

class ReceiveMemory {
 public:
  explicit ReceiveMemory(Loop* loop) : loop_(loop) {}

  // `count` pieces of the class's size from `base` on, with indices from `index` on.
  void Lend(int32_t lent_class, int32_t index, char* base, int32_t count);

  uv_buf_t Allocate(ReadTarget* target);
  // `length` bytes arrived in `buffer`; returns field b of the kData event.
  int32_t Filled(ReadTarget* target, const uv_buf_t* buffer, size_t length);
  // The read brought nothing.
  void TakeBack(ReadTarget* target, const uv_buf_t* buffer);

  // Room for as many datagrams as there may be, each in kSmallestRead bytes, as libuv cuts it up;
  // before it are their records. Until the last of them was kept nothing else is allocated.
  uv_buf_t AllocateDatagrams();
  // A datagram arrived at `bytes`; returns field b of the kDatagram event. Small ones are moved
  // together, which is never further up than where they are.
  int32_t KeepDatagram(const sockaddr* sender, const char* bytes, size_t length);

  // True when the slab has too little room for another read.
  bool Exhausted() const;

 private:
  struct Lent {
    char* base;
    int32_t index;
  };

  static size_t SizeOf(int32_t lent_class) { return kSmallestLent << lent_class; }
  static int8_t ClassFor(size_t length, bool filled);

  Loop* loop_;
  std::vector<Lent> stock_[kLentClasses];
  // Offsets in the slab, of the next datagram's record and bytes.
  size_t next_record_ = 0;
  size_t next_datagram_ = 0;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_RECEIVE_MEMORY_H_
