// What the modes of the load client share.
//
// Every mode prepares its connections, calls wait_for_go(), works for the given time, prints one
// line of JSON and returns; the caller of the program reads the server's CPU time before the go and
// after the JSON. Anything unexpected, a single wrong byte included, ends the program with a
// message.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ANSWER_TIMEOUT_MS 10000
#define RECEIVE_SIZE (256 * 1024)
#define MAX_EVENTS 256

// How bytes go over a connection; errno is set as by send() and recv().
struct channel {
  void (*begin)(int fd);
  ssize_t (*send)(int fd, const void* bytes, size_t length);
  ssize_t (*receive)(int fd, void* bytes, size_t length);
};
extern const struct channel plain_channel;
extern const struct channel tls_channel;

struct options {
  int port;
  int connections;
  double seconds;
  size_t size;  // bytes of one message
  const struct channel* channel;
  size_t line;  // length of the lines a message consists of; 0: arbitrary bytes
};

int run_echo(const struct options* options);
int run_sink(const struct options* options);
int run_connect(const struct options* options);
int run_datagrams(const struct options* options);
int run_idle(const struct options* options);

_Noreturn void die(const char* what);          // with errno
_Noreturn void fail(const char* format, ...);  // without
double now(void);                              // seconds, monotonic
void wait_for_go(void);                        // prints "ready", waits for a line on stdin
void wait_for_end(void);                       // waits until stdin is closed

int open_connection(int port);                    // connected, nonblocking, TCP_NODELAY
int begin_connection(int port, uint32_t number);  // the same, but still connecting

int open_datagram_socket(int port);  // connected, nonblocking

int new_poll(void);
void watch(int poll, int op, int fd, uint32_t events, void* data);
struct epoll_event;
int wait_events(int poll, struct epoll_event* events);

// The bytes that are sent: a message is `size` bytes from any multiple of pattern_stride below
// PATTERN_SHIFTS strides, so that successive messages differ.
#define PATTERN_SHIFTS 64
struct pattern {
  unsigned char* bytes;
  size_t stride;
};
struct pattern make_pattern(size_t size, size_t line);
