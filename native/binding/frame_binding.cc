// What travels with a continuation, and what V8 knows about promises and functions.
#include "arguments.h"
#include "bindings.h"

namespace aionode::binding {

namespace {

napi_value GetFrame(napi_env env, napi_callback_info info) {
  return Environment::Of(env, info)->v8().GetFrame();
}

napi_value SetFrame(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  arguments.environment().v8().SetFrame(arguments[0]);
  return nullptr;
}

// areResolvers(resolve, reject): true for the functions that V8 makes when it awaits a thenable.
napi_value AreResolvers(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const V8Access& v8 = arguments.environment().v8();
  return ToValue(env, v8.AreResolvers(env, arguments[0], arguments[1]));
}

// What inherits from Promise.prototype, and a Proxy of a promise, need not be a promise.
bool IsPromise(napi_env env, napi_value value) {
  bool is_promise = false;
  return napi_is_promise(env, value, &is_promise) == napi_ok && is_promise;
}

// promiseOutcome(promise): the value or reason of a settled native promise; which of the two, or
// that it is pending, is left in the shared state. What is no promise is pending.
napi_value PromiseOutcome(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const V8Access& v8 = arguments.environment().v8();
  const int state = IsPromise(env, arguments[0]) ? v8.PromiseState(arguments[0]) : core::kPending;
  arguments.loop().shared().state[core::kPromiseState] = state;
  return state == core::kPending ? nullptr : v8.PromiseResult(arguments[0]);
}

// promiseHasHandler(promise): whether anybody awaits a native promise, or ever did.
napi_value PromiseHasHandler(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return ToValue(env, IsPromise(env, arguments[0]) &&
                          arguments.environment().v8().PromiseHasHandler(arguments[0]));
}

// awaitFrame(resolve, reject): the frame of the await that V8 calls `then` for, null when there is
// none; undefined when the arguments are not V8's own, so that somebody else is calling.
napi_value AwaitFrame(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const V8Access& v8 = arguments.environment().v8();
  if (!v8.AreResolvers(env, arguments[0], arguments[1])) return nullptr;
  napi_value frame = v8.GetFrame();
  napi_valuetype type;
  if (napi_typeof(env, frame, &type) == napi_ok && type != napi_undefined) return frame;
  napi_value null;
  return napi_get_null(env, &null) == napi_ok ? null : nullptr;
}

}  // namespace

void ExportFrames(napi_env env, napi_value exports, Environment* environment) {
  const V8Access& v8 = environment->v8();
  if (v8.has_frame()) {
    Export(env, exports, environment, {{"getFrame", GetFrame}, {"setFrame", SetFrame}});
    const napi_value get = v8.FrameFunction(env, "getContinuationPreservedEmbedderData");
    const napi_value set = v8.FrameFunction(env, "setContinuationPreservedEmbedderData");
    if (get != nullptr && set != nullptr) {
      napi_set_named_property(env, exports, "getFrame", get);
      napi_set_named_property(env, exports, "setFrame", set);
    }
  }
  if (v8.has_script_id()) Export(env, exports, environment, {{"areResolvers", AreResolvers}});
  if (v8.has_script_id() && v8.has_frame() && v8.carries_frame_into_then()) {
    Export(env, exports, environment, {{"awaitFrame", AwaitFrame}});
  }
  if (v8.has_promise_state()) {
    Export(env, exports, environment, {{"promiseOutcome", PromiseOutcome}});
  }
  if (v8.has_promise_handler()) {
    Export(env, exports, environment, {{"promiseHasHandler", PromiseHasHandler}});
  }
}

}  // namespace aionode::binding
