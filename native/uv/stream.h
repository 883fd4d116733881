// A connected byte stream (TCP, a local socket, a pipe): reads go to the loop's receive memory and
// become kData events, writes are tried at once and only what the system does not take is copied
// and queued.
//
// Every operation returns 0 or a negative libuv error; the same error never arrives as an event
// too.
#ifndef AIONODE_UV_STREAM_H_
#define AIONODE_UV_STREAM_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "handle.h"
#include "receive_memory.h"

namespace aionode::uv {

class Splicer;
class StreamSender;

class Stream : public Handle {
 public:
  // The new stream's handle is initialised but not connected. nullptr when libuv refuses
  // (`status`).
  static Stream* CreateTcp(Loop* loop, int* status);
  static Stream* CreatePipe(Loop* loop, int* status);

  int BindTo(const sockaddr* address);
  // kConnected tells the outcome.
  int Connect(const sockaddr* address);
  // As Connect(), of a local socket to a path or name.
  int ConnectLocal(const std::string& name);
  // The name of a local socket's end; empty for one without.
  int LocalName(bool peer, std::string* name);
  // Takes over a file descriptor of the stream's kind. On success it belongs to the stream.
  int Open(uv_file fd);
  // Closes the stream, but not the connection: returns a file descriptor of it, which is the
  // caller's. UV_ENOTSUP where connections are no file descriptors (Windows).
  int ReleaseDescriptor();

  // Reads into the receive memory (kData), or, with `announce`, only says that there is something
  // to read (kReadable), which ReadInto() then takes straight to where it is wanted.
  int ReadStart(bool announce);
  int ReadStop();
  // Returns the bytes read, 0 at the end of the stream, or a negative error.
  int32_t ReadInto(char* base, size_t length);

  // Sends `count` buffers. What is not sent at once is copied: the memory is the caller's again.
  int Write(const uv_buf_t* buffers, unsigned count);
  int ShutDown();

  // Somebody sends over this stream, after what was written so far.
  void HoldFor(StreamSender* sender) { sender_ = sender; }
  // It sends no more: what was held back follows.
  void Release();
  // What the sender holds back at the moment follows now.
  void SendHeld(StreamSender* sender);
  bool HasSentAll() const { return uv_queue() == 0; }
  StreamSender* sender() const { return sender_; }
  // False after ShutDown() and when the connection is lost.
  bool IsWritable() const { return uv_is_writable(&uv_.stream) != 0; }

  // What there is to read is the splicer's from now on; with nullptr the stream's own again.
  void ReadFor(Splicer* splicer) { splicer_ = splicer; }
  Splicer* splicer() const { return splicer_; }
  // The splicer takes nothing until ContinueReading(), which heeds ReadStop().
  void HoldReading();
  void ContinueReading();
  // There is no more to read: the end of the stream (0), or an error.
  void ReadEnded(int status);
  void WriteFailed(int status);
  void TellQueue();

  void AddToBatch(const char* base, size_t length) override;
  int SendBatch() override;
  bool batch_is_empty() const override { return batch_.empty(); }

  size_t queued_bytes() const;
  int32_t reported_queue() const override {
    const size_t bytes = queued_bytes();
    return bytes > INT32_MAX ? INT32_MAX : static_cast<int32_t>(bytes);
  }
  // nullptr for a stream that is no TCP connection.
  uv_tcp_t* tcp() { return uv_.handle.type == UV_TCP ? &uv_.tcp : nullptr; }
  uv_stream_t* stream() { return &uv_.stream; }

  // The peer's address as it was when the connection came about: the system forgets it with a
  // reset.
  void NotePeer(const sockaddr* address);
  // nullptr when it is not known.
  const sockaddr* peer() const {
    return peer_.sin6_family == AF_UNSPEC ? nullptr : reinterpret_cast<const sockaddr*>(&peer_);
  }

  Stream* AsStream() override { return this; }

 protected:
  uv_handle_t* raw() override { return &uv_.handle; }
  void BeforeClose() override;

 private:
  struct WriteRequest;
  struct ConnectRequest;

  explicit Stream(Loop* loop) : Handle(loop) {}

  static Stream* Created(Stream* stream, int* status, int result);

  int Queue(const uv_buf_t* buffers, unsigned count, size_t sent);

  static void OnAllocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
  static void OnRead(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);
  static void OnWritten(uv_write_t* request, int status);

  size_t uv_queue() const { return uv_stream_get_write_queue_size(&uv_.stream); }

  ReadTarget read_target_;
  StreamSender* sender_ = nullptr;
  Splicer* splicer_ = nullptr;
  bool announce_ = false;
  // ReadStart() was called, and ReadStop() not since.
  bool wants_read_ = false;
  // kReadable was said, and ReadInto() has not been called since.
  bool announced_ = false;
  sockaddr_in6 peer_{};
  std::vector<uv_buf_t> batch_;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv_;
};

}  // namespace aionode::uv

#endif  // AIONODE_UV_STREAM_H_
