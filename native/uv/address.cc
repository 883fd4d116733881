#include "address.h"

#include <cstring>

namespace aionode::uv {

namespace {

constexpr int32_t kIpv4 = 4;
constexpr int32_t kIpv6 = 6;
constexpr int32_t kFamilyMask = 0xffff;
// ::ffff:0:0/96, the IPv6 addresses that stand for IPv4 ones.
constexpr unsigned char kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int32_t FirstWord(int32_t family, uint16_t port_on_wire) {
  return static_cast<int32_t>(static_cast<uint32_t>(ntohs(port_on_wire)) << 16) | family;
}

uint16_t PortOnWire(int32_t word) {
  return htons(static_cast<uint16_t>(static_cast<uint32_t>(word) >> 16));
}

}  // namespace

int ParseAddress(const std::string& host, int port, sockaddr_storage* address) {
  const int status = uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(address));
  if (status == 0) return 0;
  return uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(address));
}

int PortOf(const sockaddr_storage& address) {
  const bool v6 = address.ss_family == AF_INET6;
  return ntohs(v6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                  : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

void PackAddress(const sockaddr* address, int32_t* words) {
  std::memset(words, 0, kAddressBytes);
  if (address == nullptr) return;
  if (address->sa_family == AF_INET6) {
    const sockaddr_in6* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    words[0] = FirstWord(kIpv6, v6->sin6_port);
    std::memcpy(words + 1, &v6->sin6_addr, sizeof(v6->sin6_addr));
    words[5] = static_cast<int32_t>(v6->sin6_scope_id);
  } else if (address->sa_family == AF_INET) {
    const sockaddr_in* v4 = reinterpret_cast<const sockaddr_in*>(address);
    words[0] = FirstWord(kIpv4, v4->sin_port);
    std::memcpy(words + 1, &v4->sin_addr, sizeof(v4->sin_addr));
  }
}

bool UnpackAddress(const int32_t* words, sockaddr_storage* address) {
  const int32_t family = words[0] & kFamilyMask;
  if (family == kIpv6) {
    sockaddr_in6* v6 = reinterpret_cast<sockaddr_in6*>(address);
    std::memset(v6, 0, sizeof(*v6));
    v6->sin6_family = AF_INET6;
    v6->sin6_port = PortOnWire(words[0]);
    std::memcpy(&v6->sin6_addr, words + 1, sizeof(v6->sin6_addr));
    v6->sin6_scope_id = static_cast<uint32_t>(words[5]);
    return true;
  }
  if (family != kIpv4) return false;
  sockaddr_in* v4 = reinterpret_cast<sockaddr_in*>(address);
  std::memset(v4, 0, sizeof(*v4));
  v4->sin_family = AF_INET;
  v4->sin_port = PortOnWire(words[0]);
  std::memcpy(&v4->sin_addr, words + 1, sizeof(v4->sin_addr));
  return true;
}

bool UnpackAddressAsIpv6(const int32_t* words, sockaddr_storage* address) {
  if ((words[0] & kFamilyMask) != kIpv4) return UnpackAddress(words, address);
  sockaddr_in6* v6 = reinterpret_cast<sockaddr_in6*>(address);
  std::memset(v6, 0, sizeof(*v6));
  v6->sin6_family = AF_INET6;
  v6->sin6_port = PortOnWire(words[0]);
  unsigned char* bytes = reinterpret_cast<unsigned char*>(&v6->sin6_addr);
  std::memcpy(bytes, kMappedPrefix, sizeof(kMappedPrefix));
  std::memcpy(bytes + sizeof(kMappedPrefix), words + 1, sizeof(int32_t));
  return true;
}

void FormatHost(const sockaddr_storage& address, char* host) {
  if (address.ss_family == AF_INET) {
    uv_ip4_name(reinterpret_cast<const sockaddr_in*>(&address), host, kLongestHost);
    return;
  }
  const sockaddr_in6* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  uv_ip6_name(v6, host, kLongestHost);
  if (v6->sin6_scope_id == 0) return;
  const size_t length = std::strlen(host);
  size_t room = kLongestHost - length - 1;
  if (uv_if_indextoiid(v6->sin6_scope_id, host + length + 1, &room) == 0) host[length] = '%';
}

}  // namespace aionode::uv
