// The reference server: C on libuv, one 64 KiB read buffer, TCP_NODELAY, a write that is tried at
// once and queued only for what the socket does not take; reading pauses while something is queued.
//
//   libuv echo|lines|sink|protocol|buffered     prints its port, serves until it is killed
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#define READ_SIZE (64 * 1024)

typedef struct client client_t;
typedef void (*handler_t)(client_t* client, const char* bytes, size_t length);

struct client {
  uv_tcp_t tcp;
  uv_shutdown_t shutdown;
  size_t received;  // sink: bytes of the stream; lines: bytes of the line that is not complete
  size_t capacity;
  char* partial;  // lines: the line that is not complete
};

typedef struct {
  uv_write_t request;
  char bytes[];
} queued_t;

static char read_memory[READ_SIZE];
static handler_t handle_data;
static bool is_sink;

static void check(int status, const char* what) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  exit(1);
}

static void on_close(uv_handle_t* handle) {
  client_t* client = (client_t*)handle;
  free(client->partial);
  free(client);
}

static void close_client(client_t* client) {
  if (!uv_is_closing((uv_handle_t*)client)) uv_close((uv_handle_t*)client, on_close);
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)handle;
  (void)suggested;
  *buffer = uv_buf_init(read_memory, READ_SIZE);
}

static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);

static void on_written(uv_write_t* request, int status) {
  client_t* client = (client_t*)request->handle;
  free(request);
  if (status < 0) {
    close_client(client);
  } else if (uv_stream_get_write_queue_size((uv_stream_t*)client) == 0) {
    uv_read_start((uv_stream_t*)client, on_alloc, on_read);
  }
}

static void send_bytes(client_t* client, const char* bytes, size_t length) {
  uv_stream_t* stream = (uv_stream_t*)client;
  uv_buf_t buffer = uv_buf_init((char*)bytes, (unsigned int)length);
  int sent = uv_try_write(stream, &buffer, 1);
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) {
    close_client(client);
    return;
  }
  size_t rest = length - (size_t)sent;
  if (rest == 0) return;
  queued_t* queued = malloc(sizeof *queued + rest);
  memcpy(queued->bytes, bytes + sent, rest);
  buffer = uv_buf_init(queued->bytes, (unsigned int)rest);
  uv_read_stop(stream);
  check(uv_write(&queued->request, stream, &buffer, 1, on_written), "uv_write");
}

static void count_bytes(client_t* client, const char* bytes, size_t length) {
  (void)bytes;
  client->received += length;
}

static void keep_partial(client_t* client, const char* bytes, size_t length) {
  if (client->received + length > client->capacity) {
    client->capacity = (client->received + length) * 2;
    client->partial = realloc(client->partial, client->capacity);
  }
  memcpy(client->partial + client->received, bytes, length);
  client->received += length;
}

// A write per line: what a line server does that answers each line as it finds it.
static void echo_lines(client_t* client, const char* bytes, size_t length) {
  const char* end = bytes + length;
  while (bytes < end) {
    const char* newline = memchr(bytes, '\n', (size_t)(end - bytes));
    if (newline == NULL) {
      keep_partial(client, bytes, (size_t)(end - bytes));
      return;
    }
    size_t line = (size_t)(newline + 1 - bytes);
    if (client->received > 0) {
      keep_partial(client, bytes, line);
      send_bytes(client, client->partial, client->received);
      client->received = 0;
    } else {
      send_bytes(client, bytes, line);
    }
    bytes += line;
  }
}

static void on_shutdown(uv_shutdown_t* request, int status) {
  (void)status;
  close_client((client_t*)request->handle);
}

static void end_of_stream(client_t* client) {
  if (is_sink) {
    char text[32];
    int length = snprintf(text, sizeof text, "%zu", client->received);
    send_bytes(client, text, (size_t)length);
    check(uv_shutdown(&client->shutdown, (uv_stream_t*)client, on_shutdown), "uv_shutdown");
  } else {
    close_client(client);
  }
}

static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
  client_t* client = (client_t*)stream;
  if (count > 0) {
    handle_data(client, buffer->base, (size_t)count);
  } else if (count == UV_EOF) {
    end_of_stream(client);
  } else if (count < 0) {
    close_client(client);
  }
}

static void on_connection(uv_stream_t* server, int status) {
  check(status, "accept");
  client_t* client = calloc(1, sizeof *client);
  uv_tcp_init(server->loop, &client->tcp);
  check(uv_accept(server, (uv_stream_t*)client), "uv_accept");
  uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start((uv_stream_t*)client, on_alloc, on_read);
}

static void allow_many_files(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "echo";
  is_sink = strcmp(mode, "sink") == 0;
  handle_data = is_sink ? count_bytes : strcmp(mode, "lines") == 0 ? echo_lines : send_bytes;
  allow_many_files();

  uv_tcp_t server;
  struct sockaddr_in address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(uv_default_loop(), &server);
  check(uv_tcp_bind(&server, (struct sockaddr*)&address, 0), "bind");
  check(uv_listen((uv_stream_t*)&server, 1024, on_connection), "listen");
  int length = sizeof address;
  uv_tcp_getsockname(&server, (struct sockaddr*)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
