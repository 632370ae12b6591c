// Metrics and health of a program over HTTP: /metrics for Prometheus, /livez and /readyz for supervisors such
// as Kubernetes. What a program measures is the program's affair.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/metrics/exposition.hpp"
#include "l2echo/metrics/family.hpp"
#include "l2echo/monitoring/http_server.hpp"

namespace l2echo::monitoring {

/// What a program shows while it runs. Called by the service's thread.
struct Monitored {
    std::function<metrics::Families()> families;
    /// Returns why the program is not ready, in one line without a line break; empty: it is.
    std::function<std::optional<std::string>()> not_ready_reason;
};

/// Destroy after everything that it shows, or destroy the Showing before. Before and after a Showing,
/// /metrics has only what is known of any process, and /readyz says that the program starts or stops.
class MetricsService {
  public:
    /// Listens from here on, and logs where. Throws StartupError.
    explicit MetricsService(const cli::Endpoint& endpoint);
    ~MetricsService() = default;
    MetricsService(const MetricsService&) = delete;
    MetricsService& operator=(const MetricsService&) = delete;

    /// Shows something for its lifetime.
    class Showing {
      public:
        Showing(MetricsService& service, Monitored monitored);
        ~Showing();  ///< waits until the service's thread no longer uses it
        Showing(const Showing&) = delete;
        Showing& operator=(const Showing&) = delete;

      private:
        MetricsService& service_;
    };

  private:
    using Clock = std::chrono::steady_clock;

    /// A text that is sent again if the next request comes at once.
    struct Rendered {
        Clock::time_point at;
        std::shared_ptr<const std::string> text;
    };

    Response answer(const Request& request);
    Response show_metrics(metrics::Exposition exposition);
    std::optional<std::string> not_ready_reason() const;
    void show(std::optional<Monitored> monitored, std::string reason);

    std::mutex mutex_;  ///< protects everything down to here from the thread of the server
    std::optional<Monitored> monitored_;
    std::string reason_ = "starting";   ///< why nothing is shown
    std::array<Rendered, 2> rendered_;  ///< by Exposition

    HttpServer server_;  ///< declared last, so that its thread ends first
};

}  // namespace l2echo::monitoring
