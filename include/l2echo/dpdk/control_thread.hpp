// An EAL control thread, which EAL keeps off the lcores' CPUs if it can.
#pragma once

#include <pthread.h>

#include <functional>

namespace l2echo::dpdk {

class ControlThread {
  public:
    /// `name` may have at most 15 characters. Throws StartupError.
    ControlThread(const char* name, std::function<void()> body);
    ~ControlThread();  ///< joins the thread
    ControlThread(const ControlThread&) = delete;
    ControlThread& operator=(const ControlThread&) = delete;

  private:
    std::function<void()> body_;
    pthread_t thread_{};
};

}  // namespace l2echo::dpdk
