// One connection, one way: sends for the given time, ends the stream, and takes the number of bytes
// the server says it has read, which must be the number sent.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "client.h"

static uint64_t read_number(int fd) {
  char text[32];
  size_t length = 0;
  while (length < sizeof text - 1) {
    ssize_t count = recv(fd, text + length, sizeof text - 1 - length, 0);
    if (count < 0) die("recv");
    if (count == 0) break;
    length += (size_t)count;
  }
  text[length] = '\0';
  return strtoull(text, NULL, 10);
}

int run_sink(const struct options* options) {
  struct pattern pattern = make_pattern(options->size, 0);
  int fd = open_connection(options->port);
  fcntl(fd, F_SETFL, 0);
  struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_MS / 1000};
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
    die("setsockopt");

  wait_for_go();
  double start = now();
  uint64_t sent = 0;
  while (now() < start + options->seconds) {
    ssize_t count = send(fd, pattern.bytes, options->size, MSG_NOSIGNAL);
    if (count < 0) die("send");
    sent += (uint64_t)count;
  }
  if (shutdown(fd, SHUT_WR) < 0) die("shutdown");
  uint64_t received = read_number(fd);
  double seconds = now() - start;
  if (received != sent)
    fail("%llu bytes were sent, the server read %llu", (unsigned long long)sent,
         (unsigned long long)received);
  printf("{\"bytes\":%llu,\"seconds\":%.6f}\n", (unsigned long long)sent, seconds);
  wait_for_end();
  return 0;
}
