#include "probe/search/sweep_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "l2echo/process/error.hpp"
#include "sample_sweep.hpp"

namespace l2echo::probe {
namespace {

namespace fs = std::filesystem;

class SweepFolder : public testing::Test {
  protected:
    SweepFolder() {
        std::string pattern = fs::temp_directory_path() / "l2echo-sweep-XXXXXX";
        root_ = mkdtemp(pattern.data());
    }
    ~SweepFolder() override { fs::remove_all(root_); }

    std::string contents(const char* name) const {
        std::ostringstream text;
        text << std::ifstream(root_ / name).rdbuf();
        return text.str();
    }

    void expect_refused(const fs::path& folder, const char* words) const {
        try {
            make_sweep_folder(folder);
            FAIL() << folder;
        } catch (const process::StartupError& error) {
            EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
        }
    }

    fs::path root_;
};

TEST_F(SweepFolder, IsCreatedEmpty) {
    make_sweep_folder(root_ / "a" / "b");
    EXPECT_TRUE(fs::is_empty(root_ / "a" / "b"));
    make_sweep_folder(root_ / "a" / "b");
}

TEST_F(SweepFolder, RejectsAFolderThatCannotBeWritten) {
    std::ofstream(root_ / "file") << "text";
    expect_refused(root_ / "file", "name a folder that can be written to");
    expect_refused(root_ / "file" / "below", "name a folder that can be written to");
    expect_refused("/proc/self", "name a folder that can be written to");
}

TEST_F(SweepFolder, KeepsEarlierResults) {
    write_sweep(root_, sample_sweep());
    expect_refused(root_, "is the result of another sweep");
    EXPECT_EQ(contents("sweep.json"), render_json(sample_sweep()));
}

TEST_F(SweepFolder, HoldsTablesAndAHistogramForEachLoad) {
    write_sweep(root_, sample_sweep());
    EXPECT_EQ(contents("sweep.md"), render_markdown(sample_sweep()));
    for (const char* name : {"round_trip_64_load_00.hgrm", "round_trip_64_load_50.hgrm"})
        EXPECT_FALSE(contents(name).empty()) << name;
    EXPECT_NE(contents("round_trip_64_load_50.hgrm").find("2.007 0.999900000000       9999       10000.00\n"),
              std::string::npos);
}

TEST_F(SweepFolder, FindsThePlotScriptInTheSourceTreeOrWhereItIsInstalled) {
    EXPECT_EQ(find_plot_script(root_ / "bin" / "l2_probe"), fs::path());
    for (const char* folder : {"libexec/l2echo", "scripts"}) {
        fs::create_directories(root_ / folder);
        std::ofstream(root_ / folder / "plot") << "#!/bin/sh\n";
        EXPECT_EQ(find_plot_script(root_ / "bin" / "l2_probe"), root_ / folder / "plot");
    }
    EXPECT_EQ(find_plot_script("bin/l2_probe"), fs::path());
}

TEST_F(SweepFolder, FileThatCannotBeWrittenIsAnError) {
    fs::create_directory(root_ / "sweep.md");
    EXPECT_THROW(write_sweep(root_, sample_sweep()), std::runtime_error);
}

}  // namespace
}  // namespace l2echo::probe
