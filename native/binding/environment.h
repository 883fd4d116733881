// The state of the addon in one Node environment (the main thread or one worker): its loop, what it
// knows about V8, and the references that keep JavaScript's shared memory and drain function alive.
//
// Life: made when the addon is loaded, ended by Node's asynchronous clean-up hook, the only one
// that lets libuv close handles in a worker. Order at the end: refuse new work, close every handle,
// and in the last close callback drop the references, delete this, and tell Node that the hook is
// done.
#ifndef AIONODE_BINDING_ENVIRONMENT_H_
#define AIONODE_BINDING_ENVIRONMENT_H_

#include <node_api.h>

#include <vector>

#include "../uv/loop.h"
#include "v8_access.h"

namespace aionode::binding {

class Environment {
 public:
  // Throws into JavaScript and returns nullptr on failure.
  static Environment* Create(napi_env env);
  static Environment* Of(napi_env env, napi_callback_info info);

  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  uv::Loop& loop() { return loop_; }
  const V8Access& v8() const { return v8_; }
  napi_env env() { return env_; }

  // Keeps `value` alive until the environment ends.
  void Keep(napi_value value);
  void set_drain_function(napi_value function);

 private:
  Environment(napi_env env, const char* disabled) : env_(env), v8_(disabled) {}
  ~Environment() = default;

  static void CleanUp(napi_async_cleanup_hook_handle hook, void* data);
  static void OnLoopClosed(void* data);
  static void Drain(void* data);

  napi_env env_;
  V8Access v8_;
  uv::Loop loop_;
  std::vector<napi_ref> kept_;
  napi_ref drain_function_ = nullptr;
  napi_async_context async_context_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
};

}  // namespace aionode::binding

#endif  // AIONODE_BINDING_ENVIRONMENT_H_
