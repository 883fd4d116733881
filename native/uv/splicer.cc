#include "splicer.h"

#include "stream.h"

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace aionode::uv {

namespace {

// As much as a pipe of ours may hold (pipe_capacity.cc): one round trip through it.
constexpr int64_t kMostPerCall = 256 * 1024;

}  // namespace

#ifdef __linux__

namespace {

int64_t SpliceSome(uv_file from, uv_file to, size_t length) {
  ssize_t count;
  do {
    count = splice(from, nullptr, to, nullptr, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) return count;
  return errno == EWOULDBLOCK ? UV_EAGAIN : uv_translate_sys_error(errno);
}

}  // namespace

Splicer* Splicer::Create(Loop* loop, Stream* source, Stream* target, int* status) {
  *status = 0;
  if (source->splicer() != nullptr || target->sender() != nullptr) *status = UV_EBUSY;
  uv_file duplicate = -1;
  if (*status == 0) *status = DuplicateDescriptor(target->Descriptor(), &duplicate);
  if (*status < 0) return nullptr;
  Splicer* splicer = new Splicer(loop);
  *status = uv_poll_init(loop->uv_loop(), splicer->poll(), duplicate);
  if (*status < 0) {
    splicer->Discard();
    close(duplicate);
    return nullptr;
  }
  splicer->duplicate_ = duplicate;
  splicer->source_ = source;
  splicer->target_ = target;
  splicer->Opened();
  loop->pipe_pool().AddUser();
  source->ReadFor(splicer);
  target->HoldFor(splicer);
  return splicer;
}

int64_t Splicer::Take(size_t length) {
  return SpliceSome(source_->Descriptor(), pipe_.write_end, length);
}

int64_t Splicer::Give() { return SpliceSome(pipe_.read_end, target_->Descriptor(), in_pipe_); }

void Splicer::KeepRest() {
  std::vector<char> rest(in_pipe_);
  size_t filled = 0;
  while (filled < rest.size()) {
    const ssize_t count = read(pipe_.read_end, rest.data() + filled, rest.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += static_cast<size_t>(count);
  }
  in_pipe_ = 0;
  rest.resize(filled);
  HoldFirst(rest);
}

void Splicer::AfterClose() {
  close(duplicate_);
  if (source_ != nullptr) {
    source_->ReadFor(nullptr);
    source_->ContinueReading();
  }
  if (in_pipe_ > 0 && target_ != nullptr) KeepRest();
  if (in_pipe_ == 0 && pipe_.is_open()) loop()->pipe_pool().Return(&pipe_);
  PipePool::Destroy(&pipe_);
  loop()->pipe_pool().RemoveUser();
  if (target_ != nullptr) target_->Release();
}

#else

Splicer* Splicer::Create(Loop*, Stream*, Stream*, int* status) {
  *status = UV_ENOTSUP;
  return nullptr;
}

int64_t Splicer::Take(size_t) { return UV_ENOTSUP; }

int64_t Splicer::Give() { return UV_ENOTSUP; }

void Splicer::KeepRest() {}

void Splicer::AfterClose() {}

#endif

int Splicer::Begin(int64_t count) {
  if (begun_ || done_) return UV_EINVAL;
  begun_ = true;
  left_ = count < 0 ? INT64_MAX : count;
  GoOn();
  return 0;
}

void Splicer::GoOn() {
  if (done_ || source_ == nullptr || target_ == nullptr) return;
  if (target_->HasSentAll()) source_->ContinueReading();
}

void Splicer::QueueEmptied() {
  if (begun_ && in_pipe_ == 0) GoOn();
}

void Splicer::SourceReadable() {
  if (!begun_ || done_ || target_ == nullptr || in_pipe_ > 0 || !target_->HasSentAll()) {
    source_->HoldReading();
    return;
  }
  if (!target_->IsWritable()) return Done(0);
  int64_t result = loop()->pipe_pool().Take(&pipe_);
  if (result < 0) return Done(static_cast<int>(result));
  result = Take(static_cast<size_t>(left_ < kMostPerCall ? left_ : kMostPerCall));
  if (result > 0) {
    in_pipe_ = static_cast<size_t>(result);
    taken_ += result;
    left_ -= result;
    return Push();
  }
  loop()->pipe_pool().Return(&pipe_);
  if (result == UV_EAGAIN) return;
  // It is not for this: another way may be found.
  if (result == UV_EINVAL) return Done(UV_EINVAL);
  source_->ReadEnded(static_cast<int>(result));
  Done(0);
}

void Splicer::Push() {
  while (in_pipe_ > 0) {
    const int64_t result = Give();
    if (result > 0) {
      in_pipe_ -= static_cast<size_t>(result);
      continue;
    }
    if (result == UV_EAGAIN) {
      if (source_ != nullptr) source_->HoldReading();
      uv_poll_start(poll(), UV_WRITABLE, [](uv_poll_t* poll, int, int) {
        uv_poll_stop(poll);
        static_cast<Splicer*>(poll->data)->Push();
      });
      told_ = true;
      return target_->TellQueue();
    }
    if (result == UV_EINVAL) return Done(UV_EINVAL);
    Drop();
    target_->WriteFailed(static_cast<int>(result));
    return Done(0);
  }
  loop()->pipe_pool().Return(&pipe_);
  if (told_ || has_held()) {
    told_ = false;
    target_->SendHeld(this);
  }
  if (left_ == 0 || source_ == nullptr) return Done(0);
  GoOn();
}

void Splicer::Stop() { Done(0); }

void Splicer::Drop() {
  in_pipe_ = 0;
  PipePool::Destroy(&pipe_);
  DropHeld();
}

void Splicer::SourceCloses() {
  source_ = nullptr;
  if (in_pipe_ == 0) Done(0);
}

void Splicer::TargetCloses() {
  target_ = nullptr;
  uv_poll_stop(poll());
  Done(0);
}

void Splicer::Done(int status) {
  if (done_) return;
  done_ = true;
  if (source_ != nullptr) source_->HoldReading();
  loop()->Emit(core::kSpliced, slot(), status, 0);
}

}  // namespace aionode::uv
