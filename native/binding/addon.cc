// Registers the addon: its functions, and the layout of the memory shared with JavaScript.
#include <uv.h>

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
    {"kData", core::kData},
    {"kEof", core::kEof},
    {"kReadFailed", core::kReadFailed},
    {"kQueued", core::kQueued},
    {"kWriteFailed", core::kWriteFailed},
    {"kShutDown", core::kShutDown},
    {"kClosed", core::kClosed},
    {"kSmallestLent", static_cast<int32_t>(uv::kSmallestLent)},
    {"kLentClasses", uv::kLentClasses},
    {"kIpv6Only", UV_TCP_IPV6ONLY},
};

napi_value Initialize(napi_env env, napi_value exports) {
  Environment* environment = Environment::Create(env);
  if (environment == nullptr) return nullptr;
  ExportLoop(env, exports, environment);
  ExportFrames(env, exports, environment);
  ExportStreams(env, exports, environment);
  napi_value layout;
  napi_create_object(env, &layout);
  for (const LayoutEntry& entry : kLayout) {
    napi_set_named_property(env, layout, entry.name, ToValue(env, entry.value));
  }
  napi_object_freeze(env, layout);
  napi_set_named_property(env, exports, "layout", layout);
  return exports;
}

}  // namespace

}  // namespace aionode::binding

NAPI_MODULE_INIT() { return aionode::binding::Initialize(env, exports); }
