// The few V8 functions that Node-API does not offer, found by their linker names when the addon
// loads, so that one binary serves every Node. They are public V8 API, exported by Node's
// executable:
//
//   MicrotasksScope::PerformCheckpoint      runs the microtask queue: what makes a step atomic
//   Function::New                           makes a function that JavaScript calls without
//                                           Node-API's wrapper: a checkpoint follows every step
//   {Get,Set}ContinuationPreservedEmbedderData   the value that V8 carries through every await: the
//                                           current task travels in it (of Context up to Node 20,
//                                           of Isolate from Node 22)
//   Context::GetExtrasBindingObject         holds JavaScript functions that get and set that value,
//                                           which compiled code calls in a fifth of the time (from
//                                           Node 22)
//   Function::ScriptId, GetBoundFunction    tell V8's own resolve functions from a user's callbacks
//   Promise::State, Promise::Result         looks at a native promise without waiting for it
//   Promise::HasHandler                     tells whether anybody awaits a native promise
//
// What is missing in some future Node is reported to JavaScript, which then uses a slower way.
//
// napi_value and v8::Local are both one pointer to a handle slot on every platform of Node-API; a
// Local is passed and returned in a register, as a pointer is.
#ifndef AIONODE_BINDING_V8_ACCESS_H_
#define AIONODE_BINDING_V8_ACCESS_H_

#include <node_api.h>

namespace aionode::binding {

class V8Access {
 public:
  // Looks the names up; `disabled` is a comma separated list of capabilities to do without.
  explicit V8Access(const char* disabled);

  bool has_checkpoint() const { return isolate_ != nullptr && checkpoint_ != nullptr; }
  bool has_frame() const;
  // Node 20's V8 does not set the frame in the job that calls a thenable's `then`.
  bool carries_frame_into_then() const { return get_of_isolate_ != nullptr; }
  bool has_script_id() const { return script_id_ != nullptr && bound_function_ != nullptr; }
  bool has_promise_state() const { return promise_state_ != nullptr && promise_result_ != nullptr; }
  bool has_promise_handler() const { return promise_has_handler_ != nullptr; }

  void Checkpoint() const { checkpoint_(isolate_); }
  // A JavaScript function that does this alone, or nullptr.
  napi_value CheckpointFunction() const;
  napi_value GetFrame() const {
    return get_of_isolate_ != nullptr ? get_of_isolate_(isolate_)
                                      : get_of_context_(current_context_(isolate_));
  }
  void SetFrame(napi_value frame) const {
    if (set_of_isolate_ != nullptr) {
      set_of_isolate_(isolate_, frame);
    } else {
      set_of_context_(current_context_(isolate_), frame);
    }
  }
  // V8's own functions to get and set the frame, or nullptr.
  napi_value FrameFunction(napi_env env, const char* name) const;
  // Both must be functions. V8's own resolve and reject have no script; neither has a bound
  // function, but that is a user's.
  bool AreResolvers(napi_env env, napi_value resolve, napi_value reject) const {
    if (script_id_(resolve) != 0 || script_id_(reject) != 0) return false;
    napi_valuetype type;
    return napi_typeof(env, bound_function_(resolve), &type) == napi_ok && type != napi_function;
  }
  // `promise` must be a native promise: 0 pending, 1 fulfilled, 2 rejected.
  int PromiseState(napi_value promise) const { return promise_state_(promise); }
  napi_value PromiseResult(napi_value promise) const { return promise_result_(promise); }
  // Whether anything was attached to it.
  bool PromiseHasHandler(napi_value promise) const { return promise_has_handler_(promise); }

 private:
  using Isolate = void*;
  using Value = napi_value;

  Isolate isolate_ = nullptr;
  void (*checkpoint_)(Isolate) = nullptr;
  // Of a context, a callback, its data, its length, and two enumerations whose defaults are 0.
  Value (*new_function_)(Value, void (*)(const void*), Value, int, int, int) = nullptr;
  Value (*current_context_)(Isolate) = nullptr;
  Value (*extras_)(Value) = nullptr;
  Value (*get_of_isolate_)(Isolate) = nullptr;
  void (*set_of_isolate_)(Isolate, Value) = nullptr;
  Value (*get_of_context_)(Value) = nullptr;
  void (*set_of_context_)(Value, Value) = nullptr;
  int (*script_id_)(Value) = nullptr;
  Value (*bound_function_)(Value) = nullptr;
  int (*promise_state_)(Value) = nullptr;
  Value (*promise_result_)(Value) = nullptr;
  bool (*promise_has_handler_)(Value) = nullptr;
};

}  // namespace aionode::binding

#endif  // AIONODE_BINDING_V8_ACCESS_H_
