// What is done alike with everything that has a slot.
#include "../uv/handle.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

// close(slot): ends what the slot stands for; kClosed follows.
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

// fileDescriptor(slot): -1 where there is none.
napi_value FileDescriptor(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Handle* handle = OpenHandle(arguments.loop(), arguments.Slot(0));
  return ToValue(env, static_cast<int32_t>(handle == nullptr ? -1 : handle->Descriptor()));
}

}  // namespace

void ExportHandles(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"close", Close}, {"setRef", SetRef}, {"fileDescriptor", FileDescriptor}});
}

}  // namespace aionode::binding
