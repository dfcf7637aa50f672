// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

/// Servers that refuse to run as root (PostgreSQL, PgBouncer), for tests that do.
namespace portolan::unprivileged {

inline const passwd *user()
{
    for (const char *name : {"postgres", "nobody"})
        if (const passwd *found = getpwnam(name))
            return found;
    throw std::runtime_error("there is no user postgres or nobody to run servers as");
}

/// A temporary directory that this user may write.
inline std::filesystem::path makeDirectory(const std::string &prefix)
{
    std::string name = (std::filesystem::temp_directory_path() / (prefix + "-XXXXXX")).string();
    if (!mkdtemp(name.data()))
        throw std::runtime_error("cannot make a directory " + name);
    if (geteuid() == 0) {
        const passwd *owner = user();
        if (chown(name.c_str(), owner->pw_uid, owner->pw_gid) != 0)
            throw std::runtime_error("cannot hand the directory to " + std::string(owner->pw_name));
    }
    return name;
}

inline std::string read(const std::filesystem::path &path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// Forks a program as that user when we are root; what it says goes to `log`, and it dies with the thread that started
/// it, by `deathSignal`. Everything the child needs is made before.
inline pid_t launch(const std::vector<std::string> &arguments, const std::filesystem::path &log, int deathSignal)
{
    std::vector<char *> argv;
    for (const auto &argument : arguments)
        argv.push_back(const_cast<char *>(argument.c_str()));
    argv.push_back(nullptr);
    const passwd *owner = geteuid() == 0 ? user() : nullptr;
    const uid_t uid = owner ? owner->pw_uid : 0;
    const gid_t gid = owner ? owner->pw_gid : 0;
    const pid_t child = fork();
    if (child < 0)
        throw std::runtime_error("cannot fork");
    if (child > 0)
        return child;
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (owner && (setgid(gid) != 0 || setuid(uid) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, deathSignal);
    setenv("LC_ALL", "C.UTF-8", 1);
    if (chdir("/") == 0)
        execv(argv[0], argv.data());
    _exit(127);
}

} // namespace portolan::unprivileged
