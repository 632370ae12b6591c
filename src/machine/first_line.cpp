#include "machine/first_line.hpp"

#include <fstream>

namespace l2echo::machine {

std::string first_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace l2echo::machine
