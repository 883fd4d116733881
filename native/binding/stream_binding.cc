// Connections and listening sockets. Functions return 0 or more on success, a negative libuv error
// otherwise; JavaScript builds the error.
#include "../uv/listener.h"
#include "../uv/stream.h"
#include "arguments.h"
#include "bindings.h"

namespace aionode::binding {

namespace {

uv::Stream* StreamOf(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = loop.handles().Get(slot);
  return handle == nullptr || handle->closing() ? nullptr : handle->AsStream();
}

uv_tcp_t* TcpOf(uv::Loop& loop, uint32_t slot) {
  uv::Stream* stream = StreamOf(loop, slot);
  return stream == nullptr ? nullptr : stream->tcp();
}

using uv::AsSockaddr;
using uv::ParseAddress;

// tcpListen(address, port, backlog, flags): the slot of a listener. The address is numeric.
napi_value TcpListen(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  sockaddr_storage address;
  int status = ParseAddress(arguments.String(0), arguments.Int(1), &address);
  if (status < 0) return ToValue(env, status);
  uv::Listener* listener = uv::Listener::CreateTcp(&arguments.loop(), &status);
  if (listener == nullptr) return ToValue(env, status);
  status = listener->Bind(AsSockaddr(address), static_cast<unsigned>(arguments.Int(3)));
  if (status == 0) status = listener->Listen(arguments.Int(2));
  if (status < 0) {
    listener->Close();
    return ToValue(env, status);
  }
  return ToValue(env, static_cast<int32_t>(listener->slot()));
}

// tcpConnect(address, port, localAddress, localPort): the slot of a stream; kConnected follows.
// Both addresses are numeric; an empty localAddress leaves the choice to the system.
napi_value TcpConnect(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  sockaddr_storage address;
  int status = ParseAddress(arguments.String(0), arguments.Int(1), &address);
  if (status < 0) return ToValue(env, status);
  uv::Stream* stream = uv::Stream::CreateTcp(&arguments.loop(), &status);
  if (stream == nullptr) return ToValue(env, status);
  const std::string local_host = arguments.String(2);
  if (!local_host.empty()) {
    sockaddr_storage local;
    status = ParseAddress(local_host, arguments.Int(3), &local);
    if (status == 0) status = uv_tcp_bind(stream->tcp(), AsSockaddr(local), 0);
  }
  if (status == 0) status = stream->Connect(AsSockaddr(address));
  if (status < 0) {
    stream->Close();
    return ToValue(env, status);
  }
  return ToValue(env, static_cast<int32_t>(stream->slot()));
}

// streamOpen(fd, tcp): the slot of a stream that takes over `fd`, a TCP connection or else a pipe
// or local socket. On failure `fd` stays the caller's.
napi_value StreamOpen(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Loop& loop = arguments.loop();
  int status = 0;
  uv::Stream* stream = arguments.Bool(1) ? uv::Stream::CreateTcp(&loop, &status)
                                         : uv::Stream::CreatePipe(&loop, &status);
  if (stream == nullptr) return ToValue(env, status);
  status = stream->Open(static_cast<uv_file>(arguments.Int(0)));
  if (status < 0) {
    stream->Close();
    return ToValue(env, status);
  }
  return ToValue(env, static_cast<int32_t>(stream->slot()));
}

napi_value StreamReadStart(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->ReadStart());
}

napi_value StreamReadStop(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->ReadStop());
}

// streamWrite(slot, bytes): sends the write batch and then, in the same system call as this
// stream's part of the batch, `bytes`. Returns the bytes left in the stream's queue.
napi_value StreamWrite(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Loop& loop = arguments.loop();
  uv::Stream* stream = StreamOf(loop, arguments.Slot(0));
  if (stream == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  size_t length = 0;
  char* bytes = arguments.Memory<char>(1, &length);
  loop.TakeBatchOf(stream);
  stream->AddToBatch(bytes, length);
  const int status = stream->SendBatch();
  return ToValue(env, status < 0 ? status : stream->reported_queue());
}

// streamFlush(slot): sends the stream's part of the write batch. Returns as streamWrite().
napi_value StreamFlush(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Loop& loop = arguments.loop();
  uv::Stream* stream = StreamOf(loop, arguments.Slot(0));
  if (stream == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  loop.TakeBatchOf(stream);
  const int status = stream->SendBatch();
  return ToValue(env, status < 0 ? status : stream->reported_queue());
}

napi_value FlushWrites(napi_env env, napi_callback_info info) {
  Environment::Of(env, info)->loop().FlushWrites();
  return nullptr;
}

napi_value StreamShutDown(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->ShutDown());
}

// close(slot): ends a stream or listener; kClosed follows.
napi_value Close(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Handle* handle = arguments.loop().handles().Get(arguments.Slot(0));
  if (handle != nullptr) handle->Close();
  return nullptr;
}

// setRef(slot, ref): whether the handle keeps the process alive.
napi_value SetRef(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Handle* handle = arguments.loop().handles().Get(arguments.Slot(0));
  if (handle != nullptr) handle->SetRef(arguments.Bool(1));
  return nullptr;
}

napi_value SetNoDelay(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv_tcp_t* tcp = TcpOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, tcp == nullptr ? UV_EBADF : uv_tcp_nodelay(tcp, arguments.Bool(1)));
}

// setKeepAlive(slot, enabled, delay): delay in seconds.
napi_value SetKeepAlive(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  uv_tcp_t* tcp = TcpOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, tcp == nullptr ? UV_EBADF
                                     : uv_tcp_keepalive(tcp, arguments.Bool(1),
                                                        static_cast<unsigned>(arguments.Int(2))));
}

// socketAddress(slot, peer): [address, port, family], or a negative error.
napi_value SocketAddress(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Handle* handle = arguments.loop().handles().Get(arguments.Slot(0));
  if (handle == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  const uv_tcp_t* tcp = handle->AsStream() != nullptr     ? handle->AsStream()->tcp()
                        : handle->AsListener() != nullptr ? handle->AsListener()->tcp()
                                                          : nullptr;
  if (tcp == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  sockaddr_storage address;
  int length = sizeof(address);
  sockaddr* target = reinterpret_cast<sockaddr*>(&address);
  const int status = arguments.Bool(1) ? uv_tcp_getpeername(tcp, target, &length)
                                       : uv_tcp_getsockname(tcp, target, &length);
  if (status < 0) return ToValue(env, status);
  char host[64];
  int port;
  if (address.ss_family == AF_INET6) {
    const sockaddr_in6* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    uv_ip6_name(v6, host, sizeof(host));
    port = ntohs(v6->sin6_port);
  } else {
    const sockaddr_in* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    uv_ip4_name(v4, host, sizeof(host));
    port = ntohs(v4->sin_port);
  }
  napi_value result;
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 0, ToValue(env, static_cast<const char*>(host)));
  napi_set_element(env, result, 1, ToValue(env, static_cast<int32_t>(port)));
  napi_set_element(env, result, 2,
                   ToValue(env, static_cast<int32_t>(address.ss_family == AF_INET6 ? 6 : 4)));
  return result;
}

// lend(class, index, block, offset): the part of `block` at `offset`, of that class's size, for a
// stream to read into. JavaScript keeps it alive and leaves it alone until its index comes back in
// a kData event.
napi_value Lend(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  size_t length = 0;
  char* block = arguments.Memory<char>(2, &length);
  arguments.loop().receive_memory().Lend(arguments.Int(0), arguments.Int(1),
                                         block + arguments.Int(3));
  return nullptr;
}

}  // namespace

void ExportStreams(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"tcpListen", TcpListen},
          {"tcpConnect", TcpConnect},
          {"streamOpen", StreamOpen},
          {"streamReadStart", StreamReadStart},
          {"streamReadStop", StreamReadStop},
          {"streamWrite", StreamWrite},
          {"streamFlush", StreamFlush},
          {"flushWrites", FlushWrites},
          {"streamShutDown", StreamShutDown},
          {"close", Close},
          {"setRef", SetRef},
          {"setNoDelay", SetNoDelay},
          {"setKeepAlive", SetKeepAlive},
          {"socketAddress", SocketAddress},
          {"lend", Lend}});
}

}  // namespace aionode::binding
