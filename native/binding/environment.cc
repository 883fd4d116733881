#include "environment.h"

#include <cstdlib>

namespace aionode::binding {

Environment* Environment::Create(napi_env env) {
  uv_loop_t* uv_loop = nullptr;
  if (napi_get_uv_event_loop(env, &uv_loop) != napi_ok) {
    napi_throw_error(env, nullptr, "aionode: this runtime gives Node-API addons no event loop");
    return nullptr;
  }
  // Node's manual gives no guarantee for libuv's binary interface: a mismatch must not go
  // unnoticed.
  if (uv_version() >> 16 != UV_VERSION_MAJOR || uv_handle_size(UV_TCP) != sizeof(uv_tcp_t) ||
      uv_handle_size(UV_TIMER) != sizeof(uv_timer_t) ||
      uv_handle_size(UV_UDP) != sizeof(uv_udp_t)) {
    napi_throw_error(env, nullptr,
                     "aionode: built for another version of libuv than this Node has; rebuild it "
                     "with `npm rebuild aionode --build-from-source`");
    return nullptr;
  }
  Environment* self = new Environment(env, std::getenv("AIONODE_DISABLE_V8"));
  napi_value resource;
  napi_value name;
  napi_create_object(env, &resource);
  napi_create_string_utf8(env, "aionode", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, resource, name, &self->async_context_);
  self->loop_.Open(uv_loop, Drain, self);
  napi_add_async_cleanup_hook(env, CleanUp, self, &self->cleanup_hook_);
  return self;
}

Environment* Environment::Of(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  return static_cast<Environment*>(data);
}

void Environment::Keep(napi_value value) {
  napi_ref reference;
  if (napi_create_reference(env_, value, 1, &reference) == napi_ok) kept_.push_back(reference);
}

void Environment::set_drain_function(napi_value function) {
  napi_create_reference(env_, function, 1, &drain_function_);
}

void Environment::Drain(void* data) {
  Environment* self = static_cast<Environment*>(data);
  if (self->drain_function_ == nullptr) return;
  napi_env env = self->env_;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value function;
  napi_value receiver;
  napi_value result;
  napi_get_reference_value(env, self->drain_function_, &function);
  napi_get_global(env, &receiver);
  const napi_status status =
      napi_make_callback(env, self->async_context_, receiver, function, 0, nullptr, &result);
  if (status == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

void Environment::CleanUp(napi_async_cleanup_hook_handle, void* data) {
  Environment* self = static_cast<Environment*>(data);
  self->loop_.Close(OnLoopClosed, self);
}

void Environment::OnLoopClosed(void* data) {
  Environment* self = static_cast<Environment*>(data);
  napi_env env = self->env_;
  for (napi_ref reference : self->kept_) napi_delete_reference(env, reference);
  if (self->drain_function_ != nullptr) napi_delete_reference(env, self->drain_function_);
  napi_async_destroy(env, self->async_context_);
  const napi_async_cleanup_hook_handle hook = self->cleanup_hook_;
  delete self;
  napi_remove_async_cleanup_hook(hook);
}

}  // namespace aionode::binding
