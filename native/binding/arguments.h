// Unpacks the arguments of a native function. The TypeScript side has validated them: a mismatch
// here is a bug of ours, and reads as 0 instead of crashing.
#ifndef AIONODE_BINDING_ARGUMENTS_H_
#define AIONODE_BINDING_ARGUMENTS_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "environment.h"

namespace aionode::binding {

template <size_t kCount>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kCount;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values_, nullptr, &data);
    environment_ = static_cast<Environment*>(data);
  }

  Environment& environment() const { return *environment_; }
  uv::Loop& loop() const { return environment_->loop(); }
  napi_value operator[](size_t index) const { return values_[index]; }

  int32_t Int(size_t index) const {
    int32_t value = 0;
    napi_get_value_int32(env_, values_[index], &value);
    return value;
  }
  uint32_t Slot(size_t index) const { return static_cast<uint32_t>(Int(index)); }
  double Double(size_t index) const {
    double value = 0;
    napi_get_value_double(env_, values_[index], &value);
    return value;
  }
  bool Bool(size_t index) const {
    bool value = false;
    napi_get_value_bool(env_, values_[index], &value);
    return value;
  }
  std::string String(size_t index) const {
    char buffer[256];
    size_t length = 0;
    if (napi_get_value_string_utf8(env_, values_[index], buffer, sizeof(buffer), &length) !=
        napi_ok) {
      length = 0;
    }
    return std::string(buffer, length);
  }
  // The bytes of a Uint8Array.
  std::string Bytes(size_t index) const {
    size_t length = 0;
    const char* bytes = Memory<char>(index, &length);
    return bytes == nullptr ? std::string() : std::string(bytes, length);
  }
  // A Uint8Array (a Buffer is one) or any other typed array: its memory and length in bytes.
  template <typename T>
  T* Memory(size_t index, size_t* size_bytes) const {
    napi_typedarray_type type;
    size_t length = 0;
    void* memory = nullptr;
    if (napi_get_typedarray_info(env_, values_[index], &type, &length, &memory, nullptr, nullptr) !=
        napi_ok) {
      *size_bytes = 0;
      return nullptr;
    }
    *size_bytes = length * sizeof(T);
    return static_cast<T*>(memory);
  }

 private:
  napi_env env_;
  napi_value values_[kCount] = {};
  Environment* environment_ = nullptr;
};

inline napi_value ToValue(napi_env env, int32_t number) {
  napi_value value;
  return napi_create_int32(env, number, &value) == napi_ok ? value : nullptr;
}

inline napi_value ToValue(napi_env env, double number) {
  napi_value value;
  return napi_create_double(env, number, &value) == napi_ok ? value : nullptr;
}

inline napi_value ToValue(napi_env env, bool flag) {
  napi_value value;
  return napi_get_boolean(env, flag, &value) == napi_ok ? value : nullptr;
}

inline napi_value ToValue(napi_env env, const char* text) {
  napi_value value;
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok ? value : nullptr;
}

}  // namespace aionode::binding

#endif  // AIONODE_BINDING_ARGUMENTS_H_
