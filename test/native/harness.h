// A test harness small enough to need no download: TEST("sentence") { CHECK(condition); }.
// A failed check ends the program, since what follows it would report consequences only.
#ifndef AIONODE_TEST_NATIVE_HARNESS_H_
#define AIONODE_TEST_NATIVE_HARNESS_H_

#include <cstdint>
#include <random>
#include <string>

namespace aionode::test {

struct Registration {
  Registration(const char* sentence, void (*body)());
};

// Printed with a failed check: what a random test needs to be run again, its seed for instance.
void SetContext(const std::string& context);

[[noreturn]] void Fail(const char* file, int line, const char* condition);

// Standard distributions differ between libraries; the engine does not, so a seed means one
// sequence.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) { SetContext("seed " + std::to_string(seed)); }

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(engine_()) % limit; }

 private:
  std::mt19937 engine_;
};

}  // namespace aionode::test

#define AIONODE_JOIN_(a, b) a##b
#define AIONODE_JOIN(a, b) AIONODE_JOIN_(a, b)

#define TEST(sentence)                                                           \
  static void AIONODE_JOIN(Test, __LINE__)();                                    \
  static const aionode::test::Registration AIONODE_JOIN(registration, __LINE__)( \
      sentence, AIONODE_JOIN(Test, __LINE__));                                   \
  static void AIONODE_JOIN(Test, __LINE__)()

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : aionode::test::Fail(__FILE__, __LINE__, #condition))

#endif  // AIONODE_TEST_NATIVE_HARNESS_H_
