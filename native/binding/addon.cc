// Registers the addon: its functions, and the layout of the memory shared with JavaScript. It runs
// once per environment and so uses node-addon-api; what runs per turn or event uses plain Node-API.
#include <napi.h>
#include <uv.h>

#include "../uv/address.h"
#include "../uv/descriptors.h"
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
    {"kSlabUsed", core::kSlabUsed},
    {"kWriteCount", core::kWriteCount},
    {"kDraining", core::kDraining},
    {"kPromiseState", core::kPromiseState},
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
    {"kAcceptFailed", core::kAcceptFailed},
    {"kConnected", core::kConnected},
    {"kDatagram", core::kDatagram},
    {"kData", core::kData},
    {"kEof", core::kEof},
    {"kReadFailed", core::kReadFailed},
    {"kQueued", core::kQueued},
    {"kWriteFailed", core::kWriteFailed},
    {"kShutDown", core::kShutDown},
    {"kWoken", core::kWoken},
    {"kPolled", core::kPolled},
    {"kClosed", core::kClosed},
    {"kSmallestLent", static_cast<int32_t>(uv::kSmallestLent)},
    {"kAddressWords", uv::kAddressWords},
    {"kLentClasses", uv::kLentClasses},
    {"kIpv6Only", UV_TCP_IPV6ONLY},
    {"kRegularFile", uv::kRegularFile},
    {"kCharacterDevice", uv::kCharacterDevice},
    {"kPipe", uv::kPipe},
    {"kTcpSocket", uv::kTcpSocket},
    {"kLocalSocket", uv::kLocalSocket},
    {"kOtherSocket", uv::kOtherSocket},
    {"kReadableDescriptor", uv::kReadableDescriptor},
    {"kWritableDescriptor", uv::kWritableDescriptor},
    {"kListeningDescriptor", uv::kListeningDescriptor},
    {"kDescriptorKindMask", uv::kDescriptorKindMask},
    {"kPollReadable", UV_READABLE},
    {"kPollWritable", UV_WRITABLE},
    {"kPollHangUp", uv::kPollHangUp},
};

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  Environment* environment = Environment::Create(env);
  if (environment == nullptr) return exports;
  ExportLoop(env, exports, environment);
  ExportFrames(env, exports, environment);
  ExportStreams(env, exports, environment);
  ExportDescriptors(env, exports, environment);
  ExportDatagrams(env, exports, environment);
  ExportWakers(env, exports, environment);
  Napi::Object layout = Napi::Object::New(env);
  for (const LayoutEntry& entry : kLayout) layout[entry.name] = entry.value;
  layout.Freeze();
  exports["layout"] = layout;
  return exports;
}

}  // namespace

}  // namespace aionode::binding

using aionode::binding::Initialize;
NODE_API_MODULE(aionode, Initialize)
