// Moving the bytes of one stream to another.
#include "../uv/splicer.h"
#include "../uv/stream.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

uv::Splicer* SplicerOf(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = OpenHandle(loop, slot);
  return handle == nullptr ? nullptr : handle->AsSplicer();
}

// splicerOpen(source, target): the slot of a splicer; what the source receives from now on waits
// for it.
napi_value SplicerOpen(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Loop& loop = arguments.loop();
  uv::Stream* source = StreamOf(loop, arguments.Slot(0));
  uv::Stream* target = StreamOf(loop, arguments.Slot(1));
  if (source == nullptr || target == nullptr) {
    return ToValue(env, static_cast<int32_t>(UV_EBADF));
  }
  int status = 0;
  const uv::Splicer* splicer = uv::Splicer::Create(&loop, source, target, &status);
  return ToValue(env, splicer == nullptr ? status : static_cast<int32_t>(splicer->slot()));
}

// splicerBegin(splicer, count): kSpliced follows. A negative count: to the source's end.
napi_value SplicerBegin(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Splicer* splicer = SplicerOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, splicer == nullptr
                          ? static_cast<int32_t>(UV_EBADF)
                          : splicer->Begin(static_cast<int64_t>(arguments.Double(1))));
}

// splicerStop(splicer): kSpliced follows, if it has not.
napi_value SplicerStop(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Splicer* splicer = SplicerOf(arguments.loop(), arguments.Slot(0));
  if (splicer != nullptr) splicer->Stop();
  return nullptr;
}

// splicerTaken(splicer): the bytes that it took from the source.
napi_value SplicerTaken(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const uv::Splicer* splicer = SplicerOf(arguments.loop(), arguments.Slot(0));
  return ToValue(env, splicer == nullptr ? 0.0 : static_cast<double>(splicer->taken()));
}

}  // namespace

void ExportSplicers(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"splicerOpen", SplicerOpen},
          {"splicerBegin", SplicerBegin},
          {"splicerStop", SplicerStop},
          {"splicerTaken", SplicerTaken}});
}

}  // namespace aionode::binding
