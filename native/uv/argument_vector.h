// Strings as the system takes them for a new process: pointers, and a null pointer behind the last.
#ifndef AIONODE_UV_ARGUMENT_VECTOR_H_
#define AIONODE_UV_ARGUMENT_VECTOR_H_

#include <string>
#include <vector>

namespace aionode::uv {

// Points into `strings`, which have to outlive it; who takes it changes nothing there.
inline std::vector<char*> ArgumentVector(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& one : strings) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace aionode::uv

#endif  // AIONODE_UV_ARGUMENT_VECTOR_H_
