#include "l2echo/dpdk/control_thread.hpp"

#include <fmt/format.h>
#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>

#include "l2echo/dpdk/result.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

// Between 22.11 and 24.03, rte_thread_create_control() replaced rte_ctrl_thread_create(); both create a
// pthread.
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
std::uint32_t run_body(void* body) {
    (*static_cast<std::function<void()>*>(body))();
    return 0;
}

int create(pthread_t* thread, const char* name, std::function<void()>* body) {
    rte_thread_t id{};
    const int result = rte_thread_create_control(&id, name, run_body, body);
    *thread = static_cast<pthread_t>(id.opaque_id);
    return result;
}
#else
void* run_body(void* body) {
    (*static_cast<std::function<void()>*>(body))();
    return nullptr;
}

int create(pthread_t* thread, const char* name, std::function<void()>* body) {
    return rte_ctrl_thread_create(thread, name, nullptr, run_body, body);
}
#endif

}  // namespace

ControlThread::ControlThread(const char* name, std::function<void()> body) : body_(std::move(body)) {
    throw_if_failed(create(&thread_, name, &body_), fmt::format("creating the control thread {}", name));
}

ControlThread::~ControlThread() {
    pthread_join(thread_, nullptr);
}

}  // namespace l2echo::dpdk
