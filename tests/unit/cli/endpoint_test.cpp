#include "l2echo/cli/endpoint.hpp"

#include <gtest/gtest.h>

#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

TEST(Endpoint, IsAnAddressWithAPortOrAPath) {
    const Endpoint ipv4 = parse_endpoint("127.0.0.1:9464", "--metrics");
    EXPECT_EQ(ipv4.address, "127.0.0.1");
    EXPECT_EQ(ipv4.port, 9464);
    const Endpoint ipv6 = parse_endpoint("[::1]:80", "--metrics");
    EXPECT_EQ(ipv6.address, "::1");
    EXPECT_EQ(ipv6.port, 80);
    const Endpoint path = parse_endpoint("unix:/run/a:9.sock", "--metrics");
    EXPECT_TRUE(path.address.empty());
    EXPECT_EQ(path.path, "/run/a:9.sock");
}

TEST(Endpoint, TextIsTheOneThatWasParsed) {
    for (const char* text : {"127.0.0.1:9464", "[::]:0", "[fe80::1]:65535", "unix:/run/metrics.sock"})
        EXPECT_EQ(format_endpoint(parse_endpoint(text, "--metrics")), text);
    EXPECT_EQ(format_endpoint({}), "");
    EXPECT_TRUE(Endpoint{}.empty());
}

TEST(Endpoint, AnythingElseIsAnErrorWithExamples) {
    for (const char* text :
         {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "localhost:9464",
          "::1:9464", "[127.0.0.1]:9464", "[::1]", "[]:1", "unix:", "256.0.0.1:1", "127.0.0.1:9464 "})
        try {
            parse_endpoint(text, "--metrics");
            ADD_FAILURE() << text << " was accepted";
        } catch (const process::UsageError& error) {
            const std::string message = error.what();
            EXPECT_TRUE(message.starts_with("--metrics: '" + std::string(text) + "' is neither")) << message;
            EXPECT_NE(message.find("127.0.0.1:9464, [::1]:9464"), std::string::npos) << message;
        }
}

}  // namespace
}  // namespace l2echo::cli
