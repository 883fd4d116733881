#include "harness.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace aionode::test {

namespace {

struct Case {
  const char* sentence;
  void (*body)();
};

// Inside functions, because cases register themselves before main, in files of any order.
std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

std::string& Context() {
  static std::string context;
  return context;
}

}  // namespace

Registration::Registration(const char* sentence, void (*body)()) {
  Cases().push_back(Case{sentence, body});
}

void SetContext(const std::string& context) { Context() = context; }

void Fail(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  if (!Context().empty()) std::fprintf(stderr, "  with %s\n", Context().c_str());
  std::fflush(nullptr);
  std::_Exit(1);
}

}  // namespace aionode::test

int main() {
  for (const auto& test : aionode::test::Cases()) {
    std::printf("%s\n", test.sentence);
    std::fflush(stdout);
    aionode::test::SetContext("");
    test.body();
  }
  std::printf("%zu passed\n", aionode::test::Cases().size());
  return 0;
}
