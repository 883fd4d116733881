// What a file descriptor of the process is: the kinds that transports, pollers and sendfile tell
// apart.
#ifndef AIONODE_UV_DESCRIPTORS_H_
#define AIONODE_UV_DESCRIPTORS_H_

#include <uv.h>

#include <cstdint>

namespace aionode::uv {

enum DescriptorKind : int32_t {
  kRegularFile,
  kDirectory,
  kCharacterDevice,
  kPipe,            // a pipe or FIFO; on Windows a named pipe
  kTcpSocket,       // a stream socket of IPv4 or IPv6
  kLocalSocket,     // a stream socket of the Unix domain
  kDatagramSocket,  // a datagram socket of IPv4 or IPv6
  kOtherSocket,
  kOtherDescriptor,
};

// Added to the kind.
constexpr int32_t kReadableDescriptor = 1 << 8;
constexpr int32_t kWritableDescriptor = 1 << 9;
constexpr int32_t kListeningDescriptor = 1 << 10;
constexpr int32_t kDescriptorKindMask = (1 << 8) - 1;

// The kind with its flags, or a negative libuv error.
int32_t DescribeDescriptor(uv_file fd);

// Children do not get it. Of the three standard streams they do.
void KeepFromChildren(uv_file fd);

// How the incoming side of a stream has ended: 0 in order, 1 not yet, or the negative libuv error
// that has broken it. libuv takes a hang-up for an end after a read that left room, and does not
// look whether the peer has reset the connection.
int32_t DescribeEnd(uv_file fd);

}  // namespace aionode::uv

#endif  // AIONODE_UV_DESCRIPTORS_H_
