#include "l2echo/monitoring/metrics_service.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "l2echo/dpdk/log.hpp"
#include "monitoring/program_metrics.hpp"

namespace l2echo::monitoring {
namespace {

/// However many scrapers there are, the text is rendered this often at most.
constexpr std::chrono::milliseconds kMaxAge{10};

}  // namespace

MetricsService::MetricsService(const cli::Endpoint& endpoint)
    : server_("--metrics", endpoint, [this](const Request& request) { return answer(request); }) {
    const cli::Endpoint& where = server_.endpoint();
    dpdk::log_info("Metrics: {}",
                   where.path.empty()
                       ? fmt::format("http://{}/metrics", cli::format_endpoint(where))
                       : fmt::format("curl --unix-socket {} http://localhost/metrics", where.path));
}

Response MetricsService::answer(const Request& request) {
    const std::lock_guard lock(mutex_);
    if (request.path == "/metrics")
        return show_metrics(metrics::negotiate(request.accept));
    if (request.path == "/livez")
        return text_response(200, "alive\n");
    if (request.path == "/readyz") {
        const std::optional<std::string> reason = not_ready_reason();
        return reason ? text_response(503, *reason + "\n") : text_response(200, "ready\n");
    }
    return text_response(404, "There are /metrics, /livez and /readyz.\n");
}

std::optional<std::string> MetricsService::not_ready_reason() const {
    return monitored_ ? monitored_->not_ready_reason() : reason_;
}

Response MetricsService::show_metrics(metrics::Exposition exposition) {
    Rendered& rendered = rendered_.at(static_cast<std::size_t>(exposition));
    if (!rendered.text || Clock::now() - rendered.at >= kMaxAge) {
        metrics::Families families = program_metrics();
        families.push_back({"l2echo_ready",
                            metrics::Type::Gauge,
                            "1 if /readyz says so",
                            {{{}, static_cast<std::uint64_t>(!not_ready_reason())}}});
        if (monitored_) {
            metrics::Families shown = monitored_->families();
            families.insert(families.end(), std::make_move_iterator(shown.begin()),
                            std::make_move_iterator(shown.end()));
        }
        rendered = {Clock::now(), std::make_shared<const std::string>(metrics::render(families, exposition))};
    }
    return {.content_type = metrics::content_type(exposition), .body = rendered.text};
}

void MetricsService::show(std::optional<Monitored> monitored, std::string reason) {
    const std::lock_guard lock(mutex_);
    monitored_ = std::move(monitored);
    reason_ = std::move(reason);
    rendered_ = {};
}

MetricsService::Showing::Showing(MetricsService& service, Monitored monitored) : service_(service) {
    service_.show(std::move(monitored), {});
}

MetricsService::Showing::~Showing() {
    service_.show(std::nullopt, "stopping");
}

}  // namespace l2echo::monitoring
