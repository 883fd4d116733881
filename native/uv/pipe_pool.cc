#include "pipe_pool.h"

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#endif

#include "pipe_capacity.h"

namespace aionode::uv {

namespace {

// A transfer that is held up keeps its pipe: more than a few are idle only after a crowd of them.
constexpr size_t kMostIdle = 8;

}  // namespace

void PipePool::RemoveUser() {
  if (--users_ > 0) return;
  for (PipePair& pipe : idle_) Destroy(&pipe);
  idle_.clear();
}

void PipePool::Return(PipePair* pipe) {
  if (idle_.size() >= kMostIdle) return Destroy(pipe);
  idle_.push_back(*pipe);
  *pipe = PipePair();
}

#ifdef __linux__

int PipePool::Take(PipePair* pipe) {
  if (!idle_.empty()) {
    *pipe = idle_.back();
    idle_.pop_back();
    return 0;
  }
  uv_file ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return uv_translate_sys_error(errno);
  pipe->read_end = ends[0];
  pipe->write_end = ends[1];
  GrowPipe(pipe->write_end);
  return 0;
}

void PipePool::Destroy(PipePair* pipe) {
  if (!pipe->is_open()) return;
  close(pipe->read_end);
  close(pipe->write_end);
  *pipe = PipePair();
}

#else

int PipePool::Take(PipePair*) { return UV_ENOTSUP; }

void PipePool::Destroy(PipePair*) {}

#endif

}  // namespace aionode::uv
