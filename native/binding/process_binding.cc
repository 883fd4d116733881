// Child processes. Functions return 0 or more on success, a negative libuv error otherwise;
// JavaScript has checked the arguments and builds the error.
#include "../uv/pipe_capacity.h"
#include "../uv/process.h"
#include "arguments.h"
#include "bindings.h"
#include "handles.h"

namespace aionode::binding {

namespace {

constexpr int kStandardStreams = 3;

// Strings of any length: a command line may have megabytes.
std::string StringOf(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return {};
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

std::vector<std::string> StringsOf(napi_env env, napi_value array) {
  std::vector<std::string> strings;
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) return strings;
  strings.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    strings.push_back(StringOf(env, element));
  }
  return strings;
}

void CloseFile(int fd) {
  uv_fs_t request;
  uv_fs_close(nullptr, &request, fd, nullptr);
  uv_fs_req_cleanup(&request);
}

// The child's standard streams: descriptors to inherit, the null device, and pipes, whose other
// ends are the parent's.
class StandardStreams {
 public:
  ~StandardStreams() {
    for (const int fd : theirs_) {
      if (fd >= 0) CloseFile(fd);
    }
    for (const int fd : ours_) {
      if (fd >= 0) CloseFile(fd);
    }
  }

  // Fills `target` as `wanted` says.
  int Open(const int32_t* wanted, int* target) {
    for (int i = 0; i < kStandardStreams; ++i) {
      target[i] = wanted[i];
      if (wanted[i] == kSameAsStdout) target[i] = target[1];
      if (wanted[i] != kPiped) continue;
      const bool input = i == 0;
      uv_file ends[2];
      const int status = uv_pipe(ends, input ? 0 : UV_NONBLOCK_PIPE, input ? UV_NONBLOCK_PIPE : 0);
      if (status < 0) return status;
      theirs_[i] = target[i] = ends[input ? 0 : 1];
      ours_[i] = ends[input ? 1 : 0];
    }
    return 0;
  }

  // The parent's ends are the caller's from now on; -1 where there is none.
  void HandOver(int32_t* descriptors) {
    for (int i = 0; i < kStandardStreams; ++i) {
      descriptors[i] = ours_[i];
      ours_[i] = -1;
    }
  }

 private:
  int theirs_[kStandardStreams] = {-1, -1, -1};
  int ours_[kStandardStreams] = {-1, -1, -1};
};

// processSpawn(file, arguments, environment, cwd, stdio, flags, uid, gid): the slot of a process;
// kExited follows. `environment`: null to inherit. `stdio`: an Int32Array of a descriptor or one of
// StdioKind for each standard stream and a field for the pid; afterwards it holds our ends of the
// pipes, which are JavaScript's to close, and the pid.
napi_value ProcessSpawn(napi_env env, napi_callback_info info) {
  const Arguments<8> arguments(env, info);
  uv::Command command;
  command.file = StringOf(env, arguments[0]);
  command.arguments = StringsOf(env, arguments[1]);
  napi_valuetype type = napi_null;
  napi_typeof(env, arguments[2], &type);
  command.inherits_environment = type != napi_object;
  if (!command.inherits_environment) command.environment = StringsOf(env, arguments[2]);
  command.cwd = StringOf(env, arguments[3]);
  size_t size = 0;
  int32_t* stdio = arguments.Memory<int32_t>(4, &size);
  const int32_t flags = arguments.Int(5);
  command.detached = (flags & kDetached) != 0;
  command.verbatim_arguments = (flags & kVerbatimArguments) != 0;
  command.uid = static_cast<int64_t>(arguments.Double(6));
  command.gid = static_cast<int64_t>(arguments.Double(7));
  if (size < (kStandardStreams + 1) * sizeof(int32_t)) {
    return ToValue(env, static_cast<int32_t>(UV_EINVAL));
  }

  StandardStreams streams;
  int status = streams.Open(stdio, command.stdio);
  if (status < 0) return ToValue(env, status);
  for (int i = 0; i < kStandardStreams; ++i) {
    // Our ends of pipes are nobody's yet, and need no look at every handle.
    if (stdio[i] == kSameAsStdout) command.shared[i] = command.shared[1];
    if (stdio[i] >= 0) command.shared[i] = IsOwnDescriptor(arguments.loop(), stdio[i]);
  }
  uv::Process* process = uv::Process::Spawn(&arguments.loop(), command, &status);
  if (process == nullptr) return ToValue(env, status);
  streams.HandOver(stdio);
  stdio[kStandardStreams] = process->pid();
  return ToValue(env, static_cast<int32_t>(process->slot()));
}

// processSignal(slot, signal)
napi_value ProcessSignal(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Handle* handle = arguments.loop().handles().Get(arguments.Slot(0));
  uv::Process* process = handle == nullptr ? nullptr : handle->AsProcess();
  return ToValue(
      env, process == nullptr ? static_cast<int32_t>(UV_ESRCH) : process->Signal(arguments.Int(1)));
}

// growPipe(fd): see GrowPipe().
napi_value GrowPipe(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uv::GrowPipe(arguments.Int(0));
  return nullptr;
}

}  // namespace

void ExportProcesses(napi_env env, napi_value exports, Environment* environment) {
  Export(
      env, exports, environment,
      {{"processSpawn", ProcessSpawn}, {"processSignal", ProcessSignal}, {"growPipe", GrowPipe}});
}

}  // namespace aionode::binding
