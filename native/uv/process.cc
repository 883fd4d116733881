#include "process.h"

#include <csignal>
#include <vector>

#include "argument_vector.h"
#include "pidfd.h"

namespace aionode::uv {

Process* Process::Spawn(Loop* loop, const Command& command, int* status) {
  Process* process = new Process(loop, command.detached);
  *status = CanSpawnShared(command) ? process->SpawnWatched(command) : kCannotShare;
  if (*status < 0) {
    process->Discard();
    return nullptr;
  }
  if (*status == 0) {
    process->Opened();
    return process;
  }
  *status = process->SpawnByLibuv(command);
  process->Opened();
  if (*status == 0) return process;
  // libuv has initialised the handle, though it could not start the process.
  process->ended_ = true;
  process->Close();
  return nullptr;
}

int Process::SpawnWatched(const Command& command) {
  SpawnedProcess spawned;
  int status = SpawnShared(command, &spawned);
  if (status != 0) return status;
  pid_ = spawned.pid;
  pidfd_ = spawned.pidfd;
  status = uv_poll_init(loop()->uv_loop(), &uv_.poll, pidfd_);
  if (status == 0) {
    uv_.poll.data = this;
    return uv_poll_start(&uv_.poll, UV_READABLE, OnReadable);
  }
  // A process that cannot be watched must not be left behind.
  ProcessEnd end;
  SignalPidfd(pidfd_, SIGKILL);
  ReapPidfd(pidfd_, true, &end);
  ClosePidfd(pidfd_);
  return status;
}

void Process::OnReadable(uv_poll_t* poll, int, int) {
  Process* self = static_cast<Process*>(poll->data);
  ProcessEnd end;
  if (ReapPidfd(self->pidfd_, false, &end)) self->Ended(end);
}

int Process::SpawnByLibuv(const Command& command) {
  std::vector<char*> arguments = ArgumentVector(command.arguments);
  std::vector<char*> environment = ArgumentVector(command.environment);
  uv_stdio_container_t stdio[3];
  for (int i = 0; i < 3; ++i) {
    const int fd = command.stdio[i];
    stdio[i].flags = fd == kNullDevice ? UV_IGNORE : UV_INHERIT_FD;
    stdio[i].data.fd = fd;
  }
  uv_process_options_t options{};
  options.exit_cb = OnExit;
  options.file = command.file.c_str();
  options.args = arguments.data();
  options.env = command.inherits_environment ? nullptr : environment.data();
  options.cwd = command.cwd.empty() ? nullptr : command.cwd.c_str();
  options.stdio_count = 3;
  options.stdio = stdio;
  if (command.detached) options.flags |= UV_PROCESS_DETACHED;
  if (command.verbatim_arguments) options.flags |= UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS;
  if (command.uid != kSameIdentity) {
    options.flags |= UV_PROCESS_SETUID;
    options.uid = static_cast<uv_uid_t>(command.uid);
  }
  if (command.gid != kSameIdentity) {
    options.flags |= UV_PROCESS_SETGID;
    options.gid = static_cast<uv_gid_t>(command.gid);
  }
  const int status = uv_spawn(loop()->uv_loop(), &uv_.process, &options);
  if (status == 0) pid_ = uv_.process.pid;
  return status;
}

void Process::OnExit(uv_process_t* process, int64_t exit_status, int signal) {
  static_cast<Process*>(process->data)->Ended({static_cast<int32_t>(exit_status), signal});
}

void Process::Ended(const ProcessEnd& end) {
  ended_ = true;
  if (pidfd_ >= 0) uv_poll_stop(&uv_.poll);
  loop()->Emit(core::kExited, slot(), end.status, end.signal);
  if (abandoned_) Handle::Close();
}

int Process::Signal(int signal) {
  if (ended_) return UV_ESRCH;
  return pidfd_ >= 0 ? SignalPidfd(pidfd_, signal) : uv_process_kill(&uv_.process, signal);
}

void Process::Close() {
  if (ended_ || (detached_ && loop()->closing())) {
    Handle::Close();
    return;
  }
  // Node need not wait for the end of what is being killed, unless the thread itself ends. Nor for
  // that of a detached child, which would stay a zombie if it were not watched.
  SetRef(loop()->closing());
  if (abandoned_) return;
  abandoned_ = true;
  if (!detached_) Signal(SIGKILL);
}

void Process::BeforeClose() {
  if (pidfd_ < 0) return;
  uv_poll_stop(&uv_.poll);
  ClosePidfd(pidfd_);
}

}  // namespace aionode::uv
