// Opens N connections, has one message echoed on each so that the server has accepted it and waits
// for the next, and holds them until stdin is closed.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"

static void echo_once(int fd, const unsigned char* message, size_t size) {
  unsigned char bytes[4096];
  if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
  for (size_t received = 0; received < size;) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    if (poll(&entry, 1, ANSWER_TIMEOUT_MS) == 0) fail("no answer");
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count < 0 && errno == EAGAIN) continue;
    if (count < 0) die("recv");
    if (count == 0) fail("the server closed a connection");
    if ((size_t)count > size - received || memcmp(bytes, message + received, (size_t)count) != 0)
      fail("other bytes came back than were sent");
    received += (size_t)count;
  }
}

int run_idle(const struct options* options) {
  struct pattern pattern = make_pattern(options->size, 0);
  wait_for_go();
  for (int i = 0; i < options->connections; i++)
    echo_once(open_connection(options->port), pattern.bytes, options->size);
  printf("{\"connections\":%d}\n", options->connections);
  wait_for_end();
  return 0;
}
