#include "waker.h"

#include <mutex>
#include <unordered_map>

namespace aionode::uv {

namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<uint32_t, uv_async_t*> wakers;
  uint32_t last_id = 0;
};

// Never destroyed: threads may still look into it while the process ends.
Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

}  // namespace

Waker* Waker::Create(Loop* loop, int* status) {
  Waker* waker = new Waker(loop);
  *status = uv_async_init(loop->uv_loop(), &waker->async_, OnWoken);
  if (*status < 0) {
    waker->Discard();
    return nullptr;
  }
  waker->Opened();
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  waker->id_ = ++registry.last_id;
  registry.wakers.emplace(waker->id_, &waker->async_);
  return waker;
}

bool Waker::Wake(uint32_t id) {
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto found = registry.wakers.find(id);
  return found != registry.wakers.end() && uv_async_send(found->second) == 0;
}

void Waker::BeforeClose() {
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.wakers.erase(id_);
}

void Waker::OnWoken(uv_async_t* async) {
  Waker* self = static_cast<Waker*>(async->data);
  self->loop()->Emit(core::kWoken, self->slot(), 0, 0);
}

}  // namespace aionode::uv
