// N connections, each with one message under way: send it, take its echo, compare it, send the
// next. A message that consists of lines is the pipelined form: its lines are sent in one write.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"

struct connection {
  int fd;
  const unsigned char* message;
  size_t sent;
  size_t received;
  uint32_t number;  // of the message, chooses its bytes
  bool blocked;     // waiting for EPOLLOUT
  bool busy;
};

static const struct options* options;
static struct pattern pattern;
static int poll_fd;
static int busy_connections;
static unsigned char* receive_memory;

static void set_blocked(struct connection* connection, bool blocked) {
  if (connection->blocked == blocked) return;
  connection->blocked = blocked;
  watch(poll_fd, EPOLL_CTL_MOD, connection->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, connection);
}

static void send_rest(struct connection* connection) {
  while (connection->sent < options->size) {
    ssize_t count =
        options->channel->send(connection->fd, connection->message + connection->sent,
                               options->size - connection->sent);
    if (count < 0) {
      if (errno != EAGAIN) die("send");
      set_blocked(connection, true);
      return;
    }
    connection->sent += (size_t)count;
  }
  set_blocked(connection, false);
}

static void start_message(struct connection* connection) {
  connection->message = pattern.bytes + connection->number++ % PATTERN_SHIFTS * pattern.stride;
  connection->sent = 0;
  connection->received = 0;
  connection->busy = true;
  busy_connections++;
  send_rest(connection);
}

// True when the echo is complete.
static bool receive_some(struct connection* connection) {
  ssize_t count = options->channel->receive(connection->fd, receive_memory, RECEIVE_SIZE);
  if (count < 0) {
    if (errno == EAGAIN) return false;
    die("recv");
  }
  if (count == 0) fail("the server closed a connection");
  size_t length = (size_t)count;
  if (length > connection->sent - connection->received) fail("more came back than was sent");
  if (memcmp(receive_memory, connection->message + connection->received, length) != 0)
    fail("other bytes came back than were sent");
  connection->received += length;
  return connection->received == options->size;
}

// Exchanges messages until the deadline and for as long as echoes are outstanding.
static uint64_t exchange(struct connection* connections, double deadline) {
  uint64_t messages = 0;
  struct epoll_event events[MAX_EVENTS];
  for (int i = 0; i < options->connections; i++) start_message(&connections[i]);
  while (busy_connections > 0) {
    int count = wait_events(poll_fd, events);
    bool over = now() >= deadline;
    for (int i = 0; i < count; i++) {
      struct connection* connection = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) send_rest(connection);
      if (events[i].events == EPOLLOUT) continue;
      if (!connection->busy) fail("the server sent or closed unasked");
      if (!receive_some(connection)) continue;
      messages++;
      connection->busy = false;
      busy_connections--;
      if (!over) start_message(connection);
    }
  }
  return messages;
}

int run_echo(const struct options* given) {
  options = given;
  pattern = make_pattern(options->size, options->line);
  poll_fd = new_poll();
  receive_memory = malloc(RECEIVE_SIZE);
  struct connection* connections = calloc((size_t)options->connections, sizeof *connections);
  if (receive_memory == NULL || connections == NULL) die("malloc");
  for (int i = 0; i < options->connections; i++) {
    connections[i].fd = open_connection(options->port);
    options->channel->begin(connections[i].fd);
    connections[i].number = (uint32_t)i;
    watch(poll_fd, EPOLL_CTL_ADD, connections[i].fd, EPOLLIN, &connections[i]);
  }
  exchange(connections, 0);  // one message each: everything is accepted and warm

  wait_for_go();
  double start = now();
  uint64_t messages = exchange(connections, start + options->seconds);
  double seconds = now() - start;
  uint64_t per_message = options->line > 0 ? options->size / options->line : 1;
  printf("{\"requests\":%llu,\"seconds\":%.6f}\n", (unsigned long long)(messages * per_message),
         seconds);
  wait_for_end();
  return 0;
}
