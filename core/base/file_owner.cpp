// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/file_owner.h"

#include "core/base/child_process.h"
#include "core/base/given_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <system_error>

namespace portolan {

namespace fs = std::filesystem;

namespace {

constexpr int mostLinks = 40; ///< as many as Linux follows

Error cannotRead(int error, const fs::path &path)
{
    const auto kind = error == ENOENT || error == ENOTDIR ? ErrorKind::NotFound : ErrorKind::Unavailable;
    return failure(kind, "Cannot read " + visible(path.string()) + ": " + std::system_category().message(error));
}

Error foreignFile(const fs::path &path, const std::string &why, const std::string &mend)
{
    return failure(ErrorKind::Forbidden, visible(path.string()) + ' ' + why, mend);
}

bool isOurs(const struct stat &status) { return status.st_uid == ::geteuid() || status.st_uid == 0; }

/// One file, folder or link on the way. An access list that lets others write shows in the group's bits.
std::optional<Error> whyForeign(const fs::path &path, const struct stat &status)
{
    if (!isOurs(status))
        return foreignFile(path, "belongs to another user", "Make it this user's, or root's");
    if (S_ISLNK(status.st_mode) || (status.st_mode & 022) == 0) // a link's own mode means nothing
        return std::nullopt;
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX))
        return std::nullopt;
    return foreignFile(path, "can be written by others", "Run chmod go-w on it");
}

/// Follows a path as the kernel does, and looks at everything on it: whoever may write any of that may put another file
/// in this one's place.
class WayTo final
{
public:
    explicit WayTo(const fs::path &path) : m_at("/") { push(path); }

    /// Ends at the file; then end() is its state.
    std::optional<Error> follow()
    {
        if (auto foreign = look())
            return foreign;
        while (!m_rest.empty()) {
            const fs::path name = std::move(m_rest.front());
            m_rest.pop_front();
            if (name == "..") {
                m_at = m_at.parent_path();
                continue;
            }
            const fs::path folder = m_at;
            m_at /= name;
            if (auto foreign = look())
                return foreign;
            if (!S_ISLNK(m_end.st_mode))
                continue;
            std::array<char, 4096> target{};
            const auto size = ::readlink(m_at.c_str(), target.data(), target.size());
            if (size <= 0 || ++m_links > mostLinks)
                return cannotRead(size < 0 ? errno : ELOOP, m_at);
            m_at = folder;
            push(std::string(target.data(), std::size_t(size)));
        }
        return std::nullopt;
    }

    const struct stat &end() const { return m_end; }

private:
    void push(const fs::path &path)
    {
        if (path.is_absolute())
            m_at = "/";
        auto place = m_rest.begin();
        for (const auto &name : path.relative_path())
            if (!name.empty() && name != ".")
                place = std::next(m_rest.insert(place, name));
    }

    std::optional<Error> look()
    {
        if (::lstat(m_at.c_str(), &m_end) != 0)
            return cannotRead(errno, m_at);
        return whyForeign(m_at, m_end);
    }

    fs::path m_at;
    std::deque<fs::path> m_rest;
    struct stat m_end
    {};
    int m_links = 0;
};

struct Opened
{
    FileDescriptor file;
    struct stat status
    {};
};

Result<Opened> openRegular(const fs::path &path)
{
    // Opening a pipe would wait for whoever writes into it.
    Opened opened{FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK))};
    if (!opened.file || ::fstat(opened.file.get(), &opened.status) != 0)
        return cannotRead(errno, path);
    if (!S_ISREG(opened.status.st_mode))
        return failure(ErrorKind::Unavailable, "Cannot read " + visible(path.string()) + ": it is no regular file");
    return opened;
}

Result<std::string> readAll(const Opened &opened, const fs::path &path, std::size_t limit)
{
    std::string content;
    std::array<char, 16384> buffer{};
    while (true) {
        const auto got = ::read(opened.file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannotRead(errno, path);
        if (got == 0)
            return content;
        content.append(buffer.data(), std::size_t(got));
        if (content.size() > limit)
            return failure(ErrorKind::TooLarge,
                           visible(path.string()) + " is larger than " + std::to_string(limit) + " bytes");
    }
}

Result<Opened> openSecret(const fs::path &path)
{
    auto opened = openRegular(path);
    if (!opened)
        return opened;
    if (!isOurs(opened->status))
        return foreignFile(path, "belongs to another user", "Make it this user's: it holds a secret");
    if ((opened->status.st_mode & 077) != 0)
        return foreignFile(path, "is open to others", "Run chmod 600 on it: it holds a secret");
    return opened;
}

} // namespace

Result<OwnedText> readOwnedFile(const fs::path &path, std::size_t limit)
{
    std::error_code error;
    const fs::path whole = fs::absolute(path, error);
    if (error)
        return cannotRead(error.value(), path);
    const auto opened = openRegular(path);
    if (!opened)
        return opened.error();
    OwnedText owned;
    owned.foreign = whyForeign(path, opened->status);
    WayTo way(whole);
    if (auto foreign = way.follow(); foreign && !owned.foreign)
        owned.foreign = foreign;
    const bool same = way.end().st_dev == opened->status.st_dev && way.end().st_ino == opened->status.st_ino;
    if (!owned.foreign && !same)
        owned.foreign = foreignFile(path, "was replaced while it was read", "Try again");
    auto text = readAll(*opened, path, limit);
    if (!text)
        return text.error();
    owned.text = std::move(*text);
    return owned;
}

Result<std::string> readSecretFile(const fs::path &path, std::size_t limit)
{
    const auto opened = openSecret(path);
    if (!opened)
        return opened.error();
    return readAll(*opened, path, limit);
}

Result<void> checkSecretFile(const fs::path &path)
{
    const auto opened = openSecret(path);
    if (!opened)
        return opened.error();
    return {};
}

} // namespace portolan
