// Pipes of the loop's own, through which splice(2) moves bytes between two descriptors.
//
// One that is empty belongs to nobody in particular: a few are kept as long as there are users of
// the pool, and all transfers that are not held up share one of them.
#ifndef AIONODE_UV_PIPE_POOL_H_
#define AIONODE_UV_PIPE_POOL_H_

#include <uv.h>

#include <cstddef>
#include <vector>

namespace aionode::uv {

struct PipePair {
  uv_file read_end = -1;
  uv_file write_end = -1;

  bool is_open() const { return read_end >= 0; }
};

class PipePool {
 public:
  PipePool() = default;
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  void AddUser() { ++users_; }
  // All that was taken has been given back or ended.
  void RemoveUser();

  // An empty pipe whose ends do not block. Returns 0 or a negative error.
  int Take(PipePair* pipe);
  // Gives an empty pipe back.
  void Return(PipePair* pipe);
  // Ends a pipe with what is in it.
  static void Destroy(PipePair* pipe);

 private:
  std::vector<PipePair> idle_;
  size_t users_ = 0;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_PIPE_POOL_H_
