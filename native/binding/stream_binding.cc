// Connections and listening sockets. Functions return 0 or more on success, a negative libuv error
// otherwise; JavaScript builds the error.
#include <cstring>

#include "../uv/address.h"
#include "../uv/listener.h"
#include "../uv/stream.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

uv::Listener* ListenerOf(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = OpenHandle(loop, slot);
  return handle == nullptr ? nullptr : handle->AsListener();
}

uv_tcp_t* TcpOf(uv::Loop& loop, uint32_t slot) {
  uv::Stream* stream = StreamOf(loop, slot);
  return stream == nullptr ? nullptr : stream->tcp();
}

size_t LengthOf(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

using uv::AsSockaddr;
using uv::ParseAddress;

// tcpBind(address, port, flags): the slot of a listener, bound but not listening. The address is
// numeric; flags: ListenFlag.
napi_value TcpBind(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  sockaddr_storage address;
  int status = ParseAddress(arguments.String(0), arguments.Int(1), &address);
  if (status < 0) return ToValue(env, status);
  const uv::Listener* listener =
      uv::Listener::Bind(&arguments.loop(), AsSockaddr(address), LengthOf(address),
                         static_cast<unsigned>(arguments.Int(2)), &status);
  return ToValue(env, listener == nullptr ? status : static_cast<int32_t>(listener->slot()));
}

// listen(slot, backlog): kAccepted and kAcceptFailed follow.
napi_value Listen(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Listener* listener = ListenerOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, listener == nullptr ? UV_EBADF : listener->Listen(arguments.Int(1)));
}

// localBind(name, removesFile): as tcpBind(), of a local socket. The bytes of its path or name.
napi_value LocalBind(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  int status = 0;
  const uv::Listener* listener =
      uv::Listener::BindLocal(&arguments.loop(), arguments.Bytes(0), arguments.Bool(1), &status);
  return ToValue(env, listener == nullptr ? status : static_cast<int32_t>(listener->slot()));
}

// listenerOpen(fd, removesFile): the slot of a listener that takes over a bound socket, with the
// file of a local one if `removesFile`. On failure `fd` stays the caller's.
napi_value ListenerOpen(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  int status = 0;
  const uv::Listener* listener = uv::Listener::Adopt(
      &arguments.loop(), static_cast<uv_file>(arguments.Int(0)), arguments.Bool(1), &status);
  return ToValue(env, listener == nullptr ? status : static_cast<int32_t>(listener->slot()));
}

// localConnect(name): the slot of a stream that is connected; on Windows kConnected follows. The
// bytes of the path or name.
napi_value LocalConnect(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int status = 0;
  uv::Stream* stream = uv::Stream::CreatePipe(&arguments.loop(), &status);
  if (stream == nullptr) return ToValue(env, status);
  status = stream->ConnectLocal(arguments.Bytes(0));
  if (status < 0) {
    stream->Close();
    return ToValue(env, status);
  }
  return ToValue(env, static_cast<int32_t>(stream->slot()));
}

// resumeAccepting(slot): after a kAcceptFailed for want of resources.
napi_value ResumeAccepting(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Listener* listener = ListenerOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, listener == nullptr ? UV_EBADF : listener->Resume());
}

// tcpOpen(localAddress, localPort): the slot of a stream that is not connected. The address is
// numeric; an empty one leaves the choice to the system.
napi_value TcpOpen(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  int status = 0;
  uv::Stream* stream = uv::Stream::CreateTcp(&arguments.loop(), &status);
  if (stream == nullptr) return ToValue(env, status);
  const std::string local_host = arguments.String(0);
  if (!local_host.empty()) {
    sockaddr_storage local;
    status = ParseAddress(local_host, arguments.Int(1), &local);
    if (status == 0) status = stream->BindTo(AsSockaddr(local));
  }
  if (status < 0) {
    stream->Close();
    return ToValue(env, status);
  }
  return ToValue(env, static_cast<int32_t>(stream->slot()));
}

// tcpConnect(slot, address, port): kConnected follows. The address is numeric.
napi_value TcpConnect(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  sockaddr_storage address;
  const int status = ParseAddress(arguments.String(1), arguments.Int(2), &address);
  if (status < 0) return ToValue(env, status);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->Connect(AsSockaddr(address)));
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

// streamRelease(slot): a file descriptor of the stream's connection; the stream itself is closed.
napi_value StreamRelease(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->ReleaseDescriptor());
}

// streamReadStart(slot, announce): kData follows, or with `announce` kReadable; then kEof.
napi_value StreamReadStart(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->ReadStart(arguments.Bool(1)));
}

// streamReadInto(slot, bytes): takes what kReadable announced. Returns the bytes read, 0 at the end
// of the stream, or a negative error.
napi_value StreamReadInto(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  if (stream == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  size_t length = 0;
  char* bytes = arguments.Memory<char>(1, &length);
  return ToValue(env, length == 0 ? UV_ENOBUFS : stream->ReadInto(bytes, length));
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

// flushWrites(): sends the write batch. Returns how many records of slot and outcome it has left in
// the batch's place; the outcome is the bytes left in the handle's queue, or a negative error.
napi_value FlushWrites(napi_env env, napi_callback_info info) {
  return ToValue(env, Environment::Of(env, info)->loop().FlushWritesNow());
}

// streamQueued(slot): as streamWrite() returns it.
napi_value StreamQueued(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Handle* handle = arguments.loop().handles().Get(arguments.Slot(0));
  return ToValue(env, handle == nullptr ? 0 : handle->reported_queue());
}

napi_value StreamShutDown(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Stream* stream = StreamOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, stream == nullptr ? UV_EBADF : stream->ShutDown());
}

napi_value SetNoDelay(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv_tcp_t* tcp = TcpOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, tcp == nullptr ? UV_EBADF : uv_tcp_nodelay(tcp, arguments.Bool(1)));
}

// setKeepAlive(slot, enabled): with the times that the system is set to.
napi_value SetKeepAlive(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv_tcp_t* tcp = TcpOf(arguments.loop(), arguments.Slot(0));
  if (tcp == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  uv_os_fd_t fd;
  const int status = uv_fileno(reinterpret_cast<uv_handle_t*>(tcp), &fd);
  if (status < 0) return ToValue(env, status);
  const int on = arguments.Bool(1) ? 1 : 0;
#ifdef _WIN32
  const SOCKET socket = reinterpret_cast<SOCKET>(fd);
#else
  const int socket = fd;
#endif
  const int result =
      setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, reinterpret_cast<const char*>(&on), sizeof(on));
  return ToValue(env, result == 0 ? 0 : UV_EINVAL);
}

int AddressOf(uv::Loop& loop, uint32_t slot, bool peer, sockaddr_storage* address) {
  sockaddr* target = reinterpret_cast<sockaddr*>(address);
  int length = sizeof(*address);
  if (uv::Listener* listener = ListenerOf(loop, slot)) {
    return peer ? UV_ENOTCONN : listener->Address(target, &length);
  }
  uv::Stream* stream = StreamOf(loop, slot);
  if (stream == nullptr || stream->tcp() == nullptr) return UV_EBADF;
  if (!peer) return uv_tcp_getsockname(stream->tcp(), target, &length);
  if (stream->peer() == nullptr) return uv_tcp_getpeername(stream->tcp(), target, &length);
  std::memcpy(address, stream->peer(), sizeof(sockaddr_in6));
  return 0;
}

bool LocalNameOf(uv::Loop& loop, uint32_t slot, bool peer, std::string* name) {
  if (uv::Listener* listener = ListenerOf(loop, slot)) {
    return !peer && listener->LocalName(name) == 0;
  }
  uv::Stream* stream = StreamOf(loop, slot);
  return stream != nullptr && stream->LocalName(peer, name) == 0;
}

// socketAddress(slot, peer): [address, port, family], the path or name of a local socket, or a
// negative error.
napi_value SocketAddress(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::string name;
  if (LocalNameOf(arguments.loop(), arguments.Slot(0), arguments.Bool(1), &name)) {
    napi_value text = nullptr;
    napi_create_string_utf8(env, name.data(), name.size(), &text);
    return text;
  }
  sockaddr_storage address;
  const int status = AddressOf(arguments.loop(), arguments.Slot(0), arguments.Bool(1), &address);
  if (status < 0) return ToValue(env, status);
  char host[uv::kLongestHost];
  uv::FormatHost(address, host);
  napi_value result;
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 0, ToValue(env, static_cast<const char*>(host)));
  napi_set_element(env, result, 1, ToValue(env, static_cast<int32_t>(uv::PortOf(address))));
  napi_set_element(env, result, 2,
                   ToValue(env, static_cast<int32_t>(address.ss_family == AF_INET6 ? 6 : 4)));
  return result;
}

// lend(class, index, pieces, count): `count` pieces of memory, side by side and each of that
// class's size, for streams to read into; the indices of the others follow that of the first.
// JavaScript keeps a piece alive and leaves it alone until its index comes back in a kData event.
napi_value Lend(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  size_t length = 0;
  char* pieces = arguments.Memory<char>(2, &length);
  arguments.loop().receive_memory().Lend(arguments.Int(0), arguments.Int(1), pieces,
                                         arguments.Int(3));
  return nullptr;
}

}  // namespace

void ExportStreams(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"tcpBind", TcpBind},
          {"listen", Listen},
          {"localBind", LocalBind},
          {"localConnect", LocalConnect},
          {"listenerOpen", ListenerOpen},
          {"resumeAccepting", ResumeAccepting},
          {"tcpOpen", TcpOpen},
          {"tcpConnect", TcpConnect},
          {"streamOpen", StreamOpen},
          {"streamRelease", StreamRelease},
          {"streamReadStart", StreamReadStart},
          {"streamReadInto", StreamReadInto},
          {"streamReadStop", StreamReadStop},
          {"streamWrite", StreamWrite},
          {"streamFlush", StreamFlush},
          {"flushWrites", FlushWrites},
          {"streamQueued", StreamQueued},
          {"streamShutDown", StreamShutDown},
          {"setNoDelay", SetNoDelay},
          {"setKeepAlive", SetKeepAlive},
          {"socketAddress", SocketAddress},
          {"lend", Lend}});
}

}  // namespace aionode::binding
