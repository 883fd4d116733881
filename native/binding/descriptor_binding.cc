// File descriptors that users bring: what they are, and watching them.
#include "../uv/descriptors.h"
#include "../uv/poller.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

// descriptorKind(fd): a DescriptorKind with its flags, or a negative error.
napi_value DescriptorKind(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return ToValue(env, uv::DescribeDescriptor(static_cast<uv_file>(arguments.Int(0))));
}

// descriptorEnd(fd): how the incoming side of a stream has ended: 0 in order, 1 not yet, or a
// negative error.
napi_value DescriptorEnd(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return ToValue(env, uv::DescribeEnd(static_cast<uv_file>(arguments.Int(0))));
}

// ownsDescriptor(fd): whether a stream or listener of this thread lives on it.
napi_value OwnsDescriptor(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return ToValue(env, IsOwnDescriptor(arguments.loop(), arguments.Int(0)));
}

// pollerOpen(fd): the slot of a poller, or a negative error.
napi_value PollerOpen(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int status = 0;
  uv::Poller* poller =
      uv::Poller::Create(&arguments.loop(), static_cast<uv_file>(arguments.Int(0)), &status);
  return ToValue(env, poller == nullptr ? status : static_cast<int32_t>(poller->slot()));
}

// pollerWatch(slot, events): kPolled follows; 0 events: none does.
napi_value PollerWatch(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Handle* handle = OpenHandle(arguments.loop(), arguments.Slot(0));
  uv::Poller* poller = handle == nullptr ? nullptr : handle->AsPoller();
  return ToValue(env, poller == nullptr ? UV_EBADF : poller->Watch(arguments.Int(1)));
}

}  // namespace

void ExportDescriptors(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"descriptorKind", DescriptorKind},
          {"descriptorEnd", DescriptorEnd},
          {"ownsDescriptor", OwnsDescriptor},
          {"pollerOpen", PollerOpen},
          {"pollerWatch", PollerWatch}});
}

}  // namespace aionode::binding
