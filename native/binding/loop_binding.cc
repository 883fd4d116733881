// The turn driver and the timers.
#include "arguments.h"
#include "bindings.h"

namespace aionode::binding {

namespace {

// attach(memory, drain): hands over the shared memory (an object of typed arrays) and the function
// that runs JavaScript's side of a drain.
napi_value Attach(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  core::SharedState& shared = environment.loop().shared();
  const auto memory_of = [&](const char* name, size_t* length) -> void* {
    napi_value array;
    napi_typedarray_type type;
    void* memory = nullptr;
    if (napi_get_named_property(env, arguments[0], name, &array) != napi_ok ||
        napi_get_typedarray_info(env, array, &type, length, &memory, nullptr, nullptr) != napi_ok) {
      return nullptr;
    }
    return memory;
  };
  size_t unused = 0;
  shared.state = static_cast<int32_t*>(memory_of("state", &unused));
  shared.clock = static_cast<double*>(memory_of("clock", &unused));
  shared.events = static_cast<int32_t*>(memory_of("events", &unused));
  shared.due = static_cast<int32_t*>(memory_of("due", &unused));
  shared.writes = static_cast<int32_t*>(memory_of("writes", &unused));
  shared.receive_slab = static_cast<char*>(memory_of("receiveSlab", &shared.receive_slab_size));
  shared.send_slab = static_cast<const char*>(memory_of("sendSlab", &shared.send_slab_size));
  environment.Keep(arguments[0]);
  environment.set_drain_function(arguments[1]);
  return nullptr;
}

// setTimerTable(generations): the (larger) table of timer generations; JavaScript keeps it alive.
napi_value SetTimerTable(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  size_t size_bytes = 0;
  core::SharedState& shared = arguments.loop().shared();
  shared.timer_generations = arguments.Memory<uint32_t>(0, &size_bytes);
  shared.timer_capacity = size_bytes / sizeof(uint32_t);
  return nullptr;
}

napi_value Checkpoint(napi_env env, napi_callback_info info) {
  Environment::Of(env, info)->v8().Checkpoint();
  return nullptr;
}

// turn(): ends a turn; returns how many timers are due.
napi_value Turn(napi_env env, napi_callback_info info) {
  return ToValue(env, Environment::Of(env, info)->loop().Turn());
}

// checkpointAndTurn(): the checkpoint of a turn's last entry and the end of the turn in one
// crossing.
napi_value CheckpointAndTurn(napi_env env, napi_callback_info info) {
  Environment* environment = Environment::Of(env, info);
  environment->v8().Checkpoint();
  return ToValue(env, environment->loop().Turn());
}

napi_value Wake(napi_env env, napi_callback_info info) {
  Environment::Of(env, info)->loop().Wake();
  return nullptr;
}

napi_value Now(napi_env env, napi_callback_info info) {
  (void)info;
  return ToValue(env, uv::Loop::NowSeconds());
}

// timerAt(slot, deadline): deadline in seconds of now().
napi_value TimerAt(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  arguments.loop().TimerAt(arguments.Slot(0), arguments.Double(1));
  return nullptr;
}

// timerAfter(slot, delay): delay in seconds; leaves the deadline in the shared clock.
napi_value TimerAfter(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  uv::Loop& loop = arguments.loop();
  const double deadline_s = uv::Loop::NowSeconds() + arguments.Double(1);
  loop.shared().clock[core::kTimerDeadline] = deadline_s;
  loop.TimerAt(arguments.Slot(0), deadline_s);
  return nullptr;
}

napi_value SweepTimers(napi_env env, napi_callback_info info) {
  Environment::Of(env, info)->loop().SweepTimers();
  return nullptr;
}

napi_value StopTimerIfIdle(napi_env env, napi_callback_info info) {
  Environment::Of(env, info)->loop().StopTimerIfIdle();
  return nullptr;
}

// handleCount(): libuv handles that JavaScript can address, open or closing.
napi_value HandleCount(napi_env env, napi_callback_info info) {
  return ToValue(env, static_cast<int32_t>(Environment::Of(env, info)->loop().handles().in_use()));
}

}  // namespace

void ExportLoop(napi_env env, napi_value exports, Environment* environment) {
  Export(env, exports, environment,
         {{"attach", Attach},
          {"setTimerTable", SetTimerTable},
          {"turn", Turn},
          {"wake", Wake},
          {"now", Now},
          {"timerAt", TimerAt},
          {"timerAfter", TimerAfter},
          {"sweepTimers", SweepTimers},
          {"stopTimerIfIdle", StopTimerIfIdle},
          {"handleCount", HandleCount}});
  if (environment->v8().has_checkpoint()) {
    Export(env, exports, environment,
           {{"checkpoint", Checkpoint}, {"checkpointAndTurn", CheckpointAndTurn}});
    const napi_value direct = environment->v8().CheckpointFunction();
    if (direct != nullptr) napi_set_named_property(env, exports, "checkpoint", direct);
  }
}

}  // namespace aionode::binding
