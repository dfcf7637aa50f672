// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/unprivileged_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// Real sshds of a test's own, as a user without rights where the test has some: whoever signs in there is that user,
/// and whoever runs ssh is the test's.
namespace portolan::test {

/// What both ends share: a folder with keys, and an ssh_config that tries to get in the way.
class SshPlace final
{
public:
    SshPlace() : m_folder(unprivileged::makeDirectory("portolan-sshd"))
    {
        try {
            makeKey("id");
            makeKey("locked", "opensesame");
            makeKey("stranger");
            write("auth", unprivileged::read(at("id.pub")) + unprivileged::read(at("locked.pub")));
        } catch (...) {
            std::filesystem::remove_all(m_folder);
            throw;
        }
    }
    ~SshPlace()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }
    SshPlace(const SshPlace &) = delete;
    SshPlace &operator=(const SshPlace &) = delete;

    std::string at(const std::string &name) const { return (m_folder / name).string(); }
    void write(const std::string &name, const std::string &text) const
    {
        std::ofstream(at(name), std::ios::trunc) << text;
        ::chmod(at(name).c_str(), 0644);
    }
    std::string read(const std::string &name) const { return unprivileged::read(at(name)); }

    /// A pair without passphrase, unless one is given; of the test's user.
    void makeKey(const std::string &name, const std::string &passphrase = {}) const
    {
        run({"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", at(name)});
    }
    /// A key of a server, which that must be able to read.
    void makeHostKey(const std::string &name) const
    {
        std::filesystem::remove(at(name));
        std::filesystem::remove(at(name + ".pub"));
        makeKey(name);
        if (::geteuid() == 0 &&
            ::chown(at(name).c_str(), unprivileged::user()->pw_uid, unprivileged::user()->pw_gid) != 0)
            throw std::runtime_error("cannot hand over a host key");
    }
    static std::string user()
    {
        const passwd *who = ::geteuid() == 0 ? unprivileged::user() : ::getpwuid(::geteuid());
        return who ? who->pw_name : "";
    }

    /// A host of the user's configuration.
    void addHost(const std::string &name, std::uint16_t port, const std::string &more = {},
                 const std::string &key = "id")
    {
        m_hosts += "Host " + name + "\n  HostName 127.0.0.1\n  Port " + std::to_string(port) + "\n  User " + user() +
                   "\n  IdentityFile " + at(key) + "\n  IdentitiesOnly yes\n  UserKnownHostsFile " + at("known") +
                   "\n" + more;
        // What people have there, and what must not reach a tunnel.
        write("config", "StrictHostKeyChecking no\nLogLevel QUIET\nHashKnownHosts yes\nControlMaster auto\n"
                        "ControlPath " +
                            at("theirs") +
                            "\nControlPersist yes\nRequestTTY yes\nRemoteCommand date\n"
                            "LocalForward " +
                            at("leaked") + " 127.0.0.1:1\nForwardAgent yes\n" + m_hosts);
    }
    void know(std::uint16_t port, const std::string &hostKey) const
    {
        std::ofstream(at("known"), std::ios::app) << "[127.0.0.1]:" << port << ' ' << read(hostKey + ".pub");
    }

    /// Runs a program to its end. Throws unless it ends well.
    static void run(const std::vector<std::string> &words)
    {
        std::vector<char *> argv;
        for (const auto &word : words)
            argv.push_back(const_cast<char *>(word.c_str()));
        argv.push_back(nullptr);
        pid_t child = 0;
        int status = 1;
        if (::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ) != 0 ||
            ::waitpid(child, &status, 0) != child || status != 0)
            throw std::runtime_error(words[0] + " failed");
    }

private:
    const std::filesystem::path m_folder;
    std::string m_hosts;
};

/// One sshd on a free loopback port. Throws std::runtime_error with its log when it does not come up, so a test without
/// it fails instead of being skipped.
class SshdFixture final
{
public:
    /// `lines`: of sshd_config, before the others, so they win.
    SshdFixture(const SshPlace &place, std::string name, std::string lines = {})
        : m_place(place), m_name(std::move(name)), m_lines(std::move(lines)), m_port(freePort())
    {
        m_place.makeHostKey(m_name + "-host");
        start();
    }
    ~SshdFixture() { kill(); }
    SshdFixture(const SshdFixture &) = delete;
    SshdFixture &operator=(const SshdFixture &) = delete;

    std::uint16_t port() const { return m_port; }
    std::string hostKey() const { return m_name + "-host"; }
    std::string log() const { return m_place.read(m_name + ".log"); }
    pid_t pid() const { return m_pid; }

    void start()
    {
        m_place.write(m_name + ".conf", m_lines + "\nPort " + std::to_string(m_port) +
                                            "\nListenAddress 127.0.0.1\nHostKey " + m_place.at(hostKey()) +
                                            "\nAuthorizedKeysFile " + m_place.at("auth") +
                                            "\nStrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
                                            "KbdInteractiveAuthentication no\nMaxStartups 100\n");
        m_pid = unprivileged::launch({program(), "-D", "-e", "-f", m_place.at(m_name + ".conf")},
                                     m_place.at(m_name + ".log"), SIGTERM);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!answers()) {
            if (::waitpid(m_pid, nullptr, WNOHANG) == m_pid || std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("sshd did not start: " + log());
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    void kill() ///< it and who is signed in there, at once
    {
        if (m_pid <= 0)
            return;
        all(SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
        m_pid = 0;
    }
    void pause() const { all(SIGSTOP); }
    void resume() const { all(SIGCONT); }

    static std::uint16_t freePort()
    {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        const bool bound = ::bind(socket, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 &&
                           ::getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size) == 0;
        ::close(socket);
        if (!bound)
            throw std::runtime_error("no free loopback port");
        return ntohs(address.sin_port);
    }

    /// The processes that `root` started, and those they did.
    static std::vector<pid_t> childrenOf(pid_t root)
    {
        std::multimap<pid_t, pid_t> byParent;
        for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
            const std::string name = entry.path().filename();
            if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); }))
                continue;
            const std::string stat = unprivileged::read(entry.path() / "stat");
            const auto end = stat.rfind(") ");
            if (end != std::string::npos && stat.size() > end + 4)
                byParent.emplace(pid_t(std::atoi(stat.c_str() + end + 4)), pid_t(std::stoi(name)));
        }
        std::vector<pid_t> found;
        std::vector<pid_t> next{root};
        while (!next.empty()) {
            const auto [from, to] = byParent.equal_range(next.back());
            next.pop_back();
            for (auto child = from; child != to; ++child) {
                found.push_back(child->second);
                next.push_back(child->second);
            }
        }
        return found;
    }

private:
    static std::string program()
    {
        for (const char *path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd"})
            if (::access(path, X_OK) == 0)
                return path; // sshd starts itself again, by its whole path
        throw std::runtime_error("sshd is not installed");
    }
    bool answers() const
    {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(m_port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool connected = ::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0;
        ::close(socket);
        return connected;
    }
    void all(int number) const
    {
        const auto children = childrenOf(m_pid);
        ::kill(m_pid, number);
        for (const pid_t child : children)
            ::kill(child, number);
    }

    const SshPlace &m_place;
    const std::string m_name;
    const std::string m_lines;
    const std::uint16_t m_port;
    pid_t m_pid = 0;
};

} // namespace portolan::test
