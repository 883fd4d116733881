// Descriptors that stand for one process, whoever may have its pid later: Linux's pidfds. They
// become readable when the process ends, so an event loop can wait for it without SIGCHLD.
//
// Where the system has none (or a sandbox refuses them) PidfdsWork() is false, and nothing else of
// this file is used.
#ifndef AIONODE_UV_PIDFD_H_
#define AIONODE_UV_PIDFD_H_

#include <cstdint>

namespace aionode::uv {

// How a process ended: with `status`, unless `signal` is not 0.
struct ProcessEnd {
  int32_t status = 0;
  int32_t signal = 0;
};

// ProcessEnd::signal when somebody else has taken the exit status.
constexpr int32_t kStatusLost = -1;

bool PidfdsWork();

// Sends a signal; 0 or a negative error number.
int SignalPidfd(int pidfd, int signal);

// Takes the exit status of our child. false: it runs, and `wait` is false.
bool ReapPidfd(int pidfd, bool wait, ProcessEnd* end);

void ClosePidfd(int pidfd);

}  // namespace aionode::uv

#endif  // AIONODE_UV_PIDFD_H_
