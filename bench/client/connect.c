// Connect, send one message, take its echo, close; N of these at a time, over and over.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

struct visit {
  int fd;
  bool sent;
  size_t received;
};

static const struct options* options;
static struct pattern pattern;
static int poll_fd;
static uint32_t visits_begun;

static void begin(struct visit* visit) {
  visit->fd = begin_connection(options->port, visits_begun++);
  visit->sent = false;
  visit->received = 0;
  watch(poll_fd, EPOLL_CTL_ADD, visit->fd, EPOLLOUT, visit);
}

static void connected(struct visit* visit) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(visit->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) fail("connect: %s", strerror(error));
  // A message fits into the empty send buffer of a new connection.
  if (send(visit->fd, pattern.bytes, options->size, MSG_NOSIGNAL) != (ssize_t)options->size)
    die("send");
  visit->sent = true;
  watch(poll_fd, EPOLL_CTL_MOD, visit->fd, EPOLLIN, visit);
}

// True when the echo is complete.
static bool receive_some(struct visit* visit) {
  unsigned char bytes[4096];
  ssize_t count = recv(visit->fd, bytes, sizeof bytes, 0);
  if (count < 0) die("recv");
  if (count == 0) fail("the server closed a connection");
  size_t length = (size_t)count;
  if (visit->received + length > options->size) fail("more came back than was sent");
  if (memcmp(bytes, pattern.bytes + visit->received, length) != 0)
    fail("other bytes came back than were sent");
  visit->received += length;
  return visit->received == options->size;
}

static uint64_t visit_until(struct visit* visits, double deadline) {
  uint64_t done = 0;
  int open = options->connections;
  struct epoll_event events[MAX_EVENTS];
  for (int i = 0; i < options->connections; i++) begin(&visits[i]);
  while (open > 0) {
    int count = wait_events(poll_fd, events);
    bool over = now() >= deadline;
    for (int i = 0; i < count; i++) {
      struct visit* visit = events[i].data.ptr;
      if (!visit->sent) {
        connected(visit);
      } else if (receive_some(visit)) {
        close(visit->fd);
        done++;
        if (over) {
          open--;
        } else {
          begin(visit);
        }
      }
    }
  }
  return done;
}

int run_connect(const struct options* given) {
  options = given;
  pattern = make_pattern(options->size, 0);
  poll_fd = new_poll();
  visits_begun = (uint32_t)getpid();
  struct visit* visits = calloc((size_t)options->connections, sizeof *visits);
  if (visits == NULL) die("calloc");
  visit_until(visits, 0);

  wait_for_go();
  double start = now();
  uint64_t done = visit_until(visits, start + options->seconds);
  printf("{\"requests\":%llu,\"seconds\":%.6f}\n", (unsigned long long)done, now() - start);
  wait_for_end();
  return 0;
}
