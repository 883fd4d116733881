// Socket addresses in the form in which they cross the boundary: a record of six int32, so that
// JavaScript can compare and keep them without a call, and makes a host name of one only when it
// sees it for the first time.
//
//   word 0      family (4 or 6; 0: no address) in the low half, port in the high half
//   words 1-4   the address as it is on the wire; IPv4 uses the first of them
//   word 5      scope of an IPv6 address
#ifndef AIONODE_UV_ADDRESS_H_
#define AIONODE_UV_ADDRESS_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace aionode::uv {

constexpr int32_t kAddressWords = 6;
constexpr size_t kAddressBytes = kAddressWords * sizeof(int32_t);
// The longest host: an IPv6 address, '%', the name of an interface, and the closing zero.
constexpr size_t kLongestHost = 64 + UV_IF_NAMESIZE;

inline const sockaddr* AsSockaddr(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Reads a numeric address; an IPv6 one may name its interface ("fe80::1%eth0").
int ParseAddress(const std::string& host, int port, sockaddr_storage* address);

int PortOf(const sockaddr_storage& address);

void PackAddress(const sockaddr* address, int32_t* words);
// False when the record holds no address.
bool UnpackAddress(const int32_t* words, sockaddr_storage* address);
// The same for a socket of IPv6, which reaches IPv4 peers by mapped addresses.
bool UnpackAddressAsIpv6(const int32_t* words, sockaddr_storage* address);

// Writes the numeric host, of kLongestHost bytes at most.
void FormatHost(const sockaddr_storage& address, char* host);

}  // namespace aionode::uv

#endif  // AIONODE_UV_ADDRESS_H_
