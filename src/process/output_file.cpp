#include "l2echo/process/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/output.hpp"

namespace l2echo::process {
namespace {

/// A temporary file in the folder of its target. The destructor deletes it unless it has replaced the target.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::filesystem::path target)
        : target_(std::move(target)),
          path_(fmt::format("{}.{}.{}.part", target_.string(), getpid(),
                            std::chrono::steady_clock::now().time_since_epoch().count())),
          file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)),
          error_(file_.valid() ? 0 : errno) {}
    ~TemporaryFile() {
        if (file_.valid() && !in_place_)
            unlink(path_.c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    int error() const noexcept { return error_; }

    int become(std::string_view text, const struct stat* old) {
        if (old != nullptr)
            fchmod(file_.get(), old->st_mode & 07777);  // best effort
        if (const int error = write_all(file_.get(), text); error != 0)
            return error;
        if (fsync(file_.get()) != 0)  // some file systems report a full disk only here
            return errno;
        if (std::rename(path_.c_str(), target_.c_str()) != 0)
            return errno == EBUSY ? write_over(text) : errno;
        in_place_ = true;
        return 0;
    }

  private:
    /// Overwrites the target in place: a mount point, such as a file mounted into a container, cannot be
    /// replaced. The temporary file has just shown that the text fits on the disk.
    int write_over(std::string_view text) const noexcept {
        const FileDescriptor target(open(target_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
        return target.valid() ? write_all(target.get(), text) : errno;
    }

    std::filesystem::path target_;
    std::string path_;
    FileDescriptor file_;
    int error_;
    bool in_place_ = false;
};

/// Returns the descriptor of stdout or stderr if it is this file, otherwise -1. Character devices return -1
/// because they can be reopened.
int standard_descriptor_of(const struct stat& file) noexcept {
    if (S_ISCHR(file.st_mode))
        return -1;
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO})
        if (struct stat standard{}; fstat(descriptor, &standard) == 0 && standard.st_dev == file.st_dev &&
                                    standard.st_ino == file.st_ino)
            return descriptor;
    return -1;
}

/// Waits up to one second for a FIFO to get a reader.
int write_to_special(const std::string& path, std::string_view text) {
    constexpr std::chrono::milliseconds kPoll{10};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    for (;;) {
        const FileDescriptor file(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        const int error = file.valid() ? 0 : errno;
        if (file.valid())
            return write_all(file.get(), text);
        if (error != ENXIO || std::chrono::steady_clock::now() > deadline)
            return error;
        std::this_thread::sleep_for(kPoll);
    }
}

/// Only checks if `text` is null.
int replace_or_check(const std::string& path, const std::string_view* text) {
    struct stat old {};
    const bool exists = stat(path.c_str(), &old) == 0;
    if (!exists && errno != ENOENT)
        return errno;
    if (exists) {
        if (const int descriptor = standard_descriptor_of(old); descriptor >= 0)
            return text != nullptr ? write_all(descriptor, *text) : 0;
        if (S_ISDIR(old.st_mode))
            return EISDIR;
        if (access(path.c_str(), W_OK) != 0)
            return errno;
        if (!S_ISREG(old.st_mode))
            return text != nullptr ? write_to_special(path, *text) : 0;
    }
    TemporaryFile file(std::filesystem::weakly_canonical(path));  // a symbolic link stays a link
    if (file.error() != 0 || text == nullptr)
        return file.error();
    return file.become(*text, exists ? &old : nullptr);
}

int without_exception(const std::string& path, const std::string_view* text) noexcept {
    try {
        return path.empty() ? ENOENT : replace_or_check(path, text);
    } catch (const std::system_error& error) {
        return error.code().value();
    } catch (const std::exception&) {
        return ENOMEM;
    }
}

}  // namespace

int replace_file(const std::string& path, std::string_view text) noexcept {
    return without_exception(path, &text);
}

int check_output_file(const std::string& path) noexcept {
    return without_exception(path, nullptr);
}

}  // namespace l2echo::process
