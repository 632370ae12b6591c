#include "probe/run/checker.hpp"

namespace l2echo::probe {

Checker::Checker(const Traffic& traffic, std::vector<SeenNumbers>& seen, std::uint16_t port,
                 std::uint16_t queue, std::uint16_t burst)
    : traffic_(traffic),
      port_(port),
      queue_(queue),
      burst_(burst),
      gathered_(traffic.largest_size()),
      expected_(traffic.largest_size()),
      streams_(seen.begin(), seen.end()) {}

}  // namespace l2echo::probe
