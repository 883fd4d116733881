// What to start, and the quick way to start it.
//
// libuv forks, which copies the page tables of a Node process: most of a millisecond. SpawnShared()
// starts the child in the parent's memory instead (CLONE_VM | CLONE_VFORK, as vfork and posix_spawn
// do): the parent's thread stands still until the child has called execve or given up. So an error
// of the child needs no pipe to be reported, and the kernel hands over a descriptor of the process
// (pidfd) in the same call, so that nobody else's waitpid can confuse us about whose pid it is.
//
// Linux only, and only where the kernel can do all of it; everything else starts by uv_spawn.
#ifndef AIONODE_UV_SPAWN_H_
#define AIONODE_UV_SPAWN_H_

#include <cstdint>
#include <string>
#include <vector>

namespace aionode::uv {

// A descriptor of Command::stdio: the null device.
constexpr int kNullDevice = -1;
// Command::uid, Command::gid: as the parent's.
constexpr int64_t kSameIdentity = -1;

struct Command {
  // A path, or a name to look for in the PATH of the child's environment.
  std::string file;
  // The name that the program is told as its own comes first.
  std::vector<std::string> arguments;
  // NAME=value; without them the parent's environment is inherited.
  std::vector<std::string> environment;
  bool inherits_environment = true;
  // Empty: the parent's.
  std::string cwd;
  // The parent's descriptors that become the child's 0, 1 and 2.
  int stdio[3] = {kNullDevice, kNullDevice, kNullDevice};
  // Those of them that a stream of ours lives on: whether they block stays as it is.
  bool shared[3] = {false, false, false};
  // In a session (and process group) of its own.
  bool detached = false;
  // Windows: the arguments are a command line already.
  bool verbatim_arguments = false;
  int64_t uid = kSameIdentity;
  int64_t gid = kSameIdentity;
};

struct SpawnedProcess {
  int pid = 0;
  int pidfd = -1;
};

// Whether SpawnShared() can start `command` here. Not under another identity: a child that lowers
// its rights while it shares memory with its parent would lay that memory open.
bool CanSpawnShared(const Command& command);

// The system does not start children in shared memory, as qemu does not when it emulates a kernel.
constexpr int kCannotShare = 1;

// Starts `command`; 0, a negative error number when it could not be started or executed, or
// kCannotShare.
int SpawnShared(const Command& command, SpawnedProcess* process);

}  // namespace aionode::uv

#endif  // AIONODE_UV_SPAWN_H_
