#include "v8_access.h"

#include <cstring>

#ifdef _WIN32
#include <windows.h>
#else
#include <uv.h>
#endif

namespace aionode::binding {

namespace {

#ifdef _WIN32

// Only functions without a class result keep one calling convention on Windows: a Local is returned
// through hidden memory there, so what returns one is not looked up and JavaScript's fallback
// serves.
constexpr bool kReturnsLocalInRegister = false;
constexpr const char* kCurrentIsolate = "?GetCurrent@Isolate@v8@@SAPEAV12@XZ";
constexpr const char* kCheckpoint = "?PerformCheckpoint@MicrotasksScope@v8@@SAXPEAVIsolate@2@@Z";
constexpr const char* kScriptId = "";
constexpr const char* kBoundFunction = "";
constexpr const char* kPromiseState = "";
constexpr const char* kPromiseResult = "";
constexpr const char* kPromiseHasHandler = "";
constexpr const char* kCurrentContext = "";
constexpr const char* kExtras = "";
constexpr const char* kGetOfIsolate = "";
constexpr const char* kSetOfIsolate = "";
constexpr const char* kGetOfContext = "";
constexpr const char* kSetOfContext = "";

void* FindSymbol(const char* name) {
  if (*name == '\0') return nullptr;
  return reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(nullptr), name));
}

#else

constexpr bool kReturnsLocalInRegister = true;
constexpr const char* kCurrentIsolate = "_ZN2v87Isolate10GetCurrentEv";
constexpr const char* kCheckpoint = "_ZN2v815MicrotasksScope17PerformCheckpointEPNS_7IsolateE";
constexpr const char* kScriptId = "_ZNK2v88Function8ScriptIdEv";
constexpr const char* kBoundFunction = "_ZNK2v88Function16GetBoundFunctionEv";
constexpr const char* kPromiseState = "_ZN2v87Promise5StateEv";
constexpr const char* kPromiseResult = "_ZN2v87Promise6ResultEv";
constexpr const char* kPromiseHasHandler = "_ZNK2v87Promise10HasHandlerEv";
constexpr const char* kCurrentContext = "_ZN2v87Isolate17GetCurrentContextEv";
constexpr const char* kExtras = "_ZN2v87Context22GetExtrasBindingObjectEv";
constexpr const char* kGetOfIsolate = "_ZN2v87Isolate36GetContinuationPreservedEmbedderDataEv";
constexpr const char* kSetOfIsolate =
    "_ZN2v87Isolate36SetContinuationPreservedEmbedderDataENS_5LocalINS_5ValueEEE";
constexpr const char* kGetOfContext = "_ZNK2v87Context36GetContinuationPreservedEmbedderDataEv";
constexpr const char* kSetOfContext =
    "_ZN2v87Context36SetContinuationPreservedEmbedderDataENS_5LocalINS_5ValueEEE";

// Through libuv, which Node has loaded with its own dlsym: the addon's would ask for the glibc that
// it was built with (dlsym@GLIBC_2.34), and Node 20 itself is content with 2.28.
void* FindSymbol(const char* name) {
  uv_lib_t program;
  void* symbol = nullptr;
  const bool opened = uv_dlopen(nullptr, &program) == 0;
  if (opened && uv_dlsym(&program, name, &symbol) != 0) symbol = nullptr;
  uv_dlclose(&program);
  return symbol;
}

#endif

template <typename Function>
void Find(const char* name, Function* function) {
  *function = reinterpret_cast<Function>(FindSymbol(name));
}

bool IsDisabled(const char* disabled, const char* capability) {
  return disabled != nullptr && std::strstr(disabled, capability) != nullptr;
}

}  // namespace

V8Access::V8Access(const char* disabled) {
  Isolate (*current_isolate)() = nullptr;
  Find(kCurrentIsolate, &current_isolate);
  if (current_isolate == nullptr) return;
  isolate_ = current_isolate();
  if (!IsDisabled(disabled, "checkpoint")) Find(kCheckpoint, &checkpoint_);
  if (!kReturnsLocalInRegister) return;
  if (!IsDisabled(disabled, "scriptid")) {
    Find(kScriptId, &script_id_);
    Find(kBoundFunction, &bound_function_);
  }
  if (!IsDisabled(disabled, "promisestate")) {
    Find(kPromiseState, &promise_state_);
    Find(kPromiseResult, &promise_result_);
    Find(kPromiseHasHandler, &promise_has_handler_);
  }
  if (!IsDisabled(disabled, "frame")) {
    Find(kCurrentContext, &current_context_);
    Find(kExtras, &extras_);
    Find(kGetOfIsolate, &get_of_isolate_);
    Find(kSetOfIsolate, &set_of_isolate_);
    Find(kGetOfContext, &get_of_context_);
    Find(kSetOfContext, &set_of_context_);
  }
}

bool V8Access::has_frame() const {
  if (isolate_ == nullptr) return false;
  if (get_of_isolate_ != nullptr && set_of_isolate_ != nullptr) return true;
  return current_context_ != nullptr && get_of_context_ != nullptr && set_of_context_ != nullptr;
}

napi_value V8Access::FrameFunction(napi_env env, const char* name) const {
  if (extras_ == nullptr || current_context_ == nullptr || get_of_isolate_ == nullptr) {
    return nullptr;
  }
  napi_value function;
  napi_valuetype type;
  const napi_value extras = extras_(current_context_(isolate_));
  if (napi_get_named_property(env, extras, name, &function) != napi_ok ||
      napi_typeof(env, function, &type) != napi_ok || type != napi_function) {
    return nullptr;
  }
  return function;
}

}  // namespace aionode::binding
