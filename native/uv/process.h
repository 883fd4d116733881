// A child process: started by SpawnShared() and watched through its pidfd where the system allows,
// else started and watched by libuv.
//
// Only this process is ever waited for, never "any child": node:child_process and other addons have
// children of their own. The end is told once, by the event kExited.
//
// Close() of a process that still runs kills it, and the object stays until the system has told its
// end, so that no zombie is left. A detached process goes on, as its name promises.
#ifndef AIONODE_UV_PROCESS_H_
#define AIONODE_UV_PROCESS_H_

#include <uv.h>

#include <cstdint>

#include "handle.h"
#include "pidfd.h"
#include "spawn.h"

namespace aionode::uv {

class Process : public Handle {
 public:
  // Starts `command`. nullptr when it could not be started (`status`).
  static Process* Spawn(Loop* loop, const Command& command, int* status);

  int pid() const { return pid_; }
  // Sends a signal; UV_ESRCH when the process has ended.
  int Signal(int signal);

  void Close() override;

  Process* AsProcess() override { return this; }

 protected:
  uv_handle_t* raw() override { return &uv_.handle; }
  void BeforeClose() override;

 private:
  Process(Loop* loop, bool detached) : Handle(loop), detached_(detached) {}

  int SpawnWatched(const Command& command);
  int SpawnByLibuv(const Command& command);
  void Ended(const ProcessEnd& end);

  static void OnReadable(uv_poll_t* poll, int status, int events);
  static void OnExit(uv_process_t* process, int64_t exit_status, int signal);

  int pid_ = 0;
  int pidfd_ = -1;
  bool detached_;
  bool ended_ = false;
  // Close() waits for the end.
  bool abandoned_ = false;
  union {
    uv_handle_t handle;
    uv_poll_t poll;
    uv_process_t process;
  } uv_;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_PROCESS_H_
