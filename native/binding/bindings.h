// The groups of native functions; each adds its own to the exports.
#ifndef AIONODE_BINDING_BINDINGS_H_
#define AIONODE_BINDING_BINDINGS_H_

#include <node_api.h>

#include "../uv/spawn.h"
#include "environment.h"

namespace aionode::binding {

struct FunctionEntry {
  const char* name;
  napi_callback callback;
};

// What processSpawn() finds in its array of standard streams in the place of a descriptor.
enum StdioKind : int32_t { kDevNull = uv::kNullDevice, kPiped = -2, kSameAsStdout = -3 };

// Flags of processSpawn().
enum SpawnFlag : int32_t { kDetached = 1, kVerbatimArguments = 2 };

template <size_t kCount>
void Export(napi_env env, napi_value exports, Environment* environment,
            const FunctionEntry (&entries)[kCount]) {
  for (const FunctionEntry& entry : entries) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.callback, environment, &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
}

void ExportDatagrams(napi_env env, napi_value exports, Environment* environment);
void ExportHandles(napi_env env, napi_value exports, Environment* environment);
void ExportLoop(napi_env env, napi_value exports, Environment* environment);
void ExportFrames(napi_env env, napi_value exports, Environment* environment);
void ExportDescriptors(napi_env env, napi_value exports, Environment* environment);
void ExportFiles(napi_env env, napi_value exports, Environment* environment);
void ExportSplicers(napi_env env, napi_value exports, Environment* environment);
void ExportStreams(napi_env env, napi_value exports, Environment* environment);
void ExportProcesses(napi_env env, napi_value exports, Environment* environment);
void ExportWakers(napi_env env, napi_value exports, Environment* environment);

}  // namespace aionode::binding

#endif  // AIONODE_BINDING_BINDINGS_H_
