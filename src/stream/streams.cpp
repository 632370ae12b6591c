#include "l2echo/stream/streams.hpp"

namespace l2echo::stream {

// Here, so that one object has the tables of the virtual functions.
Streams::~Streams() = default;
Service::~Service() = default;

}  // namespace l2echo::stream
