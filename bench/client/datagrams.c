// N UDP sockets, each with one datagram under way: send it, take its echo, compare it, send the
// next.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"

struct peer {
  int fd;
  const unsigned char* message;
  uint32_t number;  // of the message, chooses its bytes
};

static const struct options* options;
static struct pattern pattern;
static int poll_fd;
static int busy_peers;
static unsigned char* receive_memory;

static void start_message(struct peer* peer) {
  peer->message = pattern.bytes + peer->number++ % PATTERN_SHIFTS * pattern.stride;
  if (send(peer->fd, peer->message, options->size, 0) != (ssize_t)options->size) die("send");
  busy_peers++;
}

static bool receive(struct peer* peer) {
  ssize_t count = recv(peer->fd, receive_memory, RECEIVE_SIZE, 0);
  if (count < 0) {
    if (errno == EAGAIN) return false;
    die("recv");
  }
  if ((size_t)count != options->size || memcmp(receive_memory, peer->message, options->size) != 0)
    fail("another datagram came back than was sent");
  return true;
}

// Exchanges messages until the deadline and for as long as echoes are outstanding.
static uint64_t exchange(struct peer* peers, double deadline) {
  uint64_t messages = 0;
  struct epoll_event events[MAX_EVENTS];
  for (int i = 0; i < options->connections; i++) start_message(&peers[i]);
  while (busy_peers > 0) {
    int count = wait_events(poll_fd, events);
    bool over = now() >= deadline;
    for (int i = 0; i < count; i++) {
      struct peer* peer = events[i].data.ptr;
      if (!receive(peer)) continue;
      messages++;
      busy_peers--;
      if (!over) start_message(peer);
    }
  }
  return messages;
}

int run_datagrams(const struct options* given) {
  options = given;
  pattern = make_pattern(options->size, options->line);
  poll_fd = new_poll();
  receive_memory = malloc(RECEIVE_SIZE);
  struct peer* peers = calloc((size_t)options->connections, sizeof *peers);
  if (receive_memory == NULL || peers == NULL) die("malloc");
  for (int i = 0; i < options->connections; i++) {
    peers[i].fd = open_datagram_socket(options->port);
    peers[i].number = (uint32_t)i;
    watch(poll_fd, EPOLL_CTL_ADD, peers[i].fd, EPOLLIN, &peers[i]);
  }
  exchange(peers, 0);  // one message each: everything is warm

  wait_for_go();
  double start = now();
  uint64_t messages = exchange(peers, start + options->seconds);
  double seconds = now() - start;
  printf("{\"requests\":%llu,\"seconds\":%.6f}\n", (unsigned long long)messages, seconds);
  wait_for_end();
  return 0;
}
