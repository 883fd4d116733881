// A UDP socket: datagrams go to the loop's receive memory and become kDatagram events; sends are
// tried at once, and only what the system does not take is copied and queued.
//
// Datagrams of one turn are sent together by SendBatch(), where the system can by one call. A
// datagram that cannot be sent concerns nobody but itself: what failed waits for TakeFailure(),
// which kWriteFailed asks for, and the others are sent.
#ifndef AIONODE_UV_DATAGRAM_H_
#define AIONODE_UV_DATAGRAM_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "address.h"
#include "handle.h"

namespace aionode::uv {

class Datagram : public Handle {
 public:
  // `family` is AF_INET or AF_INET6. nullptr when libuv refuses (`status`).
  static Datagram* Create(Loop* loop, int family, int* status);
  // Takes over a socket of IPv4 or IPv6. On failure it stays the caller's.
  static Datagram* Adopt(Loop* loop, uv_file fd, int* status);

  // Lets several sockets bind to one port: each gets what is sent to a multicast group.
  void ReuseAddress() { bind_flags_ = UV_UDP_REUSEADDR; }
  // Lets several sockets bind to one port, and the system spread the datagrams among them.
  int ReusePort();
  int Bind(const sockaddr* address);
  int Connect(const sockaddr* address);

  int ReceiveStart();
  int ReceiveStop();

  // Sends one datagram to the address in `words`; a record of family 0: to the connected peer.
  // Returns an error for the datagram, or 0; what cannot be sent now is copied.
  int Send(const int32_t* words, const char* base, size_t length);

  // A record of the batch begins with the address.
  void AddToBatch(const char* base, size_t length) override;
  int SendBatch() override;
  bool batch_is_empty() const override { return batch_.empty(); }

  // What waits in the queue, each datagram with kOverhead as asyncio counts it.
  int32_t reported_queue() const override;

  // The error of the oldest datagram that could not be sent and was not taken yet, and its address;
  // 0 when there is none.
  int TakeFailure(int32_t* words);

  // An address record as this socket needs it; false when it holds no address.
  bool Unpack(const int32_t* words, sockaddr_storage* address) const;

  int family() const { return family_; }
  uv_udp_t* udp() { return &uv_.udp; }
  Datagram* AsDatagram() override { return this; }

 protected:
  uv_handle_t* raw() override { return &uv_.handle; }

 private:
  struct SendRequest;
  struct Failure {
    int status;
    int32_t words[kAddressWords];
  };
  struct Outgoing {
    const int32_t* words;
    uv_buf_t buffer;
  };

  Datagram(Loop* loop, int family) : Handle(loop), family_(family) {}

  // `made_family`: that of the socket which is made; AF_UNSPEC: none is.
  static Datagram* Create(Loop* loop, int family, int made_family, int* status);

  bool queue_is_empty() const { return uv_udp_get_send_queue_count(&uv_.udp) == 0; }
  // Sends the first of `count` datagrams, or more; returns how many, or the error of the first.
  int SendSome(const Outgoing* outgoing, size_t count);
  int Queue(const Outgoing& outgoing);
  void Failed(const int32_t* words, int status);

  static void OnAllocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
  static void OnReceived(uv_udp_t* udp, ssize_t count, const uv_buf_t* buffer,
                         const sockaddr* sender, unsigned flags);
  static void OnSent(uv_udp_send_t* request, int status);

  int family_;
  unsigned bind_flags_ = 0;
  // Datagrams of the system call that libuv reports now.
  size_t received_ = 0;
  // It brought fewer than there was room for: libuv, which would ask the system for more, is given
  // no memory for them and leaves off.
  bool emptied_ = false;
  std::vector<Outgoing> batch_;
  std::deque<Failure> failures_;
  union {
    uv_handle_t handle;
    uv_udp_t udp;
  } uv_;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_DATAGRAM_H_
