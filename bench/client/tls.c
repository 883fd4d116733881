// The bytes of the echo mode, encrypted. Compiled with -DWITH_TLS only, since it needs OpenSSL.
#include "client.h"

#ifdef WITH_TLS

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>

#define MAX_DESCRIPTORS 65536

static SSL* connections[MAX_DESCRIPTORS];

static ssize_t result(SSL* ssl, int count) {
  if (count > 0) return count;
  switch (SSL_get_error(ssl, count)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    default:
      fail("TLS error");
  }
}

static void begin(int fd) {
  static SSL_CTX* context;
  if (context == NULL) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  if (fd >= MAX_DESCRIPTORS) fail("too many connections");
  SSL* ssl = connections[fd] = SSL_new(context);
  SSL_set_fd(ssl, fd);
  fcntl(fd, F_SETFL, 0);
  if (SSL_connect(ssl) != 1) fail("TLS handshake failed");
  fcntl(fd, F_SETFL, O_NONBLOCK);
}

static ssize_t send_some(int fd, const void* bytes, size_t length) {
  return result(connections[fd], SSL_write(connections[fd], bytes, (int)length));
}

// To the end of what is here: what OpenSSL keeps back would not wake the poll.
static ssize_t receive_some(int fd, void* bytes, size_t length) {
  size_t received = 0;
  while (received < length) {
    int count = SSL_read(connections[fd], (char*)bytes + received, (int)(length - received));
    if (count > 0) {
      received += (size_t)count;
    } else if (received > 0) {
      break;
    } else {
      return result(connections[fd], count);
    }
  }
  return (ssize_t)received;
}

const struct channel tls_channel = {begin, send_some, receive_some};

#endif
