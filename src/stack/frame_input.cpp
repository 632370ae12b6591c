#include "l2echo/stack/frame_input.hpp"

namespace l2echo::stack {

FrameInput::FrameInput(const LinkSettings& link, const net::Routes& routes, net::Neighbours& neighbours,
                       Stack& stack, FrameOutput& output, const net::ReassemblySettings& reassembly,
                       std::uint64_t random, net::Micros now)
    : link_(link),
      routes_(routes),
      neighbours_(neighbours),
      stack_(stack),
      output_(output),
      reassembly_(reassembly),
      errors_(random, now),
      now_(now),
      scratch_(std::make_unique<std::byte[]>(kMaxPacket)) {}  // NOLINT(*-avoid-c-arrays)

}  // namespace l2echo::stack
