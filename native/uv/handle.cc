#include "handle.h"

namespace aionode::uv {

void Handle::Opened() {
  raw()->data = this;
  ++loop_->open_handles_;
}

void Handle::Discard() {
  loop_->handles().Release(slot_);
  delete this;
}

void Handle::AddToBatch(const char*, size_t) {}

void Handle::SetRef(bool ref) {
  if (ref) {
    uv_ref(raw());
  } else {
    uv_unref(raw());
  }
}

int Handle::Descriptor() {
#ifdef _WIN32
  return -1;
#else
  uv_os_fd_t fd;
  return uv_fileno(raw(), &fd) == 0 ? fd : -1;
#endif
}

void Handle::Close() {
  if (closing_) return;
  closing_ = true;
  BeforeClose();
  uv_close(raw(), OnClosed);
  AfterClose();
}

void Handle::OnClosed(uv_handle_t* handle) {
  Handle* self = static_cast<Handle*>(handle->data);
  Loop* loop = self->loop_;
  loop->Emit(core::kClosed, self->slot_, 0, 0);
  loop->handles().Release(self->slot_);
  delete self;
  loop->OnHandleClosed();
}

}  // namespace aionode::uv
