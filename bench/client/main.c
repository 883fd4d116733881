// The load client of the network benchmarks; see client.h for how it is driven.
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "client.h"

static void allow_many_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) die("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) die("setrlimit");
}

int main(int argc, char** argv) {
  if (argc != 7)
    fail("usage: client echo|tls|sink|connect|datagrams|idle PORT CONNECTIONS SECONDS SIZE LINE");
  struct options options = {
      .port = atoi(argv[2]),
      .connections = atoi(argv[3]),
      .seconds = atof(argv[4]),
      .size = strtoul(argv[5], NULL, 10),
      .channel = &plain_channel,
      .line = strtoul(argv[6], NULL, 10),
  };
  allow_many_files();
#ifdef WITH_TLS
  if (strcmp(argv[1], "tls") == 0) {
    options.channel = &tls_channel;
    return run_echo(&options);
  }
#endif
  if (strcmp(argv[1], "echo") == 0) return run_echo(&options);
  if (strcmp(argv[1], "sink") == 0) return run_sink(&options);
  if (strcmp(argv[1], "connect") == 0) return run_connect(&options);
  if (strcmp(argv[1], "datagrams") == 0) return run_datagrams(&options);
  if (strcmp(argv[1], "idle") == 0) return run_idle(&options);
  fail("unknown mode: %s", argv[1]);
}
