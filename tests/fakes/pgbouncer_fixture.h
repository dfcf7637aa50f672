// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/postgres_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace portolan {

/// A real PgBouncer in front of a PostgresFixture, in transaction mode: after each transaction the server's session
/// goes to whoever comes next. On a Unix socket of its own. Throws with its log when it does not come up.
class PgBouncerFixture final
{
public:
    /// `poolSize`: server connections for each database. `server` must outlive it.
    explicit PgBouncerFixture(const PostgresFixture &server, int poolSize = 2)
        : m_directory(unprivileged::makeDirectory("pgbouncer"))
    {
        const auto file = m_directory / "pgbouncer.ini";
        std::ofstream(file) << "[databases]\n* = host=" << server.directory().string()
                            << " user=portolan\n"
                               "[pgbouncer]\npool_mode = transaction\nauth_type = any\nlisten_addr =\n"
                               "listen_port = 5432\nmax_client_conn = 500\nunix_socket_dir = "
                            << m_directory.string() << "\ndefault_pool_size = " << poolSize << '\n';
        m_pid = unprivileged::launch({program(), file.string()}, m_directory / "log", SIGINT);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!accepts(m_directory / ".s.PGSQL.5432")) {
            if (waitpid(m_pid, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("pgbouncer did not start: " + unprivileged::read(m_directory / "log"));
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    ~PgBouncerFixture()
    {
        kill(m_pid, SIGQUIT);
        waitpid(m_pid, nullptr, 0);
        std::error_code ignored;
        std::filesystem::remove_all(m_directory, ignored);
    }
    PgBouncerFixture(const PgBouncerFixture &) = delete;
    PgBouncerFixture &operator=(const PgBouncerFixture &) = delete;

    const std::filesystem::path &directory() const { return m_directory; }
    std::string url(std::string_view database) const { return PostgresFixture::urlOf(m_directory, database); }

private:
    /// Its file is there a moment before anybody listens.
    static bool accepts(const std::filesystem::path &path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        const int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool taken = connect(handle, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0;
        close(handle);
        return taken;
    }
    static std::string program()
    {
        for (const char *path : {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"})
            if (std::filesystem::exists(path))
                return path;
        throw std::runtime_error("pgbouncer is not installed");
    }

    const std::filesystem::path m_directory;
    pid_t m_pid = 0;
};

} // namespace portolan
