// The sizes that docs/tcp.md states.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

std::string documented() {
    std::stringstream text;
    text << std::ifstream(L2ECHO_SOURCE_ROOT "/docs/tcp.md").rdbuf();
    return text.str();
}

TEST(ConnectionMemory, OfAnIdleConnectionIsTheObject) {
    OneEnd end;
    end.establish();
    EXPECT_EQ(end->info().arena_bytes, 0U);
    EXPECT_NE(documented().find("unacknowledged | " + std::to_string(sizeof(Connection)) + " |"),
              std::string::npos);
}

TEST(ConnectionMemory, OfTheFirstBytesIsAsDocumented) {
    OneEnd end;
    end.establish();
    end.receive_next("unread");
    EXPECT_EQ(end.arena.size() - end.arena.free_bytes(), 4096U);
    EXPECT_NE(documented().find("`Settings::min_buffer` | + 4096 |"), std::string::npos);
    end.write("in flight");
    EXPECT_EQ(end.arena.size() - end.arena.free_bytes(), 4096U + 4096U + 256U);
    EXPECT_NE(documented().find("a ring of 8 records | + 4096 + 256 |"), std::string::npos);
    wire::TcpHeader behind = end.ack(OneEnd::kOurs + 1);
    behind.sequence += 10;
    end.receive(behind, "x");
    EXPECT_EQ(end.arena.size() - end.arena.free_bytes(), 4096U + 4096U + 256U + 512U);
    EXPECT_NE(documented().find("a list of 32 intervals | + 512 |"), std::string::npos);
    end.drain();
}

TEST(ConnectionMemory, OfABusyConnectionIsBounded) {
    OneEnd end(std::size_t{64} << 20);
    end.settings.window_scaling = true;
    end.establish(milliseconds(20));
    // Both windows grow while both ends keep up.
    for (int round = 0; round < 14; ++round) {
        end->write(bytes_of(std::string(end->writable(), 'x')));
        end.drain();
        end.pass(milliseconds(20));
        std::uint32_t rest = end->info().receive_window;
        while (rest > 0) {
            const std::uint32_t part = std::min(rest, 1460U);
            end.receive_next(std::string(part, 'x'));
            rest -= part;
            end.read();
            end.drain();
        }
    }
    // Then neither reads.
    end->write(bytes_of(std::string(end->writable(), 'x')));
    end.drain();
    end.receive_next(std::string(std::min<std::uint32_t>(end->info().receive_window, 65'000), 'x'));
    while (end->info().receive_window > 0)
        end.receive_next(std::string(std::min<std::uint32_t>(end->info().receive_window, 65'000), 'x'));
    const std::size_t used = end.arena.size() - end.arena.free_bytes();
    EXPECT_LE(used, (4U << 20) + (4U << 20) + (512U << 10));
    EXPECT_GT(used, 4U << 20);
    EXPECT_NE(documented().find("| + 4 MiB + 4 MiB + 512 KiB |"), std::string::npos);
}

}  // namespace
}  // namespace l2echo::tcp
