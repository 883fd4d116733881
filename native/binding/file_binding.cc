// Sending files over streams.
#include "../uv/file_sender.h"
#include "../uv/stream.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

uv::FileSender* SenderOf(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = OpenHandle(loop, slot);
  return handle == nullptr ? nullptr : handle->AsFileSender();
}

// fileSenderOpen(stream): the slot of a file sender; what is written to the stream from now on is
// held back until it is closed.
napi_value FileSenderOpen(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Loop& loop = arguments.loop();
  uv::Stream* stream = StreamOf(loop, arguments.Slot(0));
  if (stream == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  int status = 0;
  uv::FileSender* sender = uv::FileSender::Create(&loop, stream, &status);
  return ToValue(env, sender == nullptr ? status : static_cast<int32_t>(sender->slot()));
}

// fileSend(sender, file, offset, count): kFileSent follows. A negative count: to the end.
napi_value FileSend(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  uv::FileSender* sender = SenderOf(arguments.loop(), arguments.Slot(0));
  if (sender == nullptr) return ToValue(env, static_cast<int32_t>(UV_EBADF));
  return ToValue(env, sender->Send(static_cast<uv_file>(arguments.Int(1)),
                                   static_cast<int64_t>(arguments.Double(2)),
                                   static_cast<int64_t>(arguments.Double(3))));
}

// fileSendStop(sender): kFileSent follows, with UV_ECANCELED if there was more to send.
napi_value FileSendStop(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::FileSender* sender = SenderOf(arguments.loop(), arguments.Slot(0));
  if (sender != nullptr) sender->Stop();
  return nullptr;
}

// fileSent(sender): the bytes that the socket took; to be called after kFileSent.
napi_value FileSent(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::FileSender* sender = SenderOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, sender == nullptr ? 0.0 : static_cast<double>(sender->sent()));
}

}  // namespace

void ExportFiles(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"fileSenderOpen", FileSenderOpen},
          {"fileSend", FileSend},
          {"fileSendStop", FileSendStop},
          {"fileSent", FileSent}});
}

}  // namespace aionode::binding
