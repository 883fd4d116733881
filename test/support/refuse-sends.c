// Preloaded into a process, it refuses a datagram that begins with '!' at the first attempt, as a
// full socket buffer does, and lets it pass at the second. No loopback socket ever does that.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef ssize_t (*sendmsg_t)(int fd, const struct msghdr* message, int flags);

static bool is_refused(const struct msghdr* message) {
  static bool refused_before;
  const struct iovec* part = message->msg_iov;
  if (message->msg_iovlen != 1 || part->iov_len == 0 || *(const char*)part->iov_base != '!')
    return false;
  refused_before = !refused_before;
  return refused_before;
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  static sendmsg_t next;
  if (next == NULL) next = (sendmsg_t)dlsym(RTLD_NEXT, "sendmsg");
  if (is_refused(message)) {
    errno = EAGAIN;
    return -1;
  }
  return next(fd, message, flags);
}

int sendmmsg(int fd, struct mmsghdr* messages, unsigned int count, int flags) {
  for (unsigned int i = 0; i < count; i++) {
    ssize_t sent = sendmsg(fd, &messages[i].msg_hdr, flags);
    if (sent < 0) return i > 0 ? (int)i : -1;
    messages[i].msg_len = (unsigned int)sent;
  }
  return (int)count;
}
