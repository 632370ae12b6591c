#include "l2echo/process/output_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace l2echo::process {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

class OutputFile : public testing::Test {
  protected:
    OutputFile() {
        std::string pattern = fs::temp_directory_path() / "l2echo-output-XXXXXX";
        root_ = mkdtemp(pattern.data());
        file_ = root_ / "result";
    }
    ~OutputFile() override { fs::remove_all(root_); }
    void expect_only_the_result() const {
        const auto files = std::distance(fs::directory_iterator(root_), fs::directory_iterator());
        EXPECT_EQ(files, fs::exists(file_) ? 1 : 0);
    }

    fs::path root_;
    fs::path file_;
};

TEST_F(OutputFile, HoldsTheTextAndKeepsItsMode) {
    std::ofstream(file_) << "an older and longer text";
    fs::permissions(file_, fs::perms(0640));
    EXPECT_EQ(replace_file(file_, "new"), 0);
    EXPECT_EQ(contents(file_), "new");
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms(0640));
    expect_only_the_result();
}

TEST_F(OutputFile, KeepsTheOldTextIfTheNewOneDoesNotFit) {
    std::ofstream(file_) << "old";
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{10, before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    const int error = replace_file(file_, "more than ten bytes");
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(error, EFBIG);
    EXPECT_EQ(contents(file_), "old");
    expect_only_the_result();
}

TEST_F(OutputFile, LeavesASymlinkInPlace) {
    std::ofstream(file_) << "old";
    const fs::path link = root_ / "link";
    fs::create_symlink("result", link);
    EXPECT_EQ(replace_file(link, "new"), 0);
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_EQ(contents(file_), "new");
}

TEST_F(OutputFile, CheckLeavesNothingBehind) {
    EXPECT_EQ(check_output_file(file_), 0);
    expect_only_the_result();
    EXPECT_EQ(check_output_file(root_ / "none" / "result"), ENOENT);
    EXPECT_EQ(check_output_file(root_), EISDIR);
    EXPECT_EQ(check_output_file(""), ENOENT);
    EXPECT_EQ(check_output_file("/dev/full"), 0);
}

TEST_F(OutputFile, WritesToDevicesDirectly) {
    EXPECT_EQ(replace_file("/dev/null", "text"), 0);
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
    EXPECT_EQ(replace_file("/dev/full", "text"), ENOSPC);
}

TEST_F(OutputFile, DoesNotWaitForeverForAReader) {
    ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
    EXPECT_EQ(check_output_file(file_), 0);
    EXPECT_EQ(replace_file(file_, "text"), ENXIO);
    EXPECT_TRUE(fs::is_fifo(file_));
}

}  // namespace
}  // namespace l2echo::process
