// Registers the addon, once per environment: its functions, and the layout of the memory shared
// with JavaScript. Plain Node-API here as everywhere, so that building from source needs no other
// package.
#include <node_api.h>
#include <uv.h>

#include "../uv/address.h"
#include "../uv/descriptors.h"
#include "../uv/listener.h"
#include "../uv/poller.h"
#include "arguments.h"
#include "bindings.h"

namespace aionode::binding {

namespace {

struct LayoutEntry {
  const char* name;
  int32_t value;
};

constexpr LayoutEntry kLayout[] = {
    {"kReadyCount", core::kReadyCount},
    {"kLiveTimers", core::kLiveTimers},
    {"kStaleTimers", core::kStaleTimers},
    {"kEventCount", core::kEventCount},
    {"kDueCount", core::kDueCount},
    {"kBudgetSpent", core::kBudgetSpent},
    {"kWriteCount", core::kWriteCount},
    {"kDraining", core::kDraining},
    {"kPromiseState", core::kPromiseState},
    {"kPollSlept", core::kPollSlept},
    {"kStateFields", core::kStateFields},
    {"kFulfilled", core::kFulfilled},
    {"kRejected", core::kRejected},
    {"kTimerDeadline", core::kTimerDeadline},
    {"kClockFields", core::kClockFields},
    {"kEventStride", core::kEventStride},
    {"kEventCapacity", core::kEventCapacity},
    {"kDueCapacity", core::kDueCapacity},
    {"kWriteStride", core::kWriteStride},
    {"kWriteCapacity", core::kWriteCapacity},
    {"kAccepted", core::kAccepted},
    {"kDatagram", core::kDatagram},
    {"kData", core::kData},
    {"kReadable", core::kReadable},
    {"kEof", core::kEof},
    {"kReadFailed", core::kReadFailed},
    {"kQueued", core::kQueued},
    {"kWriteFailed", core::kWriteFailed},
    {"kExited", core::kExited},
    {"kWoken", core::kWoken},
    {"kClosed", core::kClosed},
    {"kSmallestLent", static_cast<int32_t>(uv::kSmallestLent)},
    {"kAddressWords", uv::kAddressWords},
    {"kLentClasses", uv::kLentClasses},
    {"kRegularFile", uv::kRegularFile},
    {"kCharacterDevice", uv::kCharacterDevice},
    {"kPipe", uv::kPipe},
    {"kTcpSocket", uv::kTcpSocket},
    {"kLocalSocket", uv::kLocalSocket},
    {"kDatagramSocket", uv::kDatagramSocket},
    {"kOtherSocket", uv::kOtherSocket},
    {"kReadableDescriptor", uv::kReadableDescriptor},
    {"kWritableDescriptor", uv::kWritableDescriptor},
    {"kListeningDescriptor", uv::kListeningDescriptor},
    {"kDescriptorKindMask", uv::kDescriptorKindMask},
    {"kPollReadable", UV_READABLE},
    {"kPollWritable", UV_WRITABLE},
    {"kPollHangUp", uv::kPollHangUp},
    {"kListenIpv6Only", uv::kListenIpv6Only},
    {"kListenReuseAddress", uv::kListenReuseAddress},
    {"kListenReusePort", uv::kListenReusePort},
    {"kListenKeepAlive", uv::kListenKeepAlive},
    {"kDevNull", kDevNull},
    {"kPiped", kPiped},
    {"kSameAsStdout", kSameAsStdout},
    {"kDetached", kDetached},
    {"kVerbatimArguments", kVerbatimArguments},
};

void ExportLayout(napi_env env, napi_value exports) {
  napi_value layout;
  if (napi_create_object(env, &layout) != napi_ok) return;
  for (const LayoutEntry& entry : kLayout) {
    napi_set_named_property(env, layout, entry.name, ToValue(env, entry.value));
  }
  napi_object_freeze(env, layout);
  napi_set_named_property(env, exports, "layout", layout);
}

}  // namespace

}  // namespace aionode::binding

NAPI_MODULE_INIT() {
  using namespace aionode::binding;
  Environment* environment = Environment::Create(env);
  if (environment == nullptr) return exports;
  ExportLoop(env, exports, environment);
  ExportFrames(env, exports, environment);
  ExportFiles(env, exports, environment);
  ExportHandles(env, exports, environment);
  ExportStreams(env, exports, environment);
  ExportSplicers(env, exports, environment);
  ExportDescriptors(env, exports, environment);
  ExportDatagrams(env, exports, environment);
  ExportProcesses(env, exports, environment);
  ExportWakers(env, exports, environment);
  ExportLayout(env, exports);
  return exports;
}
