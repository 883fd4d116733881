#include "pidfd.h"

#ifdef __linux__
#include <sys/syscall.h>
#endif

#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace aionode::uv {

namespace {

constexpr idtype_t kPidfdType = static_cast<idtype_t>(3);  // P_PIDFD, missing in older headers

// Linux 5.4 has all of it.
bool Probe() {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (fd < 0) return false;
  siginfo_t info;
  // We are not our own child: a kernel that knows pidfds says so.
  const bool works =
      waitid(kPidfdType, static_cast<id_t>(fd), &info, WEXITED | WNOHANG) < 0 && errno == ECHILD;
  close(fd);
  return works;
}

}  // namespace

bool PidfdsWork() {
  // Switched off by the tests of the fallback.
  static const bool works = std::getenv("AIONODE_DISABLE_PIDFD") == nullptr && Probe();
  return works;
}

int SignalPidfd(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) < 0 ? -errno : 0;
}

bool ReapPidfd(int pidfd, bool wait, ProcessEnd* end) {
  siginfo_t info;
  info.si_pid = 0;
  int result;
  do {
    result = waitid(kPidfdType, static_cast<id_t>(pidfd), &info, WEXITED | (wait ? 0 : WNOHANG));
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    end->signal = kStatusLost;
    return true;
  }
  if (info.si_pid == 0) return false;
  int32_t& field = info.si_code == CLD_EXITED ? end->status : end->signal;
  field = info.si_status;
  return true;
}

void ClosePidfd(int pidfd) { close(pidfd); }

}  // namespace aionode::uv

#else

namespace aionode::uv {

bool PidfdsWork() { return false; }
int SignalPidfd(int, int) { return -1; }
bool ReapPidfd(int, bool, ProcessEnd*) { return false; }
void ClosePidfd(int) {}

}  // namespace aionode::uv

#endif
