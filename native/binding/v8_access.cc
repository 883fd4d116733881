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
constexpr const char* kNewFunction = "";
constexpr const char* kNewFunctionOfData = "";
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
constexpr const char* kNewFunction =
    "_ZN2v88Function3NewENS_5LocalINS_7ContextEEEPFvRKNS_20FunctionCallbackInfoINS_5ValueEEEE"
    "NS1_IS5_EEiNS_19ConstructorBehaviorENS_14SideEffectTypeE";
// From Node 26 on, where a callback's data may be more than a Value.
constexpr const char* kNewFunctionOfData =
    "_ZN2v88Function3NewENS_5LocalINS_7ContextEEEPFvRKNS_20FunctionCallbackInfoINS_5ValueEEEE"
    "NS1_INS_4DataEEEiNS_19ConstructorBehaviorENS_14SideEffectTypeE";
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

// Looked up when the addon is loaded: the same in every thread.
const auto current_isolate = reinterpret_cast<void* (*)()>(FindSymbol(kCurrentIsolate));
const auto perform_checkpoint = reinterpret_cast<void (*)(void*)>(FindSymbol(kCheckpoint));

// A FunctionCallback; it looks at nothing of its argument, whose layout changes from Node to Node.
void RunCheckpoint(const void* info) {
  (void)info;
  perform_checkpoint(current_isolate());
}

}  // namespace

V8Access::V8Access(const char* disabled) {
  if (current_isolate == nullptr) return;
  isolate_ = current_isolate();
  if (!IsDisabled(disabled, "checkpoint")) checkpoint_ = perform_checkpoint;
  if (!kReturnsLocalInRegister) return;
  Find(kCurrentContext, &current_context_);
  Find(kNewFunction, &new_function_);
  if (new_function_ == nullptr) Find(kNewFunctionOfData, &new_function_);
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

napi_value V8Access::CheckpointFunction() const {
  if (!has_checkpoint() || new_function_ == nullptr || current_context_ == nullptr) return nullptr;
  return new_function_(current_context_(isolate_), RunCheckpoint, nullptr, 0, 0, 0);
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
