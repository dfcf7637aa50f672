// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/audit_spool.h"

#include "core/base/json.h"
#include "core/base/json_numbers.h"

#include <boost/json/parse.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace portolan::portal {
namespace {

constexpr JsonLimits entryLimits{.depth = 4, .string = 64 * 1024, .items = 64, .errors = 1};

Error unusable(const std::filesystem::path &file, int reason)
{
    const bool full = reason == ENOSPC || reason == EDQUOT;
    return failure(full ? ErrorKind::Full : ErrorKind::Unavailable,
                   "The file " + file.string() + " cannot be written: " + std::strerror(reason) + '.',
                   full ? "Free space on its disk." : "Give this user the right to write it.");
}

} // namespace

AuditSpool::AuditSpool(std::filesystem::path file, std::size_t bytes) : m_file(std::move(file)), m_bytes(bytes) {}

AuditSpool::~AuditSpool()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

Result<void> AuditSpool::open()
{
    const std::lock_guard lock(m_mutex);
    m_descriptor = ::open(m_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (m_descriptor < 0)
        return unusable(m_file, errno);
    std::string text(m_bytes, '\0');
    const auto count = ::pread(m_descriptor, text.data(), text.size(), 0);
    if (count < 0)
        return unusable(m_file, errno);
    text.resize(std::min(static_cast<std::size_t>(count), text.find('\0')));
    for (std::size_t at = 0; at < text.size();) {
        const auto line = text.find('\n', at);
        if (line == text.npos)
            break;
        boost::system::error_code error;
        const auto value = boost::json::parse(std::string_view(text).substr(at, line - at), error);
        auto entry = error ? Result<AuditEntry>(failure(ErrorKind::Protocol, error.message()))
                           : fromJson<AuditEntry>(value, JsonMode::Lenient, entryLimits);
        if (entry) // a damaged one costs only itself
            m_entries.push_back(std::move(*entry));
        at = m_end = line + 1;
    }
    if (const int reason = ::posix_fallocate(m_descriptor, 0, static_cast<off_t>(m_bytes)); reason != 0)
        return unusable(m_file, reason);
    m_kept.emplace(m_file);
    return {};
}

/// All of it into a file of its own beside the place, which then takes the place.
Result<void> AuditSpool::makeAnew()
{
    std::string text;
    for (const AuditEntry &entry : m_entries)
        text += jsonText(toJson(entry)) + '\n';
    const std::filesystem::path draft = m_file.string() + ".new";
    const int made = ::open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return unusable(m_file, errno);
    const int old = std::exchange(m_descriptor, made);
    const int reason = ::posix_fallocate(made, 0, static_cast<off_t>(m_bytes));
    auto written = reason == 0 ? write(0, text) : Result<void>(unusable(m_file, reason));
    if (written && ::rename(draft.c_str(), m_file.c_str()) != 0)
        written = unusable(m_file, errno);
    if (!written) {
        ::close(std::exchange(m_descriptor, old));
        ::unlink(draft.c_str());
        return written;
    }
    ::close(old);
    m_end = text.size();
    m_kept.emplace(m_file);
    return {};
}

Result<void> AuditSpool::write(std::size_t at, std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto written = ::pwrite(m_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return unusable(m_file, errno);
        at += static_cast<std::size_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fdatasync(m_descriptor) != 0)
        return unusable(m_file, errno);
    return {};
}

Result<void> AuditSpool::add(const AuditEntry &entry)
{
    const std::string line = jsonText(toJson(entry)) + '\n';
    const std::lock_guard lock(m_mutex);
    if (m_descriptor < 0)
        return unusable(m_file, EBADF);
    if (m_kept && !m_kept->change().empty())
        if (auto made = makeAnew(); !made)
            return made;
    if (m_end + line.size() >= m_bytes)
        return failure(ErrorKind::Full, "The file " + m_file.string() + " is full.",
                       "Mend the database: what waits there is stored when it works again.");
    if (auto written = write(m_end, line); !written)
        return written;
    m_end += line.size();
    m_entries.push_back(entry);
    return {};
}

std::vector<AuditEntry> AuditSpool::entries() const
{
    const std::lock_guard lock(m_mutex);
    return m_entries;
}

std::size_t AuditSpool::size() const
{
    const std::lock_guard lock(m_mutex);
    return m_entries.size();
}

void AuditSpool::clear(std::size_t count)
{
    const std::lock_guard lock(m_mutex);
    if (m_descriptor < 0 || count != m_entries.size() || !write(0, std::string(m_end, '\0')))
        return;
    m_end = 0;
    m_entries.clear();
}

} // namespace portolan::portal
