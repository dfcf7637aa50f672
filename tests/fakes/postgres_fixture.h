// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/unprivileged_process.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>

namespace portolan {

/// A real PostgreSQL of a test's own, in a temporary directory that goes with it, on a Unix socket only, trusting
/// whoever reaches that. Started as an unprivileged user when the test runs as root, which PostgreSQL refuses. Throws
/// std::runtime_error with the server's log when it does not come up, so a test without PostgreSQL fails instead of
/// being skipped. The server dies with the thread that started it. Its text sorts by ICU's English rules, as
/// production's may.
class PostgresFixture final
{
public:
    /// `settings` as for `postgres -c`: {"max_connections=20"}.
    explicit PostgresFixture(std::vector<std::string> settings = {}) : m_settings(std::move(settings))
    {
        m_directory = unprivileged::makeDirectory("pg");
        try {
            const int done =
                run({tool("initdb"), "--pgdata=" + data(), "--username=portolan", "--auth=trust", "--encoding=UTF8",
                     "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"});
            if (done != 0)
                throw std::runtime_error("initdb failed: " + log());
            start();
        } catch (...) {
            stop();
            std::filesystem::remove_all(m_directory);
            throw;
        }
    }

    ~PostgresFixture()
    {
        stop();
        std::error_code ignored;
        std::filesystem::remove_all(m_directory, ignored);
    }

    PostgresFixture(const PostgresFixture &) = delete;
    PostgresFixture &operator=(const PostgresFixture &) = delete;

    pid_t pid() const { return m_pid; } ///< of the postmaster; 0 while it does not run
    const std::filesystem::path &directory() const { return m_directory; }

    /// For DatabaseUrl::parse().
    std::string url(std::string_view database) const { return urlOf(m_directory, database); }
    static std::string urlOf(const std::filesystem::path &directory, std::string_view database)
    {
        std::string host;
        for (const char c : directory.string())
            host += c == '/' ? "%2F" : std::string(1, c);
        return "postgresql://portolan@" + host + '/' + std::string(database);
    }

    void createDatabase(std::string_view name) { sql("CREATE DATABASE \"" + std::string(name) + '"'); }
    void dropDatabase(std::string_view name) { sql("DROP DATABASE \"" + std::string(name) + "\" WITH (FORCE)"); }

    /// One statement through psql, as superuser; what it printed (unaligned, no headers). Throws when it fails.
    std::string sql(const std::string &statement, std::string_view database = "postgres")
    {
        return sqlAt(m_directory, statement, database);
    }
    /// The same through whatever listens in `host`, a pooler for example.
    std::string sqlAt(const std::filesystem::path &host, const std::string &statement, std::string_view database)
    {
        const auto output = m_directory / "psql.out";
        const int done =
            run({tool("psql"), "--host=" + host.string(), "--username=portolan", "--no-psqlrc", "--quiet",
                 "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname=" + std::string(database),
                 "--output=" + output.string(), "--command=" + statement});
        if (done != 0)
            throw std::runtime_error("psql failed: " + log());
        std::string text = unprivileged::read(output);
        while (text.ends_with('\n'))
            text.pop_back();
        return text;
    }

    /// Starts it and returns once it answers, with the data it left before.
    void start()
    {
        if (m_pid != 0)
            return;
        std::vector<std::string> arguments = {tool("postgres"),     "-D", data(),      "-k", m_directory.string(), "-c",
                                              "listen_addresses=",  "-c", "fsync=off", "-c", "max_connections=50", "-c",
                                              "shared_buffers=32MB"};
        for (const auto &setting : m_settings)
            arguments.insert(arguments.end(), {"-c", setting});
        m_pid = launch(arguments);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (run({tool("pg_isready"), "--quiet", "--host=" + m_directory.string(), "--username=portolan"}) != 0) {
            if (waitpid(m_pid, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline) {
                stop();
                throw std::runtime_error("postgres did not start: " + log());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }

    /// At once, as after a crash, with all its processes; returns when it is gone.
    void stop()
    {
        if (m_pid == 0)
            return;
        resume();
        kill(m_pid, SIGQUIT);
        waitpid(m_pid, nullptr, 0);
        m_pid = 0;
    }

    void pause() { signalAll(SIGSTOP); }  ///< stuck: keeps its connections, answers nothing
    void resume() { signalAll(SIGCONT); } ///< goes on where it was

private:
    /// Debian keeps the server's programs out of PATH, by version.
    static std::string tool(const std::string &name)
    {
        std::vector<std::filesystem::path> found;
        std::error_code ignored;
        for (const auto &version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored))
            if (std::filesystem::exists(version.path() / "bin" / name))
                found.push_back(version.path() / "bin" / name);
        if (found.empty())
            throw std::runtime_error(name + " of PostgreSQL is not installed");
        return std::ranges::max(found).string();
    }

    std::string data() const { return (m_directory / "data").string(); }
    std::string log() const { return unprivileged::read(m_directory / "log"); }

    pid_t launch(const std::vector<std::string> &arguments) const
    {
        return unprivileged::launch(arguments, m_directory / "log", SIGQUIT);
    }

    int run(const std::vector<std::string> &arguments) const
    {
        int status = -1;
        waitpid(launch(arguments), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    /// The postmaster and its children, each of which leads a group of its own.
    void signalAll(int signal) const
    {
        if (m_pid == 0)
            return;
        kill(m_pid, signal);
        std::istringstream children(
            unprivileged::read("/proc/" + std::to_string(m_pid) + "/task/" + std::to_string(m_pid) + "/children"));
        for (pid_t child = 0; children >> child;)
            kill(child, signal);
    }

    std::filesystem::path m_directory;
    const std::vector<std::string> m_settings;
    pid_t m_pid = 0;
};

} // namespace portolan
