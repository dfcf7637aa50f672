// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/dial.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// How the system's ssh is called. What the user has configured works: ~/.ssh/config, agents, hardware keys, jump
/// hosts, ProxyCommand, known_hosts. What would let it ask, trust by itself or open more than was asked for is
/// overruled.
namespace portolan::net {

struct SshOptions
{
    std::string program = "ssh";              ///< by its whole path, or its name in PATH
    std::string userConfig = "~/.ssh/config"; ///< an absolute path, or one that begins with "~/"
    std::string systemConfig = "/etc/ssh/ssh_config";
    std::string runtimeFolder{};                   ///< for sockets, $XDG_RUNTIME_DIR; empty, or too long: /tmp
    std::vector<std::string> environment{};        ///< all that ssh sees: sshEnvironment()
    std::chrono::milliseconds firstDial{15'000};   ///< a dial at most, while ssh has yet to connect
    std::chrono::milliseconds laterDial{5'000};    ///< and once it has
    std::chrono::milliseconds firstPause{1'000};   ///< before ssh is started again; doubles from failure to failure
    std::chrono::milliseconds longestPause{5'000}; ///< up to this
    /// The longest where the same would be said again until somebody has done something: a server that counts refused
    /// sign-ins may shut its door.
    std::chrono::milliseconds mendedPause{60'000};
    std::chrono::milliseconds unused{60'000}; ///< a forward that nobody dials is taken back after this
    std::chrono::seconds alive{15};           ///< a far end silent for twice this is gone
    std::size_t forwards = 64;                ///< at a time
};

/// What of our own environment ssh and what it runs may see: all but our settings and what is a secret by its name.
/// Names of AWS stay, which a ProxyCommand may need. `ours`: each "NAME=value".
std::vector<std::string> sshEnvironment(const std::vector<std::string> &ours);
std::vector<std::string> sshEnvironment(); ///< of this process

/// As this process is set up: its environment and its folder for sockets.
SshOptions systemSshOptions();

/// Whether `host` ("bastion", "deploy@10.0.0.2") can be an argument of ssh: it begins with no '-' and holds nothing
/// that a shell would read, as OpenSSH has it since 9.6; older ones hand it to the shell of a ProxyCommand. Invalid
/// "tunnel-ssh-name".
Result<void> checkSshHost(std::string_view host);

/// The far side of a forward as -L takes it: "shop:6379", "[::1]:80", "/run/redis.sock". Invalid "tunnel-ssh-name": it
/// holds what -L would read as something else.
Result<std::string> forwardTo(const Target &target);

/// The text of the configuration ssh is started with, by -F, which it hands to the jump hosts it starts. The first
/// value of an option wins, so what stands here overrules the user's.
std::string sshConfig(const SshOptions &options);

/// `text` as one word of a shell.
std::string shellWord(std::string_view text);

/// A folder of our own (mode 0700) for sockets, removed with its owner.
class SshFolder final
{
public:
    /// Unavailable "tunnel-ssh-failed".
    static Result<SshFolder> make(const SshOptions &options);
    SshFolder(SshFolder &&other) noexcept : m_path(std::exchange(other.m_path, {})) {}
    SshFolder &operator=(SshFolder &&) = delete;
    ~SshFolder();
    std::string at(std::string_view name) const { return (m_path / name).string(); }
    Result<std::string> write(std::string_view name, std::string_view text) const; ///< its path; mode 0600

private:
    explicit SshFolder(std::filesystem::path path) : m_path(std::move(path)) {}
    std::filesystem::path m_path;
};

} // namespace portolan::net
