#include "poller.h"

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace aionode::uv {

#ifdef _WIN32

// A file descriptor of the C runtime is never a socket there, and nothing else can be polled.
Poller* Poller::Create(Loop*, uv_file, int* status) {
  *status = UV_ENOTSUP;
  return nullptr;
}

bool Poller::StillOpen() const { return true; }

void Poller::AfterClose() {}

#else

Poller* Poller::Create(Loop* loop, uv_file fd, int* status) {
  struct stat file;
  const int access = fcntl(fd, F_GETFL);
  if (access < 0 || fstat(fd, &file) != 0) {
    *status = uv_translate_sys_error(errno);
    return nullptr;
  }
  // As epoll says; kqueue would take files, which are always ready.
  if (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode)) {
    *status = UV_EPERM;
    return nullptr;
  }
  const uv_file duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    *status = uv_translate_sys_error(errno);
    return nullptr;
  }
  Poller* poller = new Poller(loop);
  *status = uv_poll_init(loop->uv_loop(), &poller->poll_, duplicate);
  // libuv makes it non-blocking, which the owner would notice.
  fcntl(fd, F_SETFL, access);
  if (*status < 0) {
    close(duplicate);
    poller->Discard();
    return nullptr;
  }
  poller->original_ = fd;
  poller->duplicate_ = duplicate;
  poller->device_ = static_cast<uint64_t>(file.st_dev);
  poller->inode_ = static_cast<uint64_t>(file.st_ino);
  poller->Opened();
  return poller;
}

bool Poller::StillOpen() const {
  struct stat file;
  return fstat(original_, &file) == 0 && static_cast<uint64_t>(file.st_dev) == device_ &&
         static_cast<uint64_t>(file.st_ino) == inode_;
}

void Poller::AfterClose() { close(duplicate_); }

#endif

int Poller::Watch(int events) {
  events_ = events;
  return events == 0 ? uv_poll_stop(&poll_) : uv_poll_start(&poll_, events, OnPoll);
}

void Poller::OnPoll(uv_poll_t* poll, int status, int events) {
  Poller* self = static_cast<Poller*>(poll->data);
  if (!self->StillOpen()) {
    uv_poll_stop(poll);
    return self->loop()->Emit(core::kPolled, self->slot(), UV_EBADF, 0);
  }
  if (status < 0) {
    // libuv stops at an error; asyncio goes on calling until the owner has dealt with it.
    events = self->events_;
    uv_poll_start(poll, events, OnPoll);
  }
  self->loop()->Emit(core::kPolled, self->slot(), events, 0);
}

}  // namespace aionode::uv
