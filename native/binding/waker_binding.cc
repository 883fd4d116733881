// Wake-ups from other threads.
#include "../uv/waker.h"
#include "arguments.h"
#include "bindings.h"

namespace aionode::binding {

namespace {

// wakerOpen(): the slot of a waker; kWoken follows whenever it is woken.
napi_value WakerOpen(napi_env env, napi_callback_info info) {
  int status = 0;
  uv::Waker* waker = uv::Waker::Create(&Environment::Of(env, info)->loop(), &status);
  return ToValue(env, waker == nullptr ? status : static_cast<int32_t>(waker->slot()));
}

// wakerId(slot): the number by which every thread of the process knows the waker; 0 for none.
napi_value WakerId(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::Handle* handle = arguments.loop().handles().Get(arguments.Slot(0));
  uv::Waker* waker = handle == nullptr ? nullptr : handle->AsWaker();
  return ToValue(env, waker == nullptr ? 0 : static_cast<int32_t>(waker->id()));
}

// wake(id): false when there is no such waker any more.
napi_value Wake(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return ToValue(env, uv::Waker::Wake(static_cast<uint32_t>(arguments.Int(0))));
}

}  // namespace

void ExportWakers(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"wakerOpen", WakerOpen}, {"wakerId", WakerId}, {"wakeThread", Wake}});
}

}  // namespace aionode::binding
