#include "l2echo/engine/counter_set.hpp"

namespace l2echo::engine {

verdict::FrameCounts CounterSet::read() const noexcept {
    verdict::FrameCounts counts;
    for (const verdict::CountRow& row : verdict::kCountTable)
        counts[row.count] = read(row.count);
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        counts[row.reason] = read(row.reason);
    return counts;
}

}  // namespace l2echo::engine
