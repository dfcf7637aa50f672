// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"

#include "core/base/ids.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace portolan {

namespace fs = std::filesystem;

namespace {

/// Closes a descriptor at the end of its scope.
class Descriptor final
{
public:
    explicit Descriptor(int fd) : m_fd(fd) {}
    ~Descriptor()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int get() const { return m_fd; }
    int release() { return std::exchange(m_fd, -1); }

private:
    int m_fd;
};

std::string reason(int error) { return std::system_category().message(error); }

Error fileError(int error, const std::string &what, const fs::path &path)
{
    const std::string message = what + ' ' + path.string() + ": " + reason(error);
    switch (error) {
    case ENOENT:
        return failure(ErrorKind::NotFound, message);
    case ENOSPC:
    case EDQUOT:
        return failure(ErrorKind::Full, message, "Free some room on that disk");
    case EACCES:
    case EPERM:
    case EROFS:
        return ofSettings(failure(ErrorKind::Invalid, message, "Make it writable for this user, or choose another"),
                          {"data_dir"});
    default:
        return failure(ErrorKind::Unavailable, message);
    }
}

Result<void> writeAll(int fd, std::string_view content, const fs::path &path)
{
    while (!content.empty()) {
        const auto written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fileError(errno, "Cannot write", path);
        content.remove_prefix(std::size_t(written));
    }
    return {};
}

/// What a lock file says about its holder.
std::string holderOf(int fd)
{
    std::array<char, 32> text{};
    const auto size = ::pread(fd, text.data(), text.size() - 1, 0);
    std::string pid(text.data(), size > 0 ? std::size_t(size) : 0);
    pid.erase(std::min(pid.find_first_not_of("0123456789"), pid.size()));
    return pid;
}

Result<void> makeDirectory(const fs::path &path)
{
    std::error_code error;
    if (path.has_parent_path())
        fs::create_directories(path.parent_path(), error);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) // for want of the folder above it, whose error says why
        return fileError(errno == ENOENT && error ? error.value() : errno, "Cannot make the data directory", path);
    struct stat info
    {};
    if (::stat(path.c_str(), &info) != 0)
        return fileError(errno, "Cannot read the data directory", path);
    if (!S_ISDIR(info.st_mode))
        return ofSettings(
            failure(ErrorKind::Invalid, "The data directory " + path.string() + " is a file", "Choose another"),
            {"data_dir"});
    if (info.st_uid != ::geteuid())
        return ofSettings(failure(ErrorKind::Invalid,
                                  "The data directory " + path.string() + " belongs to another user",
                                  "Run as that user, or choose another"),
                          {"data_dir"});
    if ((info.st_mode & 0077) != 0 && ::chmod(path.c_str(), 0700) != 0)
        return fileError(errno, "Cannot close the data directory to others:", path);
    return {};
}

fs::path lockFileIn(const fs::path &directory) { return directory / "portoland.lock"; }

} // namespace

fs::path defaultDataDirectory(const std::function<std::optional<std::string>(const std::string &)> &environment)
{
    const auto variable = [&](const char *name) {
        const auto value = environment ? environment(name) : std::nullopt;
        return value && !value->empty() && value->front() == '/' ? fs::path(*value) : fs::path();
    };
    if (const auto data = variable("XDG_DATA_HOME"); !data.empty())
        return data / "portolan";
    const auto home = variable("HOME");
    if (::geteuid() == 0 || home.empty() || home == "/" || home == "/nonexistent")
        return "/var/lib/portolan";
    return home / ".local/share/portolan";
}

Result<DataDirectory> DataDirectory::open(const fs::path &path)
{
    std::error_code error;
    const fs::path whole = fs::absolute(path, error);
    if (error || path.empty())
        return ofSettings(failure(ErrorKind::Invalid, "The data directory has no usable name", "Choose one"),
                          {"data_dir"});
    if (const auto made = makeDirectory(whole); made.has_error())
        return made.error();
    const fs::path file = lockFileIn(whole);
    Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock.get() < 0)
        return fileError(errno, "Cannot open the lock file", file);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return fileError(errno, "Cannot lock", file);
        Error taken = failure(ErrorKind::Conflict,
                              "The data directory " + whole.string() + " is in use by process " + holderOf(lock.get()),
                              "Stop that process, or choose another directory");
        taken.code = "data-dir-locked";
        return ofSettings(aboutThat(std::move(taken), whole.string()), {"data_dir"});
    }
    if (::ftruncate(lock.get(), 0) != 0)
        return fileError(errno, "Cannot write", file);
    if (const auto written = writeAll(lock.get(), std::to_string(::getpid()) + '\n', file); written.has_error())
        return written.error();
    return DataDirectory(whole, lock.release());
}

DataDirectory::DataDirectory(fs::path path, int lock)
    : m_path(std::move(path)), m_folder(m_path), m_lockFile(lockFileIn(m_path)), m_lock(lock)
{}

DataDirectory::DataDirectory(DataDirectory &&other) noexcept
    : m_path(std::move(other.m_path)),
      m_folder(std::move(other.m_folder)),
      m_lockFile(std::move(other.m_lockFile)),
      m_lock(std::exchange(other.m_lock, -1))
{}

Result<void> DataDirectory::keep()
{
    const auto moved = [](const KeptFile &file, std::string_view change) {
        Error error =
            failure(ErrorKind::Unavailable, file.path().string() + ' ' + std::string(change) + " while it is in use",
                    "Put the very same one back (moved, not copied), or restart the portal");
        error.code = "data-dir-moved";
        return aboutThat(std::move(error), file.path().string());
    };
    if (const auto change = m_folder.change(); !change.empty())
        return moved(m_folder, change);
    const auto change = m_lockFile.change();
    if (change.empty())
        return {};
    // Only where there is none: whoever made another may hold it.
    const fs::path &file = m_lockFile.path();
    Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock.get() < 0 || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 ||
        writeAll(lock.get(), std::to_string(::getpid()) + '\n', file).has_error())
        return moved(m_lockFile, change);
    m_lockFile = KeptFile(file);
    ::close(std::exchange(m_lock, lock.release()));
    return {};
}

DataDirectory &DataDirectory::operator=(DataDirectory &&other) noexcept
{
    std::swap(m_path, other.m_path);
    std::swap(m_folder, other.m_folder);
    std::swap(m_lockFile, other.m_lockFile);
    std::swap(m_lock, other.m_lock);
    return *this;
}

DataDirectory::~DataDirectory()
{
    // The file stays: removing it would let a third process lock a new one beside somebody who waits on the old.
    if (m_lock >= 0)
        ::close(m_lock);
}

Result<void> writeFileAtomically(const fs::path &path, std::string_view content, unsigned mode)
{
    const fs::path temporary = path.string() + '.' + randomToken(6) + ".tmp";
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.get() < 0)
        return fileError(errno, "Cannot write", path);
    auto result = writeAll(file.get(), content, path);
    // The umask may have taken bits away that the caller asked for.
    if (!result.has_error() && (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0))
        result = fileError(errno, "Cannot write", path);
    if (!result.has_error() && ::rename(temporary.c_str(), path.c_str()) != 0)
        result = fileError(errno, "Cannot replace", path);
    if (result.has_error()) {
        ::unlink(temporary.c_str());
        return result;
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() >= 0 && ::fsync(directory.get()) != 0)
        return fileError(errno, "Cannot sync", folder);
    return result;
}

namespace {

Error unreadable(const fs::path &path, const std::string &why)
{
    return failure(ErrorKind::Unavailable, "Cannot read " + path.string() + ": " + why);
}

Result<std::string> readAll(const fs::path &path, std::size_t limit, bool pipes)
{
    // Opening a pipe waits for a writer, unless it is told not to; reading a regular file does not care.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | (pipes ? 0 : O_NONBLOCK)));
    if (file.get() < 0)
        return errno == ENOENT ? fileError(ENOENT, "Cannot read", path) : unreadable(path, reason(errno));
    struct stat status
    {};
    if (::fstat(file.get(), &status) != 0)
        return unreadable(path, reason(errno));
    if (!pipes && !S_ISREG(status.st_mode))
        return unreadable(path, S_ISDIR(status.st_mode) ? reason(EISDIR) : "it is no regular file");
    std::string content;
    std::array<char, 16384> buffer{};
    while (true) {
        const auto got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return unreadable(path, reason(errno));
        if (got == 0)
            return content;
        content.append(buffer.data(), std::size_t(got));
        if (content.size() > limit)
            return failure(ErrorKind::TooLarge, path.string() + " is larger than " + std::to_string(limit) + " bytes");
    }
}

} // namespace

Result<std::string> readFile(const fs::path &path, std::size_t limit) { return readAll(path, limit, false); }

Result<std::string> readNamedFile(const fs::path &path, std::size_t limit) { return readAll(path, limit, true); }

std::uint64_t raiseFileLimit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

} // namespace portolan
