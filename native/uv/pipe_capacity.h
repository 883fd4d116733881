// How much a pipe holds.
#ifndef AIONODE_UV_PIPE_CAPACITY_H_
#define AIONODE_UV_PIPE_CAPACITY_H_

namespace aionode::uv {

// Lets a pipe that carries much hold as much as one read takes, so that its two ends wake each
// other less often. Linux gives 64 KiB at first, and limits what all pipes of a user hold together:
// it is for pipes that have shown to be busy, and may be refused. Elsewhere the system sizes its
// pipes.
void GrowPipe(int fd);

}  // namespace aionode::uv

#endif  // AIONODE_UV_PIPE_CAPACITY_H_
