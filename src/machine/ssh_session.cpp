#include "machine/ssh_session.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "machine/first_line.hpp"

namespace l2echo::machine {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSshPort = 22;
constexpr std::array<std::string_view, 5> kSshServers{"sshd", "sshd-session", "sshd-auth", "dropbear",
                                                      "tinysshd"};

struct Connection {
    SshSession session;
    std::string inode;
};

std::uint32_t parse_hexadecimal(std::string_view text) {
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return value;
}

/// Parses an address of /proc/net/tcp or tcp6: four-byte words in host order, in hexadecimal.
std::optional<IpAddress> parse_words(std::string_view text) {
    std::vector<std::uint32_t> words;
    for (std::size_t at = 0; at + 8 <= text.size(); at += 8)
        words.push_back(parse_hexadecimal(text.substr(at, 8)));
    return to_ip_address(words.data(), words.size() * sizeof(std::uint32_t));
}

/// Parses a row: sl local-address:port remote-address:port state queues timer retransmissions uid timeout
/// inode
std::optional<Connection> parse_row(const std::string& row) {
    std::istringstream stream(row);
    const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    constexpr std::string_view kEstablished = "01";
    if (words.size() < 10 || words[3] != kEstablished)
        return std::nullopt;
    const auto local = parse_words(words[1].substr(0, words[1].find(':')));
    const auto remote = parse_words(words[2].substr(0, words[2].find(':')));
    if (!local || !remote)
        return std::nullopt;
    const auto port_of = [](const std::string& end) {
        return static_cast<std::uint16_t>(parse_hexadecimal(end.substr(end.find(':') + 1)));
    };
    return Connection{{*local, *remote, port_of(words[1]), port_of(words[2])}, words[9]};
}

std::vector<Connection> read_connections() {
    std::vector<Connection> connections;
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(path);
        for (std::string row; std::getline(file, row);)
            if (auto connection = parse_row(row))
                connections.push_back(std::move(*connection));
    }
    return connections;
}

std::vector<fs::path> folder_entries(const fs::path& folder) {
    std::error_code none;
    std::vector<fs::path> found;
    for (auto entry = fs::directory_iterator(folder, none); entry != fs::directory_iterator();
         entry.increment(none))
        found.push_back(entry->path());
    return found;
}

/// Returns the link targets of the servers' open files; that of a socket is "socket:[INODE]".
std::set<std::string> files_of_ssh_servers() {
    std::set<std::string> files;
    std::error_code none;
    for (const fs::path& process : folder_entries("/proc"))
        if (std::ranges::count(kSshServers, first_line(process / "comm")) != 0)
            for (const fs::path& file : folder_entries(process / "fd"))
                files.insert(fs::read_symlink(file, none));
    return files;
}

/// Returns the values of SSH_CONNECTION, "CLIENT PORT SERVER PORT", which an SSH server sets in the shell of
/// each session. sudo and similar tools remove it, but the shell that started them still has it.
std::set<std::string> ssh_connection_variables() {
    constexpr std::string_view kName = "SSH_CONNECTION=";
    std::set<std::string> values;
    for (const fs::path& process : folder_entries("/proc")) {
        std::ifstream file(process / "environ");
        for (std::string variable; std::getline(file, variable, '\0');)
            if (variable.starts_with(kName))
                values.insert(variable.substr(kName.size()));
    }
    return values;
}

bool is_named(const SshSession& session, const std::string& variable) {
    std::istringstream words(variable);
    std::string client, server;
    unsigned client_port = 0, server_port = 0;
    return words >> client >> client_port >> server >> server_port && client_port == session.remote_port &&
           server_port == session.local_port && parse_ip_address(client) == session.remote &&
           parse_ip_address(server) == session.local;
}

}  // namespace

std::vector<SshSession> read_ssh_sessions() {
    const std::set<std::string> files = files_of_ssh_servers();
    const std::set<std::string> variables = ssh_connection_variables();
    std::vector<SshSession> sessions;
    for (const Connection& connection : read_connections()) {
        const SshSession& session = connection.session;
        if (session.local_port == kSshPort || files.contains("socket:[" + connection.inode + "]") ||
            std::ranges::any_of(variables, [&](const auto& text) { return is_named(session, text); }))
            sessions.push_back(session);
    }
    return sessions;
}

}  // namespace l2echo::machine
