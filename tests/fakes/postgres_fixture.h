#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

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
        m_directory = makeDirectory();
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
    std::string url(std::string_view database) const
    {
        std::string host;
        for (const char c : m_directory.string())
            host += c == '/' ? "%2F" : std::string(1, c);
        return "postgresql://portolan@" + host + '/' + std::string(database);
    }

    void createDatabase(std::string_view name) { sql("CREATE DATABASE \"" + std::string(name) + '"'); }
    void dropDatabase(std::string_view name) { sql("DROP DATABASE \"" + std::string(name) + "\" WITH (FORCE)"); }

    /// One statement through psql, as superuser; what it printed (unaligned, no headers). Throws when it fails.
    std::string sql(const std::string &statement, std::string_view database = "postgres")
    {
        const auto output = m_directory / "psql.out";
        const int done =
            run({tool("psql"), "--host=" + m_directory.string(), "--username=portolan", "--no-psqlrc", "--quiet",
                 "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname=" + std::string(database),
                 "--output=" + output.string(), "--command=" + statement});
        if (done != 0)
            throw std::runtime_error("psql failed: " + log());
        std::string text = read(output);
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
    static std::filesystem::path makeDirectory()
    {
        std::string name = (std::filesystem::temp_directory_path() / "pg-XXXXXX").string();
        if (!mkdtemp(name.data()))
            throw std::runtime_error("cannot make a directory for postgres");
        if (geteuid() == 0) {
            const passwd *user = unprivileged();
            if (chown(name.c_str(), user->pw_uid, user->pw_gid) != 0)
                throw std::runtime_error("cannot hand the directory to " + std::string(user->pw_name));
        }
        return name;
    }

    static const passwd *unprivileged()
    {
        for (const char *name : {"postgres", "nobody"})
            if (const passwd *user = getpwnam(name))
                return user;
        throw std::runtime_error("there is no user postgres or nobody to run postgres as");
    }

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
    std::string log() const { return read(m_directory / "log"); }

    static std::string read(const std::filesystem::path &path)
    {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }

    /// Forks; everything the child needs is made before.
    pid_t launch(const std::vector<std::string> &arguments) const
    {
        std::vector<char *> argv;
        for (const auto &argument : arguments)
            argv.push_back(const_cast<char *>(argument.c_str()));
        argv.push_back(nullptr);
        const std::string logFile = m_directory / "log";
        const passwd *user = geteuid() == 0 ? unprivileged() : nullptr;
        const uid_t uid = user ? user->pw_uid : 0;
        const gid_t gid = user ? user->pw_gid : 0;
        const pid_t child = fork();
        if (child < 0)
            throw std::runtime_error("cannot fork");
        if (child > 0)
            return child;
        const int output = open(logFile.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        if (user && (setgid(gid) != 0 || setuid(uid) != 0))
            _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        setenv("LC_ALL", "C.UTF-8", 1);
        if (chdir("/") == 0)
            execv(argv[0], argv.data());
        _exit(127);
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
            read("/proc/" + std::to_string(m_pid) + "/task/" + std::to_string(m_pid) + "/children"));
        for (pid_t child = 0; children >> child;)
            kill(child, signal);
    }

    std::filesystem::path m_directory;
    const std::vector<std::string> m_settings;
    pid_t m_pid = 0;
};

} // namespace portolan
