// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/ssh_options.h"

#include "core/base/child_process.h"
#include "core/base/masking.h"
#include "core/net/coded.h"

#include <boost/asio/ip/address.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace portolan::net {

namespace {

constexpr std::size_t longestHost = 255;
/// Of a folder: ssh makes its control socket under a name that is 18 bytes longer than ours before it moves it there.
constexpr std::size_t longestFolder = sizeof(sockaddr_un::sun_path) - 1 - 24;

bool isPrintable(char c) { return c > ' ' && c != '\x7f'; }

bool isPlain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("/._-+@,", c);
}

Error unfit(std::string_view host, const char *what)
{
    return coded(ErrorKind::Invalid, "tunnel-ssh-name", "'" + quotable(host) + "' " + what + ".",
                 "Write a name of ~/.ssh/config, a host name or an address.");
}

Error noFolder(const std::string &path, int failed)
{
    return coded(ErrorKind::Unavailable, "tunnel-ssh-failed",
                 "No folder for the sockets of ssh can be made in " + path + ": " + std::strerror(failed) + ".",
                 "Look at its rights and its space.");
}

/// `<runtime>/portolan`, where it is ours alone.
std::string ownRuntimeFolder(const std::string &runtime)
{
    const std::string path = runtime + "/portolan";
    struct stat status
    {};
    const bool fits =
        runtime.starts_with('/') && path.size() + 9 <= longestFolder && std::ranges::all_of(path, isPlain);
    if (!fits || (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST))
        return {};
    const bool ours = ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
                      (status.st_mode & 0077) == 0;
    return ours ? path : std::string();
}

} // namespace

std::vector<std::string> sshEnvironment(const std::vector<std::string> &ours)
{
    std::vector<std::string> environment;
    for (const auto &variable : ours) {
        const std::string_view name = std::string_view(variable).substr(0, variable.find('='));
        const bool its = name.starts_with("AWS_") || name.starts_with("SSH_");
        if (!name.starts_with("PORTAL") && !name.starts_with("PORTOLAN") && !name.starts_with("SSH_ASKPASS") &&
            (its || !isSecretName(name)))
            environment.push_back(variable);
    }
    return environment;
}

std::vector<std::string> sshEnvironment()
{
    std::vector<std::string> ours;
    for (char **variable = ::environ; variable && *variable; ++variable)
        ours.emplace_back(*variable);
    return sshEnvironment(ours);
}

SshOptions systemSshOptions()
{
    SshOptions options;
    options.environment = sshEnvironment();
    if (const char *folder = std::getenv("XDG_RUNTIME_DIR"))
        options.runtimeFolder = folder;
    return options;
}

Result<void> checkSshHost(std::string_view host)
{
    const auto at = host.rfind('@');
    const auto name = at == host.npos ? host : host.substr(at + 1);
    if (name.empty() || host.size() > longestHost)
        return unfit(host, "is no host");
    if (host.front() == '-' || name.front() == '-')
        return unfit(host, "begins as an option does");
    const auto fits = [](char c) { return isPrintable(c) && !std::strchr("'`\"$\\;&<>|(){}", c); };
    if (!std::ranges::all_of(host, fits) || at == 0)
        return unfit(host, "holds what no host does");
    return Result<void>();
}

Result<std::string> forwardTo(const Target &target)
{
    if (!target.path.empty()) {
        const auto fits = [](char c) { return isPrintable(c) && !std::strchr(":\\%$[]", c); };
        if (target.path.front() != '/' || target.path.size() >= sizeof(sockaddr_un::sun_path) ||
            !std::ranges::all_of(target.path, fits))
            return coded(ErrorKind::Invalid, "tunnel-ssh-name",
                         "'" + quotable(target.path) + "' is no path that ssh can forward to.",
                         "Write a whole path of at most 107 bytes, without blanks, ':', '%' and '$'.");
        return target.path;
    }
    error_code noAddress;
    const auto address = asio::ip::make_address(target.host, noAddress);
    const std::string port = ":" + std::to_string(target.port);
    if (!noAddress && target.port != 0)
        return address.is_v6() ? "[" + address.to_string() + "]" + port : address.to_string() + port;
    const auto fits = [](char c) { return isPlain(c) && !std::strchr("/+@,", c); };
    if (target.port == 0 || target.host.empty() || target.host.size() > longestHost || target.host.front() == '-' ||
        !std::ranges::all_of(target.host, fits))
        return coded(ErrorKind::Invalid, "tunnel-ssh-name",
                     "'" + quotable(target.host) + "' cannot be reached through ssh.",
                     "Write a host name or an address, and a port.");
    return target.host + port;
}

std::string sshConfig(const SshOptions &options)
{
    const auto alive = std::to_string(options.alive.count());
    std::string text = "StrictHostKeyChecking yes\n" // a key is confirmed here, never taken in silence
                       "BatchMode yes\n"
                       "ServerAliveInterval " +
                       alive +
                       "\n"
                       "ServerAliveCountMax 2\n"
                       "ConnectTimeout 10\n"
                       "ClearAllForwardings yes\n"
                       "PermitLocalCommand no\n"
                       "ForwardAgent no\n"
                       "ForwardX11 no\n"
                       "Tunnel no\n"
                       "GatewayPorts no\n"
                       "ControlPath none\n"
                       "ControlMaster no\n"
                       "ControlPersist no\n" // it would go on without us
                       "ForkAfterAuthentication no\n"
                       "UpdateHostKeys no\n"
                       "RequestTTY no\n"
                       "RemoteCommand none\n"
                       "VisualHostKey no\n"
                       "StreamLocalBindMask 0177\n"
                       "Match all\n";
    for (const auto &config : {options.userConfig, options.systemConfig})
        if (config.starts_with('/') || config.starts_with("~/"))
            text += "Include \"" + config + "\"\n";
    return text;
}

std::string shellWord(std::string_view text)
{
    if (!text.empty() && std::ranges::all_of(text, [](char c) { return isPlain(c) || c == ':'; }))
        return std::string(text);
    std::string word = "'";
    for (const char c : text)
        word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

Result<SshFolder> SshFolder::make(const SshOptions &options)
{
    // Not TMPDIR: it may be long, and the path of a socket has at most 107 bytes.
    const std::string own = ownRuntimeFolder(options.runtimeFolder);
    std::string path = own.empty() ? "/tmp/portolan-XXXXXX" : own + "/t-XXXXXX";
    if (!::mkdtemp(path.data()))
        return noFolder(own.empty() ? "/tmp" : own, errno);
    return SshFolder(path);
}

SshFolder::~SshFolder()
{
    std::error_code ignored;
    if (!m_path.empty())
        std::filesystem::remove_all(m_path, ignored);
}

Result<std::string> SshFolder::write(std::string_view name, std::string_view text) const
{
    const std::string path = at(name);
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return noFolder(m_path.string(), errno);
    return path;
}

} // namespace portolan::net
