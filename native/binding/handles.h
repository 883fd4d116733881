// Finds what a slot of JavaScript's stands for; nullptr once that is closed, or is of another kind.
#ifndef AIONODE_BINDING_HANDLES_H_
#define AIONODE_BINDING_HANDLES_H_

#include <cstdint>

#include "../uv/handle.h"

namespace aionode::binding {

inline uv::Handle* OpenHandle(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = loop.handles().Get(slot);
  return handle == nullptr || handle->closing() ? nullptr : handle;
}

inline uv::Stream* StreamOf(uv::Loop& loop, uint32_t slot) {
  uv::Handle* handle = OpenHandle(loop, slot);
  return handle == nullptr ? nullptr : handle->AsStream();
}

// Whether a stream or listener of this thread lives on `fd`.
inline bool IsOwnDescriptor(uv::Loop& loop, int fd) {
  bool owned = false;
  loop.handles().ForEach([&owned, fd](uv::Handle* handle) {
    if (!handle->closing() && handle->Descriptor() == fd) owned = true;
  });
  return owned && fd >= 0;
}

}  // namespace aionode::binding

#endif  // AIONODE_BINDING_HANDLES_H_
