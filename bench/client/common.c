#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

void die(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void wait_for_go(void) {
  puts("ready");
  fflush(stdout);
  if (getchar() == EOF) exit(0);
}

void wait_for_end(void) {
  fflush(stdout);
  while (getchar() != EOF) continue;
}

static int new_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  int one = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) die("TCP_NODELAY");
  return fd;
}

static struct sockaddr_in loopback(uint32_t host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(host);
  return address;
}

int begin_connection(int port, uint32_t number) {
  int fd = new_socket();
  // A closed connection keeps its local port for a minute: many local addresses keep ports free.
  int one = 1;
  struct sockaddr_in local = loopback(0x7f010001 + number % 250, 0);
  if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) < 0)
    die("IP_BIND_ADDRESS_NO_PORT");
  if (bind(fd, (struct sockaddr*)&local, sizeof local) < 0) die("bind");
  struct sockaddr_in remote = loopback(INADDR_LOOPBACK, port);
  if (connect(fd, (struct sockaddr*)&remote, sizeof remote) < 0 && errno != EINPROGRESS)
    die("connect");
  return fd;
}

int open_connection(int port) {
  int fd = new_socket();
  struct sockaddr_in remote = loopback(INADDR_LOOPBACK, port);
  fcntl(fd, F_SETFL, 0);
  if (connect(fd, (struct sockaddr*)&remote, sizeof remote) < 0) die("connect");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

int open_datagram_socket(int port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  struct sockaddr_in remote = loopback(INADDR_LOOPBACK, port);
  if (connect(fd, (struct sockaddr*)&remote, sizeof remote) < 0) die("connect");
  return fd;
}

int new_poll(void) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  if (poll < 0) die("epoll_create1");
  return poll;
}

void watch(int poll, int op, int fd, uint32_t events, void* data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(poll, op, fd, &event) < 0) die("epoll_ctl");
}

int wait_events(int poll, struct epoll_event* events) {
  int count = epoll_wait(poll, events, MAX_EVENTS, ANSWER_TIMEOUT_MS);
  if (count < 0) die("epoll_wait");
  if (count == 0) fail("no answer for %d s", ANSWER_TIMEOUT_MS / 1000);
  return count;
}

static void plain_begin(int fd) { (void)fd; }

static ssize_t plain_send(int fd, const void* bytes, size_t length) {
  return send(fd, bytes, length, MSG_NOSIGNAL);
}

static ssize_t plain_receive(int fd, void* bytes, size_t length) {
  return recv(fd, bytes, length, 0);
}

const struct channel plain_channel = {plain_begin, plain_send, plain_receive};

struct pattern make_pattern(size_t size, size_t line) {
  struct pattern pattern = {.stride = line > 0 ? line : 61};
  size_t length = size + pattern.stride * PATTERN_SHIFTS;
  pattern.bytes = malloc(length);
  if (pattern.bytes == NULL) die("malloc");
  uint32_t random = 2463534242;
  for (size_t i = 0; i < length; i++) {
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    pattern.bytes[i] = (unsigned char)(line > 0 ? 'a' + random % 26 : random);
    if (line > 0 && i % line == line - 1) pattern.bytes[i] = '\n';
  }
  return pattern;
}
