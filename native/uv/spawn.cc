#include "spawn.h"

#ifdef __linux__

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "argument_vector.h"
#include "pidfd.h"

// The C library's headers may be older than the kernel.
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

namespace aionode::uv {

namespace {

constexpr int kStandardStreams = 3;
// The child calls a few functions of the C library on it before execve.
constexpr size_t kChildStackBytes = 64 * 1024;
// One more than the largest signal on Linux.
constexpr int kSignals = 65;

// All that the child needs, made by the parent: a child in shared memory may not allocate.
struct ChildPlan {
  char* const* argv;
  char* const* envp;
  // Paths to try one after the other; ends with nullptr.
  const char* const* candidates;
  // For a script without an interpreter line: { "/bin/sh", the script, the arguments... }.
  const char** shell_argv;
  const char* cwd;
  int stdio[kStandardStreams];
  bool shared[kStandardStreams];
  bool detached;
  // Written by the child when it could not execute the program.
  volatile int error;
};

// The kernel resets handlers at execve, but keeps what is ignored (Node ignores SIGPIPE); and until
// then a handler of the parent's would run in the parent's memory.
void ResetSignals() {
  struct sigaction action;
  std::memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < kSignals; ++signal) sigaction(signal, &action, nullptr);
}

bool PlaceNullDevice(int target) {
  const int fd = open("/dev/null", target == 0 ? O_RDONLY : O_RDWR);
  if (fd < 0) return false;
  if (fd == target) return true;
  const bool placed = dup2(fd, target) >= 0;
  close(fd);
  return placed;
}

bool PlaceDescriptor(int fd, int target, bool shared) {
  if (fd == target) {
    if (fcntl(fd, F_SETFD, 0) < 0) return false;
  } else if (dup2(fd, target) < 0) {
    return false;
  }
  // Programs do not expect standard streams that do not block; Node's own may be such. But the
  // setting is the parent's as well, and a stream of ours on the same would block its whole loop.
  if (shared) return true;
  const int flags = fcntl(target, F_GETFL);
  if (flags < 0) return false;
  return (flags & O_NONBLOCK) == 0 || fcntl(target, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

bool PlaceStandardStreams(ChildPlan* plan) {
  int* stdio = plan->stdio;
  // A source among 0 to 2 may be overwritten before it is used.
  for (int target = 0; target < kStandardStreams; ++target) {
    const int fd = stdio[target];
    if (fd < 0 || fd >= kStandardStreams || fd == target) continue;
    stdio[target] = fcntl(fd, F_DUPFD_CLOEXEC, kStandardStreams);
    if (stdio[target] < 0) return false;
  }
  for (int target = 0; target < kStandardStreams; ++target) {
    const bool placed = stdio[target] == kNullDevice
                            ? PlaceNullDevice(target)
                            : PlaceDescriptor(stdio[target], target, plan->shared[target]);
    if (!placed) return false;
  }
  return true;
}

// What came to this process as a descriptor may lack the flag. Linux 5.11; without it those stay
// open that others have left so.
void CloseOthersAtExec() {
#ifdef SYS_close_range
  const int error = errno;
  constexpr unsigned kCloseRangeCloexec = 1U << 2;
  syscall(SYS_close_range, static_cast<unsigned>(kStandardStreams), ~0U, kCloseRangeCloexec);
  errno = error;
#endif
}

// Returns the error number when no candidate could be executed; the rules are execvp's.
int Execute(const ChildPlan* plan) {
  bool denied = false;
  int error = ENOENT;
  for (const char* const* path = plan->candidates; *path != nullptr; ++path) {
    execve(*path, plan->argv, plan->envp);
    error = errno;
    switch (error) {
      case EACCES:
        denied = true;
        break;
      case ENOENT:
      case ENOTDIR:
      case ENODEV:
      case ESTALE:
      case ETIMEDOUT:
        break;
      case ENOEXEC:
        plan->shell_argv[1] = *path;
        execve(plan->shell_argv[0], const_cast<char* const*>(plan->shell_argv), plan->envp);
        return errno;
      default:
        return error;
    }
  }
  return denied ? EACCES : error;
}

// The child's life until execve. Nothing but system calls: the memory is the parent's, whose other
// threads go on and may hold any lock.
int RunChild(void* data) {
  ChildPlan* plan = static_cast<ChildPlan*>(data);
  ResetSignals();
  if (plan->detached) setsid();
  const bool placed = PlaceStandardStreams(plan);
  CloseOthersAtExec();
  if (placed && (plan->cwd == nullptr || chdir(plan->cwd) == 0)) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    plan->error = Execute(plan);
  } else {
    plan->error = errno;
  }
  _exit(127);
}

const char* FindPath(char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  }
  return "/bin:/usr/bin";
}

// Where execvp would look for `file`.
std::vector<std::string> CandidatesFor(const std::string& file, char* const* environment) {
  std::vector<std::string> found;
  if (file.empty()) return found;
  if (file.find('/') != std::string::npos) {
    found.push_back(file);
    return found;
  }
  const char* path = FindPath(environment);
  for (;;) {
    const char* end = strchrnul(path, ':');
    std::string candidate(path, end);
    if (!candidate.empty()) candidate += '/';
    found.push_back(candidate + file);
    if (*end == '\0') return found;
    path = end + 1;
  }
}

}  // namespace

bool CanSpawnShared(const Command& command) {
  return PidfdsWork() && command.uid == kSameIdentity && command.gid == kSameIdentity;
}

int SpawnShared(const Command& command, SpawnedProcess* process) {
  const std::vector<char*> argv = ArgumentVector(command.arguments);
  const std::vector<char*> own_environment = ArgumentVector(command.environment);
  char* const* envp = command.inherits_environment ? environ : own_environment.data();
  const std::vector<std::string> paths = CandidatesFor(command.file, envp);
  const std::vector<char*> candidates = ArgumentVector(paths);
  std::vector<const char*> shell_argv{"/bin/sh", nullptr};
  for (size_t i = 1; i < argv.size(); ++i) shell_argv.push_back(argv[i]);

  ChildPlan plan;
  plan.argv = argv.data();
  plan.envp = envp;
  plan.candidates = candidates.data();
  plan.shell_argv = shell_argv.data();
  plan.cwd = command.cwd.empty() ? nullptr : command.cwd.c_str();
  std::memcpy(plan.stdio, command.stdio, sizeof(plan.stdio));
  std::memcpy(plan.shared, command.shared, sizeof(plan.shared));
  plan.detached = command.detached;
  plan.error = 0;

  const std::unique_ptr<char[]> stack(new char[kChildStackBytes]);
  const uintptr_t top =
      reinterpret_cast<uintptr_t>(stack.get() + kChildStackBytes) & ~uintptr_t{15};
  // No handler of ours may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const int pid = clone(RunChild, reinterpret_cast<void*>(top),
                        CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  const int clone_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return clone_error == EINVAL ? kCannotShare : -clone_error;
  if (plan.error != 0) {
    ProcessEnd end;
    ReapPidfd(pidfd, true, &end);
    ClosePidfd(pidfd);
    return -plan.error;
  }
  process->pid = pid;
  process->pidfd = pidfd;
  return 0;
}

}  // namespace aionode::uv

#else

namespace aionode::uv {

bool CanSpawnShared(const Command&) { return false; }

int SpawnShared(const Command&, SpawnedProcess*) { return -1; }

}  // namespace aionode::uv

#endif
