// The reference server: C on libuv, which receives several datagrams by one system call where it
// can; each answer is tried at once, and dropped if the socket does not take it.
//
//   libuv-datagrams echo     prints its port, serves until it is killed
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

// Twenty of the 64 KiB that libuv gives each datagram: as many as it receives at once.
#define READ_SIZE (20 * 64 * 1024)

static char read_memory[READ_SIZE];

static void check(int status, const char* what) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  exit(1);
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)handle;
  (void)suggested;
  *buffer = uv_buf_init(read_memory, READ_SIZE);
}

static void on_datagram(uv_udp_t* udp, ssize_t count, const uv_buf_t* buffer,
                        const struct sockaddr* sender, unsigned flags) {
  (void)flags;
  if (count < 0 || sender == NULL) return;
  uv_buf_t answer = uv_buf_init(buffer->base, (unsigned int)count);
  uv_udp_try_send(udp, &answer, 1, sender);
}

int main(void) {
  uv_udp_t udp;
  struct sockaddr_in address;
  check(uv_udp_init_ex(uv_default_loop(), &udp, AF_INET | UV_UDP_RECVMMSG), "uv_udp_init_ex");
  check(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  check(uv_udp_bind(&udp, (const struct sockaddr*)&address, 0), "uv_udp_bind");
  int length = sizeof address;
  check(uv_udp_getsockname(&udp, (struct sockaddr*)&address, &length), "uv_udp_getsockname");
  check(uv_udp_recv_start(&udp, on_alloc, on_datagram), "uv_udp_recv_start");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
