// UDP sockets and their addresses, which cross as records of six int32 (../uv/address.h). Functions
// return 0 or more on success, a negative libuv error otherwise; JavaScript builds the error.
#include "../uv/datagram.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

// As napi_value of a number; libuv's constants are of an enumeration.
napi_value Status(napi_env env, int status) { return ToValue(env, static_cast<int32_t>(status)); }

uv::Datagram* DatagramOf(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = OpenHandle(loop, slot);
  return handle == nullptr ? nullptr : handle->AsDatagram();
}

// An address record; nullptr when `index` holds no array that is large enough.
template <size_t kCount>
int32_t* AddressAt(const Arguments<kCount>& arguments, size_t index) {
  size_t size_bytes = 0;
  int32_t* words = arguments.template Memory<int32_t>(index, &size_bytes);
  return size_bytes < uv::kAddressBytes ? nullptr : words;
}

// parseAddress(host, port, address): makes a record of a numeric host.
napi_value ParseAddress(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  int32_t* words = AddressAt(arguments, 2);
  sockaddr_storage address;
  const int status = uv::ParseAddress(arguments.String(0), arguments.Int(1), &address);
  if (status == 0 && words != nullptr) uv::PackAddress(uv::AsSockaddr(address), words);
  return Status(env, status);
}

// formatHost(address): the numeric host of a record.
napi_value FormatHost(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const int32_t* words = AddressAt(arguments, 0);
  char host[uv::kLongestHost] = "";
  sockaddr_storage address;
  if (words != nullptr && uv::UnpackAddress(words, &address)) uv::FormatHost(address, host);
  return ToValue(env, static_cast<const char*>(host));
}

// datagramOpen(family, reuseAddress, reusePort, broadcast): the slot of a socket; family is 4 or 6.
napi_value DatagramOpen(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  int status = 0;
  uv::Datagram* datagram =
      uv::Datagram::Create(&arguments.loop(), arguments.Int(0) == 6 ? AF_INET6 : AF_INET, &status);
  if (datagram == nullptr) return Status(env, status);
  if (arguments.Bool(1)) datagram->ReuseAddress();
  if (arguments.Bool(2)) status = datagram->ReusePort();
  if (status == 0 && arguments.Bool(3)) status = uv_udp_set_broadcast(datagram->udp(), 1);
  if (status < 0) {
    datagram->Close();
    return Status(env, status);
  }
  return ToValue(env, static_cast<int32_t>(datagram->slot()));
}

// datagramAdopt(fd): the slot of a socket that is there already.
napi_value DatagramAdopt(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int status = 0;
  const uv::Datagram* datagram =
      uv::Datagram::Adopt(&arguments.loop(), static_cast<uv_file>(arguments.Int(0)), &status);
  return Status(env, datagram == nullptr ? status : static_cast<int32_t>(datagram->slot()));
}

// datagramFamily(slot): 4 or 6.
napi_value DatagramFamily(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  if (datagram == nullptr) return Status(env, UV_EBADF);
  return Status(env, datagram->family() == AF_INET6 ? 6 : 4);
}

// datagramBind(slot, address) and datagramConnect(slot, address).
using AddressCall = int (uv::Datagram::*)(const sockaddr*);

napi_value CallWithAddress(napi_env env, napi_callback_info info, AddressCall call) {
  const Arguments<2> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  const int32_t* words = AddressAt(arguments, 1);
  sockaddr_storage address;
  if (datagram == nullptr) return Status(env, UV_EBADF);
  if (words == nullptr || !datagram->Unpack(words, &address)) return Status(env, UV_EINVAL);
  return Status(env, (datagram->*call)(uv::AsSockaddr(address)));
}

napi_value DatagramBind(napi_env env, napi_callback_info info) {
  return CallWithAddress(env, info, &uv::Datagram::Bind);
}

napi_value DatagramConnect(napi_env env, napi_callback_info info) {
  return CallWithAddress(env, info, &uv::Datagram::Connect);
}

// datagramReceive(slot, on): begins or stops to receive.
napi_value DatagramReceive(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  if (datagram == nullptr) return Status(env, UV_EBADF);
  return Status(env, arguments.Bool(1) ? datagram->ReceiveStart() : datagram->ReceiveStop());
}

// datagramSend(slot, bytes, address): how much is queued after it.
napi_value DatagramSend(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  const int32_t* words = AddressAt(arguments, 2);
  if (datagram == nullptr || words == nullptr) return Status(env, UV_EBADF);
  size_t length = 0;
  const char* bytes = arguments.Memory<char>(1, &length);
  const int status = datagram->Send(words, bytes, length);
  return Status(env, status < 0 ? status : datagram->reported_queue());
}

// datagramQueued(slot): how much is queued.
napi_value DatagramQueued(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  return Status(env, datagram == nullptr ? 0 : datagram->reported_queue());
}

// datagramTakeFailure(slot, address): the error of a datagram that could not be sent, and where to;
// 0 when there is none left.
napi_value DatagramTakeFailure(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  int32_t* words = AddressAt(arguments, 1);
  const bool found = datagram != nullptr && words != nullptr;
  return Status(env, found ? datagram->TakeFailure(words) : 0);
}

// datagramAddress(slot, peer, address): the socket's own address, or its peer's.
napi_value DatagramAddress(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  int32_t* words = AddressAt(arguments, 2);
  if (datagram == nullptr || words == nullptr) return Status(env, UV_EBADF);
  sockaddr_storage address;
  sockaddr* target = reinterpret_cast<sockaddr*>(&address);
  int length = sizeof(address);
  const int status = arguments.Bool(1) ? uv_udp_getpeername(datagram->udp(), target, &length)
                                       : uv_udp_getsockname(datagram->udp(), target, &length);
  if (status == 0) uv::PackAddress(target, words);
  return Status(env, status);
}

// The options of a socket, which take a number: datagramSetBroadcast(slot, value), ...
using OptionCall = int (*)(uv_udp_t*, int);

template <OptionCall kCall>
napi_value SetOption(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  return Status(env, datagram == nullptr ? UV_EBADF : kCall(datagram->udp(), arguments.Int(1)));
}

// An address that need not be given: nullptr for an empty string.
const char* OrNull(const std::string& address) {
  return address.empty() ? nullptr : address.c_str();
}

// datagramSetMulticastInterface(slot, interface): '' lets the system choose.
napi_value SetMulticastInterface(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  if (datagram == nullptr) return Status(env, UV_EBADF);
  return Status(env, uv_udp_set_multicast_interface(datagram->udp(), OrNull(arguments.String(1))));
}

// datagramSetMembership(slot, group, interface, source, join): '' for the interface that the system
// chooses, and for any source.
napi_value SetMembership(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  uv::Datagram* datagram = DatagramOf(arguments.loop(), arguments.Slot(0));
  if (datagram == nullptr) return Status(env, UV_EBADF);
  const std::string group = arguments.String(1);
  const std::string interface_address = arguments.String(2);
  const std::string source = arguments.String(3);
  const uv_membership membership = arguments.Bool(4) ? UV_JOIN_GROUP : UV_LEAVE_GROUP;
  return Status(env, source.empty() ? uv_udp_set_membership(datagram->udp(), group.c_str(),
                                                            OrNull(interface_address), membership)
                                    : uv_udp_set_source_membership(datagram->udp(), group.c_str(),
                                                                   OrNull(interface_address),
                                                                   source.c_str(), membership));
}

}  // namespace

void ExportDatagrams(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"parseAddress", ParseAddress},
          {"formatHost", FormatHost},
          {"datagramOpen", DatagramOpen},
          {"datagramAdopt", DatagramAdopt},
          {"datagramFamily", DatagramFamily},
          {"datagramBind", DatagramBind},
          {"datagramConnect", DatagramConnect},
          {"datagramReceive", DatagramReceive},
          {"datagramSend", DatagramSend},
          {"datagramQueued", DatagramQueued},
          {"datagramTakeFailure", DatagramTakeFailure},
          {"datagramAddress", DatagramAddress},
          {"datagramSetBroadcast", SetOption<uv_udp_set_broadcast>},
          {"datagramSetTtl", SetOption<uv_udp_set_ttl>},
          {"datagramSetMulticastTtl", SetOption<uv_udp_set_multicast_ttl>},
          {"datagramSetMulticastLoopback", SetOption<uv_udp_set_multicast_loop>},
          {"datagramSetMulticastInterface", SetMulticastInterface},
          {"datagramSetMembership", SetMembership}});
}

}  // namespace aionode::binding
